//! Versions of editable settings, for optimistic concurrency control.

use serde::Serialize;
use sha2::{Digest, Sha256};

/// A hash of everything that can be edited. Equal versions mean that nothing was edited in between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version(String);

impl Version {
    /// Hashes the editable content.
    pub(crate) fn of(content: &impl Serialize) -> Self {
        // Serialising settings cannot fail: they have no maps with keys other than strings.
        let digest = Sha256::digest(serde_json::to_vec(content).unwrap_or_default());
        Self(hex::encode(&digest[..16]))
    }

    /// Wraps a version that a client sent back.
    #[must_use]
    pub fn given(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// Returns the hexadecimal digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Versions to which a change applies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    Any,
    OneOf(Vec<Version>),
}

impl Expected {
    /// Accepts a change made for the version `present`.
    pub(crate) fn check(&self, present: &Version) -> Result<(), super::StoreError> {
        match self {
            Self::OneOf(versions) if !versions.contains(present) => Err(super::StoreError::Changed),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_passes_for_the_version_it_was_made_for() {
        let (old, new) = (Version::of(&("a", 1)), Version::of(&("a", 2)));
        assert_ne!(old, new);
        assert_eq!(old, Version::given(old.as_str()));
        assert!(Expected::Any.check(&new).is_ok());
        assert!(Expected::OneOf(vec![old.clone(), new.clone()]).check(&new).is_ok());
        assert!(Expected::OneOf(vec![old]).check(&new).is_err());
        assert!(Expected::OneOf(Vec::new()).check(&new).is_err());
    }
}
