//! The claims that the console reads, each in every form in which providers send it. All other claims may have any type.

use serde_json::{Map, Value};

use super::SignOnError;
use crate::model::Millis;

pub(super) type Claims = Map<String, Value>;

/// Maximum difference between the clocks of provider and console.
const SKEW_MS: Millis = 60_000;

/// The requirements on an ID token (OpenID Connect Core 1.0, section 3.1.3.7).
pub(super) struct Expected<'e> {
    pub(super) issuer: &'e str,
    pub(super) client_id: &'e str,
    /// Trusted audiences in addition to the client.
    pub(super) audiences: &'e [String],
    pub(super) nonce: &'e str,
    pub(super) now: Millis,
}

impl Expected<'_> {
    /// Checks an ID token and returns its subject.
    pub(super) fn check(&self, claims: &Claims) -> Result<String, SignOnError> {
        match claims.get("iss").and_then(Value::as_str) {
            Some(found) if found == self.issuer => {}
            found => {
                let found = found.unwrap_or_default();
                return Err(SignOnError::BadToken(format!(
                    "its issuer is `{found}`, and oidc_issuer is `{}`",
                    self.issuer
                )));
            }
        }
        self.check_audience(claims)?;
        let expiry = claims.get("exp").and_then(millis);
        let expiry = expiry.ok_or_else(|| SignOnError::BadToken("its exp is missing or not a time".to_owned()))?;
        if self.now >= expiry.saturating_add(SKEW_MS) {
            return Err(SignOnError::Expired { expired: time(expiry), now: time(self.now) });
        }
        if claims.get("nonce").and_then(Value::as_str) != Some(self.nonce) {
            return Err(SignOnError::Nonce);
        }
        subject(claims).ok_or_else(|| SignOnError::BadToken("its sub is missing or empty".to_owned()))
    }

    /// Checks that the client is among the audiences, all others are trusted, and the token was issued to the client.
    fn check_audience(&self, claims: &Claims) -> Result<(), SignOnError> {
        let audiences = match claims.get("aud") {
            Some(Value::Array(audiences)) => audiences.iter().map(written).collect(),
            Some(Value::Null) | None => Vec::new(),
            Some(one) => vec![written(one)],
        };
        if !audiences.iter().any(|audience| audience == self.client_id) {
            let found = audiences.join(", ");
            return Err(SignOnError::Audience(format!(
                "aud is `{found}`, without oidc_client_id `{}`",
                self.client_id
            )));
        }
        let others: Vec<_> = audiences.into_iter().filter(|audience| audience != self.client_id).collect();
        let strange: Vec<_> = others.iter().filter(|audience| !self.audiences.contains(audience)).cloned().collect();
        if !strange.is_empty() {
            let strange = strange.join(", ");
            return Err(SignOnError::Audience(format!(
                "aud also names `{strange}`; list each of them in oidc_audiences if it is trusted"
            )));
        }
        match claims.get("azp").filter(|azp| !azp.is_null()) {
            Some(azp) if written(azp) == self.client_id => Ok(()),
            Some(azp) => {
                let azp = written(azp);
                Err(SignOnError::Audience(format!("azp is `{azp}`, and oidc_client_id is `{}`", self.client_id)))
            }
            None if others.is_empty() => Ok(()),
            None => Err(SignOnError::Audience("aud has several values, and azp is not the console".to_owned())),
        }
    }
}

/// Returns the subject, which some providers write as a number.
pub(super) fn subject(claims: &Claims) -> Option<String> {
    match claims.get("sub")? {
        Value::String(subject) => Some(subject.clone()).filter(|subject| !subject.trim().is_empty()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Returns names for a user in order of preference: each claim from the ID token, else from userinfo.
pub(super) fn names<'c>(id_token: &'c Claims, userinfo: &'c Claims) -> impl Iterator<Item = String> + 'c {
    let claims = ["preferred_username", "email", "sub"].into_iter();
    claims
        .flat_map(move |claim| [id_token, userinfo].into_iter().filter_map(move |claims| claims.get(claim)))
        .filter_map(text)
}

/// Returns a non-blank text, a number as text, or the first of these in a list.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        Value::Array(values) => values.iter().find_map(text),
        _ => None,
    }
}

/// Formats a string as it is, any other value as JSON.
pub(super) fn written(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Parses a time: Unix seconds as a number or as text, or RFC 3339.
fn millis(value: &Value) -> Option<Millis> {
    let seconds = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => match text.trim().parse::<f64>() {
            Ok(seconds) => seconds,
            Err(_) => return text.trim().parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond),
        },
        _ => return None,
    };
    // The conversion saturates; NaN and infinity are refused.
    #[expect(clippy::cast_possible_truncation, reason = "times out of range saturate")]
    seconds.is_finite().then_some((seconds * 1000.0) as Millis)
}

fn time(at: Millis) -> String {
    jiff::Timestamp::from_millisecond(at).map_or_else(|_| format!("{at} ms"), |time| time.to_string())
}
