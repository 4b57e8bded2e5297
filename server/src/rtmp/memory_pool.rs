//! Memory limits of the ingest: bytes that were received and are not written to disk yet.
//!
//! Each connection has [`GUARANTEED`] bytes of its own and may use up to [`MOST_OF_ONE`]; what it uses beyond its own comes out of a pool
//! that all connections share. Who needs more waits, so the publisher slows down.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes that a connection has whatever the others do: about a second of usual media.
const GUARANTEED: usize = 256 * 1024;
/// Bytes of one connection at most. The longest message has 16 MiB.
const MOST_OF_ONE: usize = 24 * 1024 * 1024;
/// Bytes of all connections together, beyond what is guaranteed.
const POOL: usize = 256 * 1024 * 1024;

/// The pool of a process.
#[derive(Debug, Clone)]
pub(super) struct Memory(Arc<Semaphore>);

/// The memory of one connection.
#[derive(Debug)]
pub(super) struct ConnectionMemory {
    own: Arc<Semaphore>,
    pool: Memory,
}

/// Some bytes in use; given back when this is dropped.
#[derive(Debug)]
pub(super) struct Bytes {
    own: OwnedSemaphorePermit,
    pooled: Option<OwnedSemaphorePermit>,
}

impl Memory {
    pub(super) fn new() -> Self {
        Self(Arc::new(Semaphore::new(POOL)))
    }

    pub(super) fn of_connection(&self) -> ConnectionMemory {
        ConnectionMemory { own: Arc::new(Semaphore::new(MOST_OF_ONE)), pool: self.clone() }
    }
}

impl ConnectionMemory {
    /// Waits for so many bytes. `None`: the process ends.
    pub(super) async fn take(&self, count: usize) -> Option<Bytes> {
        let permits = u32::try_from(count).ok()?;
        let own = Arc::clone(&self.own).acquire_many_owned(permits).await.ok()?;
        let is_guaranteed = self.own.available_permits() >= MOST_OF_ONE - GUARANTEED;
        let pooled =
            if is_guaranteed { None } else { Some(Arc::clone(&self.pool.0).acquire_many_owned(permits).await.ok()?) };
        Some(Bytes { own, pooled })
    }
}

impl Bytes {
    pub(super) fn count(&self) -> usize {
        self.own.num_permits()
    }

    /// Cuts off so many, or all there are.
    pub(super) fn split(&mut self, count: usize) -> Option<Self> {
        let own = self.own.split(count.min(self.own.num_permits()))?;
        let pooled = self.pooled.as_mut().and_then(|pooled| pooled.split(count.min(pooled.num_permits())));
        Some(Self { own, pooled })
    }

    /// Takes over those of the same connection.
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
    async fn what_is_guaranteed_does_not_depend_on_others() {
        let memory = Memory::new();
        let greedy: Vec<_> = (0..POOL / MOST_OF_ONE + 1).map(|_| memory.of_connection()).collect();
        let mut taken = Vec::new();
        for connection in &greedy {
            let count = MOST_OF_ONE.min(memory.0.available_permits());
            taken.push(connection.take(count).await.expect("room"));
        }
        assert_eq!(memory.0.available_permits(), 0);
        let modest = memory.of_connection();
        let mut bytes = modest.take(GUARANTEED).await.expect("guaranteed");
        let more = modest.take(1);
        tokio::pin!(more);
        assert!(futures::poll!(&mut more).is_pending(), "the pool is used up");
        taken.pop();
        bytes.merge(more.await.expect("given back"));
        assert_eq!(bytes.count(), GUARANTEED + 1);
    }

    #[tokio::test]
    async fn all_is_given_back() {
        let memory = Memory::new();
        let connection = memory.of_connection();
        let mut bytes = connection.take(MOST_OF_ONE).await.expect("room");
        let part = bytes.split(MOST_OF_ONE / 3).expect("some");
        drop(bytes);
        assert_eq!(connection.own.available_permits() + part.count(), MOST_OF_ONE);
        drop(part);
        assert_eq!((connection.own.available_permits(), memory.0.available_permits()), (MOST_OF_ONE, POOL));
    }
}
