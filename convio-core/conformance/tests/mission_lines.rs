//! Every line of the mission document is proven: by cases that exist, and where it asks something of the database itself,
//! by a test that does. A line that is added or changed there fails here until it is proven too.

use std::collections::BTreeSet;

use convio_conformance::CASES;
use convio_conformance::mission::{LINES, is_decoration};

#[test]
fn every_line_that_says_something_is_in_the_table_in_its_order() {
    let said: Vec<&str> = DOCUMENT.lines().map(str::trim).filter(|line| !is_decoration(line)).collect();
    let table: Vec<&str> = LINES.iter().map(|line| line.text).collect();
    for (n, (said, table)) in said.iter().zip(&table).enumerate() {
        assert_eq!(said, table, "line {n} of those that say something");
    }
    assert_eq!(said.len(), table.len(), "the document, or the table, goes on: {said:?}");
}

#[test]
fn every_case_of_the_table_exists_and_every_case_stands_in_it() {
    let named: BTreeSet<&str> = LINES.iter().flat_map(|line| line.cases).copied().collect();
    let topic = |name: &'static str| name.strip_prefix("mission::");
    let cases: BTreeSet<&str> = CASES.iter().filter_map(|case| topic(case.name)).collect();
    assert_eq!(named.difference(&cases).collect::<Vec<_>>(), Vec::<&&str>::new(), "there are no such cases");
    assert_eq!(cases.difference(&named).collect::<Vec<_>>(), Vec::<&&str>::new(), "they prove no line");
    assert!(LINES.iter().all(|line| !line.cases.is_empty()));
}

#[test]
fn every_query_of_the_table_is_run_as_it_is_written() {
    let named: BTreeSet<&str> = LINES.iter().filter_map(|line| line.query).collect();
    assert_eq!(named.len(), 8, "six queries, the key fields, the tables of the diagram");
    for name in named {
        assert!(QUERIES.contains(&format!("\n#[test]\nfn {name}(")), "the SQLite store has no test `{name}`");
    }
    // Each line between the fences is one of a query.
    let mut fenced = false;
    for line in DOCUMENT.lines().map(str::trim) {
        match line {
            "```sql" => fenced = true,
            "```" => fenced = false,
            line if fenced => {
                let row = LINES.iter().find(|row| row.text == line);
                assert!(row.is_some_and(|row| row.query.is_some()), "{line}");
            }
            _ => {}
        }
    }
}

/// What passes for decoration can say nothing: these lines would say something.
#[test]
fn a_new_line_is_no_decoration() {
    for line in [
        "A --> Z[Ledger]",
        "class of its own",
        "- Contacts can be merged by hand",
        "## A New Chapter",
        "| **rooms** | Where people meet | name |",
        "SELECT 1;",
        "|  x  |",
    ] {
        assert!(!is_decoration(line), "{line}");
    }
}

const DOCUMENT: &str = include_str!("../../../docs/mission.md");
const QUERIES: &str = include_str!("../../../convio-store-sqlite/tests/mission.rs");
