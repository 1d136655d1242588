//! The subject: Convio over a store, filled through its public face.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use convio_core::clock::Clock;
use convio_core::service::{Atomicity, RandomIds, SystemClock};
use convio_core::use_case::ingest::{self, IngestPlan, Verdict};
use convio_core::use_case::{ConfigSnapshot, Context};
use convio_core::{
    ChangeSet, Coalesced, Convio, LeadId, Need, Needs, NewWebhook, NewWorkspace, Origin, RawLead, Store,
    WebhookId, WebhookSettings, WorkspaceHandle,
};
use convio_store_memory::MemoryStore;
use convio_store_postgres::{Options, PgStore};
use convio_store_sqlite::SqliteStore;
use rusqlite::{Connection, OpenFlags};
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use tempfile::TempDir;

use crate::Result;
use crate::feeds::Elsewhere;
use crate::floors::days::BareDays;
use crate::floors::feed::BareFeed;
use crate::lab::Lab;
use crate::leads::WEBHOOK;
use crate::server::Server;

/// Convio over a store, and how many leads it has acknowledged.
pub struct Subject {
    convio: Convio<'static>,
    workspaces: Vec<(WorkspaceHandle<'static>, WebhookId)>,
    taken: AtomicU64,
    place: Place,
}

/// Where the rows go.
enum Place {
    Memory,
    Sqlite { file: PathBuf, _folder: TempDir },
    Postgres { server: Server, schema: String, store: PgStore },
}

/// How commits reach a server.
#[derive(Clone, Copy, PartialEq)]
enum Travel {
    /// Those that wait travel together, as is best for many callers of one process. The other stores have no round trip to share,
    /// and the writer of SQLite shares its sync by itself.
    Together,
    /// Each by itself, as those of several processes do.
    Alone,
    /// The same, and other processes are told.
    Told,
}

impl Subject {
    /// On the store in memory.
    pub async fn on_memory(workspaces: usize) -> Result<Self> {
        Self::over(MemoryStore::new(), workspaces, Place::Memory).await
    }

    /// On a SQLite file of its own. Commits are synced.
    pub async fn on_sqlite(lab: &Lab, workspaces: usize) -> Result<Self> {
        let folder = lab.folder()?;
        let file = folder.path().join("leads.db");
        let store = SqliteStore::open(&file)?;
        Self::over(store, workspaces, Place::Sqlite { file, _folder: folder }).await
    }

    /// In a schema of its own on the server, with as many connections, all of them held, as [`PgStore::connect`] has.
    pub async fn on_postgres(server: &Server, workspaces: usize) -> Result<Self> {
        Ok(Self::with_connections(server, workspaces, CONNECTIONS, Travel::Together).await?.0)
    }

    /// The same for writers who know nothing of each other: commits do not wait to travel together.
    pub async fn of_strangers_on_postgres(server: &Server, workspaces: usize) -> Result<Self> {
        Ok(Self::with_connections(server, workspaces, CONNECTIONS, Travel::Alone).await?.0)
    }

    /// The same, and other processes are told of each commit.
    pub async fn telling_on_postgres(server: &Server) -> Result<Self> {
        Ok(Self::with_connections(server, 1, CONNECTIONS, Travel::Told).await?.0)
    }

    /// The same with one connection, which is not held: it comes back to the pool, where it can be asked.
    pub async fn on_one_connection(server: &Server) -> Result<(Self, PgPool)> {
        Self::with_connections(server, 1, 1, Travel::Together).await
    }

