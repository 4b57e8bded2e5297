//! Memory limits of the ingest, for bytes that were received and not yet written to disk.
//!
//! Each connection has [`GUARANTEED`] bytes and may use up to [`MAX_PER_CONNECTION`]; usage above the guarantee comes from a pool shared
//! by all connections. A connection that needs more waits, so its publisher slows down.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes that each connection can always use: about one second of typical media.
const GUARANTEED: usize = 256 * 1024;
/// Maximum bytes of one connection. The longest message has 16 MiB.
const MAX_PER_CONNECTION: usize = 24 * 1024 * 1024;
/// Bytes of all connections together, beyond the guarantees.
const POOL_SIZE: usize = 256 * 1024 * 1024;

/// The pool shared by all connections.
#[derive(Debug, Clone)]
pub(super) struct MemoryPool(Arc<Semaphore>);

/// The memory of one connection.
#[derive(Debug)]
pub(super) struct ConnectionMemory {
    own: Arc<Semaphore>,
    pool: MemoryPool,
}

/// Reserved bytes, released when dropped.
#[derive(Debug)]
pub(super) struct Reservation {
    own: OwnedSemaphorePermit,
    pooled: Option<OwnedSemaphorePermit>,
}

impl MemoryPool {
    pub(super) fn new() -> Self {
        Self(Arc::new(Semaphore::new(POOL_SIZE)))
    }

    pub(super) fn for_connection(&self) -> ConnectionMemory {
        ConnectionMemory { own: Arc::new(Semaphore::new(MAX_PER_CONNECTION)), pool: self.clone() }
    }
}

impl ConnectionMemory {
    /// Waits until `count` bytes are available. Returns `None` during shutdown.
    pub(super) async fn reserve(&self, count: usize) -> Option<Reservation> {
        let permits = u32::try_from(count).ok()?;
        let own = Arc::clone(&self.own).acquire_many_owned(permits).await.ok()?;
        let is_guaranteed = self.own.available_permits() >= MAX_PER_CONNECTION - GUARANTEED;
        let pooled =
            if is_guaranteed { None } else { Some(Arc::clone(&self.pool.0).acquire_many_owned(permits).await.ok()?) };
        Some(Reservation { own, pooled })
    }
}

impl Reservation {
    pub(super) fn len(&self) -> usize {
        self.own.num_permits()
    }

    /// Splits off up to `count` bytes.
    pub(super) fn split(&mut self, count: usize) -> Option<Self> {
        let own = self.own.split(count.min(self.own.num_permits()))?;
        let pooled = self.pooled.as_mut().and_then(|pooled| pooled.split(count.min(pooled.num_permits())));
        Some(Self { own, pooled })
    }

    /// Adds another reservation of the same connection.
    pub(super) fn merge(&mut self, other: Self) {
        self.own.merge(other.own);
        match (&mut self.pooled, other.pooled) {
            (Some(pooled), Some(more)) => pooled.merge(more),
            (none, more) => *none = none.take().or(more),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_guarantee_does_not_depend_on_other_connections() {
        let pool = MemoryPool::new();
        let greedy: Vec<_> = (0..POOL_SIZE / MAX_PER_CONNECTION + 1).map(|_| pool.for_connection()).collect();
        let mut reserved = Vec::new();
        for connection in &greedy {
            let count = MAX_PER_CONNECTION.min(pool.0.available_permits());
            reserved.push(connection.reserve(count).await.expect("room"));
        }
        assert_eq!(pool.0.available_permits(), 0);
        let modest = pool.for_connection();
        let mut bytes = modest.reserve(GUARANTEED).await.expect("guaranteed");
        let more = modest.reserve(1);
        tokio::pin!(more);
        assert!(futures::poll!(&mut more).is_pending(), "the pool is exhausted");
        reserved.pop();
        bytes.merge(more.await.expect("released"));
        assert_eq!(bytes.len(), GUARANTEED + 1);
    }

    #[tokio::test]
    async fn dropped_reservations_are_released() {
        let pool = MemoryPool::new();
        let connection = pool.for_connection();
        let mut bytes = connection.reserve(MAX_PER_CONNECTION).await.expect("room");
        let part = bytes.split(MAX_PER_CONNECTION / 3).expect("some");
        drop(bytes);
        assert_eq!(connection.own.available_permits() + part.len(), MAX_PER_CONNECTION);
        drop(part);
        assert_eq!((connection.own.available_permits(), pool.0.available_permits()), (MAX_PER_CONNECTION, POOL_SIZE));
    }
}
