//! *Sources*: the media servers that report events, the lines to paste into each, and the publishes that were refused.

mod detail;
mod server_fns;

pub(crate) use detail::{NewSourcePage, SourcePage};

use callsheet::model::Action;
use callsheet::sources::{RefusalView, SourceView};
use leptos::prelude::*;

use crate::components::{Badge, Empty, Head, Tone};
use crate::context::Visit;
use crate::error::UiError;
use crate::page::page;

/// `/sources`.
#[component]
pub(crate) fn SourcesPage() -> impl IntoView {
    page(|visit, actor, _| async move {
        let texts = visit.texts;
        let sources = visit.console.sources.list(&actor).await.map_err(|e| UiError::of(texts, &e))?;
        let refusals = visit.console.sources.refusals(&actor).await.map_err(|e| UiError::of(texts, &e))?;
        let create = actor.check(Action::ManageSources).is_ok().then(|| {
            view! { <a class="btn primary" href="/sources/new">{texts.get("sources.create")}</a> }
        });
        let rows: Vec<_> = sources.iter().map(|source| table_row(&visit, source)).collect();
        Ok(view! {
            <Head title=texts.get("nav.sources")>
                <span class="spacer"></span>
                <a class="btn" href="/sources">{texts.get("list.refresh")}</a>
                {create}
            </Head>
            <section class="card" aria-label=texts.get("nav.sources")>
                <table class="table">
                    <thead><tr>
                        <th scope="col">{texts.get("sources.name")}</th>
                        <th scope="col">{texts.get("sources.adapter")}</th>
                        <th scope="col">{texts.get("sources.default_domain")}</th>
                        <th scope="col">{texts.get("sources.last_seen")}</th>
                        <th scope="col">{texts.get("domains.created_at")}</th>
                    </tr></thead>
                    <tbody>{rows}</tbody>
                </table>
            </section>
            <section class="card" id="refused">
                <header><h2>{texts.get("sources.refused")}</h2><p>{texts.get("sources.refused_help")}</p></header>
                {refused(&visit, &refusals)}
            </section>
        }
        .into_any())
    })
}

fn table_row(visit: &Visit, source: &SourceView) -> impl IntoView + use<> {
    let texts = visit.texts;
    let seen = match source.last_seen_at {
        Some(at) => visit.times.ago(at),
        None => view! { <span class="muted">{texts.get("sources.never_seen")}</span> }.into_any(),
    };
    view! {
        <tr>
            <th scope="row"><a href=format!("/sources/{}", source.id)>{texts.detail(&source.name)}</a></th>
            <td data-label=texts.get("sources.adapter")>{texts.word("adapter", source.adapter.as_str())}</td>
            <td data-label=texts.get("sources.default_domain")>{source.default_domain.clone().unwrap_or_else(|| "–".to_owned())}</td>
            <td data-label=texts.get("sources.last_seen")>{seen}</td>
            <td data-label=texts.get("domains.created_at")>{visit.times.at(source.created_at)}</td>
        </tr>
    }
}

fn refused(visit: &Visit, refusals: &[RefusalView]) -> AnyView {
    let texts = visit.texts;
    if refusals.is_empty() {
        return view! { <Empty title=texts.get("sources.none_refused") text=texts.get("sources.none_refused_text")/> }
            .into_any();
    }
    let rows: Vec<_> = refusals
        .iter()
        .map(|refusal| {
            view! {
                <tr>
                    <th scope="row">{refusal.host.clone()}<span class="secondary">{refusal.app.clone()}"/"{refusal.stream.clone()}</span></th>
                    <td data-label=texts.get("sources.reason")>
                        <Badge tone=Tone::Warn text=texts.word("refusal", &refusal.code)/>
                    </td>
                    <td data-label=texts.get("streams.source")>{texts.detail(&refusal.source)}<span class="secondary">{refusal.client.clone()}</span></td>
                    <td data-label=texts.get("sources.when")>{visit.times.ago(refusal.at)}</td>
                </tr>
            }
        })
        .collect();
    view! {
        <table class="table">
            <thead><tr>
                <th scope="col">{texts.get("sources.requested")}</th>
                <th scope="col">{texts.get("sources.reason")}</th>
                <th scope="col">{texts.get("streams.source")}</th>
                <th scope="col">{texts.get("sources.when")}</th>
            </tr></thead>
            <tbody>{rows}</tbody>
        </table>
    }
    .into_any()
}
