//! What a section came to, kept as JSON: a document can be rendered again, and sections of several days be put together.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::Result;
use crate::effort::Effort;
use crate::figure::{Figure, Verdict};

/// What a section came to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Outcome {
    /// The section's name.
    pub section: String,
    /// What it is about.
    pub title: String,
    /// What subject and floors do, in Markdown.
    pub about: String,
    /// When it ran, as a date.
    pub date: String,
    /// How much was measured.
    pub effort: Effort,
    /// Microseconds that a sync took: before it, after it.
    pub sync_micros: (f64, f64),
    /// The share of all processors that other programs used meanwhile.
    #[serde(default)]
    pub others: f64,
    /// What was measured: the commit.
    #[serde(default)]
    pub commit: String,
    /// Where it ran.
    pub machine: Vec<(String, String)>,
    /// Comparisons.
    pub figures: Vec<Figure>,
    /// What is counted rather than compared.
    pub facts: Vec<Fact>,
    /// What else was measured.
    pub tables: Vec<Table>,
    /// What is drawn.
    pub curves: Vec<Curve>,
    /// What is not shown, and why.
    pub not_shown: Vec<String>,
}

/// What is counted.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Fact {
    /// As targets are numbered.
    pub id: String,
    /// Of which lead, or how many rules or paths.
    pub case: String,
    /// What is counted.
    pub what: String,
    /// How much it is.
    pub value: String,
    /// What it should be.
    pub target: String,
    /// Whether it is.
    pub is_met: bool,
}

/// What is shown as a table.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Table {
    /// Above it.
    pub title: String,
    /// Its columns.
    pub columns: Vec<String>,
    /// Its rows.
    pub rows: Vec<Vec<String>>,
}

/// What is drawn as a line.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Curve {
    /// Its name.
    pub name: String,
    /// Leads stored, and what one more costs in microseconds of processor time.
    pub points: Vec<(f64, f64)>,
}

/// What a section measures, before it is known when and where.
#[derive(Debug, Default)]
pub struct Measured {
    /// Comparisons.
    pub figures: Vec<Figure>,
    /// What is counted rather than compared.
    pub facts: Vec<Fact>,
    /// What else was measured.
    pub tables: Vec<Table>,
    /// What is drawn.
    pub curves: Vec<Curve>,
}

impl Outcome {
    /// Keeps it in this folder, in place of an earlier one of the section.
    pub fn keep(&self, folder: &Path) -> Result<()> {
        fs::create_dir_all(folder)?;
        let text = serde_json::to_string_pretty(self)?;
        Ok(fs::write(folder.join(format!("{}.json", self.section)), text + "\n")?)
    }

    /// The outcomes kept in this folder, of those sections, in their order.
    pub fn kept(folder: &Path, sections: &[&str]) -> Result<Vec<Self>> {
        let files = sections.iter().map(|section| folder.join(format!("{section}.json")));
        let texts = files.filter(|file| file.exists()).map(fs::read_to_string);
        texts.map(|text| Ok(serde_json::from_str(&text?)?)).collect()
    }

    /// How many targets are met, and how many are missed.
    pub fn score(&self) -> (usize, usize) {
        let of_figures = self.figures.iter().filter_map(Figure::verdict);
        let of_facts = self.facts.iter().map(|fact| if fact.is_met { Verdict::Met } else { Verdict::Missed });
        let verdicts: Vec<Verdict> = of_figures.chain(of_facts).collect();
        let count = |wanted| verdicts.iter().filter(|verdict| **verdict == wanted).count();
        (count(Verdict::Met), count(Verdict::Missed))
    }
}
