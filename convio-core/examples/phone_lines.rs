//! Reads phone numbers line by line, for comparing with other readers.
//!
//! A line of input is a region code (or nothing), a tab, and the text as a JSON string. A line of output is
//! a JSON object: `{"e164", "validity", "extension"}`, or `{"reason", "damage"}` of a rejected text; both
//! with `"digits"`, the weaker key.
//!
//! ```text
//! printf 'US\t"(212) 555-0123"\n' | cargo run -q --example phone_lines
//! ```

use std::io::{self, BufRead as _, Write as _};

use convio_core::phone::{Phone, Region, digits};
use serde_json::json;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    for line in io::stdin().lock().lines() {
        let line = line?;
        let (region, text) = line.split_once('\t').ok_or("a line without a tab")?;
        let region: Option<Region> = if region.is_empty() { None } else { Some(region.parse()?) };
        let raw: String = serde_json::from_str(text)?;
        let answer = match Phone::parse(&raw, region) {
            Ok(read) => json!({
                "e164": read.phone.e164(),
                "validity": read.phone.validity(),
                "extension": read.extension,
                "digits": digits(&raw),
            }),
            Err(error) => json!({
                "reason": error.reason(),
                "damage": error.damage(),
                "digits": digits(&raw),
            }),
        };
        writeln!(out, "{answer}")?;
    }
    Ok(out.flush()?)
}
