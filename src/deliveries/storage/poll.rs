//! Polling of a shared PostgreSQL for deliveries that were queued recently.
//!
//! `queued_at` does not show which rows a poll has seen: a transaction may set it and commit long after others that set it later. So
//! each poll reads from a time before which no transaction was still open at the previous poll. It misses nothing and repeats little:
//! the rows since the last but one poll, or since the oldest open transaction began.

use sqlx::AssertSqlSafe;
use sqlx::any::AnyRow;

use crate::deliveries::storage::{is_owned, queued_deliveries};
use crate::deliveries::{Ownership, QueuedDelivery};
use crate::model::{Millis, StoreError};
use crate::storage::Db;
use crate::storage::rows::Read;

/// How far a widened poll goes back, ms.
const WIDENED_MS: Millis = 10_000;
/// How far a poll goes back at most, ms. The console has no longer transactions, and a longer one of another program must not make
/// every poll read the whole queue.
const MAX_RANGE_MS: Millis = 60_000;

/// The progress of polling. Times are those of the database (Unix ms).
#[derive(Debug, Clone, Copy, Default)]
pub struct PollCursor {
    /// All rows that were queued before this time have been seen.
    since: Millis,
    /// A later time, and the first transaction that had not begun by then. When all earlier transactions have ended, all rows that were
    /// queued before that time have been seen.
    next: (Millis, i64),
}

impl PollCursor {
    /// Returns a cursor that goes back some seconds more, in case the clock of the database was corrected.
    #[must_use]
    pub fn widened(self) -> Self {
        Self { since: self.since.min(self.next.0 - WIDENED_MS), ..self }
    }

    /// Returns the cursor after a poll at `now`, when `oldest` was the oldest open transaction and `next_transaction` had not begun.
    fn advanced(self, now: Millis, oldest: i64, next_transaction: i64) -> Self {
        if oldest < self.next.1 {
            return self;
        }
        Self { since: self.next.0, next: (now, next_transaction) }
    }
}

/// The result of a poll.
#[derive(Debug)]
pub struct PollResult {
    /// All rows that were committed since the previous poll, and some earlier ones.
    pub rows: Vec<QueuedDelivery>,
    /// The cursor for the next poll.
    pub cursor: PollCursor,
}

impl Db {
    /// Returns recently queued rows of all processes, as of one snapshot.
    pub async fn poll_queue(&self, owned: &Ownership, cursor: PollCursor) -> Result<PollResult, StoreError> {
        // The start of this transaction, which is before its snapshot.
        let now = "cast(extract(epoch from now()) * 1000 as bigint)";
        let sql = format!(
            "select l.now, l.oldest, l.coming, q.callback_id, q.delivery_id, q.stream_key, q.due_at, q.retry, q.queued_at \
             from (select {now} as now, txid_snapshot_xmin(txid_current_snapshot()) as oldest, \
             txid_snapshot_xmax(txid_current_snapshot()) as coming) as l \
             left join queue q on q.queued_at >= greatest($1, {now} - {MAX_RANGE_MS}) and {}",
            is_owned(owned)
        );
        let found = sqlx::query(AssertSqlSafe(sql)).bind(cursor.since).fetch_all(self.hot_read()).await?;
        // There is one row with the range of the poll even if nothing is new.
        let is_row = |row: &&AnyRow| row.col::<Option<i64>>("delivery_id").is_ok_and(|delivery| delivery.is_some());
        let mut result = PollResult { rows: queued_deliveries(found.iter().filter(is_row)), cursor };
        if let Some(poll) = found.first() {
            result.cursor = cursor.advanced(poll.col("now")?, poll.col("oldest")?, poll.col("coming")?);
        }
        Ok(result)
    }
}
