//! Phone numbers against libphonenumber's answers, and laws that hold for every text.
//!
//! `tests/data/phone_vectors.csv` has 10,000 texts with the answers of Python's `phonenumbers`; see the
//! README beside it. [`own_rule`] lists where convio decides otherwise on purpose.
#![cfg(feature = "phone")]
#![expect(clippy::print_stdout, reason = "the scores are what these tests are read for")]

use std::collections::BTreeMap;
use std::fmt::Write as _;

use convio_core::phone::{DIGITS_MAX, DIGITS_MIN, Phone, PhoneDamage, PhoneReason, Region, Validity, digits};
use proptest::prelude::*;

#[test]
fn answers_agree_with_libphonenumber() {
    let rows = rows();
    let stable = rows.iter().filter(|row| row.is_stable);
    let (mut total, mut missed, mut equal, mut own_kept) = (0_u32, 0_u32, 0_u32, 0_u32);
    let mut misses = String::new();
    let mut own: BTreeMap<&str, u32> = BTreeMap::new();
    for row in stable {
        total += 1;
        let answer = row.answer();
        let rule = own_rule(row);
        if let Some(rule) = &rule {
            *own.entry(rule.name).or_default() += 1;
            own_kept += u32::from(agrees(&answer, &rule.answer));
        }
        equal += u32::from(agrees(&answer, &row.oracle()));
        let wanted = rule.map_or_else(|| row.oracle(), |rule| rule.answer);
        if !agrees(&answer, &wanted) {
            missed += 1;
            writeln!(misses, "{row:?}\n    wanted {wanted:?}\n    got    {answer:?}").unwrap();
        }
    }
    let agreement = f64::from(total - missed) / f64::from(total);
    println!(
        "phone vectors: {total} rows, {:.3} % agree ({missed} miss); {equal} equal to libphonenumber, \
         {own_kept} decided otherwise by own rule: {own:?}\n{misses}",
        100.0 * agreement,
    );
    assert!(total > 9_800, "{total} rows");
    assert!(agreement >= 0.999, "{misses}");
    // The rules must not grow into an excuse.
    assert!(own.values().sum::<u32>() * 100 < total * 2, "{own:?}");
    assert!(own["starts with a trunk prefix"] < 30, "{own:?}");
}

#[test]
fn masked_numbers_are_rejected_and_no_other_row_is_lost_to_that_rule() {
    let (mut masked, mut others) = (0, 0);
    for row in rows() {
        let damage = row.answer().err().map(|(_, damage)| damage);
        if row.category.contains("masked") {
            assert_eq!(damage, Some(Some(PhoneDamage::Masked)), "{row:?}");
            masked += 1;
        } else if row.oracle().is_ok() {
            assert_ne!(damage, Some(Some(PhoneDamage::Masked)), "{row:?}");
            others += 1;
        }
    }
    assert!(masked > 100 && others > 6_000, "{masked} masked rows, {others} others");
}

#[test]
fn damage_is_named() {
    let mut named: BTreeMap<&str, [u32; 2]> = BTreeMap::new();
    for row in rows() {
        let damage = match row.category.trim_start_matches("foreign_default:") {
            "sci_notation" | "thousands_commas" | "float_dot0" => PhoneDamage::SpreadsheetNumber,
            "two_numbers_or" | "two_numbers_slash" => PhoneDamage::SeveralNumbers,
            "sentence" => PhoneDamage::Sentence,
            _ => continue,
        };
        let found = row.answer().expect_err(&row.raw).1;
        let [right, total] = named.entry(damage.as_str()).or_default();
        *right += u32::from(found == Some(damage));
        *total += 1;
    }
    println!("damage named, of rows: {named:?}");
    assert_eq!(named.len(), 3);
    // A number of five digits beside another one is not told from an area code.
    assert!(named.values().all(|[right, total]| right * 100 >= total * 97), "{named:?}");
}