    async fn with_connections(
        server: &Server,
        workspaces: usize,
        connections: u32,
        travel: Travel,
    ) -> Result<(Self, PgPool)> {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let schema = format!("bench_{}_{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        let held = if connections == 1 { 0 } else { connections as usize };
        let pool = PgPoolOptions::new().max_connections(connections);
        let pool = pool.connect_with(PgConnectOptions::from_str(&server.url)?).await?;
        let options = Options::new().schema(schema.as_str())?.hold(held);
        let options = if travel == Travel::Told { options.notify() } else { options };
        let store = PgStore::with(pool.clone(), options);
        store.migrate().await?;
        let place = Place::Postgres { server: server.clone(), schema, store: store.clone() };
        let subject = match travel {
            Travel::Together => Self::over(Coalesced::new(store), workspaces, place).await?,
            Travel::Alone | Travel::Told => Self::over(store, workspaces, place).await?,
        };
        Ok((subject, pool))
    }

    async fn over(store: impl Store + 'static, workspaces: usize, place: Place) -> Result<Self> {
        let convio = Convio::new(store);
        let mut made = Vec::with_capacity(workspaces);
        for n in 0..workspaces {
            let workspace = convio.create_workspace(NewWorkspace::named(format!("client {n}"))).await?;
            let region = |settings: &mut WebhookSettings| settings.region = "US".parse().ok();
            let webhook = workspace.create_webhook(NewWebhook::named(WEBHOOK).with(region)).await?;
            made.push((workspace, webhook.id));
        }
        Ok(Self { convio, workspaces: made, taken: AtomicU64::new(0), place })
    }

    /// The store.
    pub fn store(&self) -> &(dyn Store + 'static) {
        self.convio.store()
    }

    /// A workspace; they take turns.
    pub fn workspace(&self, n: usize) -> &WorkspaceHandle<'static> {
        &self.workspaces[n % self.workspaces.len()].0
    }

    /// Takes one lead.
    pub async fn take(&self, n: usize, raw: RawLead) -> Result<()> {
        self.workspace(n).ingest(raw).await?.into_accepted()?;
        self.note(1);
        Ok(())
    }

    /// Takes a batch, every row of it.
    pub async fn take_batch(&self, n: usize, rows: Vec<RawLead>) -> Result<u64> {
        Ok(self.leads(n, rows).await?.len() as u64)
    }

    /// Takes a batch, every row of it, and tells the leads.
    pub async fn leads(&self, n: usize, rows: Vec<RawLead>) -> Result<Vec<LeadId>> {
        let answer = self.workspace(n).ingest_batch(rows, Atomicity::PerRow).await?;
        let mut leads = Vec::with_capacity(answer.rows.len());
        for row in answer.rows {
            leads.push(row?.into_accepted()?.lead);
        }
        self.note(leads.len() as u64);
        Ok(leads)
    }

    /// What reads the days of a workspace's calendars by hand; `None` where no driver reads them.
    pub async fn bare_days(&self, n: usize) -> Result<Option<BareDays>> {
        let workspace = self.workspace(n).id().uuid();
        Ok(match &self.place {
            Place::Memory => None,
            Place::Sqlite { file, .. } => Some(BareDays::of_file(file, workspace)?),
            Place::Postgres { server, schema, .. } => {
                Some(BareDays::of_schema(server, schema, workspace).await?)
            }
        })
    }

    /// What reads the rows of a workspace's feed by hand; `None` where no driver reads them.
    pub async fn bare_feed(&self, n: usize) -> Result<Option<BareFeed>> {
        let workspace = self.workspace(n).id().uuid();
        Ok(match &self.place {
            Place::Memory => None,
            Place::Sqlite { file, .. } => Some(BareFeed::of_file(file, workspace)?),
            Place::Postgres { server, schema, .. } => {
                Some(BareFeed::of_schema(server, schema, workspace).await?)
            }
        })
    }

    /// Another handle of the same store, which hears of commits as another process does; `None` in memory.
    pub async fn elsewhere(&self) -> Result<Option<Elsewhere>> {
        Ok(match &self.place {
            Place::Memory => None,
            Place::Sqlite { file, .. } => Some(Elsewhere::of(Convio::new(SqliteStore::open(file)?))),
            Place::Postgres { server, schema, .. } => {
                // One connection listens, one reads.
                let pool = PgPoolOptions::new().max_connections(2);
                let pool = pool.connect_with(PgConnectOptions::from_str(&server.url)?).await?;
                let options = Options::new().schema(schema.as_str())?.hold(1);
                Some(Elsewhere::listening(PgStore::with(pool, options)))
            }
        })
    }

