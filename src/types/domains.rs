//! Domain groups as pages and the API show them.

use serde::{Deserialize, Serialize};

use crate::callbacks::HealthState;
use crate::{CallbackKind, DomainId, Millis};

/// A play domain: ASCII and as the user entered it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlayDomain {
    pub name: String,
    pub display: String,
}

/// State of a callback in the domain list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallbackMark {
    pub kind: CallbackKind,
    pub enabled: bool,
    pub state: HealthState,
    /// Error class of the latest attempt, if it failed.
    pub last_error: Option<String>,
    /// Error class of the latest failure, while it is paused.
    pub paused: Option<String>,
}

/// A row of *Domain Management*.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainRow {
    pub domain: DomainView,
    pub callbacks: Vec<CallbackMark>,
    /// Number of live streams.
    pub live: i64,
}

/// A domain group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainView {
    pub id: DomainId,
    /// ASCII push domain.
    pub push: String,
    /// Push domain as the user entered it.
    pub push_display: String,
    pub play: Vec<PlayDomain>,
    pub enabled: bool,
    pub created_at: Millis,
    pub updated_at: Millis,
}
