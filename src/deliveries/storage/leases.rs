//! Which worker delivers for which callbacks, where several share a PostgreSQL. All times are the database's, so that
//! workers need not agree on theirs.
//!
//! A worker renews its leases well within their time. One that was stopped for longer goes on if nobody came instead. Else it finds
//! that another has taken its shards over, in a later epoch; what it still wants to write is refused.
//!
//! A worker that has too many shards is told which of them to leave. It keeps and renews their leases until the attempts that it has in
//! flight for them are recorded, and only then hands them over: the next owner would repeat what is not recorded.

use std::collections::BTreeMap;
use std::time::Duration;

use sqlx::{Any, AssertSqlSafe, Transaction};

use crate::deliveries::{Ownership, SHARDS};
use crate::model::StoreError;
use crate::storage::rows::Read;
use crate::storage::{DATABASE_NOW, Db, Engine};

/// How many shards are for the worker before whose name those of `before` others come, of `alive`.
fn share(before: i64, alive: i64) -> i64 {
    SHARDS / alive + i64::from(before < SHARDS % alive)
}

/// Shards, each with the epoch in which it was taken.
pub type Epochs = BTreeMap<i64, i64>;

/// The leases of one worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leases {
    /// What it delivers for.
    pub owned: Ownership,
    /// What it is to hand over as soon as nothing of it is in flight: it starts no attempt for these shards, but records those that it
    /// has started.
    pub leaving: Epochs,
}

impl Leases {
    /// Those of a worker that has no shard.
    #[must_use]
    pub fn none(worker: &str) -> Self {
        let owned = Ownership::Shards { worker: worker.to_owned(), epochs: Epochs::new() };
        Self { owned, leaving: Epochs::new() }
    }

    /// Those of the only worker of its database.
    #[must_use]
    pub fn all() -> Self {
        Self { owned: Ownership::All, leaving: Epochs::new() }
    }
}

impl Db {
    /// Renews the worker's leases, takes free shards, and says which shards to leave, so that the workers that are alive share them
    /// evenly. `leaving`: what earlier calls said; once begun, a shard is left even if the worker could keep it by now. A database of one
    /// process has one worker, which owns all.
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
        // Rows that a frozen worker holds locked are passed over: whoever waited for them could not renew in time.
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

    /// Gives these shards to whoever takes them next. Nothing of them may be in flight.
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

    /// Gives all shards back.
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

    /// What of `owned` is still true, and stays so until the transaction ends.
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
