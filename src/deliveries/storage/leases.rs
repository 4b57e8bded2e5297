//! Leases of shards, which divide callbacks among the workers of a shared PostgreSQL. All times are those of the database, so that the
//! clocks of workers need not agree.
//!
//! A worker renews its leases well before they expire. A worker that was suspended for longer continues if no other has taken its
//! shards. Otherwise the shards have a later epoch, and its writes for them are refused.
//!
//! A worker that has too many shards gets a list of shards to leave. It renews their leases until its attempts in flight for them are
//! recorded, and only then hands them over; the next owner would repeat attempts that are not recorded.

use std::collections::BTreeMap;
use std::time::Duration;

use sqlx::{Any, AssertSqlSafe, Transaction};

use crate::deliveries::{Ownership, SHARDS};
use crate::model::StoreError;
use crate::storage::rows::Read;
use crate::storage::{DATABASE_NOW, Db, Engine};

/// Returns the number of shards of a worker, given that the names of `before` of the `alive` workers sort before its own.
fn share(before: i64, alive: i64) -> i64 {
    SHARDS / alive + i64::from(before < SHARDS % alive)
}

/// Shards, each with the epoch of its lease.
pub type Epochs = BTreeMap<i64, i64>;

/// The leases of one worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leases {
    /// Shards for which it starts attempts.
    pub owned: Ownership,
    /// Shards to hand over when none of their attempts is in flight: no attempt is started for them, but running ones are recorded.
    pub leaving: Epochs,
}

impl Leases {
    /// Returns the leases of a worker without shards.
    #[must_use]
    pub fn none(worker: &str) -> Self {
        let owned = Ownership::Shards { worker: worker.to_owned(), epochs: Epochs::new() };
        Self { owned, leaving: Epochs::new() }
    }

    /// Returns the leases of the only worker of a database.
    #[must_use]
    pub fn all() -> Self {
        Self { owned: Ownership::All, leaving: Epochs::new() }
    }
}

impl Db {
    /// Renews the worker's leases, takes expired shards, and selects shards to leave, so that all live workers have equal shares.
    /// `leaving`: shards selected by earlier calls; they stay selected even if the worker could now keep them. On SQLite there is one
    /// worker, which owns everything.
    pub async fn lease(&self, worker: &str, lease: Duration, leaving: &Epochs) -> Result<Leases, StoreError> {
        if self.engine == Engine::Sqlite {
            return Ok(Leases::all());
        }
        let millis = i64::try_from(lease.as_millis()).unwrap_or(i64::MAX);
        let mut tx = self.begin().await?;
        let sql = format!(
            "insert into workers (owner, expires_at) values ($1, {DATABASE_NOW} + $2) \
             on conflict (owner) do update set expires_at = excluded.expires_at"
        );
        sqlx::query(AssertSqlSafe(sql)).bind(worker.to_owned()).bind(millis).execute(&mut *tx).await?;
        // Rows that a suspended worker holds locked are skipped: waiting for them could delay this renewal too long.
        let sql = format!(
            "delete from workers where owner in \
             (select owner from workers where expires_at < {DATABASE_NOW} and owner <> $1 for update skip locked)"
        );
        sqlx::query(AssertSqlSafe(sql)).bind(worker.to_owned()).execute(&mut *tx).await?;
        let sql = "select count(*) as alive, count(case when owner < $1 then 1 end) as before from workers";
        let row = sqlx::query(sql).bind(worker.to_owned()).fetch_one(&mut *tx).await?;
        let share = share(row.col("before")?, row.col("alive")?);

        let sql =
            format!("update shard_leases set expires_at = {DATABASE_NOW} + $2 where owner = $1 returning shard, epoch");
        let mut epochs = Epochs::new();
        for row in &sqlx::query(AssertSqlSafe(sql)).bind(worker.to_owned()).bind(millis).fetch_all(&mut *tx).await? {
            epochs.insert(row.col::<i64>("shard")?, row.col::<i64>("epoch")?);
        }
        let mut leaving: Epochs =
            epochs.iter().filter(|(shard, epoch)| leaving.get(shard) == Some(epoch)).map(|(s, e)| (*s, *e)).collect();
        epochs.retain(|shard, _| !leaving.contains_key(shard));
        let held = i64::try_from(epochs.len()).unwrap_or(SHARDS);
        if held > share {
            for _ in share..held {
                leaving.extend(epochs.pop_last());
            }
        } else {
            let sql = format!(
                "update shard_leases as l set owner = $1, epoch = l.epoch + 1, expires_at = {DATABASE_NOW} + $2 from \
                 (select shard from shard_leases where expires_at < {DATABASE_NOW} order by shard limit $3 for update skip locked) free \
                 where l.shard = free.shard returning l.shard, l.epoch"
            );
            let query = sqlx::query(AssertSqlSafe(sql)).bind(worker.to_owned()).bind(millis).bind(share - held);
            for row in &query.fetch_all(&mut *tx).await? {
                epochs.insert(row.col::<i64>("shard")?, row.col::<i64>("epoch")?);
            }
        }
        tx.commit().await?;
        Ok(Leases { owned: Ownership::Shards { worker: worker.to_owned(), epochs }, leaving })
    }

    /// Releases these shards for other workers. None of their attempts may be in flight.
    pub async fn hand_over(&self, worker: &str, shards: &Epochs) -> Result<(), StoreError> {
        let shards: Vec<String> = shards.iter().map(|(shard, epoch)| format!("({shard}, {epoch})")).collect();
        if shards.is_empty() {
            return Ok(());
        }
        let sql = format!(
            "update shard_leases set owner = '', expires_at = 0 where owner = $1 and (shard, epoch) in ({})",
            shards.join(", ")
        );
        sqlx::query(AssertSqlSafe(sql)).bind(worker.to_owned()).execute(&self.write).await?;
        Ok(())
    }

    /// Releases all shards.
    pub async fn release(&self, worker: &str) -> Result<(), StoreError> {
        if self.engine == Engine::Sqlite {
            return Ok(());
        }
        let mut tx = self.begin().await?;
        for sql in [
            "update shard_leases set owner = '', expires_at = 0 where owner = $1",
            "delete from workers where owner = $1",
        ] {
            sqlx::query(sql).bind(worker.to_owned()).execute(&mut *tx).await?;
        }
        Ok(tx.commit().await?)
    }

    /// Returns the part of `owned` that this worker still owns, and locks it until the transaction ends.
    pub(crate) async fn held(
        &self,
        tx: &mut Transaction<'static, Any>,
        owned: &Ownership,
    ) -> Result<Ownership, StoreError> {
        let Ownership::Shards { worker, epochs } = owned else { return Ok(Ownership::All) };
        let row = sqlx::query(
            "select cast(json_agg(json_build_array(shard, epoch)) as text) as held \
             from (select shard, epoch from shard_leases where owner = $1 order by shard for share) held",
        );
        let row = row.bind(worker.clone()).fetch_one(&mut **tx).await?;
        let held = row
            .packed::<(i64, i64)>("held")?
            .into_iter()
            .filter(|(shard, epoch)| epochs.get(shard) == Some(epoch))
            .collect();
        Ok(Ownership::Shards { worker: worker.clone(), epochs: held })
    }
}
