use std::collections::BTreeSet;

use proptest::prelude::*;

use super::super::set::Set;

fn atoms() -> impl Strategy<Value = BTreeSet<u32>> {
    prop::collection::btree_set(0_u32..12, 0..12)
}

proptest! {
    #[test]
    fn sets_are_sets(a in atoms(), b in atoms()) {
        let of = |set: &BTreeSet<u32>| Set::of(set.iter().copied());
        let (left, right) = (of(&a), of(&b));
        prop_assert_eq!(left.and(&right), of(&(&a & &b)));
        prop_assert_eq!(left.or(&right), of(&(&a | &b)));
        prop_assert_eq!(left.minus(&right), of(&(&a - &b)));
        prop_assert_eq!(Set::all(12).minus(&left).len(), 12 - a.len());
        prop_assert_eq!(left.meets(&right), !a.is_disjoint(&b));
        prop_assert_eq!(left.is_within(&right), a.is_subset(&b));
        prop_assert_eq!(left.first(), a.first().copied());
        prop_assert_eq!(left.atoms().collect::<BTreeSet<_>>(), a.clone());
        prop_assert!((0..12).all(|atom| left.contains(atom) == a.contains(&atom)));
    }
}
