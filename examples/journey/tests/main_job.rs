//! The main job as its user runs it: the program, twice on one file, and killed on the way.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

#[test]
fn a_second_run_adds_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let db = folder.path().join("journey.db");
    let (first, said) = run(&db);
    assert_totals(&first);
    assert!(said.contains("new: 15482 events, 15482 in all"), "{said}");
    let (second, said) = run(&db);
    assert_eq!(first, second);
    assert!(said.contains("nothing new"), "{said}");

    let tables = journey(&db).output().unwrap();
    let tables = text(&tables);
    for expected in ["team hvac-east", "phone: missing", "4,007,940.00", "2025-10-07", "nothing new"] {
        assert!(tables.contains(expected), "`{expected}` is not in\n{tables}");
    }
    assert!(tables.contains(&*db.canonicalize().unwrap().to_string_lossy()), "{tables}");
}

#[test]
fn killed_runs_are_picked_up() {
    let folder = tempfile::tempdir().unwrap();
    let db = folder.path().join("journey.db");
    kill_at(&db, "import: 3000 of 10000");
    kill_at(&db, "appointments: 513 of 2565");
    let (figures, said) = run(&db);
    assert_totals(&figures);
    assert!(!said.contains("nothing new") && said.contains(" 15482 in all"), "{said}");
}

#[test]
fn fresh_starts_over() {
    let folder = tempfile::tempdir().unwrap();
    let db = folder.path().join("journey.db");
    kill_at(&db, "import: 1000 of 10000");
    let started_over = journey(&db).args(["--fresh", "--json"]).output().unwrap();
    let (figures, said) = figures(&started_over);
    assert_totals(&figures);
    assert!(said.contains("new: 15482 events, 15482 in all"), "{said}");
}

/// What the file and the example's rules come to, worked out by a program that does not use Convio.
fn assert_totals(figures: &Value) {
    let ends = |booked: i64, completed: i64, sold: i64| json!({"booked": booked, "completed": completed, "sold": sold});
    for (name, expected) in [
        ("rows", json!(10_000)),
        ("leads", json!(9_461)),
        ("contacts", json!(5_007)),
        ("linked_duplicates", json!(4_454)),
        ("repeats", json!(2_962)),
        ("customers", json!(594)),
        ("rejected", json!(539)),
        ("rejected_by_reason", json!([{"field": "phone", "reason": "missing", "rows": 539}])),
        ("appointments", ends(2_565, 2_173, 740)),
        ("unrouted", ends(405, 351, 127)),
        ("conversions", json!(740)),
        ("revenue", json!({"AUD": "4007940.00"})),
    ] {
        assert_eq!(figures[name], expected, "{name}");
    }
    let targets = json!({
        "team hvac-east": ends(316, 268, 82),
        "team hvac-rest": ends(538, 455, 166),
        "team insurance-melbourne": ends(70, 59, 20),
        "team insurance-sydney": ends(90, 72, 24),
        "team solar-brisbane": ends(75, 59, 20),
        "team solar-melbourne": ends(181, 160, 47),
        "team solar-rest": ends(728, 620, 210),
        "team solar-sydney": ends(162, 129, 44),
    });
    assert_eq!(figures["appointments_by_target"], targets);
    let sources: Vec<Value> =
        ["source", "leads", "converted"].map(|name| column(&figures["sources"], name)).into();
    assert_eq!(
        sources,
        [
            json!(["facebook", "febrl", "google", "referral"]),
            json!([2_705, 1_336, 4_067, 1_353]),
            json!([169, 56, 344, 171]),
        ]
    );
    // The day on which the clocks go forward; the days of booking depend on when the test runs.
    let day = figures["days"].as_array().unwrap().iter().find(|day| day["day"] == "2025-10-05").unwrap();
    assert_eq!([&day["leads"], &day["contacts"], &day["repeats"], &day["rejected"]], [310, 154, 105, 12]);
}

fn column(rows: &Value, name: &str) -> Value {
    rows.as_array().unwrap().iter().map(|row| row[name].clone()).collect()
}

fn run(db: &Path) -> (Value, String) {
    figures(&journey(db).arg("--json").output().unwrap())
}

/// The figures of a run with `--json`, and what it said beside them.
fn figures(output: &Output) -> (Value, String) {
    let said = String::from_utf8(output.stderr.clone()).unwrap();
    assert!(output.status.success(), "{said}");
    (serde_json::from_slice(&output.stdout).unwrap(), said)
}

/// Starts the job and kills it as soon as it has said `line`.
fn kill_at(db: &Path, line: &str) {
    let mut job = journey(db).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let said = BufReader::new(job.stderr.take().unwrap());
    let reached = said.lines().map_while(Result::ok).any(|said| said == line);
    job.kill().unwrap();
    let status = job.wait().unwrap();
    assert!(reached, "the job never said `{line}`");
    assert!(!status.success(), "the job was faster than the kill");
}

fn journey(db: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_journey"));
    command.arg("--db").arg(db);
    command
}

fn text(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}
