//! Attribution of the paths of a file, for `scripts/attribution-peers`: a line of JSON for each line that it is told.
//!
//!     convio-attribution FILE
//!
//! The file has lines of `path;conversions;value;nulls` after a header. Its first answer says what the file holds.
//!
//! | told | answers |
//! |---|---|
//! | `touches` | the seconds in which texts became touches: channels found, touches made |
//! | `all`, `same` | the seconds of one pass over touches at hand: all rule models; first, last and linear alone |
//! | `credits` | conversions and values by channel, of all rule models |
//! | `journeys` | the seconds in which touches became journeys, which the next two take |
//! | `markov ORDER` | the seconds of `removal_effects`, and what it found |
//! | `shapley conversions`, `shapley rate` | the seconds of `shapley`, and what it found |
#![allow(clippy::print_stdout, reason = "it answers there")]

use std::hint::black_box;
use std::io::{BufRead, stdin};

use convio_benches::Result;
use convio_benches::clock::now;
use convio_benches::paths::{Paths, Row};
use convio_core::attribution::{ChannelShares, Journeys, Model, Worth, removal_effects, shapley};
use serde_json::{Map, Value, json};

fn main() -> Result<()> {
    let file = std::env::args().nth(1).ok_or("say the file of paths")?;
    let begin = now();
    let text = std::fs::read_to_string(file)?;
    let rows: Vec<Row> = text.lines().skip(1).map(str::parse).collect::<Result<_>>()?;
    let read = begin.elapsed().as_secs_f64();
    drop(text);
    let paths = Paths::of(&rows)?;
    println!("{}", json!({ "read": read, "paths": paths.count(), "touches": paths.touches() }));
    let mut journeys = Journeys::default();
    for line in stdin().lock().lines() {
        println!("{}", answer(line?.trim(), &rows, &paths, &mut journeys)?);
    }
    Ok(())
}

fn answer(told: &str, rows: &[Row], paths: &Paths, journeys: &mut Journeys) -> Result<Value> {
    Ok(match told.split_once(' ').unwrap_or((told, "")) {
        ("touches", _) => timed(|| Paths::of(rows))?.1,
        ("all", _) => timed(|| paths.credits(&Model::ALL))?.1,
        ("same", _) => timed(|| paths.credits(&SAME))?.1,
        ("credits", _) => credits(paths)?,
        ("journeys", _) => {
            let (made, seconds) = timed(|| paths.journeys())?;
            *journeys = made;
            seconds
        }
        ("markov", order) => {
            let order = order.parse()?;
            let (found, mut said) = timed(|| Ok(removal_effects(journeys, order)?))?;
            said["worths"] = worths(&found);
            said["states"] = json!(paths.states(order));
            said
        }
        ("shapley", worth) => {
            let worth = if worth == "rate" { Worth::Rate } else { Worth::Conversions };
            let (found, mut said) = timed(|| Ok(shapley(journeys, worth)?))?;
            said["worths"] = worths(&found);
            said
        }
        _ => return Err(format!("`{told}` is nothing that it does").into()),
    })
}

fn timed<T>(work: impl FnOnce() -> Result<T>) -> Result<(T, Value)> {
    let begin = now();
    let done = black_box(work()?);
    Ok((done, json!({ "seconds": begin.elapsed().as_secs_f64() })))
}

/// By model and channel: conversions and value.
fn credits(paths: &Paths) -> Result<Value> {
    let credits = paths.credits(&Model::ALL)?;
    let mut models = Map::new();
    for (n, model) in Model::ALL.iter().enumerate() {
        let name = serde_json::to_value(model)?;
        let name = name.as_str().unwrap_or("time_decay").to_owned();
        let each = paths.names().iter().zip(credits.first[n].iter().zip(&credits.second[n]));
        models.insert(name, each.map(|(channel, of)| (channel.to_string(), json!(of))).collect());
    }
    Ok(Value::Object(models))
}

fn worths(found: &ChannelShares) -> Value {
    found.each.iter().map(|it| (it.channel.to_string(), json!(it.worth))).collect()
}

/// The models that ChannelAttribution has.
const SAME: [Model; 3] = [Model::FirstTouch, Model::LastTouch, Model::Linear];
