//! *Audit log*: who changed what, when and from where. Admins alone see it.

mod change;
mod export;
mod filter;
mod list;

pub use export::AuditExport;
pub(crate) use list::AuditPage;

use callsheet::audit::{ActorKind, AuditRow};

use crate::texts::Texts;

/// What was done, in words; the code of an action that the catalog does not know.
fn action(texts: Texts, code: &str) -> String {
    texts.word("audit_action", code)
}

/// Who did it, in words: a user and a key may share a name.
fn actor(texts: Texts, row: &AuditRow) -> String {
    match row.actor_kind {
        ActorKind::User => row.actor.clone(),
        ActorKind::Key => texts.fill("audit.key", &[("name", &row.actor)]),
        ActorKind::Cli => texts.get("audit.cli"),
        ActorKind::Console => texts.get("audit.console"),
    }
}
