//! Optimistic locking: `GET` returns the version of a resource as `ETag`; a change with `If-Match` applies only to that version (else 412).
//! Without `If-Match` the last change wins.

use axum::Json;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use callsheet::model::{Expected, Version};
use serde::Serialize;

use crate::http::AppState;
use crate::http::problem::ApiProblem;

/// A resource as JSON with its `ETag`.
pub(super) struct WithEtag<T>(pub(super) Version, pub(super) T);

impl<T: Serialize> IntoResponse for WithEtag<T> {
    fn into_response(self) -> Response {
        let Self(version, content) = self;
        ([(header::ETAG, format!("\"{}\"", version.as_str()))], Json(content)).into_response()
    }
}

/// The versions in `If-Match`.
pub(super) struct IfMatch(pub(super) Expected);

impl FromRequestParts<AppState> for IfMatch {
    type Rejection = ApiProblem;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, ApiProblem> {
        Ok(Self(expected(&parts.headers)))
    }
}

/// Reads `If-Match`. Weak and invalid tags match nothing (RFC 9110). The `headers` crate does not expose the tags.
fn expected(headers: &HeaderMap) -> Expected {
    let lines = headers.get_all(header::IF_MATCH);
    let tags = lines.iter().flat_map(|line| line.to_str().unwrap_or_default().split(',').map(str::trim));
    let tags: Vec<&str> = tags.collect();
    if tags.is_empty() || tags.contains(&"*") {
        return Expected::Any;
    }
    let strong = tags.into_iter().filter_map(|tag| tag.strip_prefix('"')?.strip_suffix('"'));
    Expected::OneOf(strong.map(Version::given).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strong_tags_are_read_from_all_lines() {
        let of = |lines: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(header::IF_MATCH, line.parse().expect("a value"));
            }
            expected(&headers)
        };
        let versions = |tags: &[&str]| Expected::OneOf(tags.iter().copied().map(Version::given).collect());
        assert_eq!(of(&[]), Expected::Any);
        assert_eq!(of(&["*"]), Expected::Any);
        assert_eq!(of(&["\"a\", W/\"b\" ,\"c\"", "\"d\""]), versions(&["a", "c", "d"]));
        for nothing in ["", "W/\"a\"", "a", "\""] {
            assert_eq!(of(&[nothing]), versions(&[]), "{nothing}");
        }
    }
}
