//! Who does something, and whether they may. Every use case takes an [`Actor`] and asks it.

use crate::{KeyId, Problem, ProblemDetails, ProblemKind, UserId, problem, string_enum};

string_enum!(
    /// What a person or a key is trusted with.
    Role {
        /// Everything.
        Admin = "admin",
        /// Domains, callbacks and deliveries.
        Operator = "operator",
        /// Reads everything but secrets and users; changes nothing.
        Reviewer = "reviewer",
    }
);

string_enum!(
    /// What can be done. The table of who may is [`Action::allowed`].
    Action {
        /// Domains, callbacks, streams, deliveries, statistics.
        Read = "read",
        /// Create, enable, disable, delete domains; their recording.
        ManageDomains = "manage_domains",
        /// Turn callbacks on and off, edit, test, rotate their secret.
        ManageCallbacks = "manage_callbacks",
        /// Resend, cancel and recover deliveries.
        ManageDeliveries = "manage_deliveries",
        /// Disconnect, forbid and allow streams.
        ManageStreams = "manage_streams",
        /// Add and remove sources; see their secrets.
        ManageSources = "manage_sources",
        /// Bring in access logs and results of transcoders.
        AddStatistics = "add_statistics",
        /// Users and API keys.
        ManageAccounts = "manage_accounts",
        /// Who changed what.
        ReadAudit = "read_audit",
    }
);

impl Action {
    /// The one table of permissions.
    #[must_use]
    pub const fn allowed(self, role: Role) -> bool {
        match (role, self) {
            (Role::Admin, _) | (_, Self::Read) => true,
            (
                Role::Operator,
                Self::ManageDomains
                | Self::ManageCallbacks
                | Self::ManageDeliveries
                | Self::ManageStreams
                | Self::AddStatistics,
            ) => true,
            (Role::Operator, Self::ManageSources | Self::ManageAccounts | Self::ReadAudit) | (Role::Reviewer, _) => {
                false
            }
        }
    }
}

/// A person, a key or the console itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    User {
        id: UserId,
        name: String,
    },
    Key {
        id: KeyId,
        name: String,
    },
    /// The command line on the machine itself.
    Cli,
}

impl Who {
    /// Tells callers apart: `user 3`, `key 7`. Unlike a name it never means somebody else later.
    #[must_use]
    pub fn tag(&self) -> String {
        match self {
            Self::User { id, .. } => format!("user {id}"),
            Self::Key { id, .. } => format!("key {id}"),
            Self::Cli => "cli".to_owned(),
        }
    }
}

/// Who acts, with which trust, from where.
#[derive(Debug, Clone)]
pub struct Actor {
    pub who: Who,
    pub role: Role,
    /// A key may be limited to some domains (ASCII push domains); `None` is all.
    pub domains: Option<Vec<String>>,
    /// The client's address, for the audit log and limits per person.
    pub address: String,
}

/// The actor may not do this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("your role may not do this; ask an admin")]
pub struct Forbidden;

impl Problem for Forbidden {
    fn details(&self) -> ProblemDetails {
        problem(ProblemKind::Forbidden, "forbidden")
    }
}

impl Actor {
    /// The command line: whoever can read the data folder is an admin.
    #[must_use]
    pub fn cli() -> Self {
        Self { who: Who::Cli, role: Role::Admin, domains: None, address: "local".to_owned() }
    }

    /// Asks for an action that concerns no single domain. Sources, accounts, what comes into statistics and the audit log concern all of
    /// them, so a key that is limited to some domains has none of these, whatever its role.
    pub fn check(&self, action: Action) -> Result<(), Forbidden> {
        let concerns_all = matches!(
            action,
            Action::ManageSources | Action::AddStatistics | Action::ManageAccounts | Action::ReadAudit
        );
        if action.allowed(self.role) && !(concerns_all && self.domains.is_some()) { Ok(()) } else { Err(Forbidden) }
    }

    /// Asks for an action on one domain (ASCII push domain).
    pub fn check_domain(&self, action: Action, push_domain: &str) -> Result<(), Forbidden> {
        self.check(action)?;
        match &self.domains {
            Some(domains) if !domains.iter().any(|d| d == push_domain) => Err(Forbidden),
            _ => Ok(()),
        }
    }

    /// The name in the audit log.
    #[must_use]
    pub fn name(&self) -> String {
        match &self.who {
            Who::User { name, .. } => name.clone(),
            Who::Key { name, .. } => format!("key {name}"),
            Who::Cli => "command line".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reviewers_change_nothing() {
        for action in Action::ALL {
            assert_eq!(action.allowed(Role::Reviewer), *action == Action::Read);
            assert!(action.allowed(Role::Admin));
        }
        assert!(!Action::ManageAccounts.allowed(Role::Operator));
        assert!(!Action::ManageSources.allowed(Role::Operator));
        assert!(!Action::ReadAudit.allowed(Role::Operator));
    }

    #[test]
    fn a_limited_key_stays_in_its_domains() {
        let mut actor = Actor::cli();
        actor.domains = Some(vec!["push.example.com".to_owned()]);
        assert!(actor.check_domain(Action::Read, "push.example.com").is_ok());
        assert_eq!(actor.check_domain(Action::Read, "other.example.com"), Err(Forbidden));
        assert_eq!(actor.check(Action::ManageAccounts), Err(Forbidden), "it would make itself an unlimited key");
        assert_eq!(actor.check(Action::ManageSources), Err(Forbidden));
        assert_eq!(actor.check(Action::ReadAudit), Err(Forbidden));
    }
}
