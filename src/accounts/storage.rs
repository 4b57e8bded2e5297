//! SQL of users and their links.

pub(crate) mod browser_sessions;
pub(crate) mod factors;

use sqlx::any::AnyRow;
use sqlx::{Any, AssertSqlSafe, Transaction};

use crate::accounts::{Change, Credentials, NewUser, User, UserChange, UserState, UserView};
use crate::audit::AuditEntry;
use crate::model::{Millis, Role, StoreError, UserId};
use crate::storage::Db;
use crate::storage::rows::Read;

const INSERT_USER: &str = "insert into users (name, password_hash, role, created_at, issuer, subject) \
     values ($1, $2, $3, $4, $5, $6) returning id, name, role";
const VIEW: &str = "select id, name, role, active, password_hash, issuer, created_at, last_sign_in_at, \
     cast(case when totp_sealed is null then 0 else 1 end as bigint) as two_factor from users";
const CREDENTIALS: &str = "select id, name, role, active, password_hash, \
     cast(case when totp_sealed is null then 0 else 1 end as bigint) as two_factor from users";
/// Condition for an admin who can sign in.
const ABLE_ADMIN: &str = "role = 'admin' and active = 1 and (password_hash <> '' or issuer is not null)";

pub(crate) fn user(row: &AnyRow) -> Result<User, StoreError> {
    Ok(User { id: UserId(row.col("id")?), name: row.col("name")?, role: row.word("role")? })
}

fn credentials(row: &AnyRow) -> Result<Credentials, StoreError> {
    Ok(Credentials {
        user: user(row)?,
        active: row.flag("active")?,
        password_hash: Some(row.col("password_hash")?).filter(|hash: &String| !hash.is_empty()),
        two_factor: row.flag("two_factor")?,
    })
}

fn view(row: &AnyRow) -> Result<UserView, StoreError> {
    let issuer: Option<String> = row.col("issuer")?;
    let state = if !row.flag("active")? {
        UserState::Deactivated
    } else if issuer.is_none() && row.col::<String>("password_hash")?.is_empty() {
        UserState::Invited
    } else {
        UserState::Active
    };
    let User { id, name, role } = user(row)?;
    Ok(UserView {
        id,
        name,
        role,
        state,
        issuer,
        two_factor: row.flag("two_factor")?,
        created_at: row.col("created_at")?,
        last_sign_in_at: row.col("last_sign_in_at")?,
    })
}

/// Locks the admins who can sign in, and returns whether `id` is the only one.
async fn is_last_admin(db: &Db, tx: &mut Transaction<'static, Any>, id: UserId) -> Result<bool, StoreError> {
    // Sorted, so that two admins who demote each other at the same time cannot deadlock.
    let sql = format!("select id from users where {ABLE_ADMIN} order by id{}", db.engine.for_update());
    let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(&mut **tx).await?;
    let ids = rows.iter().map(|row| row.col("id")).collect::<Result<Vec<i64>, _>>()?;
    Ok(ids == [id.0])
}

async fn delete_sessions(tx: &mut Transaction<'static, Any>, id: UserId, keep: &str) -> Result<(), StoreError> {
    sqlx::query("delete from web_sessions where user_id = $1 and id <> $2")
        .bind(id.0)
        .bind(keep.to_owned())
        .execute(&mut **tx)
        .await?;
    Ok(())
}

async fn delete_link(tx: &mut Transaction<'static, Any>, id: UserId) -> Result<(), StoreError> {
    sqlx::query("delete from user_links where user_id = $1").bind(id.0).execute(&mut **tx).await?;
    Ok(())
}

