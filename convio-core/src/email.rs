//! E-mail addresses, checked by form once at the edge.
//!
//! Whether an address exists is not known here. The rules are those of addresses that people really
//! give on a form, narrower than the standard: no display name, no quoted local part, no address of
//! a host by number, and a domain with a top level.

use std::fmt;
use std::str::FromStr;

use email_address::{EmailAddress, Options};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::text;

/// An e-mail address: the local part as written, the domain in lower case.
///
/// A domain beyond ASCII stays as it was typed, in lower case; it is not turned into `xn--` form.
/// Equality is that of the address as kept; two spellings of one address are matched by
/// [`Email::folded`]. `Debug` masks; `Display` shows the address.
///
/// ```
/// use convio_core::email::Email;
///
/// let email = Email::parse(" mailto:Ana.Lima@Example.COM ")?;
/// assert_eq!(email.as_str(), "Ana.Lima@example.com");
/// assert_eq!(email.folded(), "ana.lima@example.com");
/// assert_eq!(format!("{email:?}"), "Email(A***@e***.com)");
/// # Ok::<(), convio_core::email::EmailError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Email(String);

impl Email {
    /// Reads an address. Blanks around it, zero-width characters too, and a leading `mailto:` with
    /// its query are dropped.
    ///
    /// # Errors
    ///
    /// The first rule it breaks, see [`EmailError`]. No error repeats the address.
    ///
    /// ```
    /// use convio_core::email::{Email, EmailError};
    ///
    /// assert_eq!(Email::parse("ana.example.com"), Err(EmailError::NoAt));
    /// assert_eq!(Email::parse("ana@localhost"), Err(EmailError::NoTopLevel));
    /// ```
    pub fn parse(text: &str) -> Result<Self, EmailError> {
        let text = bare(text)?;
        if text.is_empty() {
            return Err(EmailError::Empty);
        }
        let (local, domain) = text.rsplit_once('@').ok_or(EmailError::NoAt)?;
        // Before any check: lower-casing may change letters beyond ASCII, and what is kept is checked.
        let mut address = String::with_capacity(text.len());
        address.push_str(&text[..local.len() + 1]);
        if domain.is_ascii() {
            address.extend(domain.chars().map(|c| c.to_ascii_lowercase()));
        } else {
            address.push_str(&domain.to_lowercase());
        }
        if address.len() > EMAIL_BYTES_MAX {
            return Err(EmailError::TooLong);
        }
        check_local(local)?;
        check_domain(&address[local.len() + 1..])?;
        let options = Options::default().with_required_tld().without_display_text().without_domain_literal();
        EmailAddress::parse_with_options(&address, options).map_err(EmailError::from)?;
        Ok(Self(address))
    }

    /// The whole address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands behind the `@`, in lower case.
    #[must_use]
    pub fn domain(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, domain)| domain)
    }

    /// The form in which addresses are matched: the whole in lower case.
    ///
    /// Dots and `+tags` stay, because only the owner of the domain knows whether they matter.
    ///
    /// ```
    /// use convio_core::email::Email;
    ///
    /// assert_eq!(Email::parse("A.Lima+Solar@x.com")?.folded(), "a.lima+solar@x.com");
    /// # Ok::<(), convio_core::email::EmailError>(())
    /// ```
    #[must_use]
    pub fn folded(&self) -> String {
        self.0.to_lowercase()
    }

    /// The address as it may appear in a log: the first character of either side and the top level.
    ///
    /// ```
    /// use convio_core::email::Email;
    ///
    /// assert_eq!(Email::parse("ana@lima.co.uk")?.masked(), "a***@l***.uk");
    /// # Ok::<(), convio_core::email::EmailError>(())
    /// ```
    #[must_use]
    pub fn masked(&self) -> String {
        // A domain may be a family name, so it is masked too.
        let top_level = self.0.rsplit_once('.').map_or("", |(_, top_level)| top_level);
        format!("{}@{}.{top_level}", text::mask(&self.0), text::mask(self.domain()))
    }
}

impl FromStr for Email {
    type Err = EmailError;

    fn from_str(text: &str) -> Result<Self, EmailError> {
        Self::parse(text)
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Email({})", self.masked())
    }
}

