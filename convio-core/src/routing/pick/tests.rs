use std::collections::HashMap;
use std::convert::Infallible;

use proptest::prelude::*;
use proptest::strategy::Strategy as _;

use super::super::table::tests::{condition, request, rule};
use super::super::{Condition, Decision, Draft, End, How, Period, RuleTable, Strategy};
use super::*;
use crate::LeadId;

/// Decisions one after the other, each counted.
struct Play {
    table: RuleTable,
    counters: HashMap<(String, DateTime<Utc>), i64>,
}

impl Play {
    fn of(draft: impl Into<Draft>) -> Self {
        Self { table: RuleTable::new(RuleSet::publish(1, draft).unwrap()), counters: HashMap::new() }
    }

    fn decide(&mut self, request: &RoutingRequest, declined: &[Declined]) -> Decision {
        let named = self.table.counters(request, declined);
        assert!(named.is_sorted() && named.windows(2).all(|pair| pair[0] != pair[1]));
        let used = |key: &str, window| {
            let key = (key.to_owned(), window);
            assert!(named.contains(&key), "{key:?} was not named before");
            Ok::<_, Infallible>(self.counters.get(&key).copied().unwrap_or(0))
        };
        let Ok(decision) = self.table.decide_with(request, declined, used);
        for it in &decision.counted {
            let used = self.counters.entry((it.key.clone(), it.window)).or_default();
            assert_eq!(*used, it.used, "{}", it.key);
            *used += it.n;
        }
        decision
    }

    /// Other rules, by the same counters.
    fn publish(&mut self, draft: impl Into<Draft>) {
        self.table = RuleTable::new(RuleSet::publish(2, draft).unwrap());
    }

    fn next(&mut self) -> Option<String> {
        self.decide(&RoutingRequest::default(), &[]).target.map(|target| target.name().to_owned())
    }

    fn free(&mut self, decision: &Decision, end: End) {
        for back in decision.freed(end) {
            *self.counters.get_mut(&(back.key, back.window)).unwrap() += back.n;
        }
    }
}

fn person(name: &str) -> Target {
    Target::person(name)
}

fn among(strategy: Strategy, parts: &[(&str, u32)]) -> Rule {
    let parts = parts.iter().map(|(name, weight)| (person(name), *weight));
    Rule::among(strategy, parts).named("r").any_product().any_zip()
}

#[test]
fn five_three_two_over_a_thousand_picks_in_smooth_order() {
    let mut play = Play::of([among(Strategy::Rotate, &[("a", 5), ("b", 3), ("c", 2)])]);
    let picks: String = (0..1_000).filter_map(|_| play.next()).collect();
    assert_eq!(picks, "abcaabacba".repeat(100));
}

#[test]
fn who_is_full_takes_no_turn_and_the_others_keep_their_parts() {
    let full = TargetSettings::of(person("a")).cap(Cap::count(2, Period::Total));
    let rule = among(Strategy::Rotate, &[("a", 5), ("b", 3), ("c", 2)]);
    let mut play = Play::of(Draft::of([rule]).target(full));
    let picks: String = (0..54).filter_map(|_| play.next()).collect();
    assert_eq!(&picks[..4], "abca");
    assert_eq!(picks.matches('a').count(), 2);
    // b and c have fifty turns among them: three parts and two.
    assert_eq!((picks[4..].matches('b').count(), picks[4..].matches('c').count()), (30, 20));
}

#[test]
fn a_full_rule_gives_way_and_a_period_begins_anew() {
    let first = among(Strategy::First, &[("a", 1)]).cap(Cap::count(2, Period::Day));
    let rest = among(Strategy::First, &[("rest", 1)]).named("rest").priority(1);
    let mut play = Play::of([first, rest]);
    let picks: Vec<String> = (0..3).filter_map(|_| play.next()).collect();
    assert_eq!(picks, ["a", "a", "rest"]);
    let full = play.decide(&RoutingRequest::default(), &[]);
    let told =
        "rule `rest` of rules version 1 routes to person `rest`; not by `r`: 2 of 2 per day (UTC) are taken";
    assert_eq!(full.explain(), told);
    let tomorrow =
        RoutingRequest { at: DateTime::UNIX_EPOCH + chrono::TimeDelta::days(1), ..Default::default() };
    assert_eq!(play.decide(&tomorrow, &[]).target, Some(person("a")));
}

