//! Use cases that stop a stream, and what became of streams over a time.

use serde_json::json;

use super::types::StreamRef;
use super::{ForbiddenStream, SessionKey, StreamError, Streams};
use crate::audit::AuditEntry;
use crate::domains::DomainView;
use crate::model::{Action, Actor, AppName, DomainName, Forbidden, Millis, Page, PageRequest, StreamName};

/// The longest time that a stream is forbidden for, unless for good: ten years.
const LONGEST_BAN_SECONDS: i64 = 3_650 * 86_400;

/// A stream as it is pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushedStream {
    pub domain: DomainName,
    pub app: AppName,
    pub stream: StreamName,
}

/// When a stream was published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publish {
    pub stream: StreamRef,
    pub started_at: Millis,
    /// `None`: it is live.
    pub ended_at: Option<Millis>,
}

/// How long a stream is forbidden.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BanLength(Option<i64>);

impl BanLength {
    /// `None`: for good.
    pub fn parse(seconds: Option<i64>) -> Result<Self, StreamError> {
        match seconds {
            Some(seconds) if !(1..=LONGEST_BAN_SECONDS).contains(&seconds) => Err(StreamError::BadLength),
            seconds => Ok(Self(seconds)),
        }
    }
}

impl Streams {
    /// Drops whoever publishes the stream: within about a second, or at the source's next heartbeat. Nothing keeps them from coming back.
    pub async fn disconnect(&self, actor: &Actor, push: &str, app: &str, stream: &str) -> Result<(), StreamError> {
        let (domain, stream) = self.named(actor, push, app, stream).await?;
        let (session, adapter) = self.db.live_at(&stream).await?.ok_or(StreamError::NotLive)?;
        if !adapter.can_drop() {
            return Err(StreamError::CannotDrop);
        }
        let audit = self.entry(actor, "stream.disconnect", &domain, &stream, json!({}));
        self.db.order_disconnect(session, &audit).await?;
        self.orders.notify_one();
        Ok(())
    }

    /// Forbids to publish the stream, live or not. Who publishes it is dropped where the source can do that; every source refuses the next publish.
    pub async fn forbid(
        &self,
        actor: &Actor,
        push: &str,
        app: &str,
        stream: &str,
        length: BanLength,
    ) -> Result<ForbiddenStream, StreamError> {
        let (domain, stream) = self.named(actor, push, app, stream).await?;
        let until = length.0.map(|seconds| self.clock.now() + seconds * 1000);
        let audit = self.entry(actor, "stream.forbid", &domain, &stream, json!({ "until": until }));
        self.db.forbid(&stream, until, &audit).await?;
        self.orders.notify_one();
        Ok(ForbiddenStream { domain: domain.push, app: stream.app, stream: stream.stream, until })
    }

    /// Allows again what was forbidden. Nothing happens to what was not.
    pub async fn allow(&self, actor: &Actor, push: &str, app: &str, stream: &str) -> Result<(), StreamError> {
        let (domain, stream) = self.named(actor, push, app, stream).await?;
        let audit = self.entry(actor, "stream.allow", &domain, &stream, json!({}));
        self.db.allow(&stream, &audit).await?;
        Ok(())
    }

    /// What is forbidden now, of one domain (ASCII push domain) or all.
    pub async fn list_forbidden(
        &self,
        actor: &Actor,
        domain: Option<String>,
        page: PageRequest,
    ) -> Result<Page<ForbiddenStream>, StreamError> {
        let only = scope(actor, domain)?;
        Ok(self.db.list_forbidden(only.as_deref(), self.clock.now(), page).await?)
    }

    /// Publishes that ran at some time in `[from, to)` (Unix ms), by stream and time; of one domain (ASCII push domain) or all.
    pub async fn publishes(
        &self,
        actor: &Actor,
        domain: Option<String>,
        app: Option<&str>,
        from: Millis,
        to: Millis,
    ) -> Result<Vec<Publish>, StreamError> {
        let only = scope(actor, domain)?;
        Ok(self.db.publishes(only.as_deref(), app, from, to).await?)
    }

    /// The streams that nobody may publish any longer to this run of the built-in ingest. A step of the ingest; orders to disconnect come once.
    pub async fn to_drop(&self, boot: &str) -> Result<Vec<PushedStream>, StreamError> {
        let all = PageRequest { number: 1, size: i64::MAX };
        let forbidden = self.db.list_forbidden(None, self.clock.now(), all).await?.rows;
        let forbidden = forbidden.into_iter().map(|row| (row.domain, row.app, row.stream));
        let ordered = self.db.take_disconnects(boot).await?;
        // What was stored has been parsed before.
        let parse = |(domain, app, stream): (String, String, String)| {
            let (domain, app) = (DomainName::parse(&domain).ok()?, AppName::parse(&app).ok()?);
            Some(PushedStream { domain, app, stream: StreamName::parse(&stream).ok()? })
        };
        Ok(ordered.into_iter().chain(forbidden).filter_map(parse).collect())
    }

    /// Whether a publish may go on, asked by a source that drops its publisher if not.
    pub async fn may_go_on(&self, session: &SessionKey) -> Result<bool, StreamError> {
        Ok(!self.db.is_to_be_dropped(session, self.clock.now()).await?)
    }

    /// Rings when this process changed something that [`Streams::to_drop`] tells.
    #[must_use]
    pub fn orders(&self) -> std::sync::Arc<tokio::sync::Notify> {
        self.orders.clone()
    }

    async fn named(
        &self,
        actor: &Actor,
        push: &str,
        app: &str,
        stream: &str,
    ) -> Result<(DomainView, StreamRef), StreamError> {
        let domain = self.domains.find(actor, Action::ManageStreams, push).await?;
        let app = AppName::parse(app).map_err(StreamError::BadApp)?.to_string();
        let stream = StreamName::parse(stream).map_err(StreamError::BadStream)?.to_string();
        let stream = StreamRef { domain: domain.id, app, stream };
        Ok((domain, stream))
    }

    fn entry(
        &self,
        actor: &Actor,
        action: &'static str,
        domain: &DomainView,
        stream: &StreamRef,
        detail: serde_json::Value,
    ) -> AuditEntry {
        let target = format!("{}/{}/{}", domain.push, stream.app, stream.stream);
        AuditEntry::new(actor, self.clock.now(), action, target, detail)
    }
}

/// The push domains that may be looked at; `None` is all.
fn scope(actor: &Actor, domain: Option<String>) -> Result<Option<Vec<String>>, Forbidden> {
    match domain {
        Some(domain) => actor.check_domain(Action::Read, &domain).map(|()| Some(vec![domain])),
        None => actor.check(Action::Read).map(|()| actor.domains.clone()),
    }
}
