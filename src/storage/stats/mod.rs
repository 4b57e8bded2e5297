//! Statistics: on SQLite in a file of their own, so that an import never waits behind the queue; on PostgreSQL beside all else.
//!
//! An import's sums and its progress are committed together, so a crash of the machine loses both or none: `synchronous=NORMAL` does.
//!
//! **Domain 0** is all domains together, in `usage_*` and `inventory`: what is shown of all reads no more rows than what is shown of one.
//! Hours and days are kept up with each write, in the zone that `stats_state` names.

mod imports;
mod inventory;
mod memo;
mod read;
mod retention;
mod transcoding;
mod usage;
mod zone;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use serde::de::DeserializeOwned;
use sqlx::{Any, AnyConnection, AnyPool, AssertSqlSafe, Transaction};

use self::memo::Memo;
use super::batch::Rows;
use super::migrations::{self, migrator};
use super::rows::{Read, Value, Values, named};
use super::{Db, Engine, MIB, OpenError, sqlite_pool};
use crate::model::StoreError;
use crate::stats::slots::{Calendar, Span};
use crate::stats::{
    Chosen, Counted, Digest, DomainSums, Held, Import, ImportStep, Names, OutputSums, Sample, Slot, StatsStore,
    StoredOutput, UsageRow,
};

/// All domains together.
const ALL: i64 = 0;

/// Where statistics lie when all else is in SQLite.
pub(super) fn stats_file(data_dir: &Path) -> PathBuf {
    data_dir.join("stats.db")
}

/// The statistics' database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct StatsDb {
    engine: Engine,
    write: AnyPool,
    read: AnyPool,
    calendar: Calendar,
    busiest: Arc<Memo>,
}

impl StatsDb {
    /// Opens `stats.db` in the data folder where `db` is SQLite, else uses what `db` uses. Hours and days are those of `calendar`.
    pub fn open(db: &Db, data_dir: &Path, calendar: Calendar) -> Result<Self, OpenError> {
        let (write, read) = match db.engine {
            Engine::Postgres => (db.write.clone(), db.pages.clone()),
            Engine::Sqlite => {
                let url = format!("sqlite://{}?mode=rwc", stats_file(data_dir).display());
                let pool = |connections| sqlite_pool(connections, 16 * MIB, "normal").connect_lazy(&url);
                (pool(1).map_err(OpenError::Connect)?, pool(4).map_err(OpenError::Connect)?)
            }
        };
        Ok(Self { engine: db.engine, write, read, calendar, busiest: Arc::default() })
    }

    /// Brings the tables up to date, and hours and days into the console's zone.
    pub async fn migrate(&self) -> Result<(), OpenError> {
        let mut migrator = match self.engine {
            Engine::Sqlite => migrator(&migrations::SQLITE_STATS),
            Engine::Postgres => migrator(&migrations::POSTGRES_STATS),
        };
        migrator.dangerous_set_table_name("_stats_migrations");
        migrator.run(&self.write).await.map_err(OpenError::Migrate)?;
        self.follow_zone().await.map_err(OpenError::Zone)
    }

    /// Waits for connections to be returned and closes them.
    pub async fn close(&self) {
        self.write.close().await;
        self.read.close().await;
    }

    async fn begin(&self) -> Result<Transaction<'static, Any>, StoreError> {
        Ok(self.write.begin_with(self.engine.begin_write()).await?)
    }

    /// Reads `columns` of what `from` finds, as one value: a row of its own for each is what makes reading slow. The places in `from`
    /// are those of `values`.
    async fn packed<T: DeserializeOwned>(
        &self,
        columns: &str,
        from: &str,
        values: &Values,
    ) -> Result<Vec<T>, StoreError> {
        let sql = self.engine.packed(columns, from);
        values.bind(sqlx::query(AssertSqlSafe(sql))).fetch_one(&self.read).await?.packed("found")
    }

    /// The numbers of domains by name; names that have none get one.
    async fn numbers<'n>(
        &self,
        connection: &mut AnyConnection,
        names: impl Iterator<Item = &'n str> + Send,
    ) -> Result<BTreeMap<String, i64>, StoreError> {
        let names: BTreeSet<&str> = names.collect();
        let mut asked = Rows::new(["name"], names.len());
        for name in names {
            asked.push([name.into()]);
        }
        asked.clone().insert(self.engine, connection, "stats_domains", " on conflict (name) do nothing").await?;
        let from = "from stats_domains d join r on r.name = d.name";
        let found = asked.read::<(String, i64)>(self.engine, connection, "d.name, d.id", from).await?;
        Ok(found.into_iter().collect())
    }

    async fn names(&self, names: Names<'_>, limit: i64) -> Result<Vec<String>, StoreError> {
        let mut values = Values::default();
        let condition = named("name", names, &mut values);
        let limit = values.place(Value::Int(limit));
        let from = format!("from (select name from stats_domains where {condition} order by name limit {limit}) as d");
        let found: Vec<(String,)> = self.packed("name", &from, &values).await?;
        Ok(found.into_iter().map(|(name,)| name).collect())
    }
}

