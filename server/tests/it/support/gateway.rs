//! A gateway before an S3 store, which passes requests on, loses answers, refuses, or hangs.

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

use super::http_client;
use super::s3::{Keys, S3Store, bucket};

/// What happens to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Passes,
    /// The store does what was asked for, and the connection breaks before its answer.
    LosesAnswer,
    /// The store is not asked; the connection breaks.
    Breaks,
    NotImplemented,
    Hangs,
}

type Rule = Arc<dyn Fn(&request::Parts) -> Fate + Send + Sync>;

/// A running gateway; ends when it goes out of sight.
pub(crate) struct Gateway {
    address: SocketAddr,
    _serving: AbortOnDropHandle<()>,
}

impl Gateway {
    pub(crate) async fn before(
        store: &S3Store,
        rule: impl Fn(&request::Parts) -> Fate + Send + Sync + 'static,
    ) -> Self {
        let (store, rule) = (store.address(), Arc::new(rule) as Rule);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let serve = async move {
            while let Ok((socket, _)) = listener.accept().await {
                let rule = Arc::clone(&rule);
                let pass = service_fn(move |request| pass(Arc::clone(&rule), store, request));
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(socket), pass));
            }
        };
        Self { address, _serving: AbortOnDropHandle::new(tokio::spawn(serve)) }
    }

    /// A bucket of the store behind it.
    pub(crate) fn bucket(&self, keys: Keys, url: &str) -> S3Bucket {
        bucket(self.address, keys, url)
    }
}

/// Asks for the end of a multipart upload.
pub(crate) fn completes_upload(request: &request::Parts) -> bool {
    request.method == Method::POST && request.uri.query().is_some_and(|query| query.contains("uploadId="))
}

async fn pass(rule: Rule, store: SocketAddr, request: Request<Incoming>) -> io::Result<Response<Full<Bytes>>> {
    let (head, body) = request.into_parts();
    let fate = rule(&head);
    match fate {
        Fate::Hangs => std::future::pending().await,
        Fate::Breaks => return Err(io::Error::other("the request is lost")),
        Fate::NotImplemented => {
            let mut refused = Response::new(Full::from("<Error><Code>NotImplemented</Code></Error>"));
            *refused.status_mut() = StatusCode::NOT_IMPLEMENTED;
            return Ok(refused);
        }
        Fate::Passes | Fate::LosesAnswer => {}
    }
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    // With its headers, `Host` included: the request is signed.
    let request = http_client().request(head.method, format!("http://{store}{}", head.uri));
    let answer = request.headers(head.headers).body(body).send().await.map_err(io::Error::other)?;
    if fate == Fate::LosesAnswer {
        return Err(io::Error::other("the answer is lost"));
    }
    let mut passed = Response::new(Full::default());
    (*passed.status_mut(), *passed.headers_mut()) = (answer.status(), answer.headers().clone());
    passed.headers_mut().remove(TRANSFER_ENCODING);
    *passed.body_mut() = Full::from(answer.bytes().await.map_err(io::Error::other)?);
    Ok(passed)
}
