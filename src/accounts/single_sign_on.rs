//! OpenID Connect: the authorization code flow with PKCE, state and nonce.
//!
//! ```text
//! browser ── sign in ──> console ── address with state, nonce, challenge ──> browser ──> provider
//!    └── state and code ──> console ── code and verifier ──> provider ── signed identity ──> console
//! ```
//!
//! What the console must know until the browser is back is a [`Ticket`] in the browser's session; each is good for one answer. What the
//! provider says of itself (its *metadata*: addresses and keys) is asked for at the first sign-in and again after an hour, so that the
//! console starts without it.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderValue;
use http::header::ACCEPT;
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreAuthenticationFlow, CoreErrorResponseType, CoreGenderClaim, CoreJsonWebKey,
    CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm, CoreProviderMetadata, CoreRevocableToken,
    CoreRevocationErrorResponse, CoreTokenIntrospectionResponse, CoreTokenType,
};
use openidconnect::{
    AdditionalClaims, AsyncHttpClient, AuthorizationCode, Client, ClientId, ClientSecret, CsrfToken,
    EmptyExtraTokenFields, EndpointMaybeSet, EndpointNotSet, EndpointSet, HttpRequest, HttpResponse, IdTokenFields,
    IssuerUrl, Nonce, OAuth2TokenResponse, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RequestTokenError, Scope,
    StandardErrorResponse, StandardTokenResponse, TokenResponse, UserInfoClaims,
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::sync::Mutex;
use url::Url;

use super::AccountError;
use crate::model::{Millis, Role};
use crate::outbound::{TlsSetupError, client_config};

/// How long a browser may stay away.
const TICKET_MS: Millis = 10 * 60_000;
const METADATA_MS: Millis = 3_600_000;
/// A person waits for it.
const PATIENCE: Duration = Duration::from_secs(10);
/// Metadata and keys are a few kB.
const MAX_ANSWER: usize = 1024 * 1024;
/// Where the browser comes back to.
const CALLBACK: &str = "/login/callback";

/// What the console must know of a provider.
#[derive(Debug, Clone)]
pub struct ProviderConfig {
    /// As the provider writes itself.
    pub issuer: Url,
    pub client_id: String,
    /// `None`: the provider knows the console as a public client.
    pub client_secret: Option<SecretString>,
    /// The claims that may hold the role; the first that is there counts.
    pub role_claims: Vec<String>,
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
    pub(super) fn fits(&self, state: &str, now: Millis) -> bool {
        // The state is a random number that is used once: its first difference tells nothing.
        self.state == state && now < self.until
    }
}

/// Whom the provider vouches for.
pub(super) struct Person {
    pub(super) subject: String,
    pub(super) name: String,
    /// `None`: none of ours.
    pub(super) role: Option<Role>,
}

/// Claims beside the standard ones.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct MoreClaims(Map<String, Value>);

impl AdditionalClaims for MoreClaims {}

type Fields = IdTokenFields<
    MoreClaims,
    EmptyExtraTokenFields,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm,
>;
type OidcClient = Client<
    MoreClaims,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    StandardTokenResponse<Fields, CoreTokenType>,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// A provider and the console's client of it.
pub struct Provider {
    config: ProviderConfig,
    issuer: IssuerUrl,
    redirect: RedirectUrl,
    http: Http,
    /// With when it was asked for.
    client: Mutex<Option<(Millis, Arc<OidcClient>)>>,
}

impl Provider {
    /// Does not speak to the provider yet.
    pub fn new(config: ProviderConfig) -> Result<Self, ProviderSetupError> {
        // A URL parser ends a bare host in a slash, which issuers do not have.
        let text = config.issuer.as_str();
        let issuer = if config.issuer.path() == "/" { text.trim_end_matches('/') } else { text };
        Ok(Self {
            issuer: IssuerUrl::new(issuer.to_owned())?,
            redirect: RedirectUrl::from_url(config.public_url.join(CALLBACK)?),
            config,
            http: Http::new()?,
            client: Mutex::new(None),
        })
    }

    /// For the button.
    #[must_use]
    pub fn host(&self) -> &str {
        self.config.issuer.host_str().unwrap_or_default()
    }

    pub(super) fn issuer(&self) -> &str {
        self.issuer.as_str()
    }

    /// Where to send the browser.
    pub(super) async fn start(&self, now: Millis) -> Result<(String, Ticket), AccountError> {
        let client = self.client(now).await?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (address, state, nonce) = client
            .authorize_url(CoreAuthenticationFlow::AuthorizationCode, CsrfToken::new_random, Nonce::new_random)
            .add_scope(Scope::new("profile".to_owned()))
            .add_scope(Scope::new("email".to_owned()))
            .set_pkce_challenge(challenge)
            .url();
        let ticket = Ticket {
            state: state.into_secret(),
            nonce: nonce.secret().clone(),
            verifier: verifier.into_secret(),
            until: now + TICKET_MS,
        };
        Ok((address.to_string(), ticket))
    }

    /// Redeems the code of an answer that fits its ticket.
    pub(super) async fn finish(&self, ticket: Ticket, code: &str, now: Millis) -> Result<Person, AccountError> {
        let client = self.client(now).await?;
        let exchange = client
            .exchange_code(AuthorizationCode::new(code.to_owned()))
            .map_err(|error| AccountError::ProviderDown(error.into()))?
            .set_pkce_verifier(PkceCodeVerifier::new(ticket.verifier));
        let tokens = exchange.request_async(&self.http).await.map_err(|error| match error {
            RequestTokenError::ServerResponse(answer) => {
                tracing::info!(error = %answer.error(), "the provider takes no such code");
                AccountError::BadAnswer
            }
            other => AccountError::ProviderDown(other.into()),
        })?;
        let id_token = tokens.id_token().ok_or(AccountError::BadAnswer)?;
        let claims = id_token.claims(&client.id_token_verifier(), &Nonce::new(ticket.nonce)).map_err(|error| {
            tracing::warn!(error = &error as &dyn std::error::Error, "the provider's identity does not hold");
            AccountError::BadAnswer
        })?;
        let mut more = claims.additional_claims().0.clone();
        let mut names =
            [claims.preferred_username().map(|name| name.to_string()), claims.email().map(|mail| mail.to_string())];
        // Many providers put into the token only what they must, and tell the rest on request.
        let lacking = names[0].is_none() || !self.config.role_claims.iter().any(|claim| more.contains_key(claim));
        if lacking && let Ok(request) = client.user_info(tokens.access_token().clone(), Some(claims.subject().clone()))
        {
            let told: UserInfoClaims<MoreClaims, CoreGenderClaim> =
                request.request_async(&self.http).await.map_err(|error| AccountError::ProviderDown(error.into()))?;
            more.extend(told.additional_claims().0.clone());
            let told =
                [told.preferred_username().map(|name| name.to_string()), told.email().map(|mail| mail.to_string())];
            for (name, told) in names.iter_mut().zip(told) {
                *name = name.take().or(told);
            }
        }
        let subject = claims.subject().to_string();
        let [username, email] = names;
        let name = username.or(email).unwrap_or_else(|| subject.clone());
        Ok(Person { subject, name, role: role(&self.config.role_claims, &more) })
    }

    /// The client, with metadata that is at most an hour old.
    async fn client(&self, now: Millis) -> Result<Arc<OidcClient>, AccountError> {
        if let Some((since, client)) = self.client.lock().await.as_ref()
            && now - since < METADATA_MS
        {
            return Ok(client.clone());
        }
        // Not under the lock: where the provider does not answer, nobody waits for others who wait for it.
        let metadata = CoreProviderMetadata::discover_async(self.issuer.clone(), &self.http).await;
        let metadata = metadata.map_err(|error| AccountError::ProviderDown(error.into()))?;
        let secret =
            self.config.client_secret.as_ref().map(|secret| ClientSecret::new(secret.expose_secret().to_owned()));
        let client = Client::from_provider_metadata(metadata, ClientId::new(self.config.client_id.clone()), secret)
            .set_redirect_uri(self.redirect.clone());
        let client = Arc::new(client);
        *self.client.lock().await = Some((now, client.clone()));
        Ok(client)
    }
}

/// Follows no redirect, waits and reads with an end.
struct Http(HttpClient<HttpsConnector<HttpConnector>, Full<Bytes>>);

impl Http {
    fn new() -> Result<Self, TlsSetupError> {
        // Plain HTTP is for a provider on this very machine: the settings allow no other.
        let connector = HttpsConnectorBuilder::new().with_tls_config(client_config(Vec::new())?).https_or_http();
        Ok(Self(HttpClient::builder(TokioExecutor::new()).build(connector.enable_http1().build())))
    }

    async fn fetch(&self, mut request: HttpRequest) -> Result<HttpResponse, FetchError> {
        request.headers_mut().entry(ACCEPT).or_insert(HeaderValue::from_static("application/json"));
        let (head, body) = self.0.request(request.map(|body| Full::new(body.into()))).await?.into_parts();
        let body = Limited::new(body, MAX_ANSWER).collect().await.map_err(FetchError::Body)?;
        Ok(http::Response::from_parts(head, body.to_bytes().into()))
    }
}

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = FetchError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, FetchError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        let answer = tokio::time::timeout(PATIENCE, self.fetch(request));
        Box::pin(async { answer.await.map_err(|_| FetchError::Late)? })
    }
}

