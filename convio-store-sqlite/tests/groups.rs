//! Change sets that are written together: what is wrong with one of them is none of the others' business.

mod support {
    #[expect(dead_code, reason = "what it costs is told elsewhere")]
    pub(crate) mod trace;
}

use chrono::DateTime;
use convio_core::service::Atomicity;
use convio_core::{Convio, FixedClock, Ids, NewWorkspace, RawLead, SequentialIds};
use convio_store_sqlite::SqliteStore;
use support::trace::Trace;

/// A lead is taken to be new, and its insert finds that it is not.
#[test]
fn an_id_that_is_taken_spoils_the_group_and_only_its_own_change_set() {
    let trace = Trace::start();
    let clock = FixedClock(DateTime::from_timestamp(1_800_000_000, 0).unwrap());
    let mut spoiled = 0;
    // Ids are for leads and contacts in turn: one of two places in the series meets leads with leads.
    for ids_before in 0..2 {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("leads.db");
        let convio = Convio::with(SqliteStore::open(&path).unwrap(), clock, SequentialIds::seeded(1));
        let acme =
            pollster::block_on(convio.create_workspace(NewWorkspace::named("Acme Solar"))).unwrap().id();
        let first = pollster::block_on(convio.workspace(acme).ingest_batch(leads(0..3), Atomicity::PerRow));
        assert!(first.unwrap().rows.iter().all(Result::is_ok));
        drop(convio);

        // The same ids once more.
        let ids = SequentialIds::seeded(1);
        (0..ids_before).for_each(|_| {
            let _ = ids.next(clock.0);
        });
        let convio = Convio::with(SqliteStore::open(&path).unwrap(), clock, ids);
        let acme = convio.workspace(acme);
        trace.take();
        let batch = pollster::block_on(acme.ingest_batch(leads(100..140), Atomicity::PerRow)).unwrap();
        let refused = batch.rows.iter().filter(|row| row.is_err()).count();
        assert!(refused <= 3, "{:?}", batch.rows);
        let is_apart = |sql: &str| sql.starts_with("SAVEPOINT");
        spoiled += usize::from(trace.take().iter().any(|statement| is_apart(&statement.sql)));
        let conn = rusqlite::Connection::open(&path).unwrap();
        let stored: i64 = conn.query_row("SELECT count(*) FROM lead", [], |row| row.get(0)).unwrap();
        assert_eq!(usize::try_from(stored).unwrap(), 3 + 40 - refused);
    }
    assert!(spoiled > 0, "no id was taken");
}

fn leads(numbers: std::ops::Range<usize>) -> Vec<RawLead> {
    numbers.map(|n| RawLead::json(format!(r#"{{"name":"Pat {n}","phone":"+1310555{n:04}"}}"#))).collect()
}
