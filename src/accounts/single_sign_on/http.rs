//! HTTP client for the provider. It does not follow redirects, and limits time and size.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, LOCATION};
use http::{HeaderValue, Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Map, Value};
use url::Url;

use super::SignOnError;
use crate::outbound::{TlsSetupError, client_config};

/// A user waits for the result.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Maximum size of a response. Metadata, keys and claims are a few kB.
const MAX_BODY: usize = 1024 * 1024;

pub(super) struct ProviderClient(Client<HttpsConnector<HttpConnector>, Full<Bytes>>);

/// A response of the provider.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) content_type: String,
    location: Option<String>,
    pub(super) body: Bytes,
}

/// Failed request to the provider.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    #[error("invalid URL")]
    Address(#[from] http::Error),
    #[error("the connection failed or was interrupted")]
    Request(#[from] hyper_util::client::legacy::Error),
    #[error("the response was interrupted or is longer than {MAX_BODY} bytes")]
    Body(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("status {0}")]
    Status(StatusCode),
    #[error("no response within {TIMEOUT:?}")]
    Late,
}

impl ProviderClient {
    pub(super) fn new() -> Result<Self, TlsSetupError> {
        // The settings allow plain HTTP only for a provider on this machine.
        let connector = HttpsConnectorBuilder::new().with_tls_config(client_config(Vec::new())?).https_or_http();
        Ok(Self(Client::builder(TokioExecutor::new()).build(connector.enable_http1().build())))
    }

    pub(super) async fn get(&self, url: &Url) -> Result<Answer, SignOnError> {
        self.send(url, Request::get(url.as_str()).body(Full::default())).await
    }

    /// Sends a request for `url`.
    pub(super) async fn send(
        &self,
        url: &Url,
        request: Result<Request<Full<Bytes>>, http::Error>,
    ) -> Result<Answer, SignOnError> {
        let answer = tokio::time::timeout(TIMEOUT, self.fetch(request)).await;
        answer
            .map_err(|_| FetchError::Late)
            .flatten()
            .map_err(|source| SignOnError::Unreachable { url: url.to_string(), source })
    }

    async fn fetch(&self, request: Result<Request<Full<Bytes>>, http::Error>) -> Result<Answer, FetchError> {
        let mut request = request?;
        request.headers_mut().entry(ACCEPT).or_insert(HeaderValue::from_static("application/json"));
        let (head, body) = self.0.request(request).await?.into_parts();
        if head.status.is_server_error() {
            return Err(FetchError::Status(head.status));
        }
        let body = Limited::new(body, MAX_BODY).collect().await.map_err(FetchError::Body)?.to_bytes();
        let text = |name| head.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let content_type = text(CONTENT_TYPE).unwrap_or_default();
        Ok(Answer { status: head.status, content_type, location: text(LOCATION), body })
    }
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
