//! Takes a lead, gives it a voucher, and takes three orders, of which one is committed and two are rolled back:
//! `cargo run -p within-sqlite -- shop.db`.

#![expect(clippy::print_stdout, reason = "a program that talks to its user")]

use std::path::Path;

use convio_core::RawLead;
use within_sqlite::{Failure, Shop};

fn main() -> Result<(), Failure> {
    let path = std::env::args().nth(1).unwrap_or_else(|| "shop.db".to_owned());
    pollster::block_on(sell(Path::new(&path)))
}

async fn sell(path: &Path) -> Result<(), Failure> {
    let mut shop = Shop::open(path).await?;
    let john = RawLead::json(r#"{"name":"John Doe","phone":"+13105550123","product":"solar"}"#);
    let john = shop.acme.ingest(john).await?.into_accepted()?;
    tell("contact asks for solar", &shop).await?;

    let vouchers = shop.hand_out_vouchers().await?;
    println!("committed: {vouchers} voucher, and how far its events were dealt with");

    let order = shop.order(john.lead, 1)?;
    tell(&format!("committed: order of 1 kit, conversion of {}", order.conversion.value), &shop).await?;

    // The shop's own tables refuse it, after Convio took the conversion.
    let refused = shop.order(john.lead, 1_000).err().ok_or("there are not as many kits")?;
    tell(&format!("rolled back: order of 1000 kits: {refused}"), &shop).await?;

    // Convio refuses it, after the shop wrote the order.
    shop.acme.delete_lead(john.lead).await?;
    let refused = shop.order(john.lead, 1).err().ok_or("the lead is deleted")?;
    tell(&format!("rolled back: order of 1 kit: {refused}"), &shop).await
}

async fn tell(what: &str, shop: &Shop) -> Result<(), Failure> {
    let totals = shop.acme.totals().await?;
    println!("{what}");
    println!(
        "    orders: {}, kits left: {}, conversions: {}, revenue: {}",
        shop.orders()?,
        shop.stock()?,
        totals.conversions,
        totals.revenue
    );
    Ok(())
}
