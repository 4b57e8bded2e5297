//! `callsheet import access-log`: imports access logs from files.

use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use callsheet::Console;
use callsheet::model::{Actor, SystemClock};
use callsheet::stats::access_log::{Format, Tail};
use callsheet::stats::{AccessLog, ImportResult, Progress};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Failure;
use crate::config::Config;
use crate::startup::open_console;

/// Imports files and prints the results. Bad lines are printed to standard error and do not fail the command.
pub(super) async fn import(
    config: &Config,
    format: Option<&str>,
    domain: Option<&str>,
    files: &[PathBuf],
) -> Result<(), Failure> {
    let format = format.map(str::parse::<Format>).transpose();
    let format =
        format.map_err(|_| Failure { message: format!("--format: must be one of {}", Format::names()), exit: 2 })?;
    let console = open_console(config, Arc::new(SystemClock)).await?;
    let mut broken = 0;
    for file in files {
        let name = file.display();
        let imported = import_one(&console, format, domain, file).await;
        let imported =
            imported.map_err(|why| Failure { message: format!("{name}: {}", why.message), exit: why.exit })?;
        print_result(&name.to_string(), &imported);
        broken += usize::from(imported.broken.is_some());
    }
    console.close().await;
    match broken {
        0 => Ok(()),
        _ => {
            Err(Failure { message: format!("{broken} of {} files could not be read completely", files.len()), exit: 1 })
        }
    }
}

async fn import_one(
    console: &Console,
    format: Option<Format>,
    domain: Option<&str>,
    file: &Path,
) -> Result<ImportResult, Failure> {
    let bar = progress_bar(File::open(file)?.metadata()?.len());
    let (path, open_bar) = (file.to_owned(), bar.clone());
    let log = AccessLog {
        name: file.file_name().unwrap_or(file.as_os_str()).to_string_lossy().into_owned(),
        format,
        domain: domain.map(str::to_owned),
        tail: Tail::Finished,
        open: move || {
            open_bar.set_position(0);
            Ok(ProgressReader { file: File::open(&path)?, bar: open_bar.clone() })
        },
    };
    let on_commit =
        |progress: &Progress| bar.set_message(format!("{} lines, {} invalid", progress.lines, progress.bad));
    let imported = console.stats.import(&Actor::cli(), log, on_commit).await;
    bar.finish_and_clear();
    Ok(imported?)
}

fn print_result(name: &str, imported: &ImportResult) {
    let ImportResult { report, skipped_bytes, broken, .. } = imported;
    if imported.is_duplicate() {
        println!("{name}: already imported, nothing counted");
        return;
    }
    println!("{name}: {}, {} lines, {} invalid, {} bytes sent", report.format, report.lines, report.bad, report.bytes);
    if *skipped_bytes > 0 {
        println!("{name}: skipped the first {skipped_bytes} bytes, which were imported before");
    }
    for bad in &report.bad_lines {
        eprintln!("{name}:{}: {}", bad.line, bad.reason.sentence());
    }
    for count in &report.notes {
        eprintln!("{name}: note on {} lines: {}", count.lines, count.note.sentence());
    }
    if report.unknown > 0 {
        let hosts: Vec<&str> = report.unknown_hosts.iter().map(|unknown| unknown.host.as_str()).collect();
        eprintln!("{name}: {} lines of unknown hosts, counted under (other): {}", report.unknown, hosts.join(", "));
    }
    if let Some(why) = broken {
        eprintln!("{name}: not read completely: {why}");
    }
}

/// Creates a progress bar, which is hidden unless standard error is a terminal.
fn progress_bar(bytes: u64) -> ProgressBar {
    let target = if io::stderr().is_terminal() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let style = ProgressStyle::with_template("{wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta} {msg}");
    ProgressBar::with_draw_target(Some(bytes), target)
        .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// A file that advances the progress bar as it is read.
struct ProgressReader {
    file: File,
    bar: ProgressBar,
}

impl Read for ProgressReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.bar.inc(read as u64);
        Ok(read)
    }
}
