//! A payload as it is read: texts stay where they stand in it until something is made of them that is kept.

use std::borrow::Cow;
use std::fmt;
use std::mem;

use serde::de::value::SeqAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::canonical::{self, Fingerprint};

/// A value of a payload.
#[derive(Debug)]
pub(super) enum Sent<'p> {
    Text(Cow<'p, str>),
    Object(Object<'p>),
    /// Whatever is neither a text nor an object.
    Other(Value),
}

/// Fields by name in ascending order, each name once.
#[derive(Debug, Default)]
pub(super) struct Object<'p>(Vec<(Cow<'p, str>, Sent<'p>)>);

impl<'p> Object<'p> {
    /// The fields of a form. A name sent twice is a list, as of check boxes.
    pub(super) fn of_form(body: &'p [u8]) -> Self {
        let fields = form_urlencoded::parse(body).map(|(name, value)| (name, Sent::Text(value)));
        Self::of(fields.collect(), |first, later| match first {
            Sent::Other(Value::Array(list)) => list.push(later.into_value()),
            first => {
                let list = vec![mem::take(first).into_value(), later.into_value()];
                *first = Sent::Other(Value::Array(list));
            }
        })
    }

    /// These fields; what comes later under the same name is joined to what came first.
    fn of(mut fields: Vec<(Cow<'p, str>, Sent<'p>)>, join: impl Fn(&mut Sent<'p>, Sent<'p>)) -> Self {
        fields.sort_by(|a, b| a.0.cmp(&b.0)); // stable: equal names stay in the order in which they came
        fields.dedup_by(|later, first| {
            let same = later.0 == first.0;
            if same {
                join(&mut first.1, mem::take(&mut later.1));
            }
            same
        });
        Self(fields)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The same as [`canonical::fingerprint`] of the object as a value, whose text has about so many bytes.
    pub(super) fn fingerprint(&self, bytes: usize) -> Fingerprint {
        let mut text = String::with_capacity(bytes);
        self.write(&mut text);
        Fingerprint::of_bytes(text.as_bytes())
    }

    fn write(&self, text: &mut String) {
        let fields = self.0.iter().map(|(name, value)| (&**name, value));
        canonical::write_fields(fields, text, |value, text| match value {
            Sent::Text(string) => canonical::write_string(string, text),
            Sent::Object(object) => object.write(text),
            Sent::Other(value) => canonical::write(value, text),
        });
    }
}

impl<'p> IntoIterator for Object<'p> {
    type Item = (Cow<'p, str>, Sent<'p>);
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl Sent<'_> {
    /// The value in memory of its own.
    pub(super) fn into_value(self) -> Value {
        match self {
            Self::Text(text) => Value::String(text.into_owned()),
            Self::Other(value) => value,
            Self::Object(object) => {
                let fields = object.into_iter().map(|(name, value)| (name.into_owned(), value.into_value()));
                Value::Object(fields.collect::<Map<_, _>>())
            }
        }
    }
}

impl Default for Sent<'_> {
    fn default() -> Self {
        Self::Other(Value::Null)
    }
}

impl<'p> Deserialize<'p> for Sent<'p> {
    fn deserialize<D: Deserializer<'p>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'p> Visitor<'p> for Reader {
    type Value = Sent<'p>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of JSON")
    }

    fn visit_borrowed_str<E>(self, text: &'p str) -> Result<Sent<'p>, E> {
        Ok(Sent::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Sent<'p>, E> {
        Ok(Sent::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Sent<'p>, E> {
        Ok(Sent::Other(Value::Bool(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Sent<'p>, E> {
        Ok(Sent::Other(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Sent<'p>, E> {
        Ok(Sent::Other(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Sent<'p>, E> {
        Ok(Sent::Other(value.into()))
    }

    fn visit_unit<E>(self) -> Result<Sent<'p>, E> {
        Ok(Sent::Other(Value::Null))
    }

    fn visit_seq<A: SeqAccess<'p>>(self, list: A) -> Result<Sent<'p>, A::Error> {
        Value::deserialize(SeqAccessDeserializer::new(list)).map(Sent::Other)
    }

    fn visit_map<A: MapAccess<'p>>(self, mut map: A) -> Result<Sent<'p>, A::Error> {
        let mut fields = Vec::with_capacity(FIELDS_USUAL);
        while let Some(Name(name)) = map.next_key()? {
            fields.push((name, map.next_value()?));
        }
        // A dependant may switch on serde_json's `arbitrary_precision` for all: then every number comes as such a map.
        if let [(name, Sent::Text(number))] = &fields[..]
            && name == NUMBER_TOKEN
            && keeps_numbers_as_text()
        {
            return number.parse().map(|number| Sent::Other(Value::Number(number))).map_err(A::Error::custom);
        }
        Ok(Sent::Object(Object::of(fields, |first, later| *first = later)))
    }
}

/// A name of a field: `Cow` by itself would not be borrowed.
struct Name<'p>(Cow<'p, str>);

impl<'p> Deserialize<'p> for Name<'p> {
    fn deserialize<D: Deserializer<'p>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameReader;
        impl<'p> Visitor<'p> for NameReader {
            type Value = Name<'p>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_borrowed_str<E>(self, name: &'p str) -> Result<Name<'p>, E> {
                Ok(Name(Cow::Borrowed(name)))
            }

            fn visit_str<E>(self, name: &str) -> Result<Name<'p>, E> {
                Ok(Name(Cow::Owned(name.to_owned())))
            }
        }
        deserializer.deserialize_str(NameReader)
    }
}

fn keeps_numbers_as_text() -> bool {
    "1.00".parse::<Number>().is_ok_and(|number| number.to_string() == "1.00")
}

/// The name under which serde_json hands a number on as text.
const NUMBER_TOKEN: &str = "$serde_json::private::Number";
/// What a form seldom has more fields than.
const FIELDS_USUAL: usize = 16;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn read(text: &str) -> Sent<'_> {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn what_is_read_is_what_serde_reads() {
        for text in [
            r#"{"b":1,"a":[1.5,-2,null,{"z":1,"y":"\u00e9"}],"c":{"k":true,"j":{}},"d":"x\ny","e":""}"#,
            r#"{"a":1,"A":2,"a":"last","b":{"a":1,"a":2}}"#,
            r#"{"n\u0061me":"escaped","18446744073709551615":18446744073709551615,"e":1e300}"#,
            r#"{"x":{"$serde_json::private::Number":"12"}}"#,
            r#"[{"a":1}]"#,
            "null",
            "\"text\"",
        ] {
            let value: Value = serde_json::from_str(text).unwrap();
            assert_eq!(read(text).into_value(), value, "{text}");
            if let Sent::Object(object) = read(text) {
                assert_eq!(object.fingerprint(0), canonical::fingerprint(&value), "{text}");
            }
        }
        assert!(serde_json::from_str::<Sent<'_>>(r#"{"a":1,}"#).is_err());
    }

    #[test]
    fn texts_without_escapes_are_borrowed() {
        let Sent::Object(Object(fields)) = read(r#"{"a":"x","b":"\t"}"#) else { panic!("no object") };
        let borrowed = |text: &Cow<'_, str>| matches!(text, Cow::Borrowed(_));
        let texts = fields.iter().map(|(name, value)| match value {
            Sent::Text(text) => (borrowed(name), borrowed(text)),
            _ => panic!("no text"),
        });
        assert_eq!(texts.collect::<Vec<_>>(), [(true, true), (true, false)]);
    }

    #[test]
    fn names_that_a_form_repeats_are_lists_in_the_order_sent() {
        let form = Object::of_form(b"b=1&a=x&b=3&b=2&c=%20");
        assert_eq!(Sent::Object(form).into_value(), json!({"a": "x", "b": ["1", "3", "2"], "c": " "}));
    }

    proptest! {
        #[test]
        fn any_object_is_read_as_serde_reads_it(names in prop::collection::vec("[a-c\\\\\"é]{0,2}", 0..40), n: i32) {
            let field = |(at, name): (usize, &String)| {
                let value = match at % 4 {
                    0 => json!(name),
                    1 => json!(f64::from(n) / 8.0),
                    2 => json!({name: {name: at}}),
                    _ => json!([null, name, {name: n}]),
                };
                format!("{}:{value}", json!(name))
            };
            let text = format!("{{{}}}", names.iter().enumerate().map(field).collect::<Vec<_>>().join(","));
            let value: Value = serde_json::from_str(&text).unwrap();
            let Sent::Object(object) = read(&text) else { panic!("no object") };
            prop_assert_eq!(object.fingerprint(text.len()), canonical::fingerprint(&value));
            prop_assert_eq!(Sent::Object(object).into_value(), value);
        }
    }
}
