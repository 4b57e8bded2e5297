//! Rules that assign files in buckets to VOD domains.

use std::fmt;

/// A bucket and the first folders of a path. Every file below them belongs to one VOD domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathRule {
    pub(super) bucket: String,
    pub(super) folders: Vec<String>,
}

impl PathRule {
    /// Parses `bucket/folder/folder`; the folder `*` matches any one folder. Returns `None` for an invalid path.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.trim().trim_end_matches('/').split('/');
        let bucket = parts.next().filter(|bucket| is_valid(bucket) && *bucket != "*")?.to_owned();
        let folders: Vec<String> = parts.map(str::to_owned).collect();
        (text.len() <= 1_000 && folders.iter().all(|folder| is_valid(folder))).then_some(Self { bucket, folders })
    }

    /// Returns whether the rule matches an object of its bucket.
    pub(super) fn matches(&self, key: &str) -> bool {
        let mut actual = key.split('/');
        self.folders.iter().all(|folder| actual.next().is_some_and(|actual| folder == "*" || folder == actual))
    }
}

impl fmt::Display for PathRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.bucket)?;
        self.folders.iter().try_for_each(|folder| write!(f, "/{folder}"))
    }
}

fn is_valid(part: &str) -> bool {
    !matches!(part, "" | "." | "..") && !part.chars().any(char::is_control)
}
