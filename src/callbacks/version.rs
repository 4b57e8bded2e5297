//! Versions of a callback's settings, which detect concurrent changes.

use super::CallbackSettings;
use crate::model::Version;

impl From<&CallbackSettings> for Version {
    fn from(settings: &CallbackSettings) -> Self {
        Self::of(settings)
    }
}

/// Returns the version of the address.
#[must_use]
pub fn address_version(settings: &CallbackSettings) -> Version {
    Version::of(&settings.address)
}

/// Returns the version of the settings other than switch and address.
#[must_use]
pub fn options_version(settings: &CallbackSettings) -> Version {
    let CallbackSettings { enabled: _, address: _, dialect, ordered, timeout_seconds, headers } = settings;
    Version::of(&(dialect, ordered, timeout_seconds, headers))
}
