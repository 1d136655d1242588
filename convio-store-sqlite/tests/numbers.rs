//! The 900,000th contact of a workspace: numbers stay unique and grow by a digit, and cost what the first cost.
#![expect(clippy::print_stdout, reason = "the costs are what this test is read for")]

mod support {
    #[expect(dead_code, reason = "the costs are compared whole")]
    pub(crate) mod trace;
}

use std::path::Path;

use chrono::DateTime;
use convio_core::contact::ContactRef;
use convio_core::{
    ContactNumber, Convio, FixedClock, Ingested, NewWorkspace, NumberSeries, RawLead, SequentialIds,
    WorkspaceHandle, WorkspaceId,
};
use convio_store_sqlite::SqliteStore;
use rusqlite::Connection;
use support::trace::{Statement, Trace};

#[test]
fn contacts_around_the_900_000th_get_new_numbers_at_the_price_of_the_first() {
    let trace = Trace::start();
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("leads.db");
    let clock = FixedClock(DateTime::from_timestamp(1_800_000_000, 0).unwrap());
    let convio = Convio::with(SqliteStore::open(&path).unwrap(), clock, SequentialIds::seeded(1));
    let create = |name| pollster::block_on(convio.create_workspace(NewWorkspace::named(name))).unwrap().id();
    let (young, old) = (create("Young"), create("Old"));
    drop(convio);
    make_contacts(&path, old);
    let series = NumberSeries::of(old);
    let convio = Convio::with(SqliteStore::open(&path).unwrap(), clock, SequentialIds::seeded(2));
    let (young, old) = (convio.workspace(young), convio.workspace(old));

    let (first, first_cost) = ingest(&young, &trace);
    let (numbers, cost) = ingest(&old, &trace);

    let wanted: Vec<_> = (MADE..).take(CONTACTS).map(|n| series.nth(n)).collect();
    assert_eq!(numbers, wanted);
    let digits: Vec<_> = numbers.iter().map(|number| number.to_string().len()).collect();
    assert_eq!(digits, [[6; 11].as_slice(), &[7; 10]].concat());
    for number in &numbers {
        let contact = pollster::block_on(old.contact(ContactRef::Number(*number))).unwrap();
        assert_eq!(contact.map(|contact| contact.number), Some(*number));
    }
    let wanted: Vec<_> = (0..).take(CONTACTS).map(|n| NumberSeries::of(young.id()).nth(n)).collect();
    assert_eq!(first, wanted);
    // All of them side by side, under the table's unique numbers.
    let sql = "SELECT count(*) FROM contact WHERE workspace_id = ?1";
    let conn = Connection::open(&path).unwrap();
    let contacts: i64 = conn.query_row(sql, [old.id().uuid().as_bytes()], |row| row.get(0)).unwrap();
    assert_eq!(contacts, 900_010);

    for (n, (first, last)) in first_cost.iter().zip(&cost).enumerate() {
        assert_eq!(first, last, "contact {n}");
    }
    let steps = |cost: &[Statement]| cost.iter().map(|statement| statement.steps).sum::<i32>();
    println!(
        "contact 1: {} statements, {} steps; contact 899,990: {}, {}; contact 900,010: {}, {}",
        first_cost[0].len(),
        steps(&first_cost[0]),
        cost[0].len(),
        steps(&cost[0]),
        cost[20].len(),
        steps(&cost[20]),
    );
}

/// Puts the contacts before into the file, with the numbers of the workspace's series.
fn make_contacts(path: &Path, workspace: WorkspaceId) {
    let conn = Connection::open(path).unwrap();
    // Nothing of it has to survive this test.
    conn.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -200000")
        .unwrap();
    let series = NumberSeries::of(workspace);
    let (factor, offset) = series.coefficients();
    let made = conn.execute(
        "WITH RECURSIVE made (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM made WHERE n + 1 < ?2)
         INSERT INTO contact (workspace_id, id, number, stamps, first_source, first_lead, first_at, leads, conversions,
             lifetime, created_at, version)
         SELECT ?1, CAST(printf('%016d', n) AS BLOB), 100000 + (?3 * n + ?4) % 900000, x'', 'import', zeroblob(16), 0, 1, 0,
             '{}', 0, 1
         FROM made",
        (workspace.uuid().as_bytes(), MADE.cast_signed(), factor.cast_signed(), offset.cast_signed()),
    );
    assert_eq!(made, Ok(usize::try_from(MADE).unwrap()));
    let sql = "SELECT number FROM contact WHERE workspace_id = ?1 AND id = CAST('0000000000777777' AS BLOB)";
    let number: i64 = conn.query_row(sql, [workspace.uuid().as_bytes()], |row| row.get(0)).unwrap();
    assert_eq!(number.cast_unsigned(), series.nth(777_777).as_u64());
    let sql = "UPDATE head SET contacts = ?2 WHERE workspace_id = ?1";
    let heads = conn.execute(sql, (workspace.uuid().as_bytes(), MADE.cast_signed()));
    assert_eq!(heads, Ok(1));
}

/// Takes leads of as many persons, and gives their numbers and what each of them cost.
fn ingest(workspace: &WorkspaceHandle<'_>, trace: &Trace) -> (Vec<ContactNumber>, Vec<Vec<Statement>>) {
    assert!(pollster::block_on(workspace.webhook("direct")).unwrap().is_some());
    trace.take();
    let one = |n| {
        let raw = RawLead::json(format!(r#"{{"name":"Pat {n:02}","phone":"+1310555{n:04}"}}"#));
        match pollster::block_on(workspace.ingest(raw)) {
            Ok(Ingested::Created(accepted)) => (accepted.number, trace.take()),
            other => panic!("no contact was made: {other:?}"),
        }
    };
    (0..CONTACTS).map(one).unzip()
}

/// Contacts made before.
const MADE: u64 = 899_989;
/// Contacts made here: the 899,990th to the 900,010th.
const CONTACTS: usize = 21;
