//! Plain facts of the request that is being answered, and addresses of our own pages.

use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use callsheet::model::Actor;
use leptos::prelude::*;
use leptos_axum::ResponseOptions;
use url::form_urlencoded::Serializer;

use crate::texts::{Locale, Texts};

/// Who is signed in.
pub(crate) fn actor() -> Option<Actor> {
    use_context::<Parts>()?.extensions.get().cloned()
}

/// Whether the browser itself asks, and not a script that reads the answer.
pub(crate) fn wants_html() -> bool {
    let accept = use_context::<Parts>().and_then(|parts| parts.headers.get(header::ACCEPT).cloned());
    accept.is_some_and(|accept| accept.to_str().is_ok_and(|accept| accept.contains("text/html")))
}

/// Answers with this status.
pub(crate) fn set_status(status: u16) {
    if let Some(response) = use_context::<ResponseOptions>() {
        response.set_status(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR));
    }
}

/// Path and query of the request.
pub(crate) fn address() -> String {
    use_context::<Parts>().and_then(|parts| Some(parts.uri.path_and_query()?.to_string())).unwrap_or_default()
}

/// A query without its empty values, with its `?`; empty when nothing is left.
pub(crate) fn encode(pairs: &[(&str, String)]) -> String {
    let kept = pairs.iter().filter(|(_, value)| !value.is_empty());
    let query = Serializer::new(String::new()).extend_pairs(kept).finish();
    if query.is_empty() { query } else { format!("?{query}") }
}

/// The address of a domain's page.
pub(crate) fn page_of(push: &str) -> String {
    format!("/domains/{push}")
}

/// The login's address, which leads on to `next`.
pub(crate) fn login_page(next: String) -> String {
    format!("/login{}", encode(&[("next", next)]))
}

/// The language of the request: a link's `?lang=`, the cookie, the browser's wish.
pub(crate) fn texts() -> Texts {
    let Some(parts) = use_context::<Parts>() else { return Texts(Locale::English) };
    Texts(chosen(&parts).unwrap_or_else(|| Locale::of_request(&parts.headers)))
}

/// The language that a language link asks for.
pub(crate) fn chosen(parts: &Parts) -> Option<Locale> {
    let query = parts.uri.query()?;
    query.split('&').find_map(|pair| pair.strip_prefix("lang=")).and_then(Locale::of_tag)
}

/// The page whose form was posted.
pub(crate) fn form_page() -> String {
    use_context::<Parts>()
        .and_then(|parts| parts.headers.get(header::REFERER)?.to_str().ok().map(own_page))
        .unwrap_or_else(|| "/".to_owned())
}

/// Path and query of a page of our own, out of its whole address; what follows `//` twice cannot lead elsewhere.
fn own_page(address: &str) -> String {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let path = rest.find('/').map_or("/", |start| &rest[start..]);
    local_path(path).unwrap_or_else(|| "/".to_owned())
}

/// `path` if it stays on this console: it starts with one slash, and no browser reads it as another host.
pub(crate) fn local_path(path: &str) -> Option<String> {
    let stays = path.starts_with('/')
        && !path.starts_with("//")
        && !path.contains('\\')
        && path.bytes().all(|b| b.is_ascii_graphic());
    stays.then(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_filters_leave_the_address() {
        assert_eq!(encode(&[("q", String::new()), ("page", String::new())]), "");
        assert_eq!(encode(&[("q", "a b&c".to_owned()), ("status", String::new())]), "?q=a+b%26c");
    }

    #[test]
    fn redirects_stay_here() {
        assert_eq!(own_page("http://127.0.0.1:3000/domains?page=2"), "/domains?page=2");
        assert_eq!(own_page("https://console.example"), "/");
        assert_eq!(own_page("http://a//evil.example/"), "/");
        for bad in ["//evil.example", "https://evil.example", "/\\evil.example", "/a\r\nb", ""] {
            assert_eq!(local_path(bad), None, "{bad}");
        }
    }
}
