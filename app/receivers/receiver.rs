// cargo add axum standardwebhooks; cargo add tokio --features full
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::{Router, routing::post};
use standardwebhooks::Webhook;

async fn receive(State(webhook): State<Arc<Webhook>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    // `body` contains the raw bytes.
    if webhook.verify(&body, &headers).is_err() {
        return StatusCode::UNAUTHORIZED;
    }
    // The same webhook-id can arrive twice: store it, and process it once.
    println!("{:?} {}", headers["webhook-id"], String::from_utf8_lossy(&body));
    StatusCode::NO_CONTENT
}

pub fn receiver(secret: &str) -> Router {
    let webhook = Webhook::new(secret).expect("a secret, whsec_…");
    Router::new().route("/", post(receive)).with_state(Arc::new(webhook))
}

#[tokio::main]
async fn main() {
    let secret = std::env::var("CALLSHEET_SECRET").expect("CALLSHEET_SECRET");
    let listener = tokio::net::TcpListener::bind("0.0.0.0:8080").await.expect("port 8080");
    axum::serve(listener, receiver(&secret)).await.expect("serving");
}
