//! Whether something is still what a change was made for.

use serde::Serialize;
use sha2::{Digest, Sha256};

/// What can be edited of something, in short: where two are equal, nothing was edited in between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version(String);

impl Version {
    /// Of all that can be edited.
    pub(crate) fn of(content: &impl Serialize) -> Self {
        // Settings have no maps whose keys are no text, so writing them in memory has no way to fail.
        let digest = Sha256::digest(serde_json::to_vec(content).unwrap_or_default());
        Self(hex::encode(&digest[..16]))
    }

    /// A version that somebody was given.
    #[must_use]
    pub fn given(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// Hexadecimal digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// For which versions a change was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    Any,
    OneOf(Vec<Version>),
}

impl Expected {
    /// Lets a change pass that was made for this version.
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
