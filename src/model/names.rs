//! Names received from outside, parsed once.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::ProblemKind::Invalid;
use super::{Problem, ProblemDetails, problem};

/// A name that is not accepted. The text of each variant names the remedy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadName {
    #[error("is empty; enter a name")]
    Empty,
    #[error("is longer than {0} characters")]
    TooLong(usize),
    #[error("must not contain a wildcard `*`; add each domain by its full name")]
    Wildcard,
    #[error("must be a host name only, such as push.example.com, without scheme, port, path or user")]
    NotAHost,
    #[error("is an IP address; enter a domain name")]
    IpAddress,
    #[error("needs at least two labels, such as push.example.com")]
    OneLabel,
    #[error("has an invalid label; use letters, digits and inner hyphens, at most 63 characters each")]
    BadLabel,
    #[error("may contain only letters, digits, `_` and `-`")]
    BadCharacter,
}

impl Problem for BadName {
    fn details(&self) -> ProblemDetails {
        match self {
            Self::Empty => problem(Invalid, "name_empty"),
            Self::TooLong(max) => problem(Invalid, "name_too_long").arg("max", max),
            Self::Wildcard => problem(Invalid, "name_wildcard"),
            Self::NotAHost => problem(Invalid, "name_not_a_host"),
            Self::IpAddress => problem(Invalid, "name_ip_address"),
            Self::OneLabel => problem(Invalid, "name_one_label"),
            Self::BadLabel => problem(Invalid, "name_bad_label"),
            Self::BadCharacter => problem(Invalid, "name_bad_character"),
        }
    }
}

/// A host name. Compared in ASCII form, displayed as typed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct DomainName {
    ascii: String,
    display: String,
}

impl PartialEq for DomainName {
    fn eq(&self, other: &Self) -> bool {
        self.ascii == other.ascii
    }
}
impl Eq for DomainName {}

impl DomainName {
    /// Parses a DNS host name of at least two labels. Converts international names to ASCII as well.
    pub fn parse(text: &str) -> Result<Self, BadName> {
        let text = text.trim().trim_end_matches('.');
        if text.is_empty() {
            return Err(BadName::Empty);
        }
        if text.contains('*') {
            return Err(BadName::Wildcard);
        }
        if text.parse::<std::net::IpAddr>().is_ok() || text.starts_with('[') {
            return Err(BadName::IpAddress);
        }
        if text.contains(['/', ':', '@', '?', '#', '\\']) {
            return Err(BadName::NotAHost);
        }
        if text.chars().count() > 253 {
            return Err(BadName::TooLong(253));
        }
        let ascii = idna::domain_to_ascii_strict(text).map_err(|_| BadName::BadLabel)?;
        if ascii.len() > 253 {
            return Err(BadName::TooLong(253));
        }
        let valid = |label: &str| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        };
        if !ascii.split('.').all(valid) {
            return Err(BadName::BadLabel);
        }
        if !ascii.contains('.') {
            return Err(BadName::OneLabel);
        }
        // Clients would read `1.2.3` or `10.1` as an IPv4 address.
        if ascii.rsplit('.').next().is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit())) {
            return Err(BadName::IpAddress);
        }
        let display = if text.is_ascii() { ascii.clone() } else { text.to_lowercase() };
        Ok(Self { ascii, display })
    }

    /// Returns the ASCII form, for storage, comparison and the wire.
    #[must_use]
    pub fn ascii(&self) -> &str {
        &self.ascii
    }

    /// Returns the name as typed.
    #[must_use]
    pub fn display(&self) -> &str {
        &self.display
    }
}

impl From<DomainName> for String {
    fn from(name: DomainName) -> Self {
        name.display
    }
}

impl TryFrom<String> for DomainName {
    type Error = BadName;

    fn try_from(text: String) -> Result<Self, BadName> {
        Self::parse(&text)
    }
}

impl fmt::Display for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.ascii)
    }
}

macro_rules! path_name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(into = "String", try_from = "String")]
        pub struct $name(String);

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = BadName;

            fn try_from(text: String) -> Result<Self, BadName> {
                Self::parse(&text)
            }
        }

        impl $name {
            /// Parses `[A-Za-z0-9_-]{1,50}`.
            pub fn parse(text: &str) -> Result<Self, BadName> {
                match text {
                    "" => Err(BadName::Empty),
                    t if t.chars().count() > 50 => Err(BadName::TooLong(50)),
                    t if !t.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-') => {
                        Err(BadName::BadCharacter)
                    }
                    t => Ok(Self(t.to_owned())),
                }
            }

            /// Returns the name as pushed.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

path_name!(/// The first path part of a push address.
    AppName);
path_name!(/// The second path part of a push address.
    StreamName);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domain_names() {
        for (text, ascii) in [
            ("push.example.com", "push.example.com"),
            (" Push.Example.COM. ", "push.example.com"),
            ("直播.example.cn", "xn--1sx90d.example.cn"),
        ] {
            let name = DomainName::parse(text).expect(text);
            if text.is_ascii() {
                assert_eq!(name.ascii(), ascii);
            } else {
                assert!(name.ascii().starts_with("xn--"), "{}", name.ascii());
                assert_eq!(name.display(), "直播.example.cn");
            }
        }
        for (text, why) in [
            ("", BadName::Empty),
            ("*.example.com", BadName::Wildcard),
            ("rtmp://push.example.com", BadName::NotAHost),
            ("push.example.com:1935", BadName::NotAHost),
            ("user@push.example.com", BadName::NotAHost),
            ("127.0.0.1", BadName::IpAddress),
            ("10.1", BadName::IpAddress),
            ("::1", BadName::IpAddress),
            ("localhost", BadName::OneLabel),
            ("-a.example.com", BadName::BadLabel),
            ("a_b.example.com", BadName::BadLabel),
            ("a..example.com", BadName::BadLabel),
        ] {
            assert_eq!(DomainName::parse(text), Err(why), "{text}");
        }
        let label = "a".repeat(63);
        let long = format!("{label}.{label}.{label}.{}", "a".repeat(61));
        assert_eq!(long.len(), 253);
        assert!(DomainName::parse(&long).is_ok());
        assert_eq!(DomainName::parse(&format!("a{long}")), Err(BadName::TooLong(253)));
        assert_eq!(DomainName::parse(&format!("{}.com", "a".repeat(64))), Err(BadName::BadLabel));
    }

    #[test]
    fn stream_names() {
        assert!(StreamName::parse("room_7-A").is_ok());
        assert_eq!(StreamName::parse("中"), Err(BadName::BadCharacter));
        assert_eq!(StreamName::parse(&"a".repeat(51)), Err(BadName::TooLong(50)));
        assert_eq!(AppName::parse("live/inj"), Err(BadName::BadCharacter));
    }
}
