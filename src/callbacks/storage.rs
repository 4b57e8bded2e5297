//! Callback settings.

pub(crate) mod health;

use sqlx::any::AnyRow;
use sqlx::{Any, AssertSqlSafe, Row, Transaction};

use crate::audit::AuditEntry;
use crate::callbacks::{Callback, CallbackChange, CallbackHealth, CallbacksAtAGlance, Pause};
use crate::deliveries::storage::recovery_counts::RecoveryCounts;
use crate::deliveries::{CallbackOff, DeliveryState, QueueChange};
use crate::model::{CallbackId, CallbackKind, DeliveryId, DomainId, Expected, Millis, RecoveryId, StoreError};
use crate::outbound::CallbackAddress;
use crate::storage::Db;
use crate::storage::rows::{Read, to_json};

/// The columns of a callback, under names that collide with no other table's.
pub(crate) const CALLBACK_COLUMNS: &str = "c.id as callback_id, c.domain_id as callback_domain, c.kind as callback_kind, \
     c.enabled, c.address, c.dialect, c.ordered, c.timeout_seconds, c.headers, c.secret_sealed, \
     c.previous_secret_sealed, c.previous_secret_until, c.off_reason, \
     c.paused_since, c.probe_at, c.probes, c.pause_reason";
/// No pause.
const NO_PAUSE: &str = "paused_since = null, probe_at = null, probes = null, pause_reason = null";

