//! Migrations, embedded in the binary. Files are named `NNNN_description.sql`.
//!
//! `sqlx::migrate!` would compile all database drivers a second time, as build dependencies.

use include_dir::{Dir, File, include_dir};
use sqlx::SqlSafeStr;
use sqlx::migrate::{Migration, MigrationType, Migrator};

pub(crate) static SQLITE: Dir = include_dir!("$CARGO_MANIFEST_DIR/migrations/sqlite");
pub(crate) static POSTGRES: Dir = include_dir!("$CARGO_MANIFEST_DIR/migrations/postgres");
pub(crate) static SQLITE_STATS: Dir = include_dir!("$CARGO_MANIFEST_DIR/migrations/stats/sqlite");
pub(crate) static POSTGRES_STATS: Dir = include_dir!("$CARGO_MANIFEST_DIR/migrations/stats/postgres");

/// Returns a migrator for the files of a folder.
pub(crate) fn migrator(folder: &'static Dir<'static>) -> Migrator {
    Migrator::with_migrations(folder.files().filter_map(migration).collect())
}

/// Returns `None` if the name of the file is not that of a migration.
fn migration(file: &'static File<'static>) -> Option<Migration> {
    let (version, description) = file.path().file_stem()?.to_str()?.split_once('_')?;
    let description = description.replace('_', " ").into();
    let sql = file.contents_utf8()?.into_sql_str();
    Some(Migration::new(version.parse().ok()?, description, MigrationType::Simple, sql, false))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_a_migration() {
        for folder in [&SQLITE, &POSTGRES, &SQLITE_STATS, &POSTGRES_STATS] {
            let versions: Vec<_> = migrator(folder).iter().map(|migration| migration.version).collect();
            let expected: Vec<_> = (1..).take(folder.files().count()).collect();
            assert_eq!(versions, expected);
        }
    }
}