impl Serialize for Email {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Email {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// Why a text is no e-mail address. The text itself is personal and is not repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum EmailError {
    /// Nothing but blanks.
    #[error("the e-mail address is empty")]
    Empty,
    /// No `@`.
    #[error("the e-mail address has no `@`")]
    NoAt,
    /// More than [`EMAIL_BYTES_MAX`] bytes, or a part longer than the standard allows.
    #[error("the e-mail address is too long")]
    TooLong,
    /// Nothing in front of the `@`.
    #[error("the e-mail address has nothing in front of the `@`")]
    LocalEmpty,
    /// A local part in quotes.
    #[error("the e-mail address has a quoted local part, which is not supported")]
    LocalQuoted,
    /// The local part has a character or a dot where none may be.
    #[error("the e-mail address has a character or a dot where none may be, in front of the `@`")]
    LocalInvalid,
    /// Two dots in a row in the domain, one at an end of it, or nothing behind the `@`.
    #[error("the domain of the e-mail address has an empty part")]
    LabelEmpty,
    /// An underscore in the domain.
    #[error("the domain of the e-mail address has an underscore")]
    DomainUnderscore,
    /// The domain has a character or a hyphen where none may be, or is a host by number.
    #[error("the domain of the e-mail address has a character or a hyphen where none may be")]
    DomainInvalid,
    /// The domain has one part only.
    #[error("the domain of the e-mail address has no top level, as in `.com`")]
    NoTopLevel,
    /// The last part of the domain is a number.
    #[error("the domain of the e-mail address ends in a number")]
    TopLevelNumeric,
}

impl EmailError {
    /// A stable name of the reason, in snake case.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            EmailError::Empty => "email_empty",
            EmailError::NoAt => "email_no_at",
            EmailError::TooLong => "email_too_long",
            EmailError::LocalEmpty => "email_local_empty",
            EmailError::LocalQuoted => "email_local_quoted",
            EmailError::LocalInvalid => "email_local_invalid",
            EmailError::LabelEmpty => "email_label_empty",
            EmailError::DomainUnderscore => "email_domain_underscore",
            EmailError::DomainInvalid => "email_domain_invalid",
            EmailError::NoTopLevel => "email_no_top_level",
            EmailError::TopLevelNumeric => "email_top_level_numeric",
        }
    }
}

impl From<email_address::Error> for EmailError {
    fn from(error: email_address::Error) -> Self {
        use email_address::Error;
        match error {
            Error::LocalPartTooLong | Error::DomainTooLong | Error::SubDomainTooLong => EmailError::TooLong,
            Error::LocalPartEmpty => EmailError::LocalEmpty,
            Error::DomainEmpty | Error::SubDomainEmpty => EmailError::LabelEmpty,
            Error::DomainTooFew => EmailError::NoTopLevel,
            Error::MissingSeparator => EmailError::NoAt,
            // The domain's characters are checked by our own, narrower rule first.
            _ => EmailError::LocalInvalid,
        }
    }
}

/// The text without blanks around it and without `mailto:` and its query.
fn bare(text: &str) -> Result<&str, EmailError> {
    let text = text::trim_blanks(text);
    match text.split_at_checked(MAILTO.len()) {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case(MAILTO) => {
            let address = rest.split('?').next().unwrap_or(rest);
            // In a link a percent sign starts an escape; kept as written it would be another address.
            if address.contains('%') {
                return Err(EmailError::LocalInvalid);
            }
            Ok(text::trim_blanks(address))
        }
        _ => Ok(text),
    }
}

fn check_local(local: &str) -> Result<(), EmailError> {
    if local.is_empty() {
        return Err(EmailError::LocalEmpty);
    }
    if local.starts_with('"') {
        return Err(EmailError::LocalQuoted);
    }
    Ok(())
}

/// The library takes any character of a local part in a domain as well, so the domain is checked here.
fn check_domain(domain: &str) -> Result<(), EmailError> {
    if domain.contains('_') {
        return Err(EmailError::DomainUnderscore);
    }
    for label in domain.split('.') {
        if label.is_empty() {
            return Err(EmailError::LabelEmpty);
        }
        let allowed = |c: char| c.is_alphanumeric() || c == '-';
        if label.starts_with('-') || label.ends_with('-') || !label.chars().all(allowed) {
            return Err(EmailError::DomainInvalid);
        }
    }
    match domain.rsplit_once('.') {
        None => Err(EmailError::NoTopLevel),
        Some((_, top_level)) if top_level.chars().all(char::is_numeric) => Err(EmailError::TopLevelNumeric),
        Some(_) => Ok(()),
    }
}

/// The longest address in bytes: what fits a path of RFC 5321 (256 with its brackets).
pub const EMAIL_BYTES_MAX: usize = 254;

