//! Starts the service on a file or a Postgres database and prints an API key to try it with:
//! `cargo run -p webhook -- leads.db 127.0.0.1:8080`, `cargo run -p webhook -- postgres://localhost/leads`.

#![expect(clippy::print_stdout, reason = "a program that talks to its user")]

use convio_core::{Convio, NewApiKey, NewWebhook, NewWorkspace, Permission, Rule, Target};
use convio_store_postgres::PgStore;
use convio_store_sqlite::SqliteStore;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let db = arguments.next().unwrap_or_else(|| "leads.db".to_owned());
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    let convio = match db.starts_with("postgres://") || db.starts_with("postgresql://") {
        true => Convio::new(PgStore::connect(&db).await?),
        false => Convio::new(SqliteStore::open(db)?),
    };

    let acme = convio.create_workspace(NewWorkspace::named("Acme Solar").zone("America/Los_Angeles")).await?;
    let region = "US".parse()?;
    acme.create_webhook(NewWebhook::named("solar").with(|settings| settings.region = Some(region))).await?;
    acme.publish_rules([Rule::to(Target::team("west")).any_product().any_zip()]).await?;
    let key = acme.create_api_key(NewApiKey::named("trial").may(Permission::ALL)).await?;

    println!("a workspace of its own for this run; its key: {}", key.token.expose());
    println!(
        "try: curl -i -H 'Authorization: Bearer {}' -d '{{\"name\":\"John Doe\",\"phone\":\"(310) 555-0123\"}}' -H 'Content-Type: application/json' http://{address}/hooks/solar",
        key.token.expose()
    );
    let listener = tokio::net::TcpListener::bind(address).await?;
    axum::serve(listener, webhook::service(convio)).await?;
    Ok(())
}
