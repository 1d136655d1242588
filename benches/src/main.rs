//! Measures Convio beside its floors and its peers, and writes what came of it: see `scripts/bench`.
#![allow(clippy::print_stdout, reason = "a bench prints its figures")]

use std::path::PathBuf;
use std::time::Duration;

use convio_benches::Result;
use convio_benches::chart::charts;
use convio_benches::effort::Effort;
use convio_benches::lab::Lab;
use convio_benches::live::Live;
use convio_benches::outcome::Outcome;
use convio_benches::report::document;
use convio_benches::sections::{ALL, Section};

#[global_allocator]
static ALLOCATOR: Live = Live;

fn main() -> Result<()> {
    let Arguments { effort, only, results, docs, is_render, fill_most } =
        Arguments::read(std::env::args().skip(1))?;
    if !is_render {
        let url =
            |name: &str| std::env::var(name).map_err(|_| format!("{name} is not set: use scripts/bench"));
        let peers = std::env::var_os("CONVIO_BENCH_PEERS").map(PathBuf::from);
        let (synced, unsynced) = (url("CONVIO_BENCH_SYNCED_URL")?, url("CONVIO_BENCH_UNSYNCED_URL")?);
        let mut lab = Lab::new(effort, &synced, &unsynced, peers)?;
        lab.fill_most = fill_most;
        for section in chosen(&only, &lab)? {
            let outcome = section.measure(&lab)?;
            print(&outcome);
            outcome.keep(&results)?;
        }
    }
    let names = ALL.map(|section| section.name);
    let outcomes = Outcome::kept(&results, &names)?;
    write(&docs, &outcomes)
}

/// The sections of these targets. Without peers all but theirs, unless that one was asked for.
fn chosen(only: &[String], lab: &Lab) -> Result<Vec<Section>> {
    let unknown = only.iter().find(|id| !ALL.iter().any(|section| section.serves(std::slice::from_ref(id))));
    if let Some(id) = unknown {
        return Err(format!("nothing measures `{id}`").into());
    }
    let sections = ALL.into_iter().filter(|section| section.serves(only));
    Ok(sections
        .filter(|section| section.name != "peers" || lab.peers.is_some() || !only.is_empty())
        .collect())
}

fn print(outcome: &Outcome) {
    for figure in &outcome.figures {
        let ratio = figure.ratio();
        let verdict = figure.verdict().map_or("", |verdict| verdict.name());
        let target = figure.target.as_ref().map_or("", |target| target.text.as_str());
        let sync = figure.sync_millis.map_or(String::new(), |millis| format!(", a sync took {millis:.2} ms"));
        println!(
            "{} {}: {} against {}: {:.2}x ({:.2} to {:.2}, {} rounds), {} against {}; {target} {verdict}{sync}",
            figure.id,
            figure.case,
            figure.subject,
            figure.other,
            ratio.median,
            ratio.low,
            ratio.high,
            ratio.rounds,
            figure.unit.show(figure.subject().median),
            figure.unit.show(figure.other().median)
        );
    }
    for fact in &outcome.facts {
        println!("{} {}: {}: {} (wanted: {})", fact.id, fact.case, fact.what, fact.value, fact.target);
    }
    for table in &outcome.tables {
        println!("{}\n  {}", table.title, table.columns.join(" | "));
        table.rows.iter().for_each(|row| println!("  {}", row.join(" | ")));
    }
    let (before, after) = outcome.sync_micros;
    println!(
        "a sync took {before:.0} us before and {after:.0} us after; others used {:.0} % of the processors\n",
        outcome.others * 100.0
    );
}

fn write(docs: &std::path::Path, outcomes: &[Outcome]) -> Result<()> {
    let folder = docs.join("benchmarks");
    std::fs::create_dir_all(&folder)?;
    let mut shown = Vec::new();
    for (file, title, svg) in charts(outcomes)? {
        std::fs::write(folder.join(file), svg)?;
        shown.push((file, title));
    }
    let document = document(outcomes, &shown);
    let path = docs.join("benchmarks.md");
    std::fs::write(&path, document)?;
    println!("written: {}", path.display());
    Ok(())
}

struct Arguments {
    effort: Effort,
    only: Vec<String>,
    results: PathBuf,
    docs: PathBuf,
    is_render: bool,
    fill_most: Option<Duration>,
}

impl Arguments {
    fn read(arguments: impl Iterator<Item = String>) -> Result<Self> {
        let mut read = Self {
            effort: Effort::Normal,
            only: Vec::new(),
            results: "target/convio-bench".into(),
            docs: "docs".into(),
            is_render: false,
            fill_most: None,
        };
        let mut arguments = arguments;
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{argument} wants a value"));
            match argument.as_str() {
                "--smoke" => read.effort = Effort::Smoke,
                "--quick" => read.effort = Effort::Quick,
                "--long" => read.effort = Effort::Long,
                "--only" => read.only.extend(value()?.split(',').map(str::to_owned)),
                "--results" => read.results = value()?.into(),
                "--docs" => read.docs = value()?.into(),
                "--render" => read.is_render = true,
                "--fill-minutes" => read.fill_most = Some(Duration::from_secs(60 * value()?.parse::<u64>()?)),
                _ => return Err(format!("`{argument}` is not known: see scripts/bench").into()),
            }
        }
        Ok(read)
    }
}
