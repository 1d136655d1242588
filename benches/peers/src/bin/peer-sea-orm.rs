//! The ingest with sea-orm, as one writes it: find the contact or insert it, insert the lead and its event, add to the rollup of
//! the day; all in one transaction.

use convio_peers::{Arguments, Lead, Result, call, run, tell};
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{ActiveValue::Set, ConnectOptions, Database, DatabaseConnection, TransactionTrait};
use time::OffsetDateTime;

fn main() -> Result<()> {
    run(peer())
}

async fn peer() -> Result<()> {
    let arguments = Arguments::read()?;
    let mut options = ConnectOptions::new(&arguments.url);
    // Quicker than its defaults, which test a connection before each use and log each statement.
    options.max_connections(arguments.callers).min_connections(arguments.callers);
    options.test_before_acquire(false).sqlx_logging(false);
    let db = Database::connect(options).await?;
    db.execute_unprepared(SCHEMA).await?;
    let pool = db.clone();
    let told = call(&arguments, move |lead| take(pool.clone(), lead)).await?;
    let stored = lead::Entity::find().count(&db).await?;
    db.execute_unprepared("DROP SCHEMA peer_sea_orm CASCADE").await?;
    tell(told, stored);
    Ok(())
}

async fn take(db: DatabaseConnection, lead: Lead) -> Result<()> {
    let now = OffsetDateTime::now_utc();
    let tx = db.begin().await?;
    let found = contact::Entity::find()
        .filter(contact::Column::WorkspaceId.eq(WORKSPACE))
        .filter(contact::Column::Phone.eq(&lead.phone))
        .one(&tx)
        .await?;
    let contact_id = match found {
        Some(contact) => contact.id,
        None => {
            let id = id(CONTACTS, lead.n);
            let new = contact::ActiveModel {
                id: Set(id),
                workspace_id: Set(WORKSPACE),
                phone: Set(lead.phone),
                first_name: Set("John".to_owned()),
                last_name: Set("Doe".to_owned()),
                created_at: Set(now),
            };
            contact::Entity::insert(new).exec_without_returning(&tx).await?;
            id
        }
    };
    let lead_id = id(LEADS, lead.n);
    let new = lead::ActiveModel {
        id: Set(lead_id),
        workspace_id: Set(WORKSPACE),
        contact_id: Set(contact_id),
        body: Set(lead.body.into_bytes()),
        created_at: Set(now),
    };
    lead::Entity::insert(new).exec_without_returning(&tx).await?;
    let new = event::ActiveModel {
        id: Set(id(EVENTS, lead.n)),
        workspace_id: Set(WORKSPACE),
        lead_id: Set(lead_id),
        kind: Set("lead.received".to_owned()),
        at: Set(now),
    };
    event::Entity::insert(new).exec_without_returning(&tx).await?;
    let new = rollup::ActiveModel { workspace_id: Set(WORKSPACE), day: Set(now.date()), leads: Set(1) };
    let leads = Expr::col((rollup::Entity, rollup::Column::Leads)).add(1);
    let add = OnConflict::columns([rollup::Column::WorkspaceId, rollup::Column::Day])
        .value(rollup::Column::Leads, leads)
        .to_owned();
    rollup::Entity::insert(new).on_conflict(add).exec_without_returning(&tx).await?;
    tx.commit().await?;
    Ok(())
}

/// Ascending, as ids of version 7 are.
fn id(of: u128, n: u64) -> Uuid {
    Uuid::from_u128((of << 96) | u128::from(n))
}

mod contact {
    use sea_orm::entity::prelude::*;
    use time::OffsetDateTime;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(schema_name = "peer_sea_orm", table_name = "contact")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub workspace_id: Uuid,
        pub phone: String,
        pub first_name: String,
        pub last_name: String,
        pub created_at: OffsetDateTime,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

mod lead {
    use sea_orm::entity::prelude::*;
    use time::OffsetDateTime;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(schema_name = "peer_sea_orm", table_name = "lead")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub workspace_id: Uuid,
        pub contact_id: Uuid,
        pub body: Vec<u8>,
        pub created_at: OffsetDateTime,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

mod event {
    use sea_orm::entity::prelude::*;
    use time::OffsetDateTime;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(schema_name = "peer_sea_orm", table_name = "event")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub workspace_id: Uuid,
        pub lead_id: Uuid,
        pub kind: String,
        pub at: OffsetDateTime,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

mod rollup {
    use sea_orm::entity::prelude::*;
    use time::Date;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(schema_name = "peer_sea_orm", table_name = "rollup")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub workspace_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub day: Date,
        pub leads: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

const WORKSPACE: Uuid = Uuid::from_u128(0x0193_0000_0000_7000_8000_0000_0000_0001);
/// What sets ids of contacts, leads and events apart.
const CONTACTS: u128 = 1;
const LEADS: u128 = 2;
const EVENTS: u128 = 3;
const SCHEMA: &str = "DROP SCHEMA IF EXISTS peer_sea_orm CASCADE; CREATE SCHEMA peer_sea_orm;
    CREATE TABLE peer_sea_orm.contact (id uuid PRIMARY KEY, workspace_id uuid NOT NULL, phone text NOT NULL,
        first_name text NOT NULL, last_name text NOT NULL, created_at timestamptz NOT NULL, UNIQUE (workspace_id, phone));
    CREATE TABLE peer_sea_orm.lead (id uuid PRIMARY KEY, workspace_id uuid NOT NULL, contact_id uuid NOT NULL,
        body bytea NOT NULL, created_at timestamptz NOT NULL);
    CREATE TABLE peer_sea_orm.event (id uuid PRIMARY KEY, workspace_id uuid NOT NULL, lead_id uuid NOT NULL,
        kind text NOT NULL, at timestamptz NOT NULL);
    CREATE TABLE peer_sea_orm.rollup (workspace_id uuid, day date, leads bigint NOT NULL, PRIMARY KEY (workspace_id, day));";
