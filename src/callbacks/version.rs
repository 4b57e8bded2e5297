//! Versions of a callback's settings, for changes that must not undo one another.

use super::CallbackView;
use crate::model::Version;

impl From<&CallbackView> for Version {
    /// Covers the settings only, not the health.
    fn from(callback: &CallbackView) -> Self {
        let CallbackView { enabled, address, dialect, ordered, timeout_seconds, headers, .. } = callback;
        Self::of(&(enabled, address, dialect, ordered, timeout_seconds, headers))
    }
}

/// Covers the address only.
#[must_use]
pub fn address_version(callback: &CallbackView) -> Version {
    Version::of(&callback.address)
}

/// Covers the settings beside the switch and the address.
#[must_use]
pub fn options_version(callback: &CallbackView) -> Version {
    let CallbackView { dialect, ordered, timeout_seconds, headers, .. } = callback;
    Version::of(&(dialect, ordered, timeout_seconds, headers))
}
