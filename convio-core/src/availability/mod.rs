//! When someone can be booked: pure functions of the hours that they keep and of what they are busy with.
//!
//! Nothing is read or kept here. Whoever is asked about says when they work ([`Hours`]) and what is taken ([`Interval`]s), and
//! [`next_slots`] says what is free.
//!
//! ```
//! use chrono::Weekday;
//! use convio_core::availability::{Bookable, Hours, Interval, SlotQuery, next_slots};
//! let hours = Hours::of("America/New_York".parse()?).each([Weekday::Mon, Weekday::Tue], 9 * 60, 12 * 60);
//! let taken = [(Interval::new("2026-03-02T14:30:00Z".parse()?, "2026-03-02T16:00:00Z".parse()?), 1)]; // 9:30 to 11:00 there
//! let ann = Bookable::of(&hours, &taken);
//! let within = Interval::new("2026-03-02T00:00:00Z".parse()?, "2026-03-03T00:00:00Z".parse()?);
//! let slots = next_slots(&[ann], &[], &SlotQuery::of(within, 60).every(30));
//! let starts: Vec<String> = slots.iter().map(|slot| slot.time.start.to_rfc3339()).collect();
//! assert_eq!(starts, ["2026-03-02T16:00:00+00:00"]); // 11:00
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod hours;
mod interval;
mod slots;

pub use hours::{DAYS_MAX, Hours, OPENINGS_MAX, Opening};
pub use interval::{Interval, both, merged, minus, without_room};
pub use slots::{Bookable, Slot, SlotQuery, next_slots};
