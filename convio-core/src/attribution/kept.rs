use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::{AttributionSettings, Milestone, ModelSettings, Path, Touchpoint, Weights};
use crate::analytics::{Cube, Measure, RollupDelta, When};
use crate::change_set::Version;
use crate::conversion::Conversion;
use crate::error::{Error, Reason};
use crate::id::{AdjustmentId, ConversionId, TouchpointId, WorkspaceId};
use crate::money::{Currency, ExchangeRate, Money};
use crate::record::{CREDITS_KIND, Keeps};

/// Who earned a conversion, by every model that its workspace keeps: the touches as they were known when it was recorded, how
/// each model weighs them, and what was booked for them since. Bookings are only ever added. Worked out anew, by touches that are known
/// since, it has another edition: what was booked before is taken back, and booked as it is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptCredits {
    /// The conversion.
    pub conversion: ConversionId,
    /// Its workspace.
    pub workspace: WorkspaceId,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
    /// The day that it counts on.
    pub day: NaiveDate,
    /// Its currency.
    pub currency: Currency,
    /// What its value is reported by; `None` where no rate was known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<ExchangeRate>,
    /// The touches that any of the models looks at or looked at: those of the first edition in order, then what later ones know beside
    /// them.
    pub touches: Vec<Touchpoint>,
    /// What each model says, in the order of the settings.
    pub models: Vec<KeptModel>,
    /// How often it was written.
    pub version: Version,
}

/// What one model says of a conversion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptModel {
    /// The name of the model in the settings.
    pub name: String,
    /// The places of the touches of its path, within the lookback and after its transforms.
    pub steps: Vec<usize>,
    /// How it weighs them. They stay: a refund is divided as the sale was.
    pub weights: Weights,
    /// What was booked, one after another.
    pub bookings: Vec<KeptBooking>,
    /// What it said before it was worked out anew, oldest first: the last [`EDITIONS_MAX`]. All that was booked by each is taken back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<KeptEdition>,
}

/// What a model said of a conversion before it was worked out anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptEdition {
    /// The places of the touches of its path.
    pub steps: Vec<usize>,
    /// How it weighed them.
    pub weights: Weights,
    /// What was booked; the last one takes all of it back.
    pub bookings: Vec<KeptBooking>,
}

/// What one record of a conversion's history adds: each part is a sum, and what of it every step has. Where there are no steps all
/// of it is unattributed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptBooking {
    /// The adjustment that it books; nothing for the conversion itself and for its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adjustment: Option<AdjustmentId>,
    /// When it was recorded.
    pub recorded_at: DateTime<Utc>,
    /// The day of that, in the workspace's zone.
    pub day: NaiveDate,
    /// What it adds to the net value, in minor units.
    pub value: Portion,
    /// The same in the currency of reports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reported: Option<Portion>,
    /// What it adds to the count of conversions, in [millionths](MILLION).
    pub count: Portion,
}

/// A sum, and what of it each step has.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Portion {
    /// All of it.
    pub sum: i64,
    /// What each step has.
    pub each: Vec<i64>,
}

impl KeptCredits {
    /// The credits of a conversion as it is recorded, from all touches of its contact. `milestones` are touches too.
    pub(crate) fn record(
        conversion: &Conversion,
        settings: &AttributionSettings,
        touches: Vec<Touchpoint>,
        milestones: &[(Milestone, TouchpointId)],
        (at, day): (DateTime<Utc>, NaiveDate),
    ) -> Result<Self, Error> {
        let touches = near(conversion, settings, touches);
        let models = said(conversion, settings, &touches, milestones)?;
        let mut kept = Self {
            conversion: conversion.id,
            workspace: conversion.workspace,
            occurred_at: conversion.occurred_at,
            day: conversion.day,
            currency: conversion.value.currency(),
            rate: conversion.rate.clone(),
            touches,
            models,
            version: Version::ZERO.next(),
        };
        kept.book(None, at, day, conversion.net, true)?;
        Ok(kept)
    }

