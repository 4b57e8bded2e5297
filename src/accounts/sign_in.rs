//! Sign-in with a password and an optional second factor.

use serde_json::json;

use super::{AccountError, Accounts, Credentials, User, passwords};
use crate::audit::AuditEntry;
use crate::model::{Millis, UserId};

/// Time limit of the second step.
const SECOND_STEP_MS: Millis = 5 * 60_000;

/// Result of a correct password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignedIn {
    Done(User),
    /// The user must enter a code.
    SecondStep {
        user: UserId,
        until: Millis,
    },
}

impl Accounts {
    /// Checks name and password. `address`: client address.
    pub async fn log_in(&self, name: &str, password: &str, address: &str) -> Result<SignedIn, AccountError> {
        let name = name.trim();
        self.limits.password(name, address)?;
        let credentials = self.db.find_credentials(name).await?.filter(|found| found.active);
        let hash = credentials.as_ref().and_then(|found| found.password_hash.clone());
        let fits = passwords::verify(password, hash).await?;
        match credentials {
            Some(credentials) if fits => self.let_in(credentials, address, "password").await,
            _ => {
                // Not logged: users sometimes enter their password as the name.
                tracing::info!(address, "sign-in refused: wrong name or password");
                Err(AccountError::WrongLogin)
            }
        }
    }

    /// Continues a sign-in after a correct password. `by`: the means of authentication, for the audit log.
    pub(super) async fn let_in(
        &self,
        credentials: Credentials,
        address: &str,
        by: &str,
    ) -> Result<SignedIn, AccountError> {
        let Credentials { user, two_factor, .. } = credentials;
        if two_factor {
            return Ok(SignedIn::SecondStep { user: user.id, until: self.clock.now() + SECOND_STEP_MS });
        }
        self.record(&user, address, by).await?;
        Ok(SignedIn::Done(user))
    }

    /// Records a successful sign-in. Failed ones are not audited, because strangers could fill the audit log.
    pub(super) async fn record(&self, user: &User, address: &str, by: &str) -> Result<(), AccountError> {
        let audit =
            AuditEntry::new(&user.actor(address), self.clock.now(), "user.sign_in", &user.name, json!({ "by": by }));
        Ok(self.db.record_sign_in(user.id, &audit).await?)
    }

    /// Completes a sign-in with a code of the user's device or a recovery code.
    pub async fn second_step(
        &self,
        user: UserId,
        until: Millis,
        code: &str,
        address: &str,
    ) -> Result<User, AccountError> {
        if self.clock.now() >= until {
            return Err(AccountError::SecondStepOver);
        }
        self.limits.code(user, address)?;
        let credentials = self.db.credentials_of(user).await?.filter(|found| found.active);
        let Credentials { user, .. } = credentials.ok_or(AccountError::SecondStepOver)?;
        let used = self.use_code(&user.actor(address), &user, code).await;
        if let Err(AccountError::WrongCode) = used {
            tracing::info!(address, user = user.name, "sign-in refused: wrong code");
        }
        used?;
        self.record(&user, address, "second_step").await?;
        Ok(user)
    }
}
