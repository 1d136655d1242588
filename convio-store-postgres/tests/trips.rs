//! What calls cost, in round trips to the server and in statements that it runs: counted on the socket, for every way in which
//! the store can work. Facts of the store: where a change makes one of them another, look why, and write the new one down here
//! and, where `the_tables_of_the_sources_are_these` says so, in the sources.
//!
//! `cargo test -p convio-store-postgres --test trips -- --nocapture` prints them.

#[path = "support/proxy.rs"]
mod proxy;
mod support;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use convio_conformance::{
    ManualClock, Shared, created, duplicate, lead, lead_with, linked, phone, rejected, replayed, taken,
};
use convio_core::analytics::{ReportQuery, Spend};
use convio_core::attribution::{AttributionSettings, NewTouch, TouchKind, TouchOf};
use convio_core::availability::Hours;
use convio_core::calendar::SlotRequest;
use convio_core::consumer::{ConsumerSettings, Retry};
use convio_core::contact::{ContactFilter, ContactRef};
use convio_core::conversion::{NewAdjustment, NewCommission, NewReturn};
use convio_core::delivery::{
    DeliveryStatus, EventFilter, Guard, NewEndpoint, Outcome as Answer, Request, Response, Transport,
};
use convio_core::lead::LeadFilter;
use convio_core::money::Rates;
use convio_core::routing::{Cap, Period, Strategy};
use convio_core::service::{Atomicity, DELIVERIES_CONSUMER, RandomIds, Rewind, Step};
use convio_core::{
    CalendarSettings, Convio, Corrections, Cube, Currency, Error, ErrorKind, Ingested, NewApiKey,
    NewAppointment, NewConversion, NewHold, NewWebhook, NewWorkspace, Outcome, PageRequest, Party,
    Permission, Position, ProviderSettings, RawLead, RepeatAction, Resource, Rule, Schedule, Source,
    StreamRef, Target, WebhookSettings, WorkspaceHandle, Zone,
};
use convio_store_postgres::{Options, PgStore};
use proxy::{Count, Proxy};
use serde_json::json;
use sqlx::postgres::{PgPool, PgPoolOptions};
use sqlx::{Connection, Executor, PgConnection};
use support::{Place, connect, run, runtime, server};

#[test]
fn what_calls_cost_on_a_held_connection() {
    costs(Way::Held);
}

#[test]
fn what_calls_cost_on_a_connection_that_a_pool_tests() {
    costs(Way::Pool);
}

#[test]
fn what_calls_cost_behind_a_transaction_pooler() {
    costs(Way::Pooler);
}

#[test]
fn what_calls_cost_under_row_security() {
    costs(Way::RowSecurity);
}

#[test]
fn what_calls_cost_as_plain_statements() {
    costs(Way::Plain);
}

#[test]
fn what_calls_cost_in_a_callers_transaction() {
    costs(Way::Transaction);
}

#[test]
fn what_calls_cost_within_savepoints() {
    costs(Way::Savepoints);
}

#[test]
fn a_pool_that_tests_no_connection_before_it_gives_it_out_costs_a_trip_less() {
    for (is_tested, trips) in [(true, 3), (false, 2)] {
        let world = World::over(Way::Pool, |pool| pool.test_before_acquire(is_tested));
        let (cost, answer) = run(world.cost(&world.acme, async |acme| acme.ingest(lead(1)).await));
        linked(answer);
        assert_eq!(cost, Count { trips, statements: 1 });
    }
}

#[test]
fn a_lead_on_a_held_connection_is_one_round_trip() {
    let costs = |call: &str| TABLE.iter().find(|row| row.0 == call).map(|row| row.1[0]);
    for call in
        ["a lead of a new contact", "a lead of a known contact", "a batch of 1", "a lead, by an API key"]
    {
        assert_eq!(costs(call), Some((1, 1)), "{call}");
    }
}

#[test]
fn the_tables_of_the_sources_are_these() {
    let commits = [
        "a lead of a new contact",
        "a lead that is rejected",
        "`receive`: a lead with its appointment",
        "`book`",
        "`complete`, sold",
        "`move_lead`",
        "a batch of 100",
        "a batch of 2,500",
        "a batch of 100, all or nothing",
        "`create_workspace`",
        "`configure_webhook`",
        "the first lead of a process",
        "a lead, when another commit was faster",
        "`move_lead`, when another commit was faster",
        "a lead by id",
    ];
    let leads = [
        "a lead of a new contact",
        "a lead of a known contact",
        "a lead with idempotency key, external id and limit",
        "a lead that is replayed",
        "another lead under a used key",
        "a lead above a limit",
        "a lead that is kept out as a repeat",
        "a lead, when another commit was faster",
    ];
    // What core says of its use cases: the last cell of each row.
    let rows = USE_CASES.iter().flat_map(|source| source.lines()).filter(|line| line.starts_with("//! | `"));
    let mut said = 0;
    for line in rows {
        let cells: Vec<&str> = line.trim_start_matches("//! |").trim_end_matches('|').split(" | ").collect();
        let (call, trips) = (cells[0].trim(), cells[cells.len() - 1].trim());
        let call = if call == "`ingest`" { "a lead of a new contact" } else { call };
        let counted =
            TABLE.iter().find(|row| row.0 == call).unwrap_or_else(|| panic!("nobody counts {call}"));
        assert_eq!(trips, counted.1[0].0.to_string(), "{line}");
        said += 1;
    }
    assert_eq!(said, 37);
    let mut all = String::new();
    for (call, costs) in TABLE {
        all += &format!("{call:<52}");
        costs.iter().for_each(|(trips, statements)| all += &format!("{trips:>4} ({statements:>2})"));
        all.push('\n');
    }
    say(&format!("{:<52}{WAYS:?}\n{all}", "round trips (statements)"));
    for (source, calls) in
        [(include_str!("../src/commit.rs"), &commits[..]), (include_str!("../src/ingest.rs"), &leads)]
    {
        let table = doc_table(calls);
        let (there, wanted): (Vec<_>, Vec<_>) =
            (source.lines().filter(|line| line.starts_with("//! |")).collect(), table.lines().collect());
        assert_eq!(there, wanted, "the table in the source should be\n{table}");
    }
}

/// The round trips of some calls as a table of Markdown, in a comment.
fn doc_table(calls: &[&str]) -> String {
    let mut table = "//! | round trips, warm | held | of a pool | pooler | row security | plain | in a transaction | savepoints |\n\
                     //! |---|---|---|---|---|---|---|---|\n"
        .to_owned();
    for call in calls {
        let (_, costs) = TABLE.iter().find(|row| row.0 == *call).unwrap_or_else(|| panic!("no `{call}`"));
        let cells: Vec<_> = costs.iter().map(|(trips, _)| trips.to_string()).collect();
        table += &format!("//! | {call} | {} |\n", cells.join(" | "));
    }
    table
}

