//! Imports access logs and counts each line once.
//!
//! A blocking thread reads and counts ([`LogReader`]). Each batch is committed together with the position in the file while the thread
//! continues. After a crash, only the work since the last commit is repeated, and nothing is counted twice.

use std::io::{self, Read};
use std::ops::ControlFlow;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::access_log::{Batch, Format, ImportReport, KnownHosts, KnownPrefix, LogReader, ReadEnd, Tail, Tally};
use super::service::to_ascii_name;
use super::{Import, ImportStep, Progress, Stats, StatsError};
use crate::model::{Action, Actor, Forbidden};

/// An access log to import.
pub struct AccessLog<O> {
    /// Name in the list of imports.
    pub name: String,
    /// `None`: detect by content.
    pub format: Option<Format>,
    /// Domain of lines without host.
    pub domain: Option<String>,
    /// Whether more lines may be appended later.
    pub tail: Tail,
    /// Opens the file at its start. It is called again whenever the file must be read from its start.
    pub open: O,
}

/// Result of an import.
#[derive(Debug, Clone)]
pub struct ImportResult {
    /// Id of the import; `None` if no line of this file was ever imported.
    pub id: Option<i64>,
    /// Uncompressed bytes that were imported before and skipped now.
    pub skipped_bytes: u64,
    /// Report on the lines that were counted now.
    pub report: ImportReport,
    /// Why the file could not be read to its end. Lines before that are counted.
    pub broken: Option<String>,
}

impl ImportResult {
    /// Returns whether the complete file was imported before.
    #[must_use]
    pub const fn is_duplicate(&self) -> bool {
        self.skipped_bytes > 0 && self.report.lines == 0 && self.broken.is_none()
    }
}

/// A message from the reading thread.
enum ReaderMessage {
    Resumed(Option<KnownPrefix>),
    Batch(Batch),
}

impl Stats {
    /// Checks whether the actor may import access logs. Actors limited to some domains may not, because lines can name any host.
    pub fn may_add(&self, actor: &Actor) -> Result<(), Forbidden> {
        actor.check(Action::AddStatistics)?;
        if actor.domains.is_some() { Err(Forbidden) } else { Ok(()) }
    }

    /// Returns the imports with the same head as a file: the first 4 KiB, or the whole file if it is shorter.
    pub async fn imports_of<R, O>(&self, actor: &Actor, open: O) -> Result<Vec<Import>, StatsError>
    where
        R: Read + Send + 'static,
        O: FnMut() -> io::Result<R> + Send + 'static,
    {
        let reader = blocking(move || LogReader::open(open)).await?.map_err(StatsError::Unreadable)?;
        self.imports_by_head(actor, &reader.heads()[..1]).await
    }

