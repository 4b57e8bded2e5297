//! The formats, and how they are told apart.

use memchr::memchr;

use super::parser::{Parser, trimmed};
use super::w3c::Directive;
use crate::model::string_enum;

string_enum!(
    /// How a line is laid out. A sample of each stands beside its parser and in the tests.
    Format {
        /// nginx and Apache `combined`. Names no host, knows no duration.
        Combined = "combined",
        /// nginx with the `log_format` of this console.
        NginxJson = "nginx-json",
        /// W3C extended, as CloudFront and IIS write it: `#Fields:` names the columns.
        W3c = "w3c",
        /// CloudFront, standard logging v2 with JSON as its output format.
        CloudfrontJson = "cloudfront-json",
        /// Cloudflare Logpush, `http_requests` as NDJSON.
        Cloudflare = "cloudflare",
        /// Aliyun CDN, offline log.
        Aliyun = "aliyun",
        /// Tencent Cloud CDN, offline log.
        Tencent = "tencent",
        /// Huawei Cloud CDN, offline log.
        Huawei = "huawei",
        /// JD Cloud CDN, offline log.
        Jd = "jd",
    }
);

/// Lines looked at before a file counts as unknown.
const LOOK_AT: usize = 100;

impl Format {
    /// Whether each line names the host that was asked; otherwise the domain is given at import.
    #[must_use]
    pub const fn names_hosts(self) -> bool {
        !matches!(self, Self::Combined)
    }

    /// All that can be named, for people.
    #[must_use]
    pub fn names() -> String {
        Self::ALL.iter().map(|format| format.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// The format of a file that starts with `content`: that of the first line which any parser takes.
    #[must_use]
    pub fn recognise(content: &[u8]) -> Option<Self> {
        let mut rest = content;
        for _ in 0..LOOK_AT {
            if rest.is_empty() {
                break;
            }
            let end = memchr(b'\n', rest).unwrap_or(rest.len());
            let line = &rest[..end];
            rest = rest.get(end + 1..).unwrap_or_default();
            if Directive::of(trimmed(line)).is_some_and(|directive| directive.is_of_header()) {
                return Some(Self::W3c);
            }
            let taken = |format: &Self| matches!(Parser::new(*format).parse(line), Ok(Some(_)));
            if let Some(format) = Self::ALL.iter().copied().find(taken) {
                return Some(format);
            }
        }
        None
    }
}

/// Content of which no line can be read, whatever its format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Foreign {
    /// Text of two bytes a character, as some Windows tools save it.
    Utf16,
    /// Columns in a binary form, which CloudFront and other services offer beside JSON.
    Parquet,
}

impl Foreign {
    /// Characters without a byte order mark that are looked at.
    const LOOK_AT: usize = 8;

    pub(super) fn of(content: &[u8]) -> Option<Self> {
        match content {
            [b'P', b'A', b'R', b'1' | b'E', ..] => return Some(Self::Parquet),
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => return Some(Self::Utf16),
            _ => {}
        }
        let start = content.get(..2 * Self::LOOK_AT)?;
        let zeros = |half: usize| start.iter().skip(half).step_by(2).filter(|byte| **byte == 0).count();
        let is_wide = matches!((zeros(0), zeros(1)), (0, Self::LOOK_AT) | (Self::LOOK_AT, 0));
        is_wide.then_some(Self::Utf16)
    }
}
