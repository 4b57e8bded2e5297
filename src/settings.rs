//! Settings from the configuration that the console displays, under their configured names.

use crate::model::{Action, Actor, Forbidden};
use crate::stats::FigureFormat;
use crate::{Console, Retention};

/// Displayed settings. Changes take effect after a restart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// IANA time zone.
    pub time_zone: String,
    pub retention: Retention,
    /// Private networks that callbacks may reach.
    pub allowed_networks: Vec<String>,
    /// Delay before each attempt, in seconds.
    pub retry_schedule: Vec<u32>,
    pub shown: FigureFormat,
    /// Resolution classes with their sizes.
    pub resolution_classes: String,
}

impl Console {
    /// Returns the settings to any signed-in user.
    pub fn settings(&self, actor: &Actor) -> Result<&Settings, Forbidden> {
        actor.check(Action::Read)?;
        Ok(&self.settings)
    }
}
