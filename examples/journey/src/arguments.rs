use std::path::PathBuf;

use chrono::{DateTime, Utc};
use clap::Parser;

use crate::Failure;

/// The whole lead journey in an embedded database or on Postgres: leads imported, appointments, sales, figures.
///
/// Without --input it takes 10,000 leads that it brings along through all of it. With --input it imports your own file: CSV
/// with any common delimiter, under the sender's column names. Run it again at any time: what was stored stays as it is, and
/// what was cut short goes on.
#[derive(Parser, Debug, Default)]
#[command(name = "journey", max_term_width = 120)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    /// The database: a SQLite file, made where there is none, or postgres://USER:PASSWORD@HOST/NAME
    #[arg(long, value_name = "PATH|URL", default_value = "journey.db", global = true)]
    pub(crate) db: PathBuf,
    /// The schema on Postgres, made where there is none; `convio` until told otherwise
    #[arg(long, value_name = "NAME", global = true)]
    pub(crate) schema: Option<String>,
    /// Delete the database file first; on Postgres, Convio's tables in the schema
    #[arg(long, global = true)]
    pub(crate) fresh: bool,
    /// Print the figures as one JSON object instead of tables
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Only say what would become of the rows; no database is touched
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Print each row's line number and outcome once it is stored: for programs that watch
    #[arg(long, conflicts_with_all = ["json", "dry_run"])]
    pub(crate) acks: bool,
    /// Phone numbers count only where they are assigned ones
    #[arg(long)]
    pub(crate) valid_phones: bool,
    /// Draw ids from this seed, one call at a time: with --now, the same run gives the same database
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(..2048), global = true)]
    pub(crate) seed: Option<u16>,
    /// The time that it is, in RFC 3339
    #[arg(long, value_name = "TIME", global = true)]
    pub(crate) now: Option<DateTime<Utc>>,
    #[command(flatten)]
    pub(crate) own: OwnFile,
    #[command(flatten)]
    pub(crate) sales: Sales,
}

/// What else can be asked for.
#[derive(clap::Subcommand, Debug)]
pub(crate) enum Command {
    /// Olist's marketing funnel: conversions, revenue and time to convert by origin, under first and last touch
    Olist(Olist),
}

/// The two files of Olist's marketing funnel.
#[derive(clap::Args, Debug)]
pub(crate) struct Olist {
    /// The leads: mql_id, first_contact_date, origin
    #[arg(long, value_name = "FILE")]
    pub(crate) mql: PathBuf,
    /// The deals that were won: mql_id, won_date, declared_monthly_revenue
    #[arg(long, value_name = "FILE")]
    pub(crate) deals: PathBuf,
}

/// The user's own file, and how it is read.
#[derive(clap::Args, Debug, Default)]
#[command(next_help_heading = "Your own file")]
pub(crate) struct OwnFile {
    /// The file of leads, in CSV with a header
    #[arg(long, value_name = "FILE")]
    pub(crate) input: Option<PathBuf>,
    /// Read a column into a field (phone, email, source, external_id ...); `Column=` reads it into none
    #[arg(long, value_name = "COLUMN=FIELD", value_parser = pair, requires = "input")]
    pub(crate) map: Vec<(String, String)>,
    /// The name that its leads come in under; the file's name until told otherwise
    #[arg(long, value_name = "NAME", requires = "input")]
    pub(crate) webhook: Option<String>,
    /// The source of leads that name none; the webhook's name until told otherwise
    #[arg(long, value_name = "NAME", requires = "input")]
    pub(crate) source: Option<String>,
    /// The region that national phone numbers are read in, such as US
    #[arg(long, value_name = "XX", requires = "input")]
    pub(crate) region: Option<String>,
    /// What people are known by, the first that a lead has: phone, digits, email, external
    #[arg(long, value_name = "KIND", requires = "input")]
    pub(crate) key: Vec<String>,
    /// Each row is a person of its own: for files that do not say who anyone is
    #[arg(long, requires = "input")]
    pub(crate) person_per_row: bool,
    /// The column that tells when a lead was received
    #[arg(long, value_name = "COLUMN", requires = "input")]
    pub(crate) received_at: Option<String>,
    /// How times are written, such as `%d.%m.%Y`; ISO 8601 until told otherwise
    #[arg(long, value_name = "PATTERN", requires = "input")]
    pub(crate) time_format: Option<String>,
    /// The time zone of days and of times without an offset
    #[arg(long, value_name = "ZONE", default_value = "UTC", requires = "input")]
    pub(crate) zone: String,
    /// The currency of amounts
    #[arg(long, value_name = "CODE", default_value = "USD", requires = "input")]
    pub(crate) currency: String,
    /// A word that stands for nothing in cells, such as `Select`
    #[arg(long, value_name = "WORD", requires = "input")]
    pub(crate) blank: Vec<String>,
    /// A column that is not stored
    #[arg(long, value_name = "COLUMN", requires = "input")]
    pub(crate) without: Vec<String>,
    /// The encoding of the files, where they are not in UTF-8 and have no mark that says so: windows-1252, shift_jis ...
    #[arg(long, value_name = "NAME", requires = "input")]
    pub(crate) encoding: Option<String>,
    /// The delimiter of the file, where it is not found: one character, or `tab`
    #[arg(long, value_name = "C", value_parser = delimiter, requires = "input")]
    pub(crate) delimiter: Option<u8>,
}

