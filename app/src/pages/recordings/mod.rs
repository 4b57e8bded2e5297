//! *Domain → Recording*: on or off, the length of a part, the bucket.

mod server_fns;

use callsheet::model::{Action, Version};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_router::hooks::use_params_map;

use crate::components::{Choice, Field, Select};
use crate::error::UiError;
use crate::page::page;
use crate::pages::domains::domain_head;
use server_fns::SaveRecording;

/// `/domains/{push}/recording`.
#[component]
pub(crate) fn RecordingPage() -> impl IntoView {
    let push = use_params_map().get_untracked().get("push").unwrap_or_default();
    page(move |visit, actor, flash| async move {
        let texts = visit.texts;
        let domain = visit.console.domains.get(&actor, &push).await.map_err(|e| UiError::of(texts, &e))?;
        let settings = visit.console.recordings.get(&actor, &push).await.map_err(|e| UiError::of(texts, &e))?;
        let form = flash.of(SaveRecording::PATH);
        let editable = actor.check_domain(Action::ManageDomains, &domain.push).is_ok();
        let enabled = form.typed("enabled").map_or(settings.enabled, |typed| typed == "true");
        let (length, unit) = if settings.part_seconds % 60 == 0 {
            (settings.part_seconds / 60, "min")
        } else {
            (settings.part_seconds, "s")
        };
        let unit = form.typed("unit").unwrap_or_else(|| unit.to_owned());
        let units =
            ["min", "s"].map(|unit| Choice { value: unit.to_owned(), text: texts.word("recording_unit", unit) });
        let buckets: Vec<_> =
            visit.console.buckets.iter().map(|name| view! { <option value=name.clone()></option> }).collect();
        Ok(view! {
            {domain_head(&visit, &actor, &domain, "/recording")}
            <section class="card">
                <header><h2>{texts.get("domain.recording")}</h2><p>{texts.get("recording.subtitle")}</p></header>
                <div class="body">
                    <form method="post" action=SaveRecording::PATH>
                        <fieldset class="fields" disabled=!editable>
                            <input type="hidden" name="push" value=domain.push.clone()/>
                            <input type="hidden" name="version" value=form.version(&Version::from(&settings))/>
                            <label class="checkbox">
                                <input type="checkbox" name="enabled" value="true" checked=enabled/>
                                <span>{texts.get("recording.enabled")}</span>
                            </label>
                            <div class="field-row">
                                <Field name="partSeconds" label=texts.get("recording.part_length") kind="number" inputmode="numeric"
                                    class="narrow" required=true help=texts.get("recording.part_length_help")
                                    value=form.typed("partSeconds").unwrap_or_else(|| length.to_string())
                                    error=form.wrong("partSeconds")/>
                                <Select name="unit" label=texts.get("recording.unit") choices=Vec::from(units) value=unit/>
                            </div>
                            <Field name="bucket" label=texts.get("recording.bucket") help=texts.get("recording.bucket_help")
                                autocomplete="off" required=true list="buckets"
                                value=form.typed("bucket").unwrap_or_else(|| settings.bucket.clone()) error=form.wrong("bucket")/>
                            <datalist id="buckets">{buckets}</datalist>
                            <div class="field">
                                <span><strong>{texts.get("recording.format")}</strong></span>
                                <span>"FLV"</span>
                            </div>
                            {editable.then(|| view! { <div><button class="btn primary">{texts.get("form.save")}</button></div> })}
                        </fieldset>
                    </form>
                </div>
            </section>
        }
        .into_any())
    })
}
