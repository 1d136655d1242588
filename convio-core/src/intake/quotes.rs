/// Whether each quoted cell of a record ends where its quote does.
///
/// Where it does not, either a quote inside of it is not doubled, or one before it was never closed and swallowed the rows
/// between: in both cases the cells are not those that were meant.
pub(super) fn are_sound(record: &[u8], delimiter: u8) -> bool {
    if !record.contains(&QUOTE) {
        return true;
    }
    let mut rest = record;
    loop {
        let Some(quoted) = rest.strip_prefix(&[QUOTE]) else {
            match rest.iter().position(|byte| *byte == delimiter) {
                Some(end) => rest = &rest[end + 1..],
                None => return true,
            }
            continue;
        };
        let Some(after) = after_quoted(quoted) else { return false };
        let blanks = after.iter().take_while(|byte| is_blank(**byte, delimiter)).count();
        match after.get(blanks) {
            None => return true,
            Some(byte) if *byte == delimiter => rest = &after[blanks + 1..],
            Some(_) => return false,
        }
    }
}

/// What follows the quote that closes a cell; two quotes are one that is meant.
fn after_quoted(mut rest: &[u8]) -> Option<&[u8]> {
    loop {
        let end = rest.iter().position(|byte| *byte == QUOTE)?;
        rest = &rest[end + 1..];
        match rest.strip_prefix(&[QUOTE]) {
            Some(further) => rest = further,
            None => return Some(rest),
        }
    }
}

/// What may stand between a cell's quote and the delimiter; the line end too, with which a record ends.
fn is_blank(byte: u8, delimiter: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n') && byte != delimiter
}

const QUOTE: u8 = b'"';

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_end_with_their_cells() {
        for sound in [
            "",
            "a,b",
            "\"a\",b",
            "a,\"b\"\r\n",
            "\"a,\nb\",c",
            "\"\"",
            "\"\"\"\"",
            "\"a\"\"b\",\"\"",
            "\"a\" ,b",
            "5\" pipe,b",
            "a,b\"c\"",
            " \"a\",b",
            "\"a\"\"\"\"b\"",
        ] {
            assert!(are_sound(sound.as_bytes(), b','), "{sound}");
        }
        for broken in
            ["\"a\"b,c", "\"a\" b,c", "\"a\nb,\"c\",d", "\"5\" pipe\",b", "a,\"b\"\"", "\"", "x,\"a\";b"]
        {
            assert!(!are_sound(broken.as_bytes(), b','), "{broken}");
        }
        assert!(are_sound(b"\"a\"\t\"b\"", b'\t'));
        assert!(!are_sound(b"\"a\"\tx", b','));
    }
}
