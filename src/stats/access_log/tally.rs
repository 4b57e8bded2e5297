//! Sums log entries by domain and bin, and reports on the lines of a file.

use std::cmp::Reverse;
use std::sync::Arc;

use foldhash::{HashMap, HashMapExt};
use memchr::memchr;

use super::hosts::{HostIndex, HostTable, KnownHosts};
use super::notes::{Note, NoteCount, Notes};
use super::spread::{bin_start_of_ms, spread};
use super::{BadLine, Format, LineError, LogEntry, Parser};
use crate::stats::{BIN_S, Sums, UsageRow};

const DAY_MS: i64 = 86_400_000;
/// 2000-01-01T00:00:00Z.
const EARLIEST_MS: i64 = 946_684_800_000;
/// Limit for one request, so that the sums of a batch cannot overflow an `i64`.
const MAX_BYTES: i64 = 1 << 42;
const MAX_DURATION_MS: i64 = 31 * DAY_MS;
/// Maximum number of rows in a batch.
const MAX_ROWS: usize = 100_000;
const BAD_LINES_SHOWN: usize = 20;
const UNKNOWN_HOSTS_SHOWN: usize = 20;

/// A host that is no domain of the console.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownHost {
    /// Host as in the lines, in lower case; empty if they name none.
    pub host: String,
    pub requests: u64,
}

/// Report on the lines that an import counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportReport {
    pub format: Format,
    /// Requests and bad lines.
    pub lines: u64,
    pub bad: u64,
    /// The first 20.
    pub bad_lines: Vec<BadLine>,
    /// Sent to clients.
    pub bytes: i64,
    /// Requests counted under `(other)`.
    pub unknown: u64,
    /// The 20 with the most requests.
    pub unknown_hosts: Vec<UnknownHost>,
    /// Assumptions about the counted lines.
    pub notes: Vec<NoteCount>,
}

/// Numbers of lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Lines {
    /// Requests and bad lines.
    pub(super) all: u64,
    pub(super) bad: u64,
    /// Requests counted under `(other)`.
    pub(super) unknown: u64,
}

/// A running count of the lines of one file.
#[derive(Debug)]
pub struct Tally {
    parser: Parser,
    hosts: HostTable,
    /// Domain of lines without host.
    default_host: HostIndex,
    now_ms: i64,
    /// Positions in `rows` by key.
    index: HashMap<u64, usize>,
    /// Sums by [`key`].
    rows: Vec<(u64, Sums)>,
    /// Key and position of the row that was used last.
    last: (u64, usize),
    lines: Lines,
    /// Lines up to the last [`Self::take`].
    taken: Lines,
    bad_lines: Vec<BadLine>,
    bytes: i64,
    /// Whether the import specified `default_host`.
    is_given: bool,
    /// Numbers of lines by note.
    noted: [u64; Note::ALL.len()],
}

impl Tally {
    /// Creates a tally for a new file. Lines without host are counted for the domain `given`, else as `(other)`.
    #[must_use]
    pub fn new(format: Format, known: Arc<KnownHosts>, given: Option<&str>, now_ms: i64) -> Self {
        let mut hosts = HostTable::new(known);
        let default_host = hosts.resolve(given.unwrap_or_default());
        Self {
            parser: Parser::new(format),
            hosts,
            default_host,
            now_ms,
            index: HashMap::new(),
            rows: Vec::new(),
            last: (u64::MAX, 0),
            lines: Lines::default(),
            taken: Lines::default(),
            bad_lines: Vec::new(),
            bytes: 0,
            is_given: given.is_some(),
            noted: [0; Note::ALL.len()],
        }
    }

    /// Counts a line without its line feed. Line numbers start at 1.
    pub fn line(&mut self, number: u64, line: &[u8]) {
        let counted = match self.parser.parse(line) {
            Ok(None) => return,
            Ok(Some(entry)) => check(&entry, self.now_ms).map(|()| {
                let uses_given = entry.host.is_none() && self.is_given;
                let host = entry.host.map_or(self.default_host, |host| self.hosts.resolve(host));
                let notes = if uses_given { entry.notes.with(Note::DomainGiven) } else { entry.notes };
                (host, LogEntry { host: None, notes, ..entry })
            }),
            Err(_) if memchr(0, line).is_some() => Err(LineError::Nul),
            Err(reason) => Err(reason),
        };
        match counted {
            Ok((host, entry)) => {
                self.lines.all += 1;
                self.note(entry.notes);
                self.add(host, &entry);
            }
            Err(reason) => self.refuse(number, reason),
        }
    }

    /// Records a bad line.
    pub(super) fn refuse(&mut self, number: u64, reason: LineError) {
        self.lines.all += 1;
        self.lines.bad += 1;
        if self.bad_lines.len() < BAD_LINES_SHOWN {
            self.bad_lines.push(BadLine { line: number, reason });
        }
    }

    /// Returns whether a line that may be truncated is certainly complete.
    pub(super) fn is_complete(&mut self, line: &[u8]) -> bool {
        self.parser.is_complete(line)
    }