#[test]
fn money_fills_a_cap_and_what_does_not_fit_goes_on() {
    let cap = Cap::money("100 USD".parse().unwrap(), Period::Month);
    let rest = among(Strategy::First, &[("rest", 1)]).named("rest").priority(1);
    let mut play = Play::of([among(Strategy::First, &[("a", 1)]).cap(cap), rest]);
    let mut ask = |value: &str| {
        let request = RoutingRequest { value: value.parse().ok(), ..Default::default() };
        play.decide(&request, &[]).target.map(|target| target.name().to_owned()).unwrap()
    };
    assert_eq!(
        [ask("60 USD"), ask("60 USD"), ask("40 USD"), ask("1 USD"), ask("")],
        ["a", "rest", "a", "rest", "a"]
    );
    assert_eq!(ask("1 EUR"), "rest");
}

#[test]
fn a_turn_of_one_is_counted_too() {
    let mut play = Play::of([among(Strategy::Rotate, &[("a", 1)])]);
    assert_eq!(play.table.decide_alone(&RoutingRequest::default()), None);
    play.next();
    assert_eq!(play.decide(&RoutingRequest::default(), &[]).counted[0].used, 1);
}

#[test]
fn a_cap_counts_and_limits_what_its_condition_holds_for() {
    let fax = || Condition::sources(["Fax"]);
    let rule = among(Strategy::First, &[("a", 1)])
        .cap(Cap::count(1, Period::Day).when(fax()))
        .cap(Cap::count(3, Period::Day));
    let settings =
        TargetSettings::of(person("a")).cap(Cap::count(0, Period::Total).when(fax() & Condition::Consent));
    let mut play = Play::of(Draft::of([rule]).target(settings));
    let ask = |source: &str| RoutingRequest { source: source.parse().ok(), ..Default::default() };
    let mut takes = |source: &str| play.decide(&ask(source), &[]).target.is_some();
    assert_eq!([takes("Mail"), takes("Fax"), takes("Fax"), takes("Mail")], [true, true, false, true]);
    assert_eq!([takes("Mail"), takes("Fax")], [false, false], "all three places are taken");
    let full = play.decide(&ask("Fax"), &[]).explain();
    assert!(full.ends_with("not by `r`: 1 of 1 per day (UTC) where its condition holds are taken"), "{full}");
}

#[test]
fn who_is_away_takes_no_turn_and_owns_nothing_meanwhile() {
    let day = |day: i64| DateTime::UNIX_EPOCH + chrono::TimeDelta::days(day);
    let away = TargetSettings::of(person("a")).away(day(1), day(2)).away(day(2), day(3));
    let rule = among(Strategy::Rotate, &[("a", 1), ("b", 1)]).sticky();
    let mut play = Play::of(Draft::of([rule]).target(away.clone()));
    let mut next = |starts_at: i64, owner: &str| {
        let request = RoutingRequest {
            starts_at: Some(day(starts_at)),
            owner: Some(owner.to_owned()),
            ..Default::default()
        };
        play.decide(&request, &[]).target.map(|target| target.name().to_owned()).unwrap()
    };
    assert_eq!(
        [next(1, ""), next(2, ""), next(1, "a"), next(3, "a"), next(3, ""), next(3, "")],
        ["b", "b", "b", "a", "a", "b"]
    );
    // One who is there without counters is known before the commit; one who is not makes way for whoever is counted.
    let to = |name: &str| Rule::to(person(name)).named(name).any_product().any_zip();
    let rest = to("rest").priority(1).cap(Cap::count(9, Period::Total));
    let table = Play::of(Draft::of([to("a"), rest]).target(away)).table;
    let on = |n| RoutingRequest { at: day(n), ..Default::default() };
    assert_eq!(table.decide_alone(&on(0)).map(|it| it.target), Some(Some(person("a"))));
    assert_eq!((table.decide_alone(&on(1)), table.counters(&on(1), &[]).len()), (None, 1));
    let why = Why::Away { until: day(3) };
    assert_eq!(
        table.decide(&on(1)).passed,
        [Passed { rule: "a".to_owned(), target: Some(person("a")), why }]
    );
}

