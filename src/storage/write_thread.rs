//! The thread on which the hot writes run.
//!
//! A transaction is a chain of statements, and each answer of the database wakes the task that waits for it. Among the thousands of
//! tasks of the common runtime it would wait its turn for each of them; here it goes on at once.

use std::future::Future;
use std::sync::Arc;

use tokio::runtime::{Builder, Handle};
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

/// Ends with its last clone.
#[derive(Debug, Clone)]
pub(super) struct WriteThread {
    handle: Handle,
    _running: Arc<DropGuard>,
}

impl WriteThread {
    pub(super) fn start() -> std::io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (handle, stop) = (runtime.handle().clone(), CancellationToken::new());
        let stopped = stop.clone();
        std::thread::Builder::new().name("writer".to_owned()).spawn(move || runtime.block_on(stopped.cancelled()))?;
        Ok(Self { handle, _running: Arc::new(stop.drop_guard()) })
    }

    pub(super) fn spawn<F>(&self, task: F) -> JoinHandle<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        self.handle.spawn(task)
    }
}
