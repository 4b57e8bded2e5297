//! The frame around a page: navigation, the person, the language.

use callsheet::model::{Action, Actor};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

use crate::components::Logo;
use crate::pages::accounts::SignOut;
use crate::request;
use crate::texts::Locale;
/// The frame of a page: with navigation for people who are signed in, alone in the middle for others.
#[component]
pub(crate) fn Frame(children: Children) -> impl IntoView {
    let texts = request::texts();
    let main = view! { <main class="main" id="main" tabindex="-1">{children()}</main> };
    let Some(actor) = request::actor() else {
        return view! {
            <div class="centered">
                <header><Logo/></header>
                {main}
                <footer><LanguageLinks/></footer>
            </div>
        }
        .into_any();
    };
    view! {
        <a class="skip-link" href="#main">{texts.get("nav.skip")}</a>
        <div class="layout">
            <header class="topbar">
                <Logo/>
                <details class="menu">
                    <summary>{texts.get("nav.menu")}</summary>
                    <div>
                        <Navigation actor=actor.clone()/>
                        <Person actor=actor.clone()/>
                    </div>
                </details>
            </header>
            <header class="sidebar">
                <Logo/>
                <Navigation actor=actor.clone()/>
                <Person actor/>
            </header>
            {main}
        </div>
    }
    .into_any()
}

#[component]
fn Navigation(actor: Actor) -> impl IntoView {
    let texts = request::texts();
    let may = |action| actor.check(action).is_ok();
    let path = request::address().split('?').next().unwrap_or_default().to_owned();
    let item = move |href: &'static str, below: &[&str], text: String| {
        let here = path == href || below.iter().any(|prefix| path.starts_with(prefix));
        view! { <a href=href aria-current=here.then_some("page")>{text}</a> }
    };
    view! {
        <nav class="nav" aria-label=texts.get("nav.label")>
            {item("/", &[], texts.get("nav.overview"))}
            {item("/domains", &["/domains/", "/sessions/"], texts.get("nav.domains"))}
            {item("/deliveries", &["/deliveries/", "/recoveries"], texts.get("nav.deliveries"))}
            <span class="nav-heading">{texts.get("nav.statistics")}</span>
            {item("/statistics/usage", &[], texts.get("nav.usage"))}
            {item("/statistics/transcoding", &[], texts.get("nav.transcoding"))}
            {item("/statistics/imports", &[], texts.get("nav.imports"))}
            <span class="nav-heading">{texts.get("nav.manage")}</span>
            {item("/sources", &["/sources/"], texts.get("nav.sources"))}
            {may(Action::ManageAccounts).then(|| item("/users", &["/users/"], texts.get("nav.users")))}
            {may(Action::ManageAccounts).then(|| item("/keys", &["/keys/"], texts.get("nav.keys")))}
            {may(Action::ReadAudit).then(|| item("/audit", &[], texts.get("nav.audit")))}
            {item("/api", &[], texts.get("nav.api"))}
            {item("/settings", &["/settings/"], texts.get("nav.settings"))}
        </nav>
    }
}

#[component]
fn Person(actor: Actor) -> impl IntoView {
    let texts = request::texts();
    view! {
        <div class="account">
            <div>
                <a href="/profile"><b>{actor.name()}</b></a>
                <span class="muted">{texts.word("role", actor.role.as_str())}</span>
            </div>
            <div class="account-actions">
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
    let (texts, address) = (request::texts(), request::address());
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
