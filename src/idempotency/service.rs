//! Use cases of requests that can be sent again.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Claim, Claimed, IdempotencyError, Run};
use crate::model::{Actor, Clock, Millis, StoreError};
use crate::sealing::{Sealer, random_token};
use crate::storage::Db;

/// Characters of a key.
pub(super) const LONGEST_KEY: usize = 255;
/// How long an answer is kept.
pub const KEPT_MS: Millis = 24 * 3_600_000;
/// How long a key counts as running: longer than any request that has a key takes.
pub const LEASE_MS: Millis = 2 * 60_000;

/// An answer as it was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptAnswer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

/// What is to be done with a request.
#[derive(Debug)]
pub enum Begun {
    /// Carry it out, then [`Idempotency::finish`].
    First(Run),
    /// It was carried out before.
    Again(KeptAnswer),
}

/// The use cases.
#[derive(Clone)]
pub struct Idempotency {
    pub(crate) db: Db,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) sealer: Sealer,
}

impl Idempotency {
    /// Looks up the key of a request. `request`: a digest of all that makes it this request.
    pub async fn begin(&self, actor: &Actor, key: &str, request: String) -> Result<Begun, IdempotencyError> {
        if !(1..=LONGEST_KEY).contains(&key.len()) || !key.bytes().all(|b| b == b' ' || b.is_ascii_graphic()) {
            return Err(IdempotencyError::BadKey);
        }
        let now = self.clock.now();
        let run = Run { caller: actor.who.tag(), key: key.to_owned(), run: random_token() };
        let claim = Claim { run, request, now, until: now + LEASE_MS };
        match self.db.claim(&claim).await? {
            Claimed::Ours => Ok(Begun::First(claim.run)),
            Claimed::Theirs { request, .. } if request != claim.request => Err(IdempotencyError::Reused),
            Claimed::Theirs { answer: None, .. } => Err(IdempotencyError::InUse),
            Claimed::Theirs { answer: Some(sealed), .. } => {
                let text = self.sealer.open_text(&sealed).map_err(|error| StoreError::Fault(error.into()))?;
                Ok(Begun::Again(serde_json::from_str(&text).map_err(StoreError::corrupt)?))
            }
        }
    }

    /// Keeps what came of a request, sealed, for it may hold secrets. `None` frees the key: the request may be carried out anew.
    pub async fn finish(&self, run: &Run, answer: Option<&KeptAnswer>) -> Result<(), StoreError> {
        let Some(answer) = answer else { return self.db.free(run).await };
        let text = serde_json::to_string(answer).map_err(|error| StoreError::Fault(error.into()))?;
        self.db.keep_answer(run, self.sealer.seal(&text), self.clock.now() + KEPT_MS).await
    }
}
