//! Reads roles from claims. Providers write them as text, as lists, as objects, and nested within other claims.

use serde_json::{Map, Value};

use super::claims::{Claims, written};
use crate::model::Role;

/// Maximum length of a value in a log line, in characters.
const MAX_SHOWN: usize = 200;

/// Claims to search for roles: the ID token, then userinfo.
pub(super) struct Sources<'s> {
    pub(super) id_token: &'s Claims,
    pub(super) userinfo: &'s Claims,
}

impl Sources<'_> {
    /// Returns the first role claim in the ID token, else in userinfo.
    pub(super) fn first<'a>(&'a self, role_claims: &'a [String]) -> Option<(&'a String, &'a Value)> {
        let first = |claims| role_claims.iter().find_map(move |claim| Some((claim, find(claim, claims)?)));
        first(self.id_token).or_else(|| first(self.userinfo))
    }

    /// Describes the names of all claims and the values of the role claims, for the log.
    pub(super) fn described(&self, role_claims: &[String]) -> String {
        let of = |place: &str, claims: &Claims| {
            let names = claims.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
            let roles =
                role_claims.iter().filter_map(|claim| Some(format!("{claim} = {}", shown(find(claim, claims)?))));
            let roles = roles.collect::<Vec<_>>().join(", ");
            match (names.is_empty(), roles.is_empty()) {
                (true, _) => format!("no {place}"),
                (false, true) => format!("the {place} has none of them, but {names}"),
                (false, false) => format!("the {place} has {roles} among {names}"),
            }
        };
        format!("{}; {}", of("ID token", self.id_token), of("userinfo", self.userinfo))
    }
}

fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// Finds a claim by its name, else by a path with dots. Names may contain dots, as addresses do, so longer names are tried first. A null
/// claim counts as absent (OpenID Connect Core 1.0, section 5.3.2).
pub(super) fn find<'c>(path: &str, claims: &'c Map<String, Value>) -> Option<&'c Value> {
    if let Some(value) = claims.get(path).filter(|value| !value.is_null()) {
        return Some(value);
    }
    path.rmatch_indices('.').find_map(|(dot, _)| find(&path[dot + 1..], claims.get(&path[..dot])?.as_object()?))
}

/// Returns the highest role that a claim names.
pub(super) fn role(value: &Value) -> Option<Role> {
    let words = words(value);
    // Keycloak writes paths of groups: `/operator` is the top-level group of that name; a longer path is another group.
    let words: Vec<&str> = words.iter().map(|word| word.strip_prefix('/').unwrap_or(word)).collect();
    Role::ALL.iter().copied().find(|role| words.contains(&role.as_str()))
}

/// Returns the names in a claim. Each is matched as a whole: a group `no admin` is not `admin`.
fn words(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => words_of_text(text),
        Value::Array(items) => items.iter().flat_map(words_of_item).collect(),
        Value::Object(members) => {
            members.iter().filter(|(_, value)| is_on(value)).map(|(name, _)| name.clone()).collect()
        }
        _ => Vec::new(),
    }
}

/// Splits a text at commas, else at whitespace. AWS Cognito writes lists from SAML as `[a, b]`, others as JSON.
fn words_of_text(text: &str) -> Vec<String> {
    let text = text.trim();
    let inner = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    if inner.is_some()
        && let Ok(items) = serde_json::from_str::<Vec<Value>>(text)
    {
        return items.iter().flat_map(words_of_item).collect();
    }
    let separator = |c: char| if text.contains(',') { c == ',' } else { c.is_whitespace() };
    inner.unwrap_or(text).split(separator).map(|word| word.trim().to_owned()).collect()
}

/// Returns the names in an item of a list: a text, an object with a name (Casdoor), or an object with roles as keys (old Zitadel).
fn words_of_item(item: &Value) -> Vec<String> {
    match item {
        Value::String(text) => vec![text.trim().to_owned()],
        Value::Object(members) => {
            let off = ["value", "enabled", "isEnabled", "active"]
                .iter()
                .any(|name| members.get(*name).is_some_and(|value| !value.is_null() && !is_on(value)));
            let named = ["name", "role", "value"].iter().find_map(|name| members.get(*name)?.as_str());
            match named {
                _ if off => Vec::new(),
                Some(name) => vec![name.trim().to_owned()],
                None => members
                    .iter()
                    .filter(|(_, value)| value.is_object() && is_on(value))
                    .map(|(name, _)| name.clone())
                    .collect(),
            }
        }
        _ => Vec::new(),
    }
}

/// Returns whether the value of a role's key grants the role: it is neither false, null, zero nor empty.
fn is_on(value: &Value) -> bool {
    let text = written(value);
    !matches!(text.trim(), "" | "0" | "0.0" | "null" | "[]" | "{}") && !text.trim().eq_ignore_ascii_case("false")
}
