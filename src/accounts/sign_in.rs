//! Signing in: with a password and, where it is on, a second step; or by the provider.

use serde_json::json;

use super::users::{actor_of, user_name};
use super::{AccountError, Accounts, Credentials, NewUser, Provider, Ticket, User, UserChange, passwords};
use crate::audit::AuditEntry;
use crate::model::{Actor, Millis, UserId};

/// How long a browser may take for the second step.
const SECOND_STEP_MS: Millis = 5 * 60_000;

/// What came of a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignedIn {
    Whole(User),
    /// A code is asked for until then.
    SecondStep {
        user: UserId,
        until: Millis,
    },
}

impl Accounts {
    /// Checks a login. `address` is the client's.
    pub async fn log_in(&self, name: &str, password: &str, address: &str) -> Result<SignedIn, AccountError> {
        let name = name.trim();
        self.limits.password(name, address)?;
        let credentials = self.store.find_credentials(name).await?.filter(|found| found.active);
        let hash = credentials.as_ref().and_then(|found| found.password_hash.clone());
        let fits = passwords::verify(password, hash).await?;
        match credentials {
            Some(credentials) if fits => self.let_in(credentials, address, "password").await,
            _ => {
                // What was typed for a name may be a password.
                tracing::info!(address, "sign-in refused: wrong name or password");
                Err(AccountError::WrongLogin)
            }
        }
    }

    /// What follows a password that fits. `by`: how it came.
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
        Ok(SignedIn::Whole(user))
    }

    /// Writes a sign-in down. Only those that succeed are audited: strangers could fill the log with the others.
    async fn record(&self, user: &User, address: &str, by: &str) -> Result<(), AccountError> {
        let audit = AuditEntry::new(
            &actor_of(user, address),
            self.clock.now(),
            "user.sign_in",
            &user.name,
            json!({ "by": by }),
        );
        Ok(self.store.record_sign_in(user.id, &audit).await?)
    }

    /// The second step: a code of the person's device, or a recovery code.
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
        let credentials = self.store.credentials_of(user).await?.filter(|found| found.active);
        let Credentials { user, .. } = credentials.ok_or(AccountError::SecondStepOver)?;
        let used = self.use_code(&actor_of(&user, address), &user, code).await;
        if let Err(AccountError::WrongCode) = used {
            tracing::info!(address, user = user.name, "sign-in refused: wrong code");
        }
        used?;
        self.record(&user, address, "second_step").await?;
        Ok(user)
    }

    /// The provider of single sign-on, where there is one.
    #[must_use]
    pub fn provider(&self) -> Option<&Provider> {
        self.provider.as_deref()
    }

    /// Where to send a browser that wants to sign in by the provider, and what the browser's session must keep until it is back.
    /// `address` is the client's.
    pub async fn start_single_sign_on(&self, address: &str) -> Result<(String, Ticket), AccountError> {
        let provider = self.provider.as_ref().ok_or(AccountError::NoProvider)?;
        self.limits.provider(address)?;
        provider.start(self.clock.now()).await
    }

    /// Signs in whom the provider vouches for. The first time makes the user; each time brings the role up to date. `answer`: the
    /// provider's code or its error.
    pub async fn finish_single_sign_on(
        &self,
        ticket: Option<Ticket>,
        state: &str,
        answer: Result<&str, &str>,
        address: &str,
    ) -> Result<User, AccountError> {
        let provider = self.provider.as_ref().ok_or(AccountError::NoProvider)?;
        let now = self.clock.now();
        let ticket = ticket.filter(|ticket| ticket.fits(state, now)).ok_or(AccountError::BadAnswer)?;
        let code = answer.map_err(|error| {
            // A word of the protocol, such as `access_denied`; people are shown nothing else of an address.
            AccountError::ProviderRefused(
                error.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(40).collect(),
            )
        })?;
        let person = provider.finish(ticket, code, now).await?;
        let (issuer, subject) = (provider.issuer(), person.subject.as_str());
        let user = match self.store.find_provided(issuer, subject).await? {
            Some(Credentials { active: false, .. }) => return Err(AccountError::KeptOut),
            Some(Credentials { user, .. }) => {
                let role = person.role.ok_or(AccountError::NoRole)?;
                if role != user.role {
                    let detail = json!({ "before": { "role": user.role }, "after": { "role": role }, "by": issuer });
                    let audit = AuditEntry::new(&actor_of(&user, address), now, "user.role", &user.name, detail);
                    // The provider decides: it also can give the role back.
                    self.store
                        .change_user(user.id, UserChange { role: Some(role), active: None }, false, &[audit])
                        .await?;
                }
                User { role, ..user }
            }
            None => {
                let role = person.role.ok_or(AccountError::NoRole)?;
                let name = person.name.chars().filter(|c| !c.is_control()).take(50).collect::<String>();
                let name = user_name(name.trim())?;
                let new = NewUser { name, role, password_hash: None, link: None, provider: Some((issuer, subject)) };
                let machine = Actor { address: address.to_owned(), ..Actor::cli() };
                let detail = json!({ "role": role, "by": issuer });
                let entry = AuditEntry::new(&machine, now, "user.create", name, detail);
                match self.create(&new, &AuditEntry { actor: name.to_owned(), ..entry }).await {
                    Err(AccountError::Taken(name)) => return Err(AccountError::NameTaken(name)),
                    other => other?,
                }
            }
        };
        self.record(&user, address, issuer).await?;
        Ok(user)
    }
}
