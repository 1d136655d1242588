//! The texts of the statements: each is made once for a schema and stays the same, so that servers and drivers keep it prepared.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};

use crate::schema::Schema;
use crate::table::Table;

/// Texts with the names of one schema.
pub(crate) struct Sql {
    schema: Schema,
    quoted: String,
    texts: RwLock<HashMap<Key, Arc<str>>>,
}

/// What a text is made of.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    /// A text of the program, by its place.
    Fixed(usize, usize),
    /// The ingest of one lead, with gates or without.
    Ingest(bool),
    /// Rows of a table, by the places of both texts.
    Select(usize, usize),
    /// Parts of a statement that reads, of one workspace or of many, by their codes.
    Read(bool, Vec<u8>),
    /// Tables of a statement that writes, one bit each.
    Write(u64),
}

impl Sql {
    /// The texts of a schema, made once for all stores and transactions of the process.
    pub(crate) fn of(schema: &Schema) -> Arc<Self> {
        static SCHEMAS: Mutex<Vec<Arc<Sql>>> = Mutex::new(Vec::new());
        let mut schemas = SCHEMAS.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = schemas.iter().find(|known| known.schema == *schema) {
            return known.clone();
        }
        let made =
            Arc::new(Self { quoted: schema.to_string(), schema: schema.clone(), texts: RwLock::default() });
        if schemas.len() < SCHEMAS_MAX {
            schemas.push(made.clone());
        }
        made
    }

    pub(crate) fn schema(&self) -> &Schema {
        &self.schema
    }

    /// A text of the program.
    pub(crate) fn fixed(&self, text: &'static str) -> SqlStr {
        self.made(Key::Fixed(text.as_ptr() as usize, text.len()), || text.to_owned())
    }

    /// Selects the cells of a table's rows, which `rest` calls `x`.
    pub(crate) fn select(&self, table: &'static Table, rest: &'static str) -> SqlStr {
        let key = Key::Select(std::ptr::from_ref(table) as usize, rest.as_ptr() as usize);
        self.made(key, || {
            let (cells, name) = (table.cells("x"), table.name);
            format!("SELECT 0::int2 AS set, ROW({cells}) AS cells FROM {{s}}.{name} AS x WHERE {rest}")
        })
    }

    /// A text that is made of parts.
    pub(crate) fn made(&self, key: Key, make: impl FnOnce() -> String) -> SqlStr {
        // A panic elsewhere leaves the map whole: texts are put in complete.
        if let Some(text) = self.texts.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return AssertSqlSafe(text.clone()).into_sql_str();
        }
        // Nothing of a caller's is in a text but the name of the schema, which is quoted.
        let text: Arc<str> = make().replace("{s}", &self.quoted).into();
        let mut texts = self.texts.write().unwrap_or_else(PoisonError::into_inner);
        AssertSqlSafe(texts.entry(key).or_insert(text).clone()).into_sql_str()
    }
}

/// Writes a part into a statement in which its first parameter is number `first`.
pub(crate) fn place(out: &mut String, text: &str, parameters: usize, first: usize) {
    let mut text = text.to_owned();
    for n in 0..parameters {
        text = text.replace(&format!("{{{n}}}"), &format!("${}", first + n));
    }
    out.push_str(&text);
}

/// Schemas whose texts are kept: a process works with one or a few.
const SCHEMAS_MAX: usize = 16;
