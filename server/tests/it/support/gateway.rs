//! A proxy in front of an S3 store that can drop requests and responses.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use callsheet_server::buckets::S3Bucket;
use http::header::TRANSFER_ENCODING;
use http::{Method, Request, Response, StatusCode, request};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;

use super::s3::{Keys, S3Store, bucket};

/// How the gateway handles a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GatewayAction {
    Forward,
    /// Forward the request, and close the connection instead of returning the response.
    DropResponse,
    /// Close the connection without forwarding the request.
    Disconnect,
    NotImplemented,
    Hang,
}

type Rule = Arc<dyn Fn(&request::Parts) -> GatewayAction + Send + Sync>;

/// A running gateway, stopped when dropped.
pub(crate) struct Gateway {
    address: SocketAddr,
    _serving: AbortOnDropHandle<()>,
}

impl Gateway {
    pub(crate) async fn start(
        store: &S3Store,
        rule: impl Fn(&request::Parts) -> GatewayAction + Send + Sync + 'static,
    ) -> Self {
        let (store, rule) = (store.address(), Arc::new(rule) as Rule);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let serve = async move {
            while let Ok((socket, _)) = listener.accept().await {
                let rule = Arc::clone(&rule);
                let service = service_fn(move |request| handle(Arc::clone(&rule), store, request));
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(socket), service));
            }
        };
        Self { address, _serving: AbortOnDropHandle::new(tokio::spawn(serve)) }
    }

    /// Returns a bucket of the store, accessed through this gateway.
    pub(crate) fn bucket(&self, keys: Keys, url: &str) -> S3Bucket {
        bucket(self.address, keys, url)
    }
}

/// Returns whether a request completes a multipart upload.
pub(crate) fn completes_upload(request: &request::Parts) -> bool {
    request.method == Method::POST && request.uri.query().is_some_and(|query| query.contains("uploadId="))
}

async fn handle(rule: Rule, store: SocketAddr, request: Request<Incoming>) -> io::Result<Response<Full<Bytes>>> {
    let (head, body) = request.into_parts();
    let action = rule(&head);
    match action {
        GatewayAction::Hang => std::future::pending().await,
        GatewayAction::Disconnect => return Err(io::Error::other("dropped the request")),
        GatewayAction::NotImplemented => {
            let mut refused = Response::new(Full::from("<Error><Code>NotImplemented</Code></Error>"));
            *refused.status_mut() = StatusCode::NOT_IMPLEMENTED;
            return Ok(refused);
        }
        GatewayAction::Forward | GatewayAction::DropResponse => {}
    }
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    // All headers are kept, including `Host`, because the request is signed.
    let request = reqwest::Client::new().request(head.method, format!("http://{store}{}", head.uri));
    let answer = request.headers(head.headers).body(body).send().await.map_err(io::Error::other)?;
    if action == GatewayAction::DropResponse {
        return Err(io::Error::other("dropped the response"));
    }
    let mut response = Response::new(Full::default());
    (*response.status_mut(), *response.headers_mut()) = (answer.status(), answer.headers().clone());
    response.headers_mut().remove(TRANSFER_ENCODING);
    *response.body_mut() = Full::from(answer.bytes().await.map_err(io::Error::other)?);
    Ok(response)
}
