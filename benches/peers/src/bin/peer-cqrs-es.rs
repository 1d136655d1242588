//! One event appended with cqrs-es and postgres-es, each to a stream of its own.

use std::str::FromStr;
use std::sync::Arc;

use convio_peers::{Arguments, Lead, Result, call, run, tell};
use cqrs_es::event_sink::EventSink;
use cqrs_es::{Aggregate, DomainEvent};
use postgres_es::{PostgresCqrs, postgres_cqrs};
use serde::{Deserialize, Serialize};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

fn main() -> Result<()> {
    run(peer())
}

async fn peer() -> Result<()> {
    let arguments = Arguments::read()?;
    // Its table has no schema in its name.
    let options = PgConnectOptions::from_str(&arguments.url)?.options([("search_path", "peer_cqrs_es")]);
    // Quicker than its own pool, which has ten connections and tests one before each use.
    let pool = PgPoolOptions::new().max_connections(arguments.callers).min_connections(arguments.callers);
    let pool = pool.test_before_acquire(false).connect_with(options).await?;
    sqlx::raw_sql(SCHEMA).execute(&pool).await?;
    let cqrs: Arc<PostgresCqrs<Intake>> = Arc::new(postgres_cqrs(pool.clone(), Vec::new(), ()));
    let told = call(&arguments, move |lead| take(cqrs.clone(), lead)).await?;
    let stored: i64 = sqlx::query_scalar("SELECT count(*) FROM events").fetch_one(&pool).await?;
    sqlx::raw_sql("DROP SCHEMA peer_cqrs_es CASCADE").execute(&pool).await?;
    tell(told, u64::try_from(stored)?);
    Ok(())
}

async fn take(cqrs: Arc<PostgresCqrs<Intake>>, Lead { n, phone, body }: Lead) -> Result<()> {
    Ok(cqrs.execute(&format!("{n:032x}"), Receive { phone, body }).await?)
}

/// A lead as an aggregate.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Intake {
    is_received: bool,
}

#[derive(Debug)]
struct Receive {
    phone: String,
    body: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Received {
    phone: String,
    body: String,
}

#[derive(Debug)]
struct Again;

impl Aggregate for Intake {
    const TYPE: &'static str = "lead";
    type Command = Receive;
    type Event = Received;
    type Error = Again;
    type Services = ();

    async fn handle(
        &mut self,
        command: Receive,
        (): &(),
        sink: &EventSink<Self>,
    ) -> std::result::Result<(), Again> {
        if self.is_received {
            return Err(Again);
        }
        let Receive { phone, body } = command;
        sink.write(Received { phone, body }, self).await;
        Ok(())
    }

    fn apply(&mut self, _: Received) {
        self.is_received = true;
    }
}

impl DomainEvent for Received {
    fn event_type(&self) -> String {
        "LeadReceived".to_owned()
    }

    fn event_version(&self) -> String {
        "1.0".to_owned()
    }
}

impl std::fmt::Display for Again {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the lead was received before")
    }
}

impl std::error::Error for Again {}

/// Its table as its documentation has it.
const SCHEMA: &str = "DROP SCHEMA IF EXISTS peer_cqrs_es CASCADE; CREATE SCHEMA peer_cqrs_es;
    CREATE TABLE peer_cqrs_es.events (aggregate_type text NOT NULL, aggregate_id text NOT NULL,
        sequence bigint CHECK (sequence >= 0) NOT NULL, event_type text NOT NULL, event_version text NOT NULL,
        payload json NOT NULL, metadata json NOT NULL, PRIMARY KEY (aggregate_type, aggregate_id, sequence));";
