//! Signing in: the password, the second step, and the way to the provider and back.

use callsheet::accounts::{AccountError, Callback};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use super::server_fns::{Away, EnterCode, Pending, SignIn, open_session};
use crate::components::{Field, Note, Tone};
use crate::context::Visit;
use crate::error::UiError;
use crate::page::{failure, open_page, send_to};
use crate::pages::settings::finish_test;
use crate::request::{encode, local_path, set_status};

/// `/login?next=…`.
#[component]
pub(crate) fn LoginPage() -> impl IntoView {
    let next = use_query_map().get_untracked().get("next").unwrap_or_default();
    open_page(move |visit, flash| async move {
        let texts = visit.texts;
        let form = flash.of(SignIn::PATH);
        let title = texts.get("login.title");
        let provider = visit.console.accounts.provider().map(|provider| {
            let href = format!("/login/provider{}", encode(&[("next", next.clone())]));
            view! {
                <p class="separator">{texts.get("login.or")}</p>
                <a class="btn full-width" href=href rel="nofollow">{texts.fill("login.provider", &[("host", provider.host())])}</a>
            }
        });
        Ok(view! {
            <Title text=title.clone()/>
            <h1>{title}</h1>
            <form class="fields" method="post" action=SignIn::PATH>
                <input type="hidden" name="next" value=next.clone()/>
                <Field name="name" label=texts.get("login.name") autocomplete="username" required=true autofocus=true
                    value=form.typed("name").unwrap_or_default()/>
                <Field name="password" label=texts.get("login.password") kind="password" autocomplete="current-password"
                    required=true/>
                <button class="btn primary full-width">{texts.get("login.submit")}</button>
            </form>
            {provider}
        }
        .into_any())
    })
}

/// `/login/code`: the second step, after a password that fits.
#[component]
pub(crate) fn CodePage() -> impl IntoView {
    open_page(move |visit, flash| async move {
        let texts = visit.texts;
        if Pending::of(&visit).await.is_none() {
            return Ok(send_to("/login"));
        }
        let form = flash.of(EnterCode::PATH);
        let title = texts.get("login.second_step");
        Ok(view! {
            <Title text=title.clone()/>
            <h1>{title}</h1>
            <p class="muted">{texts.get("login.second_step_lead")}</p>
            <form class="fields" method="post" action=EnterCode::PATH>
                <Field name="code" label=texts.get("login.code") help=texts.get("login.code_help") autocomplete="one-time-code"
                    required=true autofocus=true error=form.wrong("code")/>
                <button class="btn primary full-width">{texts.get("login.submit")}</button>
            </form>
            <p><a href="/login">{texts.get("login.other_account")}</a></p>
        }
        .into_any())
    })
}

/// `/login/provider?next=…`: on to the provider of single sign-on.
#[component]
pub(crate) fn ProviderPage() -> impl IntoView {
    let next = use_query_map().get_untracked().get("next").unwrap_or_default();
    open_page(move |visit, _| async move {
        let (address, ticket) = match visit.console.accounts.start_single_sign_on(&visit.client).await {
            Ok(started) => started,
            Err(problem) => return Ok(refused(&visit, &problem)),
        };
        Away { ticket, next }.keep(&visit)?;
        Ok(send_to(&address))
    })
}

/// `/login/callback?state=…&code=…`: back from the provider. Somebody who is signed in comes back from a test.
#[component]
pub(crate) fn CallbackPage() -> impl IntoView {
    let query = use_query_map().get_untracked();
    let part = move |name: &str| query.get(name).unwrap_or_default();
    let callback = Callback {
        state: part("state"),
        code: part("code"),
        error: part("error"),
        error_description: part("error_description"),
    };
    let visit = Visit::current();
    if let Some(actor) = visit.actor.clone() {
        return Suspend::new(async move {
            match finish_test(&visit, &actor, &callback).await {
                Some(Ok(result)) => result,
                Some(Err(error)) => failure(visit.texts, &error),
                None => send_to("/"),
            }
        })
        .into_any();
    }
    open_page(move |visit, _| async move {
        let (ticket, next) = Away::take(&visit).map(|away| (away.ticket, away.next)).unzip();
        match visit.console.accounts.finish_single_sign_on(ticket, &callback, &visit.client).await {
            Ok(user) => {
                open_session(&visit, &user).await?;
                Ok(send_to(&next.and_then(|next| local_path(&next)).unwrap_or_else(|| "/".to_owned())))
            }
            Err(problem) => Ok(refused(&visit, &problem)),
        }
    })
}

/// Shows why the sign-in is refused, and the reference by which an admin finds the cause.
fn refused(visit: &Visit, problem: &AccountError) -> AnyView {
    let texts = visit.texts;
    let error = UiError::of(texts, problem);
    set_status(error.status);
    let reference = match problem {
        AccountError::SignOn { reference, .. } => Some(texts.fill("login.reference", &[("reference", reference)])),
        _ => None,
    };
    let title = texts.get("login.title");
    view! {
        <Title text=title.clone()/>
        <h1>{title}</h1>
        <Note tone=Tone::Bad>{error.message}</Note>
        {reference.map(|text| view! { <p class="muted">{text}</p> })}
        <p><a href="/login">{texts.get("setup.to_login")}</a></p>
    }
    .into_any()
}