pub(crate) fn callback(row: &AnyRow) -> Result<Callback, StoreError> {
    Ok(Callback {
        id: CallbackId(row.col("callback_id")?),
        domain_id: DomainId(row.col("callback_domain")?),
        kind: row.word("callback_kind")?,
        enabled: row.flag("enabled")?,
        address: row.col("address")?,
        dialect: row.word("dialect")?,
        ordered: row.flag("ordered")?,
        timeout_seconds: row.col("timeout_seconds")?,
        headers: row.json("headers")?,
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
    /// Takes all that waits for a callback out of the queue.
    pub(crate) async fn stop_waiting(
        &self,
        tx: &mut Transaction<'static, Any>,
        callback: i64,
        state: DeliveryState,
        now: Millis,
    ) -> Result<Vec<QueueChange>, StoreError> {
        sqlx::query(
            "update deliveries set state = $2, finished_at = $3 \
             where id in (select delivery_id from queue where callback_id = $1)",
        )
        .bind(callback)
        .bind(state.as_str())
        .bind(now)
        .execute(&mut **tx)
        .await?;
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

    /// Turns a callback off by the console itself, and cancels what waits for it.
    pub async fn turn_off(
        &self,
        tx: &mut Transaction<'static, Any>,
        off: &CallbackOff,
    ) -> Result<Vec<QueueChange>, StoreError> {
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

    /// The end of each change that a person makes: the callback is not paused any more, and the delivery loop hears of it.
    async fn commit_change(
        &self,
        mut tx: Transaction<'static, Any>,
        id: CallbackId,
        mut queued: Vec<QueueChange>,
        now: Millis,
        audit: &AuditEntry,
    ) -> Result<(), StoreError> {
        let sql = format!("update callbacks set {NO_PAUSE}, updated_at = $2 where id = $1");
        sqlx::query(AssertSqlSafe(sql)).bind(id.0).bind(now).execute(&mut *tx).await?;
        self.write_audit(&mut tx, audit).await?;
        queued.push(QueueChange::CallbackChanged(id));
        self.commit(tx, queued).await
    }
}

impl Db {
    pub async fn find_callback(&self, domain: DomainId, kind: CallbackKind) -> Result<Option<Callback>, StoreError> {
        let sql = format!("select {CALLBACK_COLUMNS} from callbacks c where c.domain_id = $1 and c.kind = $2");
        let row = sqlx::query(AssertSqlSafe(sql)).bind(domain.0).bind(kind.as_str()).fetch_optional(&self.read).await?;
        row.as_ref().map(callback).transpose()
    }

    /// `since`: start of the window of the counts, Unix ms.
    pub(crate) async fn callback_health(&self, id: CallbackId, since: Millis) -> Result<CallbackHealth, StoreError> {
        self.read_health(id, since).await
    }

    /// Writes the settings; when that turns the callback off, cancels what waits for it. [`StoreError::Changed`]: those that stand are not
    /// of the expected version.
    pub(crate) async fn change_callback(
        &self,
        id: CallbackId,
        change: &CallbackChange,
        expected: &Expected,
        now: Millis,
        audit: &AuditEntry,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let sql = format!("select {CALLBACK_COLUMNS} from callbacks c where c.id = $1{}", self.engine.for_update());
        let present = sqlx::query(AssertSqlSafe(sql)).bind(id.0).fetch_optional(&mut *tx).await?;
        expected.check(&callback(&present.ok_or(StoreError::Changed)?)?.version())?;
        sqlx::query(
            "update callbacks set enabled = $2, address = $3, dialect = $4, ordered = $5, timeout_seconds = $6, \
             headers = $7, off_reason = null where id = $1",
        )
        .bind(id.0)
        .bind(i64::from(change.enabled))
        .bind(change.address.as_ref().map(|a| CallbackAddress::as_str(a).to_owned()))
        .bind(change.dialect.as_str())
        .bind(i64::from(change.ordered))
        .bind(change.timeout_seconds)
        .bind(to_json(&change.headers)?)
        .execute(&mut *tx)
        .await?;
        let queued = if change.enabled {
            Vec::new()
        } else {
            self.stop_waiting(&mut tx, id.0, DeliveryState::Cancelled, now).await?
        };
        self.commit_change(tx, id, queued, now, audit).await
    }

    /// Ends a pause before its next probe.
    pub(crate) async fn resume_callback(
        &self,
        id: CallbackId,
        now: Millis,
        audit: &AuditEntry,
    ) -> Result<(), StoreError> {
        let tx = self.begin().await?;
        self.commit_change(tx, id, Vec::new(), now, audit).await
    }

    /// Callbacks that are on, in the push domains of `only` if given. At most `limit` of those in trouble: the paused ones
    /// first, then those whose latest attempt failed.
    pub(crate) async fn callbacks_at_a_glance(
        &self,
        only: Option<&[String]>,
        limit: i64,
    ) -> Result<CallbacksAtAGlance, StoreError> {
        self.read_glance(only, limit).await
    }

    /// Writes what the deliveries found: a new pause, a later probe of the same pause, or its end. `false`: it was not
    /// written, because the callback is off, or a person changed or resumed it since the pause began. Their word stands.
    pub async fn set_pause(&self, id: CallbackId, pause: Option<&Pause>) -> Result<bool, StoreError> {
        let updated = match pause {
            Some(pause) => {
                // A change from after the first probe was made before the clock was set back, and thus before the pause.
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

    /// All pauses, for the start of the delivery loop.
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

    /// The present secret becomes the former one until `overlap_until`.
    pub(crate) async fn rotate_secret(
        &self,
        id: CallbackId,
        sealed: Vec<u8>,
        overlap_until: Millis,
        now: Millis,
        audit: &AuditEntry,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query(
            "update callbacks set previous_secret_sealed = secret_sealed, previous_secret_until = $3, secret_sealed = $2 \
             where id = $1",
        )
        .bind(id.0)
        .bind(sealed)
        .bind(overlap_until)
        .execute(&mut *tx)
        .await?;
        self.commit_change(tx, id, Vec::new(), now, audit).await
    }

    /// The former secret goes on signing until `until`; one whose time is over is erased. `false`: none signs any more.
    pub(crate) async fn set_overlap(
        &self,
        id: CallbackId,
        until: Millis,
        now: Millis,
        audit: &AuditEntry,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let updated = sqlx::query(
            "update callbacks set previous_secret_until = $2, \
             previous_secret_sealed = case when $2 > $3 then previous_secret_sealed end \
             where id = $1 and previous_secret_until > $3",
        )
        .bind(id.0)
        .bind(until)
        .bind(now)
        .execute(&mut *tx)
        .await?;
        if updated.rows_affected() == 0 {
            return Ok(false);
        }
        self.commit_change(tx, id, Vec::new(), now, audit).await?;
        Ok(true)
    }
}
