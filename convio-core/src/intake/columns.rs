use std::collections::HashSet;

use crate::error::{Error, Reason};
use crate::text::fold_blanks;

/// The names of a file's columns, each once.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Columns(Vec<String>);

impl Columns {
    /// The columns that a header names. Names lose their outer blanks and line ends; of a name that comes twice the second
    /// is `name#2`; a column without a name between others is named by its place, and at the end it is none.
    pub(super) fn of<'c>(cells: impl Iterator<Item = &'c str>) -> Result<Self, Error> {
        let mut is_text = true;
        let names = cells.inspect(|name| is_text &= !name.contains('\0')).map(fold_blanks);
        let mut names: Vec<String> = names.collect();
        while names.last().is_some_and(String::is_empty) {
            names.pop();
        }
        if !is_text {
            let message =
                "the header holds NUL characters: the file is no text, or its encoding must be named";
            return Err(wrong_header("not_text", message));
        }
        if names.is_empty() {
            return Err(wrong_header("no_header", "the file has no header: nothing in it names a column"));
        }
        let mut taken = HashSet::new();
        for (at, name) in names.iter_mut().enumerate() {
            if name.is_empty() {
                *name = format!("column {}", at + 1);
            }
            let mut free = name.clone();
            let mut n = 1;
            while !taken.insert(free.clone()) {
                n += 1;
                free = format!("{name}#{n}");
            }
            *name = free;
        }
        Ok(Self(names))
    }

    pub(super) fn names(&self) -> &[String] {
        &self.0
    }

    pub(super) fn position(&self, name: &str) -> Option<usize> {
        self.0.iter().position(|column| column == name)
    }
}

pub(super) fn wrong_header(code: &str, message: &str) -> Error {
    Error::invalid(vec![Reason::new("file", code, message)])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(cells: &[&str]) -> Vec<String> {
        Columns::of(cells.iter().copied()).unwrap().0
    }

    #[test]
    fn every_column_gets_one_name() {
        assert_eq!(names(&[" Name ", "Home\r\nPhone", ""]), ["Name", "Home Phone"]);
        assert_eq!(names(&["a", "a", "a#2", "", "b", "", ""]), ["a", "a#2", "a#2#2", "column 4", "b"]);
        assert_eq!(names(&["", "column 1"]), ["column 1", "column 1#2"]);
    }

    #[test]
    fn what_is_no_header_is_told() {
        let code = |cells: &[&str]| Columns::of(cells.iter().copied()).unwrap_err().reasons()[0].code.clone();
        assert_eq!(code(&[]), "no_header");
        assert_eq!(code(&["", " "]), "no_header");
        assert_eq!(code(&["n\0a\0"]), "not_text");
    }
}
