//! VOD domains: hosts that serve recorded video.

use serde::{Deserialize, Serialize};

use crate::Millis;

/// A host that serves recorded video.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VodDomain {
    /// ASCII.
    pub name: String,
    /// As entered.
    pub display: String,
    /// Bucket and folders of its files, such as `films/public` or `recordings/record/*/push.example.com`.
    pub path: String,
    pub created_at: Millis,
}
