use std::collections::HashSet;

use proptest::prelude::*;

use super::super::zip_atoms::{PatternIndex, codes};
use crate::PostalCode;
use crate::routing::ZipPattern;
use crate::routing::zip_pattern::ZipText;

fn pattern() -> impl Strategy<Value = String> {
    let range = |of: &'static str| {
        (of, of).prop_filter_map("lengths", |(a, b)| {
            let len = a.len().min(b.len());
            let (a, b) = (&a[..len], &b[..len]);
            Some(format!("{}..{}", a.min(b), a.max(b)))
        })
    };
    prop_oneof![
        2 => "[0-2]{5}|[0-2A]{1,6}|[0-2]{9}|[02]{10}",
        2 => "([0-2A]{1,6}|[02]{7,12})[*]",
        2 => range("[0-3]{1,6}"),
        1 => range("[0-2AC]{1,12}"),
        1 => range("[02]{8,10}"),
        // Of several characters between those of bounds.
        4 => range("1[0-9]"),
        2 => range("1[0-9A-F]"),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// For every code there is one among those of the analysis of which the same patterns hold, and no other.
    #[test]
    fn codes_stand_for_all_others(
        patterns in prop::collection::vec(pattern(), 0..7),
        others in prop::collection::vec("1[0-9A-G]{1,2}|[0-3]{5}|[0-3A-C]{1,12}|[0-2]{9}|[0-2]{1,12}|[0-2]{1,9}[A-B][0-2]{0,2}", 40),
    ) {
        let patterns: Vec<ZipPattern> = patterns.iter().map(|text| text.parse().unwrap()).collect();
        let codes = codes(&patterns);
        let holding = |code: &ZipText| -> Vec<bool> { patterns.iter().map(|it| it.holds_text(*code)).collect() };
        let known: HashSet<Vec<bool>> = codes.iter().map(holding).collect();
        let index = PatternIndex::of(patterns.iter().map(std::slice::from_ref));
        for other in &others {
            let code = ZipText::of(&PostalCode::parse(other).unwrap());
            let holding = holding(&code);
            prop_assert!(known.contains(&holding) || !holding.contains(&true), "{} of {:?}", other, patterns);
            let listed: Vec<u32> = (0..).zip(&holding).filter(|(_, holds)| **holds).map(|(n, _)| n).collect();
            prop_assert_eq!(index.lists(code), listed);
        }
    }
}
