//! Pages of one source: adding it, and the lines to paste into it.

use callsheet::model::Action;
use callsheet::sources::{Adapter, SourceView};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_router::hooks::use_params_map;

use super::server_fns::{CreateSource, DeleteSource};
use crate::components::{Choice, CopyButton, Crumb, Field, Head, Note, Select, Tone, copyable};
use crate::context::Visit;
use crate::error::UiError;
use crate::page::page;

fn crumbs(visit: &Visit) -> Vec<Crumb> {
    vec![Crumb { href: "/sources".to_owned(), text: visit.texts.get("nav.sources") }]
}

/// `/sources/new`.
#[component]
pub(crate) fn NewSourcePage() -> impl IntoView {
    page(|visit, actor, flash| async move {
        let texts = visit.texts;
        actor.check(Action::ManageSources).map_err(|e| UiError::of(texts, &e))?;
        let form = flash.of(CreateSource::PATH);
        let external = Adapter::ALL.iter().filter(|adapter| **adapter != Adapter::BuiltIn);
        let adapters =
            external.map(|a| Choice { value: a.to_string(), text: texts.word("adapter", a.as_str()) }).collect();
        Ok(view! {
            <Head title=texts.get("sources.create") crumbs=crumbs(&visit)/>
            <section class="card"><div class="body">
                <form class="fields" method="post" action=CreateSource::PATH>
                    <Select name="adapter" label=texts.get("sources.adapter") choices=adapters
                        value=form.typed("adapter").unwrap_or_else(|| Adapter::NginxRtmp.to_string()) error=form.wrong("adapter")/>
                    <Field name="name" label=texts.get("sources.name") help=texts.get("sources.name_help") autocomplete="off"
                        required=true autofocus=form.error.is_none() value=form.typed("name").unwrap_or_default() error=form.wrong("name")/>
                    <Field name="defaultDomain" label=texts.get("sources.default_domain") autocomplete="off"
                        help=texts.get("sources.default_domain_help") placeholder="push.example.com"
                        value=form.typed("defaultDomain").unwrap_or_default() error=form.wrong("defaultDomain")/>
                    <div class="row">
                        <button class="btn primary">{texts.get("sources.create_submit")}</button>
                        <a class="btn quiet" href="/sources">{texts.get("form.cancel")}</a>
                    </div>
                </form>
            </div></section>
        }
        .into_any())
    })
}

/// `/sources/{id}`: what to paste into the server, with the secret for those who may see it.
#[component]
pub(crate) fn SourcePage() -> impl IntoView {
    let id = use_params_map().get_untracked().get("id").unwrap_or_default();
    page(move |visit, actor, flash| async move {
        let texts = visit.texts;
        let sources = visit.console.sources.list(&actor).await.map_err(|e| UiError::of(texts, &e))?;
        let source = sources.into_iter().find(|source| source.id.to_string() == id);
        let source = source.ok_or_else(|| UiError::not_found(texts))?;
        let secret: Option<String> = flash.of(CreateSource::PATH).value();
        let instructions = instructions(&visit, &source, secret.as_deref());
        let shown = secret.map(|secret| {
            view! {
                <Note tone=Tone::Warn>
                    <p><strong>{texts.get("secret.shown_once")}</strong></p>
                    <div class="row secret">{copyable(texts, &secret, &texts.get("secret.title"))}</div>
                </Note>
            }
        });
        let removable = source.adapter != Adapter::BuiltIn && actor.check(Action::ManageSources).is_ok();
        let remove = removable.then(|| {
            view! {
                <details class="disclosure">
                    <summary>{texts.get("sources.remove")}</summary>
                    <form class="stack" method="post" action=DeleteSource::PATH>
                        <input type="hidden" name="id" value=source.id.to_string()/>
                        <p>{texts.get("sources.remove_text")}</p>
                        <div><button class="btn danger">{texts.get("sources.remove_submit")}</button></div>
                    </form>
                </details>
            }
        });
        let seen = source.last_seen_at.map(|at| visit.times.ago(at));
        Ok(view! {
            <Head title=texts.detail(&source.name) crumbs=crumbs(&visit)/>
            {shown}
            <section class="card"><div class="body">
                <dl class="description-list">
                    <dt>{texts.get("sources.adapter")}</dt><dd>{texts.word("adapter", source.adapter.as_str())}</dd>
                    <dt>{texts.get("sources.default_domain")}</dt><dd>{source.default_domain.clone().unwrap_or_else(|| "–".to_owned())}</dd>
                    <dt>{texts.get("sources.last_seen")}</dt><dd>{seen.unwrap_or_else(|| texts.get("sources.never_seen").into_any())}</dd>
                    <dt>{texts.get("domains.created_at")}</dt><dd>{visit.times.at(source.created_at)}</dd>
                </dl>
                {remove}
            </div></section>
            {instructions}
        }
        .into_any())
    })
}

