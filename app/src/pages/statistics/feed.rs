//! In place of figures: how they come.

use callsheet::stats::access_log::NGINX_LOG_FORMAT;
use leptos::prelude::*;

use crate::components::CopyButton;
use crate::texts::Texts;

const IMPORT_LOG: &str = "callsheet import access-log /var/log/nginx/callsheet.log";
const IMPORT_JOBS: &str = "callsheet import transcode-jobs jobs.ndjson";
const JOB: &str = r#"{"jobId":"1","output":"hd","domain":"vod.example.com","status":"success","codec":"H.264","width":1280,"height":720,"durationSeconds":61.0,"finishedAt":"2026-11-22T08:30:00Z"}"#;

/// There is no usage yet.
pub(super) fn usage(texts: Texts) -> AnyView {
    // What nginx is told, once.
    let nginx = format!("{NGINX_LOG_FORMAT}\naccess_log /var/log/nginx/callsheet.log callsheet;");
    let steps = [(texts.get("feed.log_format"), nginx), (texts.get("feed.import_log"), IMPORT_LOG.to_owned())];
    explain(texts, texts.get("feed.no_usage"), texts.get("feed.no_usage_text"), steps, texts.get("feed.formats"))
}

/// Nothing was transcoded yet.
pub(super) fn transcoding(texts: Texts) -> AnyView {
    let steps = [(texts.get("feed.job"), JOB.to_owned()), (texts.get("feed.import_jobs"), IMPORT_JOBS.to_owned())];
    explain(texts, texts.get("feed.no_jobs"), texts.get("feed.no_jobs_text"), steps, texts.get("feed.job_formats"))
}

fn explain(texts: Texts, title: String, lead: String, steps: [(String, String); 2], more: String) -> AnyView {
    let steps = steps.map(|(what, code)| {
        view! {
            <li>
                <h3>{what.clone()}</h3>
                <div class="code">
                    <pre>{code.clone()}</pre>
                    <CopyButton text=code label=texts.get("copy.label") done=texts.get("copy.done") what=what/>
                </div>
            </li>
        }
    });
    view! {
        <section class="card">
            <header><h2>{title}</h2></header>
            <div class="body">
                <p class="muted">{lead}</p>
                <ol class="steps">{steps}</ol>
                <p class="muted">{more}</p>
            </div>
        </section>
    }
    .into_any()
}
