//! Where the buttons of a delivery post to.

use callsheet::model::DeliveryId;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

use crate::context::Visit;
use crate::error::UiError;
use crate::forms::Post;

/// Sends a delivery again, with all its tries.
#[server(ResendDelivery)]
pub(crate) async fn resend_delivery(id: DeliveryId) -> Result<(), UiError> {
    let visit = Visit::current();
    let actor = visit.actor()?;
    let post = Post::new(&visit, ResendDelivery::PATH, &[]);
    match visit.console.deliveries.resend(actor, id).await {
        Ok(_) => post.stay(visit.texts.get("delivery.resent")).await,
        Err(problem) => post.fail(UiError::of(visit.texts, &problem)).await,
    }
}

/// Stops a delivery that waits.
#[server(CancelDelivery)]
pub(crate) async fn cancel_delivery(id: DeliveryId) -> Result<(), UiError> {
    let visit = Visit::current();
    let actor = visit.actor()?;
    let post = Post::new(&visit, CancelDelivery::PATH, &[]);
    match visit.console.deliveries.cancel(actor, id).await {
        Ok(_) => post.stay(visit.texts.get("delivery.cancelled")).await,
        Err(problem) => post.fail(UiError::of(visit.texts, &problem)).await,
    }
}
