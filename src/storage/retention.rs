//! Deletion of expired rows.

use sqlx::AssertSqlSafe;
use sqlx::any::AnyRow;

use super::Db;
use super::batch::Rows;
use super::rows::Read;
use crate::clock_check::{ClockCheck, ClockRecord, check_clock};
use crate::model::{DeliveryId, Millis, StoreError};

/// Rows per transaction.
const BATCH: i64 = 500;

/// Rows that expire: table, key, and a condition in which `$1` is a time (Unix ms).
struct Expiry(&'static str, &'static str, &'static str);

const RECEIPTS: Expiry = Expiry("source_receipts", "source_id, webhook_id", "at < $1");
const NONCES: Expiry = Expiry("nonces", "access_key, nonce", "at < $1");
const BANS: Expiry = Expiry("forbidden_streams", "domain_id, app, stream", "until < $1");
const BROWSER_SESSIONS: Expiry = Expiry("web_sessions", "id", "expires_at <= $1");
const RECOVERIES: Expiry = Expiry("recoveries", "id", "ended_at < $1");
const AUDIT: Expiry = Expiry("audit", "id", "at < $1");

impl Db {
    /// Records a clean-up at `now` (Unix ms) and compares the clock with that of the previous one.
    pub async fn check_clock(&self, now: Millis) -> Result<ClockCheck, StoreError> {
        let mut tx = self.begin().await?;
        let sql = format!("select seen_at, believed_from from clean_up_clock{}", self.engine.for_update());
        let last = sqlx::query(AssertSqlSafe(sql)).fetch_optional(&mut *tx).await?;
        let record = |row: AnyRow| -> Result<_, StoreError> {
            Ok(ClockRecord { seen_at: row.col("seen_at")?, believed_from: row.col("believed_from")? })
        };
        let (record, check) = check_clock(last.map(record).transpose()?, now);
        sqlx::query(
            "insert into clean_up_clock (id, seen_at, believed_from) values (1, $1, $2) \
             on conflict (id) do update set seen_at = excluded.seen_at, believed_from = excluded.believed_from",
        )
        .bind(record.seen_at)
        .bind(record.believed_from)
        .execute(&mut *tx)
        .await?;
        self.commit(tx, Vec::new()).await?;
        Ok(check)
    }
}

/// Each method removes one batch, so that other writers never wait long, and returns the number of rows. Call it until it returns 0.
impl Db {
    async fn delete_batch(&self, expiry: &Expiry, at: Millis) -> Result<u64, StoreError> {
        let Expiry(table, key, condition) = expiry;
        // Repeats the condition, because a row may be renewed while this statement waits for its lock.
        let sql = format!(
            "delete from {table} where {condition} and ({key}) in (select {key} from {table} where {condition} limit $2)"
        );
        let mut tx = self.begin().await?;
        let removed = sqlx::query(AssertSqlSafe(sql)).bind(at).bind(BATCH).execute(&mut *tx).await?.rows_affected();
        self.commit(tx, Vec::new()).await?;
        Ok(removed)
    }

    /// Removes `webhook-id`s of sources received before `before` (Unix ms).
    pub async fn delete_old_receipts(&self, before: Millis) -> Result<u64, StoreError> {
        self.delete_batch(&RECEIPTS, before).await
    }

    /// Removes nonces received before `before` (Unix ms).
    pub async fn delete_old_nonces(&self, before: Millis) -> Result<u64, StoreError> {
        self.delete_batch(&NONCES, before).await
    }

    /// Removes bans that ended before `now` (Unix ms).
    pub async fn delete_past_bans(&self, now: Millis) -> Result<u64, StoreError> {
        self.delete_batch(&BANS, now).await
    }

    /// Removes expired browser sessions.
    pub async fn delete_expired_sessions(&self, now: Millis) -> Result<u64, StoreError> {
        self.delete_batch(&BROWSER_SESSIONS, now).await
    }

    /// Removes recoveries that ended before `before` (Unix ms).
    pub async fn delete_old_recoveries(&self, before: Millis) -> Result<u64, StoreError> {
        self.delete_batch(&RECOVERIES, before).await
    }

    /// Removes entries of the audit log made before `before` (Unix ms).
    pub async fn delete_old_audit(&self, before: Millis) -> Result<u64, StoreError> {
        self.delete_batch(&AUDIT, before).await
    }

    /// Removes sessions that ended before `before` (Unix ms), with their parts and events. Keeps those that still have deliveries.
    pub async fn delete_old_sessions(&self, before: Millis) -> Result<u64, StoreError> {
        let mut tx = self.begin().await?;
        let rows = sqlx::query(
            "select id from sessions s where phase = 'closed' and ended_at < $1 \
             and not exists (select 1 from deliveries d where d.session_id = s.id) limit $2",
        )
        .bind(before)
        .bind(BATCH)
        .fetch_all(&mut *tx)
        .await?;
        let mut old = Rows::new(["id"], rows.len());
        for row in &rows {
            old.push([row.col::<i64>("id")?.into()]);
        }
        for sql in [
            "delete from events where session_id in (select id from r)",
            "delete from sessions where id in (select id from r)",
        ] {
            old.clone().with(self.engine, &mut tx, sql).await?;
        }
        self.commit(tx, Vec::new()).await?;
        Ok(rows.len() as u64)
    }

    /// Removes finished deliveries created before `before` (Unix ms), with their attempts and events.
    pub async fn delete_old_deliveries(&self, before: Millis) -> Result<u64, StoreError> {
        let floor = DeliveryId::floor(before).0;
        let mut tx = self.begin().await?;
        let rows = sqlx::query(
            "select id, event_id, callback_id from deliveries where id < $1 and state not in ('pending', 'retrying') order by id limit $2",
        )
        .bind(floor)
        .bind(BATCH)
        .fetch_all(&mut *tx)
        .await?;
        let mut old = Rows::new(["id", "event_id", "callback_id"], rows.len());
        for row in &rows {
            let (id, event, callback): (i64, i64, i64) =
                (row.col("id")?, row.col("event_id")?, row.col("callback_id")?);
            old.push([id.into(), event.into(), callback.into()]);
        }
        for sql in [
            "delete from attempts where delivery_id in (select id from r)",
            "delete from events where id in (select event_id from r)",
            "delete from failures where (callback_id, delivery_id) in (select callback_id, id from r)",
            "delete from deliveries where id in (select id from r)",
        ] {
            old.clone().with(self.engine, &mut tx, sql).await?;
        }
        self.commit(tx, Vec::new()).await?;
        Ok(rows.len() as u64)
    }

    /// Removes headers and responses of attempts made before `before` (Unix ms), oldest first.
    pub async fn empty_old_attempts(&self, before: Millis) -> Result<u64, StoreError> {
        let mut tx = self.begin().await?;
        let sql = format!(
            "select delivery_id, number from attempts where request_headers <> '' and started_at < $1 \
             order by started_at limit $2{}",
            self.engine.skip_locked()
        );
        let rows = sqlx::query(AssertSqlSafe(sql)).bind(before).bind(BATCH).fetch_all(&mut *tx).await?;
        let mut old = Rows::new(["delivery_id", "number"], rows.len());
        for row in &rows {
            old.push([row.col::<i64>("delivery_id")?.into(), row.col::<i64>("number")?.into()]);
        }
        let sql = "update attempts as a set request_headers = '', response_headers = null, response_body = null from r \
             where a.delivery_id = r.delivery_id and a.number = r.number";
        old.with(self.engine, &mut tx, sql).await?;
        self.commit(tx, Vec::new()).await?;
        Ok(rows.len() as u64)
    }
}
