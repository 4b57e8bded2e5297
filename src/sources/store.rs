//! What sources need stored.

use async_trait::async_trait;

use super::{Adapter, RefusalView};
use crate::audit::AuditEntry;
use crate::model::{Millis, SourceId, StoreError};

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

/// The sources' storage. A method is one transaction.
#[async_trait]
pub trait SourceStore: Send + Sync {
    async fn list_sources(&self) -> Result<Vec<Source>, StoreError>;
    async fn find_source_by_secret(&self, url_secret_hash: &str) -> Result<Option<Source>, StoreError>;
    async fn create_source(&self, new: &NewSource, now: Millis, audit: &AuditEntry) -> Result<SourceId, StoreError>;
    async fn delete_source(&self, id: SourceId, audit: &AuditEntry) -> Result<(), StoreError>;
    /// Notes that the source is alive, to about ten seconds.
    async fn touch_source(&self, id: SourceId, now: Millis) -> Result<(), StoreError>;
    async fn add_refusal(&self, refusal: &Refusal) -> Result<(), StoreError>;
    /// The latest refusals, newest first.
    async fn list_refusals(&self, limit: i64) -> Result<Vec<RefusalView>, StoreError>;
}
