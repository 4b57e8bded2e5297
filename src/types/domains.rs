//! Domain groups as pages and the API show them.

use serde::{Deserialize, Serialize};

use crate::callbacks::HealthState;
use crate::{CallbackKind, DomainId, Millis};

/// A play domain, as stored and as written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlayDomain {
    pub name: String,
    pub display: String,
}

/// A callback of a domain in the list: on or off, and how it fares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallbackMark {
    pub kind: CallbackKind,
    pub enabled: bool,
    pub state: HealthState,
    /// The error class of the latest attempt, if it failed.
    pub last_error: Option<String>,
    /// It is paused after failures: the error class of the latest.
    pub paused: Option<String>,
}

/// A row of *Domain Management*.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainRow {
    pub domain: DomainView,
    pub callbacks: Vec<CallbackMark>,
    /// Streams that are live now.
    pub live: i64,
}

/// A domain group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainView {
    /// Permanent.
    pub source_id: DomainId,
    /// ASCII.
    pub push: String,
    /// As written.
    pub push_display: String,
    pub play: Vec<PlayDomain>,
    pub enabled: bool,
    pub created_at: Millis,
    pub updated_at: Millis,
}
