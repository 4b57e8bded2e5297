//! Use cases of *Domain → Recording*.

use std::sync::Arc;

use serde_json::json;

use super::{RecordingError, RecordingSettings};
use crate::audit::AuditEntry;
use crate::domains::{DomainView, Domains};
use crate::model::{Action, Actor, Clock, Expected};
use crate::storage::Db;

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

/// The use cases.
#[derive(Clone)]
pub struct Recordings {
    pub(crate) db: Db,
    pub(crate) domains: Domains,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Recordings {
    /// How the domain is recorded.
    pub async fn get(&self, actor: &Actor, push: &str) -> Result<RecordingSettings, RecordingError> {
        let domain = self.domains.find(actor, Action::Read, push).await?;
        Ok(self.db.recording_settings(domain.id).await?)
    }

    /// Changes it; counts for the next publish.
    pub async fn put(
        &self,
        actor: &Actor,
        push: &str,
        change: &RecordingChange,
    ) -> Result<RecordingSettings, RecordingError> {
        self.put_if(actor, push, change, &Expected::Any).await
    }

    /// Changes it, where the settings that stand are of the expected version.
    pub async fn put_if(
        &self,
        actor: &Actor,
        push: &str,
        change: &RecordingChange,
        expected: &Expected,
    ) -> Result<RecordingSettings, RecordingError> {
        let domain = self.domains.find(actor, Action::ManageDomains, push).await?;
        self.write(actor, &domain, change, None, expected).await?;
        Ok(change.settings().clone())
    }

    /// False: there is no such template.
    pub(super) async fn write(
        &self,
        actor: &Actor,
        domain: &DomainView,
        change: &RecordingChange,
        template: Option<&str>,
        expected: &Expected,
    ) -> Result<bool, RecordingError> {
        let before = self.db.recording_settings(domain.id).await?;
        let detail = json!({ "before": before, "after": change.settings(), "template": template });
        let audit = AuditEntry::new(actor, self.clock.now(), "recording.change", &domain.push, detail);
        Ok(self.db.change_recording(domain.id, change.settings(), template, expected, &audit).await?)
    }
}
