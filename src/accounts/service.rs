//! The use cases of accounts, by topic: `users`, `sign_in`, `provided`, `sessions`, `two_factor`; `single_sign_on` speaks with the
//! provider.

use std::sync::Arc;

use super::limits::Limits;
use super::{AccountError, Provider, UserView};
use crate::model::{Action, Actor, Clock, Forbidden, UserId, Who};
use crate::sealing::Sealer;
use crate::storage::Db;

/// The use cases. Cheap to clone.
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

    /// What seals a browser's session at rest, for the session layer.
    #[must_use]
    pub fn sealer(&self) -> Sealer {
        self.sealer.clone()
    }

    /// Forgets whose attempts to sign in are long past, so that strangers cannot fill the memory.
    pub fn forget_attempts(&self) {
        self.limits.forget();
    }

    /// A user, for those who may manage users.
    pub(super) async fn managed(&self, actor: &Actor, id: UserId) -> Result<UserView, AccountError> {
        actor.check(Action::ManageAccounts)?;
        self.db.get_user(id).await?.ok_or(AccountError::Unknown)
    }

    /// The actor's own account. Keys and the command line have none.
    pub(super) async fn own(&self, actor: &Actor) -> Result<UserView, AccountError> {
        let Who::User { id, .. } = actor.who else { return Err(Forbidden.into()) };
        self.db.get_user(id).await?.ok_or(AccountError::Unknown)
    }
}