#[test]
fn what_no_cap_counts_is_decided_without_counters() {
    let solar = Condition::products(["Solar"]);
    let capped = Cap::count(1, Period::Minute).when(solar);
    let rule = among(Strategy::First, &[("a", 1)]).cap(capped.clone());
    let table = Play::of(Draft::of([rule]).target(TargetSettings::of(person("a")).cap(capped))).table;
    let solar = RoutingRequest { product: "solar".parse().ok(), ..Default::default() };
    assert_eq!(table.decide_alone(&solar), None);
    assert_eq!(table.counters(&solar, &[]).len(), 2);
    let alone = table.decide_alone(&RoutingRequest::default()).unwrap();
    assert_eq!((alone.target, alone.counted.len()), (Some(person("a")), 0));
    assert_eq!(table.counters(&RoutingRequest::default(), &[]), []);
}

#[test]
fn who_has_the_fewest_open_for_its_part_is_next() {
    let mut play = Play::of([among(Strategy::LeastLoaded, &[("a", 1), ("b", 2)])]);
    let decisions: Vec<Decision> = (0..6).map(|_| play.decide(&RoutingRequest::default(), &[])).collect();
    let picks: String = decisions.iter().filter_map(|it| it.keeper()).collect();
    assert_eq!(picks, "abbabb");
    play.free(&decisions[0], End::Completed);
    play.free(&decisions[3], End::Missed);
    assert_eq!((play.next(), play.next()), (Some("a".to_owned()), Some("a".to_owned())));
}

#[test]
fn whoever_got_least_of_the_period_is_next_and_what_came_to_nothing_does_not_count() {
    let mut play = Play::of([among(Strategy::Fair, &[("a", 1), ("b", 1), ("c", 2)])]);
    let decisions: Vec<Decision> = (0..8).map(|_| play.decide(&RoutingRequest::default(), &[])).collect();
    let picks: String = decisions.iter().filter_map(|it| it.keeper()).collect();
    assert_eq!(picks, "abccabcc");
    assert!(
        decisions[7]
            .explain()
            .ends_with("not person `a` of `r`: ahead, at level 2; not person `b` of `r`: ahead, at level 2")
    );
    play.free(&decisions[1], End::Completed); // it took place: it counts
    assert_eq!(play.next().as_deref(), Some("a"));
    play.free(&decisions[1], End::Missed);
    play.free(&decisions[5], End::Cancelled);
    let picks: String = (0..4).filter_map(|_| play.next()).collect();
    assert_eq!(picks, "bbbc");
    // A month later all begin anew.
    let later = RoutingRequest { at: "1970-02-01T00:00:00Z".parse().unwrap(), ..Default::default() };
    let picks: String = (0..4).filter_map(|_| play.decide(&later, &[]).keeper()).collect();
    assert_eq!(picks, "abcc");
}

#[test]
fn whoever_is_new_or_was_away_need_not_catch_up() {
    let rule = |names: &[(&str, u32)]| among(Strategy::Fair, names);
    let mut play = Play::of([rule(&[("a", 1), ("b", 1)])]);
    (0..20).for_each(|_| drop(play.next()));
    play.publish([rule(&[("a", 1), ("b", 1), ("new", 2)])]);
    let picks: Vec<String> = (0..5).filter_map(|_| play.next()).collect();
    assert_eq!(picks, ["a", "b", "new", "new", "a"]);
    let off = Draft::of([rule(&[("a", 1), ("b", 1), ("new", 2)])])
        .target(TargetSettings::of(person("b")).inactive());
    play.publish(off);
    (0..30).for_each(|_| assert_ne!(play.next().as_deref(), Some("b")));
    play.publish([rule(&[("a", 1), ("b", 1), ("new", 2)])]);
    let picks: Vec<String> = (0..8).filter_map(|_| play.next()).collect();
    assert_eq!(picks.iter().filter(|name| *name == "b").count(), 2);
}

#[test]
fn whoever_pays_most_gets_it_as_long_as_they_take_any() {
    let bids = [("a", "40 USD"), ("b", "45 USD"), ("c", "45 USD")];
    let bids = bids.map(|(name, price)| (person(name), price.parse().unwrap()));
    let rule = Rule::bids(bids.clone()).named("r").any_product().any_zip();
    let full = TargetSettings::of(person("b")).cap(Cap::count(1, Period::Total));
    let mut play = Play::of(Draft::of([rule]).target(full));
    let first = play.decide(&RoutingRequest::default(), &[]);
    let told = "rule `r` of rules version 1 routes to person `b` for 45.00 USD; not person `a` of `r`: pays 40.00 USD; \
        not person `c` of `r`: pays 45.00 USD";
    assert_eq!(first.explain(), told);
    assert_eq!((play.next().as_deref(), play.next().as_deref()), (Some("c"), Some("c")));

    let mixed =
        Rule::bids([bids[0].clone(), (person("d"), "40 EUR".parse().unwrap())]).any_product().any_zip();
    let below = Rule::bids([(person("d"), "-1 USD".parse().unwrap())]).any_product().any_zip();
    let none = Rule::among(Strategy::Price, [(person("d"), 1)]).any_product().any_zip();
    for rule in [mixed, below, none] {
        let reasons = RuleSet::publish(1, [rule]).unwrap_err();
        assert_eq!(
            (reasons.len(), reasons[0].field.as_str(), reasons[0].code.as_ref()),
            (1, "to", "invalid")
        );
    }
}

