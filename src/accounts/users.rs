//! Users: set-up, invitations, links, roles, passwords.

use serde_json::json;

use super::sign_in::SignedIn;
use super::{AccountError, Accounts, Change, Credentials, NewUser, User, UserChange, UserState, UserView, passwords};
use crate::audit::AuditEntry;
use crate::model::{Action, Actor, Role, StoreError, UserId};
use crate::sealing::{random_token, token_hash};

const SETUP_LINK_MS: i64 = 24 * 3_600_000;
const LINK_MS: i64 = 72 * 3_600_000;

/// A user with the token of a one-time link, which sets the password within 72 h. The token is shown only once.
#[derive(Debug, Clone)]
pub struct Invitation {
    pub user: UserView,
    pub token: String,
}

impl Invitation {
    /// Returns the path of the link.
    #[must_use]
    pub fn path(&self) -> String {
        format!("/invite/{}", self.token)
    }
}

impl Accounts {
    /// Creates the token of a set-up link (24 h) and revokes earlier ones; `None` if there is a user.
    pub async fn setup_token(&self) -> Result<Option<String>, AccountError> {
        if self.db.has_users().await? {
            return Ok(None);
        }
        let token = random_token();
        self.db.put_setup_link(&token_hash(&token), self.clock.now() + SETUP_LINK_MS).await?;
        Ok(Some(token))
    }

    /// Checks that a set-up link is valid.
    pub async fn check_setup(&self, token: &str) -> Result<(), AccountError> {
        match self.db.setup_link(&token_hash(token)).await? {
            Some(expires_at) if self.clock.now() < expires_at => Ok(()),
            _ => Err(AccountError::BadSetupLink),
        }
    }

    /// Creates the first admin.
    pub async fn set_up(
        &self,
        token: &str,
        name: &str,
        password: &str,
        again: &str,
        address: &str,
    ) -> Result<User, AccountError> {
        self.check_setup(token).await?;
        let name = user_name(name)?;
        passwords::check(name, password, again)?;
        let hash = passwords::hash(password).await?;
        let now = self.clock.now();
        let actor = Actor { address: address.to_owned(), ..Actor::cli() };
        let audit = AuditEntry::new(&actor, now, "user.set_up", name, json!({ "role": Role::Admin }));
        let user = self.db.redeem_setup_link(&token_hash(token), name, &hash, now, &audit).await?;
        user.ok_or(AccountError::BadSetupLink)
    }

    /// Returns all users, sorted by name.
    pub async fn list(&self, actor: &Actor) -> Result<Vec<UserView>, AccountError> {
        actor.check(Action::ManageAccounts)?;
        Ok(self.db.list_users().await?)
    }

    /// Returns a user.
    pub async fn get(&self, actor: &Actor, id: UserId) -> Result<UserView, AccountError> {
        self.managed(actor, id).await
    }

    /// Creates a user with a password.
    pub async fn create_user(
        &self,
        actor: &Actor,
        name: &str,
        role: Role,
        password: &str,
    ) -> Result<User, AccountError> {
        actor.check(Action::ManageAccounts)?;
        let name = user_name(name)?;
        passwords::check(name, password, password)?;
        let password_hash = Some(passwords::hash(password).await?);
        let audit = AuditEntry::new(actor, self.clock.now(), "user.create", name, json!({ "role": role }));
        self.create(&NewUser { name, role, password_hash, link: None, provider: None }, &audit).await
    }

    /// Creates a user without password, and a link that sets the password.
    pub async fn invite(&self, actor: &Actor, name: &str, role: Role) -> Result<Invitation, AccountError> {
        actor.check(Action::ManageAccounts)?;
        let name = user_name(name)?;
        let token = random_token();
        let link = Some((token_hash(&token), self.clock.now() + LINK_MS));
        let audit = AuditEntry::new(actor, self.clock.now(), "user.invite", name, json!({ "role": role }));
        let new = NewUser { name, role, password_hash: None, link, provider: None };
        let user = self.create(&new, &audit).await?;
        Ok(Invitation { user: self.managed(actor, user.id).await?, token })
    }

    pub(super) async fn create(&self, new: &NewUser<'_>, audit: &AuditEntry) -> Result<User, AccountError> {
        match self.db.create_user(new, audit.at, audit).await {
            Err(StoreError::Duplicate) => Err(AccountError::Taken(new.name.to_owned())),
            other => Ok(other?),
        }
    }

    /// Creates a new link for a user who was invited or has lost the password. Revokes earlier links and ends all sessions; the present
    /// password stays valid until the link is used.
    pub async fn new_link(&self, actor: &Actor, id: UserId) -> Result<Invitation, AccountError> {
        let user = self.managed(actor, id).await?;
        match user.state {
            _ if user.issuer.is_some() => return Err(AccountError::ByProvider),
            UserState::Deactivated => return Err(AccountError::Deactivated),
            UserState::Active | UserState::Invited => {}
        }
        let (token, now) = (random_token(), self.clock.now());
        let audit = AuditEntry::new(actor, now, "user.link", &user.name, json!({}));
        self.db.put_link(id, &token_hash(&token), now + LINK_MS, &audit).await?;
        Ok(Invitation { user, token })
    }

