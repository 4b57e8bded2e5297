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
mod vod_domains;
mod zone;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use sqlx::{Any, AnyConnection, AnyPool, AssertSqlSafe, Transaction};

use self::memo::Memo;
use crate::model::StoreError;
use crate::stats::calendar::Calendar;
use crate::stats::{Chosen, ImportStep, Names, Slot, UsageRow};
use crate::storage::batch::Rows;
use crate::storage::migrations::{self, migrator};
use crate::storage::rows::{Read, Value, Values, containing};
use crate::storage::{Db, Engine, MIB, OpenError, sqlite_pool, stats_file};

/// All domains together.
const ALL: i64 = 0;

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

    /// Names of domains that have figures: the first so many.
    pub(crate) async fn domain_names(&self, names: Names<'_>, limit: i64) -> Result<Vec<String>, StoreError> {
        let mut values = Values::default();
        let condition = named("name", names, &mut values);
        let limit = values.place(Value::Int(limit));
        let from = format!("from (select name from stats_domains where {condition} order by name limit {limit}) as d");
        let found: Vec<(String,)> = self.packed("name", &from, &values).await?;
        Ok(found.into_iter().map(|(name,)| name).collect())
    }
}

/// That `column` is one of these names.
pub(crate) fn named(column: &str, names: Names<'_>, values: &mut Values) -> String {
    match names {
        Names::With("") => "1 = 1".to_owned(),
        Names::With(part) => format!("{column} like {} escape '!'", values.place(Value::Text(containing(part)))),
        Names::Among([]) => "1 = 0".to_owned(),
        Names::Among(names) => format!("{column} in ({})", values.places(names)),
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

impl StatsDb {
    /// Adds sums to their points, hours and days, and moves the import on. Answers with the import's number. A point may come more than
    /// once.
    ///
    /// # Errors
    /// `Duplicate`: somebody else moved the import on meanwhile; nothing was added.
    pub(crate) async fn add_usage(
        &self,
        rows: &[UsageRow],
        step: Option<&ImportStep>,
    ) -> Result<Option<i64>, StoreError> {
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
}
