//! What sources need stored.

use super::Adapter;
use crate::model::{Millis, SourceId};

/// A source as stored.
#[derive(Debug, Clone)]
pub struct Source {
    pub id: SourceId,
    pub adapter: Adapter,
    pub name: String,
    pub default_domain: Option<String>,
    pub url_secret_sealed: Vec<u8>,
    pub signing_secret_sealed: Vec<u8>,
    pub created_at: Millis,
    pub last_seen_at: Option<Millis>,
}

/// A source to be.
#[derive(Debug, Clone)]
pub struct NewSource {
    pub adapter: Adapter,
    pub name: String,
    pub default_domain: Option<String>,
    pub url_secret_hash: String,
    pub url_secret_sealed: Vec<u8>,
    pub signing_secret_sealed: Vec<u8>,
}

/// A refused publish.
#[derive(Debug, Clone)]
pub struct Refusal {
    pub at: Millis,
    pub source: SourceId,
    pub host: String,
    pub app: String,
    pub stream: String,
    pub client: Option<String>,
    pub code: &'static str,
    pub reason: String,
}
