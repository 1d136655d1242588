//! Models by rule and by data, against what programs apart from Convio work out of the same journeys.

#![cfg(feature = "attribution-data")]

use std::collections::BTreeMap;
use std::path::Path as File;

use chrono::{DateTime, TimeDelta, Utc};
use convio_core::attribution::{
    ChannelShares, Journeys, Lookback, Model, Pass, Path, TouchKind, Touchpoint, Who, Worth, removal_effects,
    shapley,
};
use convio_core::id::TouchpointId;
use convio_core::text::{MarketingChannel, Source};

/// Credits by channel.
type Found = BTreeMap<String, f64>;

/// A path with its conversions, what they are worth, and how many did not convert.
struct Row {
    channels: Vec<MarketingChannel>,
    conversions: u64,
    value: f64,
    nulls: u64,
}

fn data(name: &str) -> String {
    let path = File::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/attribution").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn channels(path: &str) -> Vec<MarketingChannel> {
    path.split(" > ").map(|name| MarketingChannel::new(name).unwrap()).collect()
}

fn journeys(rows: &[Row]) -> Journeys {
    let mut journeys = Journeys::default();
    for row in rows {
        journeys.add(row.channels.iter().cloned(), row.conversions, row.nulls).unwrap();
    }
    journeys
}

/// The touches of a path, a day apart.
fn touches(channels: &[MarketingChannel]) -> Vec<Touchpoint> {
    let touch = |(n, channel): (u32, &MarketingChannel)| {
        let at = DateTime::<Utc>::UNIX_EPOCH + TimeDelta::days(n.into());
        let mut id = [0; 16];
        id[12..].copy_from_slice(&n.to_be_bytes());
        let who = Who::Other { id: id_of(id), kind: TouchKind::Click };
        Touchpoint::new(who, Source::unknown(), channel.clone(), at)
    };
    (0..).zip(channels).map(touch).collect()
}

fn id_of(bytes: [u8; 16]) -> TouchpointId {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    hex.parse().unwrap()
}

/// What each channel has by each model, in one pass over the paths, of what each path is worth.
fn credited(rows: &[Row], models: &[Model], worth: impl Fn(&Row) -> f64) -> Vec<Found> {
    let mut found = vec![Found::new(); models.len()];
    let mut pass = Pass::default();
    for row in rows {
        let touches = touches(&row.channels);
        let path = Path::new(&touches, DateTime::<Utc>::MAX_UTC, Lookback::UNLIMITED).unwrap();
        pass.weigh(&path, models, |model, weights| {
            let place = models.iter().position(|it| it == model).unwrap();
            for (n, channel) in row.channels.iter().enumerate() {
                *found[place].entry(channel.to_string()).or_default() += worth(row) * weights.share(n);
            }
        });
    }
    found
}

fn worths(shares: &ChannelShares) -> Found {
    shares.each.iter().map(|it| (it.channel.to_string(), it.worth)).collect()
}

fn shares_of(shares: &ChannelShares, total: f64) -> Found {
    shares.each.iter().map(|it| (it.channel.to_string(), it.share * total)).collect()
}

/// The columns of a file whose first column is the channel.
fn columns(text: &str) -> BTreeMap<String, Found> {
    let heading: Vec<&str> = text.lines().next().unwrap().split(',').collect();
    let mut columns: BTreeMap<String, Found> = BTreeMap::new();
    for line in text.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        for (name, cell) in heading.iter().zip(&cells).skip(1) {
            let column = columns.entry((*name).to_owned()).or_default();
            column.insert(cells[0].to_owned(), cell.parse().unwrap());
        }
    }
    columns
}

/// The greatest difference between what was found and a column, of what the column says; at most [`DIFFERENCE_MAX`].
fn is_column(found: &Found, columns: &BTreeMap<String, Found>, name: &str) -> f64 {
    let expected = &columns[name];
    assert!(found.keys().eq(expected.keys()), "{name}");
    let apart =
        |(found, expected): (&f64, &f64)| (found - expected).abs() / expected.abs().max(f64::MIN_POSITIVE);
    let most = found.values().zip(expected.values()).map(apart).fold(0.0, f64::max);
    assert!(most <= DIFFERENCE_MAX, "{name}: {most:e}");
    most
}

fn is_total(found: &Found, total: f64, name: &str) {
    let sum: f64 = found.values().sum();
    assert!((sum - total).abs() <= total.abs() * DIFFERENCE_MAX, "{name}: {sum} of {total}");
}

