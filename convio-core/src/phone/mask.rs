//! Phone numbers whose digits are hidden.

use super::unicode::decimals;

/// Whether characters stand where digits were hidden: `431555XXXX`, `+1 (***) ***-0123`, `555-••••`.
///
/// A mask character alone hides nothing: `x4` is an extension, `+1*470*555-0144` has odd separators. A
/// run inside of a word is spelling (`1-800-EXXON-GO`).
pub(super) fn is_masked(text: &str) -> bool {
    let has_digits = decimals(text) > 0;
    let mut run: Option<MaskRun> = None;
    let mut before = ' ';
    for c in text.chars() {
        let goes_on = mask_of(c).is_some() && mask_of(c) == run.as_ref().map(|run| run.mask);
        let joins_word = c.is_alphabetic() && before.is_alphabetic();
        match &mut run {
            Some(run) if goes_on => run.add(mask_of(before) == Some(run.mask)),
            Some(_) if is_gap(c) => {}
            _ => {
                if let Some(mut ended) = run.take() {
                    ended.in_word |= joins_word;
                    if ended.hides(has_digits) {
                        return true;
                    }
                }
                run = mask_of(c).map(|mask| MaskRun::new(mask, joins_word));
            }
        }
        before = c;
    }
    run.is_some_and(|run| run.hides(has_digits))
}

/// A run of one mask character, with gaps inside (`XXX-XXXX`).
struct MaskRun {
    mask: char,
    in_word: bool,
    /// All of them, those of the stretch being read, and those of the longest stretch without a gap.
    count: usize,
    stretch: usize,
    stretch_longest: usize,
}

impl MaskRun {
    fn new(mask: char, in_word: bool) -> Self {
        Self { mask, in_word, count: 1, stretch: 1, stretch_longest: 1 }
    }

    fn add(&mut self, beside_the_last: bool) {
        self.count += 1;
        self.stretch = if beside_the_last { self.stretch + 1 } else { 1 };
        self.stretch_longest = self.stretch_longest.max(self.stretch);
    }

    fn hides(&self, has_digits: bool) -> bool {
        let hides_much = self.stretch_longest >= 2 || self.count >= 3;
        match self.mask {
            _ if self.in_word => false,
            'x' | '*' | '•' if !has_digits => self.count >= MASK_ALONE_MIN,
            _ if !has_digits => false,
            'x' => hides_much,
            mask if mask.is_alphabetic() => self.stretch_longest >= LETTER_RUN_MIN,
            _ => hides_much,
        }
    }
}

/// The mask that the character may be part of, look-alikes as one.
fn mask_of(c: char) -> Option<char> {
    match c {
        'x' | 'X' | '×' | 'ｘ' | 'Ｘ' | 'х' | 'Х' => Some('x'),
        '*' | '＊' | '∗' => Some('*'),
        '•' | '●' | '∙' | '·' | '⋅' => Some('•'),
        '█' | '■' | '▪' => Some('█'),
        '#' | '＃' => Some('#'),
        '_' | '?' => Some(c),
        // Written for the digits one and zero, not to hide them.
        'o' | 'O' | 'l' | 'L' | 'i' | 'I' => None,
        _ => c.is_ascii_alphabetic().then(|| c.to_ascii_lowercase()),
    }
}

/// Whether the character may stand inside of a mask, as in `(XXX) XXX-XXXX`.
fn is_gap(c: char) -> bool {
    c.is_whitespace() || matches!(c, '-' | '‐' | '‑' | '–' | '−' | '.' | '(' | ')' | '/')
}

/// The same letter three times may be spelling across words (`1-800-BEE-EEL`); four times is a mask.
const LETTER_RUN_MIN: usize = 4;

/// A text of mask characters alone is a mask from the length of a number on.
const MASK_ALONE_MIN: usize = 7;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_digits_are_a_mask() {
        for text in [
            "431555XXXX",
            "431555xxxx",
            "470555****",
            "212-555-01XX",
            "(XXX) XXX-0123",
            "***-***-0123",
            "555-••••",
            "+1 2** *** **43",
            "212 555 x x x x",
            "ＸＸＸ-0123",
            "212555хххх",
            "212-555-____",
            "555-01??",
            "###-0123",
            "212 555 NNNN",
            "XXX-XXX-XXXX",
            "(***) ***-****",
        ] {
            assert!(is_masked(text), "{text}");
        }
    }

    #[test]
    fn spelling_separators_and_extensions_are_no_mask() {
        for text in [
            "",
            "2125550123",
            "212-555-0123 x4",
            "(320) 555-0191 x302/x2303",
            "+1*470*555*0144",
            "#+14315550147",
            "1-800-EXXON-GO",
            "1-800-XXTREME",
            "1-800-TJMAXX",
            "1-800-BEE-EEL",
            "212-555-OOOO",
            "+1_464_555-0178",
            "___-___-____",
            "#######",
            "n/a",
            "2125550123?",
            "Tel: 0800 111 1111",
        ] {
            assert!(!is_masked(text), "{text}");
        }
    }
}
