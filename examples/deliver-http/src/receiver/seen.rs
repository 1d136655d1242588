use std::collections::{HashSet, VecDeque};

/// The ids of what came in: the last [`IDS_MAX`] of them. A receiver that must not forget keeps them in its database, in the transaction
/// that holds the effect.
#[derive(Default)]
pub(super) struct Seen {
    known: HashSet<String>,
    order: VecDeque<String>,
}

impl Seen {
    /// Whether it came in before. From now on it did.
    pub(super) fn is_known(&mut self, id: &str) -> bool {
        if !self.known.insert(id.to_owned()) {
            return true;
        }
        self.order.push_back(id.to_owned());
        if self.order.len() > IDS_MAX {
            self.order.pop_front().map(|oldest| self.known.remove(&oldest));
        }
        false
    }
}

/// How many ids the receiver remembers: some 10 MB.
pub const IDS_MAX: usize = 100_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_ids_are_forgotten() {
        let mut seen = Seen::default();
        let known: Vec<bool> = (0..=IDS_MAX).map(|n| seen.is_known(&n.to_string())).collect();
        assert!(known.iter().all(|known| !known));
        assert!(seen.is_known("1") && seen.is_known(&IDS_MAX.to_string()));
        assert!(!seen.is_known("0") && seen.known.len() == IDS_MAX && seen.order.len() == IDS_MAX);
    }
}
