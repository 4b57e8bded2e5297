//! Serves the static files of the pages.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, VARY};
use http::{HeaderMap, HeaderValue, StatusCode, Uri};
use std::sync::Arc;

use super::AppState;
use crate::assets::{Asset, Assets};

/// For files with a hash of their content in the path.
const IMMUTABLE: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const NO_CACHE: HeaderValue = HeaderValue::from_static("no-cache");

/// Creates a route for each file. Other paths in their folder, such as files of another version, get 404.
pub(super) fn routes(assets: &Assets) -> Router<AppState> {
    let missing = Router::new().route("/pkg/{*path}", get(StatusCode::NOT_FOUND));
    assets.paths().fold(missing, |router, path| router.route(&format!("/{path}"), get(show)))
}

async fn show(State(assets): State<Arc<Assets>>, uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    let Some(asset) = assets.get(path) else { return StatusCode::NOT_FOUND.into_response() };
    let (coding, content) = smallest(&asset, &headers);
    let content_type = mime_guess::from_path(path).first_or_octet_stream();
    let cache = if asset.immutable { IMMUTABLE } else { NO_CACHE };
    let head = [(CACHE_CONTROL, cache), (VARY, HeaderValue::from_name(ACCEPT_ENCODING))];
    let coding = coding.map(|coding| [(CONTENT_ENCODING, coding)]);
    (head, [(CONTENT_TYPE, content_type.to_string())], coding, content.clone()).into_response()
}

/// Returns the smallest copy that the client accepts, with its content coding.
fn smallest<'a>(asset: &Asset<'a>, headers: &HeaderMap) -> (Option<&'static str>, &'a Bytes) {
    let copies = [("br", asset.brotli), ("gzip", asset.gzip)];
    let accepted = |coding: &str| accepts(headers, coding);
    let mut copies = copies.into_iter().filter_map(|(coding, copy)| Some((coding, copy?)));
    copies.find(|(coding, _)| accepted(coding)).map_or((None, asset.content), |(coding, copy)| (Some(coding), copy))
}

/// Returns whether `Accept-Encoding` lists the coding with a weight above 0.
fn accepts(headers: &HeaderMap, coding: &str) -> bool {
    let values = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|item| {
        let (name, weight) = item.split_once(';').unwrap_or((item, ""));
        let refused = weight.trim().strip_prefix("q=").is_some_and(|weight| weight.parse() == Ok(0.0));
        name.trim().eq_ignore_ascii_case(coding) && !refused
    })
}
