//! Actors, roles and permissions. Every use case takes an [`Actor`] and checks its permission.

use crate::{KeyId, Problem, ProblemDetails, ProblemKind, UserId, problem, string_enum};

string_enum!(
    /// The role of a user or an API key.
    Role {
        /// May do everything.
        Admin = "admin",
        /// Manages domains, callbacks and deliveries.
        Operator = "operator",
        /// Reads everything except secrets and users.
        Reviewer = "reviewer",
    }
);

string_enum!(
    /// An action that needs permission. [`Action::allowed`] is the table of permissions.
    Action {
        /// Read domains, callbacks, streams, deliveries and statistics.
        Read = "read",
        /// Create, enable, disable and delete domains, and change their recording.
        ManageDomains = "manage_domains",
        /// Turn callbacks on and off, edit and test them, and rotate their secrets.
        ManageCallbacks = "manage_callbacks",
        /// Resend, cancel and recover deliveries.
        ManageDeliveries = "manage_deliveries",
        /// Disconnect, forbid and allow streams.
        ManageStreams = "manage_streams",
        /// Add and remove sources, and see their secrets.
        ManageSources = "manage_sources",
        /// Import access logs and transcoding results.
        AddStatistics = "add_statistics",
        /// Manage users and API keys.
        ManageAccounts = "manage_accounts",
        /// Read the audit log.
        ReadAudit = "read_audit",
    }
);

impl Action {
    /// Returns whether a role may perform the action. The only table of permissions.
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

/// The identity of an actor.
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
    /// The command line of the server.
    Cli,
}

impl Who {
    /// Returns a unique tag, such as `user 3` or `key 7`. Unlike a name, it is never reused.
    #[must_use]
    pub fn tag(&self) -> String {
        match self {
            Self::User { id, .. } => format!("user {id}"),
            Self::Key { id, .. } => format!("key {id}"),
            Self::Cli => "cli".to_owned(),
        }
    }
}

/// A user, key or command line with its permissions.
#[derive(Debug, Clone)]
pub struct Actor {
    pub who: Who,
    pub role: Role,
    /// Push domains (ASCII) to which a key is limited; `None`: all.
    pub domains: Option<Vec<String>>,
    /// Client address, for the audit log and rate limits.
    pub address: String,
}

/// A missing permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("your role does not have this permission; ask an admin")]
pub struct Forbidden;

impl Problem for Forbidden {
    fn details(&self) -> ProblemDetails {
        problem(ProblemKind::Forbidden, "forbidden")
    }
}

impl Actor {
    /// Returns the actor of the command line. Access to the data folder implies the admin role.
    #[must_use]
    pub fn cli() -> Self {
        Self { who: Who::Cli, role: Role::Admin, domains: None, address: "local".to_owned() }
    }

    /// Checks an action that does not belong to one domain. Sources, accounts, statistics imports and the audit log concern all domains,
    /// so a key that is limited to some domains may not use them, whatever its role.
    pub fn check(&self, action: Action) -> Result<(), Forbidden> {
        let affects_all = matches!(
            action,
            Action::ManageSources | Action::AddStatistics | Action::ManageAccounts | Action::ReadAudit
        );
        if action.allowed(self.role) && !(affects_all && self.domains.is_some()) { Ok(()) } else { Err(Forbidden) }
    }

    /// Checks an action on one domain (ASCII push domain).
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
