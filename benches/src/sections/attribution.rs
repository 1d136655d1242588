use std::hint::black_box;
use std::time::Duration;

use convio_core::attribution::{Model, Worth, removal_effects, shapley};

use super::Section;
use crate::Result;
use crate::clock::now;
use crate::cpu::cpu_seconds;
use crate::figure::{Figure, Unit, digits};
use crate::lab::Lab;
use crate::outcome::{Fact, Measured, Table};
use crate::paths::{Paths, drawn};
use crate::stats::Spread;
use crate::turns::{Part, in_turns, pairs};

pub(super) const SECTION: Section = Section {
    name: "attribution",
    ids: &["T1"],
    title: "Attribution: the rule models in one pass, Markov chains, Shapley values",
    about: "Paths are drawn: 12 channels, 1 to 28 touches (6.6 on average) a day apart, with how many converted after each and what that is worth. A \
        pass takes touches that are at hand, makes each path of them, and weighs it by all 12 rule models. *Credits by channel* are \
        conversions and values as floats, summed by model and channel; *exact credits* divide the value of each path in whole cents \
        instead, and sum these; *weights alone* sums nothing. Floor: linear credits by hand, two additions of floats for each touch, from \
        numbers of channels and without any path. One thread. Then `removal_effects` and `shapley`, journeys at hand.",
    not_shown: &[
        "T1 beside ChannelAttribution and marketing-attribution-models: `scripts/attribution-peers` measures that, outside of this run. See \
         performance.md.",
    ],
    run,
};

fn run(lab: &Lab) -> Result<Measured> {
    let mut measured = Measured::default();
    let mut rates = table(
        "Paths per second of one pass by 12 models: medians, with the lowest and the highest of a turn.",
        &RATES,
    );
    for count in lab.effort.paths() {
        lab.say(&format!("{} paths", whole(count)));
        rule_models(lab, count, &mut rates, &mut measured)?;
    }
    measured.tables.push(rates);
    lab.say("each model");
    measured.tables.push(each_model(lab)?);
    lab.say("longer paths");
    measured.tables.push(longer(lab)?);
    lab.say("Markov chains");
    markov(lab, &mut measured)?;
    lab.say("Shapley values");
    values(lab, &mut measured)?;
    Ok(measured)
}

/// All rule models over so many paths.
fn rule_models(lab: &Lab, count: usize, rates: &mut Table, measured: &mut Measured) -> Result<()> {
    let paths = Paths::of(&drawn(count, None, CHANNELS))?;
    let (models, window) = (&Model::ALL, lab.effort.deciding());
    let rounds = in_turns(
        lab.effort.rounds(),
        [
            repeated(window, || paths.credits(models)),
            repeated(window, || paths.cents(models)),
            repeated(window, || paths.weights(models)),
            repeated(window, || Ok(paths.linear_by_hand())),
        ],
    )?;
    let case = format!("{} paths", whole(count));
    let touches = paths.touches() as f64;
    let figure = |subject: &str, place, other: &str, of_other| Figure {
        id: "T1".to_owned(),
        case: case.clone(),
        subject: subject.to_owned(),
        other: other.to_owned(),
        unit: Unit::Nanos,
        rounds: pairs(&rounds, (place, of_other), |cost: Spent| cost.cpu * 1e9 / touches),
        sync_millis: None,
        target: None,
    };
    measured.figures.extend([
        figure("12 models, credits by channel, a touch", CREDITS, "linear by hand, a touch", BY_HAND),
        figure("12 models, exact credits, a touch", CENTS, "credits as floats, a touch", CREDITS),
        figure("12 models, weights alone, a touch", WEIGHTS, "credits as floats, a touch", CREDITS),
    ]);
    for (place, what) in
        [(CREDITS, "credits by channel"), (CENTS, "exact credits"), (WEIGHTS, "weights alone")]
    {
        let spread =
            |value: &dyn Fn(Spent) -> f64| Spread::of(rounds.iter().map(|round| value(round[place])));
        let nanos = spread(&|cost| cost.wall * 1e9 / touches).median;
        rates.rows.push(vec![
            whole(count),
            whole(paths.touches()),
            what.to_owned(),
            shown(spread(&|cost| count as f64 / cost.wall), digits),
            digits(nanos),
            format!("{:.2}", nanos / models.len() as f64),
        ]);
    }
    let (_, wrong) = paths.cents(models)?;
    measured.facts.push(Fact {
        id: "T1".to_owned(),
        case,
        what: "values that 12 models divided otherwise than to the cent".to_owned(),
        value: wrong.to_string(),
        target: "0".to_owned(),
        is_met: wrong == 0,
    });
    Ok(())
}

