//! What the busiest domains of a slot were, while nothing has been added since: of a thousand domains it is the most that a page reads.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use crate::stats::DomainSums;
use crate::stats::calendar::Span;

/// Slots that are remembered.
const SLOTS: usize = 32;

/// What `stats_state` counts: raised by everything that changes usage.
pub(crate) type Version = i64;

#[derive(Debug)]
struct Found {
    version: Version,
    spans: Vec<Span>,
    limit: i64,
    domains: Vec<DomainSums>,
}

/// Of all domains; the latest last.
#[derive(Debug, Default)]
pub(crate) struct Memo(Mutex<VecDeque<Found>>);

impl Memo {
    pub(crate) fn get(&self, version: Version, spans: &[Span], limit: i64) -> Option<Vec<DomainSums>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|found| found.version >= version);
        let found = all.iter().find(|found| found.version == version && found.spans == spans && found.limit == limit);
        found.map(|found| found.domains.clone())
    }

    /// `version`: of before they were read.
    pub(crate) fn put(&self, version: Version, spans: &[Span], limit: i64, domains: &[DomainSums]) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() == SLOTS {
            all.pop_front();
        }
        all.push_back(Found { version, spans: spans.to_vec(), limit, domains: domains.to_vec() });
    }
}
