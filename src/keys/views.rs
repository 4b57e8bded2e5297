//! Keys, as pages and the API show them.

use crate::model::{KeyId, Millis, Role};

/// A key without its secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyView {
    pub id: KeyId,
    pub name: String,
    pub role: Role,
    /// ASCII push domains; `None` is all.
    pub domains: Option<Vec<String>>,
    /// Public name of the pair, for signed requests.
    pub access_key: String,
    pub created_at: Millis,
    /// `None`: it does not expire.
    pub expires_at: Option<Millis>,
    pub last_used_at: Option<Millis>,
    pub expired: bool,
}
