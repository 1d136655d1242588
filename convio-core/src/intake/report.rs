use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::run::{RowAnswer, RowOutcome};
use crate::error::{Error, Reason};
use crate::use_case::ingest::Ingested;

/// What became of the rows of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ImportReport {
    /// Rows that have an answer: the sum of the counts below, but for the blank ones.
    pub rows: u64,
    /// Rows that are blank in each cell. They are no rows.
    pub blank: u64,
    /// Leads taken whose contact was made by them.
    pub created: u64,
    /// Leads taken whose contact was known.
    pub linked: u64,
    /// Rows that were taken or rejected before, by this import or an earlier one.
    pub replayed: u64,
    /// Those among the replayed that were rejected then.
    pub replayed_refused: u64,
    /// Rows that repeat a lead, where the webhook rejects repeats.
    pub duplicate: u64,
    /// Rows that were rejected, and are kept with every reason.
    pub rejected: u64,
    /// Rows that can't be read. They are kept nowhere.
    pub bad: u64,
    /// Rows that were refused without being kept, such as another row under the id of an earlier one.
    pub failed: u64,
    /// The line of the last row that has an answer.
    pub last_line: u64,
    /// What is doubtful in leads that were taken.
    pub doubts: ReasonCounts,
    /// What was not taken: duplicates, rejected, bad and failed rows.
    pub problems: Problems,
}

/// How often each reason was given: per field and code. See [`Draft`](super::Draft) for an example.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct ReasonCounts(BTreeMap<String, BTreeMap<String, u64>>);

/// What is wrong with a file's rows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Problems {
    /// How many rows have one.
    pub rows: u64,
    /// How often each reason was given; a row may have several.
    pub reasons: ReasonCounts,
    /// The first [`PROBLEMS_SHOWN`].
    pub first: Vec<Problem>,
}

/// What is wrong with a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The physical line that the row starts on.
    pub line: u64,
    /// What became of it: `bad`, `rejected`, `duplicate` or `failed`.
    pub outcome: &'static str,
    /// Every reason.
    pub reasons: Vec<Reason>,
}

impl ImportReport {
    /// Rows that became leads, now or before.
    pub fn leads(&self) -> u64 {
        self.created + self.linked + self.replayed - self.replayed_refused
    }

    pub(super) fn add(&mut self, answer: &RowAnswer) {
        self.rows += 1;
        self.last_line = answer.line;
        let code = answer.outcome.code();
        match &answer.outcome {
            RowOutcome::Answered(Ingested::Created(accepted)) => {
                self.created += 1;
                self.doubts.add(&accepted.flags);
            }
            RowOutcome::Answered(Ingested::Linked(accepted)) => {
                self.linked += 1;
                self.doubts.add(&accepted.flags);
            }
            RowOutcome::Answered(Ingested::Replayed(first)) => {
                self.replayed += 1;
                self.replayed_refused += u64::from(first.accepted().is_err());
            }
            RowOutcome::Answered(Ingested::Duplicate(refused)) => {
                self.duplicate += 1;
                self.problems.add(answer.line, code, refused.reasons.clone());
            }
            RowOutcome::Answered(Ingested::Rejected(refused)) => {
                self.rejected += 1;
                self.problems.add(answer.line, code, refused.reasons.clone());
            }
            RowOutcome::Bad(reason) => {
                self.bad += 1;
                self.problems.add(answer.line, code, vec![reason.clone()]);
            }
            RowOutcome::Failed(error) => {
                self.failed += 1;
                self.problems.add(answer.line, code, reasons_of(error));
            }
        }
    }
}

impl ReasonCounts {
    /// How often this reason was given.
    pub fn get(&self, field: &str, code: &str) -> u64 {
        self.0.get(field).and_then(|codes| codes.get(code)).copied().unwrap_or(0)
    }

    /// Field, code and count of each, in this order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str, u64)> {
        self.0.iter().flat_map(|(field, codes)| {
            codes.iter().map(move |(code, rows)| (field.as_str(), code.as_str(), *rows))
        })
    }

    pub(super) fn add(&mut self, reasons: &[Reason]) {
        for reason in reasons {
            *self.0.entry(reason.field.clone()).or_default().entry(reason.code.clone()).or_default() += 1;
        }
    }
}

impl Problems {
    pub(super) fn add(&mut self, line: u64, outcome: &'static str, reasons: Vec<Reason>) {
        self.rows += 1;
        self.reasons.add(&reasons);
        if self.first.len() < PROBLEMS_SHOWN {
            self.first.push(Problem { line, outcome, reasons });
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reasons: Vec<String> = self.reasons.iter().map(Reason::to_string).collect();
        write!(f, "line {}: {}", self.line, reasons.join("; "))
    }
}

/// The reasons of an error, of which each has one at least.
pub(super) fn reasons_of(error: &Error) -> Vec<Reason> {
    match error.reasons() {
        [] => vec![Reason::new("row", "failed", error.to_string())],
        reasons => reasons.to_vec(),
    }
}

/// Problems that a report shows one by one: enough to see what is wrong with a file, few enough to be held.
pub const PROBLEMS_SHOWN: usize = 100;
