//! What domain groups need stored.

use async_trait::async_trait;

use super::new_domain::NewDomain;
use super::{DomainRow, DomainView};
use crate::audit::AuditEntry;
use crate::model::{DomainId, Expected, Millis, Page, PageRequest, StoreError};

/// Which domain groups to list.
#[derive(Debug, Clone, Default)]
pub struct DomainFilter {
    /// Part of a push or play domain, lower case.
    pub text: String,
    pub enabled: Option<bool>,
    /// Only these push domains (of a limited key).
    pub only: Option<Vec<String>>,
}

/// A domain group as other features need it.
pub type Domain = DomainView;

/// The domain groups' storage. A method is one transaction; [`StoreError::Changed`]: the group is not of the expected version.
#[async_trait]
pub trait DomainStore: Send + Sync {
    /// Newest first.
    async fn list_domains(&self, filter: &DomainFilter, page: PageRequest) -> Result<Page<DomainRow>, StoreError>;
    /// By ASCII push domain.
    async fn find_domain(&self, push: &str) -> Result<Option<Domain>, StoreError>;
    /// The push domain of the group that has this name (ASCII), as push or play domain.
    async fn push_domain_of(&self, name: &str) -> Result<Option<String>, StoreError>;
    /// The names among `names` (ASCII) that some group or VOD domain has already.
    async fn taken_names(&self, names: &[&str]) -> Result<Vec<String>, StoreError>;
    /// Creates the group, its two callbacks (off; sealed secrets given) and its recording settings (off).
    async fn create_domain(
        &self,
        new: &NewDomain,
        sealed_secrets: [Vec<u8>; 2],
        part_seconds: i64,
        now: Millis,
        audit: &AuditEntry,
    ) -> Result<(), StoreError>;
    async fn set_domain_enabled(
        &self,
        id: DomainId,
        enabled: bool,
        expected: &Expected,
        now: Millis,
        audit: &AuditEntry,
    ) -> Result<(), StoreError>;
    /// Removes the group and its settings; sessions, events and deliveries stay readable. False: it was enabled meanwhile.
    async fn delete_domain(&self, id: DomainId, expected: &Expected, audit: &AuditEntry) -> Result<bool, StoreError>;
}
