use std::collections::HashMap;
use std::hash::BuildHasher;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use convio_core::routing::{AnyOf, RoutingRequest, Rule, RuleSet, RuleTable};
use rustc_hash::FxBuildHasher;

use super::Section;
use crate::Result;
use crate::clock::now;
use crate::cpu::cpu_seconds;
use crate::figure::{Figure, Limit, Target, Unit, digits};
use crate::lab::Lab;
use crate::live::left_by;
use crate::outcome::{Fact, Measured, Table};
use crate::peers::{Deciding, Peer};
use crate::rules::{Country, Drawn, zen_decision, zen_request};
use crate::stats::Spread;
use crate::subject::Subject;
use crate::turns::{in_turns, pairs};

pub(super) const SECTION: Section = Section {
    name: "routing",
    ids: &["R1", "R2"],
    title: "Routing: a decision, and what comes before it",
    about: "R1, in processor time: 5,000 requests with product, ZIP and state, read before the time is taken and visited in no order, under rules of which 44 % ask \
        for 20 ZIPs, 26 % for one or two beginnings of three digits, 12 % for a range of 10 to 500, 16 % for states; the last 2 % take what \
        the others leave. `find` is `RuleTable::find`, `decide` is `RuleTable::decide`, which also says why. Floor: one lookup in a \
        `HashMap` of as many pairs of product and ZIP as there are rules, by the texts of a request, every one of which is in it: it can \
        say neither beginning nor range nor \"any\". *Rule after rule* tries the rules, sorted before, until one matches: it seldom goes \
        far, for some rule of a whole state soon matches. `zen-engine` 2.1 has the rules as a compiled decision table, a row per rule, and \
        is a process of its own (`benches/peers`) that keeps the table and takes its turns. R2: the table made of rules that are read; \
        bytes are those that the allocator has given out and not got back. Then `publish_rules` through the public face, until `explain` \
        answers by these rules.",
    not_shown: &[
        "R1, a request of which nothing is in the processor's caches: each is asked again some thousand requests later.",
        "R1 and R2 beside `zen-engine` at 100,000 rules with `--quick`, where it is given 1,000.",
    ],
    run,
};

fn run(lab: &Lab) -> Result<Measured> {
    let mut measured = Measured::default();
    let country = Country::default();
    let mut made = Table {
        title: "What the rules and the table take, as it was once made.".to_owned(),
        columns: MADE.map(str::to_owned).into(),
        rows: Vec::new(),
    };
    for count in lab.effort.rules() {
        lab.say(&format!("{} rules", whole(*count)));
        let drawn = country.rules(*count);
        let zen = match &lab.peers {
            Some(folder) if *count <= lab.effort.rules_of_peers() => {
                Some(zen(lab, folder, &country, &drawn)?)
            }
            _ => None,
        };
        made.rows.push(under(lab, &country, &drawn, zen, &mut measured)?);
    }
    measured.tables.push(made);
    let mut published = Table {
        title: "A publication, in milliseconds: the median.".to_owned(),
        columns: PUBLISHED.map(str::to_owned).into(),
        rows: Vec::new(),
    };
    for count in lab.effort.rules() {
        let drawn = country.rules(*count);
        measured.figures.push(publish(lab, &country, &drawn, &mut published)?);
    }
    measured.tables.push(published);
    Ok(measured)
}

