//! The imports page: upload form, latest imports, and instructions for automatic imports.

use callsheet::model::Action;
use callsheet::stats::Import;
use callsheet::stats::access_log::Format;
use leptos::prelude::*;

use super::islands::UploadButton;
use super::outcome;
use super::state::{PATH, UploadLabels};
use crate::components::{Empty, Head};
use crate::context::Visit;
use crate::error::UiError;
use crate::forms::Flash;
use crate::page::page;
use crate::pages::statistics::setup;
use crate::texts::{Texts, number};
use crate::units::Quantity;

/// Number of imports in the list.
const LATEST: i64 = 50;
/// Maximum number of suggested domains.
const MAX_HOSTS: usize = 500;

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
                hosts.truncate(MAX_HOSTS);
                upload(texts, &flash, hosts)
            }
            false => view! { <p class="time-range">{texts.get("imports.read_only")}</p> }.into_any(),
        };
        Ok(view! {
            <Head title=texts.get("imports.title")/>
            {upload}
            <section class="card" id="latest" data-live="">
                <header><h2>{texts.get("imports.latest")}</h2> <p>{texts.get("imports.latest_help")}</p></header>
                {latest(&visit, &imports)}
            </section>
            {may_add.then(|| setup::other_ways(texts, &visit.whole("/api/v1/access-logs"), imports.is_empty()))}
        }
        .into_any())
    })
}

fn upload(texts: Texts, flash: &Flash, hosts: Vec<String>) -> AnyView {
    let form = flash.of(PATH);
    let label = |key: &str| texts.get(key);
    let labels = UploadLabels {
        submit: label("imports.submit"),
        cancel: label("imports.cancel"),
        progress: label("imports.progress"),
        sending: label("imports.sending"),
        counting: label("imports.counting"),
        cancelled: label("imports.cancelled"),
        broken: label("imports.broken"),
    };
    let formats = Format::ALL.iter().map(|format| (format.to_string(), texts.word("log_format", format.as_str())));
    let chosen = form.typed("format").unwrap_or_default();
    let options = std::iter::once((String::new(), label("imports.detect"))).chain(formats);
    let options: Vec<_> = options
        .map(|(value, text)| view! { <option value=value.clone() selected=value == chosen>{text}</option> })
        .collect();
    let domain = form.typed("domain").unwrap_or_default();
    let file_help = label("imports.file_help");
    let domain_help = label("imports.domain_help");
    let hosts: Vec<_> = hosts.into_iter().map(|host| view! { <option value=host></option> }).collect();
    view! {
        <section class="card">
            <header><h2>{label("imports.upload")}</h2> <p>{label("imports.upload_help")}</p></header>
            <div class="body upload">
                <form class="fields" id="upload" data-live="" method="post" action=PATH enctype="multipart/form-data">
                    {field(&form, "file", label("imports.file"), Some(file_help), |wrong| view! {
                        <input class="input" id="file" name="file" type="file" required=true
                            autofocus=wrong.is_some() aria-describedby=wrong.described aria-invalid=wrong.invalid/>
                    }.into_any())}
                    <div class="columns">
                        {field(&form, "format", label("imports.format"), None, |wrong| view! {
                            <select class="input" id="format" name="format"
                                autofocus=wrong.is_some() aria-describedby=wrong.described aria-invalid=wrong.invalid>{options}</select>
                        }.into_any())}
                        {field(&form, "domain", label("imports.domain"), Some(domain_help), |wrong| view! {
                            <input class="input" id="domain" name="domain" list="known-hosts" value=domain autocomplete="off" spellcheck="false"
                                autocapitalize="none" inputmode="url"
                                autofocus=wrong.is_some() aria-describedby=wrong.described aria-invalid=wrong.invalid/>
                        }.into_any())}
                    </div>
                    <UploadButton labels/>
                </form>
                <div id="told" data-live="" tabindex="-1">{form.value().map(outcome::view)}</div>
                <datalist id="known-hosts">{hosts}</datalist>
            </div>
        </section>
    }
    .into_any()
}

/// ARIA attributes of an input.
struct Described {
    described: Option<String>,
    invalid: Option<&'static str>,
}

impl Described {
    const fn is_some(&self) -> bool {
        self.invalid.is_some()
    }
}

/// Renders a labelled input with its help and error. The elements are the same with and without error, so that updating the page keeps the
/// selected file: see [`crate::components::Live`].
fn field(
    form: &Flash,
    name: &'static str,
    label: String,
    help: Option<String>,
    input: impl FnOnce(Described) -> AnyView,
) -> AnyView {
    let error = form.wrong(name);
    let ids = [help.as_ref().map(|_| format!("{name}-help")), error.as_ref().map(|_| format!("{name}-error"))];
    let ids: Vec<String> = ids.into_iter().flatten().collect();
    let described = (!ids.is_empty()).then(|| ids.join(" "));
    let invalid = error.is_some().then_some("true");
    view! {
        <div class="field">
            <label for=name>{label}</label>
            {input(Described { described, invalid })}
            <p class="error-text" id=format!("{name}-error") hidden=invalid.is_none()>{error}</p>
            {help.map(|text| view! { <p class="help" id=format!("{name}-help")>{text}</p> })}
        </div>
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
    let heads = heads.map(|key| view! { <th scope="col" class="numeric">{texts.get(key)}</th> });
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
    let figures = figures.map(|(key, figure)| view! { <td class="numeric" data-label=texts.get(key)>{figure}</td> });
    view! {
        <tr id=format!("import-{}", import.id)>
            <th scope="row">{import.name.clone()}</th>
            {figures}
            <td data-label=texts.get("imports.when")>{visit.times.ago(import.updated_at * 1000)}</td>
        </tr>
    }
}
