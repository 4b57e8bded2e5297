//! HTTP client of S3 stores: reqwest with the console's TLS settings, plus a condition that keeps uploads from overwriting objects.
//!
//! `object_store` completes multipart uploads unconditionally and has no setting for it, so `If-None-Match: *` is added here. A store
//! that does not implement the condition gets the request without it; then only the check before the upload protects an object.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use callsheet::outbound::tls_settings;
use http::header::IF_NONE_MATCH;
use http::{HeaderValue, Method, StatusCode};
use object_store::ClientOptions;
use object_store::client::{HttpClient, HttpConnector, HttpError, HttpRequest, HttpResponse, HttpService};
use reqwest::redirect::Policy;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// For sending up to 8 MiB and receiving the response head, and between two reads of the body.
const READ_TIMEOUT: Duration = Duration::from_secs(60);
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// Error code of a store that does not implement a request header.
const NOT_IMPLEMENTED: &[u8] = b"<Code>NotImplemented</Code>";

/// Creates the HTTP clients of `object_store`.
#[derive(Debug)]
pub(super) struct ConditionalConnector;

impl HttpConnector for ConditionalConnector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        let error = |source| object_store::Error::Generic { store: "S3", source };
        let tls = tls_settings(Vec::new()).map_err(|cause| error(cause.into()))?;
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured((*tls).clone())
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(READ_TIMEOUT)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .redirect(Policy::none())
            .no_proxy()
            .build()
            .map_err(|cause| error(cause.into()))?;
        Ok(HttpClient::new(ConditionalClient { client, supports_conditions: AtomicBool::new(true) }))
    }
}

#[derive(Debug)]
struct ConditionalClient {
    client: reqwest::Client,
    /// Cleared when the store rejects a conditional completion as not implemented.
    supports_conditions: AtomicBool,
}

#[async_trait]
impl HttpService for ConditionalClient {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        if !completes_upload(&request) || !self.supports_conditions.load(Ordering::Relaxed) {
            return self.client.call(request).await;
        }
        let mut conditional = request.clone();
        conditional.headers_mut().insert(IF_NONE_MATCH, HeaderValue::from_static("*"));
        let (head, body) = self.client.call(conditional).await?.into_parts();
        if !matches!(head.status, StatusCode::NOT_IMPLEMENTED | StatusCode::BAD_REQUEST) {
            return Ok(HttpResponse::from_parts(head, body));
        }
        let body = body.bytes().await?;
        let is_not_implemented = head.status == StatusCode::NOT_IMPLEMENTED
            || body.windows(NOT_IMPLEMENTED.len()).any(|code| code == NOT_IMPLEMENTED);
        if !is_not_implemented {
            return Ok(HttpResponse::from_parts(head, body.into()));
        }
        tracing::warn!(
            "the store does not support conditional uploads; allow the keys to read objects, so that none is overwritten"
        );
        self.supports_conditions.store(false, Ordering::Relaxed);
        self.client.call(request).await
    }
}

fn completes_upload(request: &HttpRequest) -> bool {
    let query = request.uri().query().unwrap_or_default();
    request.method() == Method::POST && query.split('&').any(|pair| pair.starts_with("uploadId="))
}
