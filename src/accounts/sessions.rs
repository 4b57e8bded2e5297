//! Browser sessions: finding their user, listing and ending them.

use serde_json::json;

use super::{AccountError, Accounts, SessionView};
use crate::audit::AuditEntry;
use crate::model::{Actor, Millis, UserId};

/// Interval at which the last use is stored, so that most page views need no write.
const SEEN_EVERY_MS: Millis = 60_000;

impl Accounts {
    /// Returns the actor of a browser session with the present role. `None`: the session has ended, or the user is deactivated.
    /// `session`: hash of its id; `address`: client address.
    pub async fn session_actor(&self, session: &str, address: &str) -> Result<Option<Actor>, AccountError> {
        let now = self.clock.now();
        let Some((user, seen_at)) = self.db.session_user(session, now).await? else { return Ok(None) };
        if now - seen_at >= SEEN_EVERY_MS
            && let Err(error) = self.db.touch_session(session, address, now).await
        {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "failed to store the last use of a browser session; continuing"
            );
        }
        Ok(Some(user.actor(address)))
    }

    /// Returns the sessions of a user, most recently used first.
    pub async fn sessions(&self, actor: &Actor, id: UserId) -> Result<Vec<SessionView>, AccountError> {
        self.managed(actor, id).await?;
        Ok(self.db.list_browser_sessions(id, self.clock.now()).await?)
    }

    /// Ends one session of a user.
    pub async fn end_session(&self, actor: &Actor, id: UserId, session: &str) -> Result<(), AccountError> {
        let user = self.managed(actor, id).await?;
        self.end_one(actor, id, &user.name, session).await
    }

    /// Ends all sessions of a user.
    pub async fn end_sessions(&self, actor: &Actor, id: UserId) -> Result<(), AccountError> {
        let user = self.managed(actor, id).await?;
        let audit = AuditEntry::new(actor, self.clock.now(), "user.sign_out", &user.name, json!({ "sessions": "all" }));
        Ok(self.db.end_browser_sessions(id, "", &audit).await?)
    }

    /// Returns the actor's own sessions, most recently used first.
    pub async fn own_sessions(&self, actor: &Actor) -> Result<Vec<SessionView>, AccountError> {
        let user = self.own(actor).await?;
        Ok(self.db.list_browser_sessions(user.id, self.clock.now()).await?)
    }

    /// Ends one of the actor's own sessions.
    pub async fn end_own_session(&self, actor: &Actor, session: &str) -> Result<(), AccountError> {
        let user = self.own(actor).await?;
        self.end_one(actor, user.id, &user.name, session).await
    }

    /// Ends all of the actor's own sessions except `keep`.
    pub async fn end_other_sessions(&self, actor: &Actor, keep: &str) -> Result<(), AccountError> {
        let user = self.own(actor).await?;
        let detail = json!({ "sessions": "others" });
        let audit = AuditEntry::new(actor, self.clock.now(), "user.sign_out", &user.name, detail);
        Ok(self.db.end_browser_sessions(user.id, keep, &audit).await?)
    }

    async fn end_one(&self, actor: &Actor, id: UserId, name: &str, session: &str) -> Result<(), AccountError> {
        let audit = AuditEntry::new(actor, self.clock.now(), "user.sign_out", name, json!({ "sessions": "one" }));
        let ended = self.db.end_browser_session(id, session, &audit).await?;
        if ended { Ok(()) } else { Err(AccountError::NoSession) }
    }
}
