//! What is to be imported, and into what: the example's own file, or the user's.

use std::fs::File;
use std::path::Path;

use convio_core::intake::{CsvFile, CsvOptions, Import, TimeFormat};
use convio_core::{
    KeyKind, NewWebhook, NewWorkspace, PhonePolicy, Reason, Source, WebhookSettings, WorkspaceId, Zone,
};

use crate::Failure;
use crate::arguments::{Arguments, OwnFile};
use crate::rules::{self, RecId};

/// A file on its way into a workspace.
pub(crate) struct Job {
    /// Fixed, so that the next run finds it.
    pub(crate) workspace: WorkspaceId,
    pub(crate) new: NewWorkspace,
    pub(crate) webhook: String,
    pub(crate) settings: WebhookSettings,
    pub(crate) file: CsvFile<File>,
    pub(crate) import: Import,
}

impl Job {
    /// What the arguments ask for.
    pub(crate) fn of(arguments: &Arguments) -> Result<Self, Failure> {
        match &arguments.own.input {
            None => Self::example(arguments.valid_phones),
            Some(path) => Self::own(path, &arguments.own, arguments.valid_phones),
        }
    }

    /// The example's file: Australian numbers, and a digits key for those that are none.
    fn example(valid_phones: bool) -> Result<Self, Failure> {
        let mut settings = WebhookSettings::default();
        settings.region = Some("AU".parse()?);
        settings.keys = vec![KeyKind::Phone, KeyKind::Digits];
        if valid_phones {
            settings.keys = vec![KeyKind::Phone];
            settings.phone = PhonePolicy::Valid;
        }
        let import =
            WITHHELD.iter().fold(Import::through(EXAMPLE_WEBHOOK), |import, column| import.without(*column));
        let import = import.prepare(|draft| {
            let id = draft.get(REC_ID).unwrap_or_default().to_owned();
            let wrong = |failure: Failure| Reason::new(REC_ID, "unreadable", failure.to_string());
            let n: RecId = id.parse().map_err(wrong)?;
            draft.set("product", n.product());
            if let Some(source) = n.source() {
                draft.set("source", source);
            }
            draft.received_at(n.received_at().map_err(wrong)?);
            draft.external_id(id);
            Ok(())
        });
        Ok(Self {
            workspace: EXAMPLE.parse()?,
            new: NewWorkspace::named("Journey Pty Ltd").zone(rules::ZONE).currency("AUD"),
            webhook: EXAMPLE_WEBHOOK.to_owned(),
            settings,
            file: CsvFile::open(EXAMPLE_FILE)?,
            import,
        })
    }

    fn own(path: &Path, own: &OwnFile, valid_phones: bool) -> Result<Self, Failure> {
        let mut options = options(own)?;
        if let Some(delimiter) = own.delimiter {
            options = options.delimiter(delimiter)?;
        }
        let file = options.open(path)?;
        columns_exist(&file, own.map.iter().map(|(column, _)| column))?;
        let zone = Zone::parse(&own.zone)?;
        let webhook = own.webhook.clone().unwrap_or_else(|| name_of(path));
        let mut settings = WebhookSettings::default();
        settings.fields = own.map.iter().cloned().collect();
        settings.source = own.source.as_deref().map(Source::new).transpose()?;
        settings.region = own.region.as_deref().map(str::parse).transpose()?;
        settings.keys = keys(&own.key, own.person_per_row, valid_phones)?;
        if valid_phones {
            settings.phone = PhonePolicy::Valid;
        }
        let mut import = Import::through(&webhook);
        if let Some(column) = &own.received_at {
            let format = match &own.time_format {
                None => TimeFormat::iso(zone),
                Some(pattern) => TimeFormat::pattern(pattern, zone)?,
            };
            import = import.received_in(column, format);
        }
        if own.person_per_row {
            import = import.person_per_row();
        }
        import = own.blank.iter().fold(import, Import::blank);
        import = own.without.iter().fold(import, Import::without);
        let new = NewWorkspace::named("Own files").zone(&own.zone).currency(&own.currency);
        Ok(Self { workspace: OWN.parse()?, new, webhook, settings, file, import })
    }

