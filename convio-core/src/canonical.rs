//! Fingerprints of JSON: the same content has the same 32 bytes, however it was written.
//!
//! Used to tell a repeated request from another one under the same idempotency key.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

/// The fingerprint of a JSON value: SHA-256 of its [`canonical_json`].
///
/// ```
/// use convio_core::canonical::fingerprint;
/// use serde_json::json;
///
/// let one = fingerprint(&json!({"name": "Ana", "zip": "90210"}));
/// assert_eq!(one, fingerprint(&json!({"zip": "90210", "name": "Ana"})));
/// assert_ne!(one, fingerprint(&json!({"zip": 90210, "name": "Ana"})));
/// ```
#[must_use]
pub fn fingerprint(value: &Value) -> Fingerprint {
    Fingerprint::of_bytes(canonical_json(value).as_bytes())
}

/// A JSON value as its one canonical text: keys of objects sorted by code points, no blanks, arrays
/// in their order, numbers as `serde_json` prints them (so `1` and `1.0` are different values).
///
/// ```
/// use convio_core::canonical::canonical_json;
/// use serde_json::json;
///
/// assert_eq!(canonical_json(&json!({"b": [1, null], "a": "x y"})), r#"{"a":"x y","b":[1,null]}"#);
/// ```
#[must_use]
pub fn canonical_json(value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text);
    text
}

/// The same as the [`fingerprint`] of an array of these texts, and of null where there is none.
pub(crate) fn fingerprint_of_texts<const N: usize>(texts: [Option<&str>; N]) -> Fingerprint {
    let mut text =
        String::with_capacity(texts.iter().flatten().map(|text| text.len()).sum::<usize>() + 8 * N);
    for (n, string) in texts.into_iter().enumerate() {
        text.push(if n > 0 { ',' } else { '[' });
        match string {
            Some(string) => write_string(string, &mut text),
            None => text.push_str("null"),
        }
    }
    text.push(']');
    Fingerprint::of_bytes(text.as_bytes())
}