    /// Returns the user of a valid link.
    pub async fn check_link(&self, token: &str) -> Result<User, AccountError> {
        self.db.find_link(&token_hash(token), self.clock.now()).await?.ok_or(AccountError::BadLink)
    }

    /// Sets the password of the link's user and starts a sign-in.
    pub async fn accept_link(
        &self,
        token: &str,
        password: &str,
        again: &str,
        address: &str,
    ) -> Result<SignedIn, AccountError> {
        let user = self.check_link(token).await?;
        passwords::check(&user.name, password, again)?;
        let hash = passwords::hash(password).await?;
        let now = self.clock.now();
        let actor = user.actor(address);
        let audit = AuditEntry::new(&actor, now, "user.password", &user.name, json!({ "by": "link" }));
        if !self.db.redeem_link(&token_hash(token), &hash, now, &audit).await? {
            return Err(AccountError::BadLink);
        }
        let credentials = self.db.credentials_of(user.id).await?.ok_or(AccountError::BadLink)?;
        self.let_in(credentials, address, "link").await
    }

    /// Changes the role, the permission to sign in, or both. A role applies from the user's next request; deactivation ends all sessions.
    pub async fn change(&self, actor: &Actor, id: UserId, change: UserChange) -> Result<UserView, AccountError> {
        let user = self.managed(actor, id).await?;
        let change = UserChange {
            role: change.role.filter(|role| *role != user.role),
            active: change.active.filter(|active| *active != (user.state != UserState::Deactivated)),
        };
        if change == UserChange::default() {
            return Ok(user);
        }
        let mut audit = Vec::with_capacity(2);
        let mut record =
            |action, detail| audit.push(AuditEntry::new(actor, self.clock.now(), action, &user.name, detail));
        if let Some(role) = change.role {
            if user.issuer.is_some() {
                return Err(AccountError::ByProvider);
            }
            record("user.role", json!({ "before": { "role": user.role }, "after": { "role": role } }));
        }
        if let Some(active) = change.active {
            record(if active { "user.activate" } else { "user.deactivate" }, json!({}));
        }
        match self.db.change_user(id, change, true, &audit).await? {
            Change::Done => self.managed(actor, id).await,
            Change::LastAdmin => Err(AccountError::LastAdmin),
            Change::Unknown => Err(AccountError::Unknown),
        }
    }

    /// Changes the role.
    pub async fn set_role(&self, actor: &Actor, id: UserId, role: Role) -> Result<UserView, AccountError> {
        self.change(actor, id, UserChange { role: Some(role), active: None }).await
    }

    /// Activates or deactivates a user.
    pub async fn set_active(&self, actor: &Actor, id: UserId, active: bool) -> Result<UserView, AccountError> {
        self.change(actor, id, UserChange { role: None, active: Some(active) }).await
    }

    /// Returns the actor's own user.
    pub async fn profile(&self, actor: &Actor) -> Result<UserView, AccountError> {
        self.own(actor).await
    }

    /// Changes the actor's own password and ends all sessions except `session`.
    pub async fn change_password(
        &self,
        actor: &Actor,
        session: &str,
        present: &str,
        password: &str,
        again: &str,
    ) -> Result<(), AccountError> {
        let user = self.own(actor).await?;
        self.check_present(actor, &user, present).await?;
        passwords::check(&user.name, password, again)?;
        let hash = passwords::hash(password).await?;
        let audit = AuditEntry::new(actor, self.clock.now(), "user.password", &user.name, json!({ "by": "profile" }));
        Ok(self.db.set_password(user.id, &hash, session, &audit).await?)
    }

    /// Checks the password again, so that a stranger at an open browser cannot change credentials.
    pub(super) async fn check_present(
        &self,
        actor: &Actor,
        user: &UserView,
        password: &str,
    ) -> Result<(), AccountError> {
        if user.issuer.is_some() {
            return Err(AccountError::ByProvider);
        }
        self.limits.password(&user.name, &actor.address)?;
        let Credentials { password_hash, .. } = self.db.credentials_of(user.id).await?.ok_or(AccountError::Unknown)?;
        if passwords::verify(password, password_hash).await? { Ok(()) } else { Err(AccountError::WrongPassword) }
    }
}

/// Checks a user name.
pub(super) fn user_name(name: &str) -> Result<&str, AccountError> {
    let fits = (1..=50).contains(&name.chars().count()) && name.trim() == name && !name.chars().any(char::is_control);
    if fits { Ok(name) } else { Err(AccountError::BadUserName) }
}
