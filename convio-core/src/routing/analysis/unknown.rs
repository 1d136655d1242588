//! Postal codes that rules ask for and that do not exist.

use super::super::ZipPattern;
use super::super::zip_pattern::ZipText;
use super::universe::zip_sets;
use super::{Analyser, Finding, SHOWN};

impl Analyser<'_> {
    /// Patterns of digits, at most five, that hold none of the codes that there are.
    pub(super) fn unknown_zips(&mut self) {
        let Some(existing) = self.universe.existing else { return };
        let mut codes: Vec<ZipText> = existing.iter().map(ZipText::of).collect();
        codes.sort_unstable();
        codes.dedup();
        for (rank, rule) in self.active.iter().enumerate() {
            let patterns = zip_sets(rule).into_iter().flat_map(|set| set.patterns());
            let mut unknown: Vec<&ZipPattern> =
                patterns.filter(|it| is_zips(it) && !is_known(it, &codes)).collect();
            unknown.sort_unstable();
            unknown.dedup();
            let shown = unknown.len().min(SHOWN);
            if shown > 0 {
                self.analysis.findings.push(Finding::UnknownZip {
                    rule: self.name(rank),
                    zips: unknown[..shown].iter().copied().cloned().collect(),
                    more: (unknown.len() - shown) as u64,
                });
            }
        }
    }
}

/// A code of five digits, or what such a code may begin with.
fn is_zips(pattern: &ZipPattern) -> bool {
    let digits = |text: &ZipText| text.is_digits() && text.len() <= ZIP;
    match pattern {
        ZipPattern::Exact(code) => code.is_digits() && code.len() == ZIP,
        ZipPattern::Prefix(prefix) => digits(prefix),
        ZipPattern::Range(bounds) => digits(&bounds.0) && digits(&bounds.1),
    }
}

/// Whether it holds one of the codes, which are in order.
fn is_known(pattern: &ZipPattern, codes: &[ZipText]) -> bool {
    let (from, to) = match pattern {
        ZipPattern::Exact(code) | ZipPattern::Prefix(code) => (*code, *code),
        ZipPattern::Range(bounds) => **bounds,
    };
    let after = &codes[codes.partition_point(|code| *code < from)..];
    let between = after.iter().take_while(|code| code.first(to.len()).is_none_or(|head| head <= to));
    between.into_iter().any(|code| pattern.holds_text(*code))
}

const ZIP: usize = 5;
