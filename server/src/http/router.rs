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

/// Lifetime of a browser session without use.
const SESSION_LIFE: Duration = Duration::days(7);
/// `Strict-Transport-Security` of one year.
const A_YEAR: HeaderValue = HeaderValue::from_static("max-age=31536000");
/// Default limit of a body, in bytes. Hooks and forms are small.
const BODY_LIMIT: usize = 256 * 1024;
/// Maximum pause of a client within a body.
const BODY_PAUSE: std::time::Duration = std::time::Duration::from_secs(30);

/// Routes that this process serves.
#[derive(Debug, Clone, Copy)]
pub struct Serves {
    /// Pages and API.
    pub web: bool,
    /// Hooks of media servers.
    pub ingest: bool,
}

/// Builds the router with all routes and layers.
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
    if state.uses_tls() {
        router = router.layer(SetResponseHeaderLayer::overriding(STRICT_TRANSPORT_SECURITY, A_YEAR));
    }
    router
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(RequestBodyTimeoutLayer::new(BODY_PAUSE))
        .layer(from_fn_with_state(state.clone(), failures::render))
        .layer(from_fn(middleware::add_security_headers))
        .layer(from_fn(middleware::observe))
        .layer(from_fn_with_state(state.clone(), client::locate))
        .with_state(state)
}

/// Routes that accept a browser's cookie: pages, server functions and the API.
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
        .with_name(if state.uses_tls() { "__Host-callsheet" } else { "callsheet" })
        .with_secure(state.uses_tls())
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

/// Refuses requests from pages of another origin. Proxies may change `Host`, so `public_url` is trusted too.
fn same_origin(state: &AppState) -> CsrfLayer {
    let public = state.console.public_url.as_ref().map(|url| url.origin().ascii_serialization());
    public.and_then(|origin| CsrfLayer::new().add_trusted_origin(origin).ok()).unwrap_or_default()
}
