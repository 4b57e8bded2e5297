//! The document around every page: head, navigation, language, and the policy that says what the browser may load.

use axum::http::{HeaderName, HeaderValue, header};
use callsheet::model::Actor;
use leptos::config::LeptosOptions;
use leptos::nonce::use_nonce;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_axum::ResponseOptions;
use leptos_meta::{HashedStylesheet, MetaTags};

use crate::components::Logo;
use crate::context;
use crate::pages::accounts::SignOut;
use crate::routes::App;
use crate::texts::{COOKIE, Locale, Texts};

/// The whole document.
pub fn shell(options: LeptosOptions) -> impl IntoView {
    let texts = context::texts();
    send_headers(texts);
    view! {
        <!DOCTYPE html>
        <html lang=texts.0.tag()>
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <meta name="color-scheme" content="light dark"/>
                <link rel="icon" href="/favicon.svg" type="image/svg+xml"/>
                <HashedStylesheet options=options.clone()/>
                <HydrationScripts options islands=true/>
                <MetaTags/>
            </head>
            <body>
                <App/>
            </body>
        </html>
    }
}

/// What must go with each page: the content policy with this response's nonce, and the language that a link chose.
fn send_headers(texts: Texts) {
    let Some(response) = use_context::<ResponseOptions>() else { return };
    if let Some(nonce) = use_nonce() {
        let policy = format!(
            "default-src 'none'; script-src 'nonce-{nonce}' 'strict-dynamic' 'wasm-unsafe-eval'; style-src 'self'; \
             img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        );
        if let Ok(value) = HeaderValue::from_str(&policy) {
            response.insert_header(header::CONTENT_SECURITY_POLICY, value);
        }
    }
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (header::CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("permissions-policy"), "camera=(), microphone=(), geolocation=()"),
    ] {
        response.insert_header(name, HeaderValue::from_static(value));
    }
    let chosen = use_context::<axum::http::request::Parts>().and_then(|parts| context::chosen(&parts));
    if chosen.is_some() {
        let cookie = format!("{COOKIE}={}; Path=/; Max-Age=31536000; SameSite=Lax", texts.0.tag());
        if let Ok(value) = HeaderValue::from_str(&cookie) {
            response.append_header(header::SET_COOKIE, value);
        }
    }
}

/// The frame of a page: with navigation for people who are signed in, alone in the middle for others.
#[component]
pub(crate) fn Frame(children: Children) -> impl IntoView {
    let texts = context::texts();
    let main = view! { <main class="main" id="main" tabindex="-1">{children()}</main> };
    let Some(actor) = context::actor() else {
        return view! {
            <div class="alone">
                <header><Logo/></header>
                {main}
                <footer><LanguageLinks/></footer>
            </div>
        }
        .into_any();
    };
    view! {
        <a class="skip" href="#main">{texts.get("nav.skip")}</a>
        <div class="frame">
            <header class="bar">
                <Logo/>
                <details class="menu">
                    <summary>{texts.get("nav.menu")}</summary>
                    <div>
                        <Navigation/>
                        <Person actor=actor.clone()/>
                    </div>
                </details>
            </header>
            <header class="side">
                <Logo/>
                <Navigation/>
                <Person actor/>
            </header>
            {main}
        </div>
    }
    .into_any()
}

#[component]
fn Navigation() -> impl IntoView {
    let texts = context::texts();
    let path = context::address().split('?').next().unwrap_or_default().to_owned();
    let item = move |href: &'static str, below: &[&str], text: String| {
        let here = path == href || below.iter().any(|prefix| path.starts_with(prefix));
        view! { <a href=href aria-current=here.then_some("page")>{text}</a> }
    };
    view! {
        <nav class="nav" aria-label=texts.get("nav.label")>
            {item("/", &[], texts.get("nav.overview"))}
            {item("/domains", &["/domains/", "/sessions/"], texts.get("nav.domains"))}
            {item("/deliveries", &["/deliveries/"], texts.get("nav.deliveries"))}
            {item("/sources", &["/sources/"], texts.get("nav.sources"))}
        </nav>
    }
}

#[component]
fn Person(actor: Actor) -> impl IntoView {
    let texts = context::texts();
    view! {
        <div class="person">
            <div>
                <b>{actor.name()}</b>
                <span class="muted">{texts.word("role", actor.role.as_str())}</span>
            </div>
            <div class="person-actions">
                <LanguageLinks/>
                <form method="post" action=SignOut::PATH>
                    <button class="btn small">{texts.get("nav.sign_out")}</button>
                </form>
            </div>
        </div>
    }
}

/// Links to this page in the other languages.
#[component]
fn LanguageLinks() -> impl IntoView {
    let (texts, address) = (context::texts(), context::address());
    let links = Locale::ALL.into_iter().filter(|locale| *locale != texts.0).map(|locale| {
        let (path, query) = address.split_once('?').unwrap_or((&address, ""));
        let kept = query.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("lang="));
        let tag = format!("lang={}", locale.tag());
        let query: Vec<&str> = kept.chain([tag.as_str()]).collect();
        let href = format!("{path}?{}", query.join("&"));
        view! { <a href=href lang=locale.tag() hreflang=locale.tag()>{locale.name()}</a> }
    });
    view! { <span>{links.collect_view()}</span> }
}
