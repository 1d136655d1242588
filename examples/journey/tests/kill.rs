//! Imports that are killed at random moments (`kill -9`), and run again: what was acknowledged is there, nothing is there twice,
//! and nothing that is not in the file.
//!
//! `JOURNEY_KILLS` sets how many moments there are (default 4), `JOURNEY_SEED` repeats a run; the seed is printed.
#![allow(clippy::print_stdout, reason = "a test that draws its moments prints what repeats it")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs::File;
use std::path::Path;
use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

use support::{Folder, journey, open, text};

#[test]
fn nothing_acknowledged_is_lost_and_nothing_is_there_twice() {
    let kills: u32 = std::env::var("JOURNEY_KILLS").map_or(4, |kills| kills.parse().unwrap());
    let seed: u64 = std::env::var("JOURNEY_SEED").map_or_else(|_| fresh_seed(), |seed| seed.parse().unwrap());
    println!("JOURNEY_SEED={seed} JOURNEY_KILLS={kills}");
    let mut random = Random(seed);
    let table = Table::of(ROWS, &mut random);
    let folder = Folder::new();
    let leads = folder.write("leads.csv", &table.text);

    let whole = started();
    let control = folder.path("control.db");
    text(&mut import(&leads, &control));
    let whole = whole.elapsed();
    table.check_whole(&control, &format!("seed {seed}, never killed"));

    let mut cut_short = 0;
    for kill in 0..kills {
        let db = folder.path(&format!("{kill}.db"));
        let mut acked: BTreeMap<u64, String> = BTreeMap::new();
        // Half of the databases are killed again while the import goes on.
        for turn in 0..1 + kill % 2 {
            let at = whole.mul_f64(random.share());
            let context = format!("seed {seed}, kill {kill}, turn {turn}, after {at:?}");
            let acks = folder.path("acks");
            let mut job = import(&leads, &db)
                .stdout(File::create(&acks).unwrap())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            sleep(at);
            job.kill().unwrap();
            cut_short += u32::from(!job.wait().unwrap().success());
            for (line, outcome) in acks_of(&std::fs::read_to_string(&acks).unwrap()) {
                if let Some(before) = acked.get(&line).filter(|before| *before != "bad") {
                    assert_eq!(outcome, "replayed", "{context}: line {line} was {before}");
                } else {
                    acked.insert(line, outcome);
                }
            }
            table.check_part(&db, &acked, &context);
        }
        let context = format!("seed {seed}, kill {kill}, run again");
        let last = acks_of(&text(&mut import(&leads, &db)));
        assert_eq!(last.len(), table.kinds.len(), "{context}: every row has an answer");
        for (line, before) in acked.iter().filter(|(_, before)| *before != "bad") {
            assert_eq!(last[line], "replayed", "{context}: line {line} was {before}");
        }
        table.check_whole(&db, &context);
    }
    println!("{cut_short} runs were cut short; {} rows a file, an import takes {whole:?}", table.kinds.len());
    assert!(kills < 4 || cut_short > 0, "every run was over before it was killed");
}

/// What a row of the file is to become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A lead of the person of this number.
    Lead(u64),
    Rejected,
    Bad,
}

/// A file, and what its rows are to become, by their lines as they were written.
struct Table {
    text: String,
    kinds: BTreeMap<u64, Kind>,
}

impl Table {
    fn of(rows: u64, random: &mut Random) -> Self {
        let mut table = Self { text: "name,phone,note\r\n".to_owned(), kinds: BTreeMap::new() };
        let mut line = 2;
        for row in 0..rows {
            let kind = match random.below(20) {
                0 => Kind::Bad,
                1 => Kind::Rejected,
                2..=5 => Kind::Lead(random.below(row + 1)),
                _ => Kind::Lead(row),
            };
            table.kinds.insert(line, kind);
            let lines_of_note = random.below(3);
            match kind {
                Kind::Lead(person) => {
                    let note = "a line\r\n".repeat(lines_of_note as usize);
                    write!(table.text, "Ann {row},+1{},\"{note}\"\r\n", 2_125_000_000 + person).unwrap();
                    line += lines_of_note;
                }
                Kind::Rejected => table.text.push_str("Bob,,\r\n"),
                Kind::Bad => table.text.push_str("too,many,cells,here\r\n"),
            }
            line += 1;
            if random.below(10) == 0 {
                table.text.push_str("\r\n");
                line += 1;
            }
        }
        table
    }

