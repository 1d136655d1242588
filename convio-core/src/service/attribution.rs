//! Who earned it: settings, journeys, credits and what they come to.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::WorkspaceHandle;
use crate::analytics::{Cube, Measure, ReportQuery};
use crate::api_key::Permission;
use crate::attribution::{
    AttributionRules, AttributionSettings, Journey, KeptCredits, MILLION, ReportingRates, TouchDims,
    Touchpoint,
};
use crate::contact::KeyKind;
use crate::conversion::ConversionFilter;
use crate::error::{Error, Reason};
use crate::id::{ContactId, ConversionId};
use crate::money::{Currency, Money, Rates};
use crate::page::{PAGE_ITEMS_MAX, PageRequest};
use crate::record::{CREDITS_KIND, fetch_record};
use crate::store::{ContactOf, Need, Needs};
use crate::use_case::{Identify, SetAttribution, SetRates};

/// What credits are added up by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dimension {
    /// Where touches came from.
    Source,
    /// By what kind of means.
    Medium,
    /// By which campaign.
    Campaign,
    /// Of which channel.
    Channel,
    /// The provider that sent the lead; by its id.
    Provider,
    /// The webhook that the lead came through; by its id.
    Webhook,
}

/// Which credits are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreditQuery {
    /// The name of the model.
    pub model: String,
    /// What they are added up by.
    pub by: Dimension,
    /// The first day, in the workspace's zone, of the conversions.
    pub from: NaiveDate,
    /// The last day.
    pub to: NaiveDate,
    /// What was believed at the end of this day; `None`: what is known now.
    pub as_of: Option<NaiveDate>,
}

impl CreditQuery {
    /// What is known now of conversions of these days.
    pub fn new(model: impl Into<String>, by: Dimension, from: NaiveDate, to: NaiveDate) -> Self {
        Self { model: model.into(), by, from, to, as_of: None }
    }

    /// As it was believed at the end of a day of the workspace's zone.
    #[must_use]
    pub fn as_of(self, day: NaiveDate) -> Self {
        Self { as_of: Some(day), ..self }
    }
}

/// What has been earned by something.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CreditRow {
    /// Conversions, in [millionths](MILLION): each is divided as its value is.
    pub millionths: i64,
    /// What they are worth, one sum per currency.
    pub value: BTreeMap<Currency, i128>,
    /// The same in the currency of reports, by the rate that each was recorded with.
    pub reported: BTreeMap<Currency, i128>,
    /// What of the value is not reported, since no rate was known.
    pub unreported: BTreeMap<Currency, i128>,
}

impl CreditRow {
    /// What it is worth in a currency.
    ///
    /// # Errors
    /// Where the sum does not fit.
    pub fn in_currency(&self, currency: Currency) -> Result<Money, Error> {
        sum_of(&self.value, currency)
    }

    /// What it is worth in reports in a currency.
    ///
    /// # Errors
    /// Where the sum does not fit.
    pub fn reported_in(&self, currency: Currency) -> Result<Money, Error> {
        sum_of(&self.reported, currency)
    }

    /// Conversions. To be looked at: they add up as [`millionths`](Self::millionths).
    pub fn conversions(&self) -> f64 {
        self.millionths as f64 / MILLION as f64
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.millionths += other.millionths;
        for (sums, others) in [
            (&mut self.value, &other.value),
            (&mut self.reported, &other.reported),
            (&mut self.unreported, &other.unreported),
        ] {
            for (currency, sum) in others {
                *sums.entry(*currency).or_default() += sum;
            }
        }
    }
}

fn sum_of(sums: &BTreeMap<Currency, i128>, currency: Currency) -> Result<Money, Error> {
    let sum = sums.get(&currency).copied().unwrap_or(0);
    let minor = i64::try_from(sum).map_err(|_| {
        Error::invalid(vec![Reason::new("value", "amount_overflow", "the sum does not fit 64 bits")])
    })?;
    Ok(Money::from_minor(minor, currency))
}

/// Credits, added up. Rows and what is unattributed are together the total, to the minor unit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Credits {
    /// By name or id, in order; the empty one has what has none.
    pub rows: BTreeMap<String, CreditRow>,
    /// What no touch has.
    pub unattributed: CreditRow,
    /// All of it.
    pub total: CreditRow,
}