const MAILTO: &str = "mailto:";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn addresses_are_kept_with_the_domain_in_lower_case() {
        for (text, kept) in [
            ("ana@example.com", "ana@example.com"),
            ("\u{feff} Ana.Lima@EXAMPLE.Com\u{a0}\r\n", "Ana.Lima@example.com"),
            ("MailTo:ana@x.com?subject=Hi%20there", "ana@x.com"),
            ("o'neil+solar_1@mail.x-y.co.uk", "o'neil+solar_1@mail.x-y.co.uk"),
            ("josé@MÜNCHEN.de", "josé@münchen.de"),
            ("a%b@x.com", "a%b@x.com"),
            ("a@1and1.com", "a@1and1.com"),
            ("mailto@x.com", "mailto@x.com"),
        ] {
            assert_eq!(Email::parse(text).as_ref().map(Email::as_str), Ok(kept), "{text:?}");
        }
    }

    #[test]
    fn each_rule_has_its_error() {
        for (text, error) in [
            ("", EmailError::Empty),
            (" \u{200b}", EmailError::Empty),
            ("mailto:", EmailError::Empty),
            ("ana", EmailError::NoAt),
            ("@x.com", EmailError::LocalEmpty),
            ("\"ana lima\"@x.com", EmailError::LocalQuoted),
            ("a..b@x.com", EmailError::LocalInvalid),
            (".a@x.com", EmailError::LocalInvalid),
            ("a.@x.com", EmailError::LocalInvalid),
            ("a b@x.com", EmailError::LocalInvalid),
            ("a@b@x.com", EmailError::LocalInvalid),
            ("a\u{200b}b@x.com", EmailError::LocalInvalid),
            ("<ana@x.com", EmailError::LocalInvalid),
            ("mailto:a%2Bb@x.com", EmailError::LocalInvalid),
            ("ana@", EmailError::LabelEmpty),
            ("ana@x..com", EmailError::LabelEmpty),
            ("ana@.x.com", EmailError::LabelEmpty),
            ("ana@x.com.", EmailError::LabelEmpty),
            ("ana@my_shop.com", EmailError::DomainUnderscore),
            ("ana@-x.com", EmailError::DomainInvalid),
            ("ana@x-.com", EmailError::DomainInvalid),
            ("ana@x!y.com", EmailError::DomainInvalid),
            ("ana@x.com?subject=hi", EmailError::DomainInvalid),
            ("ana@x.com, bob@y", EmailError::NoTopLevel),
            ("Ana <ana@x.com>", EmailError::DomainInvalid),
            ("ana@[127.0.0.1]", EmailError::DomainInvalid),
            ("ana@localhost", EmailError::NoTopLevel),
            ("ana@127.0.0.1", EmailError::TopLevelNumeric),
            ("ana@x.123", EmailError::TopLevelNumeric),
        ] {
            assert_eq!(Email::parse(text), Err(error), "{text:?}");
        }
    }

    #[test]
    fn lengths_are_bounded() {
        let domain = format!("{}.com", ["d".repeat(60), "e".repeat(60), "f".repeat(60)].join("."));
        let longest = format!("{}@{domain}", "a".repeat(64));
        assert_eq!(longest.len(), 64 + 1 + 186);
        assert!(Email::parse(&longest).is_ok());
        assert_eq!(Email::parse(&format!("{}@x.com", "a".repeat(65))), Err(EmailError::TooLong));
        assert_eq!(Email::parse(&format!("a@{}.com", "d".repeat(64))), Err(EmailError::TooLong));
        let at_bound = |extra: usize| format!("{}@{}{domain}", "a".repeat(64), "g".repeat(2 + extra) + ".");
        assert_eq!(at_bound(0).len(), EMAIL_BYTES_MAX);
        assert!(Email::parse(&at_bound(0)).is_ok());
        assert_eq!(Email::parse(&at_bound(1)), Err(EmailError::TooLong));
    }

    #[test]
    fn nothing_personal_shows() {
        let email = Email::parse("Zacharias@quimby-family.org").unwrap();
        assert_eq!(email.masked(), "Z***@q***.org");
        assert_eq!(format!("{:?}", Some(&email)), "Some(Email(Z***@q***.org))");
        assert_eq!(email.to_string(), "Zacharias@quimby-family.org");
        let error = serde_json::from_str::<Email>(r#""zacharias at quimby""#).unwrap_err().to_string();
        assert!(!error.contains("zacharias"), "{error}");
    }

    #[test]
    fn serialised_as_text_and_read_through_parse() {
        let read: Email = serde_json::from_str(r#"" Ana@X.COM""#).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), r#""Ana@x.com""#);
        assert_eq!(read.domain(), "x.com");
    }

    proptest! {
        #[test]
        fn parsing_again_changes_nothing(text in near_address()) {
            if let Ok(email) = Email::parse(&text) {
                prop_assert_eq!(Email::parse(email.as_str()), Ok(email.clone()));
                prop_assert_eq!(Email::parse(&email.to_string()), Ok(email.clone()));
                prop_assert!(email.domain().contains('.') && email.as_str().ends_with(email.domain()));
                let refolded = email.folded().to_lowercase();
                prop_assert_eq!(refolded, email.folded());
            }
        }

        #[test]
        fn plain_addresses_are_taken(local in "[a-zA-Z0-9+_-]{1,20}", host in "[A-Za-z0-9]{1,20}", tld in "[A-Za-z]{2,6}") {
            let email = Email::parse(&format!("{local}@{host}.{tld}")).unwrap();
            let domain = format!("{host}.{tld}").to_lowercase();
            prop_assert_eq!(email.domain(), &domain);
            prop_assert!(email.as_str().starts_with(&local));
        }

        #[test]
        fn no_text_panics(text: String) {
            let _ = Email::parse(&text);
        }
    }

    fn near_address() -> impl Strategy<Value = String> {
        "(mailto:| )?[A-Za-zÀ-ſΑ-ω.+_@ ]{0,12}@[A-Za-zÀ-ſΑ-ω0-9._-]{1,12}\\.[A-Za-z0-9İΣ]{1,4} ?"
    }
}
