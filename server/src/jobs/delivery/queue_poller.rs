//! Polls the queue for new deliveries where several processes share a database.
//!
//! Only one poll runs at a time, and it finds the commits of this process as well as those of others. So the deliveries of a stream are
//! found in the order of its events, even if several processes store them. A notification of a commit only triggers a poll.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use callsheet::deliveries::{Ownership, PollCursor, PollResult, QueuedDelivery};
use callsheet::model::{DeliveryId, Millis};
use callsheet::storage::Db;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::messages::Message;

/// Interval of polls without a notification.
pub(super) const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// The pause after a poll, as a multiple of its duration, so that large polls leave the database to others.
const REST_FACTOR: u32 = 2;

/// The range of a poll.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum PollScope {
    /// Rows that no poll has seen.
    New,
    /// Also somewhat older rows.
    Widened,
}

/// The polls of one process.
pub(super) struct QueuePoller {
    db: Db,
    messages: mpsc::UnboundedSender<Message>,
    cursor: PollCursor,
    /// Rows of the last poll. They are not returned again: they may have been delivered since.
    found: HashSet<(DeliveryId, Millis)>,
    running: bool,
    rests_until: Instant,
    /// The scope of the next poll, if one was requested while another is running.
    requested: Option<PollScope>,
}

impl QueuePoller {
    pub(super) fn new(db: Db, messages: mpsc::UnboundedSender<Message>) -> Self {
        Self {
            db,
            messages,
            cursor: PollCursor::default(),
            found: HashSet::new(),
            running: false,
            rests_until: Instant::now(),
            requested: None,
        }
    }

    /// Starts a poll now, or after the running one, which may have missed what this one is for.
    pub(super) fn request(&mut self, scope: PollScope, owned: &Arc<Ownership>) {
        self.requested = self.requested.max(Some(scope));
        if !self.running {
            self.start(owned);
        }
    }

    /// Handles the end of a poll. `result` is `None` if the database did not answer. Returns the new rows.
    pub(super) fn finish(
        &mut self,
        result: Option<PollResult>,
        took: Duration,
        owned: &Arc<Ownership>,
    ) -> Vec<QueuedDelivery> {
        self.running = false;
        self.rests_until = Instant::now() + (took * REST_FACTOR).min(POLL_INTERVAL);
        // A failed poll is made up for by the next request, which comes within a second.
        let Some(PollResult { mut rows, cursor }) = result else { return Vec::new() };
        self.cursor = cursor;
        let found = rows.iter().map(|row| (row.delivery, row.queued_at)).collect();
        let before = std::mem::replace(&mut self.found, found);
        rows.retain(|row| !before.contains(&(row.delivery, row.queued_at)));
        self.start(owned);
        rows
    }

    fn start(&mut self, owned: &Arc<Ownership>) {
        let Some(scope) = self.requested.take() else { return };
        let cursor = match scope {
            PollScope::New => self.cursor,
            PollScope::Widened => self.cursor.widened(),
        };
        self.running = true;
        let (db, owned, messages) = (self.db.clone(), owned.clone(), self.messages.clone());
        let rests_until = self.rests_until;
        tokio::spawn(async move {
            tokio::time::sleep_until(rests_until).await;
            let started = Instant::now();
            let result = db.poll_queue(&owned, cursor).await.inspect_err(|error| {
                tracing::error!(error = error as &dyn std::error::Error, "failed to poll the queue; retrying");
            });
            let _ = messages.send(Message::Polled { result: result.ok(), took: started.elapsed() });
        });
    }
}