#[test]
fn a_percentage_of_leads_is_told_by_their_ids() {
    let mut play = Play::of([among(Strategy::Percentage, &[("a", 70), ("b", 30)])]);
    let lead = |n: u128| RoutingRequest {
        lead: Some(LeadId::from_uuid(uuid::Uuid::from_u128(n << 80 | n))),
        ..Default::default()
    };
    let picks: Vec<Decision> = (0..10_000).map(|n| play.decide(&lead(n), &[])).collect();
    let share = picks.iter().filter(|it| it.target == Some(person("a"))).count();
    assert!((6_800..7_200).contains(&share), "{share} of 10,000");
    assert_eq!(play.decide(&lead(7), &[]), picks[7]);
    assert!(picks.iter().all(|it| it.counted.is_empty()));
}

#[test]
fn an_owner_goes_before_and_takes_no_turn() {
    let mut play = Play::of([among(Strategy::Rotate, &[("a", 1), ("b", 1)]).sticky()]);
    let owned = RoutingRequest { owner: Some("b".to_owned()), ..Default::default() };
    let decision = play.decide(&owned, &[]);
    assert_eq!(decision.target, Some(person("b")));
    assert!(decision.explain().ends_with("not person `a` of `r`: the owner goes before"));
    assert_eq!((play.next(), play.next()), (Some("a".to_owned()), Some("b".to_owned())));
    let gone = [Declined { target: person("b"), reason: None }];
    assert_eq!(play.decide(&owned, &gone).target, Some(person("a")));
}

#[test]
fn a_broadcast_goes_to_all_who_have_room() {
    let rule = among(Strategy::Broadcast, &[("a", 1), ("b", 1), ("c", 1)]);
    let full = TargetSettings::of(person("b")).cap(Cap::count(1, Period::Hour));
    let off = TargetSettings::of(person("c")).inactive();
    let mut play = Play::of(Draft::of([rule]).target(full).target(off));
    let first = play.decide(&RoutingRequest::default(), &[]);
    assert_eq!((first.target, first.also), (Some(person("a")), vec![person("b")]));
    let second = play.decide(&RoutingRequest::default(), &[]);
    assert_eq!((&second.target, second.also.len()), (&Some(person("a")), 0));
    assert!(
        second.explain().contains(
            "not person `b` of `r`: 1 of 1 per hour (UTC) are taken; not person `c` of `r`: inactive"
        )
    );
}

#[test]
fn whoever_declines_is_not_asked_again() {
    let mut play = Play::of([
        among(Strategy::First, &[("a", 1), ("b", 1)]).cap(Cap::count(1, Period::Total)),
        among(Strategy::First, &[("a", 1)]).named("again").priority(1),
    ]);
    let first = play.decide(&RoutingRequest::default(), &[]);
    assert_eq!(first.target, Some(person("a")));
    play.free(&first, End::Passed);
    let mut declined = vec![Declined { target: person("a"), reason: Some("too far".to_owned()) }];
    let second = play.decide(&RoutingRequest::default(), &declined);
    assert_eq!(second.target, Some(person("b")));
    assert!(second.explain().ends_with("not person `a` of `r`: declined (too far)"));
    play.free(&second, End::Passed);
    declined.push(Declined { target: person("b"), reason: None });
    let third = play.decide(&RoutingRequest::default(), &declined);
    assert_eq!((third.how, &third.target, third.passed.len()), (How::Unrouted, &None, 3));
    assert!(third.explain().starts_with("no rule of rules version 1 has anybody for it: unrouted"));
}

fn caps() -> impl proptest::strategy::Strategy<Value = Vec<Cap>> {
    let periods = prop::sample::select(&[Period::Minute, Period::Hour, Period::Day, Period::Total][..]);
    let cap = (0_u32..4, periods, prop::option::weighted(0.4, condition()));
    prop::collection::vec(cap, 0..3).prop_map(|caps| {
        let mut caps: Vec<Cap> = caps
            .into_iter()
            .map(|(limit, per, when)| Cap::count(limit, per).when(when.unwrap_or_default()))
            .collect();
        caps.sort_by_key(Cap::key);
        caps.dedup_by_key(|cap| cap.key());
        caps
    })
}

