//! HTTP client for the provider. It does not follow redirects, and limits time and size.

use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderName, LOCATION};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::{Map, Value};
use url::Url;

use super::{ProviderSetupError, SignOnError};
use crate::outbound::client_config;

/// A user waits for the result.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Maximum size of a response. Metadata, keys and claims are a few kB.
const MAX_BODY: usize = 1024 * 1024;

/// Creates a client. The settings allow plain HTTP only for a provider on this machine.
pub(super) fn client() -> Result<Client, ProviderSetupError> {
    let tls = client_config(Vec::new())?;
    let client = Client::builder().tls_backend_preconfigured(tls).redirect(Policy::none()).no_proxy().timeout(TIMEOUT);
    Ok(client.build()?)
}

/// A response of the provider.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) content_type: String,
    location: Option<String>,
    pub(super) body: Vec<u8>,
}

/// Failed request to the provider.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    #[error("the connection failed or was interrupted")]
    Request(#[source] reqwest::Error),
    #[error("the response is longer than {MAX_BODY} bytes")]
    TooLong,
    #[error("status {0}")]
    Status(StatusCode),
    #[error("no response within {TIMEOUT:?}")]
    Late,
}

impl From<reqwest::Error> for FetchError {
    fn from(error: reqwest::Error) -> Self {
        if error.is_timeout() { Self::Late } else { Self::Request(error.without_url()) }
    }
}

/// Sends a request to `url`.
pub(super) async fn send(url: &Url, request: RequestBuilder) -> Result<Answer, SignOnError> {
    fetch(request).await.map_err(|source| SignOnError::Unreachable { url: url.to_string(), source })
}

async fn fetch(request: RequestBuilder) -> Result<Answer, FetchError> {
    let mut response = request.header(ACCEPT, "application/json").send().await?;
    let status = response.status();
    if status.is_server_error() {
        return Err(FetchError::Status(status));
    }
    let text = |name: HeaderName| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let (content_type, location) = (text(CONTENT_TYPE).unwrap_or_default(), text(LOCATION));
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > MAX_BODY {
            return Err(FetchError::TooLong);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer { status, content_type, location, body })
}

impl Answer {
    /// Returns the JSON object of a successful response, regardless of its content type, or else a description of the problem.
    pub(super) fn object(&self) -> Result<Map<String, Value>, String> {
        self.succeeded()?;
        serde_json::from_slice(&self.body).map_err(|error| format!("it is not a JSON object: {error}"))
    }

    pub(super) fn succeeded(&self) -> Result<(), String> {
        match &self.location {
            _ if self.status.is_success() => Ok(()),
            Some(to) if self.status.is_redirection() => {
                Err(format!("it redirects to {}", to.split('?').next().unwrap_or_default()))
            }
            _ => Err(format!("status {}", self.status)),
        }
    }
}
