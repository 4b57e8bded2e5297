//! `callsheet import transcode-jobs`: imports results of transcoders from files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use callsheet::Console;
use callsheet::model::{Actor, Clock, SystemClock};
use callsheet::stats::transcode::parse_results;

use super::Failure;
use crate::config::Config;
use crate::startup::open_console;

/// Imports files and prints the results. Results that cannot be counted are printed to standard error, and fail the command at its end.
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

/// Imports a file. Returns the number of results that could not be counted.
async fn import_one(console: &Console, file: &Path) -> Result<usize, Failure> {
    let name = file.display();
    let failed = |error: &dyn std::error::Error| Failure { message: format!("{name}: {error}"), exit: 1 };
    let bytes = tokio::fs::read(file).await.map_err(|error| failed(&error))?;
    let results = parse_results(&bytes, SystemClock.now()).map_err(|error| failed(&error))?;
    let parsed = results.outputs.len();
    let new = console.stats.add_transcode_outputs(&Actor::cli(), results.outputs).await?;
    println!("{name}: {new} new, {} known", parsed - new);
    for bad in &results.first_bad {
        eprintln!("{name}: {bad}");
    }
    if results.bad > results.first_bad.len() {
        eprintln!("{name}: {} more", results.bad - results.first_bad.len());
    }
    Ok(results.bad)
}
