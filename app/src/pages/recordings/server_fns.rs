//! Where the recording settings post to.

use callsheet::model::StoreError;
use callsheet::recordings::{RecordingChange, RecordingError, RecordingSettings};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

use crate::context::Visit;
use crate::error::UiError;
use crate::forms::{Post, changed_meanwhile, expected};
use crate::texts::{Texts, number};

/// Saves them; they count for the next publish. `unit`: `min` or `s`. `version`: of the settings that the form was opened with.
#[server(SaveRecording)]
pub(crate) async fn save_recording(
    push: String,
    #[server(default)] enabled: bool,
    #[server(rename = "partSeconds")] part_length: String,
    #[server(default)] unit: String,
    bucket: String,
    #[server(default)] version: String,
) -> Result<(), UiError> {
    let visit = Visit::current();
    let actor = visit.actor()?;
    let typed = [
        ("enabled", if enabled { "true" } else { "false" }),
        ("partSeconds", part_length.as_str()),
        ("unit", unit.as_str()),
        ("bucket", bucket.as_str()),
        ("version", version.as_str()),
    ];
    let post = Post::new(&visit, SaveRecording::PATH, &typed);
    let recordings = &visit.console.recordings;
    let saved = async {
        let length: i64 = part_length.trim().parse().map_err(|_| RecordingError::BadPartLength)?;
        let part_seconds = if unit == "min" { length.saturating_mul(60) } else { length };
        let change =
            RecordingChange::parse(RecordingSettings { enabled, part_seconds, bucket: bucket.trim().to_owned() })?;
        recordings.put_if(actor, &push, &change, &expected(&version)).await
    };
    match saved.await {
        Ok(_) => post.stay(visit.texts.get("recording.saved")).await,
        Err(RecordingError::Store(StoreError::Changed)) => match recordings.get(actor, &push).await {
            Ok(now) => post.fail(changed_meanwhile(changed(visit.texts, &now), None)).await,
            Err(problem) => post.fail(UiError::of(visit.texts, &problem)).await,
        },
        Err(problem) => post.fail(UiError::of(visit.texts, &problem)).await,
    }
}

/// The value that somebody else has saved meanwhile.
fn changed(texts: Texts, now: &RecordingSettings) -> String {
    let state = texts.get(if now.enabled { "domains.mark_on" } else { "domains.mark_off" });
    let seconds = number(now.part_seconds);
    texts.fill("recording.changed", &[("state", &state), ("seconds", &seconds), ("bucket", &now.bucket)])
}
