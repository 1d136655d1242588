//! What the small numbers of the operations stand for.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc, Weekday};
use convio_core::attribution::{
    AttributionSettings, ChannelRules, Lookback, Model, ModelSettings, Transform,
};
use convio_core::availability::Hours;
use convio_core::money::{Currency, ExchangeRate, Rate, Rates};
use convio_core::routing::{Cap, Condition, Draft, Period, Strategy, TargetSettings};
use convio_core::{
    AppointmentType, CalendarSettings, DedupScope, KeyKind, NewAppointment, PhonePolicy, Pipeline, RawLead,
    RepeatAction, RepeatPolicy, Rule, Schedule, Source, Stage, Target, WebhookSettings, Zone,
};
use serde_json::{Map, Value, json};

use super::ops::{Settings, Shape, Visit};

pub(super) fn webhook(n: u8) -> &'static str {
    ["direct", "google", "bing", "door"].get(usize::from(n)).copied().unwrap_or("nobody")
}

pub(super) fn provider(n: u8) -> &'static str {
    pick(&["Leads Inc", "Solar Ads", "Doorbell"], n)
}

/// The first is the usual one; the second has more words, the third other ones, the fourth more moves.
pub(super) fn pipeline(n: u8) -> Pipeline {
    let usual = Pipeline::default();
    match n {
        1 => usual
            .status("callback", Stage::Contacted)
            .status("visited", Stage::Scheduled)
            .status("installed", Stage::Won)
            .allow("new", ["callback"])
            .allow("callback", ["qualified", "lost"])
            .allow("scheduled", ["visited"])
            .allow("won", ["installed"]),
        2 => {
            let mut other = Pipeline { statuses: Vec::new(), moves: Default::default() };
            for (key, stage) in [
                ("fresh", Stage::New),
                ("new", Stage::Contacted),
                ("hot", Stage::Qualified),
                ("met", Stage::Scheduled),
                ("signed", Stage::Won),
                ("cold", Stage::Lost),
                ("lost", Stage::Lost),
                ("spam", Stage::Rejected),
            ] {
                other = other.status(key, stage);
            }
            other
                .allow("fresh", ["new", "cold", "spam"])
                .allow("new", ["hot", "lost"])
                .allow("cold", ["fresh"])
        }
        3 => usual.allow("contacted", ["new"]).allow("rejected", ["lost"]).allow("new", ["new"]),
        _ => usual,
    }
}

pub(super) fn status(n: u8) -> &'static str {
    let words = [
        "contacted",
        "qualified",
        "lost",
        "new",
        "rejected",
        "callback",
        "installed",
        "hot",
        "won",
        "nothing",
    ];
    pick(&words, n)
}

pub(super) fn reason(n: u8) -> &'static str {
    pick(&["no budget", "expired", " "], n)
}

pub(super) fn person(n: u8) -> &'static str {
    pick(&["maria", "u-17", ""], n)
}

pub(super) fn target(n: u8) -> Target {
    match n {
        0 => Target::person("maria"),
        1 => Target::person("u-17"),
        _ => Target::team(format!("team-{}", n - 2)),
    }
}

/// Of one at a time or of two, around the clock or by day, with what is before and after; or one that does not count.
pub(super) fn calendar(n: u8) -> CalendarSettings {
    let zone = Zone::parse(zone(n)).expect("a zone");
    let week = [Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri];
    match n {
        0 => CalendarSettings::open(Hours::always(zone)),
        1 => CalendarSettings::open(Hours::always(zone)).capacity(2).buffers(30, 15),
        2 => CalendarSettings::open(Hours::of(zone).each(week, 8 * 60, 18 * 60)),
        3 => CalendarSettings::open(Hours::of(zone)),
        _ => CalendarSettings::open(Hours::always(zone)).inactive(),
    }
}

pub(super) fn note(n: u8) -> &'static str {
    pick(NOTES, n)
}

pub(super) fn place(n: u8) -> &'static str {
    pick(STREETS, n)
}

/// The appointment that a visit describes.
pub(super) fn visit(of: &Visit, now: DateTime<Utc>) -> NewAppointment {
    let zone = Zone::parse(zone(of.kind)).expect("a zone");
    let schedule = Schedule::at(now + TimeDelta::hours(of.hours.into()), &zone);
    let mut new = NewAppointment::at(schedule.minutes(30 * (1 + u32::from(of.kind))));
    if of.kind > 0 {
        new =
            new.of_type(AppointmentType::new(pick(&["Consultation", "estimate"], of.kind)).expect("a type"));
    }
    if let Some(n) = of.place {
        new = new.location(place(n));
    }
    if let Some(n) = of.target {
        new = new.direct(target(n));
    }
    if let Some(id) = of.external {
        new = new.external_id(format!("visit-{id}"));
    }
    if let Some(hours) = of.hours_ago {
        new = new.booked_at(now - TimeDelta::hours(hours.into()));
    }
    new
}

pub(super) fn zone(n: u8) -> &'static str {
    pick(&["America/Los_Angeles", "Asia/Kolkata", "Pacific/Auckland"], n)
}

