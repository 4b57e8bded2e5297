//! Resolves host names.

use std::net::IpAddr;

use async_trait::async_trait;
use hickory_resolver::TokioResolver;
use hickory_resolver::config::LookupIpStrategy;
use hickory_resolver::net::NetError;

/// Error while resolving a host name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DnsError {
    #[error("no such host in DNS")]
    NotFound,
    #[error("no IPv4 or IPv6 address")]
    NoAddress,
    #[error("the DNS servers did not respond in time")]
    Timeout,
    #[error("DNS lookup failed: {0}")]
    Failed(String),
}

impl DnsError {
    /// Returns the stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "dns_not_found",
            Self::NoAddress => "dns_no_address",
            Self::Timeout => "dns_timeout",
            Self::Failed(_) => "dns_failed",
        }
    }
}

/// Resolves host names, once per new connection.
#[async_trait]
pub trait Resolve: Send + Sync + 'static {
    /// Returns all addresses of `host`, IPv4 and IPv6; never an empty list.
    async fn resolve(&self, host: &str) -> Result<Vec<IpAddr>, DnsError>;
}

/// Resolver of the machine's name servers and hosts file. It caches answers for their TTL.
pub struct SystemResolver(TokioResolver);

impl SystemResolver {
    /// Reads the machine's settings.
    pub fn new() -> Result<Self, DnsError> {
        let failed = |error: NetError| DnsError::Failed(error.to_string());
        let mut builder = TokioResolver::builder_tokio().map_err(failed)?;
        // Both families, because each address is checked. IPv4 first, because IPv6 of receivers is more often broken.
        builder.options_mut().ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
        builder.build().map(Self).map_err(failed)
    }
}

#[async_trait]
impl Resolve for SystemResolver {
    async fn resolve(&self, host: &str) -> Result<Vec<IpAddr>, DnsError> {
        let found = self.0.lookup_ip(host).await.map_err(|error| {
            if error.is_nx_domain() {
                DnsError::NotFound
            } else if error.is_no_records_found() {
                DnsError::NoAddress
            } else if matches!(error, NetError::Timeout) {
                DnsError::Timeout
            } else {
                DnsError::Failed(error.to_string())
            }
        })?;
        let addresses: Vec<IpAddr> = found.iter().collect();
        if addresses.is_empty() {
            return Err(DnsError::NoAddress);
        }
        Ok(addresses)
    }
}
