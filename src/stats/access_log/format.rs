//! Log formats and their detection.

use memchr::memchr;

use super::parser::{Parser, trimmed};
use super::w3c::Directive;
use crate::model::string_enum;

string_enum!(
    /// Format of a log. Each parser and the tests contain samples.
    Format {
        /// nginx and Apache `combined`, without host and duration.
        Combined = "combined",
        /// nginx with [`NGINX_LOG_FORMAT`](super::NGINX_LOG_FORMAT).
        NginxJson = "nginx-json",
        /// W3C extended, as written by CloudFront and IIS. `#Fields:` names the columns.
        W3c = "w3c",
        /// CloudFront standard logging v2 with JSON output.
        CloudfrontJson = "cloudfront-json",
        /// Cloudflare Logpush, `http_requests` as NDJSON.
        Cloudflare = "cloudflare",
        /// Offline log of Aliyun CDN.
        Aliyun = "aliyun",
        /// Offline log of Tencent Cloud CDN.
        Tencent = "tencent",
        /// Offline log of Huawei Cloud CDN.
        Huawei = "huawei",
        /// Offline log of JD Cloud CDN.
        Jd = "jd",
    }
);

/// Number of lines that are examined to detect the format.
const DETECTION_LINES: usize = 100;

impl Format {
    /// Returns whether lines contain the requested host. If not, the import specifies the domain.
    #[must_use]
    pub const fn names_hosts(self) -> bool {
        !matches!(self, Self::Combined)
    }

    /// Returns the names of all formats as a list for messages.
    #[must_use]
    pub fn names() -> String {
        Self::ALL.iter().map(|format| format.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// Detects the format from the first line that any parser accepts.
    #[must_use]
    pub fn detect(content: &[u8]) -> Option<Self> {
        let mut rest = content;
        for _ in 0..DETECTION_LINES {
            if rest.is_empty() {
                break;
            }
            let end = memchr(b'\n', rest).unwrap_or(rest.len());
            let line = &rest[..end];
            rest = rest.get(end + 1..).unwrap_or_default();
            if Directive::of(trimmed(line)).is_some_and(|directive| directive.is_specific()) {
                return Some(Self::W3c);
            }
            let accepts = |format: &Self| matches!(Parser::new(*format).parse(line), Ok(Some(_)));
            if let Some(format) = Self::ALL.iter().copied().find(accepts) {
                return Some(format);
            }
        }
        None
    }
}

/// Content that no parser can read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnsupportedContent {
    /// UTF-16 text, as saved by some Windows tools.
    Utf16,
    /// A binary column format that CloudFront and other services offer besides JSON.
    Parquet,
}

impl UnsupportedContent {
    /// Number of characters that are examined if there is no byte order mark.
    const DETECTION_CHARS: usize = 8;

    pub(super) fn detect(content: &[u8]) -> Option<Self> {
        match content {
            [b'P', b'A', b'R', b'1' | b'E', ..] => return Some(Self::Parquet),
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => return Some(Self::Utf16),
            _ => {}
        }
        let start = content.get(..2 * Self::DETECTION_CHARS)?;
        let zeros = |half: usize| start.iter().skip(half).step_by(2).filter(|byte| **byte == 0).count();
        let is_wide = matches!((zeros(0), zeros(1)), (0, Self::DETECTION_CHARS) | (Self::DETECTION_CHARS, 0));
        is_wide.then_some(Self::Utf16)
    }
}
