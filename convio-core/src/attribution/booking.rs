use chrono::{DateTime, Utc};

use super::{Credits, History, Weights};
use crate::error::{Error, Reason};
use crate::id::AdjustmentId;
use crate::money::Money;

/// What one record of a conversion's history adds to the credits of its touches. Bookings are only ever added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Booking {
    /// The adjustment that it books; nothing for the conversion itself.
    pub adjustment: Option<AdjustmentId>,
    /// When it was recorded.
    pub recorded_at: DateTime<Utc>,
    /// What it adds for each touch and for none: together the change of the net value.
    pub credits: Credits,
}

/// The bookings of a conversion, one for each record of its history: every adjustment is divided by the weights that the conversion
/// had when it was recorded.
///
/// Each booking is what is missing to the split of the new net value, so all up to any of them are exactly that split, however
/// many there were: cents that rounding moved come back. See [`Weights::rebook`] for what one of them may do to a single touch.
///
/// Fails where a change does not fit 64 bits, as from the greatest value to one below zero.
///
/// ```
/// use convio_core::attribution::{Adjustment, Change, History, Weights, believed, bookings};
/// use convio_core::money::{Currency, Money};
/// use convio_core::{AdjustmentId, SequentialIds};
/// let usd = |minor| Money::from_minor(minor, Currency::USD);
/// let (sold, refunded) = ("2026-03-02T10:00:00Z".parse()?, "2026-03-09T10:00:00Z".parse()?);
/// let id = AdjustmentId::new(&SequentialIds::seeded(1), refunded);
/// let refund = Adjustment { id, change: Change::Refund(usd(50)), recorded_at: refunded };
/// let booked = bookings(&History::new(usd(100), sold, [refund])?, &Weights::new([1, 1, 1])?)?;
/// assert_eq!(booked[0].credits.each(), [34, 33, 33]);
/// assert_eq!(booked[1].credits.each(), [-17, -16, -17]);
///
/// let on = |day: &str| believed(&booked, format!("2026-03-{day}T00:00:00Z").parse().unwrap());
/// assert_eq!(on("05")?.unwrap().each(), [34, 33, 33]);
/// assert_eq!(on("20")?.unwrap().each(), [17, 17, 16]);
/// assert_eq!(on("01")?, None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn bookings(history: &History, weights: &Weights) -> Result<Vec<Booking>, Error> {
    let mut booked = vec![0_i64; weights.each().len()];
    let mut before: Option<Money> = None;
    let mut bookings = Vec::with_capacity(history.standings().len());
    for standing in history.standings() {
        let net = standing.net;
        let value = before.map_or(Ok(net), |before| net.checked_sub(before)).map_err(too_large)?;
        let each = weights.rebook(net, &booked)?;
        for (sum, change) in booked.iter_mut().zip(&each) {
            *sum += change; // what the split says, which fits
        }
        bookings.push(Booking {
            adjustment: standing.adjustment,
            recorded_at: standing.recorded_at,
            credits: Credits::of(value, each),
        });
        before = Some(net);
    }
    Ok(bookings)
}

/// The credits that were believed at a time: the sum of what was booked up to then; nothing where nothing was.
///
/// Fails where the bookings are not of one path and currency, or a sum does not fit; never for those of [`bookings`].
pub fn believed(bookings: &[Booking], at: DateTime<Utc>) -> Result<Option<Credits>, Error> {
    let mut known = bookings.iter().filter(|booking| booking.recorded_at <= at);
    let Some(first) = known.next() else { return Ok(None) };
    let (mut value, mut each) = (first.credits.value(), first.credits.each().to_vec());
    for booking in known {
        value = value.checked_add(booking.credits.value()).map_err(too_large)?;
        if booking.credits.each().len() != each.len() {
            let message = "the bookings are not of one path";
            return Err(Error::invalid(vec![Reason::new("bookings", "length", message)]));
        }
        for (sum, change) in each.iter_mut().zip(booking.credits.each()) {
            *sum = sum.checked_add(*change).ok_or_else(|| too_large(crate::money::MoneyError::Overflow))?;
        }
    }
    Ok(Some(Credits::of(value, each)))
}

fn too_large(error: crate::money::MoneyError) -> Error {
    Error::invalid(vec![Reason::new("value", error.code(), error.to_string())])
}