/// The use cases of core, whose documents tell what they read and commit.
const USE_CASES: &[&str] = &[
    include_str!("../../convio-core/src/use_case/appointments.rs"),
    include_str!("../../convio-core/src/use_case/attribution.rs"),
    include_str!("../../convio-core/src/use_case/book.rs"),
    include_str!("../../convio-core/src/use_case/calendars.rs"),
    include_str!("../../convio-core/src/use_case/complete.rs"),
    include_str!("../../convio-core/src/use_case/convert.rs"),
    include_str!("../../convio-core/src/use_case/drafts.rs"),
    include_str!("../../convio-core/src/use_case/leads.rs"),
    include_str!("../../convio-core/src/use_case/merge.rs"),
    include_str!("../../convio-core/src/use_case/providers.rs"),
    include_str!("../../convio-core/src/use_case/publish.rs"),
    include_str!("../../convio-core/src/use_case/rejections.rs"),
    include_str!("../../convio-core/src/use_case/settle.rs"),
    include_str!("../../convio-core/src/use_case/spend.rs"),
    include_str!("../../convio-core/src/use_case/webhooks.rs"),
    include_str!("../../convio-core/src/use_case/workspaces.rs"),
    include_str!("../../convio-core/src/use_case/ingest/mod.rs"),
];