/// Why the provider could not be asked.
#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error(transparent)]
    Request(#[from] hyper_util::client::legacy::Error),
    #[error("its answer broke off or is longer than {MAX_ANSWER} bytes")]
    Body(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("it did not answer within {PATIENCE:?}")]
    Late,
}

/// The highest role that the first of the claims names.
fn role(claims: &[String], told: &Map<String, Value>) -> Option<Role> {
    let value = claims.iter().find_map(|claim| told.get(claim))?;
    let words: Vec<&str> = match value {
        Value::String(word) => vec![word],
        Value::Array(words) => words.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    // From the highest on.
    Role::ALL.iter().copied().find(|role| words.contains(&role.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_highest_role_of_the_first_claim_counts() {
        let claims = ["roles".to_owned(), "groups".to_owned()];
        let role = |told: Value| role(&claims, told.as_object().expect("an object"));
        assert_eq!(role(json!({ "roles": ["reviewer", "admin", "operator"] })), Some(Role::Admin));
        assert_eq!(role(json!({ "groups": "operator" })), Some(Role::Operator));
        assert_eq!(role(json!({ "roles": ["reviewer"], "groups": ["admin"] })), Some(Role::Reviewer));
        for none in
            [json!({}), json!({ "roles": ["Admin", "administrator"] }), json!({ "roles": 1, "groups": "admin" })]
        {
            assert_eq!(role(none.clone()), None, "{none}");
        }
    }
}
