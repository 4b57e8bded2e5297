//! One line of the audit log, as the use cases hand it in.

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::model::{Actor, Millis, Who, string_enum};

string_enum!(
    /// What kind of somebody acted: a user and a key may share a name.
    ActorKind {
        User = "user",
        Key = "key",
        /// The command line on the machine itself.
        Cli = "cli",
        /// The console by itself.
        Console = "console",
    }
);

/// One line of the audit log, handed to the store together with the change.
#[derive(Debug, Clone)]
pub struct AuditEntry {
    pub at: Millis,
    pub actor_kind: ActorKind,
    pub actor: String,
    /// The client's; empty for the console itself.
    pub address: String,
    /// Such as `domain.create`.
    pub action: &'static str,
    /// What it was done to, such as a push domain.
    pub target: String,
    /// Before and after, without secrets.
    pub detail: Value,
}

impl AuditEntry {
    /// An entry of `actor` at `at`.
    pub fn new(actor: &Actor, at: Millis, action: &'static str, target: impl Into<String>, detail: Value) -> Self {
        let (actor_kind, name) = match &actor.who {
            Who::User { name, .. } => (ActorKind::User, name.clone()),
            Who::Key { name, .. } => (ActorKind::Key, name.clone()),
            Who::Cli => (ActorKind::Cli, actor.name()),
        };
        Self { at, actor_kind, actor: name, address: actor.address.clone(), action, target: target.into(), detail }
    }

    /// An entry of what the console did by itself.
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

/// A moment as it stands in details: RFC 3339 in UTC.
#[must_use]
pub fn moment(at: Millis) -> String {
    jiff::Timestamp::from_millisecond(at).map(|at| format!("{at:.3}")).unwrap_or_default()
}

/// Tells secrets apart without showing them: the first 8 digits of the SHA-256 of `secret`.
#[must_use]
pub fn fingerprint(secret: &str) -> String {
    hex::encode(&Sha256::digest(secret)[..4])
}
