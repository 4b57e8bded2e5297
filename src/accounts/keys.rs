//! API keys.

use serde::Serialize;

/// A key that was just made; the only time its secrets are shown.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NewKey {
    /// Public name of the pair, for signed requests.
    pub access_key: String,
    pub secret_key: String,
    /// For `Authorization: Bearer …`.
    pub token: String,
}