fn away() -> impl proptest::strategy::Strategy<Value = Vec<Away>> {
    // Of the days that requests are on.
    let time = (0_i64..14, 1_i64..5).prop_map(|(day, days)| {
        let from = DateTime::from_timestamp(1_772_409_600 + day * 86_400, 0).unwrap();
        Away { from, to: from + chrono::TimeDelta::days(days) }
    });
    prop::collection::vec(time, 0..3)
}

fn choice() -> impl proptest::strategy::Strategy<Value = Rule> {
    let strategies = [
        Strategy::First,
        Strategy::Rotate,
        Strategy::Percentage,
        Strategy::LeastLoaded,
        Strategy::Fair,
        Strategy::Price,
        Strategy::Broadcast,
    ];
    let shares = prop::sample::subsequence(&["a", "b", "c", "d"][..], 1..5);
    (
        rule(),
        prop::sample::select(strategies.to_vec()),
        shares,
        prop::collection::vec(1_u32..4, 4),
        any::<bool>(),
        caps(),
    )
        .prop_map(|(rule, strategy, names, weights, sticky, caps)| {
            let price = |weight: u32| Money::from_minor(i64::from(weight) * 100, "USD".parse().unwrap());
            let share = |(name, weight)| Share { target: person(name), weight, price: Some(price(weight)) };
            let to = names.into_iter().zip(weights).map(share).collect();
            Rule { to, strategy, sticky, caps, ..rule }
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// No cap is overshot, and a decision made again from what it noted is the same.
    #[test]
    fn caps_hold_and_a_decision_can_be_made_again(
        rules in prop::collection::vec(choice(), 1..6),
        limits in prop::collection::vec((caps(), away()), 4),
        requests in prop::collection::vec((request(), 0_usize..4, 0_usize..3), 1..30),
    ) {
        let settings = ["a", "b", "c", "d"].into_iter().zip(limits).map(|(name, (caps, away))| {
            TargetSettings { caps, away, ..TargetSettings::of(person(name)) }
        });
        let draft = settings.fold(Draft::of(rules), Draft::target);
        let mut play = Play::of(draft);
        let kept = serde_json::to_string(&**play.table.rules()).unwrap();
        prop_assert_eq!(&serde_json::from_str::<RuleSet>(&kept).unwrap(), &**play.table.rules());
        for (request, owner, declines) in requests {
            let owner = ["a", "b", "c", "nobody"][owner].to_owned();
            let request = RoutingRequest { owner: Some(owner), ..request };
            let mut declined = Vec::new();
            for _ in 0..=declines {
                let decision = play.decide(&request, &declined);
                let rules = play.table.rules();
                for rule in &rules.rules {
                    for cap in &rule.caps {
                        let key = (cap_key(&rule_key(rule), cap), cap.window(request.at));
                        prop_assert!(play.counters.get(&key).is_none_or(|used| *used <= cap.most()));
                    }
                }
                for target in &rules.targets {
                    for cap in &target.caps {
                        let key = (cap_key(&target_key(&target.target), cap), cap.window(request.at));
                        prop_assert!(play.counters.get(&key).is_none_or(|used| *used <= cap.most()));
                    }
                }
                if let Some(rule) = rules.rules.iter().find(|rule| Some(&rule.name) == decision.rule.as_ref()) {
                    for cap in &rule.caps {
                        let key = cap_key(&rule_key(rule), cap);
                        let counts = decision.counted.iter().any(|it| it.key == key && it.n == 1);
                        prop_assert_eq!(counts, cap.when.holds(&request));
                    }
                }
                let starts = request.starts_at.unwrap_or(request.at);
                let gets = |target: &Target| decision.target.iter().chain(&decision.also).any(|it| it == target);
                for settings in rules.targets.iter().filter(|it| gets(&it.target)) {
                    prop_assert!(settings.away.iter().all(|it| starts < it.from || it.to <= starts));
                }
                prop_assert_eq!(play.table.replay(&request, &decision), Some(decision.clone()));
                let kept = serde_json::to_string(&decision).unwrap();
                prop_assert_eq!(&serde_json::from_str::<Decision>(&kept).unwrap(), &decision);
                let alone = play.table.decide_alone(&request).filter(|_| declined.is_empty());
                prop_assert!(alone.is_none_or(|alone| alone == decision && decision.counted.is_empty()));
                let Some(target) = decision.target.clone() else { break };
                prop_assert!(declined.iter().all(|it: &Declined| it.target != target));
                play.free(&decision, End::Passed);
                declined.push(Declined { target, reason: None });
            }
        }
    }
}

/// A ledger as one would keep it by hand.
#[derive(Default)]
struct ByHand {
    /// Per name: level, and whether it takes part.
    levels: HashMap<&'static str, (i64, bool)>,
}

impl ByHand {
    /// Who is next of those who are there and not full, with their parts; those who are not there leave.
    fn next(&mut self, all: &[(&'static str, u32)], off: &[&str], full: &[&str]) -> Option<&'static str> {
        let per_part = |level: i64, part: u32| f64::from(level as i32) / f64::from(part);
        let begun = |name: &str, levels: &HashMap<&str, (i64, bool)>| levels.get(name).is_some_and(|it| it.1);
        all.iter().filter(|(name, _)| off.contains(name)).for_each(|(name, _)| {
            self.levels.entry(name).or_default().1 = false;
        });
        if all.iter().all(|(name, _)| off.contains(name) || full.contains(name)) {
            return None;
        }
        let lowest = all
            .iter()
            .filter(|(name, _)| begun(name, &self.levels))
            .map(|(name, part)| per_part(self.levels[name].0, *part))
            .reduce(f64::min)
            .unwrap_or(0.0);
        let able = all.iter().filter(|(name, _)| !off.contains(name) && !full.contains(name));
        let mut best: Option<(f64, &'static str)> = None;
        for (name, part) in able {
            let it = self.levels.entry(name).or_default();
            if !it.1 {
                // A whole level, never above that of the others; a sixtieth makes up for what f64 leaves off.
                *it = (it.0.max((lowest * f64::from(*part) + 1.0 / 60.0).floor() as i64), true);
            }
            let level = per_part(it.0, *part);
            if best.is_none_or(|(least, _)| level < least - 1e-9) {
                best = Some((level, name));
            }
        }
        let (_, name) = best?;
        self.levels.get_mut(name)?.0 += 1;
        Some(name)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// The ledger comes out as by hand, whoever comes, leaves, is full, and whatever comes to nothing.
    #[test]
    fn a_ledger_is_kept_as_by_hand(
        parts in prop::collection::vec(1_u32..4, 4),
        steps in prop::collection::vec((0_u8..16, 0_u8..16, 0_u8..16, prop::option::of(any::<prop::sample::Index>())), 1..60),
    ) {
        const NAMES: [&str; 4] = ["a", "b", "c", "d"];
        let of = |bits: u8| NAMES.iter().enumerate().filter(move |(n, _)| bits >> n & 1 == 1).map(|(_, name)| *name).collect::<Vec<_>>();
        let (mut play, mut by_hand) = (Play::of(Vec::<Rule>::new()), ByHand::default());
        let mut made: Vec<Decision> = Vec::new();
        for (members, off, full, ended) in steps {
            let members: Vec<(&'static str, u32)> = NAMES.into_iter().zip(parts.iter().copied()).enumerate()
                .filter(|(n, _)| members >> n & 1 == 1 || *n == 0).map(|(_, it)| it).collect();
            let (off, full) = (of(off & 6), of(full & 10));
            let mut draft = Draft::of([among(Strategy::Fair, &members)]);
            for name in NAMES {
                let settings = TargetSettings::of(person(name));
                let settings = if off.contains(&name) { settings.inactive() } else { settings };
                draft = draft.target(if full.contains(&name) { settings.cap(Cap::count(0, Period::Total)) } else { settings });
            }
            play.publish(draft);
            if let Some(ended) = ended.filter(|_| !made.is_empty()) {
                let decision = made.swap_remove(ended.index(made.len()));
                play.free(&decision, End::Missed);
                let name = decision.keeper().unwrap();
                by_hand.levels.iter_mut().filter(|(it, _)| **it == name).for_each(|(_, it)| it.0 -= 1);
            }
            let decision = play.decide(&RoutingRequest::default(), &[]);
            let kept = decision.keeper();
            prop_assert_eq!(kept.as_deref(), by_hand.next(&members, &off, &full));
            made.extend(decision.target.is_some().then_some(decision));
        }
    }
}
