//! Users, set-up links and browser sessions.

use async_trait::async_trait;
use sqlx::any::AnyRow;

use super::Db;
use super::rows::Read;
use crate::accounts::{AccountStore, BrowserSession, User, UserRecord};
use crate::audit::AuditEntry;
use crate::model::{Millis, Role, StoreError, UserId};

const INSERT_USER: &str =
    "insert into users (name, password_hash, role, created_at) values ($1, $2, $3, $4) returning id, name, role";

fn user(row: &AnyRow) -> Result<User, StoreError> {
    Ok(User { id: UserId(row.col("id")?), name: row.col("name")?, role: row.word("role")? })
}

#[async_trait]
impl AccountStore for Db {
    async fn has_users(&self) -> Result<bool, StoreError> {
        Ok(sqlx::query("select id from users limit 1").fetch_optional(&self.read).await?.is_some())
    }

    async fn find_user_by_name(&self, name: &str) -> Result<Option<UserRecord>, StoreError> {
        let row = sqlx::query("select id, name, role, password_hash from users where name = $1")
            .bind(name.to_owned())
            .fetch_optional(&self.read)
            .await?;
        row.map(|row| Ok(UserRecord { user: user(&row)?, password_hash: row.col("password_hash")? })).transpose()
    }

    async fn find_user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        let row =
            sqlx::query("select id, name, role from users where id = $1").bind(id.0).fetch_optional(&self.read).await?;
        row.as_ref().map(user).transpose()
    }

    async fn create_user(
        &self,
        name: &str,
        role: Role,
        password_hash: &str,
        now: Millis,
        audit: &AuditEntry,
    ) -> Result<User, StoreError> {
        let mut tx = self.begin().await?;
        let row = sqlx::query(INSERT_USER)
            .bind(name.to_owned())
            .bind(password_hash.to_owned())
            .bind(role.as_str())
            .bind(now)
            .fetch_one(&mut *tx)
            .await?;
        // Whoever can create a user needs no set-up link any more.
        sqlx::query("delete from setup_links").execute(&mut *tx).await?;
        self.write_audit(&mut tx, audit).await?;
        self.commit(tx, Vec::new()).await?;
        user(&row)
    }

    async fn put_setup_link(&self, token_hash: &str, expires_at: Millis) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query("delete from setup_links").execute(&mut *tx).await?;
        sqlx::query("insert into setup_links (token_hash, expires_at) values ($1, $2)")
            .bind(token_hash.to_owned())
            .bind(expires_at)
            .execute(&mut *tx)
            .await?;
        self.commit(tx, Vec::new()).await
    }

    async fn setup_link(&self, token_hash: &str) -> Result<Option<Millis>, StoreError> {
        let row = sqlx::query("select expires_at from setup_links where token_hash = $1")
            .bind(token_hash.to_owned())
            .fetch_optional(&self.read)
            .await?;
        row.map(|row| row.col("expires_at")).transpose()
    }

    async fn redeem_setup_link(
        &self,
        token_hash: &str,
        name: &str,
        password_hash: &str,
        now: Millis,
        audit: &AuditEntry,
    ) -> Result<Option<User>, StoreError> {
        let mut tx = self.begin().await?;
        let removed = sqlx::query("delete from setup_links where token_hash = $1 and expires_at > $2")
            .bind(token_hash.to_owned())
            .bind(now)
            .execute(&mut *tx)
            .await?;
        if removed.rows_affected() == 0 {
            return Ok(None);
        }
        let row = sqlx::query(INSERT_USER)
            .bind(name.to_owned())
            .bind(password_hash.to_owned())
            .bind(Role::Admin.as_str())
            .bind(now)
            .fetch_one(&mut *tx)
            .await?;
        self.write_audit(&mut tx, audit).await?;
        self.commit(tx, Vec::new()).await?;
        Ok(Some(user(&row)?))
    }

    async fn save_session(&self, session: &BrowserSession) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query(
            "insert into web_sessions (id, user_id, data, expires_at) values ($1, $2, $3, $4) \
             on conflict (id) do update set user_id = excluded.user_id, data = excluded.data, \
             expires_at = excluded.expires_at",
        )
        .bind(session.id_hash.clone())
        .bind(session.user.map(|id| id.0))
        .bind(session.data.clone())
        .bind(session.expires_at)
        .execute(&mut *tx)
        .await?;
        self.commit(tx, Vec::new()).await
    }

    async fn load_session(&self, id_hash: &str, now: Millis) -> Result<Option<BrowserSession>, StoreError> {
        let row = sqlx::query("select user_id, data, expires_at from web_sessions where id = $1 and expires_at > $2")
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
            })
        };
        row.map(read).transpose()
    }

    async fn delete_session(&self, id_hash: &str) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query("delete from web_sessions where id = $1").bind(id_hash.to_owned()).execute(&mut *tx).await?;
        self.commit(tx, Vec::new()).await
    }

    async fn delete_expired_sessions(&self, now: Millis) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query("delete from web_sessions where expires_at <= $1").bind(now).execute(&mut *tx).await?;
        self.commit(tx, Vec::new()).await
    }
}
