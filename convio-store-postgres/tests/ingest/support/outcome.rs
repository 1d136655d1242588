//! What the statement answered, read from its one row.

use sqlx::Row;
use sqlx::postgres::PgRow;
use uuid::Uuid;

/// The answer of the ingest statement.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Outcome {
    /// No row: the workspace has no head.
    Missing,
    /// Planned with another configuration than the workspace's.
    Stale { config: i64 },
    /// Stored.
    Taken(Taken),
    /// A claim was lost: nothing stored.
    Lost { claim: Claim, lead: Uuid, same_body: bool },
}

/// Which claim was lost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Claim {
    Key,
    ExternalId,
}

/// A stored lead.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Taken {
    pub(crate) lead: Uuid,
    pub(crate) contact: Uuid,
    pub(crate) number: i64,
    pub(crate) version: i64,
    pub(crate) created: bool,
    pub(crate) duplicate_of: Option<Uuid>,
    pub(crate) position: i64,
}

impl Outcome {
    pub(crate) fn read(row: Option<&PgRow>, sent_config: i64) -> Self {
        let Some(row) = row else { return Self::Missing };
        let config: i64 = row.get("config");
        if config != sent_config {
            let position: Option<i64> = row.get("position");
            assert_eq!(position, None, "a stale plan stored something");
            return Self::Stale { config };
        }
        match row.get("position") {
            Some(position) => Self::Taken(Taken {
                lead: row.get("intake_id"),
                contact: row.get("contact_id"),
                number: row.get("number"),
                version: row.get("version"),
                created: row.get("created"),
                duplicate_of: row.get("duplicate_of"),
                position,
            }),
            None => Self::Lost {
                claim: if row.get::<Option<i64>, _>("key_hits") > Some(1) {
                    Claim::Key
                } else {
                    Claim::ExternalId
                },
                lead: row.get("intake_id"),
                same_body: row.get("same_body"),
            },
        }
    }

    /// Nothing stored: `claim` is `lead`'s, which came with the same body or not.
    pub(crate) fn lost(claim: Claim, lead: Uuid, same_body: bool) -> Self {
        Self::Lost { claim, lead, same_body }
    }

    /// The stored lead, where the test knows that one was stored.
    #[track_caller]
    pub(crate) fn taken(self) -> Taken {
        match self {
            Self::Taken(taken) => taken,
            other => panic!("not stored: {other:?}"),
        }
    }
}
