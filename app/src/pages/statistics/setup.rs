//! Instructions for feeding statistics, shown as long as there are no figures.

use callsheet::stats::access_log::NGINX_LOG_FORMAT;
use leptos::prelude::*;

use super::imports;
use crate::components::CopyButton;
use crate::texts::Texts;

const IMPORT_LOG: &str = "callsheet import access-log /var/log/nginx/callsheet.log";
const WATCH: &str = "[[access_logs]]\nfrom = \"/var/log/nginx/callsheet.log\"";
const IMPORT_JOBS: &str = "callsheet import transcode-jobs jobs.ndjson";
const JOB: &str = r#"{"jobId":"1","output":"hd","domain":"vod.example.com","status":"success","codec":"H.264","width":1280,"height":720,"durationSeconds":61.0,"finishedAt":"2026-11-22T08:30:00Z"}"#;

/// Explains how to import access logs. `may_add`: the user may upload logs.
pub(super) fn usage(texts: Texts, may_add: bool) -> AnyView {
    let nginx = format!("{NGINX_LOG_FORMAT}\naccess_log /var/log/nginx/callsheet.log callsheet;");
    let steps = [(texts.get("feed.log_format"), nginx.as_str()), (texts.get("feed.import_log"), IMPORT_LOG)];
    let upload = may_add.then(|| {
        view! {
            <p class="row">
                <a class="btn" href=imports::PATH>{texts.get("feed.upload")}</a>
                <span class="muted">{texts.get("feed.or_upload")}</span>
            </p>
        }
        .into_any()
    });
    let lead = texts.get("feed.no_usage_text");
    explain(texts, texts.get("feed.no_usage"), lead, &steps, texts.get("feed.formats"), upload)
}

/// Explains how to import logs automatically. `upload` is the URL for uploads.
pub(super) fn other_ways(texts: Texts, upload: &str, open: bool) -> AnyView {
    let post = format!(
        "curl -H \"Authorization: Bearer $TOKEN\" --data-binary @access.log.gz \\\n  \"{upload}?name=access.log\""
    );
    let steps = [
        (texts.get("feed.by_watch"), WATCH),
        (texts.get("feed.by_command"), IMPORT_LOG),
        (texts.get("feed.by_rest"), post.as_str()),
    ];
    view! {
        <section class="card">
            <div class="body">
                <details class="disclosure" open=open>
                    <summary>{texts.get("feed.other_ways")}</summary>
                    <div class="stack">
                        {steps_list(texts, &steps)}
                        <p class="muted">{texts.get("feed.other_ways_text")}</p>
                    </div>
                </details>
            </div>
        </section>
    }
    .into_any()
}

/// Explains how to import transcoding jobs.
pub(super) fn transcoding(texts: Texts) -> AnyView {
    let steps = [(texts.get("feed.job"), JOB), (texts.get("feed.import_jobs"), IMPORT_JOBS)];
    let lead = texts.get("feed.no_jobs_text");
    explain(texts, texts.get("feed.no_jobs"), lead, &steps, texts.get("feed.job_formats"), None)
}

fn steps_list(texts: Texts, steps: &[(String, &str)]) -> AnyView {
    let steps = steps.iter().map(|(what, code)| {
        view! {
            <li>
                <h3>{what.clone()}</h3>
                <div class="code-block">
                    <pre tabindex="0">{(*code).to_owned()}</pre>
                    <CopyButton text=(*code).to_owned() label=texts.get("copy.label") done=texts.get("copy.done") what=what.clone()/>
                </div>
            </li>
        }
    });
    view! { <ol class="steps">{steps.collect_view()}</ol> }.into_any()
}

fn explain(
    texts: Texts,
    title: String,
    lead: String,
    steps: &[(String, &str)],
    more: String,
    also: Option<AnyView>,
) -> AnyView {
    view! {
        <section class="card">
            <header><h2>{title}</h2></header>
            <div class="body">
                <p class="muted">{lead}</p>
                {steps_list(texts, steps)}
                <p class="muted">{more}</p>
                {also}
            </div>
        </section>
    }
    .into_any()
}
