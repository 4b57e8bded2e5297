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
        check_options(self.timeout_seconds, &self.headers)
    }
}

/// The settings beside the switch and the address, which people change together.
#[derive(Debug, Clone)]
pub struct CallbackOptions {
    pub dialect: Dialect,
    pub ordered: bool,
    pub timeout_seconds: i64,
    pub headers: Vec<(String, String)>,
}

impl CallbackOptions {
    pub(super) fn check(&self) -> Result<(), CallbackError> {
        check_options(self.timeout_seconds, &self.headers)
    }

    /// The same callback with these.
    pub(super) fn over(self, present: CallbackChange) -> CallbackChange {
        let Self { dialect, ordered, timeout_seconds, headers } = self;
        CallbackChange { dialect, ordered, timeout_seconds, headers, ..present }
    }
}

fn check_options(timeout_seconds: i64, headers: &[(String, String)]) -> Result<(), CallbackError> {
    if !(1..=30).contains(&timeout_seconds) {
        return Err(CallbackError::BadTimeout);
    }
    Ok(check_headers(headers)?)
}
