//! `callsheet backup`: one file with all that a console is made of, but for its recordings.

use std::fs::{File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use callsheet::sealing::hold_key_file;
use callsheet::storage::copy_sqlite;

use super::Failure;
use crate::config::Config;
use crate::startup::{KEY_FILE, StartError};

/// In the archive, in this order; unpacked into a data folder they are the console again.
const FILES: [&str; 3] = [KEY_FILE, "callsheet.db", "stats.db"];

/// Writes a tar archive to `file`, whole or not at all, readable by its owner alone. Works beside a running console.
pub(super) async fn backup(config: &Config, file: &Path) -> Result<(), Failure> {
    if !config.database_url.starts_with("sqlite:") {
        let message =
            "database_url: back up PostgreSQL with pg_dump, and keep secret.key of the data folder with the dump";
        return Err(Failure { message: message.to_owned(), exit: 2 });
    }
    let key = config.data_dir.join(KEY_FILE);
    if !key.is_file() {
        let message = format!("data_dir: no console found in {}", config.data_dir.display());
        return Err(Failure { message, exit: 1 });
    }
    let failed = |error: io::Error| Failure { message: format!("{}: {error}", file.display()), exit: 1 };
    // Beside the file: what is renamed must lie on the same disk.
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let copies = tempfile::Builder::new().prefix(".callsheet-backup-").tempdir_in(folder).map_err(failed)?;
    // The copy of the database must hold nothing that is sealed with a newer key.
    let _held = hold_key_file(&key)?;
    std::fs::copy(&key, copies.path().join(KEY_FILE)).map_err(failed)?;
    copy_sqlite(&config.database_url, &config.data_dir, copies.path()).await.map_err(StartError::Database)?;
    let size = pack(copies.path(), file).map_err(failed)?;
    println!("{}: {size} bytes", file.display());
    Ok(())
}

/// Answers with the size of the archive, bytes.
fn pack(copies: &Path, file: &Path) -> io::Result<u64> {
    let packed: PathBuf = copies.join("backup.tar");
    let archive = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&packed)?;
    let mut archive = tar::Builder::new(archive);
    for name in FILES {
        let copy = copies.join(name);
        std::fs::set_permissions(&copy, Permissions::from_mode(0o600))?;
        archive.append_file(name, &mut File::open(copy)?)?;
    }
    let archive = archive.into_inner()?;
    archive.sync_all()?;
    let size = archive.metadata()?.len();
    std::fs::rename(packed, file)?;
    Ok(size)
}
