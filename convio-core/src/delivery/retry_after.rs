use chrono::{DateTime, NaiveDateTime, Utc};

/// How many seconds from now a header `Retry-After` asks to wait, at most [`RETRY_AFTER_SECONDS_MAX`]; `None` where it can't be read.
///
/// It is a number of seconds, or a date in any of the three forms that HTTP has (RFC 9110, section 5.6.7). A date that is over is 0.
///
/// ```
/// use convio_core::delivery::retry_after_seconds;
/// let now = "1994-11-06T08:49:07Z".parse()?;
/// assert_eq!(retry_after_seconds("120", now), Some(120));
/// assert_eq!(retry_after_seconds("Sun, 06 Nov 1994 08:49:37 GMT", now), Some(30));
/// assert_eq!(retry_after_seconds("99999999999999999999", now), Some(86_400));
/// assert_eq!(retry_after_seconds("soon", now), None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn retry_after_seconds(header: &str, now: DateTime<Utc>) -> Option<u32> {
    let text = header.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(text.parse::<u32>().unwrap_or(u32::MAX).min(RETRY_AFTER_SECONDS_MAX));
    }
    let read = |form| NaiveDateTime::parse_from_str(text, form).ok();
    let until = DATE_FORMS.into_iter().find_map(read)?.and_utc();
    let wait = until - now;
    // A second that has begun is waited for to its end.
    let seconds = wait.num_seconds() + i64::from(wait.subsec_nanos() > 0);
    Some(u32::try_from(seconds.max(0)).unwrap_or(u32::MAX).min(RETRY_AFTER_SECONDS_MAX))
}

/// The longest wait that a receiver may ask for: the longest of the default schedule. Who is away for longer is tried anyway.
pub const RETRY_AFTER_SECONDS_MAX: u32 = 86_400;
/// IMF-fixdate, and the two older forms that every recipient must read.
const DATE_FORMS: [&str; 3] =
    ["%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"];
