//! Translates sentences of the core: what was found, and why something failed.
//!
//! The core writes these sentences in English, and they are kept so: in attempts, in events and in callbacks. For other languages a sentence
//! is found again among the English texts of the catalog, and its values are put into the other language's text.

use crate::texts::{Locale, Texts, fill};

/// The sentences. One that fits others too comes after them.
const DETAILS: [&str; 66] = [
    "detail.blocked",
    "detail.allowed",
    "detail.excluded",
    "detail.kept_connection",
    "detail.sent",
    "detail.empty",
    "detail.cut",
    "detail.bytes",
    "detail.certificate",
    "detail.dns_not_found",
    "detail.dns_no_address",
    "detail.dns_timeout",
    "detail.dns_failed",
    "detail.connect_refused",
    "detail.connect_unreachable",
    "detail.connect_timeout",
    "detail.connect_failed",
    "detail.tls_expired",
    "detail.tls_not_valid_yet",
    "detail.tls_name_mismatch",
    "detail.tls_unknown_issuer",
    "detail.tls_revoked",
    "detail.tls_bad_certificate",
    "detail.tls_not_spoken",
    "detail.tls_refused",
    "detail.tls_failed",
    "detail.tls_timeout",
    "detail.no_response",
    "detail.headers_too_large",
    "detail.connection_reset",
    "detail.closed_without_response",
    "detail.http_malformed",
    "detail.broken_response",
    "detail.http_redirect_to",
    "detail.http_redirect",
    "detail.http_status",
    "detail.fault_closed",
    "detail.fault_not_http",
    "detail.fault_large",
    "detail.fault_length",
    "detail.fault_chunks",
    "detail.fault_time",
    "detail.source_lost",
    "detail.connection_lost",
    "detail.connection_broke",
    "detail.connection_ended",
    "detail.aggregate",
    "detail.protocol",
    "detail.answers_unread",
    "detail.no_media",
    "detail.ingest_interrupted",
    "detail.part_unreported",
    "detail.part_without_media",
    "detail.no_part",
    "detail.every_part_failed",
    "detail.bucket_refuses",
    "detail.bucket_missing",
    "detail.bucket_unexpected",
    "detail.disk_full",
    "detail.disk_quota",
    "detail.disk_read_only",
    "detail.folder_forbidden",
    "detail.folder_missing",
    "detail.folder_is_file",
    "detail.built_in",
    "detail.local",
];

impl Texts {
    /// A sentence of the core. What the catalog does not have, such as the words of another program, stays as it is.
    #[must_use]
    pub fn detail(self, english: &str) -> String {
        match self.0 {
            Locale::English => english.to_owned(),
            Locale::Chinese => self.translated(english).unwrap_or_else(|| english.to_owned()),
        }
    }

    fn translated(self, english: &str) -> Option<String> {
        DETAILS.iter().find_map(|key| {
            let template = Texts(Locale::English).get(key);
            let values = values(&template, english)?;
            let values: Vec<(&str, String)> =
                values.into_iter().map(|(name, value)| (name, self.value(name, value))).collect();
            let values: Vec<(&str, &str)> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
            Some(fill(&self.get(key), &values))
        })
    }

    /// Values that are words or sentences themselves.
    fn value(self, name: &str, value: &str) -> String {
        let range = |word: &str| self.word("range", &word.to_lowercase().replace([' ', '-'], "_"));
        match name {
            "range" => range(value),
            "reason" | "fault" => self.detail(value),
            // `10.0.0.1 (private) ::1 (loopback)`
            "refused" => {
                let mut pieces = value.split(['(', ')']);
                let mut text = pieces.next().unwrap_or_default().to_owned();
                while let (Some(word), Some(rest)) = (pieces.next(), pieces.next()) {
                    text.extend(["(", range(word).as_str(), ")", rest]);
                }
                text
            }
            _ => value.to_owned(),
        }
    }
}

/// The values at the places `%{name}` of a template that a text was made of. `None`: it was made of another one.
fn values<'a>(template: &'a str, text: &'a str) -> Option<Vec<(&'a str, &'a str)>> {
    let mut places = template.split("%{");
    let mut rest = text.strip_prefix(places.next()?)?;
    let mut values = Vec::new();
    let mut places = places.peekable();
    while let Some(place) = places.next() {
        let (name, literal) = place.split_once('}')?;
        let (value, after) = match places.peek() {
            Some(_) => rest.split_once(literal)?,
            None => (rest.strip_suffix(literal)?, ""),
        };
        values.push((name, value));
        rest = after;
    }
    rest.is_empty().then_some(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_of_the_core_are_translated_with_their_values() {
        let texts = Texts(Locale::Chinese);
        for (english, chinese) in [
            ("127.0.0.1:9000 refused the connection.", "127.0.0.1:9000 拒绝了连接。"),
            ("a.example returned 503 Service Unavailable.", "a.example 返回 503 Service Unavailable。"),
            (
                "a.example returned 302 Found with a redirect to https://b.example/; redirects are not followed.",
                "a.example 返回 302 Found，指向 https://b.example/；不跟随重定向。",
            ),
            ("Callbacks may not reach 0.0.0.0 (unspecified).", "回调不能访问 0.0.0.0（未指定）。"),
            ("Callbacks may not reach 100.64.0.1 (CGNAT).", "回调不能访问 100.64.0.1（运营商级 NAT）。"),
            (
                "allowed: 203.0.113.7; excluded: 10.0.0.1 (private) ::1 (loopback)",
                "允许：203.0.113.7；已排除：10.0.0.1 (私有) ::1 (本机回环)",
            ),
            (
                "a.example accepted the event, but the rest of its response is not valid: it did not end within 1s.",
                "a.example 已接收事件，但响应的其余部分无效：未在 1s 内结束。",
            ),
            ("no media for 30 s", "30 s 没有媒体数据"),
            ("the dog ate it", "the dog ate it"),
            ("", ""),
        ] {
            assert_eq!(texts.detail(english), chinese);
            assert_eq!(Texts(Locale::English).detail(english), english);
        }
    }

    #[test]
    fn each_sentence_is_found_before_those_that_fit_it_too() {
        for key in DETAILS {
            let english = Texts(Locale::English).get(key);
            let made = fill(
                &english,
                &[("host", "a.example"), ("peer", "192.0.2.1:443"), ("status", "500 Internal Server Error")],
            );
            let found = DETAILS.iter().find(|other| values(&Texts(Locale::English).get(other), &made).is_some());
            assert_eq!(found, Some(&key), "{made}");
        }
    }
}
