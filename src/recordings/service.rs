//! Use cases of *Domain → Recording*.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::json;

use super::RecordingSettings;
use crate::audit::AuditEntry;
use crate::domains::{DomainError, Domains};
use crate::model::{Action, Actor, Clock, DomainId, Problem, ProblemKind, StoreError};

/// Why the recording settings cannot be changed so.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    #[error("the part length must be between 2 seconds and 6 hours")]
    BadPartLength,
    #[error("the bucket's name must be 1 to 63 lower-case letters, digits and hyphens")]
    BadBucket,
    #[error(transparent)]
    Domain(#[from] DomainError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Problem for RecordingError {
    fn code(&self) -> &'static str {
        match self {
            Self::BadPartLength => "recording_bad_part_length",
            Self::BadBucket => "recording_bad_bucket",
            Self::Domain(e) => e.code(),
            Self::Store(e) => e.code(),
        }
    }
    fn kind(&self) -> ProblemKind {
        match self {
            Self::BadPartLength | Self::BadBucket => ProblemKind::Invalid,
            Self::Domain(e) => e.kind(),
            Self::Store(e) => e.kind(),
        }
    }
    fn field(&self) -> Option<&'static str> {
        match self {
            Self::BadPartLength => Some("partSeconds"),
            Self::BadBucket => Some("bucket"),
            Self::Domain(e) => e.field(),
            Self::Store(_) => None,
        }
    }
    fn args(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Domain(e) => e.args(),
            _ => Vec::new(),
        }
    }
}

/// Whether a bucket may be called so. It is a plain folder name, so that it cannot point elsewhere.
#[must_use]
pub fn is_bucket_name(name: &str) -> bool {
    let name = name.as_bytes();
    let inner = name.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-');
    let ends = [name.first(), name.last()].iter().all(|b| b.is_some_and(|b| *b != b'-'));
    (1..=63).contains(&name.len()) && inner && ends
}

/// Settings that are valid.
#[derive(Debug, Clone)]
pub struct RecordingChange(RecordingSettings);

impl RecordingChange {
    /// Checks the bounds.
    pub fn parse(settings: RecordingSettings) -> Result<Self, RecordingError> {
        if !(2..=21_600).contains(&settings.part_seconds) {
            return Err(RecordingError::BadPartLength);
        }
        if !is_bucket_name(&settings.bucket) {
            return Err(RecordingError::BadBucket);
        }
        Ok(Self(settings))
    }

    /// The settings.
    #[must_use]
    pub fn settings(&self) -> &RecordingSettings {
        &self.0
    }
}

/// The recording settings' storage.
#[async_trait]
pub trait RecordingStore: Send + Sync {
    async fn recording_settings(&self, domain: DomainId) -> Result<RecordingSettings, StoreError>;
    async fn change_recording(
        &self,
        domain: DomainId,
        settings: &RecordingSettings,
        audit: &AuditEntry,
    ) -> Result<(), StoreError>;
}

/// The use cases.
#[derive(Clone)]
pub struct Recordings {
    pub(crate) store: Arc<dyn RecordingStore>,
    pub(crate) domains: Domains,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Recordings {
    /// How the domain is recorded.
    pub async fn get(&self, actor: &Actor, push: &str) -> Result<RecordingSettings, RecordingError> {
        let domain = self.domains.find(actor, Action::Read, push).await?;
        Ok(self.store.recording_settings(domain.source_id).await?)
    }

    /// Changes it; counts for the next publish.
    pub async fn put(
        &self,
        actor: &Actor,
        push: &str,
        change: &RecordingChange,
    ) -> Result<RecordingSettings, RecordingError> {
        let domain = self.domains.find(actor, Action::ManageDomains, push).await?;
        let before = self.store.recording_settings(domain.source_id).await?;
        let detail = json!({ "before": before, "after": change.settings() });
        let audit = AuditEntry::new(actor, self.clock.now(), "recording.change", &domain.push, detail);
        self.store.change_recording(domain.source_id, change.settings(), &audit).await?;
        Ok(change.settings().clone())
    }
}
