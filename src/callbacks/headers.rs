//! Validation of custom headers: allowed names, number and sizes.

use std::collections::HashSet;

use http::{HeaderName, HeaderValue};

use crate::model::ProblemKind::Invalid;
use crate::model::{Problem, ProblemDetails, problem};

/// Maximum number of custom headers.
const MAX_HEADERS: usize = 16;
/// Maximum length of a name.
const MAX_NAME: usize = 64;
/// Maximum length of a value.
const MAX_VALUE: usize = 1024;

/// Headers of the connection or of the request's framing, like all names that begin with `content-`. `accept-encoding` is reserved because
/// responses are not decompressed.
const OF_THE_REQUEST: &[&str] = &[
    "accept-encoding",
    "connection",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];
/// Headers that the console sets, or that a receiver may take for a signature.
const OURS: &[&str] = &["digest", "repr-digest", "signature", "signature-input", "user-agent"];
/// Verifiers of Standard Webhooks accept `svix-` in place of `webhook-`.
const OUR_PREFIXES: &[&str] = &["callsheet-", "svix-", "webhook-"];

/// A header is not allowed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    #[error("“{0}” is not a header; use the form Name: value, with a name of letters, digits and hyphens")]
    Unreadable(String),
    #[error("header {0} is part of the request itself and cannot be set; remove it")]
    OfTheRequest(String),
    #[error("header {0} is set by the console or used for the signature; choose another name, such as x-{0}")]
    Ours(String),
    #[error("the value of header {0} contains a line break or a non-ASCII character; remove it")]
    BadValue(String),
    #[error("header {0} is too long: at most {MAX_NAME} characters for a name and {MAX_VALUE} for a value")]
    TooLong(String),
    #[error("header {0} is set twice; keep one, with both values separated by a comma")]
    Twice(String),
    #[error("too many headers: at most {MAX_HEADERS}; remove {0} or another one")]
    TooMany(String),
}

impl HeaderError {
    fn name(&self) -> &str {
        match self {
            Self::Unreadable(name)
            | Self::OfTheRequest(name)
            | Self::Ours(name)
            | Self::BadValue(name)
            | Self::TooLong(name)
            | Self::Twice(name)
            | Self::TooMany(name) => name,
        }
    }
}

impl Problem for HeaderError {
    fn details(&self) -> ProblemDetails {
        let details = match self {
            Self::Unreadable(_) => problem(Invalid, "header_unreadable"),
            Self::OfTheRequest(_) => problem(Invalid, "header_of_the_request"),
            Self::Ours(_) => problem(Invalid, "header_ours"),
            Self::BadValue(_) => problem(Invalid, "header_bad_value"),
            Self::TooLong(_) => problem(Invalid, "header_too_long"),
            Self::Twice(_) => problem(Invalid, "header_twice"),
            Self::TooMany(_) => problem(Invalid, "header_too_many"),
        };
        details
            .field("headers")
            .arg("name", self.name())
            .arg("max_headers", MAX_HEADERS)
            .arg("max_name", MAX_NAME)
            .arg("max_value", MAX_VALUE)
    }
}

/// Checks custom headers.
pub(super) fn check_headers(headers: &[(String, String)]) -> Result<(), HeaderError> {
    let mut seen = HashSet::new();
    for (name, value) in headers {
        let lower = name.to_ascii_lowercase();
        if HeaderName::from_bytes(lower.as_bytes()).is_err() {
            return Err(HeaderError::Unreadable(name.chars().take(MAX_NAME).collect()));
        }
        if lower.starts_with("content-") || OF_THE_REQUEST.contains(&lower.as_str()) {
            return Err(HeaderError::OfTheRequest(name.clone()));
        }
        if OURS.contains(&lower.as_str()) || OUR_PREFIXES.iter().any(|prefix| lower.starts_with(prefix)) {
            return Err(HeaderError::Ours(name.clone()));
        }
        if !value.is_ascii() || HeaderValue::from_str(value).is_err() {
            return Err(HeaderError::BadValue(name.clone()));
        }
        if name.len() > MAX_NAME || value.len() > MAX_VALUE {
            return Err(HeaderError::TooLong(name.chars().take(MAX_NAME).collect()));
        }
        if !seen.insert(lower) {
            return Err(HeaderError::Twice(name.clone()));
        }
        if seen.len() > MAX_HEADERS {
            return Err(HeaderError::TooMany(name.clone()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(headers: &[(&str, &str)]) -> Option<&'static str> {
        let headers: Vec<_> = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        check_headers(&headers).err().map(|error| {
            assert!(error.to_string().contains(error.name()), "{error} names the header");
            error.code()
        })
    }

    #[test]
    fn names_that_cannot_be_set() {
        for (names, refused) in [
            (
                "Host Connection keep-alive TE Trailer Transfer-Encoding Upgrade Proxy-Connection Proxy-Authorization \
                 proxy-authenticate HTTP2-Settings Expect accept-encoding Content-Length Content-Type content-encoding \
                 Content-Digest content-anything",
                "header_of_the_request",
            ),
            (
                "Webhook-Id webhook-timestamp WEBHOOK-SIGNATURE webhook-anything callsheet-event Callsheet-Test svix-id \
                 Signature signature-input Digest repr-digest User-Agent",
                "header_ours",
            ),
            ("two\u{a0}words naïve na:me (name) :path", "header_unreadable"),
        ] {
            for name in names.split(' ') {
                assert_eq!(code(&[("x-fine", "1"), (name, "x")]), Some(refused), "{name}");
            }
        }
        for name in ["", "two words", "tab\t"] {
            assert_eq!(code(&[(name, "x")]), Some("header_unreadable"), "{name}");
        }
    }

    #[test]
    fn names_that_can_be_set() {
        for name in ["Authorization", "X-Token", "x-webhook-id", "cookie", "Accept", "traceparent", "hosts", "x_team"] {
            assert_eq!(code(&[(name, "Bearer abc, d;e=\"f\" /~")]), None, "{name}");
        }
        assert_eq!(code(&[]), None);
    }

    #[test]
    fn values_counts_and_sizes() {
        for value in ["a\nb", "a\r\nx-b: c", "nul\0", "é", "\u{7f}"] {
            assert_eq!(code(&[("x-a", value)]), Some("header_bad_value"), "{value:?}");
        }
        assert_eq!(code(&[("x-a", "")]), None, "an empty value is one");
        assert_eq!(code(&[("x-a", &"v".repeat(1024))]), None);
        assert_eq!(code(&[("x-a", &"v".repeat(1025))]), Some("header_too_long"));
        assert_eq!(code(&[(&"n".repeat(64), "v")]), None);
        assert_eq!(code(&[(&"n".repeat(65), "v")]), Some("header_too_long"));
        assert_eq!(code(&[("x-a", "1"), ("x-b", "2"), ("X-A", "3")]), Some("header_twice"));
        let names: Vec<String> = (0..17).map(|n| format!("x-{n}")).collect();
        let many: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "v")).collect();
        assert_eq!(code(&many[..16]), None);
        assert_eq!(code(&many), Some("header_too_many"));
    }
}