/// Round trips and statements of each call, in the order of [`WAYS`].
#[rustfmt::skip]
const TABLE: &[(&str, [(u64, u64); 7])] = &[
    ("a lead of a new contact",                            [( 1,  1), ( 3,  1), ( 4,  3), ( 3,  3), (18, 18), ( 1,  1), ( 3,  3)]),
    ("a lead of a known contact",                          [( 1,  1), ( 3,  1), ( 4,  3), ( 3,  3), (17, 17), ( 1,  1), ( 3,  3)]),
    ("a lead with idempotency key, external id and limit", [( 1,  1), ( 3,  1), ( 4,  3), ( 3,  3), (22, 22), ( 1,  1), ( 3,  3)]),
    ("a lead that is replayed",                            [( 5,  5), (15,  5), (20, 15), (15, 15), (16, 16), ( 5,  5), ( 7,  7)]),
    ("another lead under a used key",                      [( 1,  1), ( 3,  1), ( 4,  3), ( 3,  3), (12, 12), ( 1,  1), ( 3,  3)]),
    ("a lead above a limit",                               [( 1,  1), ( 3,  1), ( 4,  3), ( 3,  3), (11, 11), ( 1,  1), ( 3,  3)]),
    ("a lead that is kept out as a repeat",                [( 3,  3), ( 7,  3), (10,  7), ( 7,  7), (21, 21), ( 3,  3), ( 7,  7)]),
    ("a lead that is rejected",                            [( 2,  2), ( 4,  2), ( 6,  4), ( 4,  4), (11, 11), ( 2,  2), ( 4,  4)]),
    ("`correct`",                                          [( 3,  3), ( 7,  3), (10,  7), ( 7,  7), ( 8,  8), ( 3,  3), ( 5,  5)]),
    ("`release`",                                          [( 3,  3), ( 7,  3), (10,  7), ( 7,  7), (19, 19), ( 3,  3), ( 5,  5)]),
    ("`receive`: a lead with its appointment",             [( 3,  3), ( 7,  3), (10,  7), ( 7,  7), (21, 21), ( 3,  3), ( 5,  5)]),
    ("`book`",                                             [( 3,  3), ( 7,  3), (10,  7), ( 7,  7), (12, 12), ( 3,  3), ( 5,  5)]),
    ("`confirm`",                                          [( 3,  3), ( 7,  3), (10,  7), ( 7,  7), ( 8,  8), ( 3,  3), ( 5,  5)]),
    ("`assign`",                                           [( 3,  3), ( 7,  3), (10,  7), ( 7,  7), ( 8,  8), ( 3,  3), ( 5,  5)]),
    ("`reschedule`",                                       [( 3,  3), ( 7,  3), (10,  7), ( 7,  7), (10, 10), ( 3,  3), ( 5,  5)]),
    ("`complete`, sold",                                   [( 3,  3), ( 7,  3), (10,  7), ( 7,  7), (18, 18), ( 3,  3), ( 5,  5)]),
    ("`convert`",                                          [( 3,  3), ( 7,  3), (10,  7), ( 7,  7), (16, 16), ( 3,  3), ( 5,  5)]),
    ("`adjust`",                                           [( 4,  4), (10,  4), (14, 10), (10, 10), (15, 15), ( 4,  4), ( 6,  6)]),
    ("`void`",                                             [( 4,  4), (10,  4), (14, 10), (10, 10), (15, 15), ( 4,  4), ( 6,  6)]),
    ("`owe_commission`",                                   [( 3,  3), ( 7,  3), (10,  7), ( 7,  7), ( 8,  8), ( 3,  3), ( 5,  5)]),
    ("`return_lead`",                                      [( 5,  5), (13,  5), (18, 13), (13, 13), (16, 16), ( 5,  5), ( 7,  7)]),
    ("`reattribute`",                                      [( 5,  5), (13,  5), (18, 13), (13, 13), (14, 14), ( 5,  5), ( 7,  7)]),
    ("`merge_contacts`",                                   [(10, 10), (28, 10), (38, 28), (28, 28), (25, 25), (10, 10), (12, 12)]),
    ("`unmerge_contact`",                                  [(15, 15), (43, 15), (58, 43), (43, 43), (27, 27), (15, 15), (17, 17)]),
    ("`move_lead`",                                        [( 3,  3), ( 7,  3), (10,  7), ( 7,  7), (10, 10), ( 3,  3), ( 5,  5)]),
    ("a batch of 1",                                       [( 1,  1), ( 3,  1), ( 4,  3), ( 3,  3), (18, 18), ( 1,  1), ( 3,  3)]),
    ("a batch of 100",                                     [( 4,  4), ( 6,  4), ( 6,  4), ( 4,  4), (18, 18), ( 3,  3), ( 4,  4)]),
    ("a batch of 1,000",                                   [( 4,  4), ( 6,  4), ( 6,  4), ( 4,  4), (18, 18), ( 3,  3), ( 4,  4)]),
    ("a batch of 2,500",                                   [(12, 12), (18, 12), (18, 12), (12, 12), (54, 54), ( 9,  9), (12, 12)]),
    ("a batch of 100, all or nothing",                     [( 2,  2), ( 4,  2), ( 6,  4), ( 4,  4), (18, 18), ( 2,  2), ( 4,  4)]),
    ("`create_workspace`",                                 [( 2,  2), ( 4,  2), ( 6,  4), ( 4,  4), (10, 10), ( 2,  2), ( 4,  4)]),
    ("the first lead of a process",                        [( 2,  2), ( 6,  2), ( 8,  6), ( 6,  6), (19, 19), ( 2,  2), ( 4,  4)]),
    ("a lead by id",                                       [( 1,  1), ( 3,  1), ( 4,  3), ( 3,  3), ( 1,  1), ( 1,  1), ( 1,  1)]),
    ("a contact by number",                                [( 1,  1), ( 3,  1), ( 4,  3), ( 3,  3), ( 1,  1), ( 1,  1), ( 1,  1)]),
    ("a page of leads",                                    [( 1,  1), ( 3,  1), ( 4,  3), ( 3,  3), ( 1,  1), ( 1,  1), ( 1,  1)]),
    ("a page of contacts",                                 [( 1,  1), ( 3,  1), ( 4,  3), ( 3,  3), ( 1,  1), ( 1,  1), ( 1,  1)]),
    ("a page of a history",                                [( 1,  1), ( 3,  1), ( 4,  3), ( 3,  3), ( 1,  1), ( 1,  1), ( 1,  1)]),
    ("a page of the feed",                                 [( 1,  1), ( 3,  1), ( 4,  3), ( 3,  3), ( 1,  1), ( 1,  1), ( 1,  1)]),
    ("a report",                                           [( 1,  1), ( 3,  1), ( 4,  3), ( 3,  3), ( 1,  1), ( 1,  1), ( 1,  1)]),
    ("a lead, by an API key",                              [( 1,  1), ( 3,  1), ( 4,  3), ( 3,  3), (18, 18), ( 1,  1), ( 3,  3)]),
    ("a lead by id, by an API key",                        [( 2,  2), ( 6,  2), ( 8,  6), ( 6,  6), ( 2,  2), ( 2,  2), ( 2,  2)]),
    ("a lead, when another commit was faster",             [( 4,  4), ( 8,  4), ( 8,  6), ( 6,  6), (18, 18), ( 3,  3), ( 6,  6)]),
    ("`move_lead`, when another commit was faster",        [( 7,  7), (13,  7), (16, 11), (11, 11), (10, 10), ( 6,  6), ( 9,  9)]),
    ("`configure_webhook`",                                [( 2,  2), ( 4,  2), ( 6,  4), ( 4,  4), ( 8,  8), ( 2,  2), ( 4,  4)]),
    ("the first lead after it",                            [( 2,  2), ( 6,  2), ( 8,  6), ( 6,  6), (19, 19), ( 3,  3), ( 7,  7)]),
    ("`create_webhook`",                                   [( 2,  2), ( 4,  2), ( 6,  4), ( 4,  4), ( 8,  8), ( 4,  4), ( 8,  8)]),
    ("`create_provider`",                                  [( 2,  2), ( 4,  2), ( 6,  4), ( 4,  4), ( 7,  7), ( 2,  2), ( 4,  4)]),
    ("`publish_rules`",                                    [( 2,  2), ( 4,  2), ( 6,  4), ( 4,  4), ( 7,  7), ( 2,  2), ( 4,  4)]),
    ("`save_draft`",                                       [( 4,  4), (10,  4), (14, 10), (10, 10), ( 8,  8), ( 4,  4), ( 6,  6)]),
    ("a saved draft",                                      [( 1,  1), ( 3,  1), ( 4,  3), ( 3,  3), ( 1,  1), ( 1,  1), ( 1,  1)]),
    ("`publish_draft`",                                    [( 4,  4), (10,  4), (14, 10), (10, 10), ( 9,  9), ( 4,  4), ( 6,  6)]),
    ("`discard_draft`",                                    [( 4,  4), (10,  4), (14, 10), (10, 10), ( 8,  8), ( 4,  4), ( 6,  6)]),
    ("`book`, by turns and caps",                          [( 3,  3), ( 7,  3), (10,  7), ( 7,  7), (14, 14), ( 3,  3), ( 5,  5)]),
    ("`decline`",                                          [( 3,  3), ( 7,  3), (10,  7), ( 7,  7), (10, 10), ( 3,  3), ( 5,  5)]),
    ("`set_calendar`",                                     [( 2,  2), ( 4,  2), ( 6,  4), ( 4,  4), ( 7,  7), ( 2,  2), ( 4,  4)]),
    ("`hold`",                                             [( 2,  2), ( 4,  2), ( 6,  4), ( 4,  4), ( 6,  6), ( 2,  2), ( 4,  4)]),
    ("`end_hold`",                                         [( 2,  2), ( 4,  2), ( 6,  4), ( 4,  4), ( 6,  6), ( 2,  2), ( 4,  4)]),
    ("`book`, of what has a calendar",                     [( 3,  3), ( 7,  3), (10,  7), ( 7,  7), (14, 14), ( 3,  3), ( 5,  5)]),
    ("`book`, where that is taken",                        [( 3,  3), ( 9,  3), (12,  9), ( 9,  9), ( 9,  9), ( 3,  3), ( 5,  5)]),
    ("`next_slots` of two weeks",                          [( 2,  2), ( 6,  2), ( 8,  6), ( 6,  6), ( 2,  2), ( 2,  2), ( 2,  2)]),
    ("`track`, for a contact",                             [( 3,  3), ( 7,  3), (10,  7), ( 7,  7), ( 8,  8), ( 3,  3), ( 5,  5)]),
    ("`track`, for a visitor",                             [( 2,  2), ( 4,  2), ( 6,  4), ( 4,  4), ( 7,  7), ( 2,  2), ( 4,  4)]),
    ("`identify`",                                         [( 4,  4), (10,  4), (14, 10), (10, 10), (12, 12), ( 4,  4), ( 6,  6)]),
    ("`poll`, which finds nothing",                       [( 2,  2), ( 6,  2), ( 8,  6), ( 6,  6), ( 2,  2), ( 2,  2), ( 2,  2)]),
    ("`poll`, which takes a shard",                       [( 4,  4), (10,  4), (14, 10), (10, 10), ( 8,  8), ( 4,  4), ( 6,  6)]),
    ("`ack`",                                             [( 2,  2), ( 4,  2), ( 6,  4), ( 4,  4), ( 6,  6), ( 2,  2), ( 4,  4)]),
    ("`nack`",                                            [( 2,  2), ( 4,  2), ( 6,  4), ( 4,  4), ( 6,  6), ( 2,  2), ( 4,  4)]),
    ("`nack`, of an event that was tried often enough",   [( 3,  3), ( 7,  3), (10,  7), ( 7,  7), ( 7,  7), ( 3,  3), ( 5,  5)]),
    ("`pause_consumer`",                                  [( 3,  3), ( 7,  3), (10,  7), ( 7,  7), ( 7,  7), ( 3,  3), ( 5,  5)]),
    ("how a consumer stands",                             [( 4,  4), (12,  4), (16, 12), (12, 12), ( 4,  4), ( 4,  4), ( 4,  4)]),
    ("`create_endpoint`",                                  [( 3,  3), ( 7,  3), (10,  7), ( 7,  7), ( 8,  8), ( 3,  3), ( 5,  5)]),
    ("a courier's step that finds nothing",                [( 5,  5), (15,  5), (20, 15), (15, 15), ( 5,  5), ( 5,  5), ( 5,  5)]),
    ("a courier's step that makes a delivery",             [(10, 10), (24, 10), (34, 24), (24, 24), (22, 22), (10, 10), (16, 16)]),
    ("a courier's step that sends one",                    [(12, 12), (32, 12), (44, 32), (32, 32), (22, 22), (12, 12), (16, 16)]),
    ("the journey of a contact",                           [( 3,  3), ( 9,  3), (12,  9), ( 9,  9), ( 3,  3), ( 3,  3), ( 3,  3)]),
    ("who earned a conversion",                            [( 1,  1), ( 3,  1), ( 4,  3), ( 3,  3), ( 1,  1), ( 1,  1), ( 1,  1)]),
    ("`import_spend`, of a day",                           [( 3,  3), ( 7,  3), (10,  7), ( 7,  7), ( 7,  7), ( 3,  3), ( 5,  5)]),
    ("what was spent on a month, and what came of it",     [( 4,  4), (12,  4), (16, 12), (12, 12), ( 4,  4), ( 4,  4), ( 4,  4)]),
    ("`set_rates`",                                        [( 2,  2), ( 4,  2), ( 6,  4), ( 4,  4), ( 7,  7), ( 2,  2), ( 4,  4)]),
    ("`set_attribution`",                                  [( 2,  2), ( 4,  2), ( 6,  4), ( 4,  4), ( 7,  7), ( 2,  2), ( 4,  4)]),
    ("`configure`",                                        [( 2,  2), ( 4,  2), ( 6,  4), ( 4,  4), ( 7,  7), ( 2,  2), ( 4,  4)]),
];

