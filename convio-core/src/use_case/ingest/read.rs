//! Tolerant reading: whatever a sender calls a field, and wherever it puts it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::aliases::{Known, PlainName};
use super::sent::{Object, Sent};
use crate::error::{Error, Reason};
use crate::lead::{Custom, Format, RawLead};
use crate::rejection::Corrections;
use crate::text::{fold_blanks, is_folded};

/// What was sent, sorted into what Convio knows and the rest.
#[derive(Debug, Default)]
pub(super) struct Fields<'p> {
    /// What was sent for known fields, each with how good its name is; by field, best name first; never blank.
    known: Vec<(Known, usize, Cow<'p, str>)>,
    /// Everything else, under the name that it was sent by.
    pub(super) custom: Custom,
}

impl Fields<'_> {
    /// The best value of a field.
    pub(super) fn get(&self, known: Known) -> Option<&str> {
        self.all(known).next()
    }

    /// All values of a field, the best first.
    pub(super) fn all(&self, known: Known) -> impl Iterator<Item = &str> {
        self.known.iter().filter(move |found| found.0 == known).map(|found| &*found.2)
    }

    /// Takes the best value of a field out. Asked for again, there is an empty one.
    pub(super) fn take(&mut self, known: Known) -> Option<String> {
        let found = self.known.iter_mut().find(|found| found.0 == known)?;
        Some(std::mem::take(&mut found.2).into_owned())
    }
}

/// A payload as an object of fields, or why it is none.
pub(super) type Content<'p> = Result<Object<'p>, Reason>;

/// The payload as an object of fields.
pub(super) fn content(raw: &RawLead) -> Content<'_> {
    let object = match raw.format {
        Format::Json | Format::Row => match json(strip_bom(&raw.body)) {
            Ok(Sent::Object(object)) => object,
            Ok(_) => {
                return Err(Reason::new(
                    "payload",
                    "not_an_object",
                    "the payload is JSON, but no object of fields",
                ));
            }
            Err(error) => {
                let message =
                    format!("the payload is no JSON: at line {}, column {}", error.line(), error.column());
                return Err(Reason::new("payload", "unreadable", message));
            }
        },
        Format::Form => Object::of_form(&raw.body),
    };
    if object.len() > FIELDS_MAX {
        let message = format!("a lead has at most {FIELDS_MAX} fields, not {}", object.len());
        return Err(Reason::new("payload", "too_many_fields", message));
    }
    Ok(object)
}

fn json(bytes: &[u8]) -> serde_json::Result<Sent<'_>> {
    match str::from_utf8(bytes) {
        Ok(text) => serde_json::from_str(text),  // which checks no text again
        Err(_) => serde_json::from_slice(bytes), // which tells where it fails
    }
}

/// The fields of an object, with some of them corrected.
///
/// `named` says what some of the sender's names mean, in place of the names that are known; a field that it gives a name is
/// looked for under no other.
pub(super) fn fields<'p>(
    object: Object<'p>,
    named: &BTreeMap<String, String>,
    corrections: &Corrections,
) -> Fields<'p> {
    let known = Vec::with_capacity(object.len());
    let mut sorting = Sorting { names: Names(named), known };
    let custom = sorting.sort(object, 0).into();
    let mut known = sorting.known;
    known.sort_by_key(|(known, rank, _)| (*known, *rank)); // stable: of equal names the first sent wins
    for (name, value) in &corrections.0 {
        if let Some(field) = Known::named(name) {
            known.retain(|found| found.0 != field);
            let value = fold_blanks(value);
            if !value.is_empty() {
                known.push((field, 0, value.into()));
            }
        }
    }
    Fields { known, custom }
}

/// Refuses corrections of fields that Convio does not know, each by name.
pub(in crate::use_case) fn check_corrections(corrections: &Corrections) -> Result<(), Error> {
    let unknown = corrections.0.keys().filter(|name| Known::named(name).is_none());
    let reasons: Vec<Reason> = unknown
        .map(|name| Reason::new(name.clone(), "unknown", format!("there is no field `{name}` to correct")))
        .collect();
    if reasons.is_empty() { Ok(()) } else { Err(Error::invalid(reasons)) }
}

/// Every name that means no field.
pub(crate) fn check_names(named: &BTreeMap<String, String>) -> Vec<Reason> {
    let unknown = named.values().filter(|field| !field.is_empty() && Known::named(field).is_none());
    unknown
        .map(|field| Reason::new("fields", "unknown", format!("there is no field `{field}` to read into")))
        .collect()
}