/// `secret`: the signing secret, while it is shown.
fn instructions(visit: &Visit, source: &SourceView, secret: Option<&str>) -> AnyView {
    let texts = visit.texts;
    let body = match (source.adapter, &source.ingest_path) {
        (Adapter::BuiltIn, _) => view! {
            <p>{texts.get("sources.built_in_text")}</p>
            <pre tabindex="0">{format!("{}/{{app}}/{{stream}}", visit.rtmp_here())}</pre>
        }
        .into_any(),
        (_, None) => view! { <p class="muted">{texts.get("sources.ask_admin")}</p> }.into_any(),
        (adapter, Some(path)) => {
            let no_tls = adapter == Adapter::NginxRtmp && visit.over_tls();
            let url = if no_tls { format!("http://{}{path}", visit.host) } else { visit.whole(path) };
            let (key, lines) = match adapter {
                Adapter::NginxRtmp => ("sources.paste_nginx_rtmp", nginx(&url)),
                Adapter::Generic | Adapter::BuiltIn => {
                    ("sources.paste_generic", generic(&url, secret.unwrap_or("whsec_…")))
                }
            };
            view! {
                <p>{texts.get(key)}</p>
                {no_tls.then(|| view! { <p>{texts.get("sources.nginx_rtmp_no_tls")}</p> })}
                <pre tabindex="0">{lines.clone()}</pre>
                <div><CopyButton text=lines label=texts.get("copy.label") done=texts.get("copy.done") what=String::new()/></div>
            }
            .into_any()
        }
    };
    view! {
        <section class="card">
            <header><h2>{texts.get("sources.configuration")}</h2></header>
            <div class="body">{body}</div>
        </section>
    }
    .into_any()
}

/// What goes into an `application` of nginx-rtmp.
fn nginx(url: &str) -> String {
    format!(
        "application live {{\n    live on;\n    drop_idle_publisher 15s;\n\n    record all;\n    record_path /var/lib/nginx/recordings;\n    \
         record_unique on;\n    record_interval 15m;\n\n    notify_method post;\n    notify_update_timeout 10s;\n    \
         on_publish {url};\n    on_update {url};\n    on_publish_done {url};\n    on_record_done {url};\n}}"
    )
}

/// A report in our own words, signed by Standard Webhooks.
fn generic(url: &str, secret: &str) -> String {
    format!(
        "import json, uuid, requests\nfrom datetime import datetime, timezone\nfrom standardwebhooks import Webhook\n\n\
         secret = \"{secret}\"\n\
         body = json.dumps({{\"event\": \"publish_started\", \"domain\": \"push.example.com\",\n                   \
         \"app\": \"live\", \"stream\": \"room_7\", \"session\": \"1\"}})\n\
         id, now = str(uuid.uuid4()), datetime.now(timezone.utc)\n\
         requests.post(\"{url}\", data=body, headers={{\n    \"content-type\": \"application/json\",\n    \
         \"webhook-id\": id,\n    \"webhook-timestamp\": str(int(now.timestamp())),\n    \
         \"webhook-signature\": Webhook(secret).sign(id, now, body),\n}})"
    )
}
