//! Use cases that disconnect or forbid streams, and lists of past publishes.

use serde_json::json;

use super::types::StreamRef;
use super::{ForbiddenStream, SessionKey, StreamError, Streams};
use crate::audit::AuditEntry;
use crate::domains::DomainView;
use crate::model::{Action, Actor, AppName, DomainName, Forbidden, Millis, Page, PageRequest, StreamName};

/// Longest ban that is not permanent: ten years.
const LONGEST_BAN_SECONDS: i64 = 3_650 * 86_400;

/// A stream with its push domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushedStream {
    pub domain: DomainName,
    pub app: AppName,
    pub stream: StreamName,
}

/// A publish of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publish {
    pub stream: StreamRef,
    pub started_at: Millis,
    /// `None`: live.
    pub ended_at: Option<Millis>,
}

/// Length of a ban.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BanLength(Option<i64>);

impl BanLength {
    /// `None`: permanently.
    pub fn parse(seconds: Option<i64>) -> Result<Self, StreamError> {
        match seconds {
            Some(seconds) if !(1..=LONGEST_BAN_SECONDS).contains(&seconds) => Err(StreamError::BadLength),
            seconds => Ok(Self(seconds)),
        }
    }
}

impl Streams {
    /// Disconnects the publisher of the stream within about a second, or at the next heartbeat of the source. The publisher may reconnect.
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

    /// Forbids the stream. Its publisher is disconnected if the source supports that; every source refuses the next publish.
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

    /// Lifts a ban. Does nothing if there is none.
    pub async fn allow(&self, actor: &Actor, push: &str, app: &str, stream: &str) -> Result<(), StreamError> {
        let (domain, stream) = self.named(actor, push, app, stream).await?;
        let audit = self.entry(actor, "stream.allow", &domain, &stream, json!({}));
        self.db.allow(&stream, &audit).await?;
        Ok(())
    }

    /// Lists the current bans of one domain (ASCII push domain) or all.
    pub async fn list_forbidden(
        &self,
        actor: &Actor,
        domain: Option<String>,
        page: PageRequest,
    ) -> Result<Page<ForbiddenStream>, StreamError> {
        let only = scope(actor, domain)?;
        Ok(self.db.list_forbidden(only.as_deref(), self.clock.now(), page).await?)
    }

    /// Lists the publishes that overlap `[from, to)` (Unix ms), by stream and time, of one domain (ASCII push domain) or all.
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

    /// Returns the streams whose publishers this run of the built-in ingest must disconnect. Each request to disconnect is returned once.
    pub async fn to_drop(&self, boot: &str) -> Result<Vec<PushedStream>, StreamError> {
        let all = PageRequest { number: 1, size: i64::MAX };
        let forbidden = self.db.list_forbidden(None, self.clock.now(), all).await?.rows;
        let forbidden = forbidden.into_iter().map(|row| (row.domain, row.app, row.stream));
        let ordered = self.db.take_disconnects(boot).await?;
        // Stored names were parsed before.
        let parse = |(domain, app, stream): (String, String, String)| {
            let (domain, app) = (DomainName::parse(&domain).ok()?, AppName::parse(&app).ok()?);
            Some(PushedStream { domain, app, stream: StreamName::parse(&stream).ok()? })
        };
        Ok(ordered.into_iter().chain(forbidden).filter_map(parse).collect())
    }

    /// Returns whether a publish may continue. The source disconnects its publisher if not.
    pub async fn may_go_on(&self, session: &SessionKey) -> Result<bool, StreamError> {
        Ok(!self.db.is_to_be_dropped(session, self.clock.now()).await?)
    }

    /// Is notified when this process changed the result of [`Streams::to_drop`].
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

/// Returns the push domains that the actor may read; `None`: all.
fn scope(actor: &Actor, domain: Option<String>) -> Result<Option<Vec<String>>, Forbidden> {
    match domain {
        Some(domain) => actor.check_domain(Action::Read, &domain).map(|()| Some(vec![domain])),
        None => actor.check(Action::Read).map(|()| actor.domains.clone()),
    }
}
