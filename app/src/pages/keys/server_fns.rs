//! Where the forms of *API keys* post to.

use callsheet::keys::{KeyDraft, KeyError, NewKey};
use callsheet::model::{KeyId, Millis, Role};
use jiff::civil::Date;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

use crate::context::Visit;
use crate::error::UiError;
use crate::forms::{Done, Post};
use crate::times::Times;

/// Lives of a key to choose from.
pub(super) const EXPIRY_DAYS: [i64; 3] = [30, 90, 365];
const DAY_MS: Millis = 86_400_000;

/// Creates a key; its secrets are shown once. `reach`: `all` domains, or `some`: those ticked and those typed. `expiry`: days,
/// `date` (to the end of that day), or `never`.
#[server(CreateKey)]
pub(crate) async fn create_key(
    name: String,
    role: Role,
    reach: String,
    #[server(default)] domains: Vec<String>,
    #[server(rename = "moreDomains")] more_domains: String,
    expiry: String,
    #[server(rename = "expiresAt")] expires_at: String,
) -> Result<NewKey, UiError> {
    let visit = Visit::current();
    let actor = visit.actor()?;
    let ticked = domains.join("\n");
    let typed = [
        ("name", name.as_str()),
        ("role", role.as_str()),
        ("reach", reach.as_str()),
        ("domains", ticked.as_str()),
        ("moreDomains", more_domains.as_str()),
        ("expiry", expiry.as_str()),
        ("expiresAt", expires_at.as_str()),
    ];
    let post = Post::new(&visit, CreateKey::PATH, &typed);
    let named = more_domains.split([',', '\n', '\r', ' ']).filter(|name| !name.is_empty()).map(str::to_owned);
    let domains: Vec<String> = domains.iter().cloned().chain(named).collect();
    let domains = (reach != "all").then_some(domains.as_slice());
    let created = match expiry_of(&expiry, &expires_at, &visit.times) {
        Ok(expires_at) => visit.console.keys.create(actor, KeyDraft { name: &name, role, domains, expires_at }).await,
        Err(problem) => Err(problem),
    };
    match created {
        Ok(made) => {
            let page = format!("/keys/{}", made.id);
            post.reveal(made, page).await
        }
        Err(problem) => post.fail(UiError::of(visit.texts, &problem)).await,
    }
}

/// Makes new secrets, which are shown once; those before stop at once.
#[server(RotateKey)]
pub(crate) async fn rotate_key(id: KeyId) -> Result<NewKey, UiError> {
    let visit = Visit::current();
    let actor = visit.actor()?;
    let post = Post::new(&visit, RotateKey::PATH, &[]);
    match visit.console.keys.rotate(actor, id).await {
        Ok(made) => post.reveal(made, format!("/keys/{id}")).await,
        Err(problem) => post.fail(UiError::of(visit.texts, &problem)).await,
    }
}

/// Ends a key for good.
#[server(RevokeKey)]
pub(crate) async fn revoke_key(id: KeyId) -> Result<(), UiError> {
    let visit = Visit::current();
    let actor = visit.actor()?;
    let post = Post::new(&visit, RevokeKey::PATH, &[]);
    match visit.console.keys.revoke(actor, id).await {
        Ok(key) => {
            let message = visit.texts.fill("keys.revoked", &[("name", &key.name)]);
            post.succeed((), Done { message, page: "/keys".to_owned() }).await
        }
        Err(problem) => post.fail(UiError::of(visit.texts, &problem)).await,
    }
}

/// When a key expires; `None`: never. A day counts to its end in the console's zone.
fn expiry_of(choice: &str, day: &str, times: &Times) -> Result<Option<Millis>, KeyError> {
    match choice {
        "never" => Ok(None),
        "date" => {
            let day: Option<Date> = day.parse().ok();
            let end = day.and_then(|day| day.tomorrow().ok()?.to_zoned(times.zone.clone()).ok());
            end.map(|end| Some(end.timestamp().as_millisecond())).ok_or(KeyError::BadExpiry)
        }
        days => match days.parse::<i64>() {
            Ok(days) if EXPIRY_DAYS.contains(&days) => Ok(Some(times.now + days * DAY_MS)),
            _ => Err(KeyError::BadExpiry),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::texts::{Locale, Texts};
    use jiff::tz::TimeZone;

    #[test]
    fn a_key_lives_to_the_end_of_its_last_day() {
        let zone = TimeZone::get("Asia/Shanghai").expect("zone");
        let times = Times { zone, now: 1_795_329_300_000, texts: Texts(Locale::English), shown: Default::default() };
        let expiry = |choice, day| expiry_of(choice, day, &times).ok();
        assert_eq!(expiry("never", "2026-11-22"), Some(None));
        assert_eq!(expiry("90", ""), Some(Some(1_795_329_300_000 + 90 * DAY_MS)));
        assert_eq!(expiry("date", "2026-11-22"), Some(Some(1_795_363_200_000)));
        for (choice, day) in [("date", ""), ("date", "soon"), ("date", "2026-02-30"), ("31", ""), ("", "")] {
            assert_eq!(expiry(choice, day), None, "{choice} {day}");
        }
    }
}