    /// After a kill: every acknowledged row is there as it was acknowledged, and whatever is there is a row of the file.
    fn check_part(&self, db: &Path, acked: &BTreeMap<u64, String>, context: &str) {
        let (leads, rejected) =
            if acked.is_empty() && !has_tables(db) { Default::default() } else { stored(db, context) };
        for (line, outcome) in acked {
            let kept = match outcome.as_str() {
                "created" | "linked" => leads.contains(line),
                "rejected" => rejected.contains(line),
                // It was stored by a run that was killed before it could say so.
                "replayed" => leads.contains(line) || rejected.contains(line),
                _ => !leads.contains(line) && !rejected.contains(line),
            };
            assert!(kept, "{context}: line {line} was acknowledged as {outcome}, and is not there so");
        }
        let strange = |line: &u64, is: fn(Kind) -> bool| !self.kinds.get(line).copied().is_some_and(is);
        assert!(!leads.iter().any(|line| strange(line, |kind| matches!(kind, Kind::Lead(_)))), "{context}");
        assert!(!rejected.iter().any(|line| strange(line, |kind| kind == Kind::Rejected)), "{context}");
    }

    /// After a run to the end: every row is there once, and people too.
    fn check_whole(&self, db: &Path, context: &str) {
        let (leads, rejected) = stored(db, context);
        let lines = |is: fn(Kind) -> bool| -> BTreeSet<u64> {
            self.kinds.iter().filter(|(_, kind)| is(**kind)).map(|(line, _)| *line).collect()
        };
        assert!(leads == lines(|kind| matches!(kind, Kind::Lead(_))), "{context}: leads are lost or strange");
        assert!(
            rejected == lines(|kind| kind == Kind::Rejected),
            "{context}: rejections are lost or strange"
        );
        let people: BTreeSet<u64> = self
            .kinds
            .values()
            .filter_map(|kind| match kind {
                Kind::Lead(person) => Some(*person),
                _ => None,
            })
            .collect();
        let count = |query| support::number(db, query) as usize;
        assert_eq!(count("SELECT count(*) FROM contact"), people.len(), "{context}");
        assert_eq!(count("SELECT sum(leads) FROM contact"), leads.len(), "{context}");
        assert_eq!(
            count("SELECT count(*) FROM event WHERE kind = 'lead.received'"),
            leads.len(),
            "{context}"
        );
        assert_eq!(
            count("SELECT count(*) FROM event WHERE kind = 'lead.rejected'"),
            rejected.len(),
            "{context}"
        );
        assert_eq!(count("SELECT count(*) FROM payload"), leads.len() + rejected.len(), "{context}");
        let positions = "SELECT max(position) - count(*) FROM event";
        assert_eq!(count(positions), 0, "{context}: the feed has a gap");
    }
}

/// The lines of leads and of rejections, each of which is there once.
fn stored(db: &Path, context: &str) -> (BTreeSet<u64>, BTreeSet<u64>) {
    let conn = open(db);
    let whole: String = conn.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(whole, "ok", "{context}");
    let of = |name: &str| {
        let mut ids = conn.prepare(&format!("SELECT external_id FROM {name}")).unwrap();
        let mut lines = BTreeSet::new();
        for id in ids.query_map([], |row| row.get::<_, String>(0)).unwrap() {
            let id = id.unwrap();
            let line = id.split_once(':').unwrap().1.parse().unwrap();
            assert!(lines.insert(line), "{context}: line {line} is there twice");
        }
        lines
    };
    (of("lead"), of("rejection"))
}

fn has_tables(db: &Path) -> bool {
    db.exists() && support::number(db, "SELECT count(*) FROM sqlite_schema WHERE name = 'lead'") == 1
}

/// The acknowledged lines with their outcomes; a last one that the kill cut off does not count.
fn acks_of(printed: &str) -> BTreeMap<u64, String> {
    let ack = |line: &str| {
        let (number, outcome) = line.strip_suffix('\n')?.split_once(' ')?;
        Some((number.parse().ok()?, outcome.to_owned()))
    };
    let outcomes = ["created", "linked", "replayed", "rejected", "bad"];
    printed
        .split_inclusive('\n')
        .filter_map(ack)
        .filter(|(_, outcome)| outcomes.contains(&outcome.as_str()))
        .collect()
}

fn import(leads: &Path, db: &Path) -> std::process::Command {
    journey(db, &["--input", leads.to_str().unwrap(), "--acks"])
}

/// SplitMix64: enough to draw moments.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    fn share(&mut self) -> f64 {
        self.below(1_000_000) as f64 / 1_000_000.0
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a test that draws its moments anew each time, and prints what repeats it"
)]
fn fresh_seed() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO).as_micros() as u64
}

#[expect(clippy::disallowed_methods, reason = "times a run, to draw moments in it")]
fn started() -> Instant {
    Instant::now()
}

/// Rows of the file: several batches, and an import of some seconds at most.
const ROWS: u64 = 8_000;
