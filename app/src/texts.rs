//! Texts in the person's language. The catalogs are `app/locales/<tag>.toml`; every key is in each of them.

use axum::http::{HeaderMap, header};
use callsheet::callbacks::OffReason;

rust_i18n::i18n!("locales", fallback = "en");

/// A language of the console.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Locale {
    English,
    Chinese,
}

/// The cookie that keeps the choice of the language link.
pub(crate) const COOKIE: &str = "lang";

impl Locale {
    pub const ALL: [Self; 2] = [Self::English, Self::Chinese];

    /// The BCP 47 tag, which is also the catalog's file name.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh-CN",
        }
    }

    /// The language's name in itself.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::Chinese => "简体中文",
        }
    }

    /// The language for a tag such as `zh`, `zh-Hans-CN` or `en-GB`.
    #[must_use]
    pub fn of_tag(tag: &str) -> Option<Self> {
        match tag.trim().split('-').next()?.to_ascii_lowercase().as_str() {
            "en" => Some(Self::English),
            "zh" => Some(Self::Chinese),
            _ => None,
        }
    }

    /// What the request asks for: cookie `lang`, else `Accept-Language`, else English.
    #[must_use]
    pub fn of_request(headers: &HeaderMap) -> Self {
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let chosen = cookies
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .find(|(name, _)| *name == COOKIE)
            .and_then(|(_, tag)| Self::of_tag(tag));
        let accepted = || {
            let line = headers.get(header::ACCEPT_LANGUAGE)?.to_str().ok()?;
            let mut tags: Vec<(&str, f32)> = line
                .split(',')
                .map(|entry| {
                    let (tag, weight) = entry.split_once(";q=").unwrap_or((entry, "1"));
                    (tag, weight.trim().parse().unwrap_or(0.0))
                })
                .collect();
            tags.sort_by(|a, b| b.1.total_cmp(&a.1));
            tags.into_iter().find_map(|(tag, _)| Self::of_tag(tag))
        };
        chosen.or_else(accepted).unwrap_or(Self::English)
    }
}

/// The catalog of one language.
#[derive(Debug, Clone, Copy)]
pub struct Texts(pub Locale);

impl Texts {
    /// The text of a key. A missing key shows itself; a test keeps that from happening.
    #[must_use]
    pub fn get(self, key: &str) -> String {
        self.find(key).unwrap_or_else(|| key.to_owned())
    }

    /// The text of a key, if the catalog has one.
    #[must_use]
    pub fn find(self, key: &str) -> Option<String> {
        _rust_i18n_try_translate(self.0.tag(), key).map(|text| text.into_owned())
    }

    /// The text of a key with its `%{name}` places filled.
    #[must_use]
    pub fn fill(self, key: &str, args: &[(&str, &str)]) -> String {
        fill(&self.get(key), args)
    }

    /// The text for a number of things: `key.one` or `key.other`, with the number in `%{n}`.
    #[must_use]
    pub fn count(self, key: &str, n: i64) -> String {
        let form = if n == 1 { "one" } else { "other" };
        self.fill(&format!("{key}.{form}"), &[("n", &number(n))])
    }

    /// The word for a value of a fixed vocabulary, or the value itself when the catalog has none.
    #[must_use]
    pub fn word(self, vocabulary: &str, value: &str) -> String {
        self.find(&format!("{vocabulary}.{value}")).unwrap_or_else(|| value.to_owned())
    }

    /// Why the console turned a callback off.
    #[must_use]
    pub fn off_reason(self, reason: OffReason) -> String {
        self.get(match reason {
            OffReason::Gone => "callback.off_gone",
            OffReason::PausedForLong => "callback.off_paused_for_long",
        })
    }

    /// Why a request failed: its class, and what was found.
    #[must_use]
    pub fn failure(self, class: &str, detail: &str) -> String {
        match self.0 {
            Locale::English => detail.to_owned(),
            Locale::Chinese => format!("{}：{}", self.word("class", class), self.detail(detail)),
        }
    }

    /// What to do about a failed request: the core's English sentence, which names the host, or that of the class.
    #[must_use]
    pub fn remedy(self, class: &str, english: &str) -> String {
        match self.0 {
            Locale::English => english.to_owned(),
            Locale::Chinese => self.word("remedy", class),
        }
    }
}

