//! Settings that a person asks for.

use super::Dialect;
use super::error::CallbackError;
use super::headers::check_headers;
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
        Ok(check_headers(&self.headers)?)
    }
}
