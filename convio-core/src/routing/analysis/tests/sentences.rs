use super::super::{FindingKind, Question, Undecided, Why};
use super::{Universe, analyse};
use crate::PostalCode;
use crate::routing::{
    Cap, Condition, Draft, FieldTest, Period, Rule, RuleSet, Strategy, Target, TargetSettings,
};

fn at() -> chrono::DateTime<chrono::Utc> {
    "2026-03-01T00:00:00Z".parse().unwrap()
}

fn rule(name: &str, target: &str) -> Rule {
    Rule::to(Target::team(target)).named(name)
}

fn sentences(rules: impl IntoIterator<Item = Rule>) -> Vec<String> {
    let rules = RuleSet::publish(1, rules).unwrap();
    let analysis = analyse(&rules, &Universe::of_rules(&rules, at()));
    assert_eq!(analysis.undecided, []);
    analysis.findings.iter().map(ToString::to_string).collect()
}

#[test]
fn what_excludes_itself() {
    let solar = || Condition::products(["solar"]);
    let found = sentences([
        rule("no", "x").any_product().any_zip().when(solar() & !solar()),
        rule("either", "x").products(["Roof"]).any_zip().when(solar()),
        rule("long", "x").products(["x".repeat(201)]).any_zip(),
        rule("range", "x").any_product().any_zip().when(Condition::field_between("bill", 3, 2)),
        rule("rest", "x").any_product().any_zip(),
    ]);
    let never = |name: &str| format!("rule `{name}` asks for what no request can be");
    assert_eq!(found, ["no", "either", "long", "range"].map(never));
}

#[test]
fn what_is_never_reached_names_those_that_take_it() {
    let found = sentences([
        rule("a", "x").products(["Solar"]).any_zip(),
        rule("b", "x").products(["Roof"]).zips(["90210"]),
        rule("c", "y").products(["Solar", "Roof"]).zips(["90210"]).priority(1),
        rule("rest", "x").any_product().any_zip().priority(9),
        rule("d", "x").products(["Roof"]).zips(["90210-1234"]).priority(1),
    ]);
    assert_eq!(
        found,
        [
            "rule `c` is never reached: `a` and `b` take all that it asks for",
            "rule `d` is never reached: `b` takes all that it asks for",
        ]
    );
}

#[test]
fn order_decides_between_two() {
    let found = sentences([
        rule("a", "x").products(["Solar"]).zips(["902*"]).priority(1),
        rule("b", "y").products(["Solar", "Roof"]).zips(["90210", "10001"]).priority(1),
        rule("c", "x").products(["Solar"]).zips(["90210"]).priority(1),
        rule("rest", "x").any_product().any_zip().priority(9),
    ]);
    assert_eq!(
        found,
        [
            "rules `a` and `b` have the same priority and both match a request with product `solar`, postal code `90210` at \
             2026-03-01T00:00:00Z: it goes to team `x` and not to team `y` only because `a` was given first",
            "rule `c` is never reached: `a` takes all that it asks for",
        ]
    );
}

#[test]
fn gaps_name_some_territories_and_count_the_rest() {
    let zips: Vec<String> = (10_000..10_023).map(|zip| zip.to_string()).collect();
    let found = sentences([
        rule("a", "x").products(["Solar"]).zips(&zips),
        rule("b", "x")
            .products(["Roof"])
            .zips(&zips[1..])
            .zips(&zips[1..])
            .when(!Condition::sources(["Fax"])),
    ]);
    let shown: Vec<&str> = zips.iter().take(20).map(String::as_str).collect();
    assert_eq!(
        found,
        [format!(
            "no rule takes all of product `roof` in {} and 3 more: for one, a request with product `roof`, postal code `10000` at \
             2026-03-01T00:00:00Z is unrouted",
            shown.join(", ")
        )]
    );
}