impl WorkspaceHandle<'_> {
    /// Sets how conversions are attributed from now on: by which models credits are kept, and which channel a touch is of.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) names every wrong setting.
    pub async fn set_attribution(&self, settings: AttributionSettings) -> Result<AttributionRules, Error> {
        self.run(&SetAttribution { workspace: self.id(), settings }).await
    }

    /// How conversions are attributed.
    pub async fn attribution_settings(&self) -> Result<AttributionSettings, Error> {
        self.permit(Permission::Read).await?;
        Ok(AttributionSettings::clone(&self.current_config().await?.attribution))
    }

    /// Sets the exchange rates into the workspace's currency: what conversions recorded from now on are reported by. Each keeps the rate
    /// that it was recorded with.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) for rates into another currency.
    pub async fn set_rates(&self, rates: Rates) -> Result<ReportingRates, Error> {
        self.run(&SetRates { workspace: self.id(), rates }).await
    }

    /// The exchange rates; `None` where none were set.
    pub async fn rates(&self) -> Result<Option<Rates>, Error> {
        self.permit(Permission::Read).await?;
        Ok(self.current_config().await?.rates.as_deref().cloned())
    }

    /// Says that a visitor is a contact: the touches that were recorded for the visitor, and those that will be, are the
    /// contact's. What was attributed before stays as it was, until it is worked out anew ([`WorkspaceHandle::reattribute`]). Said again it
    /// changes nothing.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { pollster::block_on(async {
    /// use convio_core::attribution::{NewTouch, TouchKind, TouchOf};
    /// use convio_core::text::Source;
    /// use convio_core::{Convio, NewWorkspace, RawLead};
    /// use convio_store_memory::MemoryStore;
    ///
    /// let convio = Convio::new(MemoryStore::new());
    /// let acme = convio.create_workspace(NewWorkspace::named("Acme Solar")).await?;
    /// let visitor = TouchOf::Visitor("a81f".to_owned());
    /// acme.track(NewTouch::new(visitor, TouchKind::Visit, Source::new("Google")?)).await?;
    ///
    /// let taken = acme.ingest(RawLead::json(r#"{"phone":"+12125550123","source":"Form"}"#)).await?.into_accepted()?;
    /// acme.identify(taken.contact, "a81f").await?;
    /// let journey = acme.journey(taken.contact).await?;
    /// let sources: Vec<&str> = journey.touches.iter().map(|touch| touch.source.as_str()).collect();
    /// assert_eq!(sources, ["Google", "Form"]);
    /// # Ok(()) }) }
    /// ```
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound); [`Invalid`](crate::ErrorKind::Invalid) for what is no id of a visitor;
    /// [`Conflict`](crate::ErrorKind::Conflict) where the visitor is another contact already.
    pub async fn identify(&self, contact: ContactId, visitor: impl Into<String>) -> Result<(), Error> {
        let visitor = visitor.into();
        let permit = self.permit(Permission::Ingest).await?;
        let mut contact = contact;
        let mut keys = self.store(permit).contact_keys(self.id(), contact).await?;
        if keys.is_empty()
            && let Some(other) = self.survivor(permit, contact).await?
        {
            contact = other;
            keys = self.store(permit).contact_keys(self.id(), contact).await?;
        }
        if keys.iter().any(|key| key.kind == KeyKind::Visitor && key.value == visitor) {
            return Ok(());
        }
        self.run(&Identify { workspace: self.id(), contact, visitor }).await
    }

    /// How a contact came to buy: its newest touches, up to [`JOURNEY_ROWS_MAX`](crate::store::JOURNEY_ROWS_MAX) leads and as many
    /// others, and its conversions. The channels of leads are those that the settings give them now.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) for the contact; those of the store.
    pub async fn journey(&self, contact: ContactId) -> Result<Journey, Error> {
        let store = self.reader().await?;
        let needs = |contact| {
            let touches = Need::Touches(ContactOf::Itself(contact), crate::clock::END_OF_TIME);
            Needs::of(self.id(), [Need::Contact(contact), touches])
        };
        let mut contact = contact;
        let mut loaded = store.load(&needs(contact)).await?;
        let found = loaded.contact(contact).ok_or_else(|| Error::not_found("contact", contact))?;
        if let Some(other) = self.became(Some(contact), found.merged_into.is_some()).await? {
            contact = other;
            loaded = store.load(&needs(contact)).await?;
        }
        let (filter, mut after) = (ConversionFilter::of_contact(contact), None);
        let mut conversions = Vec::new();
        loop {
            let mut page = PageRequest::first(PAGE_ITEMS_MAX);
            page.after = after;
            let found = store.list_conversions(self.id(), &filter, &page).await?;
            conversions.extend(found.items);
            after = found.next;
            if after.is_none() || conversions.len() >= JOURNEY_CONVERSIONS_MAX {
                break;
            }
        }
        let channels = &self.current_config().await?.attribution.channels;
        let of_leads = loaded.lead_touches.iter().map(|touch| channels.of_lead_touch(touch));
        let mut touches: Vec<Touchpoint> = of_leads.chain(loaded.touches.iter().cloned()).collect();
        touches.sort_by_key(Touchpoint::order);
        conversions.sort_by_key(|sold| (sold.occurred_at, sold.id));
        Ok(Journey { touches, conversions })
    }

    /// Who earned a conversion, by every model that was kept when it was recorded; `None` where none was, and where there is no such
    /// conversion.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { pollster::block_on(async {
    /// use convio_core::{Convio, NewConversion, NewWorkspace, RawLead};
    /// use convio_store_memory::MemoryStore;
    ///
    /// let convio = Convio::new(MemoryStore::new());
    /// let acme = convio.create_workspace(NewWorkspace::named("Acme Solar").currency("USD")).await?;
    /// let mut last = None;
    /// for source in ["Google", "Yelp", "Door"] {
    ///     let lead = RawLead::json(format!(r#"{{"phone":"+12125550123","source":"{source}"}}"#));
    ///     last = Some(acme.ingest(lead).await?.into_accepted()?.lead);
    /// }
    /// let sold = acme.convert(NewConversion::sale(last.unwrap(), "100.00 USD".parse()?)).await?;
    /// let kept = acme.attribution(sold.id).await?.unwrap();
    /// let linear = kept.credits("linear").unwrap();
    /// let said: Vec<(&str, i64)> = linear.iter().map(|(touch, credit)| (touch.source.as_str(), credit.minor())).collect();
    /// assert_eq!(said, [("Google", 3_334), ("Yelp", 3_333), ("Door", 3_333)]);
    /// # Ok(()) }) }
    /// ```
    pub async fn attribution(&self, conversion: ConversionId) -> Result<Option<KeptCredits>, Error> {
        let store = self.reader().await?;
        let record = fetch_record(store, self.id(), CREDITS_KIND, &conversion.to_string()).await?;
        Ok(record.map(|record| record.read()).transpose()?)
    }

    /// What sources, channels and so on earned by a model, of conversions of some days: as it is known now, or as it was believed at
    /// the end of a day. From rollups: nothing is worked out again.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn credits(&self, query: &CreditQuery) -> Result<Credits, Error> {
        let report = ReportQuery { cube: Cube::Credits, from: query.from, to: query.to };
        let rows = self.reader().await?.report(self.id(), &report).await?;
        let mut credits = Credits::default();
        for row in rows.iter().filter(|row| row.dims[0] == query.model) {
            let (currencies, booked) = row.dims[2].split_once(' ').unwrap_or_default();
            let booked: Option<NaiveDate> = booked.parse().ok();
            if query.as_of.is_some_and(|as_of| booked.is_some_and(|booked| booked > as_of)) {
                continue;
            }
            let (own, reported) = currencies.split_once('>').unwrap_or_default();
            let sums = |code: &str, measure| {
                let currency: Option<Currency> = code.parse().ok();
                currency.map(|currency| (currency, i128::from(row.get(measure)))).into_iter().collect()
            };
            let part = CreditRow {
                millionths: row.get(Measure::Credited),
                value: sums(own, Measure::CreditMinor),
                reported: sums(reported, Measure::ReportedMinor),
                unreported: if reported.is_empty() {
                    sums(own, Measure::CreditMinor)
                } else {
                    BTreeMap::new()
                },
            };
            credits.total.add(&part);
            match TouchDims::from_key(&row.dims[1]) {
                Some(dims) => credits.rows.entry(name_of(dims, query.by)).or_default().add(&part),
                None => credits.unattributed.add(&part),
            }
        }
        credits.rows.retain(|_, row| row.millionths != 0 || has_any(&row.value) || has_any(&row.reported));
        Ok(credits)
    }
}

fn has_any(sums: &BTreeMap<Currency, i128>) -> bool {
    sums.values().any(|sum| *sum != 0)
}

fn name_of(dims: TouchDims, by: Dimension) -> String {
    match by {
        Dimension::Source => dims.source,
        Dimension::Medium => dims.medium,
        Dimension::Campaign => dims.campaign,
        Dimension::Channel => dims.channel,
        Dimension::Provider => dims.provider,
        Dimension::Webhook => dims.webhook,
    }
}

/// Most conversions of a contact that a journey tells, by id.
pub const JOURNEY_CONVERSIONS_MAX: usize = 10_000;
