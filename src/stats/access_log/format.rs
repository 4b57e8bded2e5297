//! The formats, and how they are told apart.

use memchr::memchr;

use super::parser::Parser;
use crate::model::vocabulary;

vocabulary!(
    /// How a line is laid out. A sample of each stands beside its parser and in the tests.
    Format {
        /// nginx and Apache `combined`. Names no host, knows no duration.
        Combined = "combined",
        /// nginx with the `log_format` of this console.
        NginxJson = "nginx-json",
        /// W3C extended, as CloudFront and IIS write it: `#Fields:` names the columns.
        W3c = "w3c",
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
            if [&b"#Fields:"[..], b"#Version:", b"#Software:"].iter().any(|start| line.starts_with(start)) {
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
