use csv_core::ReadRecordResult;

use super::csv_options::DELIMITERS;

/// The delimiter of a file, told from its start: the one that makes most of its records as wide as the first, and among
/// those the one that makes them widest. A comma where none parts anything.
pub(super) fn found_in(sample: &[u8], is_whole: bool) -> u8 {
    let fits = |delimiter: &u8| (Fit::of(*delimiter, sample, is_whole), *delimiter);
    // Of equals the first one listed.
    let best =
        DELIMITERS.iter().rev().map(fits).filter(|(fit, _)| fit.width > 1).max_by(|a, b| a.0.cmp(&b.0));
    best.map_or(DELIMITERS[0], |(_, delimiter)| delimiter)
}

/// How well a delimiter fits: greater is better.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Fit {
    /// How many of a thousand records are as wide as the first.
    alike: usize,
    /// Cells of the first record.
    width: usize,
}

impl Fit {
    fn of(delimiter: u8, sample: &[u8], is_whole: bool) -> Self {
        let widths = widths(delimiter, sample, is_whole);
        let Some(width) = widths.first().copied() else { return Self { alike: 0, width: 0 } };
        let alike = widths.iter().filter(|other| **other == width).count();
        Self { alike: alike * 1000 / widths.len(), width }
    }
}

/// How many cells each of the first records has. One that is cut off by the end of the sample does not count, unless there
/// is no other.
fn widths(delimiter: u8, sample: &[u8], is_whole: bool) -> Vec<usize> {
    let mut parser = csv_core::ReaderBuilder::new().delimiter(delimiter).build();
    let (mut cell, mut ends) = ([0; 1024], [0; 64]);
    let (mut widths, mut width, mut at) = (Vec::new(), 0, 0);
    while widths.len() < RECORDS {
        let (result, read, _, cells) = parser.read_record(&sample[at..], &mut cell, &mut ends);
        at += read;
        width += cells;
        match result {
            ReadRecordResult::Record => widths.push(std::mem::take(&mut width)),
            ReadRecordResult::End => break,
            ReadRecordResult::InputEmpty if !is_whole && !widths.is_empty() => break,
            _ => {}
        }
    }
    widths
}

/// Records that are looked at.
const RECORDS: usize = 50;

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> char {
        found_in(text.as_bytes(), true).into()
    }

    #[test]
    fn each_delimiter_is_found() {
        for delimiter in DELIMITERS.map(char::from) {
            let text = "name,phone,note\nAnn,1,\nBob,2,x\n".replace(',', &delimiter.to_string());
            assert_eq!(found(&text), delimiter);
        }
    }

    #[test]
    fn what_stands_in_cells_does_not_mislead() {
        assert_eq!(found("name;notes\nAnn;\"a, b, c\"\nBob;d, e, f\nCy;g"), ';');
        assert_eq!(found("\"a;b;c\",d\n1,2\n3,4"), ',');
        assert_eq!(found("\"name;x\ny;z\",phone\n\"Ann;\n;;;\",1\n"), ',');
        assert_eq!(found("amount;sum\n1,50;2,25\n3,75;4,00\n"), ';');
        assert_eq!(found("a,b|c,d\n1|2\n3|4\n5|6"), '|');
        assert_eq!(found("one column\nx, y\nz"), ',');
        assert_eq!(found(""), ',');
    }

    #[test]
    fn a_record_that_is_cut_off_counts_only_where_it_is_the_only_one() {
        assert_eq!(widths(b',', b"a,b,c\n1,2,3\n4,5", false), [3, 3]);
        assert_eq!(widths(b',', b"a,b,c\n1,2,3\n4,5", true), [3, 3, 2]);
        assert_eq!(widths(b',', b"a,b,c", false), [3]);
        let wide = vec!["x"; 500].join(",");
        assert_eq!(widths(b',', format!("{wide}\n{wide}\n").as_bytes(), true), [500, 500]);
    }
}