/// The numbers of the chosen, as a table `d` with a column `id`.
fn chosen_numbers(chosen: &Chosen, values: &mut Values) -> String {
    match chosen {
        Chosen::All => format!("(select {ALL} as id) as d"),
        Chosen::Only(names) => {
            format!("(select id from stats_domains where {}) as d", named("name", Names::Among(names), values))
        }
    }
}

/// `from <= column < to`.
fn within(column: &str, slot: Slot, values: &mut Values) -> String {
    let (from, to) = (values.place(Value::Int(slot.from)), values.place(Value::Int(slot.to)));
    format!("{column} >= {from} and {column} < {to}")
}

#[async_trait]
impl StatsStore for StatsDb {
    async fn domain_names(&self, names: Names<'_>, limit: i64) -> Result<Vec<String>, StoreError> {
        self.names(names, limit).await
    }

    async fn add_usage(&self, rows: &[UsageRow], step: Option<&ImportStep>) -> Result<Option<i64>, StoreError> {
        let mut tx = self.begin().await?;
        self.begin_change(&mut tx).await?;
        let bytes = rows.iter().map(|row| row.sums.bytes).sum();
        let import = match step {
            Some(step) => Some(self.move_on(&mut tx, step, bytes).await?),
            None => None,
        };
        self.add_sums(&mut tx, rows).await?;
        tx.commit().await?;
        Ok(import)
    }

    async fn imports_like(&self, heads: &[Digest]) -> Result<Vec<Import>, StoreError> {
        self.find_imports(heads).await
    }

    async fn list_imports(&self, limit: i64) -> Result<Vec<Import>, StoreError> {
        self.latest_imports(limit).await
    }

    async fn first_day(&self) -> Result<Option<i64>, StoreError> {
        self.earliest_day().await
    }

    async fn last_point(&self) -> Result<Option<i64>, StoreError> {
        self.latest_point().await
    }

    async fn usage(&self, domain: Option<&str>, spans: &[Span]) -> Result<Vec<Counted>, StoreError> {
        self.rows_of(domain, spans).await
    }

    async fn summed_points(&self, domains: &[String], slot: Slot) -> Result<Vec<Counted>, StoreError> {
        self.points_together(domains, slot).await
    }

    async fn point_bytes(&self, domain: Option<&str>, slot: Slot) -> Result<Vec<i64>, StoreError> {
        self.bytes_of_points(domain, slot).await
    }

    async fn top_domains(&self, chosen: &Chosen, spans: &[Span], limit: i64) -> Result<Vec<DomainSums>, StoreError> {
        self.highest_domains(chosen, spans, limit).await
    }

    async fn add_inventory(&self, at: i64, held: &BTreeMap<String, Held>, all: Held) -> Result<(), StoreError> {
        self.write_inventory(at, held, all).await
    }

    async fn inventory(&self, chosen: &Chosen, slot: Slot) -> Result<Vec<Sample>, StoreError> {
        self.samples(chosen, slot).await
    }

    async fn add_transcode_outputs(&self, outputs: &[StoredOutput]) -> Result<usize, StoreError> {
        self.write_outputs(outputs).await
    }

    async fn transcode_sums(&self, chosen: &Chosen, days: &[Slot]) -> Result<Vec<OutputSums>, StoreError> {
        self.output_sums(chosen, days).await
    }

    async fn first_output(&self) -> Result<Option<i64>, StoreError> {
        self.earliest_output().await
    }

    async fn delete_old_points(&self, before: i64) -> Result<u64, StoreError> {
        self.remove_old_points(before).await
    }

    async fn thin_old_inventory(&self, before: i64) -> Result<bool, StoreError> {
        self.thin_inventory(before).await
    }
}