/// Ways to work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// The store holds its connections.
    Held,
    /// It takes one from a pool for each call, as sqlx makes them: tested before it is given out.
    Pool,
    /// Nothing stays prepared, on a held connection.
    Pooler,
    /// The server is told the workspace of each transaction, on a held connection.
    RowSecurity,
    /// A statement per table, on a held connection.
    Plain,
    /// In the caller's transaction, its own BEGIN and COMMIT not counted.
    Transaction,
    /// The same, with a savepoint for each commit.
    Savepoints,
}

const WAYS: [Way; 7] =
    [Way::Held, Way::Pool, Way::Pooler, Way::RowSecurity, Way::Plain, Way::Transaction, Way::Savepoints];

impl Way {
    fn options(self, options: Options) -> Options {
        match self {
            Self::Held => options.hold(1),
            Self::Pool | Self::Transaction => options,
            Self::Pooler => options.hold(1).behind_transaction_pooler(),
            Self::RowSecurity => options.hold(1).row_security(),
            Self::Plain => options.hold(1).plain_statements(),
            Self::Savepoints => options.savepoints(),
        }
    }

    fn is_in_transaction(self) -> bool {
        matches!(self, Self::Transaction | Self::Savepoints)
    }
}

/// Counts every call of a way, and compares.
fn costs(way: Way) {
    let world = World::new(way);
    let counted = run(async {
        // Once to make everything warm, with batches that are smaller.
        let mut cold = Costs::default();
        world.drive(&mut cold, 0, 20).await;
        let mut costs = Costs::default();
        world.drive(&mut costs, 1, 1).await;
        costs.0
    });
    assert_eq!(world.proxy.connections().len(), 1, "one connection for all, so that all is warm");
    let column = WAYS.iter().position(|of| *of == way).expect("a way");
    for (call, count) in &counted {
        say(&format!("{way:?}: {call}: {} trips, {} statements", count.trips, count.statements));
    }
    let counted: Vec<_> =
        counted.iter().map(|(call, count)| (*call, (count.trips, count.statements))).collect();
    let expected: Vec<_> = TABLE.iter().map(|(call, costs)| (*call, costs[column])).collect();
    assert_eq!(counted, expected, "{way:?}");
}