pub(super) fn value(n: u8) -> &'static str {
    pick(&["5000.00 USD", "0.01 USD", "7 JPY", "1.234 KWD", "0 USD"], n)
}

/// Of all models the first so many, the last one with a transform.
pub(super) fn attribution(models: u8, days: u8) -> AttributionSettings {
    let first = Model::ALL.into_iter().take(models.into()).enumerate();
    let lookback = if days == 0 { Lookback::UNLIMITED } else { Lookback::days(days.into()) };
    let models = first.map(|(n, model)| ModelSettings::new(format!("model-{n}"), model).lookback(lookback));
    let mut models: Vec<ModelSettings> = models.collect();
    if let Some(last) = models.pop() {
        models.push(last.after(Transform::Exposure));
    }
    AttributionSettings { models, channels: ChannelRules::standard() }
}

/// Of yen and dinars what they are in dollars, and nothing of others.
pub(super) fn rates(tenths: u8) -> Rates {
    let day = NaiveDate::from_ymd_opt(1971, 1, 1).expect("a day");
    let rate = |code: &str| ExchangeRate {
        from: code.parse().expect("a currency"),
        to: Currency::USD,
        rate: Rate::new(tenths.into(), 1).expect("above zero"),
        day,
        source: "someone".to_owned(),
    };
    Rates::new(Currency::USD, u32::MAX, [rate("JPY"), rate("KWD")]).expect("rates")
}

pub(super) fn visitor(n: u8) -> String {
    pick(&["a81f", "A81F", "\u{1F926} "], n).to_owned()
}

pub(super) fn touched_by(n: u8) -> Source {
    Source::new(pick(&["Google", "Ünïcode \"quoted\"", "news.example"], n)).expect("a source")
}

pub(super) fn correction(field: u8, value: u8) -> (&'static str, String) {
    let text = match field {
        0 => phone((value, value)),
        1 => pick(MAILS, value).to_owned(),
        2 => pick(NAMES, value).to_owned(),
        _ => pick(ZIPS, value).to_owned(),
    };
    (pick(&["phone", "email", "first_name", "postal_code"], field), text)
}

/// The lead that a shape describes, and its body, where that is not made by the library.
pub(super) fn raw(shape: &Shape, now: DateTime<Utc>) -> (RawLead, Option<String>) {
    let Shape { webhook: through, format, phone: number, email, name, zip, product, source, .. } = shape;
    let mut fields = Map::new();
    let mut say = |name: &str, words: &[&str], n: Option<u8>| {
        if let Some(n) = n {
            fields.insert(name.to_owned(), pick(words, n).into());
        }
    };
    say("email", MAILS, *email);
    say("firstName", NAMES, *name);
    say("lastName", NAMES, name.map(|n| n + 1));
    say("street", STREETS, email.or(*name));
    say("zip", ZIPS, *zip);
    say("product", PRODUCTS, *product);
    say("source", SOURCES, *source);
    say("customerId", PEOPLE, *email);
    fields.insert("phone".to_owned(), phone(*number).into());
    if shape.extra {
        fields.insert("roof".to_owned(), "tile".into());
        if *format == 0 {
            fields.insert("consent".to_owned(), json!({"tcpa": true, "n": [1, 2.5, null]}));
        }
    }
    let (mut raw, body) = match format {
        _ if shape.broken => {
            let body = format!("{{\"phone\": {}", phone(*number));
            (RawLead::json(body.clone()), Some(body))
        }
        0 => {
            let body = Value::Object(fields).to_string();
            (RawLead::json(body.clone()), Some(body))
        }
        1 => {
            let body = form(&fields);
            (RawLead::form(body.clone()), Some(body))
        }
        _ => {
            let cells = fields.iter().map(|(name, value)| (name.clone(), value.as_str().unwrap_or("")));
            (RawLead::row(cells), None)
        }
    };
    raw = raw.webhook(webhook(*through));
    if let Some(key) = shape.key {
        raw = raw.idempotency_key(format!("key-{key}"));
    }
    if let Some(id) = shape.external {
        raw = raw.external_id(format!("id-{id}"));
    }
    if let Some(hours) = shape.hours_ago {
        raw = raw.received_at(now - TimeDelta::hours(hours.into()));
    }
    if let Some(n) = shape.provider {
        raw = raw.provider(provider(n));
    }
    if let Some(new) = &shape.visit {
        raw = raw.appointment(visit(new, now));
    }
    (if shape.test { raw.test() } else { raw }, body)
}

pub(super) fn settings(of: &Settings) -> WebhookSettings {
    use KeyKind::{Digits, Email, External, Phone};
    let mut settings = WebhookSettings::default();
    settings.keys = match of.keys {
        0 | 1 => vec![Phone],
        2 => vec![Phone, Email],
        3 => vec![Email, Phone, Digits],
        _ => vec![External, Phone, Email],
    };
    settings.scope = if of.own_scope { DedupScope::Webhook } else { DedupScope::Workspace };
    settings.region = of.region.then(|| "US".parse().expect("a region"));
    settings.phone = if of.valid_only { PhonePolicy::Valid } else { PhonePolicy::Possible };
    settings.strict = of.strict;
    let action =
        [RepeatAction::Accept, RepeatAction::Flag, RepeatAction::Reject][usize::from(of.repeat.0) % 3];
    settings.repeat = RepeatPolicy { action, window_days: of.repeat.1.map(u32::from) };
    settings.idempotency_required = of.required;
    settings.idempotency_hours = of.hours.into();
    settings.rank = [50, 100, 150][usize::from(of.rank) % 3];
    settings.leads_per_hour_max = of.limit.map(u32::from);
    settings.active = !of.inactive;
    settings.source = of.source.map(|n| Source::new(pick(SOURCES, n)).expect("a source"));
    settings
}

