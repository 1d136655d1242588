//! The table as `scripts/us-zips` packs it; `data/README.md` of the crate describes it.

use super::{Point, UsZip};
use crate::postal::PostalCode;

/// A ZIP code by its number.
pub(super) fn find(number: u32) -> Option<UsZip> {
    let (mut from, mut to) = (0, ROWS);
    while from < to {
        let middle = from + (to - from) / 2;
        match head(middle) >> (1 + STATE_BITS) {
            found if found == number => return zip(middle),
            found if found < number => from = middle + 1,
            _ => to = middle,
        }
    }
    None
}

/// All of them, in order.
pub(super) fn all() -> impl Iterator<Item = UsZip> {
    (0..ROWS).filter_map(zip)
}

/// What a row says. There is none that says nothing, which the tests show.
fn zip(row: usize) -> Option<UsZip> {
    let head = head(row);
    let code = PostalCode::parse(&format!("{:05}", head >> (1 + STATE_BITS))).ok()?;
    let state = 1 + 2 * (head & ((1 << STATE_BITS) - 1)) as usize;
    let (latitude, longitude) = (signed(row, 3), signed(row, 6));
    Some(UsZip {
        code,
        state: str::from_utf8(&TABLE[state..state + 2]).ok()?,
        is_active: head >> STATE_BITS & 1 == 1,
        point: ((latitude, longitude) != (0, 0))
            .then(|| Point::of_millionths(latitude * MILLIONTHS, longitude * MILLIONTHS)),
    })
}

fn head(row: usize) -> u32 {
    u32::from_be_bytes([0, byte(row, 0), byte(row, 1), byte(row, 2)])
}

/// Three bytes from a place in a row on.
fn signed(row: usize, at: usize) -> i32 {
    i32::from_be_bytes([byte(row, at), byte(row, at + 1), byte(row, at + 2), 0]) >> 8
}

fn byte(row: usize, at: usize) -> u8 {
    TABLE[FIRST + row * ROW + at]
}

static TABLE: &[u8] = include_bytes!("../../../data/us_zips.bin");
/// Where the rows begin: after the number of states and their letters.
const FIRST: usize = 1 + 2 * TABLE[0] as usize;
/// Bytes of a row.
const ROW: usize = 9;
const ROWS: usize = (TABLE.len() - FIRST) / ROW;
const STATE_BITS: u32 = 6;
/// Of a degree, in a unit of the table.
const MILLIONTHS: i32 = 100;
