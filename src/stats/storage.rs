//! SQL of statistics. SQLite uses a separate file, so that an import never waits for the delivery queue; PostgreSQL uses the same database.
//!
//! The sums and the progress of an import are committed together, so a power failure loses both or neither. Therefore `synchronous=NORMAL`
//! is sufficient.
//!
//! **Domain 0** in `usage_*` and `inventory` is the sum of all domains, so that a query for all domains reads as few rows as one for a single
//! domain. Each write also updates hours and days, which are those of the time zone in `stats_state`.

mod imports;
mod inventory;
mod read;
mod retention;
mod transcoding;
mod usage;
mod vod_domains;
mod zone;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use moka::sync::Cache;
use serde::de::DeserializeOwned;
use sqlx::{Any, AnyConnection, AnyPool, AssertSqlSafe, Transaction};

use crate::model::StoreError;
use crate::stats::calendar::{Calendar, TableRange};
use crate::stats::{DomainSelection, DomainSums, NameFilter, TimeRange};
use crate::storage::batch::Rows;
use crate::storage::migrations::{self, migrator};
use crate::storage::rows::{Read, Value, Values, containing};
use crate::storage::{Db, Engine, MIB, OpenError, sqlite_pool, stats_file};

/// Id of the sum of all domains.
const ALL: i64 = 0;
/// Number of queries whose top domains are cached.
const CACHED_QUERIES: u64 = 32;

/// Key of the cache of top domains: `stats_state.version`, which every change of usage increments, and the query.
type TopDomainsKey = (i64, Vec<TableRange>, i64);

/// The database of statistics. Cheap to clone.
#[derive(Debug, Clone)]
pub struct StatsDb {
    engine: Engine,
    write: AnyPool,
    read: AnyPool,
    calendar: Calendar,
    /// Top domains over all domains: for a thousand domains the most expensive part of a page.
    top_domains: Cache<TopDomainsKey, Arc<[DomainSums]>>,
}

impl StatsDb {
    /// Opens `stats.db` in the data folder for SQLite; for PostgreSQL, shares the pools of `db`. `calendar` defines hours and days.
    pub fn open(db: &Db, data_dir: &Path, calendar: Calendar) -> Result<Self, OpenError> {
        let (write, read) = match db.engine {
            Engine::Postgres => (db.write.clone(), db.pages.clone()),
            Engine::Sqlite => {
                let url = format!("sqlite://{}?mode=rwc", stats_file(data_dir).display());
                let pool = |connections| sqlite_pool(connections, 16 * MIB, "normal").connect_lazy(&url);
                (pool(1).map_err(OpenError::Connect)?, pool(4).map_err(OpenError::Connect)?)
            }
        };
        Ok(Self { engine: db.engine, write, read, calendar, top_domains: Cache::new(CACHED_QUERIES) })
    }

    /// Migrates the tables, and rebuilds hours and days if the time zone has changed.
    pub async fn migrate(&self) -> Result<(), OpenError> {
        let mut migrator = match self.engine {
            Engine::Sqlite => migrator(&migrations::SQLITE_STATS),
            Engine::Postgres => migrator(&migrations::POSTGRES_STATS),
        };
        migrator.dangerous_set_table_name("_stats_migrations");
        migrator.run(&self.write).await.map_err(OpenError::Migrate)?;
        self.rebuild_for_zone().await.map_err(OpenError::Zone)
    }

    /// Waits until all connections are returned, and closes them.
    pub async fn close(&self) {
        self.write.close().await;
        self.read.close().await;
    }

    async fn begin(&self) -> Result<Transaction<'static, Any>, StoreError> {
        Ok(self.write.begin_with(self.engine.begin_write()).await?)
    }

    /// Reads `columns` of all rows as one packed value, which is faster than fetching rows. `from` uses the placeholders of `values`.
    async fn packed<T: DeserializeOwned>(
        &self,
        columns: &str,
        from: &str,
        values: &Values,
    ) -> Result<Vec<T>, StoreError> {
        let sql = self.engine.packed(columns, from);
        values.bind(sqlx::query(AssertSqlSafe(sql))).fetch_one(&self.read).await?.packed("found")
    }

    /// Returns the ids of domains by name. Assigns ids to new names.
    async fn domain_ids<'n>(
        &self,
        connection: &mut AnyConnection,
        names: impl Iterator<Item = &'n str> + Send,
    ) -> Result<BTreeMap<String, i64>, StoreError> {
        let names: BTreeSet<&str> = names.collect();
        let mut rows = Rows::new(["name"], names.len());
        for name in names {
            rows.push([name.into()]);
        }
        rows.clone().insert(self.engine, connection, "stats_domains", " on conflict (name) do nothing").await?;
        let from = "from stats_domains d join r on r.name = d.name";
        let found = rows.read::<(String, i64)>(self.engine, connection, "d.name, d.id", from).await?;
        Ok(found.into_iter().collect())
    }

    /// Returns up to `limit` names of domains with statistics.
    pub(crate) async fn domain_names(&self, names: NameFilter<'_>, limit: i64) -> Result<Vec<String>, StoreError> {
        let mut values = Values::default();
        let condition = name_condition("name", names, &mut values);
        let limit = values.place(Value::Int(limit));
        let from = format!("from (select name from stats_domains where {condition} order by name limit {limit}) as d");
        let found: Vec<(String,)> = self.packed("name", &from, &values).await?;
        Ok(found.into_iter().map(|(name,)| name).collect())
    }
}

/// Returns an SQL condition that `column` matches the filter.
pub(crate) fn name_condition(column: &str, names: NameFilter<'_>, values: &mut Values) -> String {
    match names {
        NameFilter::Containing("") => "1 = 1".to_owned(),
        NameFilter::Containing(part) => {
            format!("{column} like {} escape '!'", values.place(Value::Text(containing(part))))
        }
        NameFilter::OneOf([]) => "1 = 0".to_owned(),
        NameFilter::OneOf(names) => format!("{column} in ({})", values.places(names)),
    }
}

/// Returns an SQL table `d` whose column `id` has the ids of the selected domains.
fn selected_ids(selection: &DomainSelection, values: &mut Values) -> String {
    match selection {
        DomainSelection::All => format!("(select {ALL} as id) as d"),
        DomainSelection::Only(names) => {
            format!(
                "(select id from stats_domains where {}) as d",
                name_condition("name", NameFilter::OneOf(names), values)
            )
        }
    }
}

/// Returns an SQL condition that `column` is within the range.
fn within(column: &str, range: TimeRange, values: &mut Values) -> String {
    let (from, to) = (values.place(Value::Int(range.from)), values.place(Value::Int(range.to)));
    format!("{column} >= {from} and {column} < {to}")
}
