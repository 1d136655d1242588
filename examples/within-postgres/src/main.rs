//! Takes a lead, gives it a voucher, and takes four orders, of which two are committed and two are rolled back:
//! `cargo run -p within-postgres -- postgres://user:password@localhost/shop`, or with that URL in `DATABASE_URL`.

#![expect(clippy::print_stdout, reason = "a program that talks to its user")]

use convio_core::RawLead;
use within_postgres::{Failure, Shop};

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let url = std::env::args().nth(1).or_else(|| std::env::var("DATABASE_URL").ok());
    let shop = Shop::open(&url.ok_or("say the URL of a Postgres database, here or in DATABASE_URL")?).await?;
    let john = RawLead::json(r#"{"name":"John Doe","phone":"+13105550123","product":"solar"}"#);
    let john = shop.acme.ingest(john).await?.into_accepted()?;
    tell("contact asks for solar", &shop).await?;

    let vouchers = shop.hand_out_vouchers().await?;
    println!("committed: {vouchers} voucher, and how far its events were dealt with");

    let order = shop.order(john.lead, 1).await?;
    let conversion = order.conversion.ok_or("it is committed with the order")?;
    tell(&format!("committed: order of 1 kit, conversion of {}", conversion.value), &shop).await?;

    // The shop's own tables refuse it, after Convio took the conversion.
    let refused = shop.order(john.lead, 1_000).await.err().ok_or("there are not as many kits")?;
    tell(&format!("rolled back: order of 1000 kits: {refused}"), &shop).await?;

    // Convio refuses it, after the shop wrote the order.
    shop.acme.delete_lead(john.lead).await?;
    let refused = shop.order(john.lead, 1).await.err().ok_or("the lead is deleted")?;
    tell(&format!("rolled back: order of 1 kit: {refused}"), &shop).await?;

    // Convio refuses it again, and the shop goes on in the same transaction.
    let order = shop.order_anyway(john.lead, 1).await?;
    assert_eq!(order.conversion, None);
    tell("committed: order of 1 kit, no conversion", &shop).await
}

async fn tell(what: &str, shop: &Shop) -> Result<(), Failure> {
    let totals = shop.acme.totals().await?;
    println!("{what}");
    println!(
        "    orders: {}, kits left: {}, conversions: {}, revenue: {}",
        shop.orders().await?,
        shop.stock().await?,
        totals.conversions,
        totals.revenue
    );
    Ok(())
}
