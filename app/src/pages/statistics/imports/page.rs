//! The page around the upload form: the latest imports, and the other ways in.

use callsheet::model::Action;
use callsheet::stats::Import;
use callsheet::stats::access_log::Format;
use leptos::prelude::*;

use super::islands::UploadLog;
use super::state::{PATH, UploadLabels, UploadStart};
use crate::components::{Empty, Head};
use crate::context::Visit;
use crate::error::UiError;
use crate::forms::Flash;
use crate::page::page;
use crate::pages::statistics::feed;
use crate::texts::{Texts, number};
use crate::units::Quantity;

/// In the list.
const LATEST: i64 = 50;
/// Names to choose from; who has more types the one.
const HOSTS: usize = 500;

#[component]
pub(crate) fn ImportsPage() -> impl IntoView {
    page(|visit, actor, flash| async move {
        let texts = visit.texts;
        let fails = |error| UiError::of(texts, &error);
        let imports = visit.console.stats.list_imports(&actor, LATEST).await.map_err(fails)?;
        let may_add = actor.check(Action::AddStatistics).is_ok();
        let upload = match may_add {
            true => {
                let known = visit.console.stats.known_hosts().await.map_err(|e| UiError::of(texts, &e))?;
                let mut hosts: Vec<String> = known.into_iter().collect();
                hosts.sort_unstable();
                hosts.truncate(HOSTS);
                upload(texts, &flash, hosts)
            }
            false => view! { <p class="slot">{texts.get("imports.may_not")}</p> }.into_any(),
        };
        Ok(view! {
            <Head title=texts.get("imports.title")/>
            {upload}
            <section class="card" id="latest" data-live="">
                <header><h2>{texts.get("imports.latest")}</h2> <p>{texts.get("imports.latest_help")}</p></header>
                {latest(&visit, &imports)}
            </section>
            {may_add.then(|| feed::other_ways(texts, &visit.host, imports.is_empty()))}
        }
        .into_any())
    })
}

fn upload(texts: Texts, flash: &Flash, hosts: Vec<String>) -> AnyView {
    let form = flash.of(PATH);
    let formats = Format::ALL.iter().map(|format| (format.to_string(), texts.word("log_format", format.as_str())));
    let start = UploadStart {
        labels: UploadLabels {
            file: texts.get("imports.file"),
            file_help: texts.get("imports.file_help"),
            format: texts.get("imports.format"),
            domain: texts.get("imports.domain"),
            domain_help: texts.get("imports.domain_help"),
            submit: texts.get("imports.submit"),
            cancel: texts.get("imports.cancel"),
            progress: texts.get("imports.progress"),
            sending: texts.get("imports.sending"),
            counting: texts.get("imports.counting"),
            cancelled: texts.get("imports.cancelled"),
            broken: texts.get("imports.broken"),
        },
        formats: std::iter::once((String::new(), texts.get("imports.recognised"))).chain(formats).collect(),
        format: form.typed("format").unwrap_or_default(),
        domain: form.typed("domain").unwrap_or_default(),
        // One without a field stands at the top of the page.
        error: form.error.clone().filter(|error| error.field.is_some()),
        outcome: form.value(),
    };
    let hosts: Vec<_> = hosts.into_iter().map(|host| view! { <option value=host></option> }).collect();
    view! {
        <section class="card">
            <header><h2>{texts.get("imports.upload")}</h2> <p>{texts.get("imports.upload_help")}</p></header>
            <div class="body upload">
                <UploadLog start/>
                <datalist id="known-hosts">{hosts}</datalist>
            </div>
        </section>
    }
    .into_any()
}

fn latest(visit: &Visit, imports: &[Import]) -> AnyView {
    let texts = visit.texts;
    if imports.is_empty() {
        return view! { <Empty title=texts.get("imports.none") text=texts.get("imports.none_text")/> }.into_any();
    }
    let rows: Vec<_> = imports.iter().map(|import| row(visit, import)).collect();
    let heads = ["imports.lines", "imports.bad", "imports.read", "imports.sent"];
    let heads = heads.map(|key| view! { <th scope="col" class="num">{texts.get(key)}</th> });
    view! {
        <table class="table">
            <thead><tr>
                <th scope="col">{texts.get("imports.name")}</th>
                {heads}
                <th scope="col">{texts.get("imports.when")}</th>
            </tr></thead>
            <tbody data-keyed="">{rows}</tbody>
        </table>
    }
    .into_any()
}

fn row(visit: &Visit, import: &Import) -> impl IntoView + use<> {
    let texts = visit.texts;
    let progress = &import.progress;
    let bytes = Quantity::Bytes(visit.times.shown.base);
    let figures = [
        ("imports.lines", number(progress.lines)),
        ("imports.bad", number(progress.bad)),
        ("imports.read", bytes.text(progress.taken)),
        ("imports.sent", bytes.text(import.bytes)),
    ];
    let figures = figures.map(|(key, figure)| view! { <td class="num" data-label=texts.get(key)>{figure}</td> });
    view! {
        <tr id=format!("import-{}", import.id)>
            <th scope="row">{import.name.clone()}</th>
            {figures}
            <td data-label=texts.get("imports.when")>{visit.times.ago(import.updated_at * 1000)}</td>
        </tr>
    }
}
