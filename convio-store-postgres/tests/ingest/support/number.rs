//! The contact number of the n-th contact, restated apart from the SQL.

/// Coprime to 30, hence to 900,000, 9,000,000 and every further block.
pub(crate) const A: i64 = 618_037;

/// Where the first block starts to count.
pub(crate) const B: i64 = 271_828;

/// The number of the contact that `n` others came before: first all of 6 digits, then all of 7, and so on.
pub(crate) fn number(n: i64) -> i64 {
    let (mut least, mut rest) = (100_000, n);
    while rest >= 9 * least {
        rest -= 9 * least;
        least *= 10;
    }
    least + (A * rest + B) % (9 * least)
}
