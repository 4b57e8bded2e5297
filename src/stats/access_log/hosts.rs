//! Resolves the hosts in log lines to domains.

use std::sync::Arc;

use foldhash::{HashMap, HashMapExt};

use crate::stats::OTHER;

/// The domain or unknown host that a host in a line resolves to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HostIndex {
    /// Number of a domain in [`KnownHosts`].
    Known(u32),
    /// Number of an unknown host.
    Unknown(u32),
    /// An unknown host whose name is not stored, because there are too many or it is too long.
    Unnamed,
}

impl HostIndex {
    /// Returns the number of the domain that requests are counted for.
    pub(super) const fn domain(self) -> u32 {
        match self {
            Self::Known(domain) => domain,
            Self::Unknown(_) | Self::Unnamed => KnownHosts::OTHER,
        }
    }
}

/// Play domains and VOD domains. They are numbered in the order of their names; number 0 is `(other)`.
#[derive(Debug)]
pub struct KnownHosts {
    names: Vec<Arc<str>>,
    numbers: HashMap<Arc<str>, u32>,
}

impl KnownHosts {
    /// Number of `(other)`.
    pub(super) const OTHER: u32 = 0;

    /// Creates the table from host names in ASCII, in any order and case.
    pub fn new<'n>(names: impl IntoIterator<Item = &'n str>) -> Self {
        let mut names: Vec<Arc<str>> = names.into_iter().map(|name| name.to_ascii_lowercase().into()).collect();
        names.sort_unstable();
        names.dedup();
        names.insert(0, OTHER.into());
        let numbers = names.iter().cloned().zip(0u32..).skip(1).collect();
        Self { names, numbers }
    }

    /// Returns the name of a domain.
    pub(super) fn name(&self, number: u32) -> &Arc<str> {
        usize::try_from(number).ok().and_then(|at| self.names.get(at)).unwrap_or(&self.names[0])
    }

    fn number(&self, host: &str) -> Option<u32> {
        self.numbers.get(host).copied()
    }
}

/// The hosts of one file. Spellings and unknown hosts are cached up to a limit, because clients choose the names in a log.
#[derive(Debug)]
pub(super) struct HostTable {
    known: Arc<KnownHosts>,
    spellings: HashMap<Box<str>, HostIndex>,
    unknown: Vec<(Box<str>, u64)>,
    unknown_numbers: HashMap<Box<str>, u32>,
    unnamed: u64,
}

/// Maximum number of cached spellings, and of unknown hosts.
const MAX_HOSTS: usize = 10_000;
/// Longer than any host name with its port.
const MAX_HOST_BYTES: usize = 260;

impl HostTable {
    pub(super) fn new(known: Arc<KnownHosts>) -> Self {
        let (spellings, unknown_numbers) = (HashMap::new(), HashMap::new());
        Self { known, spellings, unknown: Vec::new(), unknown_numbers, unnamed: 0 }
    }

    pub(super) fn known(&self) -> &KnownHosts {
        &self.known
    }

    /// Resolves a host as written in a line.
    pub(super) fn resolve(&mut self, host: &str) -> HostIndex {
        if let Some(index) = self.spellings.get(host) {
            return *index;
        }
        let index = self.find(host);
        if self.spellings.len() < MAX_HOSTS && index != HostIndex::Unnamed {
            self.spellings.insert(host.into(), index);
        }
        index
    }

    /// Counts a request of an unknown host.
    pub(super) fn count(&mut self, index: HostIndex) {
        match index {
            HostIndex::Known(_) => {}
            HostIndex::Unknown(number) => {
                if let Some((_, requests)) = usize::try_from(number).ok().and_then(|at| self.unknown.get_mut(at)) {
                    *requests += 1;
                }
            }
            HostIndex::Unnamed => self.unnamed += 1,
        }
    }

    /// Returns the unknown hosts with their requests, and the number of requests of hosts whose names are not stored.
    pub(super) fn unknown(&self) -> (&[(Box<str>, u64)], u64) {
        (&self.unknown, self.unnamed)
    }

    fn find(&mut self, host: &str) -> HostIndex {
        if host.len() > MAX_HOST_BYTES {
            return HostIndex::Unnamed;
        }
        let name = without_port(host).to_ascii_lowercase();
        if let Some(number) = self.known.number(&name) {
            return HostIndex::Known(number);
        }
        let name: Box<str> = name.into();
        if let Some(number) = self.unknown_numbers.get(&name) {
            return HostIndex::Unknown(*number);
        }
        let next = u32::try_from(self.unknown.len()).ok().filter(|_| self.unknown.len() < MAX_HOSTS);
        let Some(number) = next else { return HostIndex::Unnamed };
        self.unknown.push((name.clone(), 0));
        self.unknown_numbers.insert(name, number);
        HostIndex::Unknown(number)
    }
}

/// Removes the port and the trailing dot of a host.
fn without_port(host: &str) -> &str {
    let name = match host.rsplit_once(':') {
        Some((name, port))
            if port.bytes().all(|b| b.is_ascii_digit()) && (!name.contains(':') || name.ends_with(']')) =>
        {
            name
        }
        _ => host,
    };
    name.strip_suffix('.').unwrap_or(name)
}
