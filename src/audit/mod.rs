//! The audit log: every change with who, from where and what. Written in the transaction of the change itself, so there
//! is no change without its entry. Secrets never enter; only that they changed.

use serde_json::Value;

use crate::model::{Actor, Millis};

/// One line of the audit log, handed to the store together with the change.
#[derive(Debug, Clone)]
pub struct AuditEntry {
    pub at: Millis,
    pub actor: String,
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
        Self { at, actor: actor.name(), address: actor.address.clone(), action, target: target.into(), detail }
    }
}
