use serde::{Deserialize, Serialize};

use crate::error::{Error, Reason};
use crate::money::Money;

/// How a value is divided: a whole number for each touch of a path, in its order. None for a path without touches.
///
/// The sum fits 64 bits, and is zero only where there is no touch. Serialised as the numbers alone, to be kept with a conversion:
/// later refunds are divided as it was.
///
/// ```
/// use convio_core::attribution::Weights;
/// use convio_core::money::{Currency, Money};
/// let thirds = Weights::new([1, 1, 1])?;
/// let credits = thirds.split(Money::from_minor(100, Currency::USD));
/// assert_eq!(credits.each(), [34, 33, 33]); // the cent that is left goes to the earliest touch
/// assert_eq!(Weights::new([])?.split(credits.value()).unattributed(), credits.value());
/// # Ok::<(), convio_core::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<u64>", into = "Vec<u64>")]
pub struct Weights {
    each: Vec<u64>,
    total: u64,
}

/// A value as it is divided between touches: what each has and what none has are together exactly the value.
#[derive(Debug, Clone)]
pub struct Credits {
    value: Money,
    each: Vec<i64>,
    /// What rounding took off each, in parts of the total weight; with its place. Kept for its memory.
    remainders: Vec<(u64, usize)>,
}

impl Weights {
    /// Weights of your own, one for each touch in order.
    ///
    /// Fails where their sum does not fit 64 bits, and where touches have no weight at all.
    ///
    /// ```
    /// use convio_core::attribution::Weights;
    /// let weights = Weights::new([3, 1])?;
    /// assert_eq!((weights.each(), weights.total(), weights.share(0)), ([3, 1].as_slice(), 4, 0.75));
    /// assert_eq!(Weights::new([0, 0]).unwrap_err().reasons()[0].code, "zero");
    /// # Ok::<(), convio_core::Error>(())
    /// ```
    pub fn new(each: impl IntoIterator<Item = u64>) -> Result<Self, Error> {
        let each: Vec<u64> = each.into_iter().collect();
        let total = each.iter().try_fold(0_u64, |sum, weight| sum.checked_add(*weight));
        match total {
            Some(0) if !each.is_empty() => Err(refused("zero", "no touch has a weight")),
            Some(total) => Ok(Self { each, total }),
            None => Err(refused("overflow", "the sum of the weights does not fit 64 bits")),
        }
    }

    /// One weight for each touch.
    pub fn each(&self) -> &[u64] {
        &self.each
    }

    /// Their sum.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The part of one touch, from 0 to 1, as near as a float comes. To be looked at: money is divided by [`Weights::split`].
    pub fn share(&self, touch: usize) -> f64 {
        self.each.get(touch).map_or(0.0, |weight| *weight as f64 / self.total as f64)
    }

    /// Divides a value: each touch has its part rounded down, and the units that are left go to those that rounding took most
    /// from, of equals to the earliest.
    ///
    /// A negative value is divided as the positive one is: what comes back is its negative, touch by touch.
    ///
    /// ```
    /// use convio_core::attribution::Weights;
    /// use convio_core::money::{Currency, Money};
    /// let weights = Weights::new([40, 20, 40])?;
    /// let usd = |minor| Money::from_minor(minor, Currency::USD);
    /// assert_eq!(weights.split(usd(99)).each(), [40, 20, 39]); // 39.6, 19.8, 39.6: two cents are left
    /// assert_eq!(weights.split(usd(-99)).each(), [-40, -20, -39]);
    /// # Ok::<(), convio_core::Error>(())
    /// ```
    pub fn split(&self, value: Money) -> Credits {
        let mut credits = Credits::none(value);
        self.split_into(value, &mut credits);
        credits
    }

