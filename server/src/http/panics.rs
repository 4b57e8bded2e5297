//! A panic is a fault that nobody foresaw. It breaks off the one request, which is answered all the same.

use std::panic::AssertUnwindSafe;

use futures::FutureExt;

/// The work panicked, which is in the log.
#[derive(Debug)]
pub(super) struct Panicked;

/// Does `work` to its end or to its panic. What it held is given back; what it shares is behind locks and transactions.
pub(super) async fn caught<T>(work: impl Future<Output = T>) -> Result<T, Panicked> {
    AssertUnwindSafe(work).catch_unwind().await.map_err(|panic| {
        let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        tracing::error!(panic = text.unwrap_or("(no text)"), "a request was broken off by a panic");
        Panicked
    })
}