    /// The webhook as it is created.
    pub(crate) fn new_webhook(&self) -> NewWebhook {
        NewWebhook::named(&self.webhook).with(|settings| settings.clone_from(&self.settings))
    }
}

/// How the user's files are read.
pub(crate) fn options(own: &OwnFile) -> Result<CsvOptions, Failure> {
    match &own.encoding {
        None => Ok(CsvOptions::new()),
        Some(name) => Ok(CsvOptions::new().encoding(name)?),
    }
}

/// Refuses columns that a file does not have.
pub(crate) fn columns_exist<'c>(
    file: &CsvFile<File>,
    mut named: impl Iterator<Item = &'c String>,
) -> Result<(), Failure> {
    match named.find(|column| !file.columns().contains(column)) {
        None => Ok(()),
        Some(column) => {
            let known = file.columns().join("`, `");
            Err(format!("there is no column `{column}`; the file has `{known}`").into())
        }
    }
}

/// What people are known by: as told, or whatever says who they are.
fn keys(told: &[String], person_per_row: bool, valid_phones: bool) -> Result<Vec<KeyKind>, Failure> {
    let mut keys = Vec::new();
    for name in told {
        keys.push(match name.as_str() {
            "phone" => KeyKind::Phone,
            "digits" => KeyKind::Digits,
            "email" => KeyKind::Email,
            "external" => KeyKind::External,
            _ => return Err(format!("`{name}` is no key: say phone, digits, email or external").into()),
        });
    }
    if keys.is_empty() {
        keys = vec![KeyKind::Phone, KeyKind::Digits, KeyKind::Email, KeyKind::External];
        // What is no valid number is none at all.
        keys.retain(|kind| !valid_phones || *kind != KeyKind::Digits);
    }
    if person_per_row {
        keys.retain(|kind| *kind != KeyKind::External);
        keys.push(KeyKind::External);
    }
    Ok(keys)
}

/// A webhook's name made of a file's: `Leads March (2).csv` comes in as `Leads-March-2`.
fn name_of(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let words = stem.split(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '.'));
    let mut name = words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join("-");
    name.truncate(convio_core::webhook::NAME_BYTES_MAX);
    if name.is_empty() { "file".to_owned() } else { name }
}

/// The example's workspace: a UUID that was drawn once.
const EXAMPLE: &str = "0199a1c5-5c00-7e2d-9b64-3f0c8d51a7e6";
/// The workspace of the user's own files: another one.
const OWN: &str = "0199a1c5-5c01-7b90-8d17-52e6f1c0a493";
const EXAMPLE_WEBHOOK: &str = "febrl";
/// The example's file. It travels with the sources.
const EXAMPLE_FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/febrl_a.csv");
const REC_ID: &str = "rec_id";
/// Columns that are not sent: the record's number (it is the external id), and those that name the person behind it.
const WITHHELD: [&str; 4] = [REC_ID, "entity_id", "soc_sec_id", "blocking_number"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_names_its_webhook() {
        for (path, name) in [
            ("/x/Leads March (2).csv", "Leads-March-2"),
            ("olist_mql.csv", "olist_mql"),
            ("été.csv", "t"),
            ("--.csv", "file"),
        ] {
            assert_eq!(name_of(Path::new(path)), name);
        }
        assert!(name_of(Path::new(&"x".repeat(99))).len() <= convio_core::webhook::NAME_BYTES_MAX);
    }

    #[test]
    fn keys_as_told_or_all() {
        use KeyKind::{Digits, Email, External, Phone};
        let keys_of = |told: &[&str], per_row, valid| {
            let told: Vec<String> = told.iter().map(|name| (*name).to_owned()).collect();
            keys(&told, per_row, valid).unwrap()
        };
        assert_eq!(keys_of(&[], false, false), [Phone, Digits, Email, External]);
        assert_eq!(keys_of(&[], false, true), [Phone, Email, External]);
        assert_eq!(keys_of(&["external", "email"], true, false), [Email, External]);
        assert!(keys(&["fax".to_owned()], false, false).is_err());
    }
}
