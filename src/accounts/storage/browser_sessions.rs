//! SQL of browser sessions.

use sqlx::any::AnyRow;

use crate::accounts::storage::user;
use crate::accounts::{BrowserSession, SessionView, User};
use crate::audit::AuditEntry;
use crate::model::{Millis, StoreError, UserId};
use crate::storage::Db;
use crate::storage::rows::Read;

impl Db {
    pub async fn create_browser_session(&self, session: &BrowserSession, now: Millis) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query(
            "insert into web_sessions (id, user_id, data, expires_at, address, agent, created_at, last_seen_at) \
             values ($1, $2, $3, $4, $5, $6, $7, $7)",
        )
        .bind(session.id_hash.clone())
        .bind(session.user.map(|id| id.0))
        .bind(session.data.clone())
        .bind(session.expires_at)
        .bind(session.address.clone())
        .bind(session.agent.clone())
        .bind(now)
        .execute(&mut *tx)
        .await?;
        self.commit(tx, Vec::new()).await
    }

    /// Updates an existing session. An ended session is not recreated.
    pub async fn save_browser_session(&self, session: &BrowserSession) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query("update web_sessions set user_id = $2, data = $3, expires_at = $4 where id = $1")
            .bind(session.id_hash.clone())
            .bind(session.user.map(|id| id.0))
            .bind(session.data.clone())
            .bind(session.expires_at)
            .execute(&mut *tx)
            .await?;
        self.commit(tx, Vec::new()).await
    }

    pub async fn load_browser_session(&self, id_hash: &str, now: Millis) -> Result<Option<BrowserSession>, StoreError> {
        let row = sqlx::query(
            "select user_id, data, expires_at, address, agent from web_sessions where id = $1 and expires_at > $2",
        )
        .bind(id_hash.to_owned())
        .bind(now)
        .fetch_optional(&self.read)
        .await?;
        let read = |row: AnyRow| {
            Ok(BrowserSession {
                id_hash: id_hash.to_owned(),
                user: row.col::<Option<i64>>("user_id")?.map(UserId),
                data: row.col("data")?,
                expires_at: row.col("expires_at")?,
                address: row.col("address")?,
                agent: row.col("agent")?,
            })
        };
        row.map(read).transpose()
    }

    pub async fn delete_browser_session(&self, id_hash: &str) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query("delete from web_sessions where id = $1").bind(id_hash.to_owned()).execute(&mut *tx).await?;
        self.commit(tx, Vec::new()).await
    }

    /// Returns the active user of a session and the time of its last use.
    pub(crate) async fn session_user(&self, id_hash: &str, now: Millis) -> Result<Option<(User, Millis)>, StoreError> {
        let row = sqlx::query(
            "select u.id, u.name, u.role, s.last_seen_at from web_sessions s join users u on u.id = s.user_id \
             where s.id = $1 and s.expires_at > $2 and u.active = 1",
        )
        .bind(id_hash.to_owned())
        .bind(now)
        .fetch_optional(&self.read)
        .await?;
        row.map(|row| Ok((user(&row)?, row.col("last_seen_at")?))).transpose()
    }

    pub(crate) async fn touch_session(&self, id_hash: &str, address: &str, now: Millis) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query("update web_sessions set last_seen_at = $2, address = $3 where id = $1")
            .bind(id_hash.to_owned())
            .bind(now)
            .bind(address.to_owned())
            .execute(&mut *tx)
            .await?;
        self.commit(tx, Vec::new()).await
    }

    /// Returns the sessions of a user, most recently used first.
    pub(crate) async fn list_browser_sessions(&self, id: UserId, now: Millis) -> Result<Vec<SessionView>, StoreError> {
        let rows = sqlx::query(
            "select id, agent, address, created_at, last_seen_at from web_sessions \
             where user_id = $1 and expires_at > $2 order by last_seen_at desc, id",
        )
        .bind(id.0)
        .bind(now)
        .fetch_all(&self.pages)
        .await?;
        let view = |row: &AnyRow| {
            Ok(SessionView {
                id: row.col("id")?,
                agent: row.col("agent")?,
                address: row.col("address")?,
                created_at: row.col("created_at")?,
                last_seen_at: row.col("last_seen_at")?,
            })
        };
        rows.iter().map(view).collect()
    }

    /// Ends a session. Returns `false` if it does not exist.
    pub(crate) async fn end_browser_session(
        &self,
        id: UserId,
        id_hash: &str,
        audit: &AuditEntry,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let ended = sqlx::query("delete from web_sessions where user_id = $1 and id = $2")
            .bind(id.0)
            .bind(id_hash.to_owned())
            .execute(&mut *tx)
            .await?;
        if ended.rows_affected() == 0 {
            return Ok(false);
        }
        self.write_audit(&mut tx, audit).await?;
        self.commit(tx, Vec::new()).await?;
        Ok(true)
    }

    /// Ends all sessions except `keep`.
    pub(crate) async fn end_browser_sessions(
        &self,
        id: UserId,
        keep: &str,
        audit: &AuditEntry,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query("delete from web_sessions where user_id = $1 and id <> $2")
            .bind(id.0)
            .bind(keep.to_owned())
            .execute(&mut *tx)
            .await?;
        self.write_audit(&mut tx, audit).await?;
        self.commit(tx, Vec::new()).await
    }
}
