//! Sums by domain and point, and the report on the lines of a file.

use std::cmp::Reverse;
use std::sync::Arc;

use foldhash::{HashMap, HashMapExt};
use memchr::memchr;
use serde::Serialize;

use super::assumptions::{Note, Noted, Notes};
use super::hosts::{Hosts, KnownHosts, Place};
use super::spread::{POINT_SECONDS, point_of, spread};
use super::{Bad, BadLine, Format, Hit, Parser};
use crate::stats::{Sums, UsageRow};

const DAY_MS: i64 = 86_400_000;
/// 2000-01-01.
const EARLIEST_MS: i64 = 946_684_800_000;
/// So that no sum of a batch comes near the end of an `i64`.
const MOST_BYTES: i64 = 1 << 42;
const LONGEST_MS: i64 = 31 * DAY_MS;
/// Rows that make a batch full.
const MOST_ROWS: usize = 100_000;
const BAD_LINES_SHOWN: usize = 20;
const UNKNOWN_HOSTS_SHOWN: usize = 20;

/// A host that the console does not know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnknownHost {
    /// As lines name it, lower case; empty when they name none.
    pub host: String,
    pub requests: u64,
}

/// What an import says at its end, of the lines it counted itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
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
    /// Guesses about the counted lines.
    pub notes: Vec<Noted>,
}

/// How many lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Lines {
    /// Requests and bad lines.
    pub(super) all: u64,
    pub(super) bad: u64,
    /// Requests counted under `(other)`.
    pub(super) unknown: u64,
}

/// Counts the lines of one file.
#[derive(Debug)]
pub struct Tally {
    parser: Parser,
    hosts: Hosts,
    /// Where lines belong that name no host.
    unnamed: Place,
    now_ms: i64,
    /// UsageRow numbers by domain and point.
    index: HashMap<u64, usize>,
    rows: Vec<(u64, Sums)>,
    last: (u64, usize),
    lines: Lines,
    taken: Lines,
    bad_lines: Vec<BadLine>,
    bytes: i64,
    /// Whether `unnamed` was given.
    is_given: bool,
    /// Lines by their notes.
    noted: [u64; Note::ALL.len()],
}

impl Tally {
    /// For a new file. Lines that name no host are counted under `given`, a domain like the others.
    #[must_use]
    pub fn new(format: Format, known: Arc<KnownHosts>, given: Option<&str>, now_ms: i64) -> Self {
        let mut hosts = Hosts::new(known);
        let unnamed = hosts.place(given.unwrap_or_default());
        Self {
            parser: Parser::new(format),
            hosts,
            unnamed,
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

    /// Counts a line; `number` from 1, `line` without its line feed.
    pub fn line(&mut self, number: u64, line: &[u8]) {
        let counted = match self.parser.parse(line) {
            Ok(None) => return,
            Ok(Some(hit)) => check(&hit, self.now_ms).map(|()| {
                let is_guessed = hit.host.is_none() && self.is_given;
                let place = hit.host.map_or(self.unnamed, |host| self.hosts.place(host));
                let notes = if is_guessed { hit.notes.with(Note::DomainGiven) } else { hit.notes };
                (place, Hit { host: None, notes, ..hit })
            }),
            Err(_) if memchr(0, line).is_some() => Err(Bad::Nul),
            Err(reason) => Err(reason),
        };
        match counted {
            Ok((place, hit)) => {
                self.lines.all += 1;
                self.note(hit.notes);
                self.add(place, &hit);
            }
            Err(reason) => self.refuse(number, reason),
        }
    }

    /// Notes a line that is not counted.
    pub(super) fn refuse(&mut self, number: u64, reason: Bad) {
        self.lines.all += 1;
        self.lines.bad += 1;
        if self.bad_lines.len() < BAD_LINES_SHOWN {
            self.bad_lines.push(BadLine { line: number, reason });
        }
    }

    /// Returns whether a line that may be cut off says all that is counted.
    pub(super) fn is_whole(&mut self, line: &[u8]) -> bool {
        self.parser.is_whole(line)
    }

    /// Takes what a line that was counted before leaves for those after it.
    pub(super) fn pass(&mut self, line: &[u8]) {
        self.parser.pass(line);
    }

    /// Whether it holds so many rows that a batch should go.
    pub(super) fn is_full(&self) -> bool {
        self.rows.len() >= MOST_ROWS
    }

    /// The sums since the last call, by domain and point, with the lines that they are made of.
    pub(super) fn take(&mut self) -> (Vec<UsageRow>, Lines) {
        self.rows.sort_unstable_by_key(|(key, _)| *key);
        let known = self.hosts.known();
        let row = |&(key, sums): &(u64, Sums)| {
            let (domain, at) = parts(key);
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

    /// The report so far.
    #[must_use]
    pub fn report(&self) -> Report {
        let (unknown, _) = self.hosts.unknown();
        let mut hosts: Vec<_> = unknown.iter().filter(|(_, requests)| *requests > 0).collect();
        hosts.sort_unstable_by_key(|(host, requests)| (Reverse(*requests), host));
        hosts.truncate(UNKNOWN_HOSTS_SHOWN);
        let shown = |(host, requests): &(Box<str>, u64)| UnknownHost { host: host.to_string(), requests: *requests };
        Report {
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

    fn notes(&self) -> Vec<Noted> {
        let noted = Note::ALL.iter().zip(self.noted).map(|(&note, lines)| Noted { note, lines });
        noted.filter(|noted| noted.lines > 0).collect()
    }

    fn note(&mut self, notes: Notes) {
        if notes.are_empty() {
            return;
        }
        for (note, lines) in Note::ALL.iter().zip(&mut self.noted) {
            *lines += u64::from(notes.has(*note));
        }
    }

    fn add(&mut self, place: Place, hit: &Hit<'_>) {
        let domain = place.domain();
        if domain == KnownHosts::OTHER {
            self.lines.unknown += 1;
            self.hosts.count(place);
        }
        self.bytes = self.bytes.saturating_add(hit.bytes);
        let end = point_of(hit.end_ms);
        if hit.end_ms - hit.duration_ms >= end * 1000 {
            self.row(domain, end).bytes += hit.bytes;
        } else {
            for (at, bytes) in spread(hit.end_ms, hit.duration_ms, hit.bytes) {
                self.row(domain, at).bytes += bytes;
            }
        }
        let sums = self.row(domain, end);
        sums.requests += 1;
        sums.hits += i64::from(hit.hit == Some(true));
        match hit.status / 100 {
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

/// Refuses numbers that cannot be.
fn check(hit: &Hit<'_>, now_ms: i64) -> Result<(), Bad> {
    if !(0..=LONGEST_MS).contains(&hit.duration_ms) {
        return Err(Bad::Duration);
    }
    if hit.end_ms - hit.duration_ms < EARLIEST_MS {
        return Err(Bad::Past);
    }
    if hit.end_ms > now_ms + DAY_MS {
        return Err(Bad::Future);
    }
    if !(0..=MOST_BYTES).contains(&hit.bytes) {
        return Err(Bad::Bytes);
    }
    Ok(())
}

/// Domain and point as one number that sorts by domain, then by time.
fn key(domain: u32, at: i64) -> u64 {
    (u64::from(domain) << 32) | (at / POINT_SECONDS).unsigned_abs()
}

fn parts(key: u64) -> (u32, i64) {
    let (domain, point) = (key >> 32, key & u64::from(u32::MAX));
    (u32::try_from(domain).unwrap_or(KnownHosts::OTHER), point.cast_signed() * POINT_SECONDS)
}
