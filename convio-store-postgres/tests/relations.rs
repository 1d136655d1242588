//! The relations that people query by hand (docs/relations.md), asked in SQL: each row beside that of SQLite, sums beside the
//! typed reports, amounts beside core's, plans among many rows. The six queries of the mission document are in `mission.rs`.

mod relations {
    mod alike;
    #[allow(dead_code, reason = "the tests of SQLite ask for each by itself")]
    #[path = "../../../convio-store-sqlite/tests/relations/delivered.rs"]
    mod delivered;
    #[allow(dead_code, reason = "the mission's own tests use the rest")]
    #[path = "../../../convio-store-sqlite/tests/relations/mission.rs"]
    pub(crate) mod mission;
    mod money;
    mod plans;
    #[allow(dead_code, reason = "the mission's own tests use the rest")]
    pub(crate) mod program;
    mod reader;
    mod sums;
    mod world;
}

mod support;
