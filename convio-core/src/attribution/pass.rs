use super::{Credits, Model, Path, Weights};
use crate::money::{Currency, Money};

/// Weighs paths by any number of models, in memory that is used again: nothing is allocated per path or model once it is
/// as large as the longest path.
///
/// ```
/// use convio_core::attribution::{Lookback, Model, Pass, Path, TouchKind, Touchpoint, Who};
/// use convio_core::money::{Currency, Money};
/// use convio_core::text::{MarketingChannel, Source};
/// use convio_core::{SequentialIds, TouchpointId};
/// let (ids, at) = (SequentialIds::seeded(1), "2026-03-02T10:00:00Z".parse()?);
/// let touch = |_| {
///     let who = Who::Other { id: TouchpointId::new(&ids, at), kind: TouchKind::Call };
///     Touchpoint::new(who, Source::unknown(), MarketingChannel::direct(), at)
/// };
/// let touches = [1, 2, 3].map(touch);
/// let path = Path::new(&touches, at, Lookback::UNLIMITED)?;
/// let value = Money::from_minor(100, Currency::USD);
/// let mut found = Vec::new();
/// Pass::default().split(&path, &[Model::FirstTouch, Model::Linear], value, |model, credits| {
///     found.push((*model, credits.each().to_vec()));
/// });
/// assert_eq!(found, [(Model::FirstTouch, vec![100, 0, 0]), (Model::Linear, vec![34, 33, 33])]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Pass {
    weights: Weights,
    credits: Credits,
}

impl Default for Pass {
    fn default() -> Self {
        // No amount is left in it: the first split says of what currency it is.
        Self { weights: Weights::default(), credits: Credits::none(Money::zero(Currency::USD)) }
    }
}

impl Pass {
    /// Gives the weights of a path by each model, in the order of the models.
    ///
    /// ```
    /// use convio_core::attribution::{Lookback, Model, Pass, Path};
    /// let path = Path::new(&[], "2026-03-02T10:00:00Z".parse()?, Lookback::UNLIMITED)?;
    /// let mut models = 0;
    /// Pass::default().weigh(&path, &Model::ALL, |_, weights| {
    ///     assert!(weights.each().is_empty()); // no touch, no weight
    ///     models += 1;
    /// });
    /// assert_eq!(models, Model::ALL.len());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn weigh<'m>(
        &mut self,
        path: &Path<'_>,
        models: &'m [Model],
        mut take: impl FnMut(&'m Model, &Weights),
    ) {
        for model in models {
            model.weigh(path, &mut self.weights);
            take(model, &self.weights);
        }
    }

    /// Gives what each touch of a path has of a value by each model, in the order of the models.
    pub fn split<'m>(
        &mut self,
        path: &Path<'_>,
        models: &'m [Model],
        value: Money,
        mut take: impl FnMut(&'m Model, &Credits),
    ) {
        for model in models {
            model.weigh(path, &mut self.weights);
            self.weights.split_into(value, &mut self.credits);
            take(model, &self.credits);
        }
    }
}
