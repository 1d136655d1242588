//! The document.

use std::fmt::Write;

use crate::figure::{Figure, Verdict};
use crate::outcome::{Fact, Outcome, Table};

/// The document of these outcomes, which shows these charts.
pub fn document(outcomes: &[Outcome], charts: &[(&str, String)]) -> String {
    let mut text = HEAD.to_owned();
    machine(&mut text, outcomes);
    summary(&mut text, outcomes);
    for (file, title) in charts {
        let _ = write!(text, "\n![{title}](benchmarks/{file})\n");
    }
    for outcome in outcomes {
        section(&mut text, outcome);
    }
    not_shown(&mut text, outcomes);
    text
}

/// The machine of the first outcome in full, and of the others what differs from it.
fn machine(text: &mut String, outcomes: &[Outcome]) {
    let Some(first) = outcomes.first() else { return };
    text.push_str("\n## Machine\n\n| | |\n|---|---|\n");
    for (name, value) in &first.machine {
        let _ = writeln!(text, "| {name} | {value} |");
    }
    for outcome in &outcomes[1..] {
        let differs: Vec<String> = (outcome.machine.iter().filter(|row| !first.machine.contains(row)))
            .map(|(name, value)| format!("{name} {value}"))
            .collect();
        if !differs.is_empty() {
            let _ = writeln!(text, "| for \"{}\" | {} |", outcome.title, differs.join(", "));
        }
    }
}

fn summary(text: &mut String, outcomes: &[Outcome]) {
    let (met, not_met) = outcomes.iter().map(Outcome::score).fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1));
    let _ = write!(text, "\n## Targets\n\n{met} met, {not_met} missed.\n");
    let mut missed = Vec::new();
    for outcome in outcomes {
        for figure in &outcome.figures {
            if figure.verdict() == Some(Verdict::Missed) {
                let target = figure.target.as_ref().map_or("", |target| target.text.as_str());
                missed.push(format!(
                    "{} ({}): {} against {}: {}; wanted: {target}",
                    figure.id,
                    figure.case,
                    figure.subject,
                    figure.other,
                    figure.bounded()
                ));
            }
        }
        for fact in outcome.facts.iter().filter(|fact| !fact.is_met) {
            let Fact { id, case, what, value, target, .. } = fact;
            missed.push(format!("{id} ({case}): {what}: {value}; wanted: {target}"));
        }
    }
    list(text, "Missed", &missed);
    let busy = outcomes.iter().filter(|outcome| outcome.others > BUSY).map(|outcome| {
        format!("{}: other programs used {:.0} % of the processors", outcome.title, outcome.others * 100.0)
    });
    list(
        text,
        "Measured on a busy machine, where ratios of times and rates depend on what else ran: whoever computes is slowed down more \
         than whoever waits for the disk",
        &busy.collect::<Vec<_>>(),
    );
}

fn list(text: &mut String, title: &str, items: &[String]) {
    if !items.is_empty() {
        let _ = write!(text, "\n{title}:\n\n- {}\n", items.join("\n- "));
    }
}

fn section(text: &mut String, outcome: &Outcome) {
    let (before, after) = outcome.sync_micros;
    let _ = write!(
        text,
        "\n## {}\n\n{}\n\nMeasured on {} ({}), commit {}; a sync took {before:.0} us before and {after:.0} us after; other programs \
         used {:.0} % of the processors.\n",
        outcome.title,
        outcome.about.trim(),
        outcome.date,
        outcome.effort.name(),
        outcome.commit,
        outcome.others * 100.0
    );
    if !outcome.figures.is_empty() {
        text.push_str(
            "\n| # | case | subject | beside | subject's | the other's | ratio | target | |\n|---|---|---|---|---|---|---|---|---|\n",
        );
        for figure in &outcome.figures {
            row(text, figure);
        }
    }
    if !outcome.facts.is_empty() {
        text.push_str("\n| # | case | counted | | target | |\n|---|---|---|---|---|---|\n");
        for fact in &outcome.facts {
            let verdict = if fact.is_met { Verdict::Met } else { Verdict::Missed };
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | {} | {} |",
                fact.id,
                fact.case,
                fact.what,
                fact.value,
                fact.target,
                verdict.name()
            );
        }
    }
    for table in &outcome.tables {
        other_table(text, table);
    }
}

