//! What domain groups need stored.

use super::DomainView;

/// Which domain groups to list.
#[derive(Debug, Clone, Default)]
pub struct DomainFilter {
    /// Part of a push or play domain, lower case.
    pub text: String,
    pub enabled: Option<bool>,
    /// Only these push domains (of a limited key).
    pub only: Option<Vec<String>>,
}

/// A domain group as other features need it.
pub type Domain = DomainView;
