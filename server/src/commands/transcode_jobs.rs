//! `callsheet import transcode-jobs`: results of transcoders from files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use callsheet::Console;
use callsheet::model::{Actor, Clock, SystemClock};
use callsheet::stats::transcode::read;

use super::Failure;
use crate::config::Config;
use crate::startup::open_console;

/// Takes in each file and tells what came of it; what cannot be counted goes to standard error, and fails the command at its end.
pub(super) async fn import(config: &Config, files: &[PathBuf]) -> Result<(), Failure> {
    let console = open_console(config, Arc::new(SystemClock)).await?;
    let mut bad = 0;
    for file in files {
        bad += import_one(&console, file).await?;
    }
    console.close().await;
    match bad {
        0 => Ok(()),
        1 => Err(Failure { message: "1 result could not be counted".into(), exit: 1 }),
        _ => Err(Failure { message: format!("{bad} results could not be counted"), exit: 1 }),
    }
}

/// Answers with how many results could not be counted.
async fn import_one(console: &Console, file: &Path) -> Result<usize, Failure> {
    let name = file.display();
    let failed = |error: &dyn std::error::Error| Failure { message: format!("{name}: {error}"), exit: 1 };
    let bytes = tokio::fs::read(file).await.map_err(|error| failed(&error))?;
    let reading = read(&bytes, SystemClock.now()).map_err(|error| failed(&error))?;
    let read = reading.outputs.len();
    let new = console.stats.add_transcode_outputs(&Actor::cli(), reading.outputs).await?;
    println!("{name}: {new} new, {} known", read - new);
    for bad in &reading.shown {
        eprintln!("{name}: {bad}");
    }
    if reading.bad > reading.shown.len() {
        eprintln!("{name}: {} more", reading.bad - reading.shown.len());
    }
    Ok(reading.bad)
}
