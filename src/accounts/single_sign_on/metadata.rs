//! Discovery of the provider's addresses, keys and methods (OpenID Connect Discovery 1.0). Unused members may have any type.

use openidconnect::JsonWebKeySet;
use openidconnect::core::CoreJsonWebKey;
use reqwest::Client;
use serde_json::{Map, Value};
use url::Url;

use super::SignOnError;
use super::http::send;

const DOCUMENT: &str = "discovery document";

/// A method by which the client authenticates at the token endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ClientAuth {
    /// `client_secret_basic`.
    Basic,
    /// `client_secret_post`.
    Body,
}

#[derive(Debug)]
pub(super) struct Metadata {
    pub(super) authorization_endpoint: Url,
    pub(super) token_endpoint: Url,
    pub(super) userinfo_endpoint: Option<Url>,
    pub(super) keys: JsonWebKeySet<CoreJsonWebKey>,
    /// Names of signature algorithms of ID tokens.
    pub(super) signing_algorithms: Vec<String>,
    /// Empty if not advertised.
    auth_methods: Vec<String>,
}

impl Metadata {
    pub(super) async fn fetch(http: &Client, issuer: &str) -> Result<Self, SignOnError> {
        let url = document_url(issuer)?;
        let unreadable = |why: String| SignOnError::Unreadable { what: DOCUMENT, url: url.to_string(), why };
        let document = send(&url, http.get(url.clone())).await?.object().map_err(unreadable)?;
        match document.get("issuer").and_then(Value::as_str) {
            // Section 4.3: the issuer must be identical to the one in the address.
            Some(found) if found == issuer => {}
            Some(found) => {
                return Err(SignOnError::OtherIssuer { configured: issuer.to_owned(), found: found.to_owned() });
            }
            None => return Err(unreadable("it has no issuer".to_owned())),
        }
        let required = |name| endpoint(&document, name).and_then(|url| url.ok_or_else(|| format!("it has no {name}")));
        let keys_url = required("jwks_uri").map_err(unreadable)?;
        let keys = send(&keys_url, http.get(keys_url.clone())).await?;
        let keys = keys.object().and_then(|keys| {
            serde_json::from_value(Value::Object(keys)).map_err(|error| format!("it contains no keys: {error}"))
        });
        Ok(Self {
            authorization_endpoint: required("authorization_endpoint").map_err(unreadable)?,
            token_endpoint: required("token_endpoint").map_err(unreadable)?,
            userinfo_endpoint: endpoint(&document, "userinfo_endpoint").map_err(unreadable)?,
            keys: keys.map_err(|why| SignOnError::Unreadable { what: "key set", url: keys_url.into(), why })?,
            signing_algorithms: names(&document, "id_token_signing_alg_values_supported"),
            auth_methods: names(&document, "token_endpoint_auth_methods_supported"),
        })
    }

    /// Returns the methods to try, in order. A provider that lists both may accept only one from this client.
    pub(super) fn client_auth(&self) -> Result<Vec<ClientAuth>, SignOnError> {
        if self.auth_methods.is_empty() {
            // Discovery 1.0, section 3: the default.
            return Ok(vec![ClientAuth::Basic]);
        }
        let listed = [("client_secret_basic", ClientAuth::Basic), ("client_secret_post", ClientAuth::Body)];
        let listed = listed.into_iter().filter(|(name, _)| self.auth_methods.iter().any(|method| method == name));
        let methods: Vec<_> = listed.map(|(_, method)| method).collect();
        if methods.is_empty() { Err(SignOnError::NoMethod(self.auth_methods.join(", "))) } else { Ok(methods) }
    }
}

/// Section 4.1: a slash at the end of the issuer is removed before the path of the document is appended.
fn document_url(issuer: &str) -> Result<Url, SignOnError> {
    let text = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
    Url::parse(&text)
        .map_err(|error| SignOnError::OtherIssuer { configured: issuer.to_owned(), found: error.to_string() })
}

fn endpoint(document: &Map<String, Value>, name: &str) -> Result<Option<Url>, String> {
    let Some(text) = document.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "https" | "http"));
    url.map(Some).ok_or_else(|| format!("its {name} is not an http(s) URL"))
}

/// Returns the strings of a list, or a single string as a list.
fn names(document: &Map<String, Value>, name: &str) -> Vec<String> {
    let texts = match document.get(name) {
        Some(Value::Array(values)) => values.iter().filter_map(Value::as_str).collect(),
        Some(Value::String(one)) => vec![one.as_str()],
        _ => Vec::new(),
    };
    texts.into_iter().map(str::to_owned).collect()
}
