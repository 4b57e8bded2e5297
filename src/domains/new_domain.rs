//! A domain group to be.

use super::error::DomainError;
use crate::model::DomainName;

/// A domain group that may be created: every name valid, push and play distinct.
#[derive(Debug, Clone)]
pub struct NewDomain {
    push: DomainName,
    play: Vec<DomainName>,
}

impl NewDomain {
    /// Parses what a person typed. Empty play fields and repeats are passed over.
    pub fn parse<S: AsRef<str>>(push: &str, play: &[S]) -> Result<Self, DomainError> {
        let push = DomainName::parse(push).map_err(DomainError::BadPush)?;
        let mut names: Vec<DomainName> = Vec::new();
        for text in play.iter().map(AsRef::as_ref).filter(|text| !text.trim().is_empty()) {
            let name = DomainName::parse(text).map_err(DomainError::BadPlay)?;
            if name == push {
                return Err(DomainError::SameName);
            }
            if !names.contains(&name) {
                names.push(name);
            }
        }
        if names.is_empty() {
            return Err(DomainError::NoPlay);
        }
        Ok(Self { push, play: names })
    }

    /// The push domain.
    #[must_use]
    pub fn push(&self) -> &DomainName {
        &self.push
    }

    /// The play domains, at least one.
    #[must_use]
    pub fn play(&self) -> &[DomainName] {
        &self.play
    }
}
