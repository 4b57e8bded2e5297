//! CNAME targets of domains.

use crate::model::DomainName;

/// Configured CNAME targets, which the pages show for each domain.
#[derive(Debug, Clone, Default)]
pub struct Cnames {
    /// For push domains: this console's ingest, or the media server in front of it.
    pub push: Option<DomainName>,
    /// For play domains: a CDN or media server.
    pub play: Option<DomainName>,
}
