//! Who asks, in which language, and at what time: what pages and server functions know of their request.

use std::fmt;
use std::net::IpAddr;

use axum::http::request::Parts;
use callsheet::Console;
use callsheet::model::{Actor, UserId};
use callsheet::sealing::token_hash;
use leptos::prelude::*;
use serde_json::Value;
use tower_sessions::Session;
use tower_sessions::session::Id;

use crate::assets::AssetUrls;
use crate::error::UiError;
use crate::form_cookie::FormCookie;
use crate::request::{actor, address, form_page, login_page, set_status, texts, wants_html};
use crate::texts::Texts;
use crate::times::Times;

/// Makes the use cases reachable from pages and server functions. The [`Actor`] and the browser's [`Session`] come as
/// extensions of the request.
pub fn provide_app_context(console: Console, api: ApiDescription, rtmp: RtmpPort, assets: AssetUrls) {
    provide_context(console);
    provide_context(api);
    provide_context(rtmp);
    provide_context(assets);
}

/// The description of the REST API, OpenAPI 3.1, for its page.
#[derive(Debug, Clone, Copy)]
pub struct ApiDescription(pub &'static Value);

/// The port of the built-in RTMP ingest; `None`: it is off.
#[derive(Debug, Clone, Copy)]
pub struct RtmpPort(pub Option<u16>);

/// The client's IP address, as an extension of each request. `None`: a proxy named the client by something else.
#[derive(Debug, Clone, Copy)]
pub struct ClientAddress(pub Option<IpAddr>);

impl fmt::Display for ClientAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(address) => address.fmt(f),
            None => f.write_str("unknown"),
        }
    }
}

/// The key of the browser session under which the signed-in user's id (a number) stands.
pub const SESSION_USER: &str = "user";
/// The keys of the client's address and `User-Agent` at the sign-in.
pub const SESSION_ADDRESS: &str = "address";
pub const SESSION_AGENT: &str = "agent";

/// Clients use it where an address names no port.
const USUAL_RTMP_PORT: u16 = 1935;

/// How a session is known beyond its cookie: what lists it cannot open it.
#[must_use]
pub fn session_hash(id: &Id) -> String {
    token_hash(&id.to_string())
}

/// One request, as far as pages and server functions care.
#[derive(Clone)]
pub(crate) struct Visit {
    pub(crate) console: Console,
    /// `None`: nobody is signed in.
    pub(crate) actor: Option<Actor>,
    pub(crate) session: Option<Session>,
    pub(crate) form_cookie: FormCookie,
    pub(crate) texts: Texts,
    pub(crate) times: Times,
    /// Path and query.
    pub(crate) address: String,
    /// The client's own host name for the console, such as `callsheet.example.com:3000`.
    pub(crate) host: String,
    /// The port of the built-in ingest; `None`: it is off.
    pub(crate) rtmp_port: Option<u16>,
    /// The client's IP address.
    pub(crate) client: String,
    /// The client's `User-Agent`.
    pub(crate) agent: String,
    /// A form without script posted this, or a page is asked for.
    pub(crate) wants_html: bool,
}

impl Visit {
    /// The request that is being answered. Call it before the first await.
    pub(crate) fn current() -> Self {
        let console: Console = expect_context();
        let parts = use_context::<Parts>();
        let parts = parts.as_ref();
        let texts = texts();
        let header = |name: &str| parts.and_then(|p| p.headers.get(name)).and_then(|v| v.to_str().ok());
        Self {
            actor: actor(),
            session: parts.and_then(|p| p.extensions.get::<Session>()).cloned(),
            form_cookie: parts.and_then(|p| p.extensions.get::<FormCookie>()).cloned().unwrap_or_default(),
            times: Times { zone: console.zone.clone(), now: console.clock.now(), texts, shown: console.shown },
            address: address(),
            host: header("host").unwrap_or("127.0.0.1:3000").to_owned(),
            rtmp_port: expect_context::<RtmpPort>().0,
            client: parts
                .and_then(|p| p.extensions.get::<ClientAddress>())
                .map(ClientAddress::to_string)
                .unwrap_or_default(),
            agent: header("user-agent").unwrap_or_default().chars().take(300).collect(),
            wants_html: wants_html(),
            console,
            texts,
        }
    }

    /// The browser's session, if somebody is signed in with it: only that may be written without a password.
    pub(crate) async fn own_browser_session(&self) -> Option<&Session> {
        let session = self.session.as_ref()?;
        let user = session.get::<UserId>(SESSION_USER).await.ok()?;
        user.map(|_| session)
    }

    /// The whole address of a page, for people to pass on.
    pub(crate) fn whole(&self, path: &str) -> String {
        match &self.console.public_url {
            Some(url) => format!("{}{path}", url.as_str().trim_end_matches('/')),
            None => format!("http://{}{path}", self.host),
        }
    }

    /// Browsers reach the console by TLS alone.
    pub(crate) fn over_tls(&self) -> bool {
        self.console.public_url.as_ref().is_some_and(|url| url.scheme() == "https")
    }

    /// The hash of the session that asks; empty without one.
    pub(crate) fn own_session(&self) -> String {
        self.session.as_ref().and_then(Session::id).map(|id| session_hash(&id)).unwrap_or_default()
    }

    /// The host name under which the browser knows this machine.
    fn host_name(&self) -> &str {
        let host = self.host.as_str();
        match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
            _ => host,
        }
    }

    /// `rtmp://` and this machine, with the port of the built-in ingest.
    pub(crate) fn rtmp_here(&self) -> String {
        self.rtmp_at(self.host_name())
    }

    /// The same under a domain that leads to this machine.
    pub(crate) fn rtmp_at(&self, host: &str) -> String {
        match self.rtmp_port {
            Some(port) if port != USUAL_RTMP_PORT => format!("rtmp://{host}:{port}"),
            _ => format!("rtmp://{host}"),
        }
    }

    /// Who is signed in, for a form. Otherwise the browser goes to the login, and from there back to the form's page.
    pub(crate) fn actor(&self) -> Result<&Actor, UiError> {
        self.actor.as_ref().ok_or_else(|| {
            if self.wants_html {
                leptos_axum::redirect(&login_page(form_page()));
            } else {
                set_status(401);
            }
            UiError::unauthenticated(self.texts)
        })
    }
}
