//! All routes and layers.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};
use callsheet_app::{ApiDescription, App, provide_app_context, shell};
use http::HeaderValue;
use http::header::STRICT_TRANSPORT_SECURITY;
use leptos_axum::{LeptosRoutes, generate_route_list};
use tower_http::csrf::CsrfLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::timeout::RequestBodyTimeoutLayer;
use tower_sessions::cookie::SameSite;
use tower_sessions::cookie::time::Duration;
use tower_sessions::{Expiry, SessionManagerLayer};

use super::browser_session::BrowserSessions;
use super::{
    AppState, api_v1, assets, client, exports, failures, form_cookie, health, imports, ingest, jd, middleware, openapi,
};

/// How long a sign-in lasts.
const SESSION_LIFE: Duration = Duration::days(7);
/// How long browsers keep to TLS.
const A_YEAR: HeaderValue = HeaderValue::from_static("max-age=31536000");
/// Hooks and forms are small.
const BODY_LIMIT: usize = 256 * 1024;
/// The longest that a client may send nothing in the middle of a body.
const BODY_PAUSE: std::time::Duration = std::time::Duration::from_secs(30);

/// What this process answers.
#[derive(Debug, Clone, Copy)]
pub struct Serves {
    /// Pages and API.
    pub web: bool,
    /// Hooks of media servers.
    pub ingest: bool,
}

/// The whole of HTTP.
pub fn router(state: AppState, serves: Serves) -> Router {
    let mut router = Router::new()
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/metrics", get(health::metrics));
    if serves.ingest {
        router = router.route("/ingest/{adapter}/{secret}", post(ingest::report));
    }
    if serves.web {
        router = router.merge(web(&state)).merge(jd::routes());
    }
    if over_tls(&state) {
        router = router.layer(SetResponseHeaderLayer::overriding(STRICT_TRANSPORT_SECURITY, A_YEAR));
    }
    router
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(RequestBodyTimeoutLayer::new(BODY_PAUSE))
        .layer(from_fn_with_state(state.clone(), failures::tell))
        .layer(from_fn(middleware::harden))
        .layer(from_fn(middleware::observe))
        .layer(from_fn_with_state(state.clone(), client::locate))
        .with_state(state)
}

/// Browsers reach the console by TLS alone.
pub(super) fn over_tls(state: &AppState) -> bool {
    state.console.public_url.as_ref().is_some_and(|url| url.scheme() == "https")
}

/// What takes a browser's cookie: pages, server functions and the API.
fn web(state: &AppState) -> Router<AppState> {
    let console = state.console.clone();
    let (rtmp, urls) = (state.rtmp, state.assets.urls());
    let context =
        move || provide_app_context(console.clone(), ApiDescription(&api_v1::DESCRIPTION), rtmp, urls.clone());
    let options = state.leptos.clone();
    let pages = Router::new()
        .leptos_routes_with_context(state, generate_route_list(App), context.clone(), {
            let options = options.clone();
            move || shell(options.clone())
        })
        .fallback(leptos_axum::render_app_async_with_context(context, move || shell(options.clone())));
    let accounts = &state.console.accounts;
    let clock = state.console.clock.clone();
    let sessions = BrowserSessions { db: state.console.db.clone(), sealer: accounts.sealer(), clock };
    let sessions = SessionManagerLayer::new(sessions)
        .with_name(if over_tls(state) { "__Host-callsheet" } else { "callsheet" })
        .with_secure(over_tls(state))
        .with_same_site(SameSite::Lax)
        .with_expiry(Expiry::OnInactivity(SESSION_LIFE));
    pages
        .merge(api_v1::routes(state))
        .merge(exports::routes())
        .merge(imports::routes())
        .layer(from_fn_with_state(state.console.clone(), middleware::identify))
        .layer(sessions)
        .layer(from_fn_with_state(state.clone(), form_cookie::carry))
        .layer(same_origin(state))
        .merge(assets::routes(&state.assets))
        .route("/api/openapi.json", get(openapi::show))
}

/// Refuses what a page of another origin sends. Proxies may change `Host`, so the address that browsers know counts too.
fn same_origin(state: &AppState) -> CsrfLayer {
    let public = state.console.public_url.as_ref().map(|url| url.origin().ascii_serialization());
    public.and_then(|origin| CsrfLayer::new().add_trusted_origin(origin).ok()).unwrap_or_default()
}
