//! The migrations of each database, compiled in. Files are named `NNNN_description.sql`.
//!
//! Not `sqlx::migrate!`: that macro compiles the drivers of all databases a second time, for the compiler.

use include_dir::{Dir, File, include_dir};
use sqlx::SqlSafeStr;
use sqlx::migrate::{Migration, MigrationType, Migrator};

pub(crate) static SQLITE: Dir = include_dir!("$CARGO_MANIFEST_DIR/migrations/sqlite");
pub(crate) static POSTGRES: Dir = include_dir!("$CARGO_MANIFEST_DIR/migrations/postgres");
pub(crate) static SQLITE_STATS: Dir = include_dir!("$CARGO_MANIFEST_DIR/migrations/stats/sqlite");
pub(crate) static POSTGRES_STATS: Dir = include_dir!("$CARGO_MANIFEST_DIR/migrations/stats/postgres");

/// All migrations of a folder, in order.
pub(crate) fn migrator(folder: &'static Dir<'static>) -> Migrator {
    Migrator::with_migrations(folder.files().filter_map(migration).collect())
}

/// `None` if the file is not named like a migration.
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
