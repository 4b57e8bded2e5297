//! One user, for admins: role, link, state, second factor, sessions.

use callsheet::accounts::{UserState, UserView};
use callsheet::model::UserId;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_router::hooks::use_params_map;

use super::server_fns::{
    EndUserSession, EndUserSessions, InviteUser, NewUserLink, ResetUserFactor, SetUserActive, SetUserRole,
};
use super::sessions::sessions;
use super::users::{crumbs, last_sign_in, roles, state, two_factor};
use crate::components::{Head, Note, Select, Tone, copyable};
use crate::context::Visit;
use crate::error::UiError;
use crate::forms::Flash;
use crate::page::page;

/// `/users/{id}`.
#[component]
pub(crate) fn UserPage() -> impl IntoView {
    let id = use_params_map().get_untracked().get("id").unwrap_or_default();
    page(move |visit, actor, flash| async move {
        let texts = visit.texts;
        let accounts = &visit.console.accounts;
        // What is no number names nobody.
        let id = UserId(id.parse().unwrap_or_default());
        let user = accounts.get(&actor, id).await.map_err(|e| UiError::of(texts, &e))?;
        let open = accounts.sessions(&actor, id).await.map_err(|e| UiError::of(texts, &e))?;
        let everywhere = (!open.is_empty()).then(|| {
            view! {
                <form method="post" action=EndUserSessions::PATH>
                    <input type="hidden" name="id" value=id.to_string()/>
                    <button class="btn small">{texts.get("sessions.end_all")}</button>
                </form>
            }
        });
        Ok(view! {
            <Head title=user.name.clone() crumbs=crumbs(texts)>{state(texts, user.state)}</Head>
            {link_note(&visit, &flash)}
            <section class="card"><div class="body">
                <dl class="description-list">
                    <dt>{texts.get("users.two_factor")}</dt><dd>{two_factor(texts, &user)}</dd>
                    <dt>{texts.get("users.last_sign_in")}</dt><dd>{last_sign_in(&visit, &user)}</dd>
                    <dt>{texts.get("users.created_at")}</dt><dd>{visit.times.at(user.created_at)}</dd>
                </dl>
                {role(&visit, &user)}
                {link(&visit, &user)}
                {reset(&visit, &user)}
                {active(&visit, &user)}
            </div></section>
            <section class="card" id="sessions">
                <header><h2>{texts.get("sessions.title")}</h2><span class="spacer"></span>{everywhere}</header>
                {sessions(&visit, &open, EndUserSession::PATH, Some(id.to_string()))}
            </section>
        }
        .into_any())
    })
}

/// The link that was just made, this once.
fn link_note(visit: &Visit, flash: &Flash) -> Option<AnyView> {
    let texts = visit.texts;
    let path: String = flash.of(InviteUser::PATH).value().or_else(|| flash.of(NewUserLink::PATH).value())?;
    let link = visit.whole(&path);
    Some(
        view! {
            <Note tone=Tone::Warn>
                <p><strong>{texts.get("users.link_once")}</strong></p>
                <div class="row secret">{copyable(texts, &link, &texts.get("users.link"))}</div>
            </Note>
        }
        .into_any(),
    )
}

/// The part of a form that names the user.
fn of(user: &UserView) -> AnyView {
    view! { <input type="hidden" name="id" value=user.id.to_string()/> }.into_any()
}

fn role(visit: &Visit, user: &UserView) -> AnyView {
    let texts = visit.texts;
    if let Some(issuer) = &user.issuer {
        let role = texts.word("role", user.role.as_str());
        return view! { <p>{texts.fill("users.by_provider", &[("role", &role), ("issuer", issuer)])}</p> }.into_any();
    }
    view! {
        <form class="inline-form" method="post" action=SetUserRole::PATH>
            {of(user)}
            <Select name="role" label=texts.get("users.role") choices=roles(texts) value=user.role.to_string()/>
            <button class="btn">{texts.get("users.role_submit")}</button>
        </form>
    }
    .into_any()
}

fn link(visit: &Visit, user: &UserView) -> Option<AnyView> {
    let texts = visit.texts;
    let what = match user.state {
        _ if user.issuer.is_some() => return None,
        UserState::Deactivated => return None,
        UserState::Invited => "users.link_invited",
        UserState::Active => "users.link_active",
    };
    Some(
        view! {
            <details class="disclosure">
                <summary>{texts.get("users.new_link")}</summary>
                <form class="stack" method="post" action=NewUserLink::PATH>
                    {of(user)}
                    <p>{texts.get(what)}</p>
                    <div><button class="btn">{texts.get("users.new_link_submit")}</button></div>
                </form>
            </details>
        }
        .into_any(),
    )
}

fn reset(visit: &Visit, user: &UserView) -> Option<AnyView> {
    let texts = visit.texts;
    user.two_factor.then(|| {
        view! {
            <details class="disclosure">
                <summary>{texts.get("users.reset_factor")}</summary>
                <form class="stack" method="post" action=ResetUserFactor::PATH>
                    {of(user)}
                    <p>{texts.get("users.reset_factor_text")}</p>
                    <div><button class="btn danger">{texts.get("users.reset_factor_submit")}</button></div>
                </form>
            </details>
        }
        .into_any()
    })
}

fn active(visit: &Visit, user: &UserView) -> AnyView {
    let texts = visit.texts;
    if user.state == UserState::Deactivated {
        return view! {
            <form method="post" action=SetUserActive::PATH>
                {of(user)}
                <input type="hidden" name="active" value="true"/>
                <button class="btn">{texts.get("users.activate")}</button>
            </form>
        }
        .into_any();
    }
    view! {
        <details class="disclosure">
            <summary>{texts.get("users.deactivate")}</summary>
            <form class="stack" method="post" action=SetUserActive::PATH>
                {of(user)}
                <input type="hidden" name="active" value="false"/>
                <p>{texts.get("users.deactivate_text")}</p>
                <div><button class="btn danger">{texts.get("users.deactivate_submit")}</button></div>
            </form>
        </details>
    }
    .into_any()
}
