//! Chance with a seed: what it did can be done again.

use std::hash::{BuildHasher, Hasher, RandomState};

/// A generator of random numbers (SplitMix64).
#[derive(Debug)]
pub struct Dice(u64);

impl Dice {
    /// The seed of `CONVIO_TEST_SEED`, or one of this run. It is printed, so the log of a failure names it.
    #[expect(clippy::print_stdout, reason = "the test harness shows it where the test fails")]
    pub fn of_this_run() -> Self {
        let given = std::env::var("CONVIO_TEST_SEED").ok();
        let seed = given.map_or_else(
            || RandomState::new().build_hasher().finish(),
            |seed| seed.parse().expect("CONVIO_TEST_SEED is a whole number"),
        );
        println!("CONVIO_TEST_SEED={seed}");
        Self(seed)
    }

    /// Dice of their own for someone else.
    pub fn fork(&mut self) -> Self {
        Self(self.below(u64::MAX))
    }

    /// One of the `n` numbers from 0 on.
    pub fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % n
    }

    /// One of the `n` indexes from 0 on.
    pub fn index(&mut self, n: usize) -> usize {
        usize::try_from(self.below(n as u64)).expect("below a usize")
    }

    /// True `percent` times of a hundred.
    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// Puts items in another order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for n in (1..items.len()).rev() {
            items.swap(n, self.index(n + 1));
        }
    }
}
