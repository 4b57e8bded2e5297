//! Actors and their permissions. Every use case takes an [`Actor`] and checks it.

use crate::{KeyId, Problem, ProblemDetails, ProblemKind, UserId, problem, string_enum};

string_enum!(
    /// Role of a user or an API key.
    Role {
        /// Everything.
        Admin = "admin",
        /// Domains, callbacks and deliveries.
        Operator = "operator",
        /// Reads everything except secrets and users; changes nothing.
        Reviewer = "reviewer",
    }
);

string_enum!(
    /// A permission. [`Action::allowed`] defines which roles have it.
    Action {
        /// Domains, callbacks, streams, deliveries, statistics.
        Read = "read",
        /// Create, enable, disable, delete domains; their recording.
        ManageDomains = "manage_domains",
        /// Turn callbacks on and off, edit and test them, rotate their secrets.
        ManageCallbacks = "manage_callbacks",
        /// Resend, cancel and recover deliveries.
        ManageDeliveries = "manage_deliveries",
        /// Disconnect, forbid and allow streams.
        ManageStreams = "manage_streams",
        /// Add and remove sources; see their secrets.
        ManageSources = "manage_sources",
        /// Import access logs and transcoding results.
        AddStatistics = "add_statistics",
        /// Users and API keys.
        ManageAccounts = "manage_accounts",
        /// The audit log.
        ReadAudit = "read_audit",
    }
);

impl Action {
    /// Returns whether a role has this permission.
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

/// Identity of an actor.
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
    /// Returns a unique tag, such as `user 3` or `key 7`. Unlike names, tags are never reused.
    #[must_use]
    pub fn tag(&self) -> String {
        match self {
            Self::User { id, .. } => format!("user {id}"),
            Self::Key { id, .. } => format!("key {id}"),
            Self::Cli => "cli".to_owned(),
        }
    }
}

/// Identity, role and client address of a caller.
#[derive(Debug, Clone)]
pub struct Actor {
    pub who: Who,
    pub role: Role,
    /// ASCII push domains to which a key is limited; `None` is all.
    pub domains: Option<Vec<String>>,
    /// Client address, for the audit log and rate limits.
    pub address: String,
}

/// The actor lacks the permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("your role may not do this; ask an admin")]
pub struct Forbidden;

impl Problem for Forbidden {
    fn details(&self) -> ProblemDetails {
        problem(ProblemKind::Forbidden, "forbidden")
    }
}

impl Actor {
    /// Returns the actor of the command line. Access to the data folder implies admin rights.
    #[must_use]
    pub fn cli() -> Self {
        Self { who: Who::Cli, role: Role::Admin, domains: None, address: "local".to_owned() }
    }

    /// Checks an action that is not specific to a domain. Sources, statistics imports, accounts and the audit log affect all domains, so a
    /// key that is limited to some domains must not use them.
    pub fn check(&self, action: Action) -> Result<(), Forbidden> {
        let affects_all = matches!(
            action,
            Action::ManageSources | Action::AddStatistics | Action::ManageAccounts | Action::ReadAudit
        );
        if action.allowed(self.role) && !(affects_all && self.domains.is_some()) { Ok(()) } else { Err(Forbidden) }
    }

    /// Checks an action on a domain (ASCII push domain).
    pub fn check_domain(&self, action: Action, push_domain: &str) -> Result<(), Forbidden> {
        self.check(action)?;
        match &self.domains {
            Some(domains) if !domains.iter().any(|d| d == push_domain) => Err(Forbidden),
            _ => Ok(()),
        }
    }

    /// Returns the name for the audit log.
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
