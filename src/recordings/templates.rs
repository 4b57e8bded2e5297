//! Use cases of record templates. They are for all domains, so a key that is limited to some may use them and not change them.

use serde_json::json;

use super::{RecordingChange, RecordingError, RecordingSettings, Recordings};
use crate::audit::AuditEntry;
use crate::model::{Action, Actor, Expected, Forbidden, Page, PageRequest, StoreError, StreamName};

/// A name for recording settings; valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordTemplate {
    /// 1 to 50 letters, digits, `_` and `-`.
    pub name: String,
    /// Length of a part in minutes, from 15 to 360.
    pub period: i64,
    pub bucket: String,
    /// Where the bucket lay for those who wrote the template. Kept for them; the console's buckets are its own.
    pub endpoint: Option<String>,
}

impl RecordTemplate {
    /// Checks the bounds.
    pub fn parse(name: &str, period: i64, bucket: &str, endpoint: Option<&str>) -> Result<Self, RecordingError> {
        let name = StreamName::parse(name).map_err(RecordingError::BadTemplate)?.to_string();
        if !(15..=360).contains(&period) {
            return Err(RecordingError::BadPeriod);
        }
        let template = Self { name, period, bucket: bucket.to_owned(), endpoint: endpoint.map(str::to_owned) };
        template.settings()?;
        Ok(template)
    }

    fn settings(&self) -> Result<RecordingChange, RecordingError> {
        let (part_seconds, bucket) = (self.period * 60, self.bucket.clone());
        RecordingChange::parse(RecordingSettings { enabled: true, part_seconds, bucket })
    }
}

impl Recordings {
    /// The templates by name; only these if names are given.
    pub async fn templates(
        &self,
        actor: &Actor,
        names: Option<&[String]>,
        page: PageRequest,
    ) -> Result<Page<RecordTemplate>, RecordingError> {
        actor.check(Action::Read)?;
        Ok(self.db.list_templates(names, page).await?)
    }

    /// Adds one.
    pub async fn add_template(&self, actor: &Actor, template: &RecordTemplate) -> Result<(), RecordingError> {
        check_all_domains(actor)?;
        let now = self.clock.now();
        let RecordTemplate { name, period, bucket, endpoint } = template;
        let detail = json!({ "period": period, "bucket": bucket, "endpoint": endpoint });
        let audit = AuditEntry::new(actor, now, "record_template.add", name, detail);
        match self.db.add_template(template, now, &audit).await {
            Err(StoreError::Duplicate) => Err(RecordingError::TemplateTaken(name.clone())),
            other => Ok(other?),
        }
    }

    /// Removes one that no domain is recorded by.
    pub async fn remove_template(&self, actor: &Actor, name: &str) -> Result<(), RecordingError> {
        check_all_domains(actor)?;
        let template = self.template(name).await?;
        let audit = AuditEntry::new(actor, self.clock.now(), "record_template.remove", &template.name, json!({}));
        match self.db.remove_template(&template.name, &audit).await? {
            true => Ok(()),
            false => Err(RecordingError::TemplateInUse(template.name)),
        }
    }

    /// Records the domain by a template, in place of what it was recorded by; counts for the next publish.
    pub async fn record_by(&self, actor: &Actor, push: &str, template: &str) -> Result<(), RecordingError> {
        let domain = self.domains.find(actor, Action::ManageDomains, push).await?;
        let template = self.template(template).await?;
        match self.write(actor, &domain, &template.settings()?, Some(&template.name), &Expected::Any).await? {
            true => Ok(()),
            false => Err(RecordingError::TemplateUnknown(template.name)),
        }
    }

    /// Records a domain no longer that is recorded by this template.
    pub async fn stop_recording_by(&self, actor: &Actor, push: &str, template: &str) -> Result<(), RecordingError> {
        let domain = self.domains.find(actor, Action::ManageDomains, push).await?;
        if self.db.template_of(domain.id).await?.as_deref() != Some(template) {
            return Err(RecordingError::NotByTemplate { domain: domain.push, template: template.to_owned() });
        }
        let settings = self.db.recording_settings(domain.id).await?;
        let change = RecordingChange::parse(RecordingSettings { enabled: false, ..settings })?;
        self.write(actor, &domain, &change, None, &Expected::Any).await?;
        Ok(())
    }

    async fn template(&self, name: &str) -> Result<RecordTemplate, RecordingError> {
        let unknown = || RecordingError::TemplateUnknown(name.to_owned());
        self.db.find_template(name).await?.ok_or_else(unknown)
    }
}

fn check_all_domains(actor: &Actor) -> Result<(), Forbidden> {
    actor.check(Action::ManageDomains)?;
    if actor.domains.is_some() { Err(Forbidden) } else { Ok(()) }
}
