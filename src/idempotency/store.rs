//! What keys of requests need stored.

use async_trait::async_trait;

use crate::model::{Millis, StoreError};

/// A request that is carried out under a key. Whoever takes the key over after the lease has another `run`.
#[derive(Debug, Clone)]
pub struct Run {
    /// As [`Who::tag`](crate::model::Who::tag).
    pub caller: String,
    pub key: String,
    /// Random.
    pub run: String,
}

/// A request that wants to be carried out under a key.
#[derive(Debug, Clone)]
pub struct Claim {
    pub run: Run,
    /// What is asked, as a digest.
    pub request: String,
    pub now: Millis,
    /// When the lease ends.
    pub until: Millis,
}

/// What became of a claim.
#[derive(Debug)]
pub enum Claimed {
    Ours,
    /// Another request came before.
    Theirs {
        request: String,
        /// Sealed; `None`: it is running.
        answer: Option<Vec<u8>>,
    },
}

/// The storage of keys of requests. A method is one transaction.
#[async_trait]
pub trait IdempotencyStore: Send + Sync {
    /// Takes a key that is free. Of claims at the same time one gets it, whichever processes they are from.
    async fn claim(&self, claim: &Claim) -> Result<Claimed, StoreError>;
    /// Keeps the answer, unless the key was taken over meanwhile.
    async fn keep_answer(&self, run: &Run, sealed: Vec<u8>, until: Millis) -> Result<(), StoreError>;
    /// Frees the key, unless it was taken over meanwhile.
    async fn free(&self, run: &Run) -> Result<(), StoreError>;
}
