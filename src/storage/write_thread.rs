//! A thread for write transactions.
//!
//! A transaction waits for the database after each statement. On the shared runtime it would queue behind thousands of other tasks each
//! time; on this thread it continues at once.

use std::future::Future;
use std::sync::Arc;

use tokio::runtime::{Builder, Handle};
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

/// A single-threaded runtime, which stops when the last clone is dropped.
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
