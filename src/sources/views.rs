//! What pages and the API show of sources.

use serde::{Deserialize, Serialize};

use super::Adapter;
use crate::model::{Millis, SourceId};

/// A source. `ingest_path` (with its secret) only for those who may manage sources.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SourceView {
    pub id: SourceId,
    pub adapter: Adapter,
    pub name: String,
    pub default_domain: Option<String>,
    pub created_at: Millis,
    pub last_seen_at: Option<Millis>,
    /// `/ingest/<adapter>/<secret>`.
    pub ingest_path: Option<String>,
}

/// A publish that was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RefusalView {
    pub at: Millis,
    pub source: String,
    pub host: String,
    pub app: String,
    pub stream: String,
    pub client: Option<String>,
    /// Stable code of the reason.
    pub code: String,
    pub reason: String,
}
