//! The stream names that runs of the built-in ingest hold. All times are those of the database.

use std::time::Duration;

use sqlx::AssertSqlSafe;

use crate::model::StoreError;
use crate::storage::batch::Rows;
use crate::storage::rows::Read;
use crate::storage::{DATABASE_NOW, Db};
use crate::streams::{SessionKey, StreamRef};

/// Retention of expired runs (ms).
const FORGET_AFTER: i64 = 3_600_000;

impl Db {
    /// Renews the lease of a run and returns the keys of the sessions whose names it holds. `None`: there is no other process.
    pub(crate) async fn renew_run(&self, boot: &str, lease: Duration) -> Result<Option<Vec<String>>, StoreError> {
        if !self.is_shared() {
            return Ok(None);
        }
        let mut tx = self.begin().await?;
        let sql = format!(
            "insert into ingest_runs (boot, expires_at) values ($1, {DATABASE_NOW} + $2) \
             on conflict (boot) do update set expires_at = excluded.expires_at"
        );
        let lease = i64::try_from(lease.as_millis()).unwrap_or(i64::MAX);
        sqlx::query(AssertSqlSafe(sql)).bind(boot.to_owned()).bind(lease).execute(&mut *tx).await?;
        let sql = format!("delete from ingest_runs where expires_at < {DATABASE_NOW} - {FORGET_AFTER}");
        sqlx::query(AssertSqlSafe(sql)).execute(&mut *tx).await?;
        let sql = "select source_key from held_streams where boot = $1";
        let rows = sqlx::query(sql).bind(boot.to_owned()).fetch_all(&mut *tx).await?;
        tx.commit().await?;
        rows.iter().map(|row| row.col("source_key")).collect::<Result<_, _>>().map(Some)
    }

    /// Releases all names of these runs.
    pub(crate) async fn end_runs(&self, boots: &[String]) -> Result<(), StoreError> {
        if !self.is_shared() || boots.is_empty() {
            return Ok(());
        }
        let mut rows = Rows::new(["boot"], boots.len());
        for boot in boots {
            rows.push([boot.clone().into()]);
        }
        let mut tx = self.begin().await?;
        for table in ["held_streams", "ingest_runs"] {
            let sql = format!("delete from {table} where boot in (select boot from r)");
            rows.clone().with(self.engine, &mut tx, &sql).await?;
        }
        Ok(tx.commit().await?)
    }

    /// Reserves the name of a stream for the run of the session. Returns false if another run holds it.
    pub(crate) async fn hold_stream(&self, session: &SessionKey, stream: &StreamRef) -> Result<bool, StoreError> {
        if !self.is_shared() {
            return Ok(true);
        }
        let sql = format!(
            "insert into held_streams (domain_id, app, stream, boot, source_key) values ($1, $2, $3, $4, $5) \
             on conflict (domain_id, app, stream) do update set boot = excluded.boot, source_key = excluded.source_key \
             where held_streams.boot = excluded.boot or not exists \
             (select 1 from ingest_runs r where r.boot = held_streams.boot and r.expires_at >= {DATABASE_NOW}) returning boot"
        );
        let held = sqlx::query(AssertSqlSafe(sql))
            .bind(stream.domain.0)
            .bind(stream.app.clone())
            .bind(stream.stream.clone())
            .bind(session.boot.clone())
            .bind(session.key.clone())
            .fetch_optional(&self.write)
            .await?;
        Ok(held.is_some())
    }

    /// Releases the name that is held for the session, if any.
    pub(crate) async fn release_stream(&self, session: &SessionKey) -> Result<(), StoreError> {
        if !self.is_shared() {
            return Ok(());
        }
        let sql = "delete from held_streams where boot = $1 and source_key = $2";
        sqlx::query(sql).bind(session.boot.clone()).bind(session.key.clone()).execute(&self.write).await?;
        Ok(())
    }
}
