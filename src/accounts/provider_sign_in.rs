//! Sign-in through the provider of single sign-on, and its test.

use serde_json::json;

use super::single_sign_on::{ProviderIdentity, ReceivedClaims};
use super::users::{actor_of, user_name};
use super::{
    AccountError, Accounts, AuthorizationRequest, Callback, Credentials, GrantedRole, NewUser, Provider, SignOnError,
    User, UserChange,
};
use crate::audit::AuditEntry;
use crate::model::{Action, Actor, Problem, Role, StoreError};

/// The user of an identity.
enum MatchedUser {
    Known(User),
    /// Name of a user to create.
    New(String),
}

/// The result of a test of single sign-on.
#[derive(Debug)]
pub struct ProviderTest {
    /// Name and value of each claim.
    pub id_token: Vec<(String, String)>,
    pub userinfo: Vec<(String, String)>,
    pub outcome: Result<TestedSignIn, SignOnError>,
}

/// A successful test.
#[derive(Debug)]
pub struct TestedSignIn {
    pub name: String,
    /// An earlier sign-in has created the user.
    pub is_known: bool,
    pub role: GrantedRole,
}

impl Accounts {
    /// Returns the provider of single sign-on.
    #[must_use]
    pub fn provider(&self) -> Option<&Provider> {
        self.provider.as_deref()
    }

    /// Starts a sign-in. Returns the address to which the browser is redirected, and a value that its session keeps meanwhile.
    /// `address`: client address.
    pub async fn start_single_sign_on(&self, address: &str) -> Result<(String, AuthorizationRequest), AccountError> {
        let provider = self.provider.as_ref().ok_or(AccountError::NoProvider)?;
        self.limits.provider(address)?;
        let started = provider.start(self.clock.now()).await;
        started.map_err(|fault| refuse(provider, fault, &ReceivedClaims::default(), address))
    }

    /// Completes a sign-in. The first one creates the user; each one updates the role.
    pub async fn finish_single_sign_on(
        &self,
        ticket: Option<AuthorizationRequest>,
        callback: &Callback,
        address: &str,
    ) -> Result<User, AccountError> {
        let provider = self.provider.as_ref().ok_or(AccountError::NoProvider)?;
        let mut received = ReceivedClaims::default();
        let refuse = |fault, received: &ReceivedClaims| refuse(provider, fault, received, address);
        let identity = provider.finish(ticket, callback, self.clock.now(), &mut received).await;
        let identity = identity.map_err(|fault| refuse(fault, &received))?;
        let matched = self.match_user(provider, &identity).await?.map_err(|fault| refuse(fault, &received))?;
        let role = identity.role.role;
        let user = match matched {
            MatchedUser::Known(user) => self.with_role(user, role, provider.issuer(), address).await?,
            MatchedUser::New(name) => match self.create_provided(&name, &identity, provider.issuer(), address).await {
                // A concurrent request has taken the name.
                Err(AccountError::Taken(name)) => return Err(refuse(SignOnError::NameTaken(name), &received)),
                created => created?,
            },
        };
        self.record(&user, address, provider.issuer()).await?;
        Ok(user)
    }

    /// Starts a test of single sign-on, which signs nobody in.
    pub async fn start_single_sign_on_test(
        &self,
        actor: &Actor,
    ) -> Result<(String, AuthorizationRequest), AccountError> {
        actor.check(Action::ManageAccounts)?;
        let provider = self.provider.as_ref().ok_or(AccountError::NoProvider)?;
        self.limits.provider(&actor.address)?;
        // The admin may just have changed something at the provider.
        provider.forget_metadata().await;
        let started = provider.start(self.clock.now()).await;
        started.map_err(|fault| refuse(provider, fault, &ReceivedClaims::default(), &actor.address))
    }

    /// Completes a test: checks the response like a sign-in, but changes nothing.
    pub async fn finish_single_sign_on_test(
        &self,
        actor: &Actor,
        ticket: AuthorizationRequest,
        callback: &Callback,
    ) -> Result<ProviderTest, AccountError> {
        actor.check(Action::ManageAccounts)?;
        let provider = self.provider.as_ref().ok_or(AccountError::NoProvider)?;
        let mut received = ReceivedClaims::default();
        let outcome = match provider.finish(Some(ticket), callback, self.clock.now(), &mut received).await {
            Ok(identity) => self.match_user(provider, &identity).await?.map(|matched| {
                let (name, is_known) = match matched {
                    MatchedUser::Known(user) => (user.name, true),
                    MatchedUser::New(name) => (name, false),
                };
                TestedSignIn { name, is_known, role: identity.role }
            }),
            Err(fault) => Err(fault),
        };
        let [id_token, userinfo] = received.listed();
        Ok(ProviderTest { id_token, userinfo, outcome })
    }

    async fn match_user(
        &self,
        provider: &Provider,
        identity: &ProviderIdentity,
    ) -> Result<Result<MatchedUser, SignOnError>, StoreError> {
        Ok(match self.db.find_provided(provider.issuer(), &identity.subject).await? {
            Some(Credentials { active: false, user, .. }) => Err(SignOnError::Deactivated(user.name)),
            Some(Credentials { user, .. }) => Ok(MatchedUser::Known(user)),
            None if self.db.find_credentials(&identity.name).await?.is_some() => {
                Err(SignOnError::NameTaken(identity.name.clone()))
            }
            None => Ok(MatchedUser::New(identity.name.clone())),
        })
    }

    async fn with_role(&self, user: User, role: Role, issuer: &str, address: &str) -> Result<User, AccountError> {
        if role != user.role {
            let detail = json!({ "before": { "role": user.role }, "after": { "role": role }, "by": issuer });
            let audit = AuditEntry::new(&actor_of(&user, address), self.clock.now(), "user.role", &user.name, detail);
            // Even the last admin, because the provider can grant the role again.
            self.db.change_user(user.id, UserChange { role: Some(role), active: None }, false, &[audit]).await?;
        }
        Ok(User { role, ..user })
    }

    async fn create_provided(
        &self,
        name: &str,
        identity: &ProviderIdentity,
        issuer: &str,
        address: &str,
    ) -> Result<User, AccountError> {
        let name = user_name(name)?;
        let role = identity.role.role;
        let provider = Some((issuer, identity.subject.as_str()));
        let new = NewUser { name, role, password_hash: None, link: None, provider };
        let machine = Actor { address: address.to_owned(), ..Actor::cli() };
        let detail = json!({ "role": role, "by": issuer });
        let entry = AuditEntry::new(&machine, self.clock.now(), "user.create", name, detail);
        self.create(&new, &AuditEntry { actor: name.to_owned(), ..entry }).await
    }
}

/// Logs the cause of a refusal. The user sees only the reference of the log entry, by which an admin finds it.
fn refuse(provider: &Provider, fault: SignOnError, received: &ReceivedClaims, address: &str) -> AccountError {
    let reference = format!("{:08x}", rand::random::<u32>());
    let role_claims = &provider.config().role_claims;
    let (code, looked_for, came) = (fault.code(), role_claims.join(", "), received.described(role_claims));
    match fault {
        // Strangers can cause these.
        SignOnError::NotOurs | SignOnError::Denied { .. } => {
            tracing::info!(reference, code, address, cause = %fault, "single sign-on refused");
        }
        _ => tracing::warn!(reference, code, address, cause = %fault, looked_for, came, "single sign-on refused"),
    }
    AccountError::SignOn { fault: Box::new(fault), reference }
}
