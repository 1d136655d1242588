//! Whatever is written as CSV is read as it was, on the line that it stands on.
#![cfg(feature = "intake")]

use std::io::Cursor;

use convio_core::intake::{CsvOptions, DELIMITERS, Line};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn what_is_written_is_read(
        width in 1..6_usize,
        rows in proptest::collection::vec(proptest::collection::vec("[a-cé😀 ,;|\t\"\r\n]{0,6}", 6), 0..30),
        delimiter in proptest::sample::select(DELIMITERS.to_vec()),
        end in proptest::sample::select(vec!["\n", "\r\n", "\r"]),
        encoding in proptest::sample::select(vec!["utf-8", "utf-8 with a mark", "utf-16le", "utf-16be", "gb18030"]),
        blank_lines in 0..3_usize,
    ) {
        let header: Vec<String> = (0..width).map(|n| format!("c{n}")).collect();
        let mut text = row(&header, delimiter, end);
        let mut expected = Vec::new();
        for cells in &rows {
            let cells = &cells[..width];
            text.push_str(&end.repeat(blank_lines));
            if cells.iter().any(|cell| !cell.trim().is_empty()) {
                expected.push((lines(&text) + 1, cells.to_vec()));
            }
            text.push_str(&row(cells, delimiter, end));
        }
        let bytes = encoded(&text, encoding);
        let mut told = CsvOptions::new().delimiter(delimiter).unwrap();
        if encoding == "gb18030" {
            told = told.encoding(encoding).unwrap();
        }
        let mut file = told.read(Cursor::new(bytes)).unwrap();
        prop_assert_eq!(file.columns(), &header[..]);
        let read: Vec<(u64, Vec<String>)> = file.rows().unwrap().map(|line| match line.unwrap() {
            Line::Row(row) => (row.line(), row.cells().map(|(_, cell)| cell.to_owned()).collect()),
            Line::Bad(bad) => panic!("{bad}"),
        }).collect();
        prop_assert_eq!(read, expected);
    }

    #[test]
    fn whatever_stands_in_a_file_ends_in_rows_or_reasons(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let mut file = [b"a,b\n", &bytes[..]].concat();
        file.push(b'\n');
        let lines = file.iter().filter(|byte| matches!(byte, b'\r' | b'\n')).count() as u64;
        if let Ok(mut file) = CsvOptions::new().read(Cursor::new(file)) {
            let mut last = 1;
            for line in file.rows().unwrap() {
                let line = line.unwrap();
                prop_assert!(last < line.number() && line.number() <= lines);
                last = line.number();
            }
        }
    }
}

/// Every cell in quotes, so that none is mistaken for part of another or of a blank line.
fn row(cells: &[String], delimiter: u8, end: &str) -> String {
    let quoted: Vec<String> = cells.iter().map(|cell| format!("\"{}\"", cell.replace('"', "\"\""))).collect();
    quoted.join(&char::from(delimiter).to_string()) + end
}

fn lines(text: &str) -> u64 {
    text.replace("\r\n", "\n").matches(['\r', '\n']).count() as u64
}

fn encoded(text: &str, encoding: &str) -> Vec<u8> {
    match encoding {
        "utf-16le" => [0xFEFF].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect(),
        "utf-16be" => [0xFEFF].into_iter().chain(text.encode_utf16()).flat_map(u16::to_be_bytes).collect(),
        "utf-8 with a mark" => format!("\u{feff}{text}").into_bytes(),
        "gb18030" => {
            let mut bytes = vec![0; text.len() * 4 + 16];
            let (_, _, written, replaced) =
                encoding_rs::GB18030.new_encoder().encode_from_utf8(text, &mut bytes, true);
            assert!(!replaced);
            bytes.truncate(written);
            bytes
        }
        _ => text.as_bytes().to_vec(),
    }
}
