//! The migrations of each database, compiled in. Files are named `NNNN_description.sql`.
//!
//! Not `sqlx::migrate!`: that macro compiles the drivers of all databases a second time, for the compiler.

use rust_embed::RustEmbed;
use sqlx::SqlSafeStr;
use sqlx::migrate::{Migration, MigrationType, Migrator};

#[derive(RustEmbed)]
#[folder = "migrations/sqlite"]
pub(super) struct SqliteMigrations;

#[derive(RustEmbed)]
#[folder = "migrations/postgres"]
pub(super) struct PostgresMigrations;

#[derive(RustEmbed)]
#[folder = "migrations/stats/sqlite"]
pub(super) struct SqliteStatsMigrations;

#[derive(RustEmbed)]
#[folder = "migrations/stats/postgres"]
pub(super) struct PostgresStatsMigrations;

/// All migrations of a folder, in order.
pub(super) fn migrator<Folder: RustEmbed>() -> Migrator {
    Migrator::with_migrations(Folder::iter().filter_map(|name| migration::<Folder>(&name)).collect())
}

/// `None` if the file is not named like a migration.
fn migration<Folder: RustEmbed>(name: &str) -> Option<Migration> {
    let (version, description) = name.strip_suffix(".sql")?.split_once('_')?;
    let sql = String::from_utf8(Folder::get(name)?.data.into_owned()).ok()?;
    let description = description.replace('_', " ").into();
    let sql = sqlx::AssertSqlSafe(sql).into_sql_str();
    Some(Migration::new(version.parse().ok()?, description, MigrationType::Simple, sql, false))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_a_migration() {
        fn check<Folder: RustEmbed>() {
            let versions: Vec<_> = migrator::<Folder>().iter().map(|migration| migration.version).collect();
            let expected: Vec<_> = (1..).take(Folder::iter().count()).collect();
            assert_eq!(versions, expected);
        }
        check::<SqliteMigrations>();
        check::<PostgresMigrations>();
        check::<SqliteStatsMigrations>();
        check::<PostgresStatsMigrations>();
    }
}
