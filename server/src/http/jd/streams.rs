//! Live streams, past streams, and stopping them.

use callsheet::model::Millis;
use callsheet::streams::{BanLength, SessionFilter};
use serde_json::json;

use super::envelope::JdError;
use super::params::{page_of, write_time};
use super::{Call, Outcome};

/// Maximum age of listed publishes.
const HISTORY_MS: Millis = 30 * 86_400_000;

/// `describeLiveStreamOnlineList`
pub(super) async fn online(call: &Call<'_>, push: &str) -> Outcome {
    let domain = call.console.domains.get(&call.actor, push).await?.push;
    let filter = SessionFilter {
        domain: Some(domain),
        live: Some(true),
        app: call.params.optional("appName").map(str::to_owned),
        ..SessionFilter::default()
    };
    let found = call.console.streams.list(&call.actor, filter, call.params.page()?).await?;
    Ok(page_of(found, "onlineStreamInfos", |session| {
        json!({
            "publishDomain": session.domain,
            "appName": session.app,
            "streamName": session.stream,
            "publishTime": write_time(session.started_at),
            "publishUrl": format!("rtmp://{}/{}/{}", session.domain, session.app, session.stream),
        })
    }))
}

/// `describeLiveStreamPublishList`: publishes that started in the range. The console does not know frame rates.
pub(super) async fn published(call: &Call<'_>, push: &str) -> Outcome {
    let domain = call.console.domains.get(&call.actor, push).await?.push;
    let now = call.console.clock.now();
    let (from, to) = call.params.range(now)?;
    if from < now - HISTORY_MS {
        return Err(JdError::out_of_range("startTime must not be more than 30 days ago"));
    }
    let filter = SessionFilter {
        domain: Some(domain),
        app: call.params.optional("appName").map(str::to_owned),
        stream: call.params.optional("streamName").map(str::to_owned),
        started: Some((from, to)),
        ..SessionFilter::default()
    };
    let found = call.console.streams.list(&call.actor, filter, call.params.page()?).await?;
    Ok(page_of(found, "liveStreamPublishInfos", |session| {
        json!({
            "startTime": write_time(session.started_at),
            "appName": session.app,
            "streamName": session.stream,
            "bitrate": session.bitrate,
            "framerate": null,
        })
    }))
}

/// `forbidLiveStream`: for `forbidTime` seconds; 0 or absent is permanent.
pub(super) async fn forbid(call: &Call<'_>) -> Outcome {
    let length = BanLength::parse(call.params.integer("forbidTime")?.filter(|seconds| *seconds != 0))?;
    let [push, app, stream] = named(call)?;
    call.console.streams.forbid(&call.actor, push, app, stream, length).await?;
    Ok(json!({}))
}

/// `interruptLiveStream`
pub(super) async fn interrupt(call: &Call<'_>) -> Outcome {
    let [push, app, stream] = named(call)?;
    call.console.streams.disconnect(&call.actor, push, app, stream).await?;
    Ok(json!({}))
}

/// `resumeLiveStream`
pub(super) async fn resume(call: &Call<'_>) -> Outcome {
    let [push, app, stream] = named(call)?;
    call.console.streams.allow(&call.actor, push, app, stream).await?;
    Ok(json!({}))
}

fn named<'a>(call: &'a Call<'_>) -> Result<[&'a str; 3], JdError> {
    let params = &call.params;
    Ok([params.required("publishDomain")?, params.required("appName")?, params.required("streamName")?])
}