/// The field that a sender's name is read into, by the name that Convio has for it, and how good a name it is: 0 is the best.
#[cfg(all(feature = "intake", feature = "service"))]
pub(crate) fn meaning(named: &BTreeMap<String, String>, name: &str) -> Option<(&'static str, usize)> {
    Names(named).meant_by(name, PlainName::of(name)).map(|(known, rank)| (known.name(), rank))
}

/// What the names of a sender mean: per name of the sender's the name of the field, or of none.
struct Names<'n>(&'n BTreeMap<String, String>);

impl Names<'_> {
    fn meant_by(&self, name: &str, plain: PlainName) -> Option<(Known, usize)> {
        if let Some(field) = self.0.get(name) {
            return Known::named(field).map(|known| (known, 0));
        }
        let meant = Known::meant_by(plain)?;
        (!self.0.values().any(|field| field == meant.0.name())).then_some(meant)
    }
}

/// An object on its way to [`Fields`].
struct Sorting<'n, 'p> {
    names: Names<'n>,
    known: Vec<(Known, usize, Cow<'p, str>)>,
}

impl<'p> Sorting<'_, 'p> {
    /// Takes out what is known, and gives back the rest in its own shape.
    fn sort(&mut self, object: Object<'p>, depth: usize) -> Map<String, Value> {
        let mut rest = Map::new();
        for (name, value) in object {
            let plain = PlainName::of(&name);
            match value {
                Sent::Object(inner) if depth < DEPTH_MAX && plain.is_container() => {
                    let inner = self.sort(inner, depth + 1);
                    if !inner.is_empty() {
                        rest.insert(name.into_owned(), Value::Object(inner));
                    }
                }
                value => match self.names.meant_by(&name, plain) {
                    Some((known, rank)) => match Said::of(value) {
                        Said::Text { text, sent } => {
                            // What is sent under a second name is kept under it, unless it says the same.
                            let mut others = self.known.iter().filter(|found| found.0 == known).peekable();
                            if others.peek().is_some() && others.all(|found| found.2 != text) {
                                let sent = sent.unwrap_or_else(|| Sent::Text(text.clone()));
                                rest.insert(name.into_owned(), sent.into_value());
                            }
                            self.known.push((known, rank + depth * NAMES_MAX, text));
                        }
                        Said::Nothing => {}
                        Said::Other(value) => {
                            rest.insert(name.into_owned(), value.into_value());
                        }
                    },
                    None => {
                        rest.insert(name.into_owned(), value.into_value());
                    }
                },
            }
        }
        rest
    }
}

/// What a value says for a field.
enum Said<'p> {
    /// A scalar as text, and as it was sent where that is something else.
    Text { text: Cow<'p, str>, sent: Option<Sent<'p>> },
    /// There is nothing in it.
    Nothing,
    /// It is no scalar.
    Other(Sent<'p>),
}

impl<'p> Said<'p> {
    fn of(value: Sent<'p>) -> Self {
        match value {
            Sent::Text(sent) => {
                let (text, sent) = match is_folded(&sent) {
                    true => (sent, None),
                    false => (fold_blanks(&sent).into(), Some(Sent::Text(sent))),
                };
                if is_nothing(&text) { Self::Nothing } else { Self::Text { text, sent } }
            }
            Sent::Other(Value::Number(number)) => {
                let text = number.to_string().into();
                Self::Text { text, sent: Some(Sent::Other(Value::Number(number))) }
            }
            Sent::Other(Value::Null) => Self::Nothing,
            value => Self::Other(value),
        }
    }
}

/// What a text says, in one line; `None` when there is nothing in it.
#[cfg(all(feature = "intake", feature = "service"))]
pub(crate) fn said(text: &str) -> Option<String> {
    let text = fold_blanks(text);
    (!is_nothing(&text)).then_some(text)
}

fn is_nothing(text: &str) -> bool {
    text.is_empty() || NOTHING.contains(&text)
}

fn strip_bom(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes)
}

/// What forms and exports write for nothing. Letter by letter: there are people named Null.
const NOTHING: [&str; 6] = ["null", "NULL", "undefined", "n/a", "N/A", "-"];
/// Most fields of a lead.
const FIELDS_MAX: usize = 500;
/// How deep fields of the lead are looked for: `data.customer.address.zip`.
const DEPTH_MAX: usize = 4;
/// More than any field has names, so that depth counts before the name.
const NAMES_MAX: usize = 100;
