//! Session store in the database, so that sessions can be listed and ended. The cookie holds the id, the table its hash. Session data is
//! sealed, because it may contain a secret that a page is about to show.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use callsheet::accounts::BrowserSession;
use callsheet::model::{Clock, StoreError, UserId};
use callsheet::sealing::Sealer;
use callsheet::storage::Db;
use callsheet_app::{SESSION_ADDRESS, SESSION_AGENT, SESSION_USER, session_hash};
use time::OffsetDateTime;
use tower_sessions::SessionStore;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::{Error, Result};

/// Data of a session.
type Data = HashMap<String, serde_json::Value>;

/// Store of the session layer.
#[derive(Clone)]
pub(super) struct BrowserSessions {
    pub(super) db: Db,
    pub(super) sealer: Sealer,
    pub(super) clock: Arc<dyn Clock>,
}

impl fmt::Debug for BrowserSessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BrowserSessions")
    }
}

/// Minimum extension of the lifetime that is worth a write, so that most page views need none.
const EXTENDED_BY_MS: i64 = 3_600_000;

/// Lifetime of a session without a user, which only has to outlast a form: strangers can create any number of them.
const ANONYMOUS_LIFE_MS: i64 = 3_600_000;

fn backend(error: StoreError) -> Error {
    tracing::error!(error = &error as &dyn std::error::Error, "failed to access browser sessions");
    Error::Backend(error.to_string())
}

impl BrowserSessions {
    fn seal(&self, data: &Data) -> Result<String> {
        let text = serde_json::to_string(data).map_err(|e| Error::Encode(e.to_string()))?;
        Ok(BASE64.encode(self.sealer.seal(&text)))
    }

    /// Decrypts session data. `None`: another key has sealed it.
    fn open(&self, sealed: &str) -> Option<Data> {
        let text = self.sealer.open_text(&BASE64.decode(sealed).ok()?).ok()?;
        serde_json::from_str(&text).ok()
    }

    /// Converts a record into a row. The session list needs user, address and agent as columns.
    fn row(&self, record: &Record) -> Result<BrowserSession> {
        let text = |key| record.data.get(key).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
        let user = record.data.get(SESSION_USER).and_then(serde_json::Value::as_i64).map(UserId);
        let expires_at = i64::try_from(record.expiry_date.unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX);
        Ok(BrowserSession {
            id_hash: session_hash(&record.id),
            user,
            data: self.seal(&record.data)?,
            expires_at: if user.is_some() { expires_at } else { expires_at.min(self.clock.now() + ANONYMOUS_LIFE_MS) },
            address: text(SESSION_ADDRESS),
            agent: text(SESSION_AGENT),
        })
    }
}

#[async_trait]
impl SessionStore for BrowserSessions {
    async fn create(&self, record: &mut Record) -> Result<()> {
        while self.load(&record.id).await?.is_some() {
            record.id = Id::default();
        }
        self.db.create_browser_session(&self.row(record)?, self.clock.now()).await.map_err(backend)
    }

    /// Updates an existing session. A request in progress does not recreate a session that was ended meanwhile.
    async fn save(&self, record: &Record) -> Result<()> {
        let session = self.row(record)?;
        let stored = self.db.load_browser_session(&session.id_hash, self.clock.now()).await.map_err(backend)?;
        let Some(stored) = stored.filter(|stored| self.open(&stored.data).is_some_and(|data| data == record.data))
        else {
            return self.db.save_browser_session(&session).await.map_err(backend);
        };
        if session.expires_at - stored.expires_at >= EXTENDED_BY_MS
            && let Err(error) = self.db.save_browser_session(&session).await
        {
            // The session stays valid, and the next page tries again.
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "failed to extend a browser session; retrying with the next page"
            );
        }
        Ok(())
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let Some(session) = self.db.load_browser_session(&session_hash(id), self.clock.now()).await.map_err(backend)?
        else {
            return Ok(None);
        };
        let Some(data) = self.open(&session.data) else { return Ok(None) };
        let expiry_date =
            OffsetDateTime::from_unix_timestamp(session.expires_at / 1000).map_err(|e| Error::Decode(e.to_string()))?;
        Ok(Some(Record { id: *id, data, expiry_date }))
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        self.db.delete_browser_session(&session_hash(id)).await.map_err(backend)
    }
}
