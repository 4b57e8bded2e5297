//! The audit log: every change with who, from where, when and what. An entry is written in the transaction of the change itself, so there
//! is no change without its entry. The log is append-only: the database refuses to change an entry, and to delete one that is younger than
//! 30 days; retention removes those that have passed their time.
//!
//! What a change did stands in the entry's detail, a JSON object: `before` and `after`, objects of the settings that it concerned (only
//! `after` where something was made, only `before` where it was removed), and beside them what else is worth knowing, such as the `kind` of
//! a callback. Moments are RFC 3339. Secrets never enter; their fingerprints tell that they changed.
//!
//! Streams, deliveries and figures that come in are no changes of anybody; they have records of their own. A sign-in is told where it
//! succeeds; refused ones, which strangers could fill the log with, stand in the log of the process.

mod entry;
mod service;
pub(crate) mod storage;
mod types;

pub use entry::{ActorKind, AuditEntry, fingerprint, moment};
pub use service::{AuditError, AuditLog};
pub use types::{AuditFilter, AuditRow};

/// Every action that the log may tell of, for filters. A test compares it with the entries that the use cases make.
pub const ACTIONS: &[&str] = &[
    "callback.change",
    "callback.resume",
    "callback.rotate_secret",
    "callback.set_overlap",
    "callback.turned_off",
    "delivery.cancel",
    "delivery.resend",
    "domain.create",
    "domain.delete",
    "domain.disable",
    "domain.enable",
    "key.create",
    "key.revoke",
    "key.rotate",
    "record_template.add",
    "record_template.remove",
    "recording.change",
    "recovery.cancel",
    "recovery.start",
    "secrets.rotate",
    "source.create",
    "source.delete",
    "stream.allow",
    "stream.disconnect",
    "stream.forbid",
    "user.activate",
    "user.create",
    "user.deactivate",
    "user.invite",
    "user.link",
    "user.password",
    "user.recovery_code",
    "user.role",
    "user.set_up",
    "user.sign_in",
    "user.sign_out",
    "user.two_factor_off",
    "user.two_factor_on",
    "vod_domain.add",
    "vod_domain.remove",
];