    /// The same, in the memory of other credits.
    ///
    /// ```
    /// use convio_core::attribution::{Credits, Weights};
    /// use convio_core::money::{Currency, Money};
    /// let mut credits = Credits::none(Money::zero(Currency::USD));
    /// Weights::new([1, 1])?.split_into(Money::from_minor(7, Currency::USD), &mut credits);
    /// assert_eq!(credits.each(), [4, 3]);
    /// # Ok::<(), convio_core::Error>(())
    /// ```
    pub fn split_into(&self, value: Money, credits: &mut Credits) {
        let amount = value.minor().unsigned_abs();
        let Credits { each, remainders, .. } = credits;
        each.clear();
        remainders.clear();
        let mut left = if self.each.is_empty() { 0 } else { amount };
        for (place, weight) in self.each.iter().enumerate() {
            let (part, remainder) = self.part(amount, *weight);
            left -= part;
            each.push(signed(part, value));
            if remainder > 0 {
                remainders.push((remainder, place));
            }
        }
        // Fewer than there are remainders: their sum is so many times the total, and each is less than it.
        let left = usize::try_from(left).unwrap_or(usize::MAX).min(remainders.len());
        if left > 0 {
            remainders.select_nth_unstable_by(left - 1, |a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
            for (_, place) in &remainders[..left] {
                each[*place] += value.minor().signum();
            }
        }
        credits.value = value;
    }

    /// What must be booked so that all that is booked is the value as these weights divide it: the split of the value, less what
    /// was booked for each touch so far.
    ///
    /// Exact, but not monotone: the largest remainder may move a unit to a touch when the value falls (the Alabama paradox), so a
    /// refund may book `+1` for some touches, never more. No booking leaves a touch below zero while the value is not.
    ///
    /// Fails where there are not as many bookings as touches, and where a difference does not fit.
    ///
    /// ```
    /// use convio_core::attribution::Weights;
    /// use convio_core::money::{Currency, Money};
    /// let halves = Weights::new([1, 1])?;
    /// let refunded = halves.rebook(Money::from_minor(50, Currency::USD), &[51, 50])?;
    /// assert_eq!(refunded, [-26, -25]);
    /// # Ok::<(), convio_core::Error>(())
    /// ```
    pub fn rebook(&self, value: Money, booked: &[i64]) -> Result<Vec<i64>, Error> {
        if booked.len() != self.each.len() {
            let message = format!("{} bookings for {} touches", booked.len(), self.each.len());
            return Err(Error::invalid(vec![Reason::new("booked", "length", message)]));
        }
        let credits = self.split(value);
        let changes = credits.each.iter().zip(booked).map(|(now, before)| now.checked_sub(*before));
        changes.collect::<Option<_>>().ok_or_else(|| {
            let message = "the difference from what was booked is too large";
            Error::invalid(vec![Reason::new("booked", "amount_overflow", message)])
        })
    }

    /// The whole units of one weight, and what is left over in parts of the total.
    fn part(&self, amount: u64, weight: u64) -> (u64, u64) {
        // Most products fit 64 bits, which are divided several times as fast.
        if let Some(product) = amount.checked_mul(weight) {
            return (product / self.total, product % self.total);
        }
        let (product, total) = (u128::from(amount) * u128::from(weight), u128::from(self.total));
        // No more than the amount and less than the total: a weight is at most the total.
        ((product / total) as u64, (product % total) as u64)
    }

    /// All to one of so many touches.
    pub(super) fn one_of(&mut self, touches: usize, place: usize) {
        self.put((0..touches).map(|touch| u64::from(touch == place)));
    }

    pub(super) fn put(&mut self, weights: impl Iterator<Item = u64>) {
        self.fill(|each| {
            each.clear();
            each.extend(weights);
        });
    }

    /// Has the weights written; those of every model have a sum that fits.
    pub(super) fn fill(&mut self, write: impl FnOnce(&mut Vec<u64>)) {
        write(&mut self.each);
        self.total = self.each.iter().sum();
    }
}

impl TryFrom<Vec<u64>> for Weights {
    type Error = Error;

    fn try_from(each: Vec<u64>) -> Result<Self, Error> {
        Self::new(each)
    }
}

impl From<Weights> for Vec<u64> {
    fn from(weights: Weights) -> Self {
        weights.each
    }
}

impl Credits {
    /// A value of which no touch has anything.
    ///
    /// ```
    /// use convio_core::attribution::Credits;
    /// use convio_core::money::{Currency, Money};
    /// let value = Money::from_minor(5, Currency::USD);
    /// assert_eq!(Credits::none(value).unattributed(), value);
    /// assert_eq!(Credits::none(value).of_touch(0), None);
    /// ```
    pub fn none(value: Money) -> Self {
        Self { value, each: Vec::new(), remainders: Vec::new() }
    }

    pub(super) fn of(value: Money, each: Vec<i64>) -> Self {
        Self { each, ..Self::none(value) }
    }

    /// What was divided.
    pub fn value(&self) -> Money {
        self.value
    }

    /// What each touch has, in order, in minor units of the value's currency.
    pub fn each(&self) -> &[i64] {
        &self.each
    }

    /// What one touch has.
    pub fn of_touch(&self, touch: usize) -> Option<Money> {
        self.each.get(touch).map(|minor| Money::from_minor(*minor, self.value.currency()))
    }

    /// What no touch has: all of it where there is none.
    pub fn unattributed(&self) -> Money {
        if self.each.is_empty() { self.value } else { Money::zero(self.value.currency()) }
    }
}

impl PartialEq for Credits {
    fn eq(&self, other: &Self) -> bool {
        (self.value, &self.each) == (other.value, &other.each)
    }
}

impl Eq for Credits {}

/// An amount that is not beyond the value's, with its sign.
fn signed(amount: u64, value: Money) -> i64 {
    // The least `i64` has no positive twin, so the sign comes first.
    if value.minor() < 0 { 0_i64.wrapping_sub_unsigned(amount) } else { amount as i64 }
}

fn refused(code: &str, message: &str) -> Error {
    Error::invalid(vec![Reason::new("weights", code, message)])
}
