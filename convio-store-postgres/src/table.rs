//! Tables: their columns once, for reading rows and for writing many at a time.

use std::fmt::Write as _;

use sqlx::postgres::PgArguments;
use sqlx::{Arguments, Encode, Postgres, Type};

/// A table. Its first column is `workspace_id`, which is not among `columns`.
pub(crate) struct Table {
    pub(crate) name: &'static str,
    /// What its primary key holds beside the workspace.
    pub(crate) key: &'static [&'static str],
    pub(crate) columns: &'static [Column],
    /// What becomes of a row that is there.
    pub(crate) there: There,
}

/// What becomes of a row that is there when one is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum There {
    /// It is replaced: its version was checked.
    Replaced,
    /// It is a mistake.
    Refused,
    /// Its numbers are added to; of times, the later one stays.
    Added,
}

/// A column.
pub(crate) struct Column {
    pub(crate) name: &'static str,
    /// Its type, as the keyword of [`table!`].
    pub(crate) sql_type: &'static str,
    /// Whether it is read into the row; others are there for queries only.
    pub(crate) is_read: bool,
}

impl Table {
    /// The cells of a row in the order in which they are read.
    pub(crate) fn cells(&self, alias: &str) -> String {
        let mut cells = format!("{alias}.workspace_id");
        for Column { name, sql_type, .. } in self.columns.iter().filter(|column| column.is_read) {
            // JSON as the text that was written.
            let cast = if *sql_type == "json" { "::text" } else { "" };
            let _ = write!(cells, ", {alias}.{name}{cast}");
        }
        cells
    }

    /// The names of the cells.
    pub(crate) fn cell_name(&self, at: usize) -> &'static str {
        let mut read = self.columns.iter().filter(|column| column.is_read);
        match at.checked_sub(1) {
            None => "workspace_id",
            Some(at) => read.nth(at).map_or("?", |column| column.name),
        }
    }

    /// Writes rows that come as an array per column, `{0}` the first of them: rows of one workspace, `$1`, or of many, whose ids
    /// are one array more; these only if `gate` gives a row. Rows that are new are not inserted as ones
    /// that may be there: that is speculative, one more look, lock and record of the log for each.
    pub(crate) fn insert(&self, is_one: bool, are_new: bool) -> String {
        let names: Vec<&str> = self.columns.iter().map(|column| column.name).collect();
        let (mut arrays, mut cells) = (Vec::new(), Vec::new());
        for Column { name, sql_type, .. } in self.columns {
            let (array, cast) = if *sql_type == "json" { ("text", "::json") } else { (*sql_type, "") };
            arrays.push((*name, array));
            cells.push(format!("t.{name}{cast}"));
        }
        let (table, names, cells) = (self.name, names.join(", "), cells.join(", "));
        let (workspace, from) = if is_one {
            ("$1", "")
        } else {
            arrays.insert(0, ("workspace_id", "uuid"));
            ("t.workspace_id", "gate CROSS JOIN ")
        };
        // Selected, not joined: as functions in FROM, each array's rows would be stored by themselves before they are put together.
        let arrays: Vec<String> = arrays
            .iter()
            .enumerate()
            .map(|(n, (name, array))| format!("unnest({{{n}}}::{array}[]) AS {name}"))
            .collect();
        format!(
            "INSERT INTO {{s}}.{table} (workspace_id, {names}) SELECT {workspace}, {cells} FROM {from}(SELECT {}) AS t{}",
            arrays.join(", "),
            if are_new { String::new() } else { self.on_conflict() }
        )
    }

    fn on_conflict(&self) -> String {
        let key: String = self.key.iter().map(|name| format!(", {name}")).collect();
        let others = self.columns.iter().filter(|column| !self.key.contains(&column.name));
        let set: Vec<String> = match self.there {
            There::Refused => return String::new(),
            There::Replaced => others.map(|column| format!("{0} = excluded.{0}", column.name)).collect(),
            There::Added => others
                .map(|Column { name, sql_type, .. }| match *sql_type {
                    "int8" => format!("{name} = {0}.{name} + excluded.{name}", self.name),
                    _ => format!("{name} = GREATEST({0}.{name}, excluded.{name})", self.name),
                })
                .collect(),
        };
        format!(" ON CONFLICT (workspace_id{key}) DO UPDATE SET {}", set.join(", "))
    }
}

/// The parameters of a statement.
#[derive(Default)]
pub(crate) struct Args {
    values: PgArguments,
    failed: Option<sqlx::Error>,
}

impl Args {
    /// Adds one.
    pub(crate) fn with<'v, T: Encode<'v, Postgres> + Type<Postgres>>(mut self, value: T) -> Self {
        self.add(value);
        self
    }

    /// Adds one.
    pub(crate) fn add<'v, T: Encode<'v, Postgres> + Type<Postgres>>(&mut self, value: T) {
        if let Err(error) = self.values.add(value) {
            self.failed.get_or_insert(sqlx::Error::Encode(error));
        }
    }

    pub(crate) fn finish(self) -> Result<PgArguments, sqlx::Error> {
        match self.failed {
            None => Ok(self.values),
            Some(error) => Err(error),
        }
    }
}

/// A table, and what is written into each of its columns. Columns after `also` are written and not read.
macro_rules! table {
    (
        $name:ident, $bind:ident: $table:literal [$($key:literal),*] $there:ident,
        |$row:pat_param| $of:ty { $($column:literal $sql:ident = $value:expr;)* }
        $(also { $($more:literal $more_sql:ident = $more_value:expr;)* })?
    ) => {
        pub(crate) static $name: $crate::table::Table = $crate::table::Table {
            name: $table,
            key: &[$($key),*],
            there: $crate::table::There::$there,
            columns: &[
                $($crate::table::Column { name: $column, sql_type: stringify!($sql), is_read: true },)*
                $($($crate::table::Column { name: $more, sql_type: stringify!($more_sql), is_read: false },)*)?
            ],
        };

        /// Adds an array per column.
        pub(crate) fn $bind(
            rows: &[$of],
            args: &mut $crate::table::Args,
        ) -> Result<(), convio_core::store::CommitError> {
            $({
                let cells = rows.iter().map(|$row| Ok($value)).collect::<Result<Vec<_>, convio_core::store::CommitError>>()?;
                args.add(cells);
            })*
            $($({
                let cells = rows.iter().map(|$row| Ok($more_value)).collect::<Result<Vec<_>, convio_core::store::CommitError>>()?;
                args.add(cells);
            })*)?
            Ok(())
        }
    };
}
pub(crate) use table;
