//! OpenID Connect: the authorization code flow with PKCE, state and nonce.
//!
//! ```text
//! browser ── sign in ──> console ── address with state, nonce, challenge ──> browser ──> provider
//!    └── state and code ──> console ── code and verifier ──> provider ── signed identity ──> console
//! ```
//!
//! The browser's session keeps a [`AuthorizationRequest`] until the browser returns; each is valid for one response. The provider's *metadata* (addresses
//! and keys) is fetched at the first sign-in and again after an hour, so that the console starts without the provider; keys are fetched again
//! if none matches.
//!
//! Providers differ in what they send. The console reads only the claims that it needs, in all forms that are in use (`claims`, `roles`), so
//! that other parts of a response cannot prevent a sign-in. Every problem is a [`SignOnError`] that names the cause.

mod claims;
mod error;
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
use self::http::client;
use self::jwt::{Untrusted, verified};
use self::metadata::Metadata;
use self::roles::{Sources, role};
use crate::model::{Millis, Role};
use crate::outbound::TlsSetupError;

pub use self::error::SignOnError;
pub use self::http::FetchError;

/// Time limit for the user at the provider.
const TICKET_MS: Millis = 10 * 60_000;
const METADATA_MS: Millis = 3_600_000;
/// Maximum length of a user name, in characters.
const MAX_NAME: usize = 50;
/// Maximum length of the provider's text in an error, in characters.
const MAX_TEXT: usize = 300;
/// Path to which the provider redirects the browser.
const CALLBACK: &str = "/login/callback";

/// Settings of a provider.
#[derive(Debug, Clone)]
pub struct ProviderConfig {
    /// Exactly as in the provider's metadata.
    pub issuer: String,
    pub client_id: String,
    /// `None`: the console is a public client.
    pub client_secret: Option<SecretString>,
    /// Names or paths of claims with the role; the first present one is used.
    pub role_claims: Vec<String>,
    /// Audiences of ID tokens that are trusted in addition to the client.
    pub audiences: Vec<String>,
    /// Address of the console.
    pub public_url: Url,
}

/// The settings of a provider are invalid.
#[derive(Debug, thiserror::Error)]
pub enum ProviderSetupError {
    #[error(transparent)]
    Tls(#[from] TlsSetupError),
    #[error("cannot create the HTTP client: {0}")]
    Http(#[from] reqwest::Error),
    #[error("{0}")]
    Url(#[from] url::ParseError),
}

/// A pending authorization request, which the browser's session keeps while the user is at the provider.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AuthorizationRequest {
    state: String,
    nonce: String,
    verifier: String,
    until: Millis,
}

impl AuthorizationRequest {
    /// Returns whether a response belongs to this request.
    #[must_use]
    pub fn matches(&self, state: &str, now: Millis) -> bool {
        // No constant-time comparison: the state is random and used once.
        self.state == state && now < self.until
    }
}

/// Query of the redirect from the provider.
#[derive(Debug, Clone, Default)]
pub struct Callback {
    pub state: String,
    pub code: String,
    /// Empty on success.
    pub error: String,
    pub error_description: String,
}

/// A user's identity at the provider.
pub(super) struct ProviderIdentity {
    pub(super) subject: String,
    pub(super) name: String,
    pub(super) role: GrantedRole,
}

/// A role and the claim that grants it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantedRole {
    pub role: Role,
    pub claim: String,
}

/// The verified claims of a sign-in.
#[derive(Debug, Default)]
pub(super) struct ReceivedClaims {
    id_token: Claims,
    userinfo: Claims,
}

impl ReceivedClaims {
    /// Returns names and values of the claims of the ID token and of userinfo.
    pub(super) fn listed(&self) -> [Vec<(String, String)>; 2] {
        let list = |claims: &Claims| claims.iter().map(|(name, value)| (name.clone(), written(value))).collect();
        [list(&self.id_token), list(&self.userinfo)]
    }

    pub(super) fn described(&self, role_claims: &[String]) -> String {
        Sources { id_token: &self.id_token, userinfo: &self.userinfo }.described(role_claims)
    }
}

/// Client of a provider.
pub struct Provider {
    config: ProviderConfig,
    host: String,
    redirect: Url,
    http: reqwest::Client,
    /// With the time of the fetch.
    metadata: Mutex<Option<(Millis, Arc<Metadata>)>>,
}

impl Provider {
    /// Creates a client, without a request to the provider.
    pub fn new(config: ProviderConfig) -> Result<Self, ProviderSetupError> {
        Ok(Self {
            host: Url::parse(&config.issuer)?.host_str().unwrap_or_default().to_owned(),
            redirect: config.public_url.join(CALLBACK)?,
            config,
            http: client()?,
            metadata: Mutex::new(None),
        })
    }

