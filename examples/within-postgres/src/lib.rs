//! A shop with tables of its own, `orders`, `stock` and `vouchers`, beside Convio's in one Postgres database. An order and the
//! conversion that it is are committed together, or neither is there. Each lead gets one voucher: it is committed together with the note
//! that the lead's event was dealt with.

use std::error::Error;

use convio_core::consumer::ConsumerSettings;
use convio_core::{
    Conversion, Convio, ErrorKind, EventBody, LeadId, Money, NewConversion, NewWorkspace, Position,
    WorkspaceHandle, WorkspaceId,
};
use convio_store_postgres::{PgStore, PgTx};
use sqlx::{Executor, PgPool, PgTransaction};
use uuid::Uuid;

/// The shop.
pub struct Shop {
    /// Its own pool, with which it writes what must be committed together. Convio takes its connections from it as well.
    db: PgPool,
    /// Its leads: for what Convio does alone.
    pub acme: WorkspaceHandle<'static>,
}

/// An order that was taken.
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    /// Its number.
    pub number: i64,
    /// The conversion that it is, unless Convio refused it.
    pub conversion: Option<Conversion>,
}

/// Why something went wrong.
pub type Failure = Box<dyn Error>;

impl Shop {
    /// Opens the shop's database, and makes the tables where there are none.
    ///
    /// # Errors
    /// The database can't be reached, or gives no right to make tables.
    pub async fn open(url: &str) -> Result<Self, Failure> {
        let db = PgPool::connect(url).await?;
        let store = PgStore::new(db.clone());
        store.migrate().await?; // it brings Convio's tables up to date, in a schema of their own
        let convio = Convio::new(store);
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
        db.execute(TABLES).await?;
        Ok(Self { db, acme })
    }

    /// Takes an order for kits: the order, its conversion and what is left in stock are there together, or not at all.
    ///
    /// # Errors
    /// Convio takes no conversion of this lead; there are not as many kits. Nothing has changed then.
    pub async fn order(&self, lead: LeadId, kits: i32) -> Result<Order, Failure> {
        // Dropped before its commit, as by every `?` from here on, it is rolled back.
        let mut tx = self.db.begin().await?;
        let (number, sale) = note(&mut tx, lead, kits).await?;
        let conversion = self.acme.within(PgTx::new(&mut tx)).convert(sale).await?;
        // More than there is breaks the table's check: then the conversion is undone with the order.
        take(&mut tx, kits).await?;
        tx.commit().await?;
        Ok(Order { number, conversion: Some(conversion) })
    }

    /// Takes an order whatever Convio says: where it refuses the conversion, the order is there without one.
    ///
    /// # Errors
    /// There are not as many kits. Nothing has changed then.
    pub async fn order_anyway(&self, lead: LeadId, kits: i32) -> Result<Order, Failure> {
        let mut tx = self.db.begin().await?;
        let (number, sale) = note(&mut tx, lead, kits).await?;
        let conversion = match self.acme.within(PgTx::new(&mut tx)).convert(sale).await {
            // A refusal is an answer: the transaction goes on as if Convio had not been asked.
            Err(error) if error.kind() == ErrorKind::Conflict => None,
            answer => Some(answer?),
        };
        take(&mut tx, kits).await?;
        tx.commit().await?;
        Ok(Order { number, conversion })
    }

    /// Gives a voucher to each lead that has none yet, and answers how many. Any number of processes may do so, and be killed at any point: a
    /// lead gets one.
    ///
    /// # Errors
    /// The database can't be written. What was committed by then stays.
    pub async fn hand_out_vouchers(&self) -> Result<usize, Failure> {
        let (mut worker, mut vouchers) = (self.acme.consumer(VOUCHERS), 0);
        while let Some(batch) = worker.poll().await? {
            let mut tx = self.db.begin().await?;
            for event in batch.events() {
                if let (EventBody::LeadReceived(_), Some(lead)) = (&event.body, event.lead_id()) {
                    let voucher = "INSERT INTO shop.vouchers (lead) VALUES ($1)";
                    sqlx::query(voucher).bind(lead.uuid()).execute(&mut *tx).await?;
                    vouchers += 1;
                }
            }
            // Both or neither: a voucher whose event would be handed out again would be there twice.
            batch.ack_within(&self.acme.within(PgTx::new(&mut tx))).await?;
            tx.commit().await?;
        }
        Ok(vouchers)
    }

    /// How many orders there are.
    ///
    /// # Errors
    /// The database can't be read.
    pub async fn orders(&self) -> Result<i64, Failure> {
        Ok(sqlx::query_scalar("SELECT count(*) FROM shop.orders").fetch_one(&self.db).await?)
    }

    /// How many kits are left.
    ///
    /// # Errors
    /// The database can't be read.
    pub async fn stock(&self) -> Result<i32, Failure> {
        Ok(sqlx::query_scalar("SELECT kits FROM shop.stock").fetch_one(&self.db).await?)
    }
}

/// Writes an order: its number, and the sale that it is.
async fn note(tx: &mut PgTransaction<'_>, lead: LeadId, kits: i32) -> Result<(i64, NewConversion), Failure> {
    let order = "INSERT INTO shop.orders (lead, kits) VALUES ($1, $2) RETURNING number";
    let number: i64 = sqlx::query_scalar(order).bind(lead.uuid()).bind(kits).fetch_one(&mut **tx).await?;
    let value = Money::from_minor(i64::from(kits) * KIT_CENTS, "USD".parse()?);
    Ok((number, NewConversion::sale(lead, value).external_id(format!("order-{number}"))))
}

/// Takes kits out of stock.
async fn take(tx: &mut PgTransaction<'_>, kits: i32) -> Result<(), Failure> {
    sqlx::query("UPDATE shop.stock SET kits = kits - $1").bind(kits).execute(&mut **tx).await?;
    Ok(())
}

/// The shop's tables, in its schema. Convio's are in another one.
const TABLES: &str = "
    CREATE SCHEMA IF NOT EXISTS shop;
    CREATE TABLE IF NOT EXISTS shop.orders (
        number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, lead uuid NOT NULL, kits int NOT NULL
    );
    CREATE TABLE IF NOT EXISTS shop.vouchers (number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, lead uuid NOT NULL);
    CREATE TABLE IF NOT EXISTS shop.stock (id int PRIMARY KEY CHECK (id = 1), kits int NOT NULL CHECK (kits >= 0));
    INSERT INTO shop.stock (id, kits) VALUES (1, 10) ON CONFLICT DO NOTHING;
";
/// The workspace has the id by which the shop knows its client.
const ACME: WorkspaceId = WorkspaceId::from_uuid(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0001));
/// Whoever gives out vouchers: its place in the feed is kept by Convio.
const VOUCHERS: &str = "vouchers";
/// What a kit costs.
const KIT_CENTS: i64 = 250_000;
