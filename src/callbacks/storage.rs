//! SQL of callback settings.

pub(crate) mod health;

use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row};

use crate::audit::AuditEntry;
use crate::callbacks::{Callback, CallbackSettings, Pause};
use crate::deliveries::storage::recovery_counts::RecoveryCounts;
use crate::deliveries::{CallbackOff, DeliveryState, QueueChange};
use crate::model::{CallbackId, CallbackKind, DeliveryId, DomainId, Millis, RecoveryId, StoreError};
use crate::storage::rows::{Read, to_json};
use crate::storage::{Db, Tx};

/// Columns of a callback, aliased so that they can be joined with any table.
pub(crate) const CALLBACK_COLUMNS: &str = "c.id as callback_id, c.domain_id as callback_domain, c.kind as callback_kind, \
     c.enabled, c.address, c.dialect, c.ordered, c.timeout_seconds, c.headers, c.secret_sealed, \
     c.previous_secret_sealed, c.previous_secret_until, c.off_reason, \
     c.paused_since, c.probe_at, c.probes, c.pause_reason";
/// Condition for the callback of a push domain (`$1`) and a kind (`$2`).
const OF_DOMAIN: &str = "c.domain_id = (select id from domains where push = $1) and c.kind = $2";
const NO_PAUSE: &str = "paused_since = null, probe_at = null, probes = null, pause_reason = null";
/// Part of each change by a user at `$2`, which also ends a pause.
const CHANGED: &str = "updated_at = $2, paused_since = null, probe_at = null, probes = null, pause_reason = null";

pub(crate) fn callback(row: &AnyRow) -> Result<Callback, StoreError> {
    Ok(Callback {
        id: CallbackId(row.col("callback_id")?),
        domain_id: DomainId(row.col("callback_domain")?),
        kind: row.word("callback_kind")?,
        settings: CallbackSettings {
            enabled: row.flag("enabled")?,
            address: row.col("address")?,
            dialect: row.word("dialect")?,
            ordered: row.flag("ordered")?,
            timeout_seconds: row.col("timeout_seconds")?,
            headers: row.json("headers")?,
        },
        secret_sealed: row.col("secret_sealed")?,
        previous_secret_sealed: row.try_get("previous_secret_sealed")?,
        previous_secret_until: row.col("previous_secret_until")?,
        off_reason: row.maybe_word("off_reason")?,
        pause: pause(row)?,
    })
}

pub(crate) fn pause(row: &AnyRow) -> Result<Option<Pause>, StoreError> {
    let Some(since) = row.col("paused_since")? else { return Ok(None) };
    let (probe_at, probes, reason) = (row.col("probe_at")?, row.col("probes")?, row.col("pause_reason")?);
    Ok(Some(Pause { since, probe_at, probes, reason }))
}

impl Db {
    /// Cancels or drops all queued deliveries of a callback.
    pub(crate) async fn stop_waiting(
        &self,
        tx: &mut Tx,
        callback: i64,
        state: DeliveryState,
        now: Millis,
    ) -> Result<Vec<QueueChange>, StoreError> {
        let updated = sqlx::query(
            "update deliveries set state = $2, finished_at = $3 \
             where id in (select delivery_id from queue where callback_id = $1)",
        )
        .bind(callback)
        .bind(state.as_str())
        .bind(now)
        .execute(&mut **tx)
        .await?;
        if updated.rows_affected() == 0 {
            return Ok(Vec::new());
        }
        let rows = sqlx::query("delete from queue where callback_id = $1 returning delivery_id, recovery_id")
            .bind(callback)
            .fetch_all(&mut **tx)
            .await?;
        let mut counts = RecoveryCounts::default();
        for row in &rows {
            if let Some(recovery) = row.col("recovery_id")? {
                counts.count(RecoveryId(recovery), CallbackId(callback), state);
            }
        }
        self.add_recovery_counts(tx, counts).await?;
        rows.iter().map(|row| Ok(QueueChange::Removed(DeliveryId(row.col("delivery_id")?)))).collect()
    }