/// Each rule model alone.
fn each_model(lab: &Lab) -> Result<Table> {
    let paths = Paths::of(&drawn(lab.effort.paths()[0], None, CHANNELS))?;
    let touches = paths.touches() as f64;
    let parts = Model::ALL.each_ref().map(|model| timed(|| paths.weights(std::slice::from_ref(model))));
    let rounds = in_turns(lab.effort.rounds(), parts)?;
    let mut table = table(
        &format!(
            "Each model alone, weights of {} paths, each path made anew: nanoseconds a touch.",
            whole(paths.count())
        ),
        &["model", "ns a touch"],
    );
    for (place, model) in Model::ALL.iter().enumerate() {
        let nanos = Spread::of(rounds.iter().map(|round| round[place].wall * 1e9 / touches));
        table.rows.push(vec![name(model)?, shown(nanos, digits)]);
    }
    Ok(table)
}

/// Paths of one length, as many as have the same number of touches together.
fn longer(lab: &Lab) -> Result<Table> {
    let all = LENGTHS.map(|length| Paths::of(&drawn(lab.effort.touches() / length, Some(length), CHANNELS)));
    let all: Vec<Paths> = all.into_iter().collect::<Result<_>>()?;
    let parts: [Part<'_, Spent>; LENGTHS.len()] = std::array::from_fn(|place| {
        let paths = &all[place];
        timed(move || paths.credits(&Model::ALL))
    });
    let rounds = in_turns(lab.effort.rounds(), parts)?;
    let mut table = table(
        &format!(
            "Longer paths: credits by channel, 12 models, {} touches in all.",
            whole(lab.effort.touches())
        ),
        &["touches a path", "paths", "paths/s", "ns a touch"],
    );
    for (place, paths) in all.iter().enumerate() {
        let spread =
            |value: &dyn Fn(Spent) -> f64| Spread::of(rounds.iter().map(|round| value(round[place])));
        table.rows.push(vec![
            whole(LENGTHS[place]),
            whole(paths.count()),
            shown(spread(&|cost| paths.count() as f64 / cost.wall), digits),
            digits(spread(&|cost| cost.wall * 1e9 / paths.touches() as f64).median),
        ]);
    }
    Ok(table)
}

/// Removal effects by one order after another.
fn markov(lab: &Lab, measured: &mut Measured) -> Result<()> {
    let paths = Paths::of(&drawn(lab.effort.paths()[0], None, CHANNELS_OF_CHAINS))?;
    let journeys = paths.journeys()?;
    let parts = ORDERS.map(|order| {
        let journeys = &journeys;
        timed(move || Ok(removal_effects(journeys, order)?))
    });
    let rounds = in_turns(lab.effort.rounds(), parts)?;
    let mut table = table(
        &format!("`removal_effects` of {} channels, {} paths.", paths.names().len(), whole(paths.count())),
        &["order", "states", "ms"],
    );
    for (place, order) in ORDERS.into_iter().enumerate() {
        let millis = Spread::of(rounds.iter().map(|round| round[place].wall * 1e3));
        table.rows.push(vec![
            order.to_string(),
            whole(paths.states(order)),
            shown(millis, |it| format!("{it:.2}")),
        ]);
    }
    measured.tables.push(table);
    // What comes into a state goes out of it, so a chain of any order converts as often as its journeys do.
    let rate = journeys.conversions() as f64 / (journeys.conversions() + journeys.nulls()) as f64;
    for order in ORDERS {
        let off = (removal_effects(&journeys, order)?.total / rate - 1.0).abs();
        measured.facts.push(close(
            format!("order {order}"),
            "how far the chain's rate of conversions is off that of the journeys",
            off,
        ));
    }
    Ok(())
}