fn row(text: &mut String, figure: &Figure) {
    let (subject, other, ratio) = (figure.subject(), figure.other(), figure.ratio());
    let (target, verdict) = match (&figure.target, figure.verdict()) {
        (Some(target), Some(verdict)) => (target.text.as_str(), verdict.name()),
        _ => ("-", ""),
    };
    let sync = figure.sync_millis.map_or(String::new(), |millis| format!(", a sync took {millis:.2} ms"));
    let _ = writeln!(
        text,
        "| {} | {} | {} | {} | {} | {} | **{:.2}x** ({:.2} to {:.2}, {} rounds) | {target} | {verdict}{sync} |",
        figure.id,
        figure.case,
        figure.subject,
        figure.other,
        figure.unit.show(subject.median),
        figure.unit.show(other.median),
        ratio.median,
        ratio.low,
        ratio.high,
        ratio.rounds
    );
}

fn other_table(text: &mut String, table: &Table) {
    let _ = write!(text, "\n{}\n\n| {} |\n", table.title, table.columns.join(" | "));
    let _ = writeln!(text, "|{}", "---|".repeat(table.columns.len()));
    for row in &table.rows {
        let _ = writeln!(text, "| {} |", row.join(" | "));
    }
}

fn not_shown(text: &mut String, outcomes: &[Outcome]) {
    text.push_str("\n## What is not shown\n\n");
    for what in outcomes.iter().flat_map(|outcome| &outcome.not_shown).map(String::as_str).chain(NEVER_SHOWN)
    {
        let _ = writeln!(text, "- {what}");
    }
}

const HEAD: &str = "# Benchmarks

Written by `scripts/bench`; do not edit. `scripts/bench --render` writes it again from what was measured last.

    scripts/bench                 some twenty minutes
    scripts/bench --quick         some five minutes: a first impression
    scripts/bench --long          also stores of millions of leads, for an hour or two
    scripts/bench --only S1,P2    some of it; the other sections stay as they were measured last

[performance.md](performance.md) says why what is missed is missed, by profiles, and what was tried.

Subject, floor and peer take turns round by round in one run, forwards and backwards. A ratio is that of a round; its median is
published with the lowest and the highest, the first round left out. Whatever else the machine does hits both sides. Times by
themselves are this machine's; ratios carry further. A section that takes leads ends with a count of the rows that it stored; a
lead that is not taken fails the run.

A *full* lead has a payload of 1,000 bytes, a *light* one of 140. Both make a contact of their own, with key, repeat window, lead,
payload, event and rollups. A floor stores one row of the same bytes: id, workspace, phone, payload. Processor time is that of
this process and, with Postgres, of every process of the server.
";

