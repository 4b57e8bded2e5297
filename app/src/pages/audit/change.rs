//! What an entry's detail says, in words: each field that changed, and what else is worth knowing.

use callsheet::audit::AuditRow;
use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::texts::Texts;
use crate::times::Times;

/// Fields whose values are words of the catalog, and where they stand in it.
const WORDS: [(&str, &str); 8] = [
    ("adapter", "adapter"),
    ("by", "audit_by"),
    ("dialect", "dialect"),
    ("errorClass", "class"),
    ("event", "event"),
    ("kind", "kind"),
    ("role", "role"),
    ("state", "state"),
];

/// A field that is not what it was. `None`: there was none, or there is none any more.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) field: String,
    pub(super) before: Option<String>,
    pub(super) after: Option<String>,
}

/// The detail of one entry.
#[derive(Debug)]
pub(super) struct Detail {
    /// Field and value of what did not change.
    pub(super) facts: Vec<(String, String)>,
    /// Fields that changed.
    pub(super) changes: Vec<Change>,
}

impl Detail {
    pub(super) fn of(times: &Times, row: &AuditRow) -> Self {
        let texts = times.texts;
        let none = Map::new();
        let (before, after) = (row.detail["before"].as_object(), row.detail["after"].as_object());
        let (old, new) = (before.unwrap_or(&none), after.unwrap_or(&none));
        let added = new.keys().filter(|name| !old.contains_key(*name));
        let changes = old
            .keys()
            .chain(added)
            .filter(|name| old.get(*name) != new.get(*name))
            .map(|name| Change {
                field: field(texts, name),
                before: old.get(name).map(|value| shown(times, name, value)),
                after: new.get(name).map(|value| shown(times, name, value)),
            })
            .collect();
        let beside = row.detail.as_object().unwrap_or(&none).iter();
        let facts = beside
            .filter(|(name, value)| !matches!(name.as_str(), "before" | "after") && !value.is_null())
            .map(|(name, value)| (field(texts, name), shown(times, name, value)))
            .collect();
        Self { facts, changes }
    }

    /// In one line: `Callback: Push; Address: – → https://…`.
    pub(super) fn line(&self) -> String {
        let facts = self.facts.iter().map(|(field, value)| format!("{field}: {value}"));
        let changes = self.changes.iter().map(|Change { field, before, after }| match (before, after) {
            (Some(before), Some(after)) => format!("{field}: {before} → {after}"),
            (one, other) => format!("{field}: {}", one.as_ref().or(other.as_ref()).map_or("", String::as_str)),
        });
        facts.chain(changes).collect::<Vec<_>>().join("; ")
    }
}

fn field(texts: Texts, name: &str) -> String {
    texts.word("audit_field", name)
}

fn shown(times: &Times, name: &str, value: &Value) -> String {
    let texts = times.texts;
    let several = |parts: Vec<String>| if parts.is_empty() { "–".to_owned() } else { parts.join(", ") };
    match value {
        Value::Null => "–".to_owned(),
        Value::Bool(true) => texts.get("audit.yes"),
        Value::Bool(false) => texts.get("audit.no"),
        Value::Number(number) => number.to_string(),
        Value::String(text) => word(times, name, text),
        Value::Array(values) => several(values.iter().map(|value| shown(times, name, value)).collect()),
        Value::Object(fields) => several(
            fields
                .iter()
                .map(|(name, value)| format!("{}: {}", field(texts, name), shown(times, name, value)))
                .collect(),
        ),
    }
}

fn word(times: &Times, name: &str, text: &str) -> String {
    if let Some((_, vocabulary)) = WORDS.iter().find(|(of, _)| *of == name) {
        let recovery = || times.texts.word("recovery_state", text);
        return times.texts.find(&format!("{vocabulary}.{text}")).unwrap_or_else(recovery);
    }
    if let ("reason", Ok(reason)) = (name, text.parse()) {
        return times.texts.off_reason(reason);
    }
    match text.parse::<Timestamp>() {
        Ok(at) => times.at_text(at.as_millisecond()),
        Err(_) => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::texts::Locale;
    use callsheet::audit::ActorKind;
    use callsheet::model::AuditId;
    use jiff::tz::TimeZone;
    use serde_json::json;

    fn detail(locale: Locale, detail: Value) -> Detail {
        let row = AuditRow {
            id: AuditId(1),
            at: 0,
            actor_kind: ActorKind::User,
            actor: "ada".to_owned(),
            address: String::new(),
            action: String::new(),
            target: "push.example.com".to_owned(),
            detail,
        };
        Detail::of(&Times { zone: TimeZone::UTC, now: 0, texts: Texts(locale), shown: Default::default() }, &row)
    }

    #[test]
    fn only_what_changed_is_told_in_words() {
        let change = json!({
            "kind": "publish",
            "before": { "enabled": false, "address": null, "timeoutSeconds": 15, "headers": { "X-A": "01234567" } },
            "after": { "enabled": true, "address": "https://a.example/", "timeoutSeconds": 15, "headers": {} },
            "template": null,
        });
        let english = detail(Locale::English, change.clone());
        assert_eq!(english.facts, [("Callback".to_owned(), "Push".to_owned())]);
        let line = "Callback: Push; Enabled: no → yes; URL: – → https://a.example/; Headers: X-A: 01234567 → –";
        assert_eq!(english.line(), line);
        assert_eq!(detail(Locale::Chinese, change).line().split("; ").nth(1), Some("启用: 否 → 是"));
    }

    #[test]
    fn what_is_made_or_removed_has_one_side() {
        let made =
            detail(Locale::English, json!({ "after": { "expiresAt": "2026-11-23T14:31:20.000Z", "domains": null } }));
        assert_eq!(made.line(), "Expires: 23 Nov 2026, 14:31:20; Domains: –");
        assert!(made.changes.iter().all(|change| change.before.is_none()));
        let removed = detail(Locale::English, json!({ "before": { "state": "running", "unheard_of": [1, 2] } }));
        assert_eq!(removed.line(), "State: Running; unheard_of: 1, 2");
        assert_eq!(detail(Locale::English, json!([])).line(), "");
    }

    #[test]
    fn what_the_console_did_by_itself_is_told_in_each_language() {
        let off = json!({ "reason": "the receiver answered 410 Gone" });
        assert_eq!(detail(Locale::English, off.clone()).line(), "Reason: the receiver returned 410 Gone");
        assert_eq!(detail(Locale::Chinese, off).line(), "原因: 接收端返回了 410 Gone");
    }
}
