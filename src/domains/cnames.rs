//! Where domains point in DNS.

use crate::model::DomainName;

/// The host names that the CNAME records of push and play domains name, as the settings say; shown beside each domain.
#[derive(Debug, Clone, Default)]
pub struct Cnames {
    /// Of push domains: this console's ingest, or the media server in front.
    pub push: Option<DomainName>,
    /// Of play domains: a CDN or media server.
    pub play: Option<DomainName>,
}