    /// Turns a callback off on behalf of the console, and cancels its queued deliveries.
    pub async fn turn_off(&self, tx: &mut Tx, off: &CallbackOff) -> Result<Vec<QueueChange>, StoreError> {
        let sql = format!(
            "update callbacks set enabled = 0, off_reason = $2, {NO_PAUSE} where id = $1 and enabled = 1 \
             returning kind, (select push from domains where id = domain_id) as push"
        );
        let sql = sqlx::query(AssertSqlSafe(sql)).bind(off.callback.0).bind(off.reason.as_str());
        if let Some(row) = sql.fetch_optional(&mut **tx).await? {
            let push: String = row.col("push")?;
            self.write_audit(tx, &off.audit(row.word("kind")?, push)).await?;
        }
        let mut queued = self.stop_waiting(tx, off.callback.0, DeliveryState::Cancelled, off.at).await?;
        queued.push(QueueChange::CallbackChanged(off.callback));
        Ok(queued)
    }

    /// Finds a callback by its push domain (ASCII).
    pub async fn find_callback(&self, push: &str, kind: CallbackKind) -> Result<Option<Callback>, StoreError> {
        let sql = format!("select {CALLBACK_COLUMNS} from callbacks c where {OF_DOMAIN}");
        let query = sqlx::query(AssertSqlSafe(sql)).bind(push.to_owned()).bind(kind.as_str());
        query.fetch_optional(&self.read).await?.as_ref().map(callback).transpose()
    }

    /// Finds a callback by its push domain (ASCII) and locks it until the end of the transaction.
    pub(crate) async fn lock_callback(
        &self,
        tx: &mut Tx,
        push: &str,
        kind: CallbackKind,
    ) -> Result<Option<Callback>, StoreError> {
        let lock = self.engine.for_update();
        let sql = format!("select {CALLBACK_COLUMNS} from callbacks c where {OF_DOMAIN}{lock}");
        let query = sqlx::query(AssertSqlSafe(sql)).bind(push.to_owned()).bind(kind.as_str());
        query.fetch_optional(&mut **tx).await?.as_ref().map(callback).transpose()
    }

    /// Returns the number of queued deliveries of a callback, by its push domain (ASCII).
    pub(crate) async fn count_queued(&self, push: &str, kind: CallbackKind) -> Result<i64, StoreError> {
        let sql = format!(
            "select count(*) as n from queue where callback_id in (select c.id from callbacks c where {OF_DOMAIN})"
        );
        let query = sqlx::query(AssertSqlSafe(sql)).bind(push.to_owned()).bind(kind.as_str());
        query.fetch_one(&self.read).await?.col("n")
    }

    /// Writes the settings. If they turn the callback off, its queued deliveries are cancelled.
    pub(crate) async fn change_callback(
        &self,
        mut tx: Tx,
        id: CallbackId,
        settings: &CallbackSettings,
        audit: &AuditEntry,
    ) -> Result<(), StoreError> {
        let sql = format!(
            "update callbacks set {CHANGED}, enabled = $3, address = $4, dialect = $5, ordered = $6, \
             timeout_seconds = $7, headers = $8, off_reason = null where id = $1"
        );
        sqlx::query(AssertSqlSafe(sql))
            .bind(id.0)
            .bind(audit.at)
            .bind(i64::from(settings.enabled))
            .bind(settings.address.clone())
            .bind(settings.dialect.as_str())
            .bind(i64::from(settings.ordered))
            .bind(settings.timeout_seconds)
            .bind(to_json(&settings.headers)?)
            .execute(&mut *tx)
            .await?;
        let queued = if settings.enabled {
            Vec::new()
        } else {
            self.stop_waiting(&mut tx, id.0, DeliveryState::Cancelled, audit.at).await?
        };
        self.commit_change(tx, id, queued, audit).await
    }

    /// Ends a pause before its next probe.
    pub(crate) async fn resume_callback(
        &self,
        mut tx: Tx,
        id: CallbackId,
        audit: &AuditEntry,
    ) -> Result<(), StoreError> {
        let sql = format!("update callbacks set {CHANGED} where id = $1");
        sqlx::query(AssertSqlSafe(sql)).bind(id.0).bind(audit.at).execute(&mut *tx).await?;
        self.commit_change(tx, id, Vec::new(), audit).await
    }

