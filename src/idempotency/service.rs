//! Use cases of idempotent requests.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Claim, Claimed, IdempotencyError, Run};
use crate::model::{Actor, Clock, Millis, StoreError};
use crate::sealing::{Sealer, random_token};
use crate::storage::Db;

/// Maximum length of a key.
pub(super) const MAX_KEY: usize = 255;
/// Time for which a response is kept.
pub const KEPT_MS: Millis = 24 * 3_600_000;
/// Maximum duration of a running request. No request with a key takes longer.
pub const LEASE_MS: Millis = 2 * 60_000;

/// A stored response.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptAnswer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

/// Decision on a request.
#[derive(Debug)]
pub enum Begun {
    /// Run it, then call [`Idempotency::finish`].
    First(Run),
    /// Return the stored response.
    Again(KeptAnswer),
}

/// Use cases of idempotent requests.
#[derive(Clone)]
pub struct Idempotency {
    pub(crate) db: Db,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) sealer: Sealer,
}

impl Idempotency {
    /// Claims the key of a request. `request`: digest of the request.
    pub async fn begin(&self, actor: &Actor, key: &str, request: String) -> Result<Begun, IdempotencyError> {
        if !(1..=MAX_KEY).contains(&key.len()) || !key.bytes().all(|b| b == b' ' || b.is_ascii_graphic()) {
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

    /// Stores a response, sealed because it may contain secrets. `None` frees the key.
    pub async fn finish(&self, run: &Run, answer: Option<&KeptAnswer>) -> Result<(), StoreError> {
        let Some(answer) = answer else { return self.db.free(run).await };
        let text = serde_json::to_string(answer).map_err(|error| StoreError::Fault(error.into()))?;
        self.db.keep_answer(run, self.sealer.seal(&text), self.clock.now() + KEPT_MS).await
    }
}
