//! Recording templates. The console records FLV into its own buckets, so templates with another format are refused, and `saveEndpoint` is
//! only stored and returned.

use callsheet::recordings::RecordTemplate;
use serde_json::json;

use super::envelope::JdError;
use super::params::page_of;
use super::{Call, Outcome};

/// Format of recordings.
const FORMAT: &str = "flv";

/// `describeCustomLiveStreamRecordTemplates`
pub(super) async fn list_templates(call: &Call<'_>) -> Outcome {
    let mut names = None;
    for filter in call.params.filters()? {
        if filter.name != "template" {
            return Err(JdError::invalid("templates can be filtered only by `template`"));
        }
        if !filter.values.is_empty() {
            names = Some(filter.values);
        }
    }
    let page = call.params.page()?;
    let found = call.console.recordings.templates(&call.actor, names.as_deref(), page).await?;
    Ok(page_of(found, "recordTemplates", |template| {
        json!({
            "recordPeriod": template.period,
            "saveBucket": template.bucket,
            "saveEndpoint": template.endpoint,
            "recordFileType": FORMAT,
            "template": template.name,
        })
    }))
}

/// `addCustomLiveStreamRecordTemplate`
pub(super) async fn add_template(call: &Call<'_>) -> Outcome {
    let params = &call.params;
    if !params.required("recordFileType")?.eq_ignore_ascii_case(FORMAT) {
        return Err(JdError::invalid("recordFileType must be flv"));
    }
    let period = params.integer("recordPeriod")?.ok_or_else(|| JdError::invalid("recordPeriod is missing"))?;
    let (name, bucket) = (params.required("template")?, params.required("saveBucket")?);
    let template = RecordTemplate::parse(name, period, bucket, params.optional("saveEndpoint"))?;
    call.console.recordings.add_template(&call.actor, &template).await?;
    Ok(json!({}))
}

/// `deleteCustomLiveStreamRecordTemplate`: only an unused template.
pub(super) async fn delete_template(call: &Call<'_>, template: &str) -> Outcome {
    call.console.recordings.remove_template(&call.actor, template).await?;
    Ok(json!({}))
}

/// `addLiveStreamDomainRecord`
pub(super) async fn add_to_domain(call: &Call<'_>) -> Outcome {
    let (push, template) = (call.params.required("publishDomain")?, call.params.required("template")?);
    call.console.recordings.record_by(&call.actor, push, template).await?;
    Ok(json!({}))
}

/// `deleteLiveStreamDomainRecord`
pub(super) async fn delete_from_domain(call: &Call<'_>, push: &str, template: &str) -> Outcome {
    call.console.recordings.stop_recording_by(&call.actor, push, template).await?;
    Ok(json!({}))
}