/// Decisions under so many rules; answers what they take.
fn under(
    lab: &Lab,
    country: &Country,
    drawn: &[Drawn],
    mut zen: Option<Deciding>,
    measured: &mut Measured,
) -> Result<Vec<String>> {
    let count = drawn.len();
    let requests = country.requests(REQUESTS)?;
    let asked_of_keys = country.requests_of_keys(REQUESTS, count)?;
    let keys = country.keys(count);
    let (rules, bytes_of_rules) =
        left_by(|| RuleSet::publish(1, drawn.iter().map(Drawn::rule)).map(Arc::new));
    let rules = rules.map_err(|reasons| format!("the rules are refused: {reasons:?}"))?;
    let (table, bytes_of_table) = left_by(|| RuleTable::new(rules.clone()));
    let (hash, bytes_of_hash) = left_by(|| hash_of(&keys, std::hash::RandomState::new()));
    let fx = hash_of(&keys, FxBuildHasher);
    let mut ranked = rules.rules.clone();
    ranked.sort_by_key(|rule| rule.priority); // a stable sort
    let case = format!("{} rules", whole(count));
    let window = lab.effort.deciding();

    let answers: Vec<Option<&str>> =
        requests.iter().map(|request| table.find(request).map(|rule| rule.name.as_str())).collect();
    let one_by_one = requests.iter().map(|request| first(&ranked, request).map(|rule| rule.name.as_str()));
    let differ = answers.iter().zip(one_by_one).filter(|(ours, theirs)| *ours != theirs).count();
    measured.facts.push(agreement(&case, "trying rule after rule", differ));
    if let Some(zen) = &mut zen {
        let theirs = zen.answers()?;
        let differ = answers.iter().zip(&theirs).filter(|(ours, theirs)| **ours != theirs.as_deref()).count();
        measured.facts.push(agreement(&case, "zen-engine", differ + answers.len().abs_diff(theirs.len())));
    }

    let rounds = in_turns(
        lab.effort.rounds(),
        [
            Box::new(|| Ok(each(window, &requests, |request| table.find(request).is_some()))),
            Box::new(|| Ok(each(window, &requests, |request| table.decide(request).rule.is_some()))),
            Box::new(|| Ok(each(window, &asked_of_keys, |request| look_up(&hash, request).is_some()))),
            Box::new(|| Ok(each(window, &asked_of_keys, |request| look_up(&fx, request).is_some()))),
            Box::new(|| Ok(each(window, &requests, |request| first(&ranked, request).is_some()))),
            Box::new(|| zen.as_mut().map_or(Ok(f64::NAN), |zen| zen.turn(window))),
        ],
    )?;
    let figure = |subject: &str, place, other: &str, of_other, target| Figure {
        id: "R1".to_owned(),
        case: case.clone(),
        subject: subject.to_owned(),
        other: other.to_owned(),
        unit: Unit::Nanos,
        rounds: pairs(&rounds, (place, of_other), |nanos| nanos),
        sync_millis: None,
        target,
    };
    let most = match count {
        1_000 => Some(Target::subject("<= 50 ns", Limit::AtMost(50.0))),
        100_000 => Some(Target::subject("<= 250 ns", Limit::AtMost(250.0))),
        _ => None,
    };
    let ratio = Some(Target::ratio("<= 1.5x", Limit::AtMost(1.5)));
    measured.figures.extend([
        figure("find", FIND, "one lookup in a `HashMap`", HASH, ratio),
        figure("find", FIND, "one lookup in a `HashMap` with `FxHasher`", FX, most),
        figure("find", FIND, "rule after rule", ONE_BY_ONE, None),
        figure("decide", DECIDE, "find", FIND, None),
    ]);
    if zen.is_some() {
        measured.figures.push(Figure {
            unit: Unit::PerCpuSecond,
            rounds: pairs(&rounds, (FIND, ZEN), |nanos| 1e9 / nanos),
            ..figure("find", FIND, "zen-engine", ZEN, Some(Target::ratio(">= 200x", Limit::AtLeast(200.0))))
        });
    }

    if lab.effort.rules().last() == Some(&count) {
        let together = (bytes_of_rules + bytes_of_table) as f64;
        let (is_full, target) = (count == 100_000, Target::subject("<= 1.5 s", Limit::AtMost(1_500.0)));
        measured.figures.push(Figure {
            id: "R2".to_owned(),
            case: case.clone(),
            subject: "the table made".to_owned(),
            other: "a `HashMap` of as many pairs made".to_owned(),
            unit: Unit::Millis,
            rounds: make(lab, &rules, &keys)?,
            sync_millis: None,
            target: is_full.then_some(target),
        });
        if is_full {
            measured.facts.push(Fact {
                id: "R2".to_owned(),
                case,
                what: "bytes of rules and table".to_owned(),
                value: megabytes(together),
                target: "<= 100 MB".to_owned(),
                is_met: together <= 100e6,
            });
        }
    }
    let bytes = [bytes_of_rules, bytes_of_table, bytes_of_rules + bytes_of_table, bytes_of_hash];
    let mut row = vec![whole(count)];
    row.extend(bytes.map(|bytes| megabytes(bytes as f64)));
    row.extend(match zen.as_ref().map(|zen| &zen.made) {
        Some(made) => {
            [megabytes(made.bytes), format!("{:.3} s", made.read_seconds), format!("{:.3} s", made.seconds)]
        }
        None => ["-"; 3].map(str::to_owned),
    });
    Ok(row)
}