async fn insert_link(
    tx: &mut Transaction<'static, Any>,
    id: UserId,
    token_hash: &str,
    expires_at: Millis,
) -> Result<(), StoreError> {
    sqlx::query("insert into user_links (user_id, token_hash, expires_at) values ($1, $2, $3)")
        .bind(id.0)
        .bind(token_hash.to_owned())
        .bind(expires_at)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

async fn write_password(tx: &mut Transaction<'static, Any>, id: UserId, hash: &str) -> Result<(), StoreError> {
    sqlx::query("update users set password_hash = $2 where id = $1")
        .bind(id.0)
        .bind(hash.to_owned())
        .execute(&mut **tx)
        .await?;
    Ok(())
}

impl Db {
    pub(crate) async fn has_users(&self) -> Result<bool, StoreError> {
        Ok(sqlx::query("select id from users limit 1").fetch_optional(&self.read).await?.is_some())
    }

    /// Returns all users, sorted by name.
    pub(crate) async fn list_users(&self) -> Result<Vec<UserView>, StoreError> {
        let rows = sqlx::query(AssertSqlSafe(format!("{VIEW} order by name"))).fetch_all(&self.pages).await?;
        rows.iter().map(view).collect()
    }

    pub(crate) async fn get_user(&self, id: UserId) -> Result<Option<UserView>, StoreError> {
        let sql = format!("{VIEW} where id = $1");
        let row = sqlx::query(AssertSqlSafe(sql)).bind(id.0).fetch_optional(&self.read).await?;
        row.as_ref().map(view).transpose()
    }

    pub(crate) async fn find_credentials(&self, name: &str) -> Result<Option<Credentials>, StoreError> {
        let sql = format!("{CREDENTIALS} where name = $1");
        let row = sqlx::query(AssertSqlSafe(sql)).bind(name.to_owned()).fetch_optional(&self.read).await?;
        row.as_ref().map(credentials).transpose()
    }

    pub(crate) async fn credentials_of(&self, id: UserId) -> Result<Option<Credentials>, StoreError> {
        let sql = format!("{CREDENTIALS} where id = $1");
        let row = sqlx::query(AssertSqlSafe(sql)).bind(id.0).fetch_optional(&self.read).await?;
        row.as_ref().map(credentials).transpose()
    }

    /// Finds a user by issuer and subject.
    pub(crate) async fn find_provided(&self, issuer: &str, subject: &str) -> Result<Option<Credentials>, StoreError> {
        let sql = format!("{CREDENTIALS} where issuer = $1 and subject = $2");
        let row = sqlx::query(AssertSqlSafe(sql))
            .bind(issuer.to_owned())
            .bind(subject.to_owned())
            .fetch_optional(&self.read)
            .await?;
        row.as_ref().map(credentials).transpose()
    }

    /// Creates a user and removes set-up links, which are no longer needed.
    pub async fn create_user(&self, new: &NewUser<'_>, now: Millis, audit: &AuditEntry) -> Result<User, StoreError> {
        let mut tx = self.begin().await?;
        let row = sqlx::query(INSERT_USER)
            .bind(new.name.to_owned())
            .bind(new.password_hash.clone().unwrap_or_default())
            .bind(new.role.as_str())
            .bind(now)
            .bind(new.provider.map(|(issuer, _)| issuer.to_owned()))
            .bind(new.provider.map(|(_, subject)| subject.to_owned()))
            .fetch_one(&mut *tx)
            .await?;
        let user = user(&row)?;
        if let Some((token_hash, expires_at)) = &new.link {
            insert_link(&mut tx, user.id, token_hash, *expires_at).await?;
        }
        sqlx::query("delete from setup_links").execute(&mut *tx).await?;
        self.write_audit(&mut tx, audit).await?;
        self.commit(tx, Vec::new()).await?;
        Ok(user)
    }

    /// Deactivating ends the person's sessions and voids the link. `keep_admin`: unless no admin would be left.
    pub(crate) async fn change_user(
        &self,
        id: UserId,
        change: UserChange,
        keep_admin: bool,
        audit: &[AuditEntry],
    ) -> Result<Change, StoreError> {
        let mut tx = self.begin().await?;
        let demoted = change.role.is_some_and(|role| role != Role::Admin) || change.active == Some(false);
        if keep_admin && demoted && is_last_admin(self, &mut tx, id).await? {
            return Ok(Change::LastAdmin);
        }
        let changed =
            sqlx::query("update users set role = coalesce($2, role), active = coalesce($3, active) where id = $1")
                .bind(id.0)
                .bind(change.role.map(Role::as_str))
                .bind(change.active.map(i64::from))
                .execute(&mut *tx)
                .await?;
        if changed.rows_affected() == 0 {
            return Ok(Change::Unknown);
        }
        if change.active == Some(false) {
            delete_sessions(&mut tx, id, "").await?;
            delete_link(&mut tx, id).await?;
        }
        for entry in audit {
            self.write_audit(&mut tx, entry).await?;
        }
        self.commit(tx, Vec::new()).await?;
        Ok(Change::Done)
    }

    /// Sets a password, and ends all sessions but one.
    pub(crate) async fn set_password(
        &self,
        id: UserId,
        hash: &str,
        keep: &str,
        audit: &AuditEntry,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        write_password(&mut tx, id, hash).await?;
        delete_link(&mut tx, id).await?;
        delete_sessions(&mut tx, id, keep).await?;
        self.write_audit(&mut tx, audit).await?;
        self.commit(tx, Vec::new()).await
    }

    /// Records a sign-in at the time of the audit entry.
    pub(crate) async fn record_sign_in(&self, id: UserId, audit: &AuditEntry) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query("update users set last_sign_in_at = $2 where id = $1")
            .bind(id.0)
            .bind(audit.at)
            .execute(&mut *tx)
            .await?;
        self.write_audit(&mut tx, audit).await?;
        self.commit(tx, Vec::new()).await
    }

    /// Replaces all set-up links.
    pub(crate) async fn put_setup_link(&self, token_hash: &str, expires_at: Millis) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query("delete from setup_links").execute(&mut *tx).await?;
        sqlx::query("insert into setup_links (token_hash, expires_at) values ($1, $2)")
            .bind(token_hash.to_owned())
            .bind(expires_at)
            .execute(&mut *tx)
            .await?;
        self.commit(tx, Vec::new()).await
    }

    /// Returns the expiry of a set-up link.
    pub(crate) async fn setup_link(&self, token_hash: &str) -> Result<Option<Millis>, StoreError> {
        let row = sqlx::query("select expires_at from setup_links where token_hash = $1")
            .bind(token_hash.to_owned())
            .fetch_optional(&self.read)
            .await?;
        row.map(|row| row.col("expires_at")).transpose()
    }

    /// Creates the first user and removes all set-up links. `None`: the link was used meanwhile.
    pub(crate) async fn redeem_setup_link(
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
            .bind(None::<String>)
            .bind(None::<String>)
            .fetch_one(&mut *tx)
            .await?;
        self.write_audit(&mut tx, audit).await?;
        self.commit(tx, Vec::new()).await?;
        Ok(Some(user(&row)?))
    }

    /// Replaces the user's link and ends all sessions.
    pub(crate) async fn put_link(
        &self,
        id: UserId,
        token_hash: &str,
        expires_at: Millis,
        audit: &AuditEntry,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        delete_link(&mut tx, id).await?;
        insert_link(&mut tx, id, token_hash, expires_at).await?;
        delete_sessions(&mut tx, id, "").await?;
        self.write_audit(&mut tx, audit).await?;
        self.commit(tx, Vec::new()).await
    }

    /// Finds the user of a valid link.
    pub(crate) async fn find_link(&self, token_hash: &str, now: Millis) -> Result<Option<User>, StoreError> {
        let row = sqlx::query(
            "select u.id, u.name, u.role from user_links l join users u on u.id = l.user_id \
             where l.token_hash = $1 and l.expires_at > $2 and u.active = 1",
        )
        .bind(token_hash.to_owned())
        .bind(now)
        .fetch_optional(&self.read)
        .await?;
        row.as_ref().map(user).transpose()
    }

    /// Sets the password, removes the link and ends all sessions. Returns `false` if the link was used meanwhile.
    pub(crate) async fn redeem_link(
        &self,
        token_hash: &str,
        hash: &str,
        now: Millis,
        audit: &AuditEntry,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let row = sqlx::query("delete from user_links where token_hash = $1 and expires_at > $2 returning user_id")
            .bind(token_hash.to_owned())
            .bind(now)
            .fetch_optional(&mut *tx)
            .await?;
        let Some(row) = row else { return Ok(false) };
        let id = UserId(row.col("user_id")?);
        write_password(&mut tx, id, hash).await?;
        delete_sessions(&mut tx, id, "").await?;
        self.write_audit(&mut tx, audit).await?;
        self.commit(tx, Vec::new()).await?;
        Ok(true)
    }
}
