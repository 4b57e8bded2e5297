//! OpenID Connect: the authorization code flow with PKCE, state and nonce.
//!
//! ```text
//! browser ── sign in ──> console ── address with state, nonce, challenge ──> browser ──> provider
//!    └── state and code ──> console ── code and verifier ──> provider ── signed identity ──> console
//! ```
//!
//! What the console must know until the browser is back is a [`Ticket`] in the browser's session; each is good for one answer. What the
//! provider says of itself (its *metadata*: addresses and keys) is asked for at the first sign-in and again after an hour, so that the
//! console starts without it; keys are asked for again when none fits.
//!
//! Providers differ in what they send. The console reads the claims that it uses, in each form that is in use (`claims`, `roles`), and
//! nothing else of an answer, so that no other member can keep people out. What it cannot use is a [`Fault`] that names the cause.

mod claims;
mod fault;
mod http;
mod jwt;
mod metadata;
mod roles;
#[cfg(test)]
mod tests;
mod tokens;

use std::sync::Arc;

use openidconnect::{CsrfToken, Nonce, PkceCodeChallenge};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use url::Url;

use self::claims::{Claims, Expected, names, text, written};
use self::http::Http;
use self::jwt::{Untrusted, verified};
use self::metadata::Metadata;
use self::roles::{Sources, role};
use crate::model::{Millis, Role};
use crate::outbound::TlsSetupError;

pub use self::fault::Fault;
pub use self::http::FetchError;

/// How long a browser may stay away.
const TICKET_MS: Millis = 10 * 60_000;
const METADATA_MS: Millis = 3_600_000;
/// Longest user name, in characters.
const LONGEST_NAME: usize = 50;
/// Longest text of the provider in an error, in characters.
const LONGEST_TEXT: usize = 300;
/// Where the browser comes back to.
const CALLBACK: &str = "/login/callback";

/// What the console must know of a provider.
#[derive(Debug, Clone)]
pub struct ProviderConfig {
    /// Exactly as the provider writes itself.
    pub issuer: String,
    pub client_id: String,
    /// `None`: the provider knows the console as a public client.
    pub client_secret: Option<SecretString>,
    /// The claims that may hold the role, by name or by path; the first that is there counts.
    pub role_claims: Vec<String>,
    /// Audiences of ID tokens that are trusted beside the client.
    pub audiences: Vec<String>,
    /// Address of the console.
    pub public_url: Url,
}

/// Why the client of a provider cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum ProviderSetupError {
    #[error(transparent)]
    Tls(#[from] TlsSetupError),
    #[error("{0}")]
    Url(#[from] url::ParseError),
}

/// What a browser's session keeps while the browser is at the provider.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Ticket {
    state: String,
    nonce: String,
    verifier: String,
    until: Millis,
}

impl Ticket {
    /// Whether an answer belongs to it.
    #[must_use]
    pub fn fits(&self, state: &str, now: Millis) -> bool {
        // The state is a random number that is used once: its first difference tells nothing.
        self.state == state && now < self.until
    }
}

/// The query with which the provider sends a browser back.
#[derive(Debug, Clone, Default)]
pub struct Callback {
    pub state: String,
    pub code: String,
    /// Empty: the sign-in went well.
    pub error: String,
    pub error_description: String,
}

/// A person whom the provider vouches for.
pub(super) struct Person {
    pub(super) subject: String,
    pub(super) name: String,
    pub(super) role: GrantedRole,
}

/// A role, and the claim that gives it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantedRole {
    pub role: Role,
    pub claim: String,
}

/// The claims of one sign-in, as far as they arrived and can be trusted.
#[derive(Debug, Default)]
pub(super) struct Arrived {
    id_token: Claims,
    userinfo: Claims,
}

impl Arrived {
    /// Name and value of each claim of the ID token, and of userinfo.
    pub(super) fn listed(&self) -> [Vec<(String, String)>; 2] {
        let list = |claims: &Claims| claims.iter().map(|(name, value)| (name.clone(), written(value))).collect();
        [list(&self.id_token), list(&self.userinfo)]
    }

    pub(super) fn described(&self, role_claims: &[String]) -> String {
        Sources { id_token: &self.id_token, userinfo: &self.userinfo }.described(role_claims)
    }
}

/// A provider and the console's client of it.
pub struct Provider {
    config: ProviderConfig,
    host: String,
    redirect: Url,
    http: Http,
    /// With when it was asked for.
    metadata: Mutex<Option<(Millis, Arc<Metadata>)>>,
}

impl Provider {
    /// Does not speak to the provider yet.
    pub fn new(config: ProviderConfig) -> Result<Self, ProviderSetupError> {
        Ok(Self {
            host: Url::parse(&config.issuer)?.host_str().unwrap_or_default().to_owned(),
            redirect: config.public_url.join(CALLBACK)?,
            config,
            http: Http::new()?,
            metadata: Mutex::new(None),
        })
    }

    /// For the button.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    #[must_use]
    pub fn config(&self) -> &ProviderConfig {
        &self.config
    }

    /// Where the provider sends browsers back to; it must be registered there.
    #[must_use]
    pub fn redirect_address(&self) -> &str {
        self.redirect.as_str()
    }

    pub(super) fn issuer(&self) -> &str {
        &self.config.issuer
    }

