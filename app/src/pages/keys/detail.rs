//! `/keys/{id}`: one key; its secrets right after they were made, and the ways to end them.

use callsheet::keys::{KeyView, NewKey};
use callsheet::model::KeyId;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_router::hooks::use_params_map;

use super::server_fns::{CreateKey, RevokeKey, RotateKey};
use super::{domains, expiry, last_used, state};
use crate::components::{CopyButton, Crumb, Head, Note, Tone, copyable};
use crate::context::Visit;
use crate::error::UiError;
use crate::page::page;

/// The page.
#[component]
pub(crate) fn KeyPage() -> impl IntoView {
    let id = use_params_map().get_untracked().get("id").unwrap_or_default();
    page(move |visit, actor, flash| async move {
        let texts = visit.texts;
        // A text that is no number names no key; which keys there are is for those alone who may know.
        let id = KeyId(id.parse().unwrap_or_default());
        let key = visit.console.keys.get(&actor, id).await.map_err(|e| UiError::of(texts, &e))?;
        let made: Option<NewKey> = [CreateKey::PATH, RotateKey::PATH].iter().find_map(|form| flash.of(form).value());
        let made = made.filter(|made| made.id == key.id).map(|made| secrets(&visit, &made));
        let state = state(texts, &key);
        let crumbs = vec![Crumb { href: "/keys".to_owned(), text: texts.get("nav.keys") }];
        Ok(view! {
            <Head title=key.name.clone() crumbs>{state}</Head>
            {made}
            <section class="card"><div class="body">
                <dl class="description-list">
                    <dt>{texts.get("keys.role")}</dt><dd>{texts.word("role", key.role.as_str())}</dd>
                    <dt>{texts.get("keys.domains")}</dt><dd>{domains(texts, &key, usize::MAX)}</dd>
                    <dt>{texts.get("keys.access_key")}</dt><dd>{copyable(texts, &key.access_key, &texts.get("keys.access_key"))}</dd>
                    <dt>{texts.get("domains.created_at")}</dt><dd>{visit.times.at(key.created_at)}</dd>
                    <dt>{texts.get("keys.expires")}</dt><dd>{expiry(&visit, &key)}</dd>
                    <dt>{texts.get("keys.last_used")}</dt><dd>{last_used(&visit, &key)}</dd>
                </dl>
                {rotation(&visit, &key)}
                <details class="disclosure">
                    <summary>{texts.get("keys.revoke")}</summary>
                    <form class="stack" method="post" action=RevokeKey::PATH>
                        <input type="hidden" name="id" value=key.id.to_string()/>
                        <p>{texts.get("keys.revoke_text")}</p>
                        <div><button class="btn danger">{texts.get("keys.revoke_submit")}</button></div>
                    </form>
                </details>
            </div></section>
        }
        .into_any())
    })
}

/// New secrets would not bring an expired key back.
fn rotation(visit: &Visit, key: &KeyView) -> Option<AnyView> {
    let texts = visit.texts;
    let form = view! {
        <details class="disclosure">
            <summary>{texts.get("keys.rotate")}</summary>
            <form class="stack" method="post" action=RotateKey::PATH>
                <input type="hidden" name="id" value=key.id.to_string()/>
                <p>{texts.get("keys.rotate_text")}</p>
                <div><button class="btn">{texts.get("keys.rotate_submit")}</button></div>
            </form>
        </details>
    };
    (!key.expired).then(|| form.into_any())
}

/// Token and pair, and a line to try the token with.
fn secrets(visit: &Visit, made: &NewKey) -> AnyView {
    let texts = visit.texts;
    let curl = format!("curl -H \"Authorization: Bearer {}\" \\\n  {}", made.token, visit.whole("/api/v1/domains"));
    let line = move |key: &str, secret: &str| {
        let name = texts.get(key);
        view! {
            <dt>{name.clone()}</dt>
            <dd><span class="row secret">{copyable(texts, secret, &name)}</span></dd>
        }
        .into_any()
    };
    let lines = [
        line("keys.token", &made.token),
        line("keys.access_key", &made.access_key),
        line("keys.secret_key", &made.secret_key),
    ];
    view! {
        <Note tone=Tone::Warn>
            <p><strong>{texts.get("keys.shown_once")}</strong></p>
            <dl class="description-list">
                {lines}
            </dl>
            <p>{texts.get("keys.try_it")}</p>
            <pre tabindex="0">{curl.clone()}</pre>
            <div><CopyButton text=curl label=texts.get("copy.label") done=texts.get("copy.done") what="curl".to_owned()/></div>
        </Note>
    }
    .into_any()
}
