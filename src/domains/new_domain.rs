//! Validation of new domain groups.

use super::error::DomainError;
use crate::model::DomainName;

/// A validated new domain group: all names are valid, push and play domains are distinct.
#[derive(Debug, Clone)]
pub struct NewDomain {
    push: DomainName,
    play: Vec<DomainName>,
}

impl NewDomain {
    /// Parses user input. Ignores empty and repeated play domains.
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

    /// Returns the push domain.
    #[must_use]
    pub fn push(&self) -> &DomainName {
        &self.push
    }

    /// Returns the play domains, at least one.
    #[must_use]
    pub fn play(&self) -> &[DomainName] {
        &self.play
    }
}