#[derive(Default)]
struct Costs(Vec<(&'static str, Count)>);

impl Costs {
    /// Notes what a call costs.
    async fn of<T>(
        &mut self,
        call: &'static str,
        world: &World,
        run: impl AsyncFnOnce(&WorkspaceHandle<'_>) -> T,
    ) -> T {
        let (cost, answer) = world.cost(&world.acme, run).await;
        self.0.push((call, cost));
        answer
    }

    /// Notes what a call costs that knows no configuration yet.
    async fn of_cold<T>(
        &mut self,
        call: &'static str,
        world: &World,
        run: impl AsyncFnOnce(&Convio<'_>) -> T,
    ) -> T {
        let (cost, answer) = world.cost_cold(run).await;
        self.0.push((call, cost));
        answer
    }
}

/// A workspace behind a proxy that counts, and a pool of one connection to it.
struct World {
    way: Way,
    store: Arc<PgStore>,
    convio: Convio<'static>,
    acme: WorkspaceHandle<'static>,
    proxy: Proxy,
    pool: PgPool,
    _place: Place,
}

impl World {
    fn new(way: Way) -> Self {
        Self::over(way, |pool| pool.test_before_acquire(way == Way::Pool))
    }

    fn over(way: Way, pool: impl FnOnce(PgPoolOptions) -> PgPoolOptions) -> Self {
        let place = Place::new();
        let _runtime = runtime().enter();
        let proxy = Proxy::to(&server());
        let pool = pool(PgPoolOptions::new().max_connections(1)).connect_lazy_with(proxy.options.clone());
        let store = Arc::new(PgStore::with(pool.clone(), way.options(place.options())));
        let convio = process(&store);
        let acme = run(async {
            let acme = convio.create_workspace(NewWorkspace::named("Acme Solar")).await.unwrap();
            let many = NewWebhook::named("many").with(|settings| settings.leads_per_hour_max = Some(1_000));
            let full = NewWebhook::named("full").with(|settings| settings.leads_per_hour_max = Some(1));
            let once =
                NewWebhook::named("once").with(|settings| settings.repeat.action = RepeatAction::Reject);
            for webhook in [many, full, once] {
                acme.create_webhook(webhook).await.unwrap();
            }
            taken(acme.ingest(lead(1)).await);
            taken(acme.ingest(lead(2).webhook("full")).await);
            taken(acme.ingest(lead(3).webhook("once")).await);
            acme
        });
        Self { way, store, convio, acme, proxy, pool, _place: place }
    }

    /// A store that was overtaken begins its next commits with the lock: until it finds itself alone again.
    async fn be_alone(&self, n: u32) {
        for _ in 0..4 {
            taken(self.acme.ingest(lead(n)).await);
        }
    }

    /// Every call of the table. Of a batch of `n` rows `n / share` are sent.
    async fn drive(&self, costs: &mut Costs, round: u32, share: u32) {
        self.warm().await;
        let mut numbers = 10_000 * (round + 1)..;
        let mut next = || numbers.next().expect("a number");

        let n = next();
        let answer = costs.of("a lead of a new contact", self, async |acme| acme.ingest(lead(n)).await).await;
        let first = created(answer);
        let answer =
            costs.of("a lead of a known contact", self, async |acme| acme.ingest(lead(n)).await).await;
        linked(answer);
        let n = next();
        let named = |raw: RawLead| raw.webhook("many").idempotency_key(format!("key {n}"));
        let full = async |acme: &WorkspaceHandle<'_>| {
            acme.ingest(named(lead(n)).external_id(format!("id {n}"))).await
        };
        created(costs.of("a lead with idempotency key, external id and limit", self, full).await);
        let _ = replayed(costs.of("a lead that is replayed", self, full).await);
        let reused = async |acme: &WorkspaceHandle<'_>| {
            acme.ingest(named(lead_with(n, json!({"city": "Reno"})))).await
        };
        let answer = costs.of("another lead under a used key", self, reused).await;
        assert_eq!(kind(answer), ErrorKind::Conflict);
        let n = next();
        let above = async |acme: &WorkspaceHandle<'_>| acme.ingest(lead(n).webhook("full")).await;
        let answer = costs.of("a lead above a limit", self, above).await;
        assert_eq!(kind(answer), ErrorKind::Overloaded);
        let repeat = async |acme: &WorkspaceHandle<'_>| acme.ingest(lead(3).webhook("once")).await;
        duplicate(costs.of("a lead that is kept out as a repeat", self, repeat).await);
        let unreadable = async |acme: &WorkspaceHandle<'_>| acme.ingest(RawLead::json("{}")).await;
        let refused = rejected(costs.of("a lead that is rejected", self, unreadable).await).id;
        let corrections = Corrections::default().set("phone", phone(next()));
        let right = async |acme: &WorkspaceHandle<'_>| acme.correct(refused, corrections).await.unwrap();
        costs.of("`correct`", self, right).await;
        let release = async |acme: &WorkspaceHandle<'_>| acme.release(refused).await;
        taken(costs.of("`release`", self, release).await);
        let n = next();
        let with_visit = async |acme: &WorkspaceHandle<'_>| acme.receive(lead(n), visit()).await.unwrap();
        let received = costs.of("`receive`: a lead with its appointment", self, with_visit).await;
        assert!(received.appointment.is_some());

        let first_lead = first.lead;
        let visited =
            costs.of("`book`", self, async |acme| acme.book(first_lead, visit()).await.unwrap()).await;
        let id = visited.id;
        costs.of("`confirm`", self, async |acme| acme.confirm(id).await.unwrap()).await;
        let hand =
            async |acme: &WorkspaceHandle<'_>| acme.assign(id, Target::team("east"), None).await.unwrap();
        costs.of("`assign`", self, hand).await;
        let move_it = async |acme: &WorkspaceHandle<'_>| {
            acme.reschedule(id, visit(), Party::Customer, None).await.unwrap()
        };
        let visited = costs.of("`reschedule`", self, move_it).await;
        let sold = async |acme: &WorkspaceHandle<'_>| {
            acme.complete(visited.id, Outcome::Sold("5 USD".parse().unwrap())).await.unwrap()
        };
        assert!(costs.of("`complete`, sold", self, sold).await.conversion.is_some());
        let convert = async |acme: &WorkspaceHandle<'_>| {
            acme.convert(NewConversion::sale(first_lead, "7 USD".parse().unwrap())).await.unwrap()
        };
        let sale = costs.of("`convert`", self, convert).await.id;
        let refund = async |acme: &WorkspaceHandle<'_>| {
            acme.adjust(sale, NewAdjustment::refund("1 USD".parse().unwrap())).await.unwrap()
        };
        costs.of("`adjust`", self, refund).await;
        costs.of("`void`", self, async |acme| acme.void(sale, "a mistake").await.unwrap()).await;
        let one = taken(self.acme.ingest(lead(next())).await);
        let new = NewConversion::sale(one.lead, "7 USD".parse().unwrap());
        let sold = self.acme.convert(new).await.unwrap().id;
        let owe = async |acme: &WorkspaceHandle<'_>| {
            let new = NewCommission::to("partner", "1 USD".parse().unwrap());
            acme.owe_commission(sold, new).await.unwrap()
        };
        costs.of("`owe_commission`", self, owe).await;
        let back = async |acme: &WorkspaceHandle<'_>| {
            acme.return_lead(sold, NewReturn::credit("duplicate")).await.unwrap()
        };
        costs.of("`return_lead`", self, back).await;
        let late = NewTouch::new(TouchOf::Contact(one.contact), TouchKind::Call, Source::unknown());
        let before =
            self.acme.lead(one.lead).await.unwrap().unwrap().received_at - chrono::TimeDelta::hours(1);
        self.acme.track(late.at(before)).await.unwrap();
        let again = async |acme: &WorkspaceHandle<'_>| acme.reattribute(sold).await.unwrap();
        assert!(costs.of("`reattribute`", self, again).await.is_some());
        let [a, b] = [self.acme.ingest(lead(next())), self.acme.ingest(lead(next()))];
        let (a, b) = (taken(a.await).contact, taken(b.await).contact);
        let merge = async |acme: &WorkspaceHandle<'_>| acme.merge_contacts(a, b).await.unwrap();
        assert_eq!(costs.of("`merge_contacts`", self, merge).await.leads, 2);
        let apart = async |acme: &WorkspaceHandle<'_>| acme.unmerge_contact(a).await.unwrap();
        assert_eq!(costs.of("`unmerge_contact`", self, apart).await.leads, 1);
        let other = taken(self.acme.ingest(lead(next())).await).lead;
        let later = taken(self.acme.ingest(lead(next())).await).lead;
        let moved =
            async |acme: &WorkspaceHandle<'_>| acme.move_lead(other, "contacted", None).await.unwrap();
        costs.of("`move_lead`", self, moved).await;

        for (call, size) in [
            ("a batch of 1", 1),
            ("a batch of 100", 100),
            ("a batch of 1,000", 1_000),
            ("a batch of 2,500", 2_500),
        ] {
            let rows: Vec<_> = (0..size / if size == 1 { 1 } else { share }).map(|_| lead(next())).collect();
            let batch =
                async |acme: &WorkspaceHandle<'_>| acme.ingest_batch(rows, Atomicity::PerRow).await.unwrap();
            costs.of(call, self, batch).await.rows.into_iter().for_each(|row| drop(taken(row)));
        }
        let rows: Vec<_> = (0..100).map(|_| lead(next())).collect();
        let whole = async |acme: &WorkspaceHandle<'_>| {
            acme.ingest_batch(rows, Atomicity::AllOrNothing).await.unwrap()
        };
        assert!(costs.of("a batch of 100, all or nothing", self, whole).await.applied);

        let create = async |convio: &Convio<'_>| {
            convio.create_workspace(NewWorkspace::named("Other")).await.map(drop).unwrap();
        };
        costs.of_cold("`create_workspace`", self, create).await;
        let (id, n) = (self.acme.id(), next());
        let starts = async |convio: &Convio<'_>| convio.workspace(id).ingest(lead(n)).await;
        taken(costs.of_cold("the first lead of a process", self, starts).await);

        let page = PageRequest::first(10);
        let read = async |acme: &WorkspaceHandle<'_>| acme.lead(first_lead).await.unwrap();
        assert!(costs.of("a lead by id", self, read).await.is_some());
        let number = ContactRef::Number(first.number);
        let read = async |acme: &WorkspaceHandle<'_>| acme.contact(number).await.unwrap();
        assert!(costs.of("a contact by number", self, read).await.is_some());
        let read =
            async |acme: &WorkspaceHandle<'_>| acme.leads(&LeadFilter::default(), &page).await.unwrap();
        assert_eq!(costs.of("a page of leads", self, read).await.items.len(), 10);
        let read =
            async |acme: &WorkspaceHandle<'_>| acme.contacts(&ContactFilter::default(), &page).await.unwrap();
        assert_eq!(costs.of("a page of contacts", self, read).await.items.len(), 10);
        let stream = StreamRef::Lead(first_lead);
        let read = async |acme: &WorkspaceHandle<'_>| acme.history(stream, &page).await.unwrap();
        assert!(costs.of("a page of a history", self, read).await.items.len() > 1);
        let read = async |acme: &WorkspaceHandle<'_>| acme.feed(Position(3), 10).await.unwrap();
        assert_eq!(costs.of("a page of the feed", self, read).await.len(), 10);
        let query = ReportQuery::all(Cube::Leads);
        let read = async |acme: &WorkspaceHandle<'_>| acme.report(&query).await.unwrap();
        assert!(!costs.of("a report", self, read).await.is_empty());

        let key = NewApiKey::named("page").may([Permission::Ingest, Permission::Read]);
        let key = self.acme.create_api_key(key).await.unwrap();
        let page = self.convio.authenticate(key.token.expose()).await.unwrap();
        let n = next();
        let (cost, answer) = self.cost(&page, async |page| page.ingest(lead(n)).await).await;
        taken(answer);
        costs.0.push(("a lead, by an API key", cost));
        let (cost, found) = self.cost(&page, async |page| page.lead(first_lead).await.unwrap()).await;
        assert!(found.is_some());
        costs.0.push(("a lead by id, by an API key", cost));

        // While another writer's transaction is open.
        let n = next();
        let mut holder = self.hold(lead(next())).await;
        let late = async |acme: &WorkspaceHandle<'_>| {
            let (answer, ()) = tokio::join!(acme.ingest(lead(n)), holder.commit_once_it_is_waited_for());
            answer
        };
        taken(costs.of("a lead, when another commit was faster", self, late).await);
        self.be_alone(next()).await;
        let mut holder = self.hold(lead(next())).await;
        let late = async |acme: &WorkspaceHandle<'_>| {
            let moved = acme.move_lead(later, "contacted", None);
            let (answer, ()) = tokio::join!(moved, holder.commit_once_it_is_waited_for());
            answer
        };
        costs.of("`move_lead`, when another commit was faster", self, late).await.unwrap();
        self.be_alone(next()).await;

        let configure = async |acme: &WorkspaceHandle<'_>| {
            acme.configure_webhook("direct", WebhookSettings::default()).await.unwrap()
        };
        costs.of("`configure_webhook`", self, configure).await;
        let n = next();
        let answer = costs.of("the first lead after it", self, async |acme| acme.ingest(lead(n)).await).await;
        taken(answer);
        let counted = lead(next());
        let delivered = lead(next());
        let mut name = |what: &str| format!("{what}-{}", next());
        let webhook = name("webhook");
        let create = async |acme: &WorkspaceHandle<'_>| {
            acme.create_webhook(NewWebhook::named(&webhook)).await.unwrap()
        };
        costs.of("`create_webhook`", self, create).await;
        self.warm().await;
        let provider = name("provider");
        let create = async |acme: &WorkspaceHandle<'_>| {
            acme.create_provider(&provider, ProviderSettings::default()).await.unwrap()
        };
        costs.of("`create_provider`", self, create).await;
        self.warm().await;
        let rules = [Rule::to(Target::team("west")).any_product().any_zip()];
        let publish = async |acme: &WorkspaceHandle<'_>| acme.publish_rules(rules).await.unwrap();
        costs.of("`publish_rules`", self, publish).await;
        self.warm().await;
        let draft = name("draft");
        let rules = [Rule::to(Target::team("west")).any_product().any_zip()];
        // The list of drafts is there already.
        self.acme.save_draft(&name("draft"), rules.clone(), None).await.unwrap();
        let save =
            async |acme: &WorkspaceHandle<'_>| acme.save_draft(&draft, rules.clone(), None).await.unwrap();
        let seen = costs.of("`save_draft`", self, save).await.version;
        let read = async |acme: &WorkspaceHandle<'_>| acme.draft(&draft).await.unwrap();
        assert!(costs.of("a saved draft", self, read).await.is_some());
        let publish = async |acme: &WorkspaceHandle<'_>| acme.publish_draft(&draft, seen).await.unwrap();
        costs.of("`publish_draft`", self, publish).await;
        self.warm().await;
        let again = self.acme.save_draft(&draft, rules, None).await.unwrap().version;
        let discard = async |acme: &WorkspaceHandle<'_>| acme.discard_draft(&draft, again).await.unwrap();
        costs.of("`discard_draft`", self, discard).await;
        let parts = [(Target::person("ann"), 2), (Target::person("bob"), 1)];
        let turns = Rule::among(Strategy::Rotate, parts).any_product().any_zip();
        self.acme.publish_rules([turns.cap(Cap::count(1_000, Period::Day))]).await.unwrap();
        self.warm().await;
        let new = taken(self.acme.ingest(counted).await).lead;
        self.acme.book(new, visit()).await.unwrap();
        let book = async |acme: &WorkspaceHandle<'_>| acme.book(new, visit()).await.unwrap();
        let booked = costs.of("`book`, by turns and caps", self, book).await.id;
        let decline = async |acme: &WorkspaceHandle<'_>| acme.decline(booked, None).await.unwrap();
        costs.of("`decline`", self, decline).await;
        let rules = [Rule::to(Target::team("west")).any_product().any_zip()];
        self.acme.publish_rules(rules).await.unwrap();
        self.warm().await;
        let room = Resource::thing(name("room"));
        let always = CalendarSettings::open(Hours::always(Zone::UTC));
        let set =
            async |acme: &WorkspaceHandle<'_>| acme.set_calendar(room.clone(), always.clone()).await.unwrap();
        costs.of("`set_calendar`", self, set).await;
        self.warm().await;
        let hold = async |acme: &WorkspaceHandle<'_>| {
            acme.hold(NewHold::at(visit(), 5).of(room.clone(), 1)).await.unwrap()
        };
        let held = costs.of("`hold`", self, hold).await;
        let end = async |acme: &WorkspaceHandle<'_>| acme.end_hold(held).await.unwrap();
        costs.of("`end_hold`", self, end).await;
        let in_room = NewAppointment::at(visit()).direct(Target::team("west")).with(room.clone(), 1);
        let book = async |acme: &WorkspaceHandle<'_>| acme.book(new, in_room.clone()).await.unwrap();
        costs.of("`book`, of what has a calendar", self, book).await;
        let book = async |acme: &WorkspaceHandle<'_>| acme.book(new, in_room.clone()).await.unwrap_err();
        assert_eq!(costs.of("`book`, where that is taken", self, book).await.clash().unwrap().next.len(), 5);
        let request = SlotRequest::of([room.clone()], 60, Zone::UTC);
        let slots = async |acme: &WorkspaceHandle<'_>| acme.next_slots(&request).await.unwrap();
        assert_eq!(costs.of("`next_slots` of two weeks", self, slots).await.len(), 50);
        self.acme.set_calendar(room.clone(), always.clone().inactive()).await.unwrap();
        self.warm().await;
        let person = first.contact;
        let call = NewTouch::new(TouchOf::Contact(person), TouchKind::Call, Source::unknown());
        let track = async |acme: &WorkspaceHandle<'_>| acme.track(call.clone()).await.unwrap();
        costs.of("`track`, for a contact", self, track).await;
        let visitor = name("visitor");
        let visit_of = NewTouch::new(TouchOf::Visitor(visitor.clone()), TouchKind::Visit, Source::unknown());
        let track = async |acme: &WorkspaceHandle<'_>| acme.track(visit_of.clone()).await.unwrap();
        costs.of("`track`, for a visitor", self, track).await;
        let identify =
            async |acme: &WorkspaceHandle<'_>| acme.identify(person, visitor.clone()).await.unwrap();
        costs.of("`identify`", self, identify).await;
        self.consume(costs, round).await;
        self.deliver(costs, round, delivered).await;
        let read = async |acme: &WorkspaceHandle<'_>| acme.journey(person).await.unwrap();
        assert!(costs.of("the journey of a contact", self, read).await.touches.len() > 2);
        let read = async |acme: &WorkspaceHandle<'_>| acme.attribution(sale).await.unwrap();
        assert!(costs.of("who earned a conversion", self, read).await.is_some());
        let day = chrono::NaiveDate::from_ymd_opt(2027, 3, 1).expect("a day");
        let spent = Spend {
            day,
            source: Source::unknown(),
            campaign: None,
            cost: "1 USD".parse().unwrap(),
            clicks: None,
            impressions: None,
        };
        let import = async |acme: &WorkspaceHandle<'_>| acme.import_spend(vec![spent.clone()]).await.unwrap();
        costs.of("`import_spend`, of a day", self, import).await;
        let read = async |acme: &WorkspaceHandle<'_>| {
            acme.economics("linear", day, day + chrono::Days::new(30)).await.unwrap()
        };
        let told = costs.of("what was spent on a month, and what came of it", self, read).await;
        assert_eq!(told.total.economics.spend(), "1 USD".parse().unwrap());
        let rates = Rates::new(Currency::USD, 7, []).unwrap();
        let set = async |acme: &WorkspaceHandle<'_>| acme.set_rates(rates.clone()).await.unwrap();
        costs.of("`set_rates`", self, set).await;
        self.warm().await;
        let set = async |acme: &WorkspaceHandle<'_>| {
            acme.set_attribution(AttributionSettings::standard()).await.unwrap()
        };
        costs.of("`set_attribution`", self, set).await;
        self.warm().await;
        let mut settings = self.acme.workspace().await.unwrap().unwrap().settings;
        settings.name = name("Acme");
        let configure = async |acme: &WorkspaceHandle<'_>| acme.configure(settings).await.unwrap();
        costs.of("`configure`", self, configure).await;
        self.warm().await;
    }

    /// A named consumer at work.
    async fn consume(&self, costs: &mut Costs, round: u32) {
        let (head, crm, new) = (self.acme.head().await, format!("crm{round}"), format!("new{round}"));
        let head = head.unwrap().expect("a workspace").feed;
        let retry = Retry { tries_max: 2, first_seconds: 0, longest_seconds: 0 };
        let settings = ConsumerSettings::new().retry(retry);
        self.acme.create_consumer(&crm, settings.clone(), Position(0)).await.unwrap();
        self.acme.create_consumer(&new, settings.clone(), head).await.unwrap();
        let poll = async |acme: &WorkspaceHandle<'_>| acme.consumer(&*new).poll().await.unwrap().is_none();
        assert!(costs.of("`poll`, which finds nothing", self, poll).await);
        let poll = async |acme: &WorkspaceHandle<'_>| acme.consumer(&*crm).poll().await.unwrap().is_some();
        assert!(costs.of("`poll`, which takes a shard", self, poll).await);
        // Whoever took it is gone.
        self.acme.rewind_consumer(&crm, Rewind::To(Position(0))).await.unwrap();
        let mut worker = self.acme.consumer(&*crm).events_per_batch(2);
        let batch = worker.poll().await.unwrap().expect("events");
        let ack = async |acme: &WorkspaceHandle<'_>| batch.ack_within(acme).await.unwrap();
        costs.of("`ack`", self, ack).await;
        for call in ["`nack`", "`nack`, of an event that was tried often enough"] {
            let batch = worker.poll().await.unwrap().expect("events");
            let failed = batch.events()[0].position;
            let nack =
                async |acme: &WorkspaceHandle<'_>| batch.nack_within(acme, failed, "no").await.unwrap();
            costs.of(call, self, nack).await;
        }
        let pause = async |acme: &WorkspaceHandle<'_>| acme.pause_consumer(&crm).await.unwrap();
        costs.of("`pause_consumer`", self, pause).await;
        let read = async |acme: &WorkspaceHandle<'_>| acme.consumer_state(&crm).await.unwrap();
        assert!(costs.of("how a consumer stands", self, read).await.is_some());
    }

    /// An endpoint, and a courier that nobody was before: it takes its shard first.
    async fn deliver(&self, costs: &mut Costs, round: u32, raw: RawLead) {
        let name = format!("crm{round}");
        let crm = NewEndpoint::to(format!("https://{name}.example.com/in")).named(&name);
        let crm = crm.with(|settings| settings.events = EventFilter::only(["lead.received"]));
        let create = async |acme: &WorkspaceHandle<'_>| {
            acme.create_endpoint(crm.clone(), &Guard::new()).await.unwrap()
        };
        costs.of("`create_endpoint`", self, create).await;
        self.warm().await;
        let step =
            async |acme: &WorkspaceHandle<'_>| acme.courier(Receiver, Guard::new()).step().await.unwrap();
        // Whoever took the shard before is gone.
        let head = async || self.acme.head().await.unwrap().expect("a workspace").feed;
        let rewind = async |to| {
            self.acme.rewind_consumer(DELIVERIES_CONSUMER, Rewind::To(to)).await.unwrap();
        };
        let before = head().await;
        rewind(before).await;
        assert_eq!(costs.of("a courier's step that finds nothing", self, step).await, Step::Idle);
        taken(self.acme.ingest(raw).await);
        let made = costs.of("a courier's step that makes a delivery", self, step).await;
        assert_eq!(made, Step::Made(1));
        rewind(head().await).await;
        let sent = costs.of("a courier's step that sends one", self, step).await;
        assert!(matches!(sent, Step::Sent(sent) if sent.delivery.status == DeliveryStatus::Success));
        self.acme.delete_endpoint(&name).await.unwrap();
        self.warm().await;
    }

    /// Makes the configuration the newest one, also of a handle that heard nothing of a change in a caller's transaction.
    async fn warm(&self) {
        assert!(self.acme.webhook("direct").await.unwrap().is_some());
    }

    /// What a call costs.
    async fn cost<T>(
        &self,
        handle: &WorkspaceHandle<'static>,
        call: impl AsyncFnOnce(&WorkspaceHandle<'_>) -> T,
    ) -> (Count, T) {
        if !self.way.is_in_transaction() {
            let before = self.counted().await;
            let answer = call(handle).await;
            return (self.counted().await - before, answer);
        }
        let mut conn = self.pool.acquire().await.expect("a connection");
        conn.execute("BEGIN").await.expect("begins");
        let before = self.proxy.count();
        let answer = call(&handle.within(self.store.within(&mut conn))).await;
        let cost = self.proxy.count() - before;
        conn.execute("COMMIT").await.expect("commits");
        (cost, answer)
    }

    /// What a call costs that knows no configuration yet.
    async fn cost_cold<T>(&self, call: impl AsyncFnOnce(&Convio<'_>) -> T) -> (Count, T) {
        if !self.way.is_in_transaction() {
            let before = self.counted().await;
            let answer = call(&process(&self.store)).await;
            return (self.counted().await - before, answer);
        }
        let mut conn = self.pool.acquire().await.expect("a connection");
        conn.execute("BEGIN").await.expect("begins");
        let before = self.proxy.count();
        let answer = call(&self.convio.within(self.store.within(&mut conn))).await;
        let cost = self.proxy.count() - before;
        conn.execute("COMMIT").await.expect("commits");
        (cost, answer)
    }

    /// What was counted by now, once the pool has its connection back: it tests that, in a task of its own.
    async fn counted(&self) -> Count {
        while self.way == Way::Pool && self.pool.num_idle() < self.pool.size() as usize {
            tokio::task::yield_now().await;
        }
        self.proxy.count()
    }

    /// Another writer, in a transaction that has taken a lead and is still open.
    async fn hold(&self, raw: RawLead) -> Holder {
        let mut conn = connect().await;
        conn.execute("BEGIN").await.expect("begins");
        taken(self.acme.within(self.store.within(&mut conn)).ingest(raw).await);
        let pid = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut conn).await.expect("a pid");
        Holder { conn, pid }
    }
}

