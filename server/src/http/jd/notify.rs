//! The callbacks of a domain. "Set" sets the address and turns the callback on; "delete" turns it off: the console keeps the address, but this
//! API does not show it.

use callsheet::model::CallbackKind;
use serde_json::json;

use super::envelope::JdError;
use super::{Call, Outcome};

/// `setLiveStreamNotifyConfig`, `setLiveStreamRecordNotifyConfig`
pub(super) async fn set(call: &Call<'_>, kind: CallbackKind) -> Outcome {
    let (push, address) = (call.params.required("publishDomain")?, call.params.required("notifyUrl")?);
    call.console.callbacks.turn_on(&call.actor, push, kind, address).await?;
    Ok(json!({}))
}

/// `describeLiveStreamNotifyConfig`, `describeLiveStreamRecordNotifyConfig`
pub(super) async fn describe(call: &Call<'_>, push: &str, kind: CallbackKind) -> Outcome {
    let callback = call.console.callbacks.get(&call.actor, push, kind).await?;
    let settings = callback.settings;
    match settings.address.filter(|_| settings.enabled) {
        Some(address) => Ok(json!({ "publishDomain": push, "notifyUrl": address })),
        None => Err(JdError::not_found(format!("{push} has no URL for these notifications"))),
    }
}

/// `deleteLiveStreamNotifyConfig`, `deleteLiveStreamRecordNotifyConfig`
pub(super) async fn delete(call: &Call<'_>, push: &str, kind: CallbackKind) -> Outcome {
    call.console.callbacks.set_enabled(&call.actor, push, kind, false).await?;
    Ok(json!({}))
}