/// Shapley values by both worths, for more and more channels.
fn values(lab: &Lab, measured: &mut Measured) -> Result<()> {
    let mut table = table(
        &format!("`shapley` of {} paths, in milliseconds.", whole(lab.effort.paths()[0])),
        &["channels", "by conversions", "by rate"],
    );
    for channels in [4, 8, 12, 16, 20].into_iter().filter(|it| *it <= lab.effort.channels()) {
        let paths = Paths::of(&drawn(lab.effort.paths()[0], None, channels))?;
        let journeys = paths.journeys()?;
        let rounds = in_turns(
            lab.effort.rounds(),
            [
                timed(|| Ok(shapley(&journeys, Worth::Conversions)?)),
                timed(|| Ok(shapley(&journeys, Worth::Rate)?)),
            ],
        )?;
        let millis = |place: usize| {
            shown(Spread::of(rounds.iter().map(|round| round[place].wall * 1e3)), |it| format!("{it:.2}"))
        };
        table.rows.push(vec![paths.names().len().to_string(), millis(0), millis(1)]);
        let all = journeys.conversions() as f64;
        let sum: f64 = shapley(&journeys, Worth::Conversions)?.each.iter().map(|it| it.worth).sum();
        measured.facts.push(close(
            format!("{channels} channels"),
            "how far the sum of Shapley values is off all conversions",
            (sum / all - 1.0).abs(),
        ));
    }
    measured.tables.push(table);
    Ok(())
}

fn close(case: String, what: &str, off: f64) -> Fact {
    Fact {
        id: "T1".to_owned(),
        case,
        what: what.to_owned(),
        value: format!("{off:.1e}"),
        target: "<= 1e-9".to_owned(),
        is_met: off <= 1e-9,
    }
}

/// Seconds of a turn: that passed, and of the processor.
#[derive(Clone, Copy)]
struct Spent {
    wall: f64,
    cpu: f64,
}

/// Work as a part that measures itself, once.
fn timed<'p, T>(work: impl FnMut() -> Result<T> + 'p) -> Part<'p, Spent> {
    repeated(Duration::ZERO, work)
}

/// Work as a part that measures itself, again and again until the window is over: what takes a moment is less than the processor's
/// time is told in.
fn repeated<'p, T>(window: Duration, mut work: impl FnMut() -> Result<T> + 'p) -> Part<'p, Spent> {
    Box::new(move || {
        let (begin, cpu, mut times) = (now(), cpu_seconds(), 0.0);
        loop {
            black_box(work()?);
            times += 1.0;
            if begin.elapsed() >= window {
                let wall = begin.elapsed().as_secs_f64();
                return Ok(Spent { wall: wall / times, cpu: (cpu_seconds() - cpu) / times });
            }
        }
    })
}

/// As it is stored and configured.
fn name(model: &Model) -> Result<String> {
    let value = serde_json::to_value(model)?;
    let key = value.as_object().and_then(|object| object.keys().next()).map(String::as_str);
    Ok(value.as_str().or(key).unwrap_or_default().replace('_', " "))
}

fn table(title: &str, columns: &[&str]) -> Table {
    let columns = columns.iter().map(|column| (*column).to_owned()).collect();
    Table { title: title.to_owned(), columns, rows: Vec::new() }
}

fn shown(spread: Spread, show: impl Fn(f64) -> String) -> String {
    format!("{} ({} to {})", show(spread.median), show(spread.low), show(spread.high))
}

/// A number that has no decimals.
fn whole(count: usize) -> String {
    digits(count as f64).trim_end_matches(".0").to_owned()
}

/// The places of those who take turns.
const CREDITS: usize = 0;
const CENTS: usize = 1;
const WEIGHTS: usize = 2;
const BY_HAND: usize = 3;
/// As many as the path data has that peers are measured with.
const CHANNELS: usize = 12;
/// So many have at most 1,111 states at order 3, which a chain may have.
const CHANNELS_OF_CHAINS: usize = 10;
const LENGTHS: [usize; 5] = [2, 5, 20, 100, 1_000];
const ORDERS: [usize; 3] = [1, 2, 3];
const RATES: [&str; 6] = ["paths", "touches", "what", "paths/s", "ns a touch", "ns a touch and model"];
