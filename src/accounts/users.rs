//! Users: the first one, invitations, links, roles, passwords.

use serde_json::json;

use super::sign_in::SignedIn;
use super::{AccountError, Accounts, Change, Credentials, NewUser, User, UserChange, UserState, UserView, passwords};
use crate::audit::AuditEntry;
use crate::model::{Action, Actor, Role, StoreError, UserId, Who};
use crate::sealing::{random_token, token_hash};

const SETUP_LINK_MS: i64 = 24 * 3_600_000;
const LINK_MS: i64 = 72 * 3_600_000;

/// A user with a one-time link by which the person sets a password (72 h); the only time its token is shown.
#[derive(Debug, Clone)]
pub struct Invitation {
    pub user: UserView,
    pub token: String,
}

impl Invitation {
    /// The path of the link's page.
    #[must_use]
    pub fn path(&self) -> String {
        format!("/invite/{}", self.token)
    }
}

impl Accounts {
    /// While there is no user: makes a new one-time link token (24 h) and voids earlier ones.
    pub async fn setup_token(&self) -> Result<Option<String>, AccountError> {
        if self.db.has_users().await? {
            return Ok(None);
        }
        let token = random_token();
        self.db.put_setup_link(&token_hash(&token), self.clock.now() + SETUP_LINK_MS).await?;
        Ok(Some(token))
    }

    /// Whether the link may still be used.
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

    /// All users, by name.
    pub async fn list(&self, actor: &Actor) -> Result<Vec<UserView>, AccountError> {
        actor.check(Action::ManageAccounts)?;
        Ok(self.db.list_users().await?)
    }

    /// One user.
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

    /// Creates a user without password, and a link by which the person sets one.
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

    /// A new link for somebody who was invited or has lost the password. Earlier links are void and sessions end at once; the present
    /// password holds until the link is used.
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

    /// Whose link it is.
    pub async fn check_link(&self, token: &str) -> Result<User, AccountError> {
        self.db.find_link(&token_hash(token), self.clock.now()).await?.ok_or(AccountError::BadLink)
    }

    /// Sets the password of the link's owner, who is then signed in but for the second factor.
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
        let actor = actor_of(&user, address);
        let audit = AuditEntry::new(&actor, now, "user.password", &user.name, json!({ "by": "link" }));
        if !self.db.redeem_link(&token_hash(token), &hash, now, &audit).await? {
            return Err(AccountError::BadLink);
        }
        let credentials = self.db.credentials_of(user.id).await?.ok_or(AccountError::BadLink)?;
        self.let_in(credentials, address, "link").await
    }

    /// Changes role, or whether the person may sign in, or both at once. A role counts from the person's next request; who may not sign
    /// in any more is signed out at once.
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
        let mut tell =
            |action, detail| audit.push(AuditEntry::new(actor, self.clock.now(), action, &user.name, detail));
        if let Some(role) = change.role {
            if user.issuer.is_some() {
                return Err(AccountError::ByProvider);
            }
            tell("user.role", json!({ "before": { "role": user.role }, "after": { "role": role } }));
        }
        if let Some(active) = change.active {
            tell(if active { "user.activate" } else { "user.deactivate" }, json!({}));
        }
        match self.db.change_user(id, change, true, &audit).await? {
            Change::Done => self.managed(actor, id).await,
            Change::LastAdmin => Err(AccountError::LastAdmin),
            Change::Unknown => Err(AccountError::Unknown),
        }
    }

    /// Changes a role alone.
    pub async fn set_role(&self, actor: &Actor, id: UserId, role: Role) -> Result<UserView, AccountError> {
        self.change(actor, id, UserChange { role: Some(role), active: None }).await
    }

    /// Lets a user sign in again, or not any more.
    pub async fn set_active(&self, actor: &Actor, id: UserId, active: bool) -> Result<UserView, AccountError> {
        self.change(actor, id, UserChange { role: None, active: Some(active) }).await
    }

    /// The actor's own account.
    pub async fn profile(&self, actor: &Actor) -> Result<UserView, AccountError> {
        self.own(actor).await
    }

    /// Changes the actor's own password; all other sessions end. `session`: the one that asks.
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

    /// Asks for the password once more, before something that a stranger at an open browser must not do.
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

/// The user as an actor.
pub(super) fn actor_of(user: &User, address: &str) -> Actor {
    Actor {
        who: Who::User { id: user.id, name: user.name.clone() },
        role: user.role,
        domains: None,
        address: address.to_owned(),
    }
}

/// The name, if a user may have it.
pub(super) fn user_name(name: &str) -> Result<&str, AccountError> {
    let fits = (1..=50).contains(&name.chars().count()) && name.trim() == name && !name.chars().any(char::is_control);
    if fits { Ok(name) } else { Err(AccountError::BadUserName) }
}
