//! *Users*: who may use the console, invitations, and the table of permissions.

use callsheet::accounts::{UserState, UserView};
use callsheet::model::{Action, Role};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

use super::permissions::permissions;
use super::server_fns::InviteUser;
use crate::components::{Badge, Choice, Crumb, Field, Head, Select, Tone};
use crate::context::Visit;
use crate::error::UiError;
use crate::page::page;
use crate::texts::Texts;

/// `/users`.
#[component]
pub(crate) fn UsersPage() -> impl IntoView {
    page(|visit, actor, _| async move {
        let texts = visit.texts;
        let users = visit.console.accounts.list(&actor).await.map_err(|e| UiError::of(texts, &e))?;
        let rows: Vec<_> = users.iter().map(|user| table_row(&visit, user)).collect();
        Ok(view! {
            <Head title=texts.get("nav.users")>
                <span class="spacer"></span>
                <a class="btn" href="/users">{texts.get("list.refresh")}</a>
                <a class="btn primary" href="/users/new">{texts.get("users.invite")}</a>
            </Head>
            <section class="card" aria-label=texts.get("nav.users")>
                <table class="table">
                    <thead><tr>
                        <th scope="col">{texts.get("users.name")}</th>
                        <th scope="col">{texts.get("users.role")}</th>
                        <th scope="col">{texts.get("users.state")}</th>
                        <th scope="col">{texts.get("users.two_factor")}</th>
                        <th scope="col">{texts.get("users.last_sign_in")}</th>
                    </tr></thead>
                    <tbody>{rows}</tbody>
                </table>
            </section>
            {permissions(texts)}
        }
        .into_any())
    })
}

fn table_row(visit: &Visit, user: &UserView) -> impl IntoView + use<> {
    let texts = visit.texts;
    let issuer = user.issuer.clone().map(|issuer| view! { <span class="secondary">{issuer}</span> });
    view! {
        <tr>
            <th scope="row"><a href=format!("/users/{}", user.id)>{user.name.clone()}</a>{issuer}</th>
            <td data-label=texts.get("users.role")>{texts.word("role", user.role.as_str())}</td>
            <td data-label=texts.get("users.state")>{state(texts, user.state)}</td>
            <td data-label=texts.get("users.two_factor")>{two_factor(texts, user)}</td>
            <td data-label=texts.get("users.last_sign_in")>{last_sign_in(visit, user)}</td>
        </tr>
    }
}

pub(super) fn state(texts: Texts, state: UserState) -> AnyView {
    let tone = match state {
        UserState::Active => Tone::Ok,
        UserState::Invited => Tone::Plain,
        UserState::Deactivated => Tone::Off,
    };
    view! { <Badge tone text=texts.word("user_state", state.as_str())/> }.into_any()
}

pub(super) fn two_factor(texts: Texts, user: &UserView) -> String {
    texts.get(match user {
        UserView { issuer: Some(_), .. } => "users.two_factor_provider",
        UserView { two_factor: true, .. } => "users.two_factor_on",
        _ => "users.two_factor_off",
    })
}

pub(super) fn last_sign_in(visit: &Visit, user: &UserView) -> AnyView {
    match user.last_sign_in_at {
        Some(at) => visit.times.ago(at),
        None => view! { <span class="muted">{visit.texts.get("users.never")}</span> }.into_any(),
    }
}

pub(super) fn crumbs(texts: Texts) -> Vec<Crumb> {
    vec![Crumb { href: "/users".to_owned(), text: texts.get("nav.users") }]
}

pub(super) fn roles(texts: Texts) -> Vec<Choice> {
    Role::ALL.iter().map(|role| Choice { value: role.to_string(), text: texts.word("role", role.as_str()) }).collect()
}

/// `/users/new`.
#[component]
pub(crate) fn NewUserPage() -> impl IntoView {
    page(|visit, actor, flash| async move {
        let texts = visit.texts;
        actor.check(Action::ManageAccounts).map_err(|e| UiError::of(texts, &e))?;
        let form = flash.of(InviteUser::PATH);
        Ok(view! {
            <Head title=texts.get("users.invite") crumbs=crumbs(texts)/>
            <section class="card"><div class="body">
                <p class="muted">{texts.get("users.invite_lead")}</p>
                <form class="fields" method="post" action=InviteUser::PATH>
                    <Field name="name" label=texts.get("users.name") help=texts.get("users.name_help") autocomplete="off"
                        required=true autofocus=form.error.is_none() value=form.typed("name").unwrap_or_default() error=form.wrong("name")/>
                    <Select name="role" label=texts.get("users.role") choices=roles(texts)
                        value=form.typed("role").unwrap_or_else(|| Role::Reviewer.to_string())/>
                    <div class="row">
                        <button class="btn primary">{texts.get("users.invite_submit")}</button>
                        <a class="btn quiet" href="/users">{texts.get("form.cancel")}</a>
                    </div>
                </form>
                <p><a href="/users#permissions">{texts.get("users.see_permissions")}</a></p>
            </div></section>
        }
        .into_any())
    })
}
