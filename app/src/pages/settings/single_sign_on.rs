//! *Settings → Single sign-on*: the configuration and the result of the last test.

use axum::http::header::{HeaderName, HeaderValue};
use callsheet::accounts::Provider;
use callsheet::model::Action;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_axum::ResponseOptions;

use super::server_fns::TestSingleSignOn;
use super::single_sign_on_test::{Outcome, PAGE, Pending, Tested, pending, tested};
use crate::components::{Crumb, Empty, Head, Note, Tone, copyable};
use crate::context::Visit;
use crate::error::UiError;
use crate::page::{page, send_to};

/// `/settings/single-sign-on`.
#[component]
pub(crate) fn SingleSignOnPage() -> impl IntoView {
    page(move |visit, actor, _| async move {
        let texts = visit.texts;
        actor.check(Action::ManageAccounts).map_err(|e| UiError::of(texts, &e))?;
        let head = view! { <Head title=texts.get("sso.title") crumbs=crumbs(&visit)/> };
        let Some(provider) = visit.console.accounts.provider() else {
            let none = view! { <Empty title=texts.get("sso.none") text=texts.get("sso.none_text")/> };
            return Ok(view! { {head} <section class="card">{none}</section> }.into_any());
        };
        let result = tested(&visit, &actor).await.map(|tested| result(&visit, tested));
        Ok(view! { {head} {set_up(&visit, provider)} {result} }.into_any())
    })
}

/// `/settings/single-sign-on/leave`: on to the provider. The content policy lets a form lead nowhere else, hence a page of its own.
#[component]
pub(crate) fn LeavePage() -> impl IntoView {
    let response = use_context::<ResponseOptions>();
    page(move |visit, actor, _| async move {
        let texts = visit.texts;
        actor.check(Action::ManageAccounts).map_err(|e| UiError::of(texts, &e))?;
        let Some(Pending { address, .. }) = pending(&visit, &actor).await else { return Ok(send_to(PAGE)) };
        if let (Some(response), Ok(to)) = (response, HeaderValue::from_str(&format!("0; url={address}"))) {
            response.insert_header(HeaderName::from_static("refresh"), to);
        }
        Ok(view! {
            <Head title=texts.get("sso.title") crumbs=crumbs(&visit)/>
            <section class="card"><div class="body">
                <p>{texts.get("sso.leaving")}</p>
                <div><a class="btn primary" href=address rel="nofollow">{texts.get("sso.leave")}</a></div>
            </div></section>
        }
        .into_any())
    })
}

fn crumbs(visit: &Visit) -> Vec<Crumb> {
    vec![Crumb { href: "/settings".to_owned(), text: visit.texts.get("nav.settings") }]
}

fn set_up(visit: &Visit, provider: &Provider) -> AnyView {
    let texts = visit.texts;
    let config = provider.config();
    let list = |all: &[String]| {
        let all = all.iter().map(|one| view! { <code>{one.clone()}</code> });
        view! { <span class="row">{all.collect_view()}</span> }.into_any()
    };
    let audiences = match config.audiences.as_slice() {
        [] => view! { {texts.get("sso.no_audiences")} }.into_any(),
        all => list(all),
    };
    let redirect = copyable(texts, provider.redirect_address(), &texts.get("sso.redirect"));
    view! {
        <section class="card">
            <header><h2>{texts.get("settings.configuration")}</h2> <p>{texts.get("settings.configuration_help")}</p></header>
            <div class="body">
                <dl class="description-list">
                    <dt>{texts.get("sso.issuer")}</dt><dd><code>{config.issuer.clone()}</code></dd>
                    <dt>{texts.get("sso.client")}</dt><dd><code>{config.client_id.clone()}</code></dd>
                    <dt>{texts.get("sso.redirect")}</dt><dd class="row">{redirect}</dd>
                    <dt>{texts.get("sso.role_claims")}</dt><dd>{list(&config.role_claims)}</dd>
                    <dt>{texts.get("sso.audiences")}</dt><dd>{audiences}</dd>
                </dl>
                <form class="stack" method="post" action=TestSingleSignOn::PATH>
                    <p>{texts.get("sso.test_help")}</p>
                    <div><button class="btn primary">{texts.get("sso.test")}</button></div>
                </form>
            </div>
        </section>
    }
    .into_any()
}

fn result(visit: &Visit, tested: Tested) -> AnyView {
    let texts = visit.texts;
    let note = match tested.outcome {
        Outcome::LetIn { name, is_known, role, claim } => {
            let key = if is_known { "sso.known" } else { "sso.new" };
            let role = texts.word("role", &role);
            let text = texts.fill(key, &[("name", &name), ("role", &role), ("claim", &claim)]);
            view! { <Note tone=Tone::Ok>{text}</Note> }.into_any()
        }
        Outcome::Refused { message, cause } => view! {
            <Note tone=Tone::Bad>
                <p><strong>{texts.get("sso.refused")}</strong></p>
                <p>{cause}</p>
                <p>{texts.fill("sso.shown", &[("message", &message)])}</p>
            </Note>
        }
        .into_any(),
    };
    view! {
        <section class="card" id="result">
            <header><h2>{texts.get("sso.result")}</h2> <p>{texts.get("sso.result_help")}</p></header>
            <div class="body">{note}</div>
        </section>
        {claims(visit, "sso.id_token", tested.id_token)}
        {claims(visit, "sso.userinfo", tested.userinfo)}
    }
    .into_any()
}

/// The claims of one origin, if any came.
fn claims(visit: &Visit, origin: &str, claims: Vec<(String, String)>) -> Option<AnyView> {
    let texts = visit.texts;
    let row = |(name, value): (String, String)| {
        view! {
            <tr>
                <th scope="row"><code>{name}</code></th>
                <td data-label=texts.get("settings.value")><code>{value}</code></td>
            </tr>
        }
    };
    (!claims.is_empty()).then(|| {
        view! {
            <section class="card">
                <header><h2>{texts.get(origin)}</h2></header>
                <table class="table claims">
                    <thead><tr>
                        <th scope="col">{texts.get("sso.claim")}</th>
                        <th scope="col">{texts.get("settings.value")}</th>
                    </tr></thead>
                    <tbody>{claims.into_iter().map(row).collect_view()}</tbody>
                </table>
            </section>
        }
        .into_any()
    })
}
