//! *Settings → Single sign-on*: how it is set up, and a test that shows an admin what the provider sends.
//!
//! A test goes the way of a sign-in, with the same client and redirect address, so that nothing has to be registered for it. AuthorizationRequest and
//! result stay in the admin's own session and are bound to the user; the session goes on as it is.

use axum::http::header::{HeaderName, HeaderValue};
use callsheet::accounts::{AccountError, AuthorizationRequest, Callback, Provider, ProviderTest};
use callsheet::model::{Action, Actor, Millis, UserId, Who};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_axum::ResponseOptions;
use serde::{Deserialize, Serialize};

use super::server_fns::TestSingleSignOn;
use crate::components::{Crumb, Empty, Head, Note, Tone, copyable};
use crate::context::Visit;
use crate::error::UiError;
use crate::page::{page, send_to};

pub(super) const PAGE: &str = "/settings/single-sign-on";
pub(super) const LEAVE: &str = "/settings/single-sign-on/leave";
/// Lifetime of a result.
const RESULT_MS: Millis = 10 * 60_000;
/// Limits of what is kept: claims, and characters of a value.
const MOST_CLAIMS: usize = 100;
const LONGEST_VALUE: usize = 1_000;

/// A test that waits for the provider's answer, in the session.
#[derive(Serialize, Deserialize)]
struct Pending {
    user: UserId,
    ticket: AuthorizationRequest,
    /// The provider's address to send the browser to.
    address: String,
}

impl Pending {
    const KEY: &str = "single_sign_on_test";
}

/// The result of the last test, in the session.
#[derive(Serialize, Deserialize)]
struct Tested {
    user: UserId,
    until: Millis,
    /// Name and value of each claim.
    id_token: Vec<(String, String)>,
    userinfo: Vec<(String, String)>,
    outcome: Outcome,
}

#[derive(Serialize, Deserialize)]
enum Outcome {
    LetIn {
        name: String,
        is_known: bool,
        role: String,
        claim: String,
    },
    /// The text for the person who signs in, and the cause.
    Refused {
        message: String,
        cause: String,
    },
}

impl Tested {
    const KEY: &str = "single_sign_on_tested";
}

fn user_of(actor: &Actor) -> Option<UserId> {
    if let Who::User { id, .. } = actor.who { Some(id) } else { None }
}

/// Starts a test, and answers whether the browser is to leave by the page [`LEAVE`]. Otherwise the test has its result.
pub(super) async fn start(visit: &Visit, actor: &Actor) -> Result<bool, UiError> {
    let (address, ticket) = match visit.console.accounts.start_single_sign_on_test(actor).await {
        Ok(started) => started,
        // The page shows the cause, as it does when the way back fails.
        Err(AccountError::SignOn { fault, .. }) => {
            let test = ProviderTest { id_token: Vec::new(), userinfo: Vec::new(), outcome: Err(*fault) };
            return keep(visit, actor, test).await.map(|()| false);
        }
        Err(problem) => return Err(UiError::of(visit.texts, &problem)),
    };
    let (Some(session), Some(user)) = (&visit.session, user_of(actor)) else {
        return Err(UiError::internal(visit.texts));
    };
    let pending = session.insert(Pending::KEY, Pending { user, ticket, address });
    pending.await.map_err(|error| UiError::fault(visit.texts, &error)).map(|()| true)
}

async fn pending(visit: &Visit, actor: &Actor) -> Option<Pending> {
    let pending = visit.session.as_ref()?.get::<Pending>(Pending::KEY).await.ok()??;
    (Some(pending.user) == user_of(actor)).then_some(pending)
}

/// Ends the test that a provider's answer belongs to, and leads to its result. `None`: it belongs to no test of this session.
pub(crate) async fn finish_test(visit: &Visit, actor: &Actor, callback: &Callback) -> Option<Result<AnyView, UiError>> {
    let Pending { ticket, .. } = pending(visit, actor).await?;
    if !ticket.matches(&callback.state, visit.console.clock.now()) {
        return None;
    }
    // One answer counts.
    if let Err(error) = visit.session.as_ref()?.remove::<Pending>(Pending::KEY).await {
        return Some(Err(UiError::fault(visit.texts, &error)));
    }
    let kept = match visit.console.accounts.finish_single_sign_on_test(actor, ticket, callback).await {
        Ok(test) => keep(visit, actor, test).await,
        Err(problem) => Err(UiError::of(visit.texts, &problem)),
    };
    Some(kept.map(|()| send_to(PAGE)))
}

async fn keep(visit: &Visit, actor: &Actor, test: ProviderTest) -> Result<(), UiError> {
    let texts = visit.texts;
    let (Some(session), Some(user)) = (&visit.session, user_of(actor)) else { return Err(UiError::internal(texts)) };
    let outcome = match test.outcome {
        Ok(signed_in) => Outcome::LetIn {
            name: signed_in.name,
            is_known: signed_in.is_known,
            role: signed_in.role.role.as_str().to_owned(),
            claim: signed_in.role.claim,
        },
        Err(fault) => Outcome::Refused { cause: fault.to_string(), message: UiError::of(texts, &fault).message },
    };
    let cut = |claims: Vec<(String, String)>| {
        let short = |(name, value): (String, String)| match value.char_indices().nth(LONGEST_VALUE) {
            Some((end, _)) => (name, format!("{}…", &value[..end])),
            None => (name, value),
        };
        claims.into_iter().take(MOST_CLAIMS).map(short).collect()
    };
    let tested = Tested {
        user,
        until: visit.console.clock.now() + RESULT_MS,
        id_token: cut(test.id_token),
        userinfo: cut(test.userinfo),
        outcome,
    };
    session.insert(Tested::KEY, tested).await.map_err(|error| UiError::fault(texts, &error))
}

/// The result of the last test, while it is kept.
async fn tested(visit: &Visit, actor: &Actor) -> Option<Tested> {
    let session = visit.session.as_ref()?;
    let tested = session.get::<Tested>(Tested::KEY).await.ok()??;
    if visit.console.clock.now() < tested.until && Some(tested.user) == user_of(actor) {
        return Some(tested);
    }
    if let Err(error) = session.remove_value(Tested::KEY).await {
        tracing::warn!(error = &error as &dyn std::error::Error, "cannot remove a test's result");
    }
    None
}

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