    /// The address of the provider to send the browser to, and the ticket for its answer.
    pub(super) async fn start(&self, now: Millis) -> Result<(String, Ticket), Fault> {
        let metadata = self.metadata(now).await?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (state, nonce) = (CsrfToken::new_random().into_secret(), Nonce::new_random().secret().clone());
        let mut address = metadata.authorization_endpoint.clone();
        address
            .query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.config.client_id)
            .append_pair("redirect_uri", self.redirect.as_str())
            .append_pair("scope", "openid profile email")
            .append_pair("state", &state)
            .append_pair("nonce", &nonce)
            .append_pair("code_challenge", challenge.as_str())
            .append_pair("code_challenge_method", "S256");
        let ticket = Ticket { state, nonce, verifier: verifier.into_secret(), until: now + TICKET_MS };
        Ok((address.into(), ticket))
    }

    /// Redeems the code of an answer that fits its ticket. `arrived` gets the claims, also those of somebody who is refused.
    pub(super) async fn finish(
        &self,
        ticket: Option<Ticket>,
        callback: &Callback,
        now: Millis,
        arrived: &mut Arrived,
    ) -> Result<Person, Fault> {
        let ticket = ticket.filter(|ticket| ticket.fits(&callback.state, now)).ok_or(Fault::NotOurs)?;
        if !callback.error.is_empty() {
            let word = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
            let error = callback.error.chars().filter(word).take(40).collect();
            return Err(Fault::Denied { error, description: plain(&callback.error_description) });
        }
        let metadata = self.metadata(now).await?;
        let tokens = self.redeem(&metadata, &callback.code, &ticket.verifier).await?;
        let (metadata, id_token) = self.verified_by_current_keys(metadata, &tokens.id_token, now).await?;
        arrived.id_token = id_token;
        let expected = Expected {
            issuer: &self.config.issuer,
            client_id: &self.config.client_id,
            audiences: &self.config.audiences,
            nonce: &ticket.nonce,
            now,
        };
        let subject = expected.check(&arrived.id_token)?;
        // Many providers put into the token only what they must, and tell the rest on request.
        let roles = Sources { id_token: &arrived.id_token, userinfo: &arrived.userinfo };
        let has_name = arrived.id_token.get("preferred_username").and_then(text).is_some();
        let lacking = !has_name || roles.first(&self.config.role_claims).is_none();
        if lacking && let Some(access_token) = &tokens.access_token {
            arrived.userinfo = self.userinfo(&metadata, access_token, &subject).await?;
        }
        self.person(subject, arrived)
    }

    fn person(&self, subject: String, arrived: &Arrived) -> Result<Person, Fault> {
        let role_claims = &self.config.role_claims;
        let sources = Sources { id_token: &arrived.id_token, userinfo: &arrived.userinfo };
        let granted = sources
            .first(role_claims)
            .and_then(|(claim, value)| role(value).map(|role| GrantedRole { role, claim: claim.clone() }));
        let role = granted.ok_or_else(|| Fault::NoRole {
            looked_for: role_claims.join(", "),
            found: sources.described(role_claims),
        })?;
        let name = |text: String| {
            let short: String = text.chars().filter(|c| !c.is_control()).take(LONGEST_NAME).collect();
            Some(short.trim().to_owned()).filter(|name| !name.is_empty())
        };
        let name = names(&arrived.id_token, &arrived.userinfo).find_map(name).ok_or(Fault::NoName)?;
        Ok(Person { subject, name, role })
    }

    /// The claims of an ID token. Where no key fits, the provider may have changed its keys: they are asked for once more.
    async fn verified_by_current_keys(
        &self,
        metadata: Arc<Metadata>,
        id_token: &str,
        now: Millis,
    ) -> Result<(Arc<Metadata>, Claims), Fault> {
        let secret = self.config.client_secret.as_ref();
        let (metadata, outcome) = match verified(id_token, &metadata, secret) {
            Err(Untrusted::NoKey(_)) => {
                let metadata = self.fetch_metadata(now).await?;
                let outcome = verified(id_token, &metadata, secret);
                (metadata, outcome)
            }
            outcome => (metadata, outcome),
        };
        match outcome {
            Ok(claims) => Ok((metadata, claims)),
            Err(Untrusted::NoKey(why) | Untrusted::Other(why)) => Err(Fault::BadToken(plain(&why))),
        }
    }

    /// Metadata that is at most an hour old.
    async fn metadata(&self, now: Millis) -> Result<Arc<Metadata>, Fault> {
        if let Some((since, metadata)) = self.metadata.lock().await.as_ref()
            && now - since < METADATA_MS
        {
            return Ok(metadata.clone());
        }
        self.fetch_metadata(now).await
    }

    /// Makes the next sign-in ask for metadata.
    pub(super) async fn forget_metadata(&self) {
        *self.metadata.lock().await = None;
    }

    async fn fetch_metadata(&self, now: Millis) -> Result<Arc<Metadata>, Fault> {
        // Not under the lock: where the provider does not answer, nobody waits for others who wait for it.
        let metadata = Arc::new(Metadata::fetch(&self.http, &self.config.issuer).await?);
        *self.metadata.lock().await = Some((now, metadata.clone()));
        Ok(metadata)
    }
}

/// A text of the provider on one line, cut to a length that fits into a log.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST_TEXT).collect()
}
