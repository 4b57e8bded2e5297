//! Stored idempotency keys.

use crate::model::Millis;

/// A running request. After the lease, another run may take over its key.
#[derive(Debug, Clone)]
pub struct Run {
    /// As [`Who::tag`](crate::model::Who::tag).
    pub caller: String,
    pub key: String,
    /// Random.
    pub run: String,
}

/// An attempt to claim a key.
#[derive(Debug, Clone)]
pub struct Claim {
    pub run: Run,
    /// Digest of the request.
    pub request: String,
    pub now: Millis,
    /// End of the lease.
    pub until: Millis,
}

/// Result of a claim.
#[derive(Debug)]
pub enum Claimed {
    Ours,
    /// Another request holds the key.
    Theirs {
        request: String,
        /// Sealed response; `None` while it is running.
        answer: Option<Vec<u8>>,
    },
}
