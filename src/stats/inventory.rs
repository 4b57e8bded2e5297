//! Bytes and files in buckets, counted by domain.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use super::{OTHER, PathRule, StoredTotals, VodDomain};

/// A push domain and one of its play domains.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlayHost {
    pub push: String,
    pub play: String,
}

/// Finds the domain that a file is counted for: that of the longest matching path rule; for recordings without such a rule, the first
/// play domain of their push domain.
#[derive(Debug, Clone)]
pub struct FileOwners {
    /// Rules by bucket, longest first.
    rules: HashMap<String, Vec<(PathRule, String)>>,
    /// First play domain by push domain.
    play_domains: HashMap<String, String>,
}

impl FileOwners {
    /// `hosts` of one push domain are in the order of its play domains.
    pub(super) fn new(hosts: Vec<PlayHost>, vod: Vec<VodDomain>) -> Self {
        let mut play_domains = HashMap::new();
        for PlayHost { push, play } in hosts {
            play_domains.entry(push).or_insert(play);
        }
        let mut rules: HashMap<String, Vec<(PathRule, String)>> = HashMap::new();
        for (rule, name) in vod.into_iter().filter_map(|domain| Some((PathRule::parse(&domain.path)?, domain.name))) {
            rules.entry(rule.bucket.clone()).or_default().push((rule, name));
        }
        for rules in rules.values_mut() {
            rules.sort_by_key(|(rule, _)| Reverse(rule.folders.len()));
        }
        Self { rules, play_domains }
    }

    /// Returns the domain that a file is counted for.
    #[must_use]
    pub fn owner(&self, bucket: &str, key: &str) -> &str {
        let rules = self.rules.get(bucket).map(Vec::as_slice).unwrap_or_default();
        if let Some((_, name)) = rules.iter().find(|(rule, _)| rule.matches(key)) {
            return name;
        }
        let mut folders = key.split('/');
        let push = if folders.next() == Some("record") { folders.nth(1) } else { None };
        push.and_then(|push| self.play_domains.get(push)).map_or(OTHER, String::as_str)
    }
}

/// A running count of the files in all buckets.
#[derive(Debug, Clone)]
pub struct InventoryTally {
    owners: FileOwners,
    pub(super) by_domain: BTreeMap<String, StoredTotals>,
    pub(super) all: StoredTotals,
}

impl InventoryTally {
    pub(super) const fn new(owners: FileOwners) -> Self {
        Self { owners, by_domain: BTreeMap::new(), all: StoredTotals { bytes: 0, files: 0 } }
    }

    /// Counts a file.
    pub fn count(&mut self, bucket: &str, key: &str, bytes: u64) {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        let owner = self.owners.owner(bucket, key);
        if !self.by_domain.contains_key(owner) {
            self.by_domain.insert(owner.to_owned(), StoredTotals::default());
        }
        for totals in self.by_domain.get_mut(owner).into_iter().chain([&mut self.all]) {
            totals.bytes = totals.bytes.saturating_add(bytes);
            totals.files += 1;
        }
    }
}
