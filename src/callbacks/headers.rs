//! The headers that a person adds to a callback's requests: which may be set, how many, how long.

use std::collections::HashSet;

use http::{HeaderName, HeaderValue};

use crate::model::{Problem, ProblemKind};

/// So many at most.
const MAX_HEADERS: usize = 16;
/// Characters of a name, at most.
const MAX_NAME: usize = 64;
/// Characters of a value, at most.
const MAX_VALUE: usize = 1024;

/// Of one connection or of the request's framing; every name that begins with `content-` is so too. Answers are not
/// decompressed, so none may be asked for.
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
/// What the console says itself, and what a receiver may take for a signature.
const OURS: &[&str] = &["digest", "repr-digest", "signature", "signature-input", "user-agent"];
/// `svix-`: verifiers of Standard Webhooks take these for `webhook-`.
const OUR_PREFIXES: &[&str] = &["callsheet-", "svix-", "webhook-"];

/// Why a header cannot be set.
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
    fn code(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "header_unreadable",
            Self::OfTheRequest(_) => "header_of_the_request",
            Self::Ours(_) => "header_ours",
            Self::BadValue(_) => "header_bad_value",
            Self::TooLong(_) => "header_too_long",
            Self::Twice(_) => "header_twice",
            Self::TooMany(_) => "header_too_many",
        }
    }
    fn kind(&self) -> ProblemKind {
        ProblemKind::Invalid
    }
    fn field(&self) -> Option<&'static str> {
        Some("headers")
    }
    fn args(&self) -> Vec<(&'static str, String)> {
        vec![
            ("name", self.name().to_owned()),
            ("max_headers", MAX_HEADERS.to_string()),
            ("max_name", MAX_NAME.to_string()),
            ("max_value", MAX_VALUE.to_string()),
        ]
    }
}

/// Checks names and values as a person gave them.
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