/// PHN-1: the same number in many spellings has one key.
#[test]
fn spellings_of_one_number_have_one_key() {
    let us = region("US");
    for raw in [
        "2125550123",
        "(212) 555-0123",
        "212.555.0123",
        "1 212 555 0123",
        "+1 (212) 555‑0123",
        "011 1 212 555 0123",
        "tel:+1-212-555-0123",
        "+１ ２１２ ５５５ ０１２３",
        "\u{202a}+12125550123\u{202c}",
    ] {
        assert_eq!(Phone::parse(raw, us).unwrap().phone.e164(), "+12125550123", "{raw}");
    }
    assert_eq!(Phone::parse("020 7946 0018", region("gb")).unwrap().phone.e164(), "+442079460018");
    assert_eq!(Phone::parse("212-555-0123", None).unwrap_err().reason(), PhoneReason::InvalidCountryCode);
    assert_eq!(
        Phone::parse("212-555-0123", region("AQ")).unwrap_err().reason(),
        PhoneReason::InvalidCountryCode
    );
}

/// PHN-3: an e-mail address and other letters are no number; a vanity number is one.
#[test]
fn letters_make_a_number_only_as_a_vanity_number() {
    let us = region("US");
    for raw in [
        "1-800-FLOWERS",
        "1 800 GO SOLAR",
        "(800) SIX-FLAG",
        "+1 800 COLLECT",
        "1-888-CAR-2000",
        "212-CALL-NOW",
    ] {
        assert!(Phone::parse(raw, us).is_ok(), "{raw}");
    }
    for (raw, damage) in [
        ("someletters1110@example.com", None),
        ("2125550123@example.com", None),
        ("a@2125550123", None),
        ("212-555-01XX", Some(PhoneDamage::Masked)),
        ("(XXX) XXX-0123", Some(PhoneDamage::Masked)),
        ("xxx xxx 212 555 0123", Some(PhoneDamage::Masked)),
        ("212 555 NNNN", Some(PhoneDamage::Masked)),
        ("121a5b5c012", Some(PhoneDamage::Masked)),
        ("2345 Main St", Some(PhoneDamage::Sentence)),
        ("212-555-0123 call after 6", Some(PhoneDamage::Sentence)),
        ("212-555-0123, 646-555-0199", Some(PhoneDamage::SeveralNumbers)),
        ("212 555 0123 or 646 555 0199", Some(PhoneDamage::SeveralNumbers)),
        ("unknown", None),
    ] {
        let error = Phone::parse(raw, us).expect_err(raw);
        assert_eq!(error.damage(), damage, "{raw}: {error}");
    }
    // Two letters are dropped; three would be dialled, and the longer number is a possible one.
    let short = Phone::parse("0800 1234567 ab", region("DE")).unwrap();
    assert_eq!(short.phone.e164(), "+498001234567");
    let error = Phone::parse("0800 1234567 alt", region("DE")).unwrap_err();
    assert_eq!((error.reason(), error.damage()), (PhoneReason::NotANumber, Some(PhoneDamage::Sentence)));
    let slashed = Phone::parse("0049 30 12/3456789", region("DE")).unwrap();
    assert_eq!(slashed.phone.e164(), "+4930123456789");
    let error = Phone::parse("0212345/0212346", region("DE")).unwrap_err();
    assert_eq!(error.damage(), Some(PhoneDamage::SeveralNumbers));
    let error = Phone::parse("2125550123.0", region("DE")).unwrap_err();
    assert_eq!(error.damage(), Some(PhoneDamage::SpreadsheetNumber));
}

#[test]
fn texts_beyond_the_engine_are_rejected() {
    let us = region("US");
    for raw in
        ["2125550123;phone-context=+1;tel:5", ";phone-context=tel:", "1;phone-context=+12125550123;tel:"]
    {
        assert_eq!(Phone::parse(raw, us).unwrap_err().reason(), PhoneReason::NotANumber, "{raw}");
    }
    for raw in ["15,024", "41#,5", "63 #5("] {
        assert_eq!(Phone::parse(raw, us).unwrap_err().reason(), PhoneReason::NotANumber, "{raw}");
    }
    assert_eq!(Phone::parse("41", us).unwrap_err().reason(), PhoneReason::TooShort);
    assert_eq!(Phone::parse("4 1x 5", us).unwrap_err().reason(), PhoneReason::TooShort);
    let padded = format!("2125550123{}", " ".repeat(240));
    assert!(Phone::parse(&padded, us).is_ok());
    assert_eq!(Phone::parse(&format!("{padded} "), us).unwrap_err().reason(), PhoneReason::ParseTooLong);
    // Sixteen digits are possible in the data of Germany, and no E.164 number.
    assert_eq!(Phone::parse("80012345678693", region("DE")).unwrap_err().reason(), PhoneReason::TooLong);
}

