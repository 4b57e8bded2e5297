//! Panics in handlers: they end one request, which still gets a response.

use std::panic::AssertUnwindSafe;

use futures::FutureExt;

/// The handler panicked; the log has the details.
#[derive(Debug)]
pub(super) struct Panicked;

/// Runs `work` and catches a panic. This is unwind-safe, because shared state is behind locks and transactions.
pub(super) async fn caught<T>(work: impl Future<Output = T>) -> Result<T, Panicked> {
    AssertUnwindSafe(work).catch_unwind().await.map_err(|panic| {
        let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        tracing::error!(panic = text.unwrap_or("(no text)"), "a request handler panicked");
        Panicked
    })
}
