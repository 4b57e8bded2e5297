//! Settings that a person asks for.

use super::Dialect;
use super::error::CallbackError;
use crate::outbound::{AddressPolicy, CallbackAddress};

/// The settings of a callback that a person may change; each is valid.
#[derive(Debug, Clone)]
pub struct CallbackChange {
    pub enabled: bool,
    pub address: Option<CallbackAddress>,
    pub dialect: Dialect,
    pub ordered: bool,
    pub timeout_seconds: i64,
    pub headers: Vec<(String, String)>,
}

/// Headers that are ours, or that belong to the connection.
const RESERVED_HEADERS: &[&str] = &[
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
];

impl CallbackChange {
    /// Checks every setting; `policy` says where an address may lie.
    pub(super) fn check(&self, policy: &AddressPolicy) -> Result<(), CallbackError> {
        if let Some(address) = &self.address {
            policy.check_address(address)?;
        } else if self.enabled {
            return Err(CallbackError::NoAddress);
        }
        if !(1..=30).contains(&self.timeout_seconds) {
            return Err(CallbackError::BadTimeout);
        }
        for (name, value) in &self.headers {
            let lower = name.to_ascii_lowercase();
            let ours = lower.starts_with("webhook-") || lower.starts_with("callsheet-");
            let valid =
                http::HeaderName::from_bytes(lower.as_bytes()).is_ok() && http::HeaderValue::from_str(value).is_ok();
            if ours || !valid || RESERVED_HEADERS.contains(&lower.as_str()) {
                return Err(CallbackError::BadHeader(name.clone()));
            }
        }
        Ok(())
    }
}
