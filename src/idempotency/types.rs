//! What keys of requests need stored.

use crate::model::Millis;

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