/// A writer that others wait for.
struct Holder {
    conn: PgConnection,
    pid: i32,
}

impl Holder {
    async fn commit_once_it_is_waited_for(&mut self) {
        let mut watcher = connect().await;
        let waits = "SELECT count(*) FROM pg_stat_activity WHERE $1 = ANY(pg_blocking_pids(pid))";
        for _ in 0..POLLS_MAX {
            let waiting: i64 =
                sqlx::query_scalar(waits).bind(self.pid).fetch_one(&mut watcher).await.expect("reads");
            if waiting > 0 {
                watcher.close().await.expect("closes");
                self.conn.execute("COMMIT").await.expect("commits");
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("nobody waited");
    }
}

/// A receiver that takes everything.
struct Receiver;

#[async_trait]
impl Transport for Receiver {
    async fn send(&self, _: &Request) -> Answer {
        Ok(Response::new(200))
    }
}

/// A process over a store.
fn process(store: &Arc<PgStore>) -> Convio<'static> {
    Convio::with(Shared(store.clone()), ManualClock::at(NOON), RandomIds::default())
}

fn visit() -> Schedule {
    Schedule::local("2027-03-02T10:00", "America/Los_Angeles").expect("a time")
}

#[track_caller]
fn kind(answer: Result<Ingested, Error>) -> ErrorKind {
    answer.unwrap_err().kind()
}

#[allow(clippy::print_stdout, reason = "what was counted is worth reading")]
fn say(line: &str) {
    println!("{line}");
}

/// A moment of no meaning, in microseconds since 1970: limits are per hour, so the hour must not change.
const NOON: i64 = 1_803_990_000_000_000;
/// Polls of 5 ms before a race that never blocks fails.
const POLLS_MAX: u32 = 6_000;