/// The peer with these rules and as many requests.
fn zen(lab: &Lab, folder: &std::path::Path, country: &Country, drawn: &[Drawn]) -> Result<Deciding> {
    let files = lab.folder()?;
    let [rules, requests] = ["rules.json", "requests.json"].map(|name| files.path().join(name));
    std::fs::write(&rules, serde_json::to_vec(&zen_decision(drawn))?)?;
    let asked: Vec<_> = country.requests(REQUESTS)?.iter().map(zen_request).collect();
    std::fs::write(&requests, serde_json::to_vec(&asked)?)?;
    Peer::in_folder(folder, "peer-zen")?.decide(&rules, &requests)
}

fn agreement(case: &str, with: &str, differ: usize) -> Fact {
    Fact {
        id: "R1".to_owned(),
        case: case.to_owned(),
        what: format!("of {} requests, those that `find` answers otherwise than {with}", whole(REQUESTS)),
        value: differ.to_string(),
        target: "0".to_owned(),
        is_met: differ == 0,
    }
}

/// Nanoseconds of processor time that each request takes, one after the other in no order, until the window is over.
fn each(window: Duration, requests: &[RoutingRequest], mut work: impl FnMut(&RoutingRequest) -> bool) -> f64 {
    let (mut at, mut count) = (0, 0);
    let (begin, cpu) = (now(), cpu_seconds());
    loop {
        for _ in 0..CHUNK {
            at += STRIDE;
            if at >= requests.len() {
                at -= requests.len();
            }
            black_box(work(black_box(&requests[at])));
        }
        count += CHUNK;
        if begin.elapsed() >= window {
            return (cpu_seconds() - cpu) * 1e9 / count as f64;
        }
    }
}

type Hash<'k, S> = HashMap<(&'k str, &'k str), u32, S>;

fn hash_of<S: BuildHasher>(keys: &[(String, String)], hasher: S) -> Hash<'_, S> {
    let mut hash = HashMap::with_capacity_and_hasher(keys.len(), hasher);
    hash.extend((0..).zip(keys).map(|(n, (product, zip))| ((product.as_str(), zip.as_str()), n)));
    hash
}

fn look_up<S: BuildHasher>(hash: &Hash<'_, S>, request: &RoutingRequest) -> Option<u32> {
    let key = (request.product.as_ref()?.key(), request.postal_code.as_ref()?.as_str());
    hash.get(&key).copied()
}

/// The first rule that matches, tried in this order.
fn first<'r>(rules: &'r [Rule], request: &RoutingRequest) -> Option<&'r Rule> {
    let one_of = |set: &AnyOf, key: Option<&str>| match set {
        AnyOf::Any => true,
        AnyOf::Of(set) => key.is_some_and(|key| set.contains(key)),
    };
    let product = request.product.as_ref().map(|it| it.key());
    let state = request.state.as_ref().map(|it| it.key());
    let source = request.source.as_ref().map(|it| it.key());
    rules.iter().find(|rule| {
        rule.active
            && one_of(&rule.products, product)
            && rule.zips.holds(request.postal_code.as_ref())
            && one_of(&rule.states, state)
            && one_of(&rule.sources, source)
            && rule.when.holds(request)
    })
}

