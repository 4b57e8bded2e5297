//! Filters of domain groups, and conversions.

use super::{DomainView, PlayDomain};
use crate::model::{DomainName, Version};

/// Filter of the domain list.
#[derive(Debug, Clone, Default)]
pub struct DomainFilter {
    /// Part of a push or play domain, lower case.
    pub text: String,
    pub enabled: Option<bool>,
    /// Restricts the list to these push domains (those of a limited key).
    pub only: Option<Vec<String>>,
}

impl From<&DomainName> for PlayDomain {
    fn from(name: &DomainName) -> Self {
        Self { name: name.ascii().to_owned(), display: name.display().to_owned() }
    }
}

impl From<&DomainView> for Version {
    /// The names of a group never change.
    fn from(domain: &DomainView) -> Self {
        Self::of(&(domain.id, domain.enabled, domain.updated_at))
    }
}
