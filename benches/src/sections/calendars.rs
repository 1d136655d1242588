use std::cell::RefCell;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use convio_core::{LeadId, NewAppointment};
use convio_store_sqlite::run as inside;
use rusqlite::Connection;
use rusqlite::trace::{TraceEvent, TraceEventCodes};
use sqlx::postgres::PgPool;
use tokio::task::JoinSet;

use super::Section;
use crate::Result;
use crate::calendars::{PEOPLE, Team};
use crate::clock::now;
use crate::figure::{Figure, Limit, Target, Unit, digits};
use crate::floors::days::DaysRead;
use crate::lab::Lab;
use crate::leads::{Kind, Leads};
use crate::outcome::{Fact, Measured, Table};
use crate::stats::{Ratio, Spread, percentile};
use crate::subject::Subject;
use crate::turns::{in_turns, pairs};

pub(super) const SECTION: Section = Section {
    name: "calendars",
    ids: &["C1", "C2"],
    title: "Calendars: free times, and bookings",
    about: "C1: `next_slots`, one caller, of people who are open from eight to six on 28 days, with appointments of half an hour spread \
        evenly over 50 people and these days, booked through the public face; the median of a turn's calls. Floor: the records of the \
        same days by one statement of the plain driver on a connection of its own, not parsed; for memory the pure \
        `availability::next_slots` over intervals that are at hand. C2: bookings one after the other, the median, with someone who has a \
        calendar and with someone who has none, both in the workspace of these people; then a hundred callers at once who all want one \
        time, against a hundred at once whom no calendar limits. The server syncs.",
    not_shown: &[
        "C1, a floor of the first days alone: for the first 50 times Convio reads these, and the floor all 28, so that this ratio is no overhead.",
        "C1, days of more than eight appointments.",
    ],
    run,
};

fn run(lab: &Lab) -> Result<Measured> {
    let team = Arc::new(Team::new()?);
    let mut measured = Measured::default();
    let mut growth = table(
        "`next_slots` of the first 50 times, in milliseconds: medians, with the lowest and the highest of a turn.",
        &GROWTH,
    );
    for store in ["memory", "SQLite", "Postgres"] {
        lab.say(store);
        let subject = Arc::new(match store {
            "memory" => lab.wait(Subject::on_memory(1))?,
            "SQLite" => lab.wait(Subject::on_sqlite(lab, 1))?,
            _ => lab.wait(Subject::on_postgres(&lab.synced, 1))?,
        });
        let leads = Leads::new(Kind::Light);
        lab.wait(team.hire(&subject))?;
        let mut booked = 0;
        for appointments in lab.effort.appointments() {
            lab.wait(team.book(&subject, &leads, booked..appointments))?;
            booked = appointments;
            lab.say(&format!("{store}: {} appointments", whole(appointments)));
            free_times(lab, &team, &subject, (store, appointments), &mut growth, &mut measured)?;
        }
        bookings(lab, &team, &subject, &leads, store, &mut measured)?;
        let subject = Arc::into_inner(subject).ok_or("a caller is still at work")?;
        lab.wait(subject.finish())?;
    }
    measured.tables.push(growth);
    statements(lab, &team, &mut measured)?;
    Ok(measured)
}

/// Free times of one, ten and fifty people; with all appointments also as figures.
fn free_times(
    lab: &Lab,
    team: &Team,
    subject: &Subject,
    (store, appointments): (&str, usize),
    growth: &mut Table,
    measured: &mut Measured,
) -> Result<()> {
    let bare = RefCell::new(lab.wait(subject.bare_days(0))?);
    let times = lab.effort.asked();
    let ask = |people, limit| {
        move || {
            let request = team.request(people, limit);
            millis(times, || {
                let free = lab.wait(subject.workspace(0).next_slots(&request))?.len();
                if free == limit { Ok(()) } else { Err(format!("{free} times are free, not {limit}").into()) }
            })
        }
    };
    let beside = |people: usize, limit| {
        let (keys, taken) = (team.keys(people), team.taken(people, appointments));
        let bare = &bare;
        move || {
            let mut bare = bare.borrow_mut();
            millis(times, || {
                match bare.as_mut() {
                    Some(bare) => drop(black_box(lab.wait(bare.read(&keys))?)),
                    None => drop(black_box(team.free(&taken, limit))),
                }
                Ok(())
            })
        }
    };
    let rounds = in_turns(
        lab.effort.rounds(),
        [
            Box::new(ask(1, FIRST)),
            Box::new(beside(1, FIRST)),
            Box::new(ask(10, FIRST)),
            Box::new(beside(10, FIRST)),
            Box::new(ask(PEOPLE, FIRST)),
            Box::new(beside(PEOPLE, FIRST)),
            Box::new(ask(PEOPLE, ALL)),
            Box::new(beside(PEOPLE, ALL)),
        ],
    )?;
    for (n, people) in [1, 10, PEOPLE].into_iter().enumerate() {
        let rounds = pairs(&rounds, (2 * n, 2 * n + 1), |millis| millis);
        let read = match bare.borrow_mut().as_mut() {
            Some(bare) => lab.wait(bare.read(&team.keys(people)))?,
            None => DaysRead::default(),
        };
        let of = |side: fn(&(f64, f64)) -> f64| shown(Spread::of(rounds.iter().map(side)));
        growth.rows.push(vec![
            store.to_owned(),
            whole(appointments),
            people.to_string(),
            of(|round| round.0),
            of(|round| round.1),
            format!("{:.2}x", Ratio::of(&rounds).median()),
            if store == "memory" { "-".to_owned() } else { whole(read.records as usize) },
            if store == "memory" { "-".to_owned() } else { whole(read.bytes as usize) },
        ]);
    }
    if Some(&appointments) == lab.effort.appointments().last() {
        for (place, limit) in [(4, "first 50"), (6, "all: 1,000")] {
            measured.figures.push(Figure {
                id: "C1".to_owned(),
                case: format!("{store}, {limit}, {} appointments", whole(appointments)),
                subject: format!("`next_slots` of {PEOPLE} people"),
                other: match store {
                    "memory" => "the same of intervals at hand".to_owned(),
                    _ => "their days, one statement, not parsed".to_owned(),
                },
                unit: Unit::Millis,
                rounds: pairs(&rounds, (place, place + 1), |millis| millis),
                sync_millis: None,
                target: Some(Target::subject("< 10 ms", Limit::AtMost(9.999))),
            });
        }
    }
    Ok(())
}

