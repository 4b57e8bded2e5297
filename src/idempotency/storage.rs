//! SQL of idempotency keys. A row whose `expires_at` has passed counts as absent.

use sqlx::Row;

use crate::idempotency::{Claim, Claimed, Run};
use crate::model::{Millis, StoreError};
use crate::storage::Db;
use crate::storage::rows::Read;

/// Number of rows deleted in one transaction.
const BATCH: i64 = 500;

impl Db {
    /// Claims a free key. Of several concurrent claims, one succeeds, also across processes.
    pub(crate) async fn claim(&self, claim: &Claim) -> Result<Claimed, StoreError> {
        let Claim { run: Run { caller, key, run }, request, now, until } = claim;
        let mut tx = self.begin().await?;
        // If the row exists, this locks it, so that it can be read below.
        let claimed = sqlx::query(
            "insert into idempotent_requests (caller, request_key, run, request, expires_at) values ($1, $2, $3, $4, $5) \
             on conflict (caller, request_key) do update \
             set run = excluded.run, request = excluded.request, answer = null, expires_at = excluded.expires_at \
             where idempotent_requests.expires_at <= $6",
        )
        .bind(caller.clone())
        .bind(key.clone())
        .bind(run.clone())
        .bind(request.clone())
        .bind(*until)
        .bind(*now)
        .execute(&mut *tx)
        .await?;
        if claimed.rows_affected() > 0 {
            self.commit(tx, Vec::new()).await?;
            return Ok(Claimed::Ours);
        }
        let row = sqlx::query("select request, answer from idempotent_requests where caller = $1 and request_key = $2")
            .bind(caller.clone())
            .bind(key.clone())
            .fetch_one(&mut *tx)
            .await?;
        Ok(Claimed::Theirs { request: row.col("request")?, answer: row.try_get("answer")? })
    }

    /// Stores the response, unless another run has taken over the key.
    pub(crate) async fn keep_answer(&self, run: &Run, sealed: Vec<u8>, until: Millis) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query(
            "update idempotent_requests set answer = $4, expires_at = $5 \
             where caller = $1 and request_key = $2 and run = $3",
        )
        .bind(run.caller.clone())
        .bind(run.key.clone())
        .bind(run.run.clone())
        .bind(sealed)
        .bind(until)
        .execute(&mut *tx)
        .await?;
        self.commit(tx, Vec::new()).await
    }

    /// Frees the key, unless another run has taken it over.
    pub(crate) async fn free(&self, run: &Run) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query("delete from idempotent_requests where caller = $1 and request_key = $2 and run = $3")
            .bind(run.caller.clone())
            .bind(run.key.clone())
            .bind(run.run.clone())
            .execute(&mut *tx)
            .await?;
        self.commit(tx, Vec::new()).await
    }
}

impl Db {
    /// Deletes a batch of expired keys. Returns their number.
    pub async fn delete_past_requests(&self, now: Millis) -> Result<u64, StoreError> {
        let mut tx = self.begin().await?;
        // Checked twice, because a key may be claimed while this waits for its lock.
        let removed = sqlx::query(
            "delete from idempotent_requests where expires_at <= $1 and (caller, request_key) in \
             (select caller, request_key from idempotent_requests where expires_at <= $1 limit $2)",
        )
        .bind(now)
        .bind(BATCH)
        .execute(&mut *tx)
        .await?;
        self.commit(tx, Vec::new()).await?;
        Ok(removed.rows_affected())
    }
}
