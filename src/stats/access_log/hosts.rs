//! Which hosts are domains of the console, and how a host is compared.

use std::sync::Arc;

use foldhash::{HashMap, HashMapExt};

use crate::stats::OTHER;

/// Of one spelling of a host as lines write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// A domain of the console, by its number.
    Known(u32),
    /// The number of a host that the console does not know.
    Unknown(u32),
    /// A host that it does not know, and one too many to keep its name.
    Unnamed,
}

impl Place {
    /// The number of the domain under which it is counted.
    pub(super) const fn domain(self) -> u32 {
        match self {
            Self::Known(domain) => domain,
            Self::Unknown(_) | Self::Unnamed => KnownHosts::OTHER,
        }
    }
}

/// The domains that lines may name: play domains and VOD domains. Numbered in the order of their names, `(other)` first.
#[derive(Debug)]
pub struct KnownHosts {
    names: Vec<Arc<str>>,
    numbers: HashMap<Arc<str>, u32>,
}

impl KnownHosts {
    /// The number of `(other)`.
    pub(super) const OTHER: u32 = 0;

    /// From host names in their ASCII form, in any order and case.
    pub fn new<'n>(names: impl IntoIterator<Item = &'n str>) -> Self {
        let mut names: Vec<Arc<str>> = names.into_iter().map(|name| name.to_ascii_lowercase().into()).collect();
        names.sort_unstable();
        names.dedup();
        names.insert(0, OTHER.into());
        let numbers = names.iter().cloned().zip(0u32..).skip(1).collect();
        Self { names, numbers }
    }

    /// The name of a domain by its number.
    pub(super) fn name(&self, number: u32) -> &Arc<str> {
        usize::try_from(number).ok().and_then(|at| self.names.get(at)).unwrap_or(&self.names[0])
    }

    fn number(&self, host: &str) -> Option<u32> {
        self.numbers.get(host).copied()
    }
}

/// Where the hosts of one file belong. It remembers every spelling it met, up to a bound, as names in a log are anybody's.
#[derive(Debug)]
pub(super) struct Hosts {
    known: Arc<KnownHosts>,
    spellings: HashMap<Box<str>, Place>,
    unknown: Vec<(Box<str>, u64)>,
    unknown_numbers: HashMap<Box<str>, u32>,
    unnamed: u64,
}

/// The most spellings, and the most unknown hosts, that are remembered.
const MOST: usize = 10_000;
/// Longer than any host name with its port.
const LONGEST: usize = 260;

impl Hosts {
    pub(super) fn new(known: Arc<KnownHosts>) -> Self {
        let (spellings, unknown_numbers) = (HashMap::new(), HashMap::new());
        Self { known, spellings, unknown: Vec::new(), unknown_numbers, unnamed: 0 }
    }

    pub(super) fn known(&self) -> &KnownHosts {
        &self.known
    }

    /// Where a host belongs.
    pub(super) fn place(&mut self, host: &str) -> Place {
        if let Some(place) = self.spellings.get(host) {
            return *place;
        }
        let place = self.find(host);
        if self.spellings.len() < MOST && place != Place::Unnamed {
            self.spellings.insert(host.into(), place);
        }
        place
    }

    /// Counts a request; `place` of [`Self::place`].
    pub(super) fn count(&mut self, place: Place) {
        match place {
            Place::Known(_) => {}
            Place::Unknown(number) => {
                if let Some((_, requests)) = usize::try_from(number).ok().and_then(|at| self.unknown.get_mut(at)) {
                    *requests += 1;
                }
            }
            Place::Unnamed => self.unnamed += 1,
        }
    }

    /// Unknown hosts with their requests, and the requests of those that were too many to name.
    pub(super) fn unknown(&self) -> (&[(Box<str>, u64)], u64) {
        (&self.unknown, self.unnamed)
    }

    fn find(&mut self, host: &str) -> Place {
        if host.len() > LONGEST {
            return Place::Unnamed;
        }
        let name = bare(host).to_ascii_lowercase();
        if let Some(number) = self.known.number(&name) {
            return Place::Known(number);
        }
        let name: Box<str> = name.into();
        if let Some(number) = self.unknown_numbers.get(&name) {
            return Place::Unknown(*number);
        }
        let next = u32::try_from(self.unknown.len()).ok().filter(|_| self.unknown.len() < MOST);
        let Some(number) = next else { return Place::Unnamed };
        self.unknown.push((name.clone(), 0));
        self.unknown_numbers.insert(name, number);
        Place::Unknown(number)
    }
}

/// A host without its port and without the dot at its end.
fn bare(host: &str) -> &str {
    let without_port = match host.rsplit_once(':') {
        Some((name, port))
            if port.bytes().all(|b| b.is_ascii_digit()) && (!name.contains(':') || name.ends_with(']')) =>
        {
            name
        }
        _ => host,
    };
    without_port.strip_suffix('.').unwrap_or(without_port)
}