/// What a calendar adds to a booking, and to a hundred at once.
fn bookings(
    lab: &Lab,
    team: &Team,
    subject: &Arc<Subject>,
    leads: &Leads,
    store: &str,
    measured: &mut Measured,
) -> Result<()> {
    let (count, rounds) = (lab.effort.visits(), lab.effort.rounds());
    let one_by_one = |with_calendar| {
        let mut next = 0;
        move || {
            let ids = lab.wait(subject.leads(0, leads.raws(count)))?;
            let mut ids = ids.into_iter();
            millis(count, || {
                let visit = team.visit(next, with_calendar);
                next += 1;
                let lead = ids.next().ok_or("a lead for each visit")?;
                lab.wait(subject.workspace(0).book(lead, visit))?;
                Ok(())
            })
        }
    };
    let singles = in_turns(rounds, [Box::new(one_by_one(true)), Box::new(one_by_one(false))])?;
    let mut next = count * (rounds + 1);
    let mut all_at_once = |with_calendar, expected: u64| {
        next += 1;
        let ids = lab.wait(subject.leads(0, leads.raws(AT_ONCE)))?;
        let (millis, booked) = lab.wait(at_once(subject, ids, &team.visit(next, with_calendar)))?;
        if booked == expected {
            Ok(millis)
        } else {
            Err(format!("{booked} were booked, not {expected}").into())
        }
    };
    let all_at_once = RefCell::new(&mut all_at_once);
    let hundreds = in_turns(
        rounds,
        [
            Box::new(|| (all_at_once.borrow_mut())(true, 1)),
            Box::new(|| (all_at_once.borrow_mut())(false, AT_ONCE as u64)),
        ],
    )?;
    let figure = |subject: &str, other: &str, rounds: &[[f64; 2]]| Figure {
        id: "C2".to_owned(),
        case: store.to_owned(),
        subject: subject.to_owned(),
        other: other.to_owned(),
        unit: Unit::Millis,
        rounds: pairs(rounds, (0, 1), |millis| millis),
        sync_millis: None,
        target: None,
    };
    measured.figures.push(figure("a booking with a calendar, p50", "one without, p50", &singles));
    measured.figures.push(figure(
        "a hundred at once of one time: one is booked",
        "a hundred at once without a calendar: all are",
        &hundreds,
    ));
    Ok(())
}

/// All book the same at once: milliseconds until the last is answered, and how many were booked. The others are told other times.
async fn at_once(subject: &Arc<Subject>, leads: Vec<LeadId>, visit: &NewAppointment) -> Result<(f64, u64)> {
    let mut set: JoinSet<Result<u64>> = JoinSet::new();
    let begin = now();
    for lead in leads {
        let (subject, visit) = (subject.clone(), visit.clone());
        set.spawn(async move {
            match subject.workspace(0).book(lead, visit).await {
                Ok(_) => Ok(1),
                Err(error) if error.clash().is_some_and(|clash| !clash.next.is_empty()) => Ok(0),
                Err(error) => Err(error.into()),
            }
        });
    }
    let booked = crate::load::sum(set).await?;
    Ok((begin.elapsed().as_secs_f64() * 1e3, booked))
}

/// How many statements calls are, counted by the databases.
fn statements(lab: &Lab, team: &Team, measured: &mut Measured) -> Result<()> {
    let (sqlite, postgres) = (on_sqlite(lab, team)?, lab.wait(on_postgres(lab, team))?);
    let mut counts =
        table("Statements, counted by the databases; of Postgres each is a round trip.", &STATEMENTS);
    for (n, call) in CALLS.into_iter().enumerate() {
        counts.rows.push(vec![call.to_owned(), sqlite[n].to_string(), postgres[n].to_string()]);
    }
    measured.facts.push(Fact {
        id: "C1".to_owned(),
        case: format!("{PEOPLE} people, 28 days"),
        what: "round trips of `next_slots`, Postgres".to_owned(),
        value: postgres[2].to_string(),
        target: "2: one for the head, and one for the first days".to_owned(),
        is_met: postgres[2] == 2,
    });
    measured.tables.push(counts);
    Ok(())
}

