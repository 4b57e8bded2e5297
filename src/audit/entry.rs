//! New entries of the audit log.

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::model::{Actor, Millis, Who, string_enum};

string_enum!(
    /// Kind of an actor. Needed because a user and a key may share a name.
    ActorKind {
        User = "user",
        Key = "key",
        /// The command line on the machine itself.
        Cli = "cli",
        /// The console itself.
        Console = "console",
    }
);

/// A new entry, written together with its change.
#[derive(Debug, Clone)]
pub struct AuditEntry {
    pub at: Millis,
    pub actor_kind: ActorKind,
    pub actor: String,
    /// Client address; empty for the console itself.
    pub address: String,
    /// For example `domain.create`.
    pub action: &'static str,
    /// Name of the changed object, for example a push domain.
    pub target: String,
    /// See the [module](super).
    pub detail: Value,
}

impl AuditEntry {
    /// Creates an entry of `actor`.
    pub fn new(actor: &Actor, at: Millis, action: &'static str, target: impl Into<String>, detail: Value) -> Self {
        let (actor_kind, name) = match &actor.who {
            Who::User { name, .. } => (ActorKind::User, name.clone()),
            Who::Key { name, .. } => (ActorKind::Key, name.clone()),
            Who::Cli => (ActorKind::Cli, actor.name()),
        };
        Self { at, actor_kind, actor: name, address: actor.address.clone(), action, target: target.into(), detail }
    }

    /// Creates an entry of the console itself.
    pub fn of_console(at: Millis, action: &'static str, target: impl Into<String>, detail: Value) -> Self {
        Self {
            at,
            actor_kind: ActorKind::Console,
            actor: "console".to_owned(),
            address: String::new(),
            action,
            target: target.into(),
            detail,
        }
    }
}

/// Formats a time for details: RFC 3339 in UTC.
#[must_use]
pub fn moment(at: Millis) -> String {
    jiff::Timestamp::from_millisecond(at).map(|at| format!("{at:.3}")).unwrap_or_default()
}

/// Returns the first 8 hexadecimal digits of the SHA-256 of `secret`, which identify it.
#[must_use]
pub fn fingerprint(secret: &str) -> String {
    hex::encode(&Sha256::digest(secret)[..4])
}
