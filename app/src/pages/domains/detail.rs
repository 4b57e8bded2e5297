//! `/domains/{push}`: basic information, addresses, and at the end of the page *Live video information*.

use callsheet::domains::DomainView;
use callsheet::model::{Action, CallbackKind, DomainName};
use leptos::prelude::*;
use leptos_router::hooks::{use_params_map, use_query_map};

use super::parts::domain_head;
use crate::components::copyable;
use crate::context::Visit;
use crate::error::UiError;
use crate::page::page;
use crate::pages::callbacks::LiveVideoInformation;

#[component]
pub(crate) fn DomainPage() -> impl IntoView {
    let push = use_params_map().get_untracked().get("push").unwrap_or_default();
    let editing: Option<CallbackKind> = use_query_map().get_untracked().get("edit").and_then(|kind| kind.parse().ok());
    page(move |visit, actor, flash| async move {
        let texts = visit.texts;
        let domain = visit.console.domains.get(&actor, &push).await.map_err(|e| UiError::of(texts, &e))?;
        let mut callbacks = Vec::new();
        for kind in CallbackKind::ALL {
            let view = visit.console.callbacks.get(&actor, &domain.push, *kind).await;
            callbacks.push(view.map_err(|e| UiError::of(texts, &e))?);
        }
        let editable = actor.check_domain(Action::ManageCallbacks, &domain.push).is_ok();
        Ok(view! {
            {domain_head(&visit, &actor, &domain, "")}
            <section class="card">
                <header><h2>{texts.get("domain.basic")}</h2></header>
                <div class="body">
                    <dl class="description-list">
                        <dt>{texts.get("domain.type")}</dt><dd>{texts.get("domain.type_rtmp")}</dd>
                        <dt>{texts.get("domain.source_id")}</dt><dd><code>{domain.id.to_string()}</code></dd>
                        <dt>{texts.get("domains.created_at")}</dt><dd>{visit.times.at(domain.created_at)}</dd>
                    </dl>
                </div>
            </section>
            {addresses(&visit, &domain)}
            <LiveVideoInformation visit=visit.clone() push=domain.push.clone() callbacks editable editing flash/>
        }
        .into_any())
    })
}

/// Where to push, and where a CDN or media server in front plays from.
fn addresses(visit: &Visit, domain: &DomainView) -> AnyView {
    let texts = visit.texts;
    let address = |label: String, address: String| {
        view! { <dt>{label.clone()}</dt><dd>{copyable(texts, &address, &label)}</dd> }
    };
    let cname =
        |key: &str, name: Option<&DomainName>| name.map(|name| address(texts.get(key), name.ascii().to_owned()));
    let many = domain.play.len() > 1;
    let play: Vec<_> = domain
        .play
        .iter()
        .map(|play| {
            let name = &play.name;
            let label = |key: &str| texts.get(key);
            view! {
                {many.then(|| view! { <dt>{texts.get("domain.play_domain")}</dt><dd><strong>{play.display.clone()}</strong></dd> })}
                {cname("domain.play_cname", visit.console.cnames.play.as_ref())}
                {address(label("domain.play_rtmp"), format!("rtmp://{name}/{{app}}/{{stream}}"))}
                {address(label("domain.play_flv"), format!("http://{name}/{{app}}/{{stream}}.flv"))}
                {address(label("domain.play_hls"), format!("http://{name}/{{app}}/{{stream}}.m3u8"))}
            }
        })
        .collect();
    view! {
        <section class="card">
            <header><h2>{texts.get("domain.addresses")}</h2><p>{texts.get("domain.addresses_help")}</p></header>
            <div class="body">
                <dl class="description-list">
                    {cname("domain.push_cname", visit.console.cnames.push.as_ref())}
                    {address(texts.get("domain.push_address"), format!("{}/{{app}}/{{stream}}", visit.rtmp_at(&domain.push)))}
                    {play}
                </dl>
            </div>
        </section>
    }
    .into_any()
}