    /// Updates the parser state from a line that was counted before.
    pub(super) fn skip(&mut self, line: &[u8]) {
        self.parser.skip(line);
    }

    /// Returns whether there are enough rows for a batch.
    pub(super) fn is_full(&self) -> bool {
        self.rows.len() >= MAX_ROWS
    }

    /// Takes the sums and the numbers of lines since the last call. Rows are sorted by domain and bin.
    pub(super) fn take(&mut self) -> (Vec<UsageRow>, Lines) {
        self.rows.sort_unstable_by_key(|(key, _)| *key);
        let known = self.hosts.known();
        let row = |&(key, sums): &(u64, Sums)| {
            let (domain, at) = domain_and_bin(key);
            UsageRow { domain: known.name(domain).clone(), at, sums }
        };
        let rows = self.rows.iter().map(row).collect();
        self.rows.clear();
        self.index.clear();
        self.last = (u64::MAX, 0);
        let Lines { all, bad, unknown } = std::mem::replace(&mut self.taken, self.lines);
        let lines =
            Lines { all: self.lines.all - all, bad: self.lines.bad - bad, unknown: self.lines.unknown - unknown };
        (rows, lines)
    }

    /// Returns a report on all lines so far.
    #[must_use]
    pub fn report(&self) -> ImportReport {
        let (unknown, _) = self.hosts.unknown();
        let mut hosts: Vec<_> = unknown.iter().filter(|(_, requests)| *requests > 0).collect();
        hosts.sort_unstable_by_key(|(host, requests)| (Reverse(*requests), host));
        hosts.truncate(UNKNOWN_HOSTS_SHOWN);
        let shown = |(host, requests): &(Box<str>, u64)| UnknownHost { host: host.to_string(), requests: *requests };
        ImportReport {
            format: self.parser.format(),
            lines: self.lines.all,
            bad: self.lines.bad,
            bad_lines: self.bad_lines.clone(),
            bytes: self.bytes,
            unknown: self.lines.unknown,
            unknown_hosts: hosts.into_iter().map(shown).collect(),
            notes: self.notes(),
        }
    }

    fn notes(&self) -> Vec<NoteCount> {
        let counts = Note::ALL.iter().zip(self.noted).map(|(&note, lines)| NoteCount { note, lines });
        counts.filter(|count| count.lines > 0).collect()
    }

    fn note(&mut self, notes: Notes) {
        if notes.are_empty() {
            return;
        }
        for (note, lines) in Note::ALL.iter().zip(&mut self.noted) {
            *lines += u64::from(notes.has(*note));
        }
    }

    fn add(&mut self, host: HostIndex, entry: &LogEntry<'_>) {
        let domain = host.domain();
        if domain == KnownHosts::OTHER {
            self.lines.unknown += 1;
            self.hosts.count(host);
        }
        self.bytes = self.bytes.saturating_add(entry.bytes);
        let end = bin_start_of_ms(entry.end_ms);
        if entry.end_ms - entry.duration_ms >= end * 1000 {
            self.row(domain, end).bytes += entry.bytes;
        } else {
            for (at, bytes) in spread(entry.end_ms, entry.duration_ms, entry.bytes) {
                self.row(domain, at).bytes += bytes;
            }
        }
        let sums = self.row(domain, end);
        sums.requests += 1;
        sums.hits += i64::from(entry.cache_hit == Some(true));
        match entry.status / 100 {
            2 => sums.s2xx += 1,
            3 => sums.s3xx += 1,
            4 => sums.s4xx += 1,
            5 => sums.s5xx += 1,
            _ => {}
        }
    }

    fn row(&mut self, domain: u32, at: i64) -> &mut Sums {
        let key = key(domain, at);
        if self.last.0 != key {
            let next = self.rows.len();
            let row = *self.index.entry(key).or_insert(next);
            if row == next {
                self.rows.push((key, Sums::default()));
            }
            self.last = (key, row);
        }
        &mut self.rows[self.last.1].1
    }
}

/// Checks that the numbers of an entry are plausible.
fn check(entry: &LogEntry<'_>, now_ms: i64) -> Result<(), LineError> {
    if !(0..=MAX_DURATION_MS).contains(&entry.duration_ms) {
        return Err(LineError::Duration);
    }
    if entry.end_ms - entry.duration_ms < EARLIEST_MS {
        return Err(LineError::Past);
    }
    if entry.end_ms > now_ms + DAY_MS {
        return Err(LineError::Future);
    }
    if !(0..=MAX_BYTES).contains(&entry.bytes) {
        return Err(LineError::Bytes);
    }
    Ok(())
}

/// Combines a domain and the start of a bin to a number that sorts by domain, then by time.
fn key(domain: u32, at: i64) -> u64 {
    (u64::from(domain) << 32) | (at / BIN_S).unsigned_abs()
}

fn domain_and_bin(key: u64) -> (u32, i64) {
    let (domain, bin) = (key >> 32, key & u64::from(u32::MAX));
    (u32::try_from(domain).unwrap_or(KnownHosts::OTHER), bin.cast_signed() * BIN_S)
}
