//! The settings of a console that people may know: each stands in its configuration, under the name that it has here.

use crate::model::{Action, Actor, Forbidden};
use crate::stats::FigureFormat;
use crate::{Console, Retention};

/// What the configuration says; changes count after a restart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// A name of the IANA time zone database.
    pub time_zone: String,
    pub retention: Retention,
    /// Networks beside the public Internet to which callbacks may go.
    pub allowed_networks: Vec<String>,
    /// Seconds before each try of a delivery.
    pub retry_schedule: Vec<u32>,
    pub shown: FigureFormat,
    /// Each with its size.
    pub resolution_classes: String,
}

impl Console {
    /// For everyone who is signed in.
    pub fn settings(&self, actor: &Actor) -> Result<&Settings, Forbidden> {
        actor.check(Action::Read)?;
        Ok(&self.settings)
    }
}
