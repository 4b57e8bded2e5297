//! Audit log: actor, client address, time and details of every change. An entry is written in the transaction of its change, so no change
//! lacks an entry. The log is append-only: the database refuses to change an entry, or to delete one that is younger than 30 days; retention
//! deletes older ones.
//!
//! The detail of an entry is a JSON object. `before` and `after` are objects with the changed settings (only `after` if something was created,
//! only `before` if it was deleted); other members identify the subject, such as the `kind` of a callback. Times are RFC 3339. Secrets are
//! replaced by fingerprints.
//!
//! Streams, deliveries and statistics are not audited, because they have their own records. Successful sign-ins are audited; failed ones,
//! with which strangers could fill the audit log, go to the process log.

mod entry;
mod service;
pub(crate) mod storage;
mod types;

pub use entry::{ActorKind, AuditEntry, fingerprint, moment};
pub use service::{AuditError, AuditLog};
pub use types::{AuditFilter, AuditRow};

/// All actions, for filters. A test compares the list with the use cases.
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
