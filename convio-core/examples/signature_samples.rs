//! Signs made-up deliveries, a line of JSON for each, and verifies those that another program signed. `scripts/check-signatures` is
//! that program.
//!
//! ```text
//! cargo run -q -p convio-core --features delivery --example signature_samples            writes samples
//! cargo run -q -p convio-core --features delivery --example signature_samples -- verify  reads samples, writes what holds
//! ```

use std::io::{BufRead, Write};

use convio_core::SequentialIds;
use convio_core::chrono::DateTime;
use convio_core::delivery::{
    SECRET_BYTES_MAX, SECRET_BYTES_MIN, SignedHeaders, SigningKeys, SigningSecret, Verifier,
};
use serde::{Deserialize, Serialize};

type Fallible = Result<(), Box<dyn std::error::Error>>;

/// A delivery as it is sent, with the secrets that signed it and the body as numbers.
#[derive(Serialize, Deserialize)]
struct Sample {
    secrets: Vec<String>,
    id: String,
    timestamp: String,
    signature: String,
    body: Vec<u8>,
}

fn main() -> Fallible {
    match std::env::args().nth(1).as_deref() {
        None => write(),
        Some("verify") => verify(),
        Some(other) => Err(format!("`{other}` is not `verify`").into()),
    }
}

fn write() -> Fallible {
    let ids = SequentialIds::seeded(1);
    let mut out = std::io::stdout().lock();
    let bodies =
        [&b""[..], b"{}", "{\"name\":\"Ünal 😀\"}".as_bytes(), &[0, 159, 146, 150, 255, b'.', b'\n']];
    for length in SECRET_BYTES_MIN..=SECRET_BYTES_MAX {
        let bytes: Vec<u8> = (0..length).map(|n| u8::try_from(n * 31 % 256).unwrap_or_default()).collect();
        let (secret, old) = (SigningSecret::from_bytes(&bytes)?, SigningSecret::new(&ids));
        for (n, body) in (0_i64..).zip(bodies) {
            let at = DateTime::from_timestamp(1_804_068_000 * n, 999_999_999).ok_or("a time")?;
            let id = format!("018f-{length}-{n}");
            let headers = SigningKeys::of(secret.clone()).and(old.clone()).sign(&id, at, body);
            let secrets = [&secret, &old].map(SigningSecret::expose).to_vec();
            let SignedHeaders { id, timestamp, signature } = headers;
            let sample = Sample { secrets, id, timestamp, signature, body: body.to_vec() };
            writeln!(out, "{}", serde_json::to_string(&sample)?)?;
        }
    }
    Ok(())
}

/// For each sample, whether it holds at the time that it says.
fn verify() -> Fallible {
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let Sample { secrets, id, timestamp, signature, body } = serde_json::from_str(&line?)?;
        let now = DateTime::from_timestamp(timestamp.parse()?, 0).ok_or("a time")?;
        let headers = SignedHeaders { id, timestamp, signature };
        let mut secrets = secrets.iter().map(|secret| secret.parse::<SigningSecret>());
        let verifier = Verifier::of(secrets.next().ok_or("a secret")??);
        let verifier = secrets.try_fold(verifier, |verifier, secret| {
            Ok::<_, Box<dyn std::error::Error>>(verifier.or(secret?))
        })?;
        writeln!(out, "{}", verifier.verify(&headers, &body, now).is_ok())?;
    }
    Ok(())
}
