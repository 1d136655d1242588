use serde::{Deserialize, Serialize};

/// How much of an event a delivery tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PayloadKind {
    /// What it is about, by ids and versions: whoever wants to know more asks, and it is known who did.
    Thin,
    /// And its facts, and who did it. Nothing of it is personal.
    Facts,
    /// And what is personal in it.
    Full,
}