    /// Works it out anew by all touches as they are known now, for the models of the settings: what a model said before stays as an
    /// edition of its own, and a model that is no longer set says what it said last. What that adds to the rollups; nothing where all
    /// say what they said before.
    pub(crate) fn anew(
        &mut self,
        conversion: &Conversion,
        settings: &AttributionSettings,
        touches: Vec<Touchpoint>,
        milestones: &[(Milestone, TouchpointId)],
        (at, day): (DateTime<Utc>, NaiveDate),
    ) -> Result<Option<Vec<RollupDelta>>, Error> {
        let touches = near(conversion, settings, touches);
        let (mut deltas, mut is_otherwise) = (Vec::new(), false);
        for mut new in said(conversion, settings, &touches, milestones)? {
            let at_place = |step: &usize| touches.get(*step).cloned();
            let path: Vec<Touchpoint> = new.steps.iter().filter_map(at_place).collect();
            let known = self.models.iter().position(|known| known.name == new.name);
            let before = known.and_then(|n| self.models.get(n));
            let is_same = |known: &KeptModel| {
                let steps = known.steps.iter().map(|step| self.touches.get(*step));
                known.weights == new.weights && steps.eq(path.iter().map(Some))
            };
            if before.is_some_and(is_same) {
                continue;
            }
            is_otherwise = true;
            let mut recorded_at = at;
            if let Some(before) = before {
                // Told apart by time, also where a clock was set back.
                let last = before.bookings.last().map(|last| last.recorded_at);
                recorded_at = last.map_or(at, |last| at.max(last + TimeDelta::microseconds(1)));
                let mut old = before.clone();
                let nothing = Money::zero(self.currency);
                old.book(self.rate.as_ref(), None, recorded_at, day, nothing, false)?;
                deltas.extend(self.deltas(&self.dims(), &old));
                new.before = old.before;
                let KeptModel { steps, weights, bookings, .. } = old;
                new.before.push(KeptEdition { steps, weights, bookings });
                let more = new.before.len().saturating_sub(EDITIONS_MAX);
                new.before.drain(..more);
            }
            new.steps = path.into_iter().map(|touch| self.place(touch)).collect();
            new.book(self.rate.as_ref(), None, recorded_at, day, conversion.net, true)?;
            deltas.extend(self.deltas(&self.dims(), &new));
            match known {
                Some(n) => self.models[n] = new,
                None => self.models.push(new),
            }
        }
        self.forget_touches();
        Ok(is_otherwise.then_some(deltas))
    }

    /// Leaves out the touches that no edition names any more.
    fn forget_touches(&mut self) {
        let mut named = vec![false; self.touches.len()];
        for model in &self.models {
            let before = model.before.iter().flat_map(|edition| &edition.steps);
            for step in before.chain(&model.steps) {
                if let Some(named) = named.get_mut(*step) {
                    *named = true;
                }
            }
        }
        // The new place of each that stays.
        let places: Vec<usize> = named
            .iter()
            .scan(0, |next, named| {
                let place = *next;
                *next += usize::from(*named);
                Some(place)
            })
            .collect();
        let moved = |step: &mut usize| *step = places.get(*step).copied().unwrap_or(*step);
        for model in &mut self.models {
            model.before.iter_mut().flat_map(|edition| &mut edition.steps).for_each(moved);
            model.steps.iter_mut().for_each(moved);
        }
        let mut named = named.into_iter();
        self.touches.retain(|_| named.next().unwrap_or(true));
    }

    /// The place of a touch among those that are kept: a new one where it is not, or looks otherwise by now.
    fn place(&mut self, touch: Touchpoint) -> usize {
        match self.touches.iter().position(|known| *known == touch) {
            Some(place) => place,
            None => {
                self.touches.push(touch);
                self.touches.len() - 1
            }
        }
    }

    /// Books what is missing to this net value, by every model.
    pub(crate) fn book(
        &mut self,
        adjustment: Option<AdjustmentId>,
        recorded_at: DateTime<Utc>,
        day: NaiveDate,
        net: Money,
        counts: bool,
    ) -> Result<(), Error> {
        let (rate, mut models) = (self.rate.as_ref(), self.models.iter_mut());
        models.try_for_each(|model| model.book(rate, adjustment, recorded_at, day, net, counts))
    }

    /// What the last booking adds to the rollups.
    pub(crate) fn rollups(&self) -> Vec<RollupDelta> {
        let dims = self.dims();
        self.models.iter().flat_map(|model| self.deltas(&dims, model)).collect()
    }

    fn dims(&self) -> Vec<String> {
        self.touches.iter().map(|touch| TouchDims::of(touch).key()).collect()
    }