    /// Returns the host for the button of the sign-in page.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    #[must_use]
    pub fn config(&self) -> &ProviderConfig {
        &self.config
    }

    /// Returns the redirect address, which must be registered at the provider.
    #[must_use]
    pub fn redirect_address(&self) -> &str {
        self.redirect.as_str()
    }

    pub(super) fn issuer(&self) -> &str {
        &self.config.issuer
    }

    /// Creates an authorization request. Returns the provider's address with its parameters, and the part that the session keeps.
    pub(super) async fn start(&self, now: Millis) -> Result<(String, AuthorizationRequest), SignOnError> {
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
        let ticket = AuthorizationRequest { state, nonce, verifier: verifier.into_secret(), until: now + TICKET_MS };
        Ok((address.into(), ticket))
    }

    /// Redeems the code of a response. `received` gets the claims, even if the user is refused.
    pub(super) async fn finish(
        &self,
        ticket: Option<AuthorizationRequest>,
        callback: &Callback,
        now: Millis,
        received: &mut ReceivedClaims,
    ) -> Result<ProviderIdentity, SignOnError> {
        let ticket = ticket.filter(|ticket| ticket.matches(&callback.state, now)).ok_or(SignOnError::NotOurs)?;
        if !callback.error.is_empty() {
            let word = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
            let error = callback.error.chars().filter(word).take(40).collect();
            return Err(SignOnError::Denied { error, description: plain(&callback.error_description) });
        }
        let metadata = self.metadata(now).await?;
        let tokens = self.redeem(&metadata, &callback.code, &ticket.verifier).await?;
        let (metadata, id_token) = self.verified_by_current_keys(metadata, &tokens.id_token, now).await?;
        received.id_token = id_token;
        let expected = Expected {
            issuer: &self.config.issuer,
            client_id: &self.config.client_id,
            audiences: &self.config.audiences,
            nonce: &ticket.nonce,
            now,
        };
        let subject = expected.check(&received.id_token)?;
        // Many providers put only the mandatory claims into the token; userinfo has the others.
        let roles = Sources { id_token: &received.id_token, userinfo: &received.userinfo };
        let has_name = received.id_token.get("preferred_username").and_then(text).is_some();
        let lacking = !has_name || roles.first(&self.config.role_claims).is_none();
        if lacking && let Some(access_token) = &tokens.access_token {
            received.userinfo = self.userinfo(&metadata, access_token, &subject).await?;
        }
        self.identity(subject, received)
    }

    fn identity(&self, subject: String, received: &ReceivedClaims) -> Result<ProviderIdentity, SignOnError> {
        let role_claims = &self.config.role_claims;
        let sources = Sources { id_token: &received.id_token, userinfo: &received.userinfo };
        let granted = sources
            .first(role_claims)
            .and_then(|(claim, value)| role(value).map(|role| GrantedRole { role, claim: claim.clone() }));
        let role = granted.ok_or_else(|| SignOnError::NoRole {
            looked_for: role_claims.join(", "),
            found: sources.described(role_claims),
        })?;
        let name = |text: String| {
            let short: String = text.chars().filter(|c| !c.is_control()).take(MAX_NAME).collect();
            Some(short.trim().to_owned()).filter(|name| !name.is_empty())
        };
        let name = names(&received.id_token, &received.userinfo).find_map(name).ok_or(SignOnError::NoName)?;
        Ok(ProviderIdentity { subject, name, role })
    }

    /// Verifies an ID token. If no key matches, fetches the keys again, because the provider may have rotated them.
    async fn verified_by_current_keys(
        &self,
        metadata: Arc<Metadata>,
        id_token: &str,
        now: Millis,
    ) -> Result<(Arc<Metadata>, Claims), SignOnError> {
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
            Err(Untrusted::NoKey(why) | Untrusted::Other(why)) => Err(SignOnError::BadToken(plain(&why))),
        }
    }

    /// Returns metadata that is at most an hour old.
    async fn metadata(&self, now: Millis) -> Result<Arc<Metadata>, SignOnError> {
        if let Some((since, metadata)) = self.metadata.lock().await.as_ref()
            && now - since < METADATA_MS
        {
            return Ok(metadata.clone());
        }
        self.fetch_metadata(now).await
    }

    /// Makes the next sign-in fetch the metadata again.
    pub(super) async fn forget_metadata(&self) {
        *self.metadata.lock().await = None;
    }

    async fn fetch_metadata(&self, now: Millis) -> Result<Arc<Metadata>, SignOnError> {
        // Without the lock, so that a provider that does not respond does not delay other sign-ins.
        let metadata = Arc::new(Metadata::fetch(&self.http, &self.config.issuer).await?);
        *self.metadata.lock().await = Some((now, metadata.clone()));
        Ok(metadata)
    }
}

/// Puts a text of the provider on one line and truncates it for the log.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_TEXT).collect()
}