/// The SHA-256 of some content. Shown and serialised as 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// The fingerprint of bytes as they are.
    ///
    /// ```
    /// use convio_core::canonical::Fingerprint;
    ///
    /// assert!(Fingerprint::of_bytes(b"abc").to_hex().starts_with("ba7816bf"));
    /// ```
    #[must_use]
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The fingerprint whose 32 bytes were stored.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether both are the same. Takes the same time wherever they differ, so that what is secret can't be guessed bit by
    /// bit.
    #[must_use]
    pub(crate) fn same(&self, other: &Self) -> bool {
        let pairs = self.0.iter().zip(&other.0);
        pairs.fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
    }

    /// An id made of it: a version 8 UUID of its first bytes.
    ///
    /// ```
    /// use convio_core::Fingerprint;
    /// assert_eq!(Fingerprint::of_bytes(b"ann").to_uuid().get_version_num(), 8);
    /// ```
    #[must_use]
    pub fn to_uuid(&self) -> uuid::Uuid {
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&self.0[..16]);
        uuid::Builder::from_custom_bytes(bytes).into_uuid()
    }

    /// 64 lower-case hex digits.
    #[must_use]
    pub fn to_hex(&self) -> String {
        self.to_string()
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

impl FromStr for Fingerprint {
    type Err = FingerprintError;

    /// Reads 64 hex digits in either case.
    fn from_str(text: &str) -> Result<Self, FingerprintError> {
        let digits = text.as_bytes();
        if digits.len() != 64 {
            return Err(FingerprintError);
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = hex_digit(pair[0])? << 4 | hex_digit(pair[1])?;
        }
        Ok(Self(bytes))
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Fingerprint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// The text is not 64 hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a fingerprint is 64 hex digits")]
pub struct FingerprintError;

/// Adds the canonical text of a value.
pub(crate) fn write(value: &Value, text: &mut String) {
    match value {
        Value::Array(items) => {
            text.push('[');
            for (n, item) in items.iter().enumerate() {
                if n > 0 {
                    text.push(',');
                }
                write(item, text);
            }
            text.push(']');
        }
        Value::Object(fields) => write_object(fields, text),
        Value::String(string) => write_string(string, text),
        Value::Null => text.push_str("null"),
        Value::Bool(bool) => text.push_str(if *bool { "true" } else { "false" }),
        Value::Number(number) => {
            // Writing to memory does not fail.
            let _ = fmt::Write::write_fmt(text, format_args!("{number}"));
        }
    }
}

fn write_object(fields: &Map<String, Value>, text: &mut String) {
    // Sorted here where they are not, since a dependant may switch on serde_json's `preserve_order` for all.
    let fields_sent = fields.iter().map(|(name, value)| (name.as_str(), value));
    if fields.keys().is_sorted() {
        write_fields(fields_sent, text, write);
    } else {
        let mut fields: Vec<_> = fields_sent.collect();
        fields.sort_unstable_by_key(|(name, _)| *name);
        write_fields(fields.into_iter(), text, write);
    }
}

/// Adds the canonical text of fields, whose names ascend, with what this writes for each value.
pub(crate) fn write_fields<'n, V>(
    fields: impl Iterator<Item = (&'n str, V)>,
    text: &mut String,
    write: impl Fn(V, &mut String),
) {
    text.push('{');
    for (n, (name, value)) in fields.enumerate() {
        if n > 0 {
            text.push(',');
        }
        write_string(name, text);
        text.push(':');
        write(value, text);
    }
    text.push('}');
}

/// Adds the canonical text of a text.
pub(crate) fn write_string(string: &str, text: &mut String) {
    // Looked at to the end in any case: so many bytes are looked at at once.
    let escapes = string.bytes().fold(false, |escapes, byte| escapes | is_escaped(byte));
    if escapes {
        // Unreachable: a text can be written to memory.
        text.push_str(&serde_json::to_string(string).expect("a text can be written to memory"));
    } else {
        text.push('"');
        text.push_str(string);
        text.push('"');
    }
}

/// Whether JSON can't hold this byte of a text as it is.
fn is_escaped(byte: u8) -> bool {
    (byte < b' ') | (byte == b'"') | (byte == b'\\')
}

fn hex_digit(digit: u8) -> Result<u8, FingerprintError> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        b'A'..=b'F' => Ok(digit - b'A' + 10),
        _ => Err(FingerprintError),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn the_canonical_text_is_fixed() {
        let value = json!({"é": 1, "z": {"b": 1.5, "a": -0.0}, "Z": [true, {}, []], "": "a\"\n\u{7f}é"});
        let text = "{\"\":\"a\\\"\\n\u{7f}é\",\"Z\":[true,{},[]],\"z\":{\"a\":-0.0,\"b\":1.5},\"é\":1}";
        assert_eq!(canonical_json(&value), text);
    }

    #[test]
    fn the_hash_is_sha_256() {
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(Fingerprint::of_bytes(b"abc").to_hex(), abc);
        assert_eq!(fingerprint(&json!({"b": 1, "a": 2})), Fingerprint::of_bytes(br#"{"a":2,"b":1}"#));
    }

    #[test]
    fn values_that_look_alike_differ() {
        let values = [
            json!(1),
            json!(1.0),
            json!("1"),
            json!([1]),
            json!([[1]]),
            json!({"1": 1}),
            json!(null),
            json!("null"),
            json!({}),
            json!([]),
            json!(""),
            json!({"a": null}),
            json!({"a": {}}),
            json!(["a", "b"]),
            json!(["b", "a"]),
            json!(["a,b"]),
            json!(["a\",\"b"]),
        ];
        let distinct: std::collections::HashSet<_> = values.iter().map(fingerprint).collect();
        assert_eq!(distinct.len(), values.len());
    }

    #[test]
    fn hex_reads_in_either_case_and_refuses_the_rest() {
        let whole = Fingerprint::of_bytes(b"x");
        assert_eq!(whole.to_hex().to_uppercase().parse(), Ok(whole));
        for bad in ["", &"0".repeat(63), &"0".repeat(65), &"g".repeat(64), &"é".repeat(32), &"+1".repeat(32)]
        {
            assert_eq!(bad.parse::<Fingerprint>(), Err(FingerprintError), "{bad}");
        }
    }

    #[test]
    fn texts_have_the_fingerprint_of_their_array() {
        assert_eq!(fingerprint_of_texts([Some("a\"b"), None]), fingerprint(&json!(["a\"b", null])));
        assert_eq!(fingerprint_of_texts([None, Some("")]), fingerprint(&json!([null, ""])));
    }

    proptest! {
        #[test]
        fn the_text_is_written_as_serde_writes_it(value in any_json()) {
            // Whose maps are sorted, unless a dependant switches on `preserve_order`.
            let sorted: Value = serde_json::from_str(&canonical_json(&value)).unwrap();
            prop_assert_eq!(canonical_json(&value), serde_json::to_string(&sorted).unwrap());
        }

        #[test]
        fn the_order_of_keys_does_not_matter(value in any_json(), seed: u64) {
            prop_assert_eq!(canonical_json(&reordered(&value, seed)), canonical_json(&value));
            let mirrored: Value = serde_json::from_str(&written_backwards(&value)).unwrap();
            prop_assert_eq!(fingerprint(&mirrored), fingerprint(&value));
        }

        #[test]
        fn the_text_reads_back_as_the_value(value in any_json()) {
            // So no two different values can share a text.
            prop_assert_eq!(serde_json::from_str::<Value>(&canonical_json(&value)).unwrap(), value);
        }

        #[test]
        fn different_values_differ(one in any_json(), other in any_json()) {
            prop_assert_eq!(one == other, fingerprint(&one) == fingerprint(&other));
        }

        #[test]
        fn bytes_and_hex_round_trip(bytes: [u8; 32]) {
            let whole = Fingerprint::from_bytes(bytes);
            prop_assert_eq!(whole.as_bytes(), &bytes);
            prop_assert_eq!(whole.to_hex().parse(), Ok(whole));
            let json = serde_json::to_string(&whole).unwrap();
            prop_assert_eq!(serde_json::from_str::<Fingerprint>(&json).unwrap(), whole);
        }
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<i16>().prop_map(|quarters| Value::from(f64::from(quarters) / 4.0 + 0.125)),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::btree_map(".{0,3}", inner, 0..5)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    /// The same value with the fields of every object inserted in another order.
    fn reordered(value: &Value, seed: u64) -> Value {
        match value {
            Value::Array(items) => items.iter().map(|item| reordered(item, seed)).collect(),
            Value::Object(fields) => {
                let mut fields: Vec<_> =
                    fields.iter().map(|(key, value)| (key.clone(), reordered(value, seed))).collect();
                let turn = seed as usize % fields.len().max(1);
                fields.rotate_left(turn);
                Value::Object(fields.into_iter().collect())
            }
            plain => plain.clone(),
        }
    }

    /// The value as text with blanks, and with the fields of every object in reverse.
    fn written_backwards(value: &Value) -> String {
        match value {
            Value::Array(items) => {
                let items: Vec<_> = items.iter().map(written_backwards).collect();
                format!("[ {} ]", items.join(" , "))
            }
            Value::Object(fields) => {
                let mut fields: Vec<_> = fields
                    .iter()
                    .map(|(key, value)| {
                        format!("{} : {}", Value::from(key.as_str()), written_backwards(value))
                    })
                    .collect();
                fields.reverse();
                format!("{{ {} }}", fields.join(" , "))
            }
            plain => plain.to_string(),
        }
    }
}