/// From this share on other programs are worth a word.
const BUSY: f64 = 0.1;
/// Of every run.
const NEVER_SHOWN: [&str; 2] = [
    "A network: the server is reached by a Unix socket on the same machine, and shares its processors with the callers. A round \
     trip that costs more favours whoever makes fewer.",
    "The loss of power: that what was acknowledged survives is shown by the stores' tests.",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effort::Effort;
    use crate::figure::{Limit, Target, Unit};

    fn outcome() -> Outcome {
        let figure = |case: &str, rounds: &[(f64, f64)], most| Figure {
            id: "S1".to_owned(),
            case: case.to_owned(),
            subject: "batches of 1,000".to_owned(),
            other: "bare insert".to_owned(),
            unit: Unit::CpuMicros,
            rounds: rounds.to_vec(),
            sync_millis: None,
            target: Some(Target::ratio("<= 9x", Limit::AtMost(most))),
        };
        Outcome {
            section: "sqlite-batches".to_owned(),
            title: "SQLite, batches".to_owned(),
            about: "What it does.\n".to_owned(),
            date: "2026-01-02".to_owned(),
            effort: Effort::Quick,
            sync_micros: (200.4, 301.0),
            others: 0.06,
            commit: "abc".to_owned(),
            machine: vec![("processor".to_owned(), "a fast one".to_owned())],
            figures: vec![
                figure("full", &[(80.0, 10.0), (88.0, 11.0), (70.0, 10.0)], 9.0),
                Figure { sync_millis: Some(0.25), ..figure("light", &[(95.0, 10.0)], 9.0) },
            ],
            facts: vec![Fact {
                id: "P5".to_owned(),
                case: "full".to_owned(),
                what: "deadlocks".to_owned(),
                value: "0".to_owned(),
                target: "0".to_owned(),
                is_met: true,
            }],
            tables: vec![Table {
                title: "Growth.".to_owned(),
                columns: vec!["leads".to_owned(), "cost".to_owned()],
                rows: vec![vec!["10".to_owned(), "1 us".to_owned()]],
            }],
            curves: Vec::new(),
            not_shown: vec!["The weather.".to_owned()],
        }
    }

    #[test]
    fn a_document_says_what_was_measured() {
        let elsewhere = Outcome {
            machine: vec![("processor".to_owned(), "a slow one".to_owned())],
            title: "Elsewhere".to_owned(),
            others: 0.5,
            figures: Vec::new(),
            facts: Vec::new(),
            tables: Vec::new(),
            not_shown: Vec::new(),
            ..outcome()
        };
        let text = document(&[outcome(), elsewhere], &[("cost.svg", "Cost".to_owned())]);
        let body = text.strip_prefix(HEAD).expect("the head comes first");
        assert_eq!(
            body,
            "
## Machine

| | |
|---|---|
| processor | a fast one |
| for \"Elsewhere\" | processor a slow one |

## Targets

2 met, 1 missed.

Missed:

- S1 (light): batches of 1,000 against bare insert: 9.50x; wanted: <= 9x

Measured on a busy machine, where ratios of times and rates depend on what else ran: whoever computes is slowed down more than whoever waits for the disk:

- Elsewhere: other programs used 50 % of the processors

![Cost](benchmarks/cost.svg)

## SQLite, batches

What it does.

Measured on 2026-01-02 (quick), commit abc; a sync took 200 us before and 301 us after; other programs used 6 % of the processors.

| # | case | subject | beside | subject's | the other's | ratio | target | |
|---|---|---|---|---|---|---|---|---|
| S1 | full | batches of 1,000 | bare insert | 80.0 us CPU | 10.0 us CPU | **8.00x** (7.00 to 8.00, 3 rounds) | <= 9x | met |
| S1 | light | batches of 1,000 | bare insert | 95.0 us CPU | 10.0 us CPU | **9.50x** (9.50 to 9.50, 1 rounds) | <= 9x | **missed**, a sync took 0.25 ms |

| # | case | counted | | target | |
|---|---|---|---|---|---|
| P5 | full | deadlocks | 0 | 0 | met |

Growth.

| leads | cost |
|---|---|
| 10 | 1 us |

## Elsewhere

What it does.

Measured on 2026-01-02 (quick), commit abc; a sync took 200 us before and 301 us after; other programs used 50 % of the processors.

## What is not shown

- The weather.
"
            .to_owned()
                + &NEVER_SHOWN.map(|what| format!("- {what}\n")).concat()
        );
    }

    #[test]
    fn an_outcome_that_is_kept_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        outcome().keep(folder.path()).unwrap();
        let kept = Outcome::kept(folder.path(), &["another", "sqlite-batches"]).unwrap();
        assert_eq!(document(&kept, &[]), document(&[outcome()], &[]));
    }
}
