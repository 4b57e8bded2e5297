//! All routes and layers.

use std::io::ErrorKind;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use callsheet_app::{ApiDescription, App, provide_app_context, shell};
use http::header::STRICT_TRANSPORT_SECURITY;
use http::{HeaderValue, StatusCode};
use leptos_axum::{LeptosRoutes, generate_route_list};
use tower_http::csrf::CsrfLayer;
use tower_http::services::{ServeDir, ServeFile};
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::timeout::RequestBodyTimeoutLayer;
use tower_sessions::cookie::SameSite;
use tower_sessions::cookie::time::Duration;
use tower_sessions::{Expiry, SessionManagerLayer};

use super::browser_session::BrowserSessions;
use super::{AppState, api_v1, client, exports, failures, health, imports, ingest, jd, middleware, openapi};

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
fn over_tls(state: &AppState) -> bool {
    state.console.public_url.as_ref().is_some_and(|url| url.scheme() == "https")
}

/// What takes a browser's cookie: pages, server functions and the API.
fn web(state: &AppState) -> Router<AppState> {
    let console = state.console.clone();
    let context = move || provide_app_context(console.clone(), ApiDescription(&api_v1::DESCRIPTION));
    let options = state.leptos.clone();
    let site = options.site_root.to_string();
    let pages = Router::new()
        .leptos_routes_with_context(state, generate_route_list(App), context.clone(), {
            let options = options.clone();
            move || shell(options.clone())
        })
        .fallback(leptos_axum::render_app_async_with_context(context, move || shell(options.clone())));
    let accounts = &state.console.accounts;
    let clock = state.console.clock.clone();
    let sessions = BrowserSessions { store: accounts.store(), sealer: accounts.sealer(), clock };
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
        .layer(same_origin(state))
        .nest("/chart", files(&format!("{site}/chart")))
        .nest("/pkg", files(&format!("{site}/pkg")))
        .route("/api/openapi.json", get(openapi::show))
        .route_service("/favicon.svg", ServeFile::new(format!("{site}/favicon.svg")))
}

/// Refuses what a page of another origin sends. Proxies may change `Host`, so the address that browsers know counts too.
fn same_origin(state: &AppState) -> CsrfLayer {
    let public = state.console.public_url.as_ref().map(|url| url.origin().ascii_serialization());
    public.and_then(|origin| CsrfLayer::new().add_trusted_origin(origin).ok()).unwrap_or_default()
}

/// What a disk says of names that no file has, or can have.
const NO_FILE: [ErrorKind; 4] =
    [ErrorKind::NotFound, ErrorKind::NotADirectory, ErrorKind::InvalidFilename, ErrorKind::InvalidInput];

/// The files of a folder.
fn files(folder: &str) -> Router<AppState> {
    let folder = ServeDir::new(folder).precompressed_br().precompressed_gzip();
    Router::new().fallback(move |request: Request| {
        let mut folder = folder.clone();
        async move {
            match folder.try_call(request).await {
                Ok(file) => file.into_response(),
                Err(error) if NO_FILE.contains(&error.kind()) => StatusCode::NOT_FOUND.into_response(),
                Err(error) => {
                    tracing::error!(%error, "cannot read a file of the pages");
                    StatusCode::INTERNAL_SERVER_ERROR.into_response()
                }
            }
        }
    })
}
