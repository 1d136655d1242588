use std::fmt;

use convio_core::store::StoreError;

/// The schema that Convio's tables live in, `convio` unless another one is named. Two of them make two installs in one database
/// that know nothing of each other.
///
/// ```
/// use convio_store_postgres::Schema;
/// assert_eq!(Schema::default().to_string(), r#""convio""#);
/// assert_eq!(Schema::named("crm leads")?.to_string(), r#""crm leads""#);
/// assert!(Schema::named("").is_err());
/// # Ok::<(), convio_core::store::StoreError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Schema(String);

impl Schema {
    /// The schema of this name, as Postgres has it: upper and lower case differ.
    ///
    /// # Errors
    /// [`StoreError::Misuse`] for a name that is empty, longer than 63 bytes or holds a NUL: Postgres takes none of these. So for
    /// one that starts with `pg_`, which Postgres keeps for itself.
    pub fn named(name: impl Into<String>) -> Result<Self, StoreError> {
        let name = name.into();
        let fits = (1..=NAME_BYTES_MAX).contains(&name.len());
        if !fits || name.contains('\0') || name.starts_with("pg_") {
            return Err(StoreError::Misuse(format!(
                "`{}` can't be the name of a schema",
                name.escape_debug()
            )));
        }
        Ok(Self(name))
    }

    /// The name, without quotes.
    pub fn name(&self) -> &str {
        &self.0
    }
}

impl Default for Schema {
    fn default() -> Self {
        Self("convio".to_owned())
    }
}

/// Quoted, as statements name it.
impl fmt::Display for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.replace('"', "\"\""))
    }
}

/// The longest name that Postgres keeps whole.
const NAME_BYTES_MAX: usize = 63;