/// Of those that may get something, one is away today, the other tomorrow.
pub(super) fn rules(of: &[(Option<u8>, Option<u8>, i8)], now: DateTime<Utc>) -> Draft {
    let some = |n: usize| {
        Cap::count(1, Period::Minute)
            .when(Condition::sources([pick(SOURCES, n as u8)]) | Condition::products(["Roof"]))
    };
    let rule = |(n, (product, zip, priority)): (usize, &(Option<u8>, Option<u8>, i8))| {
        let parts = |one: u32, other: u32| {
            [(Target::team(format!("team-{}", n % 2)), one), (Target::person(person(n as u8 % 2)), other)]
        };
        let rule = match (n + usize::from(priority.unsigned_abs())) % 5 {
            0 => Rule::among(Strategy::Rotate, parts(2, 1)).cap(Cap::count(3, Period::Day)).cap(some(n)),
            1 => Rule::among(Strategy::LeastLoaded, parts(1, 1)).sticky(),
            2 => Rule::among(Strategy::First, parts(1, 1))
                .cap(Cap::count(1, Period::Hour).keep_cancelled())
                .cap(some(n)),
            3 => Rule::among(Strategy::Fair, parts(1, 2)).ledger(Period::Day, Zone::UTC).sticky(),
            _ => Rule::to(Target::team(format!("team-{n}"))),
        };
        let rule = rule.priority((*priority).into());
        let rule = match product {
            Some(n) => rule.products([pick(PRODUCTS, *n)]),
            None => rule.any_product(),
        };
        match zip {
            Some(n) => rule.zips([pick(&ZIPS[..4], *n)]),
            None => rule.any_zip(),
        }
    };
    let day = |n| now + TimeDelta::days(n);
    Draft::of(of.iter().enumerate().map(rule))
        .target(TargetSettings::of(Target::team("team-0")).away(now, day(1)))
        .target(TargetSettings::of(Target::person(person(1))).away(day(1), day(2)))
}

/// The words that must be shown nowhere.
pub(super) fn personal() -> impl Iterator<Item = &'static str> {
    let words = [NAMES, MAILS, STREETS, PEOPLE, NOTES].into_iter().flatten().copied();
    words.chain(PHONES.iter().map(|phone| &phone[2..]))
}

/// One of four numbers, as one of twelve senders writes it; some can't be read.
fn phone((n, spelling): (u8, u8)) -> String {
    let e164 = pick(PHONES, n);
    let (area, office, line) = (&e164[2..5], &e164[5..8], &e164[8..]);
    match spelling {
        0 | 1 => e164.to_owned(),
        2 => format!("({area}) {office}-{line}"),
        3 => format!("1.{area}.{office}.{line}"),
        4 => format!("+1 {area} {office} {line} ext. {n}"),
        5 => format!("{area}{office}{line}"),
        6 => format!("12-345-{}", &line[1..]),
        7 => "none".to_owned(),
        _ => format!("+1-{area}-{office}-{line}"),
    }
}

fn form(fields: &Map<String, Value>) -> String {
    let pairs = fields.iter().map(|(name, value)| {
        let value: String = value.as_str().unwrap_or("").bytes().map(|byte| format!("%{byte:02X}")).collect();
        format!("{name}={value}")
    });
    pairs.collect::<Vec<_>>().join("&")
}

fn pick<'w>(words: &[&'w str], n: u8) -> &'w str {
    words[usize::from(n) % words.len()]
}

const PHONES: &[&str] = &["+12122000001", "+12132000002", "+13122000003", "+15551234567"];
const NAMES: &[&str] = &["Zyxwvut", "Änneliese", "O'Brienq", "名前さん", "Xq \"Quoted\""];
const MAILS: &[&str] = &["qwertz@example.com", "QWERTZ@Example.com", "other.one@example.org", "no mail"];
const STREETS: &[&str] = &["Yxcvbnm Street 77", "Hgfdsa Road 12", "Wertzui Lane 3"];
const NOTES: &[&str] =
    &["Zuiop wants to think it over", "Has a grey cat named Yps", "\u{1F3E0} call after six"];
const PEOPLE: &[&str] = &["person-0815", "Person-0815", "person-4711"];
const ZIPS: &[&str] = &["02134", "90210", "90210-1234", "10001", "!!"];
const PRODUCTS: &[&str] = &["Solar", "solar ", "Roof"];
const SOURCES: &[&str] = &["Google Ads", "google ads", "Bing", "Ünïcode"];
