use proptest::prelude::*;

use super::*;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
const BODY: &[u8] = br#"{"test": 2432232314}"#;

fn secret() -> SigningSecret {
    SECRET.parse().unwrap()
}

fn headers(id: &str, timestamp: &str, signature: &str) -> SignedHeaders {
    SignedHeaders { id: id.to_owned(), timestamp: timestamp.to_owned(), signature: signature.to_owned() }
}

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap()
}

/// The one vector that the libraries of Standard Webhooks share: `TestSymmetricWebhookSign` in
/// `libraries/go/webhook_symmetric_test.go` of github.com/standard-webhooks/standard-webhooks.
#[test]
fn the_signature_of_the_reference_libraries() {
    let signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    assert_eq!(secret().sign(ID, 1_614_265_330, BODY), signature);
    let signed = headers(ID, "1614265330", signature);
    assert_eq!(Verifier::of(secret()).verify(&signed, BODY, at(1_614_265_330)), Ok(at(1_614_265_330)));
}

/// Made with Python's `hmac` and `base64` by `scripts/check-signatures --vectors`: secrets of 24, 32, 63 and 64 bytes, of which the
/// n-th byte is n; an empty body; bytes that are no text.
#[test]
fn signatures_of_another_implementation() {
    for (length, body, signature) in [
        (24, &b""[..], "v1,VbXKuxI2QIEZTHgKtj85rMN62/CW3gV8v5y6t3DrlZI="),
        (32, br#"{"type":"lead.received"}"#, "v1,fXzOIVY4RnNeui1sPIGLLuBwvmSIGyHdL8zzIfsBd38="),
        (63, "{\"name\":\"Ünal\"}".as_bytes(), "v1,QAUfzEMD/xejUm029oZYGTpv7TpLeSEVyiJtKfsW+nI="),
        (64, &[0, 159, 146, 150, 255], "v1,Q2dDBjhKCrltDJvtnNt/OAX2qllIbunss9rjUWqb4hY="),
    ] {
        let bytes: Vec<u8> = (0..length).collect();
        let secret = SigningSecret::from_bytes(&bytes).unwrap();
        assert_eq!(
            secret.sign("018f3c1e-0000-7000-8000-000000000001", 1_804_068_000, body),
            signature,
            "{length}"
        );
    }
}

/// The cases of `TestSymmetricWebhook` in the same file.
#[test]
fn the_cases_of_the_reference_libraries() {
    let now = at(1_614_265_330);
    let good = secret().sign(ID, 1_614_265_330, BODY);
    let verify = |signed: &SignedHeaders| Verifier::of(secret()).verify(signed, BODY, now).err();
    let read = |id, timestamp, signature| {
        SignedHeaders::read(|name| match name {
            "webhook-id" => id,
            "webhook-timestamp" => timestamp,
            "webhook-signature" => signature,
            _ => None,
        })
    };
    let missing = |header| Err(SignatureError::Missing { header });
    assert_eq!(read(None, Some("1614265330"), Some(&good)), missing("webhook-id"));
    assert_eq!(read(Some(ID), None, Some(&good)), missing("webhook-timestamp"));
    assert_eq!(read(Some(ID), Some("1614265330"), Some("")), missing("webhook-signature"));
    assert_eq!(read(Some(ID), Some("1614265330"), Some(&good)), Ok(headers(ID, "1614265330", &good)));
    let other = "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc=";
    let v2 = other.replace("v1", "v2");
    for (signature, refused) in [
        (good.clone(), None),
        (other.to_owned(), Some(SignatureError::NoMatch)),
        ("v1,".to_owned(), Some(SignatureError::NoMatch)),
        (good.replace("v1,", ""), Some(SignatureError::NoMatch)),
        (good.replace("v1,", "v1a,"), Some(SignatureError::NoMatch)),
        (format!("{other} {v2}  {good} {other}"), None),
        (format!("{}{good}", format!("{other} ").repeat(SIGNATURES_MAX)), Some(SignatureError::NoMatch)),
    ] {
        assert_eq!(verify(&headers(ID, "1614265330", &signature)), refused, "{signature}");
    }
    for (timestamp, refused) in [
        (1_614_265_030, None),
        (1_614_265_029, Some(SignatureError::TooOld)),
        (1_614_265_630, None),
        (1_614_265_631, Some(SignatureError::TooNew)),
    ] {
        let signed = headers(ID, &timestamp.to_string(), &secret().sign(ID, timestamp, BODY));
        assert_eq!(verify(&signed), refused, "{timestamp}");
    }
    for timestamp in ["soon", "", "-1", "+1614265330", " 1614265330", "1614265330.5", "99999999999999999999"]
    {
        assert_eq!(verify(&headers(ID, timestamp, &good)), Some(SignatureError::Timestamp), "{timestamp}");
    }
    assert_eq!(verify(&headers(ID, "01614265330", &good)), Some(SignatureError::NoMatch));
}

#[test]
fn a_full_stop_moves_nothing_from_the_id_into_the_body() {
    let now = at(1_614_265_330);
    let signed = headers("a", "1614265330", &secret().sign("a", 1_614_265_330, b"5.b"));
    assert!(Verifier::of(secret()).verify(&signed, b"5.b", now).is_ok());
    let moved = headers("a.1614265330", "5", &signed.signature);
    let ancient = Verifier::of(secret()).tolerance_seconds(u32::MAX);
    assert_eq!(ancient.verify(&moved, b"b", at(5)), Err(SignatureError::NoMatch));
}

#[test]
fn secrets_have_one_form_and_bounded_lengths() {
    use base64::Engine as _;
    let text =
        |bytes: usize| format!("whsec_{}", base64::engine::general_purpose::STANDARD.encode(vec![7; bytes]));
    for (bytes, wrong) in [(0, true), (23, true), (24, false), (32, false), (64, false), (65, true)] {
        assert_eq!(text(bytes).parse::<SigningSecret>().is_err(), wrong, "{bytes}");
        assert_eq!(SigningSecret::from_bytes(&vec![7; bytes]).is_err(), wrong, "{bytes}");
    }
    let padded = text(32);
    let secret: SigningSecret = padded.parse().unwrap();
    assert_eq!(secret.expose(), padded);
    assert_eq!(padded.trim_end_matches('=').parse(), Ok(secret));
    for wrong in [
        "",
        "whsec_",
        "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whsk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa*w",
    ] {
        let error = wrong.parse::<SigningSecret>().unwrap_err();
        assert!(
            wrong.is_empty() || !error.to_string().contains(&wrong[wrong.len() / 2..]) || wrong == "whsec_",
            "{error}"
        );
    }
}

#[test]
fn new_secrets_are_of_32_bytes_and_never_the_same() {
    let ids = SequentialIds::seeded(1);
    let (one, two) = (SigningSecret::new(&ids), SigningSecret::new(&ids));
    assert_ne!(one, two);
    assert_eq!(one.expose().len(), "whsec_".len() + 44);
    assert_eq!(one.expose().parse(), Ok(one));
}

#[test]
fn a_retired_secret_signs_until_its_end() {
    let ids = SequentialIds::seeded(1);
    let [a, b, c] = [(); 3].map(|()| SigningSecret::new(&ids));
    let value = |secret: &SigningSecret| SecretSource::Value(secret.clone());
    let none = |_: &str| None;
    let holds = |signing: &Signing, secret: &SigningSecret, now| {
        let signed = signing.keys(now, &none).unwrap().sign(ID, now, BODY);
        Verifier::of(secret.clone()).verify(&signed, BODY, now).is_ok()
    };
    let signing = Signing::by(value(&a)).rotated(value(&b), start(), 24).unwrap();
    let hour = 3_600;
    for (seconds, old) in [(0, true), (24 * hour - 1, true), (24 * hour, false)] {
        assert!(holds(&signing, &b, after(seconds)));
        assert_eq!(holds(&signing, &a, after(seconds)), old, "{seconds}");
    }
    let twice = signing.rotated(value(&c), after(hour), 1).unwrap();
    assert!([&a, &b, &c].into_iter().all(|secret| holds(&twice, secret, after(hour))));
    assert!(!holds(&twice, &b, after(2 * hour)) && holds(&twice, &a, after(2 * hour)));
    let leaked = twice.rotated(value(&SigningSecret::new(&ids)), after(hour), 0).unwrap();
    assert!(
        leaked.retired.is_empty() && !holds(&leaked, &a, after(hour)) && !holds(&leaked, &c, after(hour))
    );
    assert!(signing.rotated(value(&b), start(), 24).is_err(), "the same again");
    assert!(signing.rotated(value(&c), start(), OVERLAP_HOURS_MAX + 1).is_err());
}

#[test]
fn secrets_that_sign_at_once_are_bounded() {
    let ids = SequentialIds::seeded(1);
    let new = || SecretSource::Value(SigningSecret::new(&ids));
    let mut signing = Signing::by(new());
    for _ in 1..SECRETS_MAX {
        signing = signing.rotated(new(), start(), 24).unwrap();
    }
    assert_eq!(signing.rotated(new(), start(), 24).unwrap_err().reasons()[0].code, "too_many");
    assert_eq!(signing.rotated(new(), after(24 * 3_600), 24).unwrap().retired.len(), 1);
    let signed = signing.keys(start(), &|_| None).unwrap().sign(ID, start(), BODY);
    assert_eq!(signed.signature.split(' ').count(), SECRETS_MAX);
}

#[test]
fn secrets_elsewhere_are_asked_for_by_name_and_kept_nowhere() {
    let vault = |name: &str| (name == "acme").then(secret);
    let signing = Signing::by(SecretSource::reference("acme"));
    assert_eq!(signing.keys(start(), &vault), Ok(SigningKeys::of(secret())));
    let gone = Signing::by(SecretSource::reference("gone"));
    assert_eq!(gone.keys(start(), &vault), Err(SecretMissing));
    let rotated = gone.rotated(SecretSource::reference("acme"), start(), 24).unwrap();
    assert_eq!(
        rotated.keys(start(), &vault),
        Ok(SigningKeys::of(secret())),
        "an old one that is gone signs no more"
    );
    let text = serde_json::to_string(&signing).unwrap();
    assert_eq!(text, r#"{"secret":{"reference":"acme"}}"#);
    for wrong in ["", " ", "a\0b", &"x".repeat(REFERENCE_BYTES_MAX + 1)] {
        assert!(signing.rotated(SecretSource::reference(wrong), start(), 24).is_err());
    }
}

proptest! {
    #[test]
    fn what_is_signed_is_verified_and_one_bit_changes_that(
        key in prop::collection::vec(any::<u8>(), SECRET_BYTES_MIN..=SECRET_BYTES_MAX),
        id in "[a-zA-Z0-9_-]{1,40}",
        seconds in 0_i64..10_000_000_000,
        body in prop::collection::vec(any::<u8>(), 0..200),
        flip in any::<prop::sample::Index>(),
    ) {
        let secret = SigningSecret::from_bytes(&key).unwrap();
        let now = at(seconds);
        let signed = SigningKeys::of(secret.clone()).sign(&id, now, &body);
        let verifier = Verifier::of(secret);
        prop_assert_eq!(verifier.verify(&signed, &body, now), Ok(now));

        let parts: [Vec<u8>; 5] =
            [id.into_bytes(), signed.timestamp.clone().into_bytes(), signed.signature.clone().into_bytes(), body, key];
        let bit = flip.index(parts.iter().map(|part| part.len() * 8).sum());
        let mut left = bit;
        let mut parts = parts;
        for part in &mut parts {
            if left < part.len() * 8 {
                part[left / 8] ^= 1 << (left % 8);
                break;
            }
            left -= part.len() * 8;
        }
        let [id, timestamp, signature, body, key] = parts;
        let text = String::from_utf8;
        if let (Ok(id), Ok(timestamp), Ok(signature)) = (text(id), text(timestamp), text(signature)) {
            let verifier = Verifier::of(SigningSecret::from_bytes(&key).unwrap()).tolerance_seconds(u32::MAX);
            prop_assert!(verifier.verify(&headers(&id, &timestamp, &signature), &body, now).is_err());
        }
    }

    #[test]
    fn no_header_is_a_reason_to_panic(id in "\\PC{0,9}", timestamp in "[-+0-9.]{0,22}", signature in "(v1,)?\\PC{0,60}") {
        let _ = Verifier::of(secret()).verify(&headers(&id, &timestamp, &signature), b"", start());
        let _ = signature.parse::<SigningSecret>();
    }
}
