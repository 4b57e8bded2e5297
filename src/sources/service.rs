//! Use cases of *Sources*.

use std::sync::Arc;

use serde_json::json;

use super::types::{NewSource, Source};
use super::{Adapter, RefusalView, SourceView};
use crate::audit::{AuditEntry, fingerprint};
use crate::model::ProblemKind::{Conflict, Internal, Invalid, NotFound};
use crate::model::{
    Action, Actor, BadName, Clock, DomainName, Forbidden, Problem, ProblemDetails, SourceId, StoreError, problem,
};
use crate::outbound::SigningSecret;
use crate::sealing::{SealError, Sealer, random_token, token_hash};
use crate::storage::Db;

/// Why something with a source cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    #[error("enter a name of 1 to 50 characters")]
    BadName,
    #[error("a source named {0} already exists; choose another name")]
    Taken(String),
    #[error("unknown adapter {0}; choose nginx-rtmp or generic")]
    BadAdapter(String),
    #[error("the default domain {0}")]
    BadDefaultDomain(BadName),
    #[error("this source does not exist")]
    Unknown,
    #[error("the built-in ingest cannot be removed; to turn it off, start the console with --rtmp off")]
    BuiltIn,
    #[error(transparent)]
    Seal(#[from] SealError),
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Problem for SourceError {
    fn details(&self) -> ProblemDetails {
        match self {
            Self::BadName => problem(Invalid, "source_bad_name").field("name"),
            Self::Taken(name) => problem(Conflict, "source_taken").field("name").arg("name", name),
            Self::BadAdapter(name) => problem(Invalid, "source_bad_adapter").field("adapter").arg("name", name),
            Self::BadDefaultDomain(why) => why.details().field("defaultDomain"),
            Self::Unknown => problem(NotFound, "source_unknown"),
            Self::BuiltIn => problem(Conflict, "source_built_in"),
            Self::Seal(_) => problem(Internal, "internal"),
            Self::Forbidden(e) => e.details(),
            Self::Store(e) => e.details(),
        }
    }
}

/// A source with its secrets, just made.
pub struct CreatedSource {
    pub view: SourceView,
    /// Signs the bodies of a `generic` source.
    pub secret: SigningSecret,
}

/// The use cases.
#[derive(Clone)]
pub struct Sources {
    pub(crate) db: Db,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) sealer: Sealer,
}

impl Sources {
    /// All sources, the built-in first. Ingest paths only for those who may manage them.
    pub async fn list(&self, actor: &Actor) -> Result<Vec<SourceView>, SourceError> {
        actor.check(Action::Read)?;
        let secrets = actor.check(Action::ManageSources).is_ok();
        self.db.list_sources().await?.iter().map(|source| self.view(source, secrets)).collect()
    }

    /// The latest refused publishes.
    pub async fn refusals(&self, actor: &Actor) -> Result<Vec<RefusalView>, SourceError> {
        actor.check(Action::Read)?;
        let mut refusals = self.db.list_refusals(50).await?;
        refusals.retain(|refusal| actor.domains.as_ref().is_none_or(|domains| domains.contains(&refusal.host)));
        Ok(refusals)
    }

    /// Adds an external media server.
    pub async fn create(
        &self,
        actor: &Actor,
        adapter: &str,
        name: &str,
        default_domain: Option<&str>,
    ) -> Result<CreatedSource, SourceError> {
        actor.check(Action::ManageSources)?;
        let adapter = match adapter.parse() {
            Ok(adapter) if adapter != Adapter::BuiltIn => adapter,
            _ => return Err(SourceError::BadAdapter(adapter.to_owned())),
        };
        let default_domain = default_domain.map(str::trim).filter(|text| !text.is_empty());
        let default_domain =
            default_domain.map(DomainName::parse).transpose().map_err(SourceError::BadDefaultDomain)?;
        self.insert(actor, adapter, name, default_domain).await
    }