    /// What the last booking of a model adds to the rollups, by what its touches are grouped by.
    fn deltas(&self, dims: &[String], model: &KeptModel) -> Vec<RollupDelta> {
        let Some(last) = model.bookings.last() else { return Vec::new() };
        let none = Portion::default();
        let parts = [&last.count, &last.value, last.reported.as_ref().unwrap_or(&none)];
        let mut sums = BTreeMap::<&str, [i64; 3]>::new();
        if model.steps.is_empty() {
            sums.insert("", parts.map(|part| part.sum));
        }
        for (at, step) in model.steps.iter().enumerate() {
            let of = sums.entry(dims.get(*step).map_or("", String::as_str)).or_default();
            for (sum, part) in of.iter_mut().zip(parts) {
                *sum += part.each.get(at).copied().unwrap_or(0); // parts of one amount
            }
        }
        let to = self.rate.as_ref().map_or_else(String::new, |rate| rate.to.to_string());
        let booked = format!("{}>{to} {}", self.currency, last.day);
        let deltas = sums.into_iter().filter(|(_, sums)| *sums != [0; 3]).map(|(key, sums)| {
            let measures = [Measure::Credited, Measure::CreditMinor, Measure::ReportedMinor];
            let add = measures.into_iter().zip(sums).filter(|(_, n)| *n != 0);
            RollupDelta {
                cube: Cube::Credits,
                day: self.day,
                dims: [model.name.clone(), key.to_owned(), booked.clone()],
                add: add.map(|(measure, n)| (measure, n, When::Always)).collect(),
                at: None,
                lead: None,
                appointment: None,
            }
        });
        deltas.collect()
    }

    /// What a model says.
    pub fn model(&self, name: &str) -> Option<&KeptModel> {
        self.models.iter().find(|model| model.name == name)
    }

    /// What each touch has by a model, as it stands: in the order of its path. Empty where no touch has anything: then all of it is
    /// unattributed. `None` where no such model is kept.
    pub fn credits(&self, model: &str) -> Option<Vec<(&Touchpoint, Money)>> {
        self.believed(model, DateTime::<Utc>::MAX_UTC)
    }

    /// The same as it was believed at a time. `None` also where that is longer ago than the [`EDITIONS_MAX`] editions that are kept.
    pub fn believed(&self, model: &str, at: DateTime<Utc>) -> Option<Vec<(&Touchpoint, Money)>> {
        let model = self.model(model)?;
        let (steps, bookings) = model.edition_at(at)?;
        let known = bookings.iter().filter(|booking| booking.recorded_at <= at);
        let sums = known.map(|booking| &booking.value).fold(Portion::default(), Portion::with);
        let credits = steps.iter().zip(sums.each);
        let money = |minor| Money::from_minor(minor, self.currency);
        Some(credits.filter_map(|(step, minor)| Some((self.touches.get(*step)?, money(minor)))).collect())
    }
}

impl KeptModel {
    /// What was booked in all, and for each step.
    pub fn booked(&self) -> Portion {
        self.bookings.iter().map(|booking| &booking.value).fold(Portion::default(), Portion::with)
    }

    /// The path and the bookings that it went by at a time.
    fn edition_at(&self, at: DateTime<Utc>) -> Option<(&[usize], &[KeptBooking])> {
        let now = (self.steps.as_slice(), self.bookings.as_slice());
        let before =
            self.before.iter().map(|edition| (edition.steps.as_slice(), edition.bookings.as_slice()));
        let begun = |(_, bookings): &(_, &[KeptBooking])| {
            bookings.first().is_some_and(|first| first.recorded_at <= at)
        };
        let is_forgotten = self.before.len() >= EDITIONS_MAX;
        before.chain([now]).rfind(begun).or_else(|| (!is_forgotten).then_some(now))
    }

    /// Books what is missing to this net value.
    fn book(
        &mut self,
        rate: Option<&ExchangeRate>,
        adjustment: Option<AdjustmentId>,
        recorded_at: DateTime<Utc>,
        day: NaiveDate,
        net: Money,
        counts: bool,
    ) -> Result<(), Error> {
        let reported = rate.map(|rate| rate.convert(net)).transpose();
        let reported = reported.map_err(|error| refused(error.code(), &error.to_string()))?;
        let count = if counts { MILLION } else { 0 };
        let booked = |part: fn(&KeptBooking) -> Option<&Portion>| {
            self.bookings.iter().filter_map(part).fold(Portion::default(), Portion::with)
        };
        let to = |target: i64, booked: Portion| booked.missing_to(target, &self.weights);
        // Never before what was booked last, whatever a clock says.
        let last = self.bookings.last().map_or(recorded_at, |last| last.recorded_at);
        let booking = KeptBooking {
            adjustment,
            recorded_at: recorded_at.max(last),
            day,
            value: to(net.minor(), booked(|booking| Some(&booking.value)))?,
            reported: match reported {
                Some(net) => Some(to(net.minor(), booked(|booking| booking.reported.as_ref()))?),
                None => None,
            },
            count: to(count, booked(|booking| Some(&booking.count)))?,
        };
        self.bookings.push(booking);
        Ok(())
    }
}

