//! Whose host, and whose file: what the console knows of domains when it counts.

use std::collections::{BTreeMap, HashMap};

use super::{Held, OTHER, VodDomain};

/// A bucket and the first folders within it: all that lies below belongs to a VOD domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathRule {
    bucket: String,
    folders: Vec<String>,
}

impl PathRule {
    /// Reads `bucket/folder/folder`, in which a folder `*` is any one. `None`: it is no path.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.trim().trim_end_matches('/').split('/');
        let bucket = parts.next().filter(|bucket| plain(bucket) && *bucket != "*")?.to_owned();
        let folders: Vec<String> = parts.map(str::to_owned).collect();
        (text.len() <= 1_000 && folders.iter().all(|folder| plain(folder))).then_some(Self { bucket, folders })
    }

    fn holds(&self, mut folders: std::str::Split<'_, char>) -> bool {
        self.folders.iter().all(|folder| folders.next().is_some_and(|there| folder == "*" || folder == there))
    }
}

impl std::fmt::Display for PathRule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.bucket)?;
        self.folders.iter().try_for_each(|folder| write!(f, "/{folder}"))
    }
}

fn plain(part: &str) -> bool {
    !matches!(part, "" | "." | "..") && !part.chars().any(char::is_control)
}

/// A push domain and one of its play domains, the first one first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlayHost {
    pub push: String,
    pub play: String,
}

/// Tells whose a file is: by the path rules of VOD domains, the longest first; then recordings by their push domain, whose first play
/// domain it is that they are counted for.
#[derive(Debug, Clone)]
pub struct Owners {
    rules: HashMap<String, Vec<(PathRule, String)>>,
    recorded: HashMap<String, String>,
}

impl Owners {
    pub(super) fn new(hosts: Vec<PlayHost>, vod: Vec<VodDomain>) -> Self {
        let mut recorded = HashMap::new();
        for PlayHost { push, play } in hosts {
            recorded.entry(push).or_insert(play);
        }
        let mut rules: HashMap<String, Vec<(PathRule, String)>> = HashMap::new();
        for (rule, name) in vod.into_iter().filter_map(|domain| Some((PathRule::parse(&domain.path)?, domain.name))) {
            rules.entry(rule.bucket.clone()).or_default().push((rule, name));
        }
        for rules in rules.values_mut() {
            rules.sort_by_key(|(rule, _)| std::cmp::Reverse(rule.folders.len()));
        }
        Self { rules, recorded }
    }

    /// The domain that a file is counted for.
    #[must_use]
    pub fn of(&self, bucket: &str, key: &str) -> &str {
        let rules = self.rules.get(bucket).map(Vec::as_slice).unwrap_or_default();
        if let Some((_, name)) = rules.iter().find(|(rule, _)| rule.holds(key.split('/'))) {
            return name;
        }
        let mut folders = key.split('/');
        let push = if folders.next() == Some("record") { folders.nth(1) } else { None };
        push.and_then(|push| self.recorded.get(push)).map_or(OTHER, String::as_str)
    }
}

/// What buckets hold, counted file by file.
#[derive(Debug, Clone)]
pub struct Tally {
    owners: Owners,
    pub(super) held: BTreeMap<String, Held>,
    pub(super) all: Held,
}

impl Tally {
    pub(super) const fn new(owners: Owners) -> Self {
        Self { owners, held: BTreeMap::new(), all: Held { bytes: 0, files: 0 } }
    }

    /// Counts a file of this many bytes.
    pub fn count(&mut self, bucket: &str, key: &str, bytes: u64) {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        let owner = self.owners.of(bucket, key);
        if !self.held.contains_key(owner) {
            self.held.insert(owner.to_owned(), Held::default());
        }
        for held in self.held.get_mut(owner).into_iter().chain([&mut self.all]) {
            held.bytes = held.bytes.saturating_add(bytes);
            held.files += 1;
        }
    }
}
