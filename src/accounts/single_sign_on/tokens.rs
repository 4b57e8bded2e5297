//! Requests to the token endpoint and the userinfo endpoint.

use reqwest::{RequestBuilder, StatusCode};
use secrecy::ExposeSecret;
use serde_json::Value;
use url::Url;
use url::form_urlencoded::byte_serialize;

use super::claims::{Claims, subject};
use super::http::send;
use super::jwt::{Untrusted, verified};
use super::metadata::{ClientAuth, Metadata};
use super::{Provider, SignOnError, plain};

/// Tokens of a successful exchange.
pub(super) struct Tokens {
    pub(super) id_token: String,
    pub(super) access_token: Option<String>,
}

impl Provider {
    /// Exchanges a code for tokens.
    pub(super) async fn redeem(&self, metadata: &Metadata, code: &str, verifier: &str) -> Result<Tokens, SignOnError> {
        let methods = match self.config.client_secret {
            Some(_) => metadata.client_auth()?,
            // A public client sends its id in the body.
            None => vec![ClientAuth::Body],
        };
        let mut refused = None;
        for method in methods {
            match self.redeem_by(method, metadata, code, verifier).await {
                Err(fault @ SignOnError::BadClient(_)) => refused = refused.or(Some(fault)),
                outcome => return outcome,
            }
        }
        Err(refused.unwrap_or_else(|| SignOnError::BadClient("no method is left".to_owned())))
    }

    async fn redeem_by(
        &self,
        method: ClientAuth,
        metadata: &Metadata,
        code: &str,
        verifier: &str,
    ) -> Result<Tokens, SignOnError> {
        let url = &metadata.token_endpoint;
        let answer = send(url, self.token_request(method, url, code, verifier)).await?;
        let unreadable = |why| SignOnError::Unreadable { what: "token endpoint", url: url.to_string(), why };
        let object = serde_json::from_slice::<Claims>(&answer.body).unwrap_or_default();
        let text = |name: &str| object.get(name).and_then(Value::as_str).map(str::to_owned);
        let unauthorized = (answer.status == StatusCode::UNAUTHORIZED).then(|| "status 401".to_owned());
        if let Some(error) = text("error").or(unauthorized) {
            let description = text("error_description").filter(|text| !text.is_empty());
            let mut why = description.map_or_else(|| error.clone(), |description| format!("{error} ({description})"));
            // A provider may echo parameters of the request.
            let secret = self.config.client_secret.as_ref().map(ExposeSecret::expose_secret);
            for sent in [Some(code), Some(verifier), secret].into_iter().flatten() {
                why = why.replace(sent, "…");
            }
            let why = plain(&why);
            return Err(match error.as_str() {
                "invalid_client" | "unauthorized_client" | "status 401" => SignOnError::BadClient(why),
                "invalid_grant" => SignOnError::BadCode(why),
                _ => SignOnError::TokenRefused(why),
            });
        }
        answer.object().map_err(unreadable)?;
        let id_token = text("id_token").ok_or_else(|| unreadable("its response has no id_token".to_owned()))?;
        Ok(Tokens { id_token, access_token: text("access_token") })
    }

    fn token_request(&self, method: ClientAuth, url: &Url, code: &str, verifier: &str) -> RequestBuilder {
        let id = self.config.client_id.as_str();
        let secret = self.config.client_secret.as_ref().map(ExposeSecret::expose_secret);
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", self.redirect.as_str()),
            ("code_verifier", verifier),
        ];
        let mut request = self.http.post(url.clone());
        match (method, secret) {
            (ClientAuth::Basic, Some(secret)) => {
                // RFC 6749, section 2.3.1: id and secret are form-encoded first.
                let encode = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
                request = request.basic_auth(encode(id), Some(encode(secret)));
            }
            (_, secret) => {
                form.push(("client_id", id));
                form.extend(secret.map(|secret| ("client_secret", secret)));
            }
        }
        request.form(&form)
    }

    /// Fetches claims that are not in the ID token. `expected`: subject of the ID token.
    pub(super) async fn userinfo(
        &self,
        metadata: &Metadata,
        access_token: &str,
        expected: &str,
    ) -> Result<Claims, SignOnError> {
        let Some(url) = &metadata.userinfo_endpoint else { return Ok(Claims::new()) };
        let answer = send(url, self.http.get(url.clone()).bearer_auth(access_token)).await?;
        let unusable = |why| SignOnError::Userinfo { url: url.to_string(), why };
        let claims = if answer.content_type.to_ascii_lowercase().contains("jwt") {
            answer.succeeded().map_err(unusable)?;
            let token = String::from_utf8_lossy(&answer.body);
            verified(&token, metadata, self.config.client_secret.as_ref()).map_err(|untrusted| match untrusted {
                Untrusted::NoKey(why) | Untrusted::Other(why) => unusable(format!("it is signed, and {why}")),
            })?
        } else {
            answer.object().map_err(unusable)?
        };
        // OpenID Connect Core 1.0, section 5.3.2: claims of another subject must not be used.
        match subject(&claims) {
            Some(found) if found == expected => Ok(claims),
            Some(found) => {
                Err(unusable(format!("its sub is `{}`, and that of the ID token is `{expected}`", plain(&found))))
            }
            None => Err(unusable("it has no sub".to_owned())),
        }
    }
}