/// The touches that any of the models may look at, in order.
fn near(
    conversion: &Conversion,
    settings: &AttributionSettings,
    mut touches: Vec<Touchpoint>,
) -> Vec<Touchpoint> {
    touches.sort_by_key(Touchpoint::order);
    touches.dedup_by_key(|touch| touch.order());
    let lookbacks = settings.models.iter().map(|model| model.for_type(&conversion.conversion_type));
    let since = lookbacks.map(|lookback| lookback.since(conversion.occurred_at)).min();
    let is_near = |touch: &Touchpoint| {
        since.is_some_and(|since| since <= touch.at) && touch.at <= conversion.occurred_at
    };
    touches.retain(is_near);
    touches
}

/// What each model says of the touches, before anything is booked.
fn said(
    conversion: &Conversion,
    settings: &AttributionSettings,
    touches: &[Touchpoint],
    milestones: &[(Milestone, TouchpointId)],
) -> Result<Vec<KeptModel>, Error> {
    let place = |touch: &Touchpoint| touches.binary_search_by_key(&touch.order(), Touchpoint::order);
    let of_model = |model: &ModelSettings| {
        let lookback = model.for_type(&conversion.conversion_type);
        let mut path = Path::new(touches, conversion.occurred_at, lookback)?;
        for (milestone, touch) in milestones {
            path = path.milestone(*milestone, *touch);
        }
        if let Some(last) = path.steps().last().map(|step| step.touch.id()) {
            path = path.milestone(Milestone::Close, last);
        }
        for transform in &model.transforms {
            path = path.transformed(*transform);
        }
        Ok(KeptModel {
            name: model.name.clone(),
            steps: path.steps().iter().filter_map(|step| place(step.touch).ok()).collect(),
            weights: model.model.weights(&path),
            bookings: Vec::new(),
            before: Vec::new(),
        })
    };
    settings.models.iter().map(of_model).collect()
}

impl Portion {
    /// With another one added. Both are parts of amounts that fit.
    fn with(mut self, other: &Self) -> Self {
        self.sum += other.sum;
        if self.each.is_empty() {
            self.each = vec![0; other.each.len()];
        }
        for (sum, by) in self.each.iter_mut().zip(&other.each) {
            *sum += by;
        }
        self
    }

    /// What is missing to a sum that is divided by these weights.
    fn missing_to(mut self, target: i64, weights: &Weights) -> Result<Self, Error> {
        self.each.resize(weights.each().len(), 0);
        let sum =
            target.checked_sub(self.sum).ok_or_else(|| refused("overflow", "the change is too large"))?;
        // The currency of the carrier is never looked at.
        let each = weights.rebook(Money::from_minor(target, Currency::USD), &self.each)?;
        Ok(Self { sum, each })
    }
}

impl Keeps for KeptCredits {
    const KIND: &'static str = CREDITS_KIND;

    fn record_key(&self) -> String {
        self.conversion.to_string()
    }

    fn record_version(&self) -> Version {
        self.version
    }

    fn record_workspace(&self) -> WorkspaceId {
        self.workspace
    }
}

/// What credits are grouped by. Names are folded, ids are text; what a touch does not have is empty.
///
/// ```
/// use convio_core::attribution::TouchDims;
/// let dims = TouchDims { source: "google".to_owned(), ..TouchDims::default() };
/// assert_eq!(dims.key(), r#"["google","","","","",""]"#);
/// assert_eq!(TouchDims::from_key(&dims.key()), Some(dims));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TouchDims {
    /// The source.
    pub source: String,
    /// The medium.
    pub medium: String,
    /// The campaign.
    pub campaign: String,
    /// The channel.
    pub channel: String,
    /// The provider's id.
    pub provider: String,
    /// The webhook's id.
    pub webhook: String,
}