#[test]
fn errors_tell_nothing_of_the_number() {
    for row in rows() {
        if let Err(error) = Phone::parse(&row.raw, row.region) {
            let shown = format!("{error} {error:?} {}", serde_json::to_string(&error).unwrap());
            assert!(!shown.contains(|c: char| c.is_ascii_digit()), "{shown}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// PHN-2 and PHN-4: no text panics, and what was read reads back as itself.
    #[test]
    fn any_text_is_read_or_rejected(raw in any_text(), region in any_region()) {
        check_laws(&raw, region)?;
    }

    /// The same on texts that are nearly phone numbers.
    #[test]
    fn any_near_number_is_read_or_rejected(raw in near_number(), region in any_region()) {
        check_laws(&raw, region)?;
    }
}

fn check_laws(raw: &str, region: Option<Region>) -> Result<(), TestCaseError> {
    if let Ok(read) = Phone::parse(raw, region) {
        let again = Phone::parse(read.phone.e164(), None);
        prop_assert_eq!(again.as_ref().map(|again| &again.phone), Ok(&read.phone));
        prop_assert_eq!(again.map(|again| again.extension), Ok(None));
        let stored = Phone::from_e164(read.phone.e164(), read.phone.validity());
        prop_assert_eq!(stored.as_ref(), Ok(&read.phone));
        let extension = read.extension.unwrap_or_default();
        prop_assert!(extension.bytes().all(|byte| byte.is_ascii_digit()));
    }
    if let Some(key) = digits(raw) {
        prop_assert!((DIGITS_MIN..=DIGITS_MAX).contains(&key.len()));
        prop_assert!(key.bytes().all(|byte| byte.is_ascii_digit()));
        let again = digits(&key);
        prop_assert_eq!(again.as_ref(), Some(&key));
    }
    Ok(())
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "\\PC{0,80}",
        proptest::collection::vec(any::<char>(), 0..300).prop_map(String::from_iter)
    ]
}

fn near_number() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        4 => "[0-9]{1,5}",
        2 => "[-+ ().,/;#*~x]{1,2}",
        1 => "[٠-٩０-９৪𝟏]{1,4}",
        1 => "[a-zA-Zéх@•_?]{1,4}",
        1 => prop_oneof![
            Just("tel:"), Just(";phone-context="), Just(";isub="), Just(";ext="), Just(" ext. "), Just("+1"), Just("+49"),
            Just("+"), Just("00"), Just("\u{200b}"), Just("example.com"), Just("E+10"), Just(".0"), Just("доб"), Just("\n"),
        ].prop_map(String::from),
    ];
    proptest::collection::vec(part, 0..9).prop_map(|parts| parts.concat())
}

fn any_region() -> impl Strategy<Value = Option<Region>> {
    let codes = ["US", "CA", "GB", "DE", "IT", "AR", "MX", "BR", "JP", "AU", "IN", "SM", "KZ", "AD", "AQ"];
    prop_oneof![Just(None), proptest::sample::select(codes.to_vec()).prop_map(region)]
}

/// The number, its validity and its extension; or the reason and the damage.
type Answer = Result<(String, Validity, Option<String>), (PhoneReason, Option<PhoneDamage>)>;

/// Whether the answers are the same. Damage counts where one is wanted: libphonenumber knows none.
fn agrees(answer: &Answer, wanted: &Answer) -> bool {
    match (answer, wanted) {
        (Err((reason, _)), Err((wanted_reason, None))) => reason == wanted_reason,
        _ => answer == wanted,
    }
}

/// An answer that differs from libphonenumber's on purpose.
struct OwnRule {
    name: &'static str,
    answer: Answer,
}