fn on_sqlite(lab: &Lab, team: &Team) -> Result<Vec<u64>> {
    static COUNTED: AtomicU64 = AtomicU64::new(0);
    let count = |event: TraceEvent<'_>| {
        // What begins like a comment is a trigger's.
        if matches!(event, TraceEvent::Stmt(_, text) if !text.starts_with("--")) {
            COUNTED.fetch_add(1, Ordering::Relaxed);
        }
    };
    let subject = lab.wait(Subject::on_sqlite(lab, 1))?;
    lab.wait(team.hire(&subject))?;
    let leads = lab.wait(subject.leads(0, Leads::new(Kind::Light).raws(2)))?;
    let mut conn = Connection::open(subject.file().ok_or("a file")?)?;
    let tx = conn.transaction()?;
    tx.trace_v2(TraceEventCodes::SQLITE_TRACE_STMT, Some(count));
    let mut counts = Vec::new();
    for call in 0..CALLS.len() {
        let before = COUNTED.load(Ordering::Relaxed);
        inside(&tx, async |store| call_once(&subject.workspace(0).within(store), team, &leads, call).await)?;
        counts.push(COUNTED.load(Ordering::Relaxed) - before);
    }
    tx.trace_v2(TraceEventCodes::empty(), None);
    tx.rollback()?;
    drop(conn);
    lab.wait(subject.finish())?;
    Ok(counts)
}

async fn on_postgres(lab: &Lab, team: &Team) -> Result<Vec<u64>> {
    let (subject, pool) = Subject::on_one_connection(&lab.synced).await?;
    team.hire(&subject).await?;
    let leads = subject.leads(0, Leads::new(Kind::Light).raws(4)).await?;
    let mut counts = Vec::new();
    for (is_warm, leads) in [(false, &leads[..2]), (true, &leads[2..])] {
        for call in 0..CALLS.len() {
            let before = executed(&pool).await?;
            // Warm, the visits are others.
            let call_of = if is_warm { call } else { call + CALLS.len() };
            call_once(subject.workspace(0), team, leads, call_of).await?;
            if is_warm {
                counts.push(executed(&pool).await? - before);
            }
        }
    }
    drop(pool);
    subject.finish().await?;
    Ok(counts)
}

async fn call_once(
    workspace: &convio_core::WorkspaceHandle<'_>,
    team: &Team,
    leads: &[LeadId],
    call: usize,
) -> Result<()> {
    match call % CALLS.len() {
        asked @ 0..=2 => drop(workspace.next_slots(&team.request([1, 10, PEOPLE][asked], FIRST)).await?),
        booked => {
            let with_calendar = booked == 3;
            workspace.book(leads[booked - 3], team.visit(call, with_calendar)).await?;
        }
    }
    Ok(())
}

/// How many statements a connection has executed of those that it keeps prepared, as Convio's are.
async fn executed(pool: &PgPool) -> Result<u64> {
    let sql = "SELECT coalesce(sum(generic_plans + custom_plans), 0)::int8
        FROM pg_prepared_statements WHERE statement !~ 'pg_prepared_statements'";
    Ok(u64::try_from(sqlx::query_scalar::<_, i64>(sql).fetch_one(pool).await?)?)
}

/// The median of so many times, in milliseconds.
fn millis(times: usize, mut work: impl FnMut() -> Result<()>) -> Result<f64> {
    let mut took = Vec::with_capacity(times);
    for _ in 0..times {
        let begin = now();
        work()?;
        took.push(begin.elapsed().as_secs_f64() * 1e3);
    }
    Ok(percentile(&mut took, 0.5))
}

fn shown(spread: Spread) -> String {
    format!("{:.2} ({:.2} to {:.2})", spread.median, spread.low, spread.high)
}

fn table(title: &str, columns: &[&str]) -> Table {
    let columns = columns.iter().map(|column| (*column).to_owned()).collect();
    Table { title: title.to_owned(), columns, rows: Vec::new() }
}

/// A number that has no decimals.
fn whole(count: usize) -> String {
    digits(count as f64).trim_end_matches(".0").to_owned()
}

const FIRST: usize = 50;
/// As many as one answer holds.
const ALL: usize = 1_000;
const AT_ONCE: usize = 100;
const GROWTH: [&str; 8] =
    ["store", "appointments", "people", "`next_slots`", "beside it", "ratio", "records read", "their bytes"];
const STATEMENTS: [&str; 3] = ["call", "SQLite", "Postgres"];
const CALLS: [&str; 5] = [
    "`next_slots` of 1, 28 days",
    "`next_slots` of 10, 28 days",
    "`next_slots` of 50, 28 days",
    "`book`, with a calendar",
    "`book`, without one",
];
