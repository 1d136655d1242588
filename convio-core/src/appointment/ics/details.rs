use std::fmt;

use chrono::{DateTime, Utc};
use icalendar::Property;

use crate::appointment::text_reason;
use crate::email::Email;
use crate::error::Reason;

/// What a calendar says of an appointment: only what is given here. `Debug` shows none of it.
///
/// Line ends of any kind become those of iCalendar; other control characters are left out.
#[derive(Clone, PartialEq, Eq)]
pub struct Details {
    pub(super) summary: String,
    pub(super) description: Option<String>,
    pub(super) location: Option<String>,
    pub(super) attendees: Vec<Mailbox>,
    pub(super) stamped_at: Option<DateTime<Utc>>,
}

impl Details {
    /// With this title.
    pub fn new(summary: impl Into<String>) -> Self {
        let summary = summary.into();
        Self { summary, description: None, location: None, attendees: Vec::new(), stamped_at: None }
    }

    /// With this text.
    #[must_use]
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// At this place.
    #[must_use]
    pub fn location(mut self, location: impl Into<String>) -> Self {
        self.location = Some(location.into());
        self
    }

    /// With this person, besides those named before.
    #[must_use]
    pub fn attendee(mut self, attendee: Mailbox) -> Self {
        self.attendees.push(attendee);
        self
    }

    /// Written at this time. Until told otherwise it is when the appointment was stored or came to its end, so that the same row gives
    /// the same file; of two files with the same sequence, a calendar keeps the one written later.
    #[must_use]
    pub fn stamped_at(mut self, at: DateTime<Utc>) -> Self {
        self.stamped_at = Some(at);
        self
    }

    pub(super) fn reasons(&self) -> Vec<Reason> {
        let mut reasons = Vec::new();
        reasons.extend(text_reason("summary", Some(&self.summary)));
        reasons.extend(text_reason("description", self.description.as_deref()));
        reasons.extend(text_reason("location", self.location.as_deref()));
        if self.attendees.len() > ATTENDEES_MAX {
            let message = format!("an appointment has at most {ATTENDEES_MAX} attendees");
            reasons.push(Reason::new("attendees", "too_many", message));
        }
        for (n, attendee) in self.attendees.iter().enumerate() {
            reasons.extend(attendee.reasons(&format!("attendees[{n}]")));
        }
        reasons
    }
}

impl fmt::Debug for Details {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Details({} attendees)", self.attendees.len())
    }
}

/// A person or a department by their e-mail address. `Debug` masks both parts.
///
/// ```
/// use convio_core::appointment::ics::Mailbox;
/// let ana = Mailbox::new("ana@example.com".parse()?).name("Ana Lima");
/// assert_eq!(format!("{ana:?}"), "Mailbox(A*** a***@e***.com)");
/// # Ok::<(), convio_core::email::EmailError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Mailbox {
    email: Email,
    name: Option<String>,
}

impl Mailbox {
    /// Whoever has this address.
    pub fn new(email: Email) -> Self {
        Self { email, name: None }
    }

    /// Shown by this name.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    pub(super) fn reasons(&self, field: &str) -> Vec<Reason> {
        text_reason(&format!("{field}.name"), self.name.as_deref()).into_iter().collect()
    }

    pub(super) fn property(&self, key: &str) -> Property {
        let mut property = Property::new(key, mailto(&self.email));
        if let Some(name) = &self.name {
            property.add_parameter("CN", &parameter(name));
        }
        property
    }
}

impl fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name.as_ref().map(|name| format!("{} ", crate::text::mask(name)));
        write!(f, "Mailbox({}{})", name.unwrap_or_default(), self.email.masked())
    }
}

/// A text that stands in a calendar whatever it holds: `\n` for every line end of Unicode, no other control character but tabs.
pub(super) fn clean(text: &str) -> String {
    let mut cleaned = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\r' if chars.peek() == Some(&'\n') => {}
            '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => cleaned.push('\n'),
            '\t' => cleaned.push(c),
            c if c.is_control() => {}
            c => cleaned.push(c),
        }
    }
    cleaned
}

/// A text as the value of a parameter: quotes, line ends and carets by RFC 6868. The crate adds the quotes around it.
fn parameter(text: &str) -> String {
    clean(text).replace('^', "^^").replace('"', "^'").replace('\n', "^n")
}

/// The address as a URI (RFC 6068): what means something in a URI is percent-encoded, and so is what is not ASCII.
fn mailto(email: &Email) -> String {
    use std::fmt::Write as _;

    let mut uri = "mailto:".to_owned();
    for byte in email.as_str().bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => uri.push(char::from(byte)),
            b'-' | b'.' | b'_' | b'~' | b'!' | b'$' | b'\'' | b'*' | b'+' | b'@' => {
                uri.push(char::from(byte))
            }
            _ => _ = write!(uri, "%{byte:02X}"),
        }
    }
    uri
}

/// Most people asked to one appointment. More is a mailing list.
const ATTENDEES_MAX: usize = 100;