#[test]
fn codes_that_do_not_exist() {
    let rules = RuleSet::publish(
        1,
        [
            rule("a", "x").any_product().zips([
                "90210",
                "99999",
                "902*",
                "98*",
                "00501..00502",
                "90209..90211",
                "SW1A",
            ]),
            rule("b", "x").any_product().any_zip().when(!Condition::zips(["99999", "90210-1234"])),
        ],
    );
    let rules = rules.unwrap();
    let codes = ["90210", "10001", "0050"].map(|code| PostalCode::parse(code).unwrap());
    let analysis = analyse(&rules, &Universe::of_rules(&rules, at()).existing(&codes));
    let unknown = analysis.findings.iter().filter(|finding| finding.kind() == FindingKind::UnknownZip);
    assert_eq!(
        unknown.map(ToString::to_string).collect::<Vec<_>>(),
        [
            "rule `a` asks for postal codes that do not exist: 99999, 98* and 00501..00502",
            "rule `b` asks for postal codes that do not exist: 99999",
        ]
    );
}

#[test]
fn too_many_alternatives_are_said() {
    // Eight pairs of fields, one of each: 256 alternatives.
    let present = |name: String| Condition::Field { name, is: FieldTest::Present };
    let all = (0..8).map(|n| present(format!("a{n}")));
    let pairs = (0..8).map(|n| present(format!("a{n}")) | present(format!("b{n}")));
    let rules = RuleSet::publish(
        1,
        [
            rule("a", "x").any_product().any_zip().when(Condition::All(pairs.collect())),
            rule("b", "y").any_product().any_zip().when(present("a0".to_owned())).priority(1),
            rule("c", "y").any_product().any_zip().when(present("a0".to_owned())).priority(2),
            // What it asks for, `a` takes: that is not known.
            rule("d", "x").any_product().any_zip().when(Condition::All(all.collect())),
        ],
    );
    let rules = rules.unwrap();
    let analysis = analyse(&rules, &Universe::of_rules(&rules, at()));
    let open = [
        Undecided { question: Question::Rule("a".to_owned()), why: Why::Alternatives },
        Undecided { question: Question::Reach("d".to_owned()), why: Why::DependsOn("a".to_owned()) },
    ];
    assert_eq!(analysis.undecided, open);
    assert_eq!(
        analysis.undecided.iter().map(ToString::to_string).collect::<Vec<_>>(),
        [
            "nothing is known of rule `a`: it has more than 128 alternatives",
            "whether rule `d` is reached is not known: rule `a` has too many alternatives",
        ]
    );
    let found: Vec<String> = analysis.findings.iter().map(ToString::to_string).collect();
    assert_eq!(found, ["rule `c` is never reached: `b` takes all that it asks for"]);
}

#[test]
fn who_is_away_makes_way_within_the_days_that_are_looked_at() {
    let days = chrono::TimeDelta::days;
    let found = |away: [i64; 2]| {
        let all = |name: &str, target: &str| rule(name, target).any_product().any_zip();
        let [from, to] = away.map(|day| at() + days(day));
        let away = TargetSettings::of(Target::team("x")).away(from, to);
        let draft = Draft::of([all("a", "x"), all("b", "y").priority(1)]).target(away);
        let rules = RuleSet::publish(1, draft).unwrap();
        analyse(&rules, &Universe::of_rules(&rules, at())).findings.len()
    };
    assert_eq!([found([-1, 0]), found([-1, 1]), found([365, 366]), found([366, 367])], [1, 0, 0, 1]);
}

