//! What deliveries on their way need stored.

use async_trait::async_trait;

use super::{DayFigures, PhaseView};
use crate::callbacks::Callback;
use crate::model::{CallbackId, DeliveryId, EventName, Millis, SessionId, StoreError};

/// A row of the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    pub delivery: DeliveryId,
    pub callback: CallbackId,
    /// Deliveries of one callback with the same key keep their order.
    pub stream_key: String,
    pub due_at: Millis,
}

/// What changed in the queue by a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Queued {
    Put(Waiting),
    Removed(DeliveryId),
}

/// A delivery ready for an attempt, with its callback as it is now.
#[derive(Debug, Clone)]
pub struct Ready {
    pub id: DeliveryId,
    pub event: EventName,
    pub session: SessionId,
    pub sequence: i64,
    pub happened_at: Millis,
    pub body: Vec<u8>,
    pub attempts: i64,
    pub tries: i64,
    pub callback: Callback,
}

/// One HTTP request that was made.
#[derive(Debug, Clone)]
pub struct AttemptRecord {
    pub delivery: DeliveryId,
    pub number: i64,
    pub started_at: Millis,
    pub millis: i64,
    pub address: String,
    pub succeeded: bool,
    pub status: Option<i64>,
    pub error_class: Option<&'static str>,
    pub error: Option<String>,
    pub phases: Vec<PhaseView>,
    pub request_headers: Vec<(String, String)>,
    pub response_headers: Vec<(String, String)>,
    pub response_body: Vec<u8>,
    pub out_of_order: bool,
}

/// What becomes of a delivery after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Delivered,
    Retry { due_at: Millis },
    Failed,
}

/// The receiver said that the callback is gone for good.
#[derive(Debug, Clone)]
pub struct CallbackOff {
    pub callback: CallbackId,
    pub reason: String,
}

/// The storage of deliveries on their way. A method is one transaction.
#[async_trait]
pub trait DeliveryStore: Send + Sync {
    /// Rows of the queue after `(due_at, id)`, in order of that pair.
    async fn waiting(&self, after: (Millis, DeliveryId), limit: i64) -> Result<Vec<Waiting>, StoreError>;
    /// The delivery and its callback, if it still waits.
    async fn ready(&self, id: DeliveryId) -> Result<Option<Ready>, StoreError>;
    /// Appends the attempts and moves their deliveries on, all in one transaction. A delivery that waits no more keeps its state
    /// unless it was delivered.
    async fn complete(&self, attempts: &[(AttemptRecord, Fate)], off: &[CallbackOff]) -> Result<(), StoreError>;
    /// Deliveries made since (Unix ms), in the domains of `only` if given.
    async fn figures(&self, since: Millis, only: Option<&[String]>) -> Result<DayFigures, StoreError>;
    /// Length of the queue.
    async fn queue_depth(&self) -> Result<i64, StoreError>;
}
