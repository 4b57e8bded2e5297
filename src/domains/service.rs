//! Use cases of domain groups.

use std::sync::Arc;

use serde_json::json;

use super::error::DomainError;
use super::new_domain::NewDomain;
use super::types::DomainFilter;
use super::{DomainRow, DomainView, PlayDomain};
use crate::audit::AuditEntry;
use crate::model::{Action, Actor, Clock, DomainName, Expected, Page, PageRequest, StoreError, Version};
use crate::outbound::SigningSecret;
use crate::sealing::Sealer;
use crate::storage::Db;

/// Use cases of domain groups.
#[derive(Clone)]
pub struct Domains {
    pub(crate) db: Db,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) sealer: Sealer,
    /// Default part length of recordings.
    pub(crate) part_seconds: i64,
}

impl Domains {
    /// Returns a page of the list, newest first.
    pub async fn list(
        &self,
        actor: &Actor,
        mut filter: DomainFilter,
        page: PageRequest,
    ) -> Result<Page<DomainRow>, DomainError> {
        actor.check(Action::Read)?;
        filter.text = filter.text.trim().to_lowercase();
        filter.only = actor.domains.clone();
        Ok(self.db.list_domains(&filter, page).await?)
    }

    /// Returns a group by its push domain, in ASCII or Unicode.
    pub async fn get(&self, actor: &Actor, push: &str) -> Result<DomainView, DomainError> {
        self.find(actor, Action::Read, push).await
    }

    /// Returns the group that has this push or play domain.
    pub async fn get_by_name(&self, actor: &Actor, name: &str) -> Result<DomainView, DomainError> {
        let unknown = || DomainError::Unknown(name.to_owned());
        let parsed = DomainName::parse(name).map_err(|_| unknown())?;
        match self.db.push_domain_of(parsed.ascii()).await? {
            Some(push) => self.find(actor, Action::Read, &push).await,
            None => {
                // A key that is limited to some domains must not learn whether others exist.
                actor.check_domain(Action::Read, parsed.ascii())?;
                Err(unknown())
            }
        }
    }

    /// Creates an enabled group with both callbacks off.
    pub async fn create(&self, actor: &Actor, new: NewDomain) -> Result<DomainView, DomainError> {
        actor.check_domain(Action::ManageDomains, new.push().ascii())?;
        let names: Vec<&str> = std::iter::once(new.push()).chain(new.play()).map(DomainName::ascii).collect();
        if let Some(name) = self.db.taken_names(&names).await?.into_iter().next() {
            return Err(DomainError::Taken { push: name == new.push().ascii(), name });
        }
        let now = self.clock.now();
        let secrets = [(); 2].map(|()| self.sealer.seal(SigningSecret::generate().expose()));
        let play: Vec<&str> = new.play().iter().map(DomainName::ascii).collect();
        let audit =
            AuditEntry::new(actor, now, "domain.create", new.push().ascii(), json!({ "after": { "play": play } }));
        let created = self.db.create_domain(&new, secrets, self.part_seconds, now, &audit).await;
        let id = created.map_err(|error| match error {
            // A concurrent request created it after the check above.
            StoreError::Duplicate => DomainError::Taken { name: new.push().ascii().to_owned(), push: true },
            error => error.into(),
        })?;
        Ok(DomainView {
            id,
            push: new.push().ascii().to_owned(),
            push_display: new.push().display().to_owned(),
            play: new.play().iter().map(PlayDomain::from).collect(),
            enabled: true,
            created_at: now,
            updated_at: now,
        })
    }

    /// Enables or disables a group. It applies from the next publish.
    pub async fn set_enabled(&self, actor: &Actor, push: &str, enabled: bool) -> Result<DomainView, DomainError> {
        self.set_enabled_if(actor, push, enabled, &Expected::Any).await
    }

    /// Enables or disables a group if it has the expected version.
    pub async fn set_enabled_if(
        &self,
        actor: &Actor,
        push: &str,
        enabled: bool,
        expected: &Expected,
    ) -> Result<DomainView, DomainError> {
        let domain = self.find(actor, Action::ManageDomains, push).await?;
        expected.check(&Version::from(&domain))?;
        if domain.enabled == enabled {
            return Ok(domain);
        }
        let now = self.clock.now();
        let action = if enabled { "domain.enable" } else { "domain.disable" };
        let detail = json!({ "before": { "enabled": domain.enabled }, "after": { "enabled": enabled } });
        let audit = AuditEntry::new(actor, now, action, &domain.push, detail);
        self.db.set_domain_enabled(domain.id, enabled, expected, now, &audit).await?;
        Ok(DomainView { enabled, updated_at: now, ..domain })
    }

    /// Deletes a disabled group; `confirm` must be its push domain.
    pub async fn delete(&self, actor: &Actor, push: &str, confirm: &str) -> Result<(), DomainError> {
        self.delete_if(actor, push, confirm, &Expected::Any).await
    }

    /// Deletes a disabled group if it has the expected version.
    pub async fn delete_if(
        &self,
        actor: &Actor,
        push: &str,
        confirm: &str,
        expected: &Expected,
    ) -> Result<(), DomainError> {
        let domain = self.find(actor, Action::ManageDomains, push).await?;
        expected.check(&Version::from(&domain))?;
        if domain.enabled {
            return Err(DomainError::StillEnabled);
        }
        let confirm = confirm.trim().to_lowercase();
        if confirm != domain.push && confirm != domain.push_display {
            return Err(DomainError::NotConfirmed);
        }
        let play: Vec<&str> = domain.play.iter().map(|play| play.name.as_str()).collect();
        let detail = json!({ "before": { "play": play, "sourceId": domain.id } });
        let audit = AuditEntry::new(actor, self.clock.now(), "domain.delete", &domain.push, detail);
        let deleted = self.db.delete_domain(domain.id, expected, &audit).await?;
        if deleted { Ok(()) } else { Err(DomainError::StillEnabled) }
    }

    /// Finds a domain group after checking the actor's permission.
    pub(crate) async fn find(&self, actor: &Actor, action: Action, push: &str) -> Result<DomainView, DomainError> {
        let name = self.authorize(actor, action, push)?;
        self.db.find_domain(name.ascii()).await?.ok_or_else(|| DomainError::Unknown(push.to_owned()))
    }

    /// Checks the actor's permission for a push domain, which may not exist.
    pub(crate) fn authorize(&self, actor: &Actor, action: Action, push: &str) -> Result<DomainName, DomainError> {
        let name = DomainName::parse(push).map_err(|_| DomainError::Unknown(push.to_owned()))?;
        actor.check_domain(action, name.ascii())?;
        Ok(name)
    }
}
