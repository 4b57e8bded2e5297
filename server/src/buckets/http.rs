//! How S3 stores are spoken to: over the console's own TLS settings, and waiting for nothing without end.
//!
//! **No upload overwrites an object.** `object_store` completes uploads without a condition and offers no setting for it, so the condition
//! (`If-None-Match: *`) is added to the request here. A store that does not know it gets the request without it; then only the look at the key
//! before the upload protects an object.

use std::error::Error;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use callsheet::outbound::tls_settings;
use http::header::IF_NONE_MATCH;
use http::{HeaderValue, Method, StatusCode};
use http_body_util::BodyExt;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector as Connect, HttpError, HttpErrorKind, HttpRequest, HttpRequestBody, HttpResponse,
    HttpResponseBody, HttpService,
};
use tower_http::timeout::TimeoutBody;

const CONNECT: Duration = Duration::from_secs(5);
/// For a request of 8 MiB and the head of its answer, and between two pieces of an answer.
const ANSWER: Duration = Duration::from_secs(60);
const IDLE: Duration = Duration::from_secs(30);

/// Makes clients for `object_store`.
#[derive(Debug)]
pub(super) struct Connector;

impl Connect for Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        let tls = tls_settings(Vec::new())
            .map_err(|error| object_store::Error::Generic { store: "S3", source: Box::new(error) })?;
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_connect_timeout(Some(CONNECT));
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .build(HttpsConnector::from((http, tls)));
        Ok(HttpClient::new(Service { client, takes_conditions: AtomicBool::new(true) }))
    }
}

#[derive(Debug)]
struct Service {
    client: Client<HttpsConnector<HttpConnector>, HttpRequestBody>,
    /// The store has not refused to complete an upload conditionally.
    takes_conditions: AtomicBool,
}

#[async_trait]
impl HttpService for Service {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        if !completes_upload(&request) || !self.takes_conditions.load(Ordering::Relaxed) {
            return self.send(request).await;
        }
        let mut conditional = request.clone();
        conditional.headers_mut().insert(IF_NONE_MATCH, HeaderValue::from_static("*"));
        let (head, body) = self.send(conditional).await?.into_parts();
        if !matches!(head.status, StatusCode::NOT_IMPLEMENTED | StatusCode::BAD_REQUEST) {
            return Ok(HttpResponse::from_parts(head, body));
        }
        let body = body.bytes().await?;
        let is_unknown = head.status == StatusCode::NOT_IMPLEMENTED
            || body.windows(NOT_IMPLEMENTED.len()).any(|code| code == NOT_IMPLEMENTED);
        if !is_unknown {
            return Ok(HttpResponse::from_parts(head, body.into()));
        }
        tracing::warn!(
            "the store cannot complete an upload only if its key is free; let the keys read objects, so that none is overwritten"
        );
        self.takes_conditions.store(false, Ordering::Relaxed);
        self.send(request).await
    }
}

/// The code of an S3 error: the store does not know a header.
const NOT_IMPLEMENTED: &[u8] = b"<Code>NotImplemented</Code>";

fn completes_upload(request: &HttpRequest) -> bool {
    let query = request.uri().query().unwrap_or_default();
    request.method() == Method::POST && query.split('&').any(|pair| pair.starts_with("uploadId="))
}

impl Service {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let answer = tokio::time::timeout(ANSWER, self.client.request(request)).await;
        let answer = answer.map_err(|late| HttpError::new(HttpErrorKind::Timeout, late))?;
        let answer = answer.map_err(|error| {
            let kind = if error.is_connect() { HttpErrorKind::Connect } else { HttpErrorKind::Interrupted };
            HttpError::new(kind, error)
        })?;
        let broken = |error: Box<dyn Error + Send + Sync>| HttpError::new_boxed(HttpErrorKind::Interrupted, error);
        Ok(answer.map(|body| HttpResponseBody::new(TimeoutBody::new(ANSWER, body).map_err(broken))))
    }
}
