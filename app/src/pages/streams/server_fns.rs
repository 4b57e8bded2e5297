//! Where the forms that stop streams post to.

use callsheet::streams::{BanLength, StreamError};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

use crate::context::Visit;
use crate::error::UiError;
use crate::forms::{Done, Post};
use crate::request::page_of;

/// Drops the publisher, and goes back to the domain's streams.
#[server(DisconnectStream)]
pub(crate) async fn disconnect_stream(push: String, app: String, stream: String) -> Result<(), UiError> {
    let visit = Visit::current();
    let actor = visit.actor()?;
    let post = Post::new(&visit, DisconnectStream::PATH, &[]);
    let outcome = visit.console.streams.disconnect(actor, &push, &app, &stream).await;
    post.answer(outcome, |()| done(&visit, "streams.disconnected", &push, &app, &stream)).await
}

/// Forbids the stream for so many seconds, for good without a number, and goes back to the domain's streams.
#[server(ForbidStream)]
pub(crate) async fn forbid_stream(
    push: String,
    app: String,
    stream: String,
    #[server(default)] seconds: String,
) -> Result<(), UiError> {
    let visit = Visit::current();
    let actor = visit.actor()?;
    let post = Post::new(&visit, ForbidStream::PATH, &[("seconds", &seconds)]);
    let forbidden = async {
        let seconds = match seconds.trim() {
            "" => None,
            seconds => Some(seconds.parse().map_err(|_| StreamError::BadLength)?),
        };
        let length = BanLength::parse(seconds)?;
        visit.console.streams.forbid(actor, &push, &app, &stream, length).await.map(|_| ())
    };
    let outcome = forbidden.await;
    post.answer(outcome, |()| done(&visit, "streams.is_forbidden", &push, &app, &stream)).await
}

/// Allows the stream again, and stays with the domain's streams.
#[server(AllowStream)]
pub(crate) async fn allow_stream(push: String, app: String, stream: String) -> Result<(), UiError> {
    let visit = Visit::current();
    let actor = visit.actor()?;
    let post = Post::new(&visit, AllowStream::PATH, &[]);
    let outcome = visit.console.streams.allow(actor, &push, &app, &stream).await;
    post.answer(outcome, |()| done(&visit, "streams.is_allowed", &push, &app, &stream)).await
}

fn done(visit: &Visit, key: &str, push: &str, app: &str, stream: &str) -> Done {
    let message = visit.texts.fill(key, &[("name", &format!("{app}/{stream}"))]);
    Done { message, page: format!("{}/streams", page_of(push)) }
}