impl TouchDims {
    /// Those of a touch.
    pub fn of(touch: &Touchpoint) -> Self {
        let text = |id: Option<String>| id.unwrap_or_default();
        Self {
            source: touch.source.key().to_owned(),
            medium: touch.medium.as_ref().map_or_else(String::new, |name| name.key().to_owned()),
            campaign: touch.campaign.as_ref().map_or_else(String::new, |name| name.key().to_owned()),
            channel: touch.channel.key().to_owned(),
            provider: text(touch.provider.map(|id| id.to_string())),
            webhook: text(touch.webhook.map(|id| id.to_string())),
        }
    }

    /// As one dimension of [`Cube::Credits`]: a JSON array in the order of the fields. Names of more than [`DIM_BYTES_MAX`] bytes
    /// there are cut: a database has to find the row by all of them.
    pub fn key(&self) -> String {
        let Self { source, medium, campaign, channel, provider, webhook } = self;
        let [source, medium, campaign, channel] = [source, medium, campaign, channel].map(|name| short(name));
        serde_json::json!([source, medium, campaign, channel, provider, webhook]).to_string()
    }

    /// What such a dimension says; `None` for another text, as that of what is unattributed.
    pub fn from_key(key: &str) -> Option<Self> {
        let [source, medium, campaign, channel, provider, webhook] = serde_json::from_str(key).ok()?;
        Some(Self { source, medium, campaign, channel, provider, webhook })
    }
}

/// All that is known of how a contact came to buy.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Journey {
    /// Its touches, in order: its leads that are neither tests nor deleted, and what else was recorded for it or for a visitor who
    /// turned out to be it.
    pub touches: Vec<Touchpoint>,
    /// Its conversions, voided ones among them, in the order in which they happened.
    pub conversions: Vec<Conversion>,
}

/// One step of a journey.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum JourneyStep<'j> {
    /// A touch.
    Touch(&'j Touchpoint),
    /// A conversion.
    Conversion(&'j Conversion),
}

impl Journey {
    /// Touches and conversions in the order in which they happened, touches first where both happened at once.
    pub fn steps(&self) -> Vec<JourneyStep<'_>> {
        let touches = self.touches.iter().map(|touch| (touch.at, JourneyStep::Touch(touch)));
        let conversions =
            self.conversions.iter().map(|sold| (sold.occurred_at, JourneyStep::Conversion(sold)));
        let mut steps: Vec<_> = touches.chain(conversions).collect();
        steps.sort_by_key(|(at, _)| *at); // stable
        steps.into_iter().map(|(_, step)| step).collect()
    }
}

/// The longest beginning of a name that has its place in a key.
fn short(name: &str) -> &str {
    let mut written = 2; // its quotes
    for (at, c) in name.char_indices() {
        // As JSON writes it: a control character takes six.
        written += match c {
            '"' | '\\' => 2,
            c if c < ' ' => 6,
            c => c.len_utf8(),
        };
        if written > DIM_BYTES_MAX {
            return &name[..at];
        }
    }
    name
}

fn refused(code: &str, message: &str) -> Error {
    Error::invalid(vec![Reason::new("value", code, message)])
}

/// Most bytes of a name where credits are grouped by it, as JSON writes it: all four fit an index of any database.
pub const DIM_BYTES_MAX: usize = 500;
/// Most editions of what a model said that are kept beside the current one. As-of reports add up rollups, and need none.
pub const EDITIONS_MAX: usize = 20;
/// A whole conversion where parts of conversions are counted.
pub const MILLION: i64 = 1_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_short_whatever_the_names() {
        let long = ["\u{1F926}".repeat(200), "\"".repeat(200), "\u{1}".repeat(200), "é".repeat(200)];
        for name in &long {
            let dims = TouchDims {
                source: name.clone(),
                medium: name.clone(),
                campaign: name.clone(),
                channel: name.clone(),
                provider: "0198c5f2-7d1e-7c42-9f0a-3b2c1d4e5f60".to_owned(),
                webhook: "0198c5f2-7d1e-7c42-9f0a-3b2c1d4e5f60".to_owned(),
            };
            let key = dims.key();
            assert!(key.len() <= 4 * DIM_BYTES_MAX + 100, "{} bytes", key.len());
            let read = TouchDims::from_key(&key).unwrap();
            assert!(name.starts_with(&read.source) && read.provider == dims.provider);
        }
        assert_eq!(short("Spring \"26\""), "Spring \"26\"");
    }
}