/// `text` with its `%{name}` places filled. What a person typed is never read as a place itself.
pub(crate) fn fill(text: &str, args: &[(&str, &str)]) -> String {
    let (names, values): (Vec<&str>, Vec<String>) = args.iter().map(|(n, v)| (*n, (*v).to_owned())).unzip();
    rust_i18n::replace_patterns(text, &names, &values)
}

/// A whole number with its thousands apart: `1,284`.
pub(crate) fn number(n: i64) -> String {
    let digits = n.unsigned_abs().to_string();
    let mut text = String::from(if n < 0 { "-" } else { "" });
    for (place, digit) in digits.char_indices() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::path::PathBuf;

    use super::*;

    fn headers(cookie: &str, accept: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, cookie.parse().expect("cookie"));
        headers.insert(header::ACCEPT_LANGUAGE, accept.parse().expect("accept"));
        headers
    }

    #[test]
    fn the_cookie_wins_over_the_browser() {
        assert_eq!(Locale::of_request(&headers("id=1; lang=zh-CN", "en")), Locale::Chinese);
        assert_eq!(Locale::of_request(&headers("lang=xx", "de, zh-TW;q=0.8, en;q=0.5")), Locale::Chinese);
        assert_eq!(Locale::of_request(&headers("", "zh;q=0.1, en-GB")), Locale::English);
        assert_eq!(Locale::of_request(&HeaderMap::new()), Locale::English);
    }

    #[test]
    fn numbers_have_their_thousands_apart() {
        for (n, text) in [(0, "0"), (999, "999"), (1284, "1,284"), (-1_000_000, "-1,000,000")] {
            assert_eq!(number(n), text);
        }
    }

    #[test]
    fn a_typed_value_is_not_read_as_a_place() {
        assert_eq!(fill("%{a} and %{b}", &[("a", "%{b}"), ("b", "x")]), "%{b} and x");
    }

    fn catalog(tag: &str) -> BTreeMap<String, String> {
        let path = PathBuf::from(format!("locales/{tag}.toml"));
        let mut section = String::new();
        let mut texts = BTreeMap::new();
        for line in std::fs::read_to_string(path).expect("catalog").lines() {
            if let Some(name) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
                section = name.to_owned();
            } else if let Some((key, text)) = line.split_once(" = ") {
                let old = texts.insert(format!("{section}.{key}"), text.to_owned());
                assert!(old.is_none(), "{section}.{key} is twice in {tag}");
            }
        }
        texts
    }

    fn places(text: &str) -> BTreeSet<&str> {
        text.split("%{").skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name).collect()
    }

    #[test]
    fn the_catalogs_have_the_same_keys_and_places() {
        let (english, chinese) = (catalog("en"), catalog("zh-CN"));
        let keys = |c: &BTreeMap<String, String>| c.keys().cloned().collect::<BTreeSet<_>>();
        assert_eq!(keys(&english).symmetric_difference(&keys(&chinese)).collect::<Vec<_>>(), Vec::<&String>::new());
        for (key, text) in &english {
            assert_eq!(places(text), places(&chinese[key]), "{key}");
        }
    }

    /// The sources of this crate.
    fn sources() -> Vec<String> {
        let mut folders = vec![PathBuf::from("src")];
        let mut sources = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).expect("folder") {
                let path = entry.expect("entry").path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    sources.push(std::fs::read_to_string(&path).expect("source"));
                }
            }
        }
        sources
    }

    #[test]
    fn the_pages_name_the_keys_of_the_catalog_and_no_others() {
        let english = catalog("en");
        let sections: BTreeSet<&str> = english.keys().filter_map(|key| Some(key.split_once('.')?.0)).collect();
        // Looked up by a value of the core: the words of a vocabulary, the codes of errors.
        let by_value = [
            "action",
            "adapter",
            "api_place",
            "audit_action",
            "audit_by",
            "audit_field",
            "bad_line",
            "ban_length",
            "class",
            "codec",
            "detail",
            "dialect",
            "error",
            "event",
            "health",
            "kind",
            "log_format",
            "log_note",
            "phase",
            "range",
            "recording_unit",
            "recovery_state",
            "refusal",
            "remedy",
            "resolution",
            "role",
            "session_phase",
            "setting",
            "setting_help",
            "slot_label",
            "state",
            "traffic_base",
            "user_state",
        ];
        let mut named = BTreeSet::new();
        for source in sources() {
            for literal in source.split('"').skip(1) {
                let Some((section, name)) = literal.split_once('.') else { continue };
                let is_key = sections.contains(section) && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
                if !is_key {
                    continue;
                }
                for key in [literal.to_owned(), format!("{literal}.one"), format!("{literal}.other")] {
                    if english.contains_key(&key) {
                        named.insert(key);
                    }
                }
                let found = english.contains_key(literal) || english.contains_key(&format!("{literal}.other"));
                assert!(found, "the catalog has no {literal}");
            }
        }
        let unnamed = english.keys().filter(|key| !named.contains(*key));
        let unnamed = unnamed.filter(|key| !by_value.iter().any(|section| key.starts_with(&format!("{section}."))));
        assert_eq!(unnamed.collect::<Vec<_>>(), Vec::<&String>::new());
    }

    #[test]
    fn every_failure_is_told_in_chinese_with_its_detail() {
        let texts = Texts(Locale::Chinese);
        for class in callsheet::outbound::ErrorClass::ALL.iter().map(|class| class.as_str()) {
            let failure = texts.failure(class, "10.0.0.1 refused.");
            assert!(failure.ends_with("：10.0.0.1 refused.") && !failure.starts_with(class), "{failure}");
            let remedy = texts.remedy(class, "Check it.");
            assert!(remedy.ends_with('。'), "{remedy}");
        }
    }

    #[test]
    fn every_word_of_the_core_is_in_the_catalog() {
        use callsheet::{
            accounts::UserState,
            deliveries::{DeliveryState, RecoveryState},
            model,
            outbound::{ErrorClass, Phase},
            sources::Adapter,
            stats::access_log::{Format, LineError, Note},
            stats::{BinLabel, TrafficBase},
        };
        let words = |section: &str, words: Vec<&str>| {
            words.into_iter().map(|word| format!("{section}.{word}")).collect::<Vec<_>>()
        };
        let classes: Vec<&str> = ErrorClass::ALL.iter().map(|c| c.as_str()).collect();
        let all = [
            words("state", DeliveryState::ALL.iter().map(|s| s.as_str()).collect()),
            words("recovery_state", RecoveryState::ALL.iter().map(|s| s.as_str()).collect()),
            words("kind", model::CallbackKind::ALL.iter().map(|k| k.as_str()).collect()),
            words("event", model::EventName::ALL.iter().map(|e| e.as_str()).collect()),
            words("action", model::Action::ALL.iter().map(|a| a.as_str()).collect()),
            words("user_state", UserState::ALL.iter().map(|s| s.as_str()).collect()),
            words("role", model::Role::ALL.iter().map(|r| r.as_str()).collect()),
            words("phase", Phase::ALL.iter().map(|p| p.as_str()).collect()),
            words("class", classes.clone()),
            words("remedy", classes),
            words("slot_label", BinLabel::ALL.iter().map(|label| label.as_str()).collect()),
            words("traffic_base", TrafficBase::ALL.iter().map(|base| base.as_str()).collect()),
            words("bad_line", LineError::ALL.iter().map(|bad| bad.as_str()).collect()),
            words("log_note", Note::ALL.iter().map(|note| note.as_str()).collect()),
            words("log_format", Format::ALL.iter().map(|format| format.as_str()).collect()),
            callsheet::audit::ACTIONS.iter().map(|action| format!("audit_action.\"{action}\"")).collect(),
        ];
        for locale in Locale::ALL {
            let catalog = catalog(locale.tag());
            for key in all.concat() {
                assert!(catalog.contains_key(&key), "{key} in {locale:?}");
            }
        }
        for adapter in Adapter::ALL {
            assert_ne!(Texts(Locale::English).word("adapter", adapter.as_str()), adapter.as_str());
        }
    }
}