/// Where convio rejects what libphonenumber takes. The answer of a row that libphonenumber rejects too
/// is its reason, so that every row has exactly one right answer.
fn own_rule(row: &Row) -> Option<OwnRule> {
    let category = row.category.trim_start_matches("foreign_default:");
    let read = row.oracle().ok()?;
    if read.0.len() > 16 {
        return Some(OwnRule { name: "more than 15 digits", answer: Err((PhoneReason::TooLong, None)) });
    }
    let (name, damage) = match category {
        "masked_x" | "masked_star" => ("masked", PhoneDamage::Masked),
        "float_dot0" => ("decimal part", PhoneDamage::SpreadsheetNumber),
        "sentence" | "suffix_home" | "suffix_mobile" => ("words dialled", PhoneDamage::Sentence),
        // Its E.164 text would not read back, which only numbers in no assigned range do.
        _ if read.1 == Validity::Possible && !reads_back(&read.0) => {
            return Some(OwnRule {
                name: "starts with a trunk prefix",
                answer: Err((PhoneReason::NotANumber, None)),
            });
        }
        _ => return None,
    };
    Some(OwnRule { name, answer: Err((PhoneReason::NotANumber, Some(damage))) })
}

fn reads_back(e164: &str) -> bool {
    Phone::parse(e164, None).is_ok_and(|again| again.phone.e164() == e164)
}

#[derive(Debug)]
struct Row {
    category: String,
    region: Option<Region>,
    raw: String,
    expected: String,
    e164_if_parsed: String,
    extension: Option<String>,
    is_stable: bool,
}

impl Row {
    fn answer(&self) -> Answer {
        Phone::parse(&self.raw, self.region)
            .map(|read| (read.phone.e164().to_owned(), read.phone.validity(), read.extension))
            .map_err(|error| (error.reason(), error.damage()))
    }

    fn oracle(&self) -> Answer {
        let reason = match self.expected.trim_start_matches("INVALID:") {
            "NOT_VALID" => {
                return Ok((self.e164_if_parsed.clone(), Validity::Possible, self.extension.clone()));
            }
            "PARSE_NOT_A_NUMBER" => PhoneReason::NotANumber,
            "PARSE_INVALID_COUNTRY_CODE" => PhoneReason::InvalidCountryCode,
            "PARSE_TOO_SHORT_AFTER_IDD" => PhoneReason::TooShortAfterIdd,
            "PARSE_TOO_SHORT_NSN" => PhoneReason::TooShortNsn,
            "PARSE_TOO_LONG" => PhoneReason::ParseTooLong,
            "TOO_SHORT" => PhoneReason::TooShort,
            "TOO_LONG" => PhoneReason::TooLong,
            "INVALID_LENGTH" => PhoneReason::InvalidLength,
            "IS_POSSIBLE_LOCAL_ONLY" => PhoneReason::LocalOnly,
            number => return Ok((number.to_owned(), Validity::Valid, self.extension.clone())),
        };
        Err((reason, None))
    }
}

fn region(code: &str) -> Option<Region> {
    code.parse().ok()
}

fn rows() -> Vec<Row> {
    let mut records = csv(include_str!("data/phone_vectors.csv")).into_iter();
    let header = records.next().unwrap();
    let column = |name: &str| header.iter().position(|field| field == name).unwrap();
    let [category, default_region, raw, expected, e164_if_parsed, extension, meta_stable] =
        ["category", "default_region", "raw", "expected", "e164_if_parsed", "extension", "meta_stable"]
            .map(column);
    records
        .map(|record| Row {
            category: record[category].clone(),
            // An unknown region counts as none, as it does in libphonenumber.
            region: region(&record[default_region]),
            raw: record[raw].clone(),
            expected: record[expected].clone(),
            e164_if_parsed: record[e164_if_parsed].clone(),
            extension: Some(record[extension].clone()).filter(|text| !text.is_empty()),
            is_stable: record[meta_stable] == "1",
        })
        .collect()
}

/// Records of a comma-separated text with quoted fields, quotes doubled inside them.
fn csv(text: &str) -> Vec<Vec<String>> {
    let mut records = vec![vec![String::new()]];
    let mut quoted = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let record = records.last_mut().unwrap();
        match c {
            '"' if quoted && chars.next_if_eq(&'"').is_some() => record.last_mut().unwrap().push('"'),
            '"' => quoted = !quoted,
            ',' if !quoted => record.push(String::new()),
            '\n' if !quoted => records.push(vec![String::new()]),
            '\r' if !quoted && chars.peek() == Some(&'\n') => {}
            _ => record.last_mut().unwrap().push(c),
        }
    }
    records.retain(|record| record.len() > 1);
    records
}
