//! Tolerant reading: whatever a sender calls a field, and wherever it puts it.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::aliases::{Known, is_container};
use crate::error::{Error, Reason};
use crate::lead::{Custom, Format, RawLead};
use crate::rejection::Corrections;
use crate::text::fold_blanks;

/// What was sent, sorted into what Convio knows and the rest.
#[derive(Debug, Default)]
pub(super) struct Fields {
    /// Per known field what was sent for it, best name first; never blank.
    pub(super) known: BTreeMap<Known, Vec<String>>,
    /// Everything else, under the name that it was sent by.
    pub(super) custom: Custom,
}

impl Fields {
    /// The best value of a field.
    pub(super) fn get(&self, known: Known) -> Option<&str> {
        self.known.get(&known)?.first().map(String::as_str)
    }
}

/// The payload as an object of fields.
pub(super) fn content(raw: &RawLead) -> Result<Map<String, Value>, Reason> {
    let object = match raw.format {
        Format::Json | Format::Row => match serde_json::from_slice(strip_bom(&raw.body)) {
            Ok(Value::Object(object)) => object,
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
        Format::Form => {
            let mut object = Map::new();
            for (name, value) in form_urlencoded::parse(&raw.body) {
                let value = Value::String(value.into_owned());
                match object.get_mut(name.as_ref()) {
                    None => {
                        object.insert(name.into_owned(), value);
                    }
                    // A name sent twice is a list, as of check boxes.
                    Some(Value::Array(list)) => list.push(value),
                    Some(first) => *first = Value::Array(vec![first.take(), value]),
                }
            }
            object
        }
    };
    if object.len() > FIELDS_MAX {
        let message = format!("a lead has at most {FIELDS_MAX} fields, not {}", object.len());
        return Err(Reason::new("payload", "too_many_fields", message));
    }
    Ok(object)
}

/// The fields of an object, with some of them corrected.
///
/// `named` says what some of the sender's names mean, in place of the names that are known; a field that it gives a name is
/// looked for under no other.
pub(super) fn fields(
    object: Map<String, Value>,
    named: &BTreeMap<String, String>,
    corrections: &Corrections,
) -> Fields {
    let mut found: BTreeMap<Known, Vec<(usize, String)>> = BTreeMap::new();
    let names = Names::of(named);
    let custom = sort(object, &names, &mut found, 0);
    let known = found.into_iter().map(|(known, mut values)| {
        values.sort_by_key(|(rank, _)| *rank); // stable: of equal names the first sent wins
        (known, values.into_iter().map(|(_, value)| value).collect())
    });
    let mut fields = Fields { known: known.collect(), custom: Custom(custom) };
    for (name, value) in &corrections.0 {
        if let Some(known) = Known::named(name) {
            let value = fold_blanks(value);
            fields.known.insert(known, if value.is_empty() { Vec::new() } else { vec![value] });
        }
    }
    fields
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
    Names::of(named).meant_by(name).map(|(known, rank)| (known.name(), rank))
}

/// What the names of a sender mean.
struct Names<'n> {
    /// Per name of the sender's the field, or none.
    said: BTreeMap<&'n str, Option<Known>>,
}

impl<'n> Names<'n> {
    fn of(named: &'n BTreeMap<String, String>) -> Self {
        Self { said: named.iter().map(|(name, field)| (name.as_str(), Known::named(field))).collect() }
    }

    fn meant_by(&self, name: &str) -> Option<(Known, usize)> {
        if let Some(said) = self.said.get(name) {
            return said.map(|known| (known, 0));
        }
        let meant = Known::meant_by(name)?;
        (!self.said.values().any(|said| *said == Some(meant.0))).then_some(meant)
    }
}

/// Takes out what is known, and gives back the rest in its own shape.
fn sort(
    object: Map<String, Value>,
    names: &Names<'_>,
    found: &mut BTreeMap<Known, Vec<(usize, String)>>,
    depth: usize,
) -> Map<String, Value> {
    let mut rest = Map::new();
    for (name, value) in object {
        let meant = names.meant_by(&name);
        match value {
            Value::Object(inner) if depth < DEPTH_MAX && is_container(&name) => {
                let inner = sort(inner, names, found, depth + 1);
                if !inner.is_empty() {
                    rest.insert(name, Value::Object(inner));
                }
            }
            value => match (meant, text(&value)) {
                (Some((known, rank)), Some(text)) => {
                    let values = found.entry(known).or_default();
                    // What is sent under a second name is kept under it, unless it says the same.
                    if !values.is_empty() && values.iter().all(|(_, value)| *value != text) {
                        rest.insert(name, value);
                    }
                    values.push((rank + depth * NAMES_MAX, text));
                }
                (Some(_), None) if is_blank(&value) => {}
                _ => {
                    rest.insert(name, value);
                }
            },
        }
    }
    rest
}

/// A scalar as text; `None` when there is nothing in it, or it is no scalar.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => said(text),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// What a text says, in one line; `None` when there is nothing in it.
pub(crate) fn said(text: &str) -> Option<String> {
    let text = fold_blanks(text);
    let nothing = text.is_empty() || NOTHING.contains(&text.as_str());
    (!nothing).then_some(text)
}

fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(_) => text(value).is_none(),
        _ => false,
    }
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
