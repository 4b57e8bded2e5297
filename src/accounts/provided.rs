//! Signing in by the provider, and the test of it.

use serde_json::json;

use super::single_sign_on::{Arrived, Person};
use super::users::{actor_of, user_name};
use super::{
    AccountError, Accounts, Callback, Credentials, Fault, GrantedRole, NewUser, Provider, Ticket, User, UserChange,
};
use crate::audit::AuditEntry;
use crate::model::{Action, Actor, Problem, Role, StoreError};

/// The user of a person whom the provider vouches for.
enum Admission {
    Known(User),
    /// A name that is free.
    New(String),
}

/// The result of a test of single sign-on.
#[derive(Debug)]
pub struct ProviderTest {
    /// Name and value of each claim.
    pub id_token: Vec<(String, String)>,
    pub userinfo: Vec<(String, String)>,
    pub outcome: Result<TestedSignIn, Fault>,
}

/// A sign-in that would have been let in.
#[derive(Debug)]
pub struct TestedSignIn {
    pub name: String,
    /// The user was made by an earlier sign-in.
    pub is_known: bool,
    pub role: GrantedRole,
}

impl Accounts {
    /// The provider of single sign-on, where there is one.
    #[must_use]
    pub fn provider(&self) -> Option<&Provider> {
        self.provider.as_deref()
    }

    /// Starts a sign-in: the address to send the browser to, and the ticket that its session must keep until it is back.
    /// `address` is the client's.
    pub async fn start_single_sign_on(&self, address: &str) -> Result<(String, Ticket), AccountError> {
        let provider = self.provider.as_ref().ok_or(AccountError::NoProvider)?;
        self.limits.provider(address)?;
        let started = provider.start(self.clock.now()).await;
        started.map_err(|fault| refuse(provider, fault, &Arrived::default(), address))
    }

    /// Signs in whom the provider vouches for. The first time makes the user; each time brings the role up to date.
    pub async fn finish_single_sign_on(
        &self,
        ticket: Option<Ticket>,
        callback: &Callback,
        address: &str,
    ) -> Result<User, AccountError> {
        let provider = self.provider.as_ref().ok_or(AccountError::NoProvider)?;
        let mut arrived = Arrived::default();
        let refuse = |fault, arrived: &Arrived| refuse(provider, fault, arrived, address);
        let person = provider.finish(ticket, callback, self.clock.now(), &mut arrived).await;
        let person = person.map_err(|fault| refuse(fault, &arrived))?;
        let admission = self.admission(provider, &person).await?.map_err(|fault| refuse(fault, &arrived))?;
        let role = person.role.role;
        let user = match admission {
            Admission::Known(user) => self.with_role(user, role, provider.issuer(), address).await?,
            Admission::New(name) => match self.create_provided(&name, &person, provider.issuer(), address).await {
                // Somebody else took it since.
                Err(AccountError::Taken(name)) => return Err(refuse(Fault::NameTaken(name), &arrived)),
                created => created?,
            },
        };
        self.record(&user, address, provider.issuer()).await?;
        Ok(user)
    }

    /// Starts a sign-in that lets nobody in, for an admin who sets single sign-on up.
    pub async fn start_single_sign_on_test(&self, actor: &Actor) -> Result<(String, Ticket), AccountError> {
        actor.check(Action::ManageAccounts)?;
        let provider = self.provider.as_ref().ok_or(AccountError::NoProvider)?;
        self.limits.provider(&actor.address)?;
        // Something at the provider may just have been changed.
        provider.forget_metadata().await;
        let started = provider.start(self.clock.now()).await;
        started.map_err(|fault| refuse(provider, fault, &Arrived::default(), &actor.address))
    }

    /// Ends a test: checks the answer as a sign-in does, and changes nothing.
    pub async fn finish_single_sign_on_test(
        &self,
        actor: &Actor,
        ticket: Ticket,
        callback: &Callback,
    ) -> Result<ProviderTest, AccountError> {
        actor.check(Action::ManageAccounts)?;
        let provider = self.provider.as_ref().ok_or(AccountError::NoProvider)?;
        let mut arrived = Arrived::default();
        let outcome = match provider.finish(Some(ticket), callback, self.clock.now(), &mut arrived).await {
            Ok(person) => self.admission(provider, &person).await?.map(|admission| {
                let (name, is_known) = match admission {
                    Admission::Known(user) => (user.name, true),
                    Admission::New(name) => (name, false),
                };
                TestedSignIn { name, is_known, role: person.role }
            }),
            Err(fault) => Err(fault),
        };
        let [id_token, userinfo] = arrived.listed();
        Ok(ProviderTest { id_token, userinfo, outcome })
    }

    async fn admission(&self, provider: &Provider, person: &Person) -> Result<Result<Admission, Fault>, StoreError> {
        Ok(match self.db.find_provided(provider.issuer(), &person.subject).await? {
            Some(Credentials { active: false, user, .. }) => Err(Fault::Deactivated(user.name)),
            Some(Credentials { user, .. }) => Ok(Admission::Known(user)),
            None if self.db.find_credentials(&person.name).await?.is_some() => {
                Err(Fault::NameTaken(person.name.clone()))
            }
            None => Ok(Admission::New(person.name.clone())),
        })
    }

    async fn with_role(&self, user: User, role: Role, issuer: &str, address: &str) -> Result<User, AccountError> {
        if role != user.role {
            let detail = json!({ "before": { "role": user.role }, "after": { "role": role }, "by": issuer });
            let audit = AuditEntry::new(&actor_of(&user, address), self.clock.now(), "user.role", &user.name, detail);
            // The provider decides: it also can give the role back.
            self.db.change_user(user.id, UserChange { role: Some(role), active: None }, false, &[audit]).await?;
        }
        Ok(User { role, ..user })
    }

    async fn create_provided(
        &self,
        name: &str,
        person: &Person,
        issuer: &str,
        address: &str,
    ) -> Result<User, AccountError> {
        let name = user_name(name)?;
        let role = person.role.role;
        let provider = Some((issuer, person.subject.as_str()));
        let new = NewUser { name, role, password_hash: None, link: None, provider };
        let machine = Actor { address: address.to_owned(), ..Actor::cli() };
        let detail = json!({ "role": role, "by": issuer });
        let entry = AuditEntry::new(&machine, self.clock.now(), "user.create", name, detail);
        self.create(&new, &AuditEntry { actor: name.to_owned(), ..entry }).await
    }
}

/// Logs why somebody is refused. The person gets the reference of the entry, by which an admin finds it.
fn refuse(provider: &Provider, fault: Fault, arrived: &Arrived, address: &str) -> AccountError {
    let reference = format!("{:08x}", rand::random::<u32>());
    let role_claims = &provider.config().role_claims;
    let (code, looked_for, came) = (fault.code(), role_claims.join(", "), arrived.described(role_claims));
    match fault {
        // Anybody can make these.
        Fault::NotOurs | Fault::Denied { .. } => {
            tracing::info!(reference, code, address, cause = %fault, "single sign-on refused");
        }
        _ => tracing::warn!(reference, code, address, cause = %fault, looked_for, came, "single sign-on refused"),
    }
    AccountError::SignOn { fault: Box::new(fault), reference }
}
