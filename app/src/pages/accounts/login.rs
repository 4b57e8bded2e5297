//! Signing in: the password, the second step, and the way to the provider and back.

use axum::http::StatusCode;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_axum::ResponseOptions;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use super::server_fns::{Away, EnterCode, Pending, SignIn, open_session};
use crate::components::{Field, Note, Tone};
use crate::context::Visit;
use crate::error::UiError;
use crate::page::{open_page, send_to};
use crate::request::{encode, local_path};

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
                <p class="or">{texts.get("login.or")}</p>
                <a class="btn wide" href=href rel="nofollow">{texts.fill("login.provider", &[("host", provider.host())])}</a>
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
                <button class="btn primary wide">{texts.get("login.submit")}</button>
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
                <button class="btn primary wide">{texts.get("login.submit")}</button>
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
            Err(problem) => return Ok(refused(&visit, &UiError::of(visit.texts, &problem))),
        };
        Away { ticket, next }.keep(&visit)?;
        Ok(send_to(&address))
    })
}

/// `/login/callback?state=…&code=…`: back from the provider.
#[component]
pub(crate) fn CallbackPage() -> impl IntoView {
    let query = use_query_map().get_untracked();
    let part = move |name: &str| query.get(name).unwrap_or_default();
    let (state, code, error) = (part("state"), part("code"), part("error"));
    open_page(move |visit, _| async move {
        let (ticket, next) = Away::take(&visit).map(|away| (away.ticket, away.next)).unzip();
        let answer = if error.is_empty() { Ok(code.as_str()) } else { Err(error.as_str()) };
        match visit.console.accounts.finish_single_sign_on(ticket, &state, answer, &visit.client).await {
            Ok(user) => {
                open_session(&visit, &user).await?;
                Ok(send_to(&next.and_then(|next| local_path(&next)).unwrap_or_else(|| "/".to_owned())))
            }
            Err(problem) => Ok(refused(&visit, &UiError::of(visit.texts, &problem))),
        }
    })
}

/// Why the provider's way in is closed.
fn refused(visit: &Visit, error: &UiError) -> AnyView {
    if let Some(response) = use_context::<ResponseOptions>() {
        response.set_status(StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR));
    }
    let (title, message) = (visit.texts.get("login.title"), error.message.clone());
    view! {
        <Title text=title.clone()/>
        <h1>{title}</h1>
        <Note tone=Tone::Bad>{message}</Note>
        <p><a href="/login">{visit.texts.get("setup.to_login")}</a></p>
    }
    .into_any()
}
