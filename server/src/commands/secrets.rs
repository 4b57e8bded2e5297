//! `callsheet secrets rotate`: another key for what is sealed in the database.

use std::sync::Arc;

use callsheet::model::{Actor, SystemClock};
use callsheet::sealing::LockedKeyFile;
use callsheet::storage::Resealing;

use super::Failure;
use crate::config::Config;
use crate::startup::{KEY_FILE, open_console};

/// Not beside a running console, which would go on to seal with the old key.
pub(super) async fn rotate(config: &Config) -> Result<(), Failure> {
    let key = config.data_dir.join(KEY_FILE);
    if !key.is_file() {
        let message = format!("data_dir: no console found in {}", config.data_dir.display());
        return Err(Failure { message, exit: 1 });
    }
    // The tables are to be those that this version knows.
    open_console(config, Arc::new(SystemClock)).await?.close().await;
    let locked = LockedKeyFile::lock(&key)?;
    let resealing = Resealing::open(&config.database_url).await?;
    let rotation = locked.begin_rotation()?;
    if rotation.is_resumed() {
        println!("Resuming an interrupted rotation.");
    }
    let sealed = resealing.run(rotation.sealer()).await?;
    rotation.finish()?;
    let console = open_console(config, Arc::new(SystemClock)).await?;
    console.audit.secrets_rotated(&Actor::cli(), console.clock.now()).await?;
    console.close().await;
    println!(
        "Re-encrypted {sealed} secrets with the new key. Make a backup; older backups can be opened only with the key they contain."
    );
    Ok(())
}