    /// The built-in ingest's own source; made at the first start.
    pub async fn built_in(&self) -> Result<SourceId, SourceError> {
        let existing = self.db.list_sources().await?.into_iter().find(|s| s.adapter == Adapter::BuiltIn);
        match existing {
            Some(source) => Ok(source.id),
            None => Ok(self.insert(&Actor::cli(), Adapter::BuiltIn, "built-in ingest", None).await?.view.id),
        }
    }

    /// Removes an external source; its sessions stay readable.
    pub async fn delete(&self, actor: &Actor, id: SourceId) -> Result<(), SourceError> {
        actor.check(Action::ManageSources)?;
        let source = self.db.list_sources().await?.into_iter().find(|s| s.id == id).ok_or(SourceError::Unknown)?;
        if source.adapter == Adapter::BuiltIn {
            return Err(SourceError::BuiltIn);
        }
        let detail = json!({ "before": { "adapter": source.adapter, "defaultDomain": source.default_domain } });
        let audit = AuditEntry::new(actor, self.clock.now(), "source.delete", &source.name, detail);
        Ok(self.db.delete_source(id, &audit).await?)
    }

    /// The source that owns an ingest URL. The look-up is by hash, so that its time tells nothing of the secret.
    pub async fn by_url(&self, adapter: &str, secret: &str) -> Result<Source, SourceError> {
        let source = self.db.find_source_by_secret(&token_hash(secret)).await?;
        let source = source.filter(|s| s.adapter.as_str() == adapter).ok_or(SourceError::Unknown)?;
        self.db.touch_source(source.id, self.clock.now()).await?;
        Ok(source)
    }

    /// The key that a `generic` source signs with.
    pub fn signing_secret(&self, source: &Source) -> Result<SigningSecret, SourceError> {
        let text = self.sealer.open_text(&source.signing_secret_sealed)?;
        SigningSecret::parse(&text).map_err(|_| SourceError::Seal(SealError::WrongKey))
    }

    async fn insert(
        &self,
        actor: &Actor,
        adapter: Adapter,
        name: &str,
        default_domain: Option<DomainName>,
    ) -> Result<CreatedSource, SourceError> {
        let name = name.trim();
        if name.is_empty() || name.chars().count() > 50 {
            return Err(SourceError::BadName);
        }
        let (url_secret, secret) = (random_token(), SigningSecret::generate());
        let new = NewSource {
            adapter,
            name: name.to_owned(),
            default_domain: default_domain.map(|d| d.ascii().to_owned()),
            url_secret_hash: token_hash(&url_secret),
            url_secret_sealed: self.sealer.seal(&url_secret),
            signing_secret_sealed: self.sealer.seal(secret.expose()),
        };
        let now = self.clock.now();
        let detail = json!({ "after": {
            "adapter": adapter,
            "defaultDomain": new.default_domain,
            "url": fingerprint(&url_secret),
            "secret": secret.fingerprint(),
        } });
        let audit = AuditEntry::new(actor, now, "source.create", name, detail);
        let id = match self.db.create_source(&new, now, &audit).await {
            Err(StoreError::Duplicate) => return Err(SourceError::Taken(name.to_owned())),
            other => other?,
        };
        let view = SourceView {
            id,
            adapter,
            name: new.name,
            default_domain: new.default_domain,
            created_at: now,
            last_seen_at: None,
            ingest_path: Some(format!("/ingest/{adapter}/{url_secret}")),
        };
        Ok(CreatedSource { view, secret })
    }

    fn view(&self, source: &Source, secrets: bool) -> Result<SourceView, SourceError> {
        let ingest_path = if secrets && source.adapter != Adapter::BuiltIn {
            let secret = self.sealer.open_text(&source.url_secret_sealed)?;
            Some(format!("/ingest/{}/{secret}", source.adapter))
        } else {
            None
        };
        Ok(SourceView {
            id: source.id,
            adapter: source.adapter,
            name: source.name.clone(),
            default_domain: source.default_domain.clone(),
            created_at: source.created_at,
            last_seen_at: source.last_seen_at,
            ingest_path,
        })
    }
}