/// Milliseconds in which the table is made, and the hash of as many keys.
fn make(lab: &Lab, rules: &Arc<RuleSet>, keys: &[(String, String)]) -> Result<Vec<(f64, f64)>> {
    let rounds = in_turns(
        lab.effort.rounds(),
        [
            Box::new(|| {
                let begin = now();
                let table = RuleTable::new(rules.clone());
                let millis = begin.elapsed().as_secs_f64() * 1e3;
                black_box(table);
                Ok(millis)
            }),
            Box::new(|| {
                let begin = now();
                let hash = hash_of(keys, std::hash::RandomState::new());
                let millis = begin.elapsed().as_secs_f64() * 1e3;
                black_box(hash);
                Ok(millis)
            }),
        ],
    )?;
    Ok(pairs(&rounds, (0, 1), |millis| millis))
}

/// The milliseconds of a publication, of the first question after it, and of the next.
fn publish(lab: &Lab, country: &Country, drawn: &[Drawn], table: &mut Table) -> Result<Figure> {
    let rules: Vec<Rule> = drawn.iter().map(Drawn::rule).collect();
    let requests = country.requests(1)?;
    let (sqlite, memory) = (lab.wait(Subject::on_sqlite(lab, 1))?, lab.wait(Subject::on_memory(1))?);
    let on = |subject: &Subject| {
        let (rules, workspace) = (rules.clone(), subject.workspace(0));
        let millis = |since: std::time::Instant| since.elapsed().as_secs_f64() * 1e3;
        lab.wait(async {
            let begin = now();
            let version = workspace.publish_rules(rules).await?.version;
            let published = millis(begin);
            let decision = workspace.explain(&requests[0]).await?;
            let first = millis(begin) - published;
            if decision.rules_version != version {
                return Err("a decision does not know the rules that were published before it".into());
            }
            let again = now();
            workspace.explain(&requests[0]).await?;
            Ok([published, first, millis(again)])
        })
    };
    let rounds = in_turns(lab.effort.rounds(), [Box::new(|| on(&sqlite)), Box::new(|| on(&memory))])?;
    let case = whole(drawn.len());
    for (place, store) in ["SQLite", "memory"].into_iter().enumerate() {
        let median = |part: usize| Spread::of(rounds.iter().map(|round| round[place][part])).median;
        let mut row = vec![case.clone(), store.to_owned()];
        row.extend([0, 1, 2].map(|part| Unit::Millis.show(median(part))));
        table.rows.push(row);
    }
    Ok(Figure {
        id: "R2".to_owned(),
        case: format!("{case} rules"),
        subject: "published and asked, SQLite".to_owned(),
        other: "published and asked, memory".to_owned(),
        unit: Unit::Millis,
        rounds: pairs(&rounds, (0, 1), |[published, first, _]| published + first),
        sync_millis: None,
        target: None,
    })
}

/// A number that has no decimals.
fn whole(count: usize) -> String {
    digits(count as f64).trim_end_matches(".0").to_owned()
}

fn megabytes(bytes: f64) -> String {
    format!("{:.3} MB", bytes / 1e6)
}

/// The places of those who take turns.
const FIND: usize = 0;
const DECIDE: usize = 1;
const HASH: usize = 2;
const FX: usize = 3;
const ONE_BY_ONE: usize = 4;
const ZEN: usize = 5;
const REQUESTS: usize = 5_000;
/// From one request to the next; shares no divisor with their number, so that each has its turn.
const STRIDE: usize = 1_871;
/// Requests between two looks at the clock, which then costs none of them a nanosecond.
const CHUNK: usize = 500;
const MADE: [&str; 8] = [
    "rules",
    "bytes of the rules",
    "of the table",
    "of both",
    "of a `HashMap` of as many pairs, without their texts",
    "of zen-engine",
    "zen-engine reads its JSON in",
    "and compiles in",
];
const PUBLISHED: [&str; 5] = ["rules", "store", "`publish_rules`", "the first `explain`", "the next"];
