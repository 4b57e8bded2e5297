//! Where the recording settings post to.

use callsheet::recordings::{RecordingChange, RecordingError, RecordingSettings};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

use crate::context::Visit;
use crate::error::UiError;
use crate::forms::Post;

/// Saves them; they count for the next publish. `unit`: `min` or `s`.
#[server(SaveRecording)]
pub(crate) async fn save_recording(
    push: String,
    #[server(default)] enabled: bool,
    #[server(rename = "partSeconds")] part_length: String,
    #[server(default)] unit: String,
    bucket: String,
) -> Result<(), UiError> {
    let visit = Visit::current();
    let actor = visit.actor()?;
    let typed = [
        ("enabled", if enabled { "true" } else { "false" }),
        ("partSeconds", part_length.as_str()),
        ("unit", unit.as_str()),
        ("bucket", bucket.as_str()),
    ];
    let post = Post::new(&visit, SaveRecording::PATH, &typed);
    let saved = async {
        let length: i64 = part_length.trim().parse().map_err(|_| RecordingError::BadPartLength)?;
        let part_seconds = if unit == "min" { length.saturating_mul(60) } else { length };
        let change =
            RecordingChange::parse(RecordingSettings { enabled, part_seconds, bucket: bucket.trim().to_owned() })?;
        visit.console.recordings.put(actor, &push, &change).await
    };
    match saved.await {
        Ok(_) => post.stay(visit.texts.get("recording.saved")).await,
        Err(problem) => post.fail(UiError::of(visit.texts, &problem)).await,
    }
}
