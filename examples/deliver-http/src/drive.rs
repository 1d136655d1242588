use std::time::Duration;

use convio_core::delivery::DeliveryStatus;
use convio_core::service::{Courier, Sent, Step};
use convio_core::{Clock, Error};
use tokio::time::{sleep, timeout};

/// What came of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// Deliveries that were made.
    pub made: usize,
    /// Those that arrived.
    pub delivered: usize,
    /// How often something was sent.
    pub attempts: usize,
}

/// Runs a courier until it is to stop: `tell` is told of each attempt, and says whether to go on.
///
/// Several may run at once, in this process and in others. Between two steps one can be stopped at any time. One that is stopped within a
/// step leaves a delivery that is sent again once its lease is over.
///
/// # Errors
/// Those of the store that last for [`TRIES_MAX`] steps.
pub async fn drive(
    courier: &mut Courier<'_>,
    clock: &dyn Clock,
    mut tell: impl FnMut(&Sent) -> bool,
) -> Result<Summary, Error> {
    let (mut summary, mut failures) = (Summary::default(), 0);
    loop {
        match courier.step().await {
            Ok(Step::Made(made)) => summary.made += made,
            Ok(Step::Sent(sent)) => {
                summary.attempts += 1;
                summary.delivered += usize::from(sent.delivery.status == DeliveryStatus::Success);
                if !tell(&sent) {
                    return Ok(summary);
                }
            }
            Ok(Step::Idle) => {
                // News end the wait early, and whatever is due does: what another process replayed is found at the next look.
                let due = courier.due().and_then(|due| (due - clock.now()).to_std().ok());
                let longest = due.unwrap_or(LOOKED_EVERY).min(LOOKED_EVERY);
                if let Ok(heard) = timeout(longest, courier.wait()).await {
                    heard?;
                }
            }
            Err(error) if failures >= TRIES_MAX => return Err(error),
            Err(_) => {
                failures += 1;
                sleep(PAUSE).await;
                continue;
            }
        }
        failures = 0;
    }
}

/// How often the store is looked at though nothing is heard of it and nothing is due.
const LOOKED_EVERY: Duration = Duration::from_secs(5);
/// How many steps may fail in a row.
pub const TRIES_MAX: u32 = 10;
/// How long is waited after a step that failed.
const PAUSE: Duration = Duration::from_millis(500);
