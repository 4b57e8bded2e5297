//! `callsheet import access-log`: access logs from files.

use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use callsheet::Console;
use callsheet::model::{Actor, SystemClock};
use callsheet::stats::access_log::{Format, Tail};
use callsheet::stats::{AccessLog, Imported};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Failure;
use crate::config::Config;
use crate::startup::open_console;

/// Takes in each file and tells what came of it. Lines that cannot be counted go to standard error; they stop nothing.
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
        tell(&name.to_string(), &imported);
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
) -> Result<Imported, Failure> {
    let bar = progress_bar(File::open(file)?.metadata()?.len());
    let (path, moves) = (file.to_owned(), bar.clone());
    let log = AccessLog {
        name: file.file_name().unwrap_or(file.as_os_str()).to_string_lossy().into_owned(),
        format,
        domain: domain.map(str::to_owned),
        tail: Tail::Finished,
        open: move || {
            moves.set_position(0);
            Ok(Watched { file: File::open(&path)?, bar: moves.clone() })
        },
    };
    let heard = |progress: &callsheet::stats::Progress| {
        bar.set_message(format!("{} lines, {} invalid", progress.lines, progress.bad))
    };
    let imported = console.stats.import(&Actor::cli(), log, heard).await;
    bar.finish_and_clear();
    Ok(imported?)
}

fn tell(name: &str, imported: &Imported) {
    let Imported { report, passed_over, broken, .. } = imported;
    if imported.is_duplicate() {
        println!("{name}: already imported, nothing counted");
        return;
    }
    println!("{name}: {}, {} lines, {} invalid, {} bytes sent", report.format, report.lines, report.bad, report.bytes);
    if *passed_over > 0 {
        println!("{name}: skipped the first {passed_over} bytes, which were imported before");
    }
    for bad in &report.bad_lines {
        eprintln!("{name}:{}: {}", bad.line, bad.reason.sentence());
    }
    for noted in &report.notes {
        eprintln!("{name}: note on {} lines: {}", noted.lines, noted.note.sentence());
    }
    if report.unknown > 0 {
        let hosts: Vec<&str> = report.unknown_hosts.iter().map(|unknown| unknown.host.as_str()).collect();
        eprintln!("{name}: {} lines of unknown hosts, counted under (other): {}", report.unknown, hosts.join(", "));
    }
    if let Some(why) = broken {
        eprintln!("{name}: not read completely: {why}");
    }
}

/// Shown in a terminal only.
fn progress_bar(bytes: u64) -> ProgressBar {
    let target = if io::stderr().is_terminal() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let style = ProgressStyle::with_template("{wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta} {msg}");
    ProgressBar::with_draw_target(Some(bytes), target)
        .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// A file that moves the bar as it is read.
struct Watched {
    file: File,
    bar: ProgressBar,
}

impl Read for Watched {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.bar.inc(read as u64);
        Ok(read)
    }
}
