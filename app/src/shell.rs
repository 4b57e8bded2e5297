//! The document around every page: head, navigation, language, and the policy that says what the browser may load.

use axum::http::{HeaderValue, header};
use html_escape::encode_text;
use leptos::config::LeptosOptions;
use leptos::nonce::use_nonce;
use leptos::prelude::*;
use leptos_axum::ResponseOptions;
use leptos_meta::MetaTags;

use crate::assets::AssetUrls;
use crate::components::Logo;
use crate::error::UiError;
use crate::page::Failure;
use crate::request;
use crate::routes::App;
use crate::texts::{COOKIE, Texts};

/// The whole document.
pub fn shell(options: LeptosOptions) -> impl IntoView {
    let texts = request::texts();
    send_headers(texts);
    view! {
        <!DOCTYPE html>
        <html lang=texts.0.tag()>
            <head>
                {basics(expect_context())}
                <HydrationScripts options islands=true/>
                <MetaTags/>
            </head>
            <body>
                <App/>
            </body>
        </html>
    }
}

/// The whole document in place of one that was refused or whose making broke off: nothing of the person, and no script.
#[must_use]
pub fn failure_page(texts: Texts, error: &UiError, assets: AssetUrls) -> String {
    let failure = Failure::of(texts, error);
    Owner::new().with(|| {
        let document = view! {
            <!DOCTYPE html>
            <html lang=texts.0.tag()>
                <head>
                    {basics(assets)}
                    // As text: browsers show the markers that the framework leaves between views.
                    <title inner_html=encode_text(&failure.title).into_owned()></title>
                </head>
                <body>
                    <div class="centered">
                        <header><Logo/></header>
                        <main class="main"><section class="card">{failure.view(texts)}</section></main>
                    </div>
                </body>
            </html>
        };
        document.to_html()
    })
}

/// What the head of every document holds.
fn basics(assets: AssetUrls) -> impl IntoView {
    view! {
        <meta charset="utf-8"/>
        <meta name="viewport" content="width=device-width, initial-scale=1"/>
        <meta name="color-scheme" content="light dark"/>
        <link rel="icon" href=assets.icon type="image/svg+xml"/>
        <link rel="stylesheet" href=assets.style_sheet/>
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
    response.insert_header(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let chosen = use_context::<axum::http::request::Parts>().and_then(|parts| request::chosen(&parts));
    if chosen.is_some() {
        let cookie = format!("{COOKIE}={}; Path=/; Max-Age=31536000; SameSite=Lax", texts.0.tag());
        if let Ok(value) = HeaderValue::from_str(&cookie) {
            response.append_header(header::SET_COOKIE, value);
        }
    }
}
