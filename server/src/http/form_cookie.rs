//! The sealed cookie that stores a [`FormCookie`].

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use callsheet::model::Millis;
use callsheet_app::FormCookie;
use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderValue};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tower_sessions::cookie::time::Duration;
use tower_sessions::cookie::{Cookie, SameSite};

use super::AppState;

/// Lifetime of the cookie: long enough for a sign-in at a provider.
const LIFE_MS: Millis = 3_600_000;
/// Maximum size of the value. Browsers keep cookies of up to 4,096 bytes, including name and attributes.
const MAX_LEN: usize = 3_500;

#[derive(Serialize, Deserialize)]
struct Sealed {
    until: Millis,
    values: Map<String, Value>,
}

/// Reads the cookie before the handler, and sets it afterwards if its values have changed.
pub(super) async fn carry(State(app): State<AppState>, mut request: Request, next: Next) -> Response {
    let cookie = FormCookie::new(open(&app, request.headers()).unwrap_or_default());
    request.extensions_mut().insert(cookie.clone());
    let mut response = next.run(request).await;
    if let Some(values) = cookie.changed() {
        response.headers_mut().extend(set(&app, values).map(|value| (SET_COOKIE, value)));
    }
    response
}

fn open(app: &AppState, headers: &HeaderMap) -> Option<Map<String, Value>> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok()).flat_map(Cookie::split_parse);
    let cookie = cookies.filter_map(Result::ok).find(|cookie| cookie.name() == name(app))?;
    let text = app.console.accounts.sealer().open_text(&BASE64.decode(cookie.value()).ok()?).ok()?;
    let sealed: Sealed = serde_json::from_str(&text).ok()?;
    (app.console.clock.now() < sealed.until).then_some(sealed.values)
}

/// Returns the `Set-Cookie` header. `None` if it is not a valid header value, which cannot happen with base64.
fn set(app: &AppState, values: Map<String, Value>) -> Option<HeaderValue> {
    let until = app.console.clock.now() + LIFE_MS;
    let is_empty = values.is_empty();
    let sealed = match serde_json::to_string(&Sealed { until, values }) {
        Ok(text) if !is_empty => BASE64.encode(app.console.accounts.sealer().seal(&text)),
        _ => String::new(),
    };
    let is_kept = !sealed.is_empty() && sealed.len() <= MAX_LEN;
    let cookie = Cookie::build((name(app), if is_kept { sealed } else { String::new() }))
        .path("/")
        .http_only(true)
        .secure(app.uses_tls())
        .same_site(SameSite::Lax)
        .max_age(if is_kept { Duration::milliseconds(LIFE_MS) } else { Duration::ZERO });
    HeaderValue::try_from(cookie.build().to_string()).ok()
}

fn name(app: &AppState) -> &'static str {
    if app.uses_tls() { "__Host-callsheet-form" } else { "callsheet-form" }
}