#[test]
fn targets_and_caps_that_come_to_nothing() {
    let (week, day) = (Cap::count(100, Period::Week), Cap::count(100, Period::Day));
    let parts = [(Target::person("ann"), 1), (Target::person("bob"), 1)];
    let draft = Draft::of([
        rule("west", "x").any_product().any_zip().cap(week.clone()).cap(day.clone()),
        Rule::among(Strategy::Rotate, parts)
            .named("pair")
            .any_product()
            .any_zip()
            .cap(day.clone())
            .priority(1),
        rule("gone", "off").any_product().any_zip().priority(2),
        rule("rest", "y").any_product().any_zip().priority(3),
    ]);
    let ten = |name| TargetSettings::of(Target::person(name)).cap(Cap::count(10, Period::Week));
    let tight =
        TargetSettings::of(Target::team("y")).cap(day.in_zone("Asia/Tokyo".parse().unwrap())).cap(week);
    let draft = draft.target(ten("ann")).target(ten("bob")).target(tight);
    let rules =
        RuleSet::publish(1, draft.target(TargetSettings::of(Target::team("off")).inactive())).unwrap();
    let known = ["off", "y"].map(Target::team).into_iter().chain(["ann", "bob"].map(Target::person));
    let known: Vec<Target> = known.collect();
    let universe = Universe { targets: Some(&known), ..Universe::of_rules(&rules, at()) };
    let found: Vec<String> = analyse(&rules, &universe).findings.iter().map(ToString::to_string).collect();
    assert_eq!(
        found,
        [
            "team `off` is inactive, and gets nothing of `gone`",
            "team `x` of `west` is not known",
            "the cap of rule `west`, 100 per day (UTC), is never reached: its cap of 100 per week (UTC) is reached before",
            "the cap of rule `pair`, 100 per day (UTC), is never reached: what all its targets take together is reached before",
        ]
    );
}

#[test]
fn a_cap_with_a_condition_is_never_said_to_limit_what_it_may_not_count() {
    let solar = || Condition::products(["Solar"]);
    let day = |n| Cap::count(n, Period::Day);
    let all = |name: &str, target: &str| rule(name, target).any_product().any_zip();
    let capped =
        |name, caps: &[Cap]| TargetSettings { caps: caps.to_vec(), ..TargetSettings::of(Target::team(name)) };
    let draft = Draft::of([
        // What counts everything leaves nothing to what counts some; the other way round it may.
        all("some", "x").cap(day(5).when(solar())).cap(Cap::count(5, Period::Week)),
        all("other", "x").cap(day(5).when(solar())).cap(Cap::count(5, Period::Minute)).priority(1),
        all("less", "x").cap(Cap::count(1, Period::Total).when(solar())).cap(day(9)).priority(2),
        all("same", "x").cap(day(5).when(solar())).cap(Cap::count(5, Period::Week).when(solar())).priority(3),
        // The same of targets.
        all("tight", "y").cap(day(5).when(solar())).priority(4),
        all("loose", "z").cap(day(5)).priority(5),
        all("rest", "w").priority(6),
    ]);
    let draft = draft.target(capped("y", &[day(4)])).target(capped("z", &[day(1).when(solar())]));
    let rules = RuleSet::publish(1, draft).unwrap();
    let found = analyse(&rules, &Universe::of_rules(&rules, at())).findings;
    let found: Vec<String> = found.iter().map(ToString::to_string).collect();
    let never = |of: &str, cap: &str, below: &str| {
        format!("the cap of rule `{of}`, {cap}, is never reached: {below} is reached before")
    };
    let five = "5 per day (UTC) where its condition holds";
    assert_eq!(
        found,
        [
            never("some", five, "its cap of 5 per week (UTC)"),
            never("same", five, "its cap of 5 per week (UTC) where its condition holds"),
            never("tight", five, "what all its targets take together"),
        ]
    );
}

#[test]
fn what_is_full_makes_way_and_keeps_nobody_out() {
    let found = sentences([
        rule("a", "x").any_product().any_zip().cap(Cap::count(1, Period::Day)),
        rule("b", "x").any_product().any_zip().priority(1),
        rule("c", "x").any_product().any_zip().priority(2),
    ]);
    assert_eq!(found, ["rule `c` is never reached: `b` takes all that it asks for"]);
}