    /// Convio over the store.
    pub fn convio(&self) -> &Convio<'static> {
        &self.convio
    }

    /// The SQLite file, where there is one.
    pub fn file(&self) -> Option<&Path> {
        match &self.place {
            Place::Sqlite { file, .. } => Some(file),
            Place::Memory | Place::Postgres { .. } => None,
        }
    }

    /// What plans leads of a workspace, as ingest does.
    pub async fn planner(&self, n: usize) -> Result<Planner> {
        let id = self.workspace(n).id();
        let config = ConfigSnapshot::of(self.store().load(&Needs::of(id, [Need::Config])).await?, id)?;
        Ok(Planner { config, ids: RandomIds::default(), origin: Origin::default() })
    }

    /// Hands a planned lead to the store.
    pub async fn commit(&self, changes: ChangeSet) -> Result<()> {
        self.commit_all(vec![changes]).await.map(drop)
    }

    /// Hands planned leads to the store, in one call.
    pub async fn commit_all(&self, batch: Vec<ChangeSet>) -> Result<u64> {
        let count = batch.len() as u64;
        for result in self.store().commit(batch).await {
            result?;
        }
        self.note(count);
        Ok(count)
    }

    fn note(&self, leads: u64) {
        self.taken.fetch_add(leads, Ordering::Relaxed);
    }

    /// How many leads were acknowledged.
    pub fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }

    /// Fails unless as many leads are stored as were acknowledged. Databases are asked by a connection of ours.
    pub async fn check(&self) -> Result<()> {
        let stored = match &self.place {
            Place::Memory => self.counted().await?,
            Place::Sqlite { file, .. } => rows_of(file, "lead")?,
            Place::Postgres { server, schema, .. } => {
                server.count(format!("SELECT count(*) FROM {schema}.lead")).await?
            }
        };
        match self.taken() {
            taken if taken == stored && taken > 0 => Ok(()),
            taken => Err(format!("{taken} leads were acknowledged, {stored} are stored").into()),
        }
    }

    async fn counted(&self) -> Result<u64> {
        let mut leads = 0;
        for (workspace, webhook) in &self.workspaces {
            leads += workspace.webhook_activity(*webhook).await?.leads;
        }
        Ok(u64::try_from(leads)?)
    }

    /// How often the Postgres store ran a commit again.
    pub fn retries(&self) -> u64 {
        match &self.place {
            Place::Postgres { store, .. } => store.retries(),
            Place::Memory | Place::Sqlite { .. } => 0,
        }
    }

    /// Checks what is stored and removes it.
    pub async fn finish(self) -> Result<()> {
        self.check().await?;
        let Self { convio, workspaces, place, .. } = self;
        drop((workspaces, convio));
        if let Place::Postgres { server, schema, store } = place {
            drop(store);
            server.run(format!("DROP SCHEMA {schema} CASCADE")).await?;
        }
        Ok(())
    }
}

/// Plans leads, without the store.
pub struct Planner {
    config: ConfigSnapshot,
    ids: RandomIds,
    origin: Origin,
}

impl Planner {
    /// Reads, checks and normalises a lead, and plans what becomes of it.
    pub fn plan(&self, raw: &RawLead) -> Result<ChangeSet> {
        let (config, at) = (Some(&self.config), SystemClock.now());
        let context = Context { at, ids: &self.ids, origin: &self.origin, provider: None, config };
        let IngestPlan { changes, verdict, .. } = ingest::plan(raw, &self.config, &context)?;
        match verdict {
            Verdict::Take(_) => Ok(changes),
            Verdict::Reject(refused) => Err(format!("a lead is rejected: {refused:?}").into()),
        }
    }
}

/// How many rows a table of a SQLite file has.
pub fn rows_of(file: &Path, table: &str) -> Result<u64> {
    let conn = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let rows: i64 = conn.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0))?;
    Ok(u64::try_from(rows)?)
}

/// As many as [`PgStore::connect`] makes.
const CONNECTIONS: u32 = 8;
