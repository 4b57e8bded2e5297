//! Use cases of accounts.

use std::num::NonZeroU32;
use std::sync::Arc;

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use serde_json::json;

use super::passwords::{self, HashFault};
use super::store::{AccountStore, User};
use crate::audit::AuditEntry;
use crate::model::{Action, Actor, Clock, Forbidden, Problem, ProblemKind, Role, StoreError, UserId, Who};
use crate::sealing::{random_token, token_hash};

const SETUP_LINK_MS: i64 = 24 * 3_600_000;
const PASSWORD_LENGTH: std::ops::RangeInclusive<usize> = 10..=200;

/// Why something with an account cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    #[error("type a user name of 1 to 50 characters without spaces at its ends")]
    BadUserName,
    #[error("the password needs 10 to 200 characters")]
    BadPassword,
    #[error("the two passwords differ; type the same one twice")]
    PasswordsDiffer,
    #[error("there is a user {0} already; choose another name")]
    Taken(String),
    #[error("name or password is wrong")]
    WrongLogin,
    #[error("too many attempts to sign in; wait a minute, then try again")]
    TooManyLogins,
    #[error("this set-up link has been used or has expired; restart the console to get a new one")]
    BadSetupLink,
    #[error(transparent)]
    Hash(#[from] HashFault),
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Problem for AccountError {
    fn code(&self) -> &'static str {
        match self {
            Self::BadUserName => "user_bad_name",
            Self::BadPassword => "user_bad_password",
            Self::PasswordsDiffer => "user_passwords_differ",
            Self::Taken(_) => "user_taken",
            Self::WrongLogin => "login_wrong",
            Self::TooManyLogins => "login_too_many",
            Self::BadSetupLink => "setup_bad_link",
            Self::Hash(_) => "internal",
            Self::Forbidden(e) => e.code(),
            Self::Store(e) => e.code(),
        }
    }
    fn kind(&self) -> ProblemKind {
        match self {
            Self::BadUserName | Self::BadPassword | Self::PasswordsDiffer | Self::BadSetupLink => ProblemKind::Invalid,
            Self::Taken(_) => ProblemKind::Conflict,
            Self::WrongLogin => ProblemKind::Unauthenticated,
            Self::TooManyLogins => ProblemKind::TooMany,
            Self::Hash(_) => ProblemKind::Internal,
            Self::Forbidden(e) => e.kind(),
            Self::Store(e) => e.kind(),
        }
    }
    fn field(&self) -> Option<&'static str> {
        match self {
            Self::BadUserName | Self::Taken(_) => Some("name"),
            Self::BadPassword => Some("password"),
            Self::PasswordsDiffer => Some("passwordAgain"),
            _ => None,
        }
    }
    fn args(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Taken(name) => vec![("name", name.clone())],
            _ => Vec::new(),
        }
    }
}

/// The use cases.
#[derive(Clone)]
pub struct Accounts {
    store: Arc<dyn AccountStore>,
    clock: Arc<dyn Clock>,
    /// By account and address: a stranger's attempts do not lock the owner out.
    per_pair: Arc<DefaultKeyedRateLimiter<(String, String)>>,
    /// By address alone: one place cannot try many names.
    per_address: Arc<DefaultKeyedRateLimiter<String>>,
}

impl Accounts {
    pub(crate) fn new(store: Arc<dyn AccountStore>, clock: Arc<dyn Clock>) -> Self {
        const PAIR: NonZeroU32 = NonZeroU32::new(5).expect("not zero");
        const ADDRESS: NonZeroU32 = NonZeroU32::new(30).expect("not zero");
        Self {
            store,
            clock,
            per_pair: Arc::new(RateLimiter::keyed(Quota::per_minute(PAIR))),
            per_address: Arc::new(RateLimiter::keyed(Quota::per_minute(ADDRESS))),
        }
    }

    /// The store of browser sessions, for the session layer.
    #[must_use]
    pub fn store(&self) -> Arc<dyn AccountStore> {
        self.store.clone()
    }

    /// While there is no user: makes a new one-time link token (24 h) and voids earlier ones.
    pub async fn setup_token(&self) -> Result<Option<String>, AccountError> {
        if self.store.has_users().await? {
            return Ok(None);
        }
        let token = random_token();
        self.store.put_setup_link(&token_hash(&token), self.clock.now() + SETUP_LINK_MS).await?;
        Ok(Some(token))
    }

    /// Whether the link may still be used.
    pub async fn check_setup(&self, token: &str) -> Result<(), AccountError> {
        match self.store.setup_link(&token_hash(token)).await? {
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
        if password != again && PASSWORD_LENGTH.contains(&password.chars().count()) {
            return Err(AccountError::PasswordsDiffer);
        }
        let hash = hash(password).await?;
        let now = self.clock.now();
        let actor = Actor { address: address.to_owned(), ..Actor::cli() };
        let audit = AuditEntry::new(&actor, now, "user.set_up", name, json!({ "role": Role::Admin }));
        let user = self.store.redeem_setup_link(&token_hash(token), name, &hash, now, &audit).await?;
        user.ok_or(AccountError::BadSetupLink)
    }

    /// Checks a login. `address` is the client's.
    pub async fn log_in(&self, name: &str, password: &str, address: &str) -> Result<User, AccountError> {
        let name = name.trim();
        let pair = (name.to_lowercase(), address.to_owned());
        if self.per_address.check_key(&pair.1).is_err() || self.per_pair.check_key(&pair).is_err() {
            return Err(AccountError::TooManyLogins);
        }
        let record = self.store.find_user_by_name(name).await?;
        let hash = record.as_ref().map(|r| r.password_hash.clone());
        let fits = passwords::verify(password.to_owned(), hash).await?;
        match record {
            Some(record) if fits => Ok(record.user),
            _ => Err(AccountError::WrongLogin),
        }
    }

    /// The actor of a signed-in browser, with today's role; `None`: the user is gone.
    pub async fn user_actor(&self, id: UserId, address: &str) -> Result<Option<Actor>, AccountError> {
        let user = self.store.find_user(id).await?;
        Ok(user.map(|user| Actor {
            who: Who::User { id: user.id, name: user.name },
            role: user.role,
            domains: None,
            address: address.to_owned(),
        }))
    }

    /// Creates a user.
    pub async fn create_user(
        &self,
        actor: &Actor,
        name: &str,
        role: Role,
        password: &str,
    ) -> Result<User, AccountError> {
        actor.check(Action::ManageAccounts)?;
        let name = user_name(name)?;
        let hash = hash(password).await?;
        let now = self.clock.now();
        let audit = AuditEntry::new(actor, now, "user.create", name, json!({ "role": role }));
        match self.store.create_user(name, role, &hash, now, &audit).await {
            Err(StoreError::Duplicate) => Err(AccountError::Taken(name.to_owned())),
            other => Ok(other?),
        }
    }
}

fn user_name(name: &str) -> Result<&str, AccountError> {
    let fits = (1..=50).contains(&name.chars().count()) && name.trim() == name && !name.chars().any(char::is_control);
    if fits { Ok(name) } else { Err(AccountError::BadUserName) }
}

async fn hash(password: &str) -> Result<String, AccountError> {
    if !PASSWORD_LENGTH.contains(&password.chars().count()) {
        return Err(AccountError::BadPassword);
    }
    Ok(passwords::hash(password.to_owned()).await?)
}
