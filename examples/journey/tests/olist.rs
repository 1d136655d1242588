//! Olist's two files as one command, on rows of our own in their form.

mod support;

use serde_json::{Value, json};
use support::{Folder, failure, figures, journey, number, text};

const MQL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/olist_mql.csv");
const DEALS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/olist_closed_deals.csv");
const OLIST: [&str; 5] = ["olist", "--mql", MQL, "--deals", DEALS];

#[test]
fn origins_are_credited_with_their_deals() {
    let folder = Folder::new();
    let found = figures(&folder.db(), &OLIST);
    assert_eq!((&found["leads"], &found["contacts"]), (&json!(9), &json!(9)));
    assert_eq!((&found["deals"]["rows"], &found["deals"]["recorded"]), (&json!(7), &json!(6)));
    assert_eq!(found["deals"]["problems"][0]["line"], 8, "no lead has this mql_id");
    assert_eq!((&found["conversions"], &found["conversions_without_revenue"]), (&json!(6), &json!(2)));
    assert_eq!(found["conversions_before_their_lead"], 1);
    assert_eq!(found["revenue"], json!({ "BRL": "50106.50" }));
    assert_eq!(found["median_seconds_to_convert"], 302_400.0);
    assert_eq!(found["average_seconds_to_convert"], 423_360.0);
    // Summer time ended between lead and deal of one, and began on the night of the other's lead: 10 days and an hour, 23 hours.
    let paid = [Some(475_200.0), Some(475_200.0)];
    let organic = [Some(302_400.0), Some(388_800.0)];
    assert_eq!(
        found["origins"],
        json!([
            origin("(blank)", 2, 1, None, [None, None]),
            origin("email", 1, 0, None, [None, None]),
            origin("organic search", 3, 3, Some("30006.00"), organic),
            origin("paid search", 3, 2, Some("20100.50"), paid),
        ])
    );
    let of_lead = "SELECT count(*) FROM conversion JOIN lead ON lead.id = lead_id
        WHERE conversion.external_id = lead.external_id";
    assert_eq!(number(&folder.db(), of_lead), 6);
}

#[test]
fn a_second_run_adds_nothing() {
    let folder = Folder::new();
    let first = figures(&folder.db(), &OLIST);
    let second = figures(&folder.db(), &OLIST);
    assert_eq!((&second["new_events"], &second["origins"]), (&json!(0), &first["origins"]));
    let tables = text(&mut journey(&folder.db(), &OLIST));
    for expected in
        ["known by its mql_id", "of 7 deals 6 are recorded", "20,100.50 BRL", "0 new events", "5.5"]
    {
        assert!(tables.contains(expected), "`{expected}` is not in\n{tables}");
    }
}

#[test]
fn what_belongs_to_other_jobs_is_refused() {
    let folder = Folder::new();
    let said = failure(&mut journey(&folder.db(), &[&["--dry-run"], &OLIST[..]].concat()));
    assert!(said.contains("neither --dry-run nor --acks"), "{said}");
    assert!(!folder.db().exists());
    let said = failure(&mut journey(&folder.db(), &["olist", "--mql", DEALS, "--deals", DEALS]));
    assert!(said.contains("there is no column"), "{said}");
}

/// What an origin has: first and last touch are one lead, and so one credit.
fn origin(
    name: &str,
    leads: i64,
    conversions: i64,
    revenue: Option<&str>,
    [median, average]: [Option<f64>; 2],
) -> Value {
    let revenue = revenue.map_or_else(|| json!({}), |amount| json!({ "BRL": amount }));
    let credit = json!({ "conversions": conversions, "revenue": revenue });
    json!({
        "origin": name,
        "leads": leads,
        "first_touch": credit,
        "last_touch": credit,
        "median_seconds_to_convert": median,
        "average_seconds_to_convert": average,
    })
}
