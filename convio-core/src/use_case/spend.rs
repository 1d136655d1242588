//! What was spent: a record for each day, outside of the configuration.
//!
//! | call | reads first | commits | round trips on Postgres |
//! |---|---|---|---|
//! | `import_spend`, of a day | the record of the day | 1 | 3 |

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use super::{Context, Plan, UseCase};
use crate::analytics::{SPEND_DAYS_MAX, SPEND_ROWS_MAX, Spend, SpendDay, Spent};
use crate::api_key::Permission;
use crate::change_set::Version;
use crate::error::{Error, Reason};
use crate::id::WorkspaceId;
use crate::record::{Keeps, SPEND_KIND};
use crate::store::{Loaded, Needs};

/// Notes what was spent. One commit.
#[derive(Debug, Clone)]
pub struct ImportSpend {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// What was spent, of any days. A row takes the place of an earlier one of its day, source and campaign.
    pub rows: Vec<Spend>,
}

impl ImportSpend {
    fn days(&self) -> BTreeSet<NaiveDate> {
        self.rows.iter().map(|row| row.day).collect()
    }

    fn check(&self) -> Result<(), Error> {
        let mut reasons = Vec::new();
        let mut seen = BTreeSet::new();
        for (place, row) in self.rows.iter().enumerate() {
            let of_row = |reason: Reason| {
                Reason::new(format!("rows[{place}].{}", reason.field), reason.code, reason.message)
            };
            reasons.extend(row.check().into_iter().map(of_row));
            if !seen.insert((row.day, &row.source, &row.campaign)) {
                let message = "another row is of the same day, source and campaign";
                reasons.push(Reason::new(format!("rows[{place}]"), "repeated", message));
            }
        }
        if self.days().len() > SPEND_DAYS_MAX {
            let message = format!("the rows are of more than {SPEND_DAYS_MAX} days");
            reasons.push(Reason::new("rows", "too_many_days", message));
        }
        if reasons.is_empty() { Ok(()) } else { Err(Error::invalid(reasons)) }
    }
}

impl UseCase for ImportSpend {
    type Answer = Vec<SpendDay>;

    fn permission(&self) -> Permission {
        Permission::Convert
    }

    fn needs(&self) -> Needs {
        Needs::of(self.workspace, [])
    }

    fn records(&self) -> Vec<(&'static str, String)> {
        let days = self.days();
        let named = days.iter().take(SPEND_DAYS_MAX).map(|day| (SPEND_KIND, day.to_string()));
        named.collect()
    }

    fn plan(&self, loaded: &Loaded, context: &Context<'_>) -> Result<Plan<Vec<SpendDay>>, Error> {
        let config = context.open()?;
        self.check()?;
        let mut days: BTreeMap<NaiveDate, SpendDay> = BTreeMap::new();
        for record in loaded.records.iter().filter(|record| record.kind == SPEND_KIND) {
            let day: SpendDay = record.read()?;
            days.insert(day.day, day);
        }
        for spend in &self.rows {
            let day = days.entry(spend.day).or_insert_with(|| SpendDay {
                workspace: self.workspace,
                day: spend.day,
                rows: Vec::new(),
                version: Version::ZERO,
            });
            day.rows
                .retain(|row| (&row.spend.source, &row.spend.campaign) != (&spend.source, &spend.campaign));
            let rate = config.rate(spend.cost.currency(), spend.day);
            day.rows.push(Spent { spend: spend.clone(), rate });
        }
        let mut changes = context.changes(self.workspace);
        let mut answer: Vec<SpendDay> = days.into_values().collect();
        for day in &mut answer {
            if day.rows.len() > SPEND_ROWS_MAX {
                let message = format!("{} would have more than {SPEND_ROWS_MAX} rows", day.day);
                return Err(Error::invalid(vec![Reason::new("rows", "too_many", message)]));
            }
            day.rows.sort_by(|a, b| {
                (&a.spend.source, &a.spend.campaign).cmp(&(&b.spend.source, &b.spend.campaign))
            });
            day.version = day.version.next();
            changes.records.push(day.keep()?);
        }
        Ok(Plan { changes, answer })
    }
}
