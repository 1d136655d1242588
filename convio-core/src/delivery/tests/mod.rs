mod guard;
mod signatures;

use chrono::{DateTime, TimeDelta, Utc};

use super::*;
use crate::id::SequentialIds;

fn start() -> DateTime<Utc> {
    "2027-03-02T10:00:00Z".parse().unwrap()
}

fn after(seconds: i64) -> DateTime<Utc> {
    start() + TimeDelta::seconds(seconds)
}
