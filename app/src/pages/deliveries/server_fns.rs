//! Where the buttons of deliveries and recoveries post to.

use callsheet::model::{DeliveryId, RecoveryId};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

use super::filter::Filters;
use crate::context::Visit;
use crate::error::UiError;
use crate::forms::{Done, Post};

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

/// Sends the selected deliveries again, each with all its tries.
#[server(ResendDeliveries)]
pub(crate) async fn resend_deliveries(#[server(default)] ids: Vec<DeliveryId>) -> Result<(), UiError> {
    let visit = Visit::current();
    let actor = visit.actor()?;
    let texts = visit.texts;
    let post = Post::new(&visit, ResendDeliveries::PATH, &[]);
    match visit.console.deliveries.resend_many(actor, ids).await {
        Ok(resent) => {
            let mut message = texts.count("deliveries.resent", resent.queued);
            if resent.left_out > 0 {
                message.push(' ');
                message.push_str(&texts.count("deliveries.skipped", resent.left_out));
            }
            post.stay(message).await
        }
        Err(problem) => post.fail(UiError::of(texts, &problem)).await,
    }
}

/// Starts a recovery of what a filter finds. `query`: the filter as in the page's address.
#[server(StartRecovery)]
pub(crate) async fn start_recovery(query: String) -> Result<(), UiError> {
    let visit = Visit::current();
    let actor = visit.actor()?;
    let texts = visit.texts;
    let post = Post::new(&visit, StartRecovery::PATH, &[]);
    let filter = match Filters::of_text(&query).parse_recoverable(&visit.times.zone) {
        Ok(filter) => filter,
        Err(wrong) => return post.fail(UiError { field: None, ..wrong.error(texts) }).await,
    };
    match visit.console.recoveries.start(actor, filter).await {
        Ok(recovery) => {
            let page = format!("/recoveries/{}", recovery.id);
            post.succeed((), Done { message: texts.get("recovery.started"), page }).await
        }
        Err(problem) => post.fail(UiError::of(texts, &problem)).await,
    }
}

/// Ends a recovery; what it has queued goes out.
#[server(CancelRecovery)]
pub(crate) async fn cancel_recovery(id: RecoveryId) -> Result<(), UiError> {
    let visit = Visit::current();
    let actor = visit.actor()?;
    let post = Post::new(&visit, CancelRecovery::PATH, &[]);
    match visit.console.recoveries.cancel(actor, id).await {
        Ok(_) => post.stay(visit.texts.get("recovery.was_cancelled")).await,
        Err(problem) => post.fail(UiError::of(visit.texts, &problem)).await,
    }
}
