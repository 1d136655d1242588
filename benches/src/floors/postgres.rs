//! Bare inserts into Postgres on a held connection, and an ingest as one writes it at first.

use std::time::Duration;

use sqlx::postgres::PgConnection;
use sqlx::{Connection, Executor};
use uuid::Uuid;

use crate::Result;
use crate::clock::now;
use crate::leads::{Bare, Leads};
use crate::server::Server;
use crate::stats::percentile;

/// One table, and a connection to fill it; for the naive ingest three more.
pub struct BarePostgres {
    conn: PgConnection,
    server: Server,
    written: u64,
}

impl BarePostgres {
    /// Tables that are new.
    pub async fn new(server: &Server) -> Result<Self> {
        let mut conn = server.connect().await?;
        conn.execute(SCHEMA).await?;
        Ok(Self { conn, server: server.clone(), written: 0 })
    }

    /// Another connection to the tables that are there.
    pub async fn beside(server: &Server) -> Result<Self> {
        Ok(Self { conn: server.connect().await?, server: server.clone(), written: 0 })
    }

    /// One row a transaction, each timed: the median in milliseconds.
    pub async fn median_latency(&mut self, leads: &Leads, count: usize) -> Result<f64> {
        let mut took = Vec::with_capacity(count);
        for _ in 0..count {
            let row = leads.bare();
            let before = now();
            let insert = sqlx::query(INSERT).bind(row.id).bind(row.workspace).bind(row.phone).bind(row.body);
            insert.execute(&mut self.conn).await?;
            took.push(before.elapsed().as_secs_f64() * 1e3);
        }
        self.written += count as u64;
        Ok(percentile(&mut took, 0.5))
    }

    /// Rows in one statement, as arrays.
    pub async fn batch(&mut self, rows: Vec<Bare>) -> Result<u64> {
        let count = rows.len() as u64;
        let (mut ids, mut workspaces, mut phones, mut bodies) = (vec![], vec![], vec![], vec![]);
        for Bare { id, workspace, phone, body } in rows {
            ids.push(id);
            workspaces.push(workspace);
            phones.push(phone);
            bodies.push(body);
        }
        let insert = sqlx::query(UNNEST).bind(ids).bind(workspaces).bind(phones).bind(bodies);
        insert.execute(&mut self.conn).await?;
        self.written += count;
        Ok(count)
    }

    /// Leads, each by a transaction of four statements, until the window is over.
    pub async fn naive(&mut self, leads: &Leads, window: Duration) -> Result<u64> {
        let end = now() + window;
        let mut taken = 0;
        while now() < end {
            let lead = leads.bare();
            let mut tx = self.conn.begin().await?;
            let contact =
                sqlx::query_scalar::<_, Uuid>(CONTACT).bind(lead.id).bind(lead.workspace).bind(lead.phone);
            let contact = contact.fetch_one(&mut *tx).await?;
            let insert = sqlx::query(LEAD).bind(lead.id).bind(lead.workspace).bind(contact).bind(lead.body);
            insert.execute(&mut *tx).await?;
            sqlx::query(EVENT).bind(lead.id).bind(lead.workspace).execute(&mut *tx).await?;
            sqlx::query(ROLLUP).bind(lead.workspace).execute(&mut *tx).await?;
            tx.commit().await?;
            taken += 1;
        }
        Ok(taken)
    }

    /// Checks that all rows are there, and removes them. `naive`: leads that the naive ingest took.
    pub async fn finish(self, naive: u64) -> Result<()> {
        self.conn.close().await?;
        for (table, rows) in [("lead", self.written), ("naive_lead", naive), ("naive_event", naive)] {
            let stored = self.server.count(format!("SELECT count(*) FROM bench_floor.{table}")).await?;
            if stored != rows {
                return Err(format!("the floor wrote {rows} rows of {table}, {stored} are stored").into());
            }
        }
        self.server.run("DROP SCHEMA bench_floor CASCADE".to_owned()).await
    }
}

/// Tables of the floors.
pub const SCHEMA: &str = "DROP SCHEMA IF EXISTS bench_floor CASCADE; CREATE SCHEMA bench_floor;
    CREATE TABLE bench_floor.lead (id uuid PRIMARY KEY, workspace_id uuid NOT NULL, phone text NOT NULL, body bytea NOT NULL);
    CREATE TABLE bench_floor.naive_contact (id uuid PRIMARY KEY, workspace_id uuid NOT NULL, phone text NOT NULL,
        leads bigint NOT NULL, UNIQUE (workspace_id, phone));
    CREATE TABLE bench_floor.naive_lead (id uuid PRIMARY KEY, workspace_id uuid NOT NULL, contact_id uuid NOT NULL,
        body bytea NOT NULL, created_at timestamptz NOT NULL);
    CREATE TABLE bench_floor.naive_event (id bigserial PRIMARY KEY, workspace_id uuid NOT NULL, lead_id uuid NOT NULL,
        kind text NOT NULL, at timestamptz NOT NULL);
    CREATE TABLE bench_floor.naive_rollup (workspace_id uuid, day date, leads bigint NOT NULL,
        PRIMARY KEY (workspace_id, day));";
const INSERT: &str = "INSERT INTO bench_floor.lead VALUES ($1, $2, $3, $4)";
const UNNEST: &str =
    "INSERT INTO bench_floor.lead SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::bytea[])";
const CONTACT: &str = "INSERT INTO bench_floor.naive_contact AS c VALUES ($1, $2, $3, 1)
    ON CONFLICT (workspace_id, phone) DO UPDATE SET leads = c.leads + 1 RETURNING id";
const LEAD: &str = "INSERT INTO bench_floor.naive_lead VALUES ($1, $2, $3, $4, now())";
const EVENT: &str = "INSERT INTO bench_floor.naive_event (lead_id, workspace_id, kind, at) VALUES ($1, $2, 'lead.received', now())";
const ROLLUP: &str = "INSERT INTO bench_floor.naive_rollup AS r VALUES ($1, current_date, 1)
    ON CONFLICT (workspace_id, day) DO UPDATE SET leads = r.leads + 1";