    /// Imports the part of an access log that was not imported before. Calls `on_commit` after each committed batch.
    ///
    /// # Errors
    /// [`StatsError::UnknownFormat`], [`StatsError::UnsupportedContent`], [`StatsError::NoDomain`] and [`StatsError::Unreadable`] before
    /// anything is counted. After any other error, committed batches stay, and the file can be imported again.
    pub async fn import<R, O>(
        &self,
        actor: &Actor,
        log: AccessLog<O>,
        mut on_commit: impl FnMut(&Progress) + Send,
    ) -> Result<ImportResult, StatsError>
    where
        R: Read + Send + 'static,
        O: FnMut() -> io::Result<R> + Send + 'static,
    {
        self.may_add(actor)?;
        let AccessLog { name, format, domain, tail, open } = log;
        let known = self.known_hosts().await?;
        let domain = domain.map(|name| to_ascii_name(&name));
        if let Some(name) = domain.as_ref().filter(|name| !known.contains(*name)) {
            return Err(StatsError::UnknownDomain(name.clone()));
        }
        let mut reader = blocking(move || LogReader::open(open)).await?.map_err(StatsError::Unreadable)?;
        if let Some(content) = reader.unsupported_content() {
            return Err(StatsError::UnsupportedContent(content));
        }
        let format = format.or_else(|| reader.detect_format()).ok_or(StatsError::UnknownFormat)?;
        if !format.names_hosts() && domain.is_none() {
            return Err(StatsError::NoDomain);
        }
        let candidates = self.imports_by_head(actor, &reader.heads()).await?;
        let prefix = |import: &Import| KnownPrefix {
            offset: u64::try_from(import.progress.taken).unwrap_or_default(),
            prefix: import.progress.prefix,
        };
        let prefixes: Vec<KnownPrefix> = candidates.iter().map(prefix).collect();
        let hosts = Arc::new(KnownHosts::new(known.iter().map(String::as_str)));
        let mut tally = Tally::new(format, hosts, domain.as_deref(), self.clock.now());
        let (sender, mut messages) = mpsc::channel(1);
        let reading = blocking(move || {
            let found = match reader.resume(&prefixes, &mut tally) {
                Ok(found) => found,
                Err(ReadEnd::Broken(error)) => return Err(error),
                Err(end) => return Ok((tally.report(), Some(end))),
            };
            let send = |message| match sender.blocking_send(message) {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            };
            if send(ReaderMessage::Resumed(found)).is_break() {
                return Ok((tally.report(), None));
            }
            let end = reader.run(&mut tally, tail, |batch| send(ReaderMessage::Batch(batch)));
            io::Result::Ok((tally.report(), Some(end)))
        });
        // If a commit fails, this drops the channel, and the reading thread stops.
        let writing = async move {
            let (mut id, mut skipped_bytes, mut last) = (None, 0, None);
            while let Some(message) = messages.recv().await {
                let batch = match message {
                    ReaderMessage::Resumed(found) => {
                        let import = candidates.iter().find(|import| found == Some(prefix(import)));
                        (id, last) = (import.map(|import| import.id), import.map(|import| import.progress));
                        skipped_bytes = found.map_or(0, |known| known.offset);
                        continue;
                    }
                    ReaderMessage::Batch(batch) => batch,
                };
                let progress = progress_after(last.as_ref(), &batch);
                let from = last.map_or(0, |last| last.taken);
                let step = ImportStep { import: id, name: name.clone(), from, progress, now: self.clock.now() / 1000 };
                id = Some(self.add_usage(actor, &batch.rows, &step).await?);
                count_metrics(format, &batch);
                last = Some(progress);
                on_commit(&progress);
            }
            Ok::<_, StatsError>((id, skipped_bytes))
        };
        let (written, read) = tokio::join!(writing, reading);
        let (id, skipped_bytes) = written?;
        let (report, end) = read?.map_err(StatsError::Unreadable)?;
        let broken = match end {
            Some(ReadEnd::Broken(error)) => Some(error.to_string()),
            Some(ReadEnd::Changed) => return Err(StatsError::FileChanged),
            Some(ReadEnd::Complete | ReadEnd::Stopped) | None => None,
        };
        Ok(ImportResult { id, skipped_bytes, report, broken })
    }
}

fn count_metrics(format: Format, batch: &Batch) {
    let counted = batch.lines - batch.bad - batch.unknown;
    for (result, lines) in [("counted", counted), ("bad", batch.bad), ("unknown_host", batch.unknown)] {
        metrics::counter!("callsheet_log_lines_total", "format" => format.as_str(), "result" => result)
            .increment(lines);
    }
}

fn progress_after(last: Option<&Progress>, batch: &Batch) -> Progress {
    let count = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    Progress {
        taken: count(batch.offset),
        prefix: batch.prefix,
        head: batch.head,
        lines: last.map_or(0, |last| last.lines) + count(batch.lines),
        bad: last.map_or(0, |last| last.bad) + count(batch.bad),
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, StatsError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| StatsError::Unreadable(io::Error::other(error)))
}
