//! Use cases of accounts. They are split by topic into `users`, `sign_in`, `provider_sign_in`, `sessions` and `two_factor`;
//! `single_sign_on` is the client of the provider.

use std::sync::Arc;

use super::limits::Limits;
use super::{AccountError, Provider, UserView};
use crate::model::{Action, Actor, Clock, Forbidden, UserId, Who};
use crate::sealing::Sealer;
use crate::storage::Db;

/// Use cases of accounts. Cheap to clone.
#[derive(Clone)]
pub struct Accounts {
    pub(super) db: Db,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) sealer: Sealer,
    pub(super) provider: Option<Arc<Provider>>,
    pub(super) limits: Limits,
}

impl Accounts {
    pub(crate) fn new(db: Db, clock: Arc<dyn Clock>, sealer: Sealer, provider: Option<Provider>) -> Self {
        Self { db, clock, sealer, provider: provider.map(Arc::new), limits: Limits::default() }
    }

    /// Returns the sealer for stored browser sessions.
    #[must_use]
    pub fn sealer(&self) -> Sealer {
        self.sealer.clone()
    }

    /// Removes expired counters of sign-in attempts, so that strangers cannot fill the memory.
    pub fn forget_attempts(&self) {
        self.limits.forget();
    }

    /// Returns a user to an actor who may manage users.
    pub(super) async fn managed(&self, actor: &Actor, id: UserId) -> Result<UserView, AccountError> {
        actor.check(Action::ManageAccounts)?;
        self.db.get_user(id).await?.ok_or(AccountError::Unknown)
    }

    /// Returns the actor's own user. Keys and the command line have none.
    pub(super) async fn own(&self, actor: &Actor) -> Result<UserView, AccountError> {
        let Who::User { id, .. } = actor.who else { return Err(Forbidden.into()) };
        self.db.get_user(id).await?.ok_or(AccountError::Unknown)
    }
}
