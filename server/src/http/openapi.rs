//! `GET /api/openapi.json`: description of the REST API. It is public, because it contains no data of the console.

use std::sync::LazyLock;

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use super::api_v1::description;

/// The text and its ETag.
static ANSWER: LazyLock<(String, String)> = LazyLock::new(|| {
    let text = description();
    let tag = format!("\"{}\"", hex::encode(&Sha256::digest(&text)[..8]));
    (text, tag)
});

pub(super) async fn show(headers: HeaderMap) -> Response {
    let (text, tag) = &*ANSWER;
    let caching = [(header::ETAG, tag.as_str()), (header::CACHE_CONTROL, "no-cache")];
    if headers.get(header::IF_NONE_MATCH).is_some_and(|known| known == tag.as_str()) {
        return (StatusCode::NOT_MODIFIED, caching).into_response();
    }
    (caching, [(header::CONTENT_TYPE, "application/json")], text.as_str()).into_response()
}
