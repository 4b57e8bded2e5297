//! One-time links: the first admin's, and those by which people set a password.

use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_meta::Title;
use leptos_router::hooks::{use_params_map, use_query_map};

use super::server_fns::{AcceptLink, SetUp};
use crate::components::{Field, Note, Tone};
use crate::context::Visit;
use crate::error::UiError;
use crate::forms::Flash;
use crate::page::open_page;

/// `/setup?token=…`: the first admin.
#[component]
pub(crate) fn SetUpPage() -> impl IntoView {
    let token = use_query_map().get_untracked().get("token").unwrap_or_default();
    open_page(move |visit, flash| async move {
        let texts = visit.texts;
        let title = texts.get("setup.title");
        if let Err(problem) = visit.console.accounts.check_setup(&token).await {
            return Ok(void(&visit, title, &UiError::of(texts, &problem)));
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
                {new_password(&visit, &form, texts.get("login.password"))}
                <button class="btn primary full-width">{texts.get("setup.submit")}</button>
            </form>
        }
        .into_any())
    })
}

/// `/invite/{token}`: a password of one's own.
#[component]
pub(crate) fn InvitePage() -> impl IntoView {
    let token = use_params_map().get_untracked().get("token").unwrap_or_default();
    open_page(move |visit, flash| async move {
        let texts = visit.texts;
        let title = texts.get("invite.title");
        let user = match visit.console.accounts.check_link(&token).await {
            Ok(user) => user,
            Err(problem) => return Ok(void(&visit, title, &UiError::of(texts, &problem))),
        };
        let form = flash.of(AcceptLink::PATH);
        Ok(view! {
            <Title text=title.clone()/>
            <h1>{title}</h1>
            <p class="muted">{texts.fill("invite.lead", &[("name", &user.name), ("role", &texts.word("role", user.role.as_str()))])}</p>
            <form class="fields" method="post" action=AcceptLink::PATH>
                <input type="hidden" name="token" value=token/>
                // For the browser's own store of passwords.
                <input type="hidden" name="username" autocomplete="username" value=user.name/>
                {new_password(&visit, &form, texts.get("login.password"))}
                <button class="btn primary full-width">{texts.get("invite.submit")}</button>
            </form>
        }
        .into_any())
    })
}

/// A new password and the same once more.
pub(super) fn new_password(visit: &Visit, form: &Flash, label: String) -> AnyView {
    let texts = visit.texts;
    view! {
        <Field name="password" label=label help=texts.get("setup.password_help") kind="password"
            autocomplete="new-password" required=true error=form.wrong("password")/>
        <Field name="passwordAgain" label=texts.get("setup.password_again") kind="password"
            autocomplete="new-password" required=true error=form.wrong("passwordAgain")/>
    }
    .into_any()
}

/// In place of a form whose link does not hold.
fn void(visit: &Visit, title: String, error: &UiError) -> AnyView {
    let message = error.message.clone();
    view! {
        <Title text=title.clone()/>
        <h1>{title}</h1>
        <Note tone=Tone::Bad>{message}</Note>
        <p><a href="/login">{visit.texts.get("setup.to_login")}</a></p>
    }
    .into_any()
}