#[test]
fn journeys_of_our_own_are_credited_as_in_exact_fractions() {
    let text = data("journeys.csv");
    let rows: Vec<Row> = text.lines().skip(1).map(own_row).collect();
    let expected = columns(&data("expected.csv"));
    let total: u64 = rows.iter().map(|row| row.conversions).sum();
    let models = [
        (Model::FirstTouch, "first"),
        (Model::LastTouch, "last"),
        (Model::Linear, "linear"),
        (Model::PositionBased, "position_40_20_40"),
        (Model::PositionDecay, "position_decay"),
        (Model::LastNonDirect, "last_non_direct"),
    ];
    let found = credited(&rows, &models.map(|(model, _)| model), |row| row.conversions as f64);
    for (found, (_, name)) in found.iter().zip(models) {
        is_column(found, &expected, name);
        is_total(found, total as f64, name);
    }
    let journeys = journeys(&rows);
    for (order, name) in [(1, "removal_effect_order_1"), (2, "removal_effect_order_2")] {
        let effects = removal_effects(&journeys, order).unwrap();
        is_column(&worths(&effects), &expected, name);
        is_total(&shares_of(&effects, 1.0), 1.0, name);
    }
    for (worth, name) in [(Worth::Conversions, "shapley_conversions"), (Worth::Rate, "shapley_rate")] {
        is_column(&worths(&shapley(&journeys, worth).unwrap()), &expected, name);
    }
    is_total(&worths(&shapley(&journeys, Worth::Conversions).unwrap()), total as f64, "shapley");
}

fn own_row(line: &str) -> Row {
    let cells: Vec<&str> = line.split(',').collect();
    let (conversions, nulls) = (cells[1].parse().unwrap(), cells[2].parse().unwrap());
    Row { channels: channels(cells[0]), conversions, value: 0.0, nulls }
}

/// PathData itself is under the GPL and not part of this project: give its file as `CONVIO_PATHDATA`.
#[test]
#[ignore = "needs the file of the PathData set, which is under the GPL, as CONVIO_PATHDATA"]
fn path_data_is_credited_as_its_oracle_has_it() {
    let text = std::fs::read_to_string(std::env::var("CONVIO_PATHDATA").unwrap()).unwrap();
    let rows: Vec<Row> = text.lines().skip(1).map(path_data_row).collect();
    let expected = columns(&data("pathdata_expected.csv"));
    let total: f64 = rows.iter().map(|row| row.conversions as f64).sum();
    let value: f64 = rows.iter().map(|row| row.value).sum();
    let models = [
        (Model::FirstTouch, "first_conv", Some("first_value")),
        (Model::LastTouch, "last_conv", Some("last_value")),
        (Model::Linear, "linear_conv", Some("linear_value")),
        (Model::PositionBased, "ushape_40_20_40_conv", Some("ushape_40_20_40_value")),
        (Model::PositionDecay, "position_decay_linear_conv", None),
        (
            Model::TIME_DECAY,
            "timedecay_24h_gap_halflife168h_continuous_conv",
            Some("timedecay_24h_gap_halflife168h_continuous_value"),
        ),
    ];
    let ours = models.map(|(model, ..)| model);
    let mut report = Vec::new();
    for (found, (_, name, _)) in credited(&rows, &ours, |row| row.conversions as f64).iter().zip(models) {
        report.push((name, is_column(found, &expected, name)));
        is_total(found, total, name);
    }
    for (found, (.., name)) in credited(&rows, &ours, |row| row.value).iter().zip(models) {
        report.extend(name.map(|name| (name, is_column(found, &expected, name))));
        is_total(found, value, "value");
    }
    let journeys = journeys(&rows);
    let effects = removal_effects(&journeys, 1).unwrap();
    report.push(("removal_effect", is_column(&worths(&effects), &expected, "removal_effect")));
    let name = "markov1_conversions";
    report.push((name, is_column(&shares_of(&effects, total), &expected, name)));
    let name = "markov1_value_prorated_by_conv_re";
    report.push((name, is_column(&shares_of(&effects, value), &expected, name)));
    is_total(&shares_of(&effects, total), total, name);
    let shapley = shapley(&journeys, Worth::Conversions).unwrap();
    report.push(("shapley_set_conv", is_column(&worths(&shapley), &expected, "shapley_set_conv")));
    is_total(&worths(&shapley), total, "shapley");
    // What is asked for is seen with `--nocapture`; a test has no other way to tell its figures.
    #[allow(clippy::print_stdout)]
    for (name, most) in report {
        println!("{name}: differs by {most:.1e} at most");
    }
}

fn path_data_row(line: &str) -> Row {
    let cells: Vec<&str> = line.split(';').collect();
    Row {
        channels: channels(cells[0]),
        conversions: cells[1].parse().unwrap(),
        value: cells[2].parse().unwrap(),
        nulls: cells[3].parse().unwrap(),
    }
}

const DIFFERENCE_MAX: f64 = 1e-9;
