//! A shop with tables of its own, `orders`, `stock` and `vouchers`, beside Convio's in one SQLite file. An order and the conversion that
//! it is are committed together, or neither is there. Each lead gets one voucher: it is committed together with the note that the lead's
//! event was dealt with.

use std::error::Error;
use std::path::Path;

use convio_core::consumer::ConsumerSettings;
use convio_core::{
    Conversion, Convio, ErrorKind, EventBody, LeadId, Money, NewConversion, NewWorkspace, Position,
    WorkspaceHandle, WorkspaceId,
};
use convio_store_sqlite::{SqliteStore, run};
use rusqlite::{Connection, TransactionBehavior};
use uuid::Uuid;

/// The shop.
pub struct Shop {
    /// Its own connection, with which it writes what must be committed together.
    db: Connection,
    /// Its leads: for what Convio does alone.
    pub acme: WorkspaceHandle<'static>,
}

/// An order that was taken.
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    /// Its number.
    pub number: i64,
    /// The conversion that it is.
    pub conversion: Conversion,
}

/// Why something went wrong.
pub type Failure = Box<dyn Error>;

impl Shop {
    /// Opens the shop's file, or makes it.
    ///
    /// # Errors
    /// The file can't be opened.
    pub async fn open(path: &Path) -> Result<Self, Failure> {
        let convio = Convio::new(SqliteStore::open(path)?); // it brings Convio's tables up to date as well
        let acme = convio.workspace(ACME);
        let new = NewWorkspace::named("Acme Solar").zone("America/Los_Angeles").currency("USD");
        match convio.create_workspace_with_id(ACME, new).await {
            Err(error) if error.kind() == ErrorKind::Conflict => {} // it is there since an earlier start
            created => drop(created?),
        }
        match acme.create_consumer(VOUCHERS, ConsumerSettings::new(), Position(0)).await {
            Err(error) if error.kind() == ErrorKind::Conflict => {}
            created => created?,
        }
        let db = Connection::open(path)?;
        db.set_prepared_statement_cache_capacity(STATEMENTS);
        db.execute_batch(TABLES)?;
        Ok(Self { db, acme })
    }

    /// Takes an order for kits: the order, its conversion and what is left in stock are there together, or not at all.
    ///
    /// # Errors
    /// Convio takes no conversion of this lead; there are not as many kits. Nothing has changed then.
    pub fn order(&mut self, lead: LeadId, kits: u32) -> Result<Order, Failure> {
        // Dropped before its commit, as by every `?` from here on, it is rolled back.
        let tx = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;

        tx.execute("INSERT INTO orders (lead, kits) VALUES (?1, ?2)", (lead.to_string(), kits))?;
        let number = tx.last_insert_rowid();

        let value = Money::from_minor(i64::from(kits) * KIT_CENTS, "USD".parse()?);
        let sale = NewConversion::sale(lead, value).external_id(format!("order-{number}"));
        let conversion = run(&tx, async |store| self.acme.within(store).convert(sale).await)?;

        // More than there is breaks the table's check: then the conversion is undone with the order.
        tx.execute("UPDATE stock SET kits = kits - ?1", [kits])?;

        tx.commit()?;
        Ok(Order { number, conversion })
    }

    /// Gives a voucher to each lead that has none yet, and answers how many. Any number of processes may do so, and be killed at any point: a
    /// lead gets one.
    ///
    /// # Errors
    /// The file can't be written. What was committed by then stays.
    pub async fn hand_out_vouchers(&mut self) -> Result<usize, Failure> {
        let (mut worker, mut vouchers) = (self.acme.consumer(VOUCHERS), 0);
        while let Some(batch) = worker.poll().await? {
            let tx = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
            for event in batch.events() {
                if let (EventBody::LeadReceived(_), Some(lead)) = (&event.body, event.lead_id()) {
                    tx.execute("INSERT INTO vouchers (lead) VALUES (?1)", [lead.to_string()])?;
                    vouchers += 1;
                }
            }
            // Both or neither: a voucher whose event would be handed out again would be there twice.
            run(&tx, async |store| batch.ack_within(&self.acme.within(store)).await)?;
            tx.commit()?;
        }
        Ok(vouchers)
    }

    /// How many orders there are.
    ///
    /// # Errors
    /// The file can't be read.
    pub fn orders(&self) -> Result<i64, Failure> {
        Ok(self.db.query_row("SELECT count(*) FROM orders", [], |row| row.get(0))?)
    }

    /// How many kits are left.
    ///
    /// # Errors
    /// The file can't be read.
    pub fn stock(&self) -> Result<i64, Failure> {
        Ok(self.db.query_row("SELECT kits FROM stock", [], |row| row.get(0))?)
    }
}

/// The shop's tables. Convio's have other names.
const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS orders (number INTEGER PRIMARY KEY, lead TEXT NOT NULL, kits INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS vouchers (number INTEGER PRIMARY KEY, lead TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS stock (id INTEGER PRIMARY KEY CHECK (id = 1), kits INTEGER NOT NULL CHECK (kits >= 0));
    INSERT OR IGNORE INTO stock (id, kits) VALUES (1, 10);
";
/// The workspace has the id by which the shop knows its client.
const ACME: WorkspaceId = WorkspaceId::from_uuid(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0001));
/// Whoever gives out vouchers: its place in the feed is kept by Convio.
const VOUCHERS: &str = "vouchers";
/// What a kit costs.
const KIT_CENTS: i64 = 250_000;
/// Statements that the shop's connection keeps prepared: Convio's among them.
const STATEMENTS: usize = 128;
