//! `callsheet listen`: a receiver to try callbacks with. It prints each one and says whether its signature holds.

use std::io::Write;
use std::net::Ipv4Addr;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use callsheet::outbound::SigningSecret;
use http::{HeaderMap, StatusCode};

use super::Failure;

/// Prints callbacks until it is stopped.
pub(super) async fn listen(port: u16, secrets: &[String]) -> Result<(), Failure> {
    let secrets: Vec<SigningSecret> = secrets
        .iter()
        .map(|secret| SigningSecret::parse(secret))
        .collect::<Result<_, _>>()
        .map_err(|e| Failure { message: format!("--secret: {e}"), exit: 2 })?;
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .await
        .map_err(|e| Failure { message: format!("--port: cannot listen on {port}: {e}"), exit: 1 })?;
    println!("Waiting for callbacks on http://{}/", listener.local_addr()?);
    if secrets.is_empty() {
        println!("Signatures are not verified; use --secret whsec_… to verify them.");
    }
    let receiver =
        Router::new().route("/", post(receive)).route("/{*path}", post(receive)).with_state(Arc::new(secrets));
    Ok(axum::serve(listener, receiver).await?)
}

/// A wrong signature is answered as a real receiver should.
async fn receive(State(secrets): State<Arc<Vec<SigningSecret>>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let header = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or("-").to_owned();
    let verdicts: Vec<_> = secrets.iter().map(|secret| secret.verify(&headers, &body)).collect();
    let (signature, status) = match verdicts.last() {
        None => ("signature not verified".to_owned(), StatusCode::OK),
        Some(Err(error)) if verdicts.iter().all(Result::is_err) => {
            (format!("INVALID SIGNATURE: {error}"), StatusCode::UNAUTHORIZED)
        }
        Some(_) => ("valid signature".to_owned(), StatusCode::OK),
    };
    let test = if headers.contains_key("callsheet-test") { "  (test)" } else { "" };
    let written = writeln!(
        std::io::stdout().lock(),
        "{}  {}  attempt {}  {signature}{test}\n  {}",
        header("callsheet-event"),
        header("webhook-id"),
        header("callsheet-attempt"),
        String::from_utf8_lossy(&body)
    );
    // A callback that nobody could read was not received.
    if written.is_ok() { status } else { StatusCode::SERVICE_UNAVAILABLE }
}