/// The user's own sales.
#[derive(clap::Args, Debug, Default)]
#[command(next_help_heading = "Your own sales")]
pub(crate) struct Sales {
    /// A file of sales of those leads, in CSV with a header
    #[arg(long, value_name = "FILE", requires = "input")]
    pub(crate) sales: Option<PathBuf>,
    /// Read a column of it: lead (the lead's external id), value, currency, at, type, id
    #[arg(long, value_name = "COLUMN=FIELD", value_parser = pair, requires = "sales")]
    pub(crate) sales_map: Vec<(String, String)>,
}

/// `Column=field`: a column may have an equals sign in its name, a field has none.
fn pair(text: &str) -> Result<(String, String), Failure> {
    let (column, field) = text.rsplit_once('=').ok_or("say it as COLUMN=FIELD")?;
    match column.is_empty() {
        true => Err("the column's name is empty".into()),
        false => Ok((column.to_owned(), field.to_owned())),
    }
}

fn delimiter(text: &str) -> Result<u8, Failure> {
    match text.as_bytes() {
        [byte] => Ok(*byte),
        b"tab" | b"\\t" => Ok(b'\t'),
        _ => Err("a delimiter is one ASCII character, or `tab`".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_and_fields() {
        assert_eq!(pair("a=b=phone").unwrap(), ("a=b".to_owned(), "phone".to_owned()));
        assert_eq!(pair("a=").unwrap(), ("a".to_owned(), String::new()));
        assert!(pair("=phone").is_err() && pair("phone").is_err());
        assert_eq!(["tab", ";", "\\t"].map(|text| delimiter(text).unwrap()), [b'\t', b';', b'\t']);
        assert!(delimiter("").is_err() && delimiter("é").is_err());
    }

    #[test]
    fn what_belongs_to_a_file_is_refused_without_one() {
        let parse = |arguments: &[&str]| Arguments::try_parse_from(["journey"].iter().chain(arguments));
        assert!(parse(&[]).is_ok());
        assert!(parse(&["--map", "a=phone"]).is_err());
        assert!(parse(&["--input", "f", "--map", "a=phone", "--map", "b=email"]).is_ok());
        assert!(parse(&["--sales", "f"]).is_err());
        assert!(parse(&["--input", "f", "--acks", "--json"]).is_err());
        assert!(parse(&["--now", "yesterday"]).is_err());
    }

    #[test]
    fn olist_takes_its_files_and_says_where_they_go_on_either_side() {
        let parse = |arguments: &[&str]| Arguments::try_parse_from(["journey"].iter().chain(arguments));
        let files = ["olist", "--mql", "m", "--deals", "d"];
        assert!(parse(&files).unwrap().command.is_some());
        assert!(parse(&files[..3]).is_err());
        let before = parse(&[&["--db", "x.db"], &files[..]].concat()).unwrap();
        let after = parse(&[&files[..], &["--db", "x.db", "--json"]].concat()).unwrap();
        assert_eq!((before.db, &after.db), ("x.db".into(), &"x.db".into()));
        assert!(after.json && !before.json);
    }
}
