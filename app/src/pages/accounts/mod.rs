//! Set-up, sign-in, sign-out.

mod server_fns;

use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use crate::components::{Field, Note, Tone};
use crate::error::UiError;
use crate::page::open_page;
pub(crate) use server_fns::SignOut;
use server_fns::{SetUp, SignIn};

/// `/setup?token=…`: the first admin.
#[component]
pub(crate) fn SetUpPage() -> impl IntoView {
    let token = use_query_map().get_untracked().get("token").unwrap_or_default();
    open_page(move |visit, flash| async move {
        let texts = visit.texts;
        let title = texts.get("setup.title");
        if let Err(problem) = visit.console.accounts.check_setup(&token).await {
            let error = UiError::of(texts, &problem);
            return Ok(view! {
                <Title text=title.clone()/>
                <h1>{title}</h1>
                <Note tone=Tone::Bad>{error.message}</Note>
                <p><a href="/login">{texts.get("setup.to_login")}</a></p>
            }
            .into_any());
        }
        let form = flash.of(SetUp::PATH);
        Ok(view! {
            <Title text=title.clone()/>
            <h1>{title}</h1>
            <p class="muted">{texts.get("setup.lead")}</p>
            <form class="fields" method="post" action=SetUp::PATH>
                <input type="hidden" name="token" value=token/>
                <Field name="name" label=texts.get("login.name") autocomplete="username" required=true autofocus=form.error.is_none()
                    value=form.typed("name").unwrap_or_default() error=form.wrong("name")/>
                <Field name="password" label=texts.get("login.password") help=texts.get("setup.password_help") kind="password"
                    autocomplete="new-password" required=true error=form.wrong("password")/>
                <Field name="passwordAgain" label=texts.get("setup.password_again") kind="password"
                    autocomplete="new-password" required=true error=form.wrong("passwordAgain")/>
                <button class="btn primary wide">{texts.get("setup.submit")}</button>
            </form>
        }
        .into_any())
    })
}

/// `/login?next=…`.
#[component]
pub(crate) fn LoginPage() -> impl IntoView {
    let next = use_query_map().get_untracked().get("next").unwrap_or_default();
    open_page(move |visit, flash| async move {
        let texts = visit.texts;
        let form = flash.of(SignIn::PATH);
        let title = texts.get("login.title");
        Ok(view! {
            <Title text=title.clone()/>
            <h1>{title}</h1>
            <form class="fields" method="post" action=SignIn::PATH>
                <input type="hidden" name="next" value=next/>
                <Field name="name" label=texts.get("login.name") autocomplete="username" required=true autofocus=true
                    value=form.typed("name").unwrap_or_default()/>
                <Field name="password" label=texts.get("login.password") kind="password" autocomplete="current-password"
                    required=true/>
                <button class="btn primary wide">{texts.get("login.submit")}</button>
            </form>
        }
        .into_any())
    })
}