    /// Replaces the secret. The replaced one signs too until `overlap_until`.
    pub(crate) async fn rotate_secret(
        &self,
        mut tx: Tx,
        id: CallbackId,
        sealed: Vec<u8>,
        overlap_until: Millis,
        audit: &AuditEntry,
    ) -> Result<(), StoreError> {
        let sql = format!(
            "update callbacks set {CHANGED}, previous_secret_sealed = secret_sealed, previous_secret_until = $3, \
             secret_sealed = $4 where id = $1"
        );
        let query = sqlx::query(AssertSqlSafe(sql)).bind(id.0).bind(audit.at).bind(overlap_until).bind(sealed);
        query.execute(&mut *tx).await?;
        self.commit_change(tx, id, Vec::new(), audit).await
    }

    /// Lets the previous secret sign until `until`; erases it if that is now.
    pub(crate) async fn set_overlap(
        &self,
        mut tx: Tx,
        id: CallbackId,
        until: Millis,
        audit: &AuditEntry,
    ) -> Result<(), StoreError> {
        let sql = format!(
            "update callbacks set {CHANGED}, previous_secret_until = $3, \
             previous_secret_sealed = case when $3 > $2 then previous_secret_sealed end where id = $1"
        );
        let query = sqlx::query(AssertSqlSafe(sql)).bind(id.0).bind(audit.at).bind(until);
        query.execute(&mut *tx).await?;
        self.commit_change(tx, id, Vec::new(), audit).await
    }

    /// Commits a user's change and notifies the delivery loop.
    async fn commit_change(
        &self,
        mut tx: Tx,
        id: CallbackId,
        mut queued: Vec<QueueChange>,
        audit: &AuditEntry,
    ) -> Result<(), StoreError> {
        self.write_audit(&mut tx, audit).await?;
        queued.push(QueueChange::CallbackChanged(id));
        self.commit(tx, queued).await
    }

    /// Writes the delivery loop's decision: a new pause, a later probe of the same pause, or its end. Returns `false` without writing if
    /// the callback is off, or if a user has changed or resumed it since the pause began.
    pub async fn set_pause(&self, id: CallbackId, pause: Option<&Pause>) -> Result<bool, StoreError> {
        let updated = match pause {
            Some(pause) => {
                // A change dated after the first probe was made before the clock was set back, and so before the pause.
                sqlx::query(
                    "update callbacks set paused_since = $2, probe_at = $3, probes = $4, pause_reason = $5 \
                     where id = $1 and enabled = 1 and (updated_at < $2 or updated_at > $3) and (paused_since = $2 or ($4 = 0 and paused_since is null))",
                )
                .bind(id.0)
                .bind(pause.since)
                .bind(pause.probe_at)
                .bind(pause.probes)
                .bind(pause.reason.clone())
                .execute(&self.write)
                .await?
            }
            None => {
                let sql = format!("update callbacks set {NO_PAUSE} where id = $1 and paused_since is not null");
                sqlx::query(AssertSqlSafe(sql)).bind(id.0).execute(&self.write).await?
            }
        };
        Ok(updated.rows_affected() > 0)
    }

    /// Returns all pauses. The delivery loop reads them at its start.
    pub async fn paused_callbacks(&self) -> Result<Vec<(CallbackId, Pause)>, StoreError> {
        let rows = sqlx::query(
            "select id, paused_since, probe_at, probes, pause_reason from callbacks \
             where enabled = 1 and paused_since is not null order by id",
        );
        let rows = rows.fetch_all(&self.read).await?;
        let paused = |row: &AnyRow| Ok((CallbackId(row.col("id")?), pause(row)?));
        let rows: Vec<(CallbackId, Option<Pause>)> = rows.iter().map(paused).collect::<Result<_, StoreError>>()?;
        Ok(rows.into_iter().filter_map(|(id, pause)| Some((id, pause?))).collect())
    }
}
