//! Takes access logs in, each line once.
//!
//! A thread for blocking work reads and counts ([`Reading`]); each batch that it hands over is committed together with how far the file
//! is taken in, while the thread goes on. A crash between two batches costs the work since the first, and counts nothing twice.

use std::io::{self, Read};
use std::ops::ControlFlow;
use std::sync::Arc;

use serde::Serialize;
use tokio::sync::mpsc;

use super::access_log::{Batch, End, Format, Known, KnownHosts, Reading, Report, Tail, Tally};
use super::service::plain_name;
use super::{Import, ImportStep, Progress, Stats, StatsError};
use crate::model::{Action, Actor, Forbidden};

/// An access log to take in.
pub struct AccessLog<O> {
    /// What it is called in the list of imports.
    pub name: String,
    /// `None`: recognised by content.
    pub format: Option<Format>,
    /// The domain of lines that name no host.
    pub domain: Option<String>,
    /// Whether more lines may be appended later.
    pub tail: Tail,
    /// Opens it at its start; called again where that must be read twice.
    pub open: O,
}

/// What became of an access log.
#[derive(Debug, Clone, Serialize)]
pub struct Imported {
    /// The import's number; `None` if nothing was ever taken of this file.
    pub id: Option<i64>,
    /// Bytes of its unpacked content that were taken in before, and passed over now.
    pub passed_over: u64,
    /// Of the lines that were counted now.
    #[serde(flatten)]
    pub report: Report,
    /// Why it could not be read to its end; what came before counts.
    pub broken: Option<String>,
}

impl Imported {
    /// All of it was taken in before.
    #[must_use]
    pub const fn is_duplicate(&self) -> bool {
        self.passed_over > 0 && self.report.lines == 0 && self.broken.is_none()
    }
}

/// What the reading thread tells.
enum Told {
    Resumed(Option<Known>),
    Batch(Batch),
}

impl Stats {
    /// Whether the actor may take in access logs: their lines name any host.
    pub fn may_add(&self, actor: &Actor) -> Result<(), Forbidden> {
        actor.check(Action::AddStatistics)?;
        if actor.domains.is_some() { Err(Forbidden) } else { Ok(()) }
    }

    /// The imports that begin as a file does: its first 4 KiB, or all of it when it is shorter.
    pub async fn imports_of<R, O>(&self, actor: &Actor, open: O) -> Result<Vec<Import>, StatsError>
    where
        R: Read + Send + 'static,
        O: FnMut() -> io::Result<R> + Send + 'static,
    {
        let reading = blocking(move || Reading::open(open)).await?.map_err(StatsError::Unreadable)?;
        self.imports_like(actor, &reading.heads()[..1]).await
    }

    /// Takes in what is not known yet of an access log. `heard` is told of each batch that is committed.
    ///
    /// # Errors
    /// [`StatsError::UnknownFormat`], [`StatsError::ForeignContent`], [`StatsError::NoDomain`] and [`StatsError::Unreadable`] before anything is counted. After any other
    /// error, what was committed stays, and the same file can be taken in again.
    pub async fn import<R, O>(
        &self,
        actor: &Actor,
        log: AccessLog<O>,
        mut heard: impl FnMut(&Progress) + Send,
    ) -> Result<Imported, StatsError>
    where
        R: Read + Send + 'static,
        O: FnMut() -> io::Result<R> + Send + 'static,
    {
        self.may_add(actor)?;
        let AccessLog { name, format, domain, tail, open } = log;
        let known = self.known_hosts().await?;
        let domain = domain.map(|name| plain_name(&name));
        if let Some(name) = domain.as_ref().filter(|name| !known.contains(*name)) {
            return Err(StatsError::UnknownDomain(name.clone()));
        }
        let mut reading = blocking(move || Reading::open(open)).await?.map_err(StatsError::Unreadable)?;
        if let Some(foreign) = reading.foreign() {
            return Err(StatsError::ForeignContent(foreign));
        }
        let format = format.or_else(|| reading.recognise()).ok_or(StatsError::UnknownFormat)?;
        if !format.names_hosts() && domain.is_none() {
            return Err(StatsError::NoDomain);
        }
        let candidates = self.imports_like(actor, &reading.heads()).await?;
        let prefix = |import: &Import| Known {
            offset: u64::try_from(import.progress.taken).unwrap_or_default(),
            prefix: import.progress.prefix,
        };
        let prefixes: Vec<Known> = candidates.iter().map(prefix).collect();
        let hosts = Arc::new(KnownHosts::new(known.iter().map(String::as_str)));
        let mut tally = Tally::new(format, hosts, domain.as_deref(), self.clock.now());
        let (tell, mut told) = mpsc::channel(1);
        let reader = blocking(move || {
            let found = match reading.resume(&prefixes, &mut tally) {
                Ok(found) => found,
                Err(End::Broken(error)) => return Err(error),
                Err(end) => return Ok((tally.report(), Some(end))),
            };
            let hears = |told| match tell.blocking_send(told) {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            };
            if hears(Told::Resumed(found)).is_break() {
                return Ok((tally.report(), None));
            }
            let end = reading.run(&mut tally, tail, |batch| hears(Told::Batch(batch)));
            io::Result::Ok((tally.report(), Some(end)))
        });
        let write = async move {
            let (mut id, mut passed_over, mut last) = (None, 0, None);
            while let Some(told) = told.recv().await {
                let batch = match told {
                    Told::Resumed(found) => {
                        let import = candidates.iter().find(|import| found == Some(prefix(import)));
                        (id, last) = (import.map(|import| import.id), import.map(|import| import.progress));
                        passed_over = found.map_or(0, |known| known.offset);
                        continue;
                    }
                    Told::Batch(batch) => batch,
                };
                let progress = after(last.as_ref(), &batch);
                let from = last.map_or(0, |last| last.taken);
                let step = ImportStep { import: id, name: name.clone(), from, progress, now: self.clock.now() / 1000 };
                id = Some(self.add_usage(actor, &batch.rows, &step).await?);
                measure(format, &batch);
                last = Some(progress);
                heard(&progress);
            }
            // The reader stops when nobody hears it.
            Ok::<_, StatsError>((id, passed_over))
        };
        let (written, read) = tokio::join!(write, reader);
        let (id, passed_over) = written?;
        let (report, end) = read?.map_err(StatsError::Unreadable)?;
        let broken = match end {
            Some(End::Broken(error)) => Some(error.to_string()),
            Some(End::Changed) => return Err(StatsError::FileChanged),
            Some(End::Complete | End::Stopped) | None => None,
        };
        Ok(Imported { id, passed_over, report, broken })
    }
}

/// Lines by what became of them.
fn measure(format: Format, batch: &Batch) {
    let counted = batch.lines - batch.bad - batch.unknown;
    for (result, lines) in [("counted", counted), ("bad", batch.bad), ("unknown_host", batch.unknown)] {
        metrics::counter!("callsheet_log_lines_total", "format" => format.as_str(), "result" => result)
            .increment(lines);
    }
}

/// How far an import is after a batch.
fn after(last: Option<&Progress>, batch: &Batch) -> Progress {
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
