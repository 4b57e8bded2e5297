//! What was queued of late in a PostgreSQL that several processes share.
//!
//! A look sees what is committed, and no moment tells how much that is: a transaction may stamp its rows and commit them long after
//! others that stamped later. So each look reads from a moment on before which no transaction was open any more when the look
//! before was made. It thus misses nothing, and reads little again: what was queued since the second but last look, or since the
//! oldest open transaction began.

use sqlx::AssertSqlSafe;
use sqlx::any::AnyRow;

use crate::deliveries::storage::{is_owned, readable};
use crate::deliveries::{Ownership, Waiting};
use crate::model::{Millis, StoreError};
use crate::storage::Db;
use crate::storage::rows::Read;

/// How far a look from afar goes back, ms.
const AFAR_MS: Millis = 10_000;
/// How far a look goes back at most, ms. A transaction that is open for longer is none of the console's, and others must not have all
/// that waits read again and again.
const FARTHEST_MS: Millis = 60_000;

/// How far looks have come. Moments are the database's, Unix ms.
#[derive(Debug, Clone, Copy, Default)]
pub struct Seen {
    /// What was queued before has been seen.
    since: Millis,
    /// A moment after `since`, and the first transaction that had not begun by then: once all before it are over, what was queued
    /// before that moment has been seen.
    then: (Millis, i64),
}

impl Seen {
    /// The same, but the next look goes back some seconds more: further than a clock that is corrected.
    #[must_use]
    pub fn from_afar(self) -> Self {
        Self { since: self.since.min(self.then.0 - AFAR_MS), ..self }
    }

    /// After a look at `now`, when all transactions before `oldest` were over and `coming` had not begun.
    fn after(self, now: Millis, oldest: i64, coming: i64) -> Self {
        if oldest < self.then.1 {
            return self;
        }
        Self { since: self.then.0, then: (now, coming) }
    }
}

/// What a look found.
#[derive(Debug)]
pub struct News {
    /// All that was committed since the look before, and some from before that.
    pub rows: Vec<Waiting>,
    /// For the next look.
    pub seen: Seen,
}

impl Db {
    /// Looks for what was queued, by whichever process. Of one domain, all is found that was committed up to some moment.
    pub async fn news(&self, owned: &Ownership, seen: Seen) -> Result<News, StoreError> {
        // When the transaction began, which is before it took its snapshot.
        let now = "cast(extract(epoch from now()) * 1000 as bigint)";
        let sql = format!(
            "select l.now, l.oldest, l.coming, q.callback_id, q.delivery_id, q.stream_key, q.due_at, q.retry, q.queued_at \
             from (select {now} as now, txid_snapshot_xmin(txid_current_snapshot()) as oldest, \
             txid_snapshot_xmax(txid_current_snapshot()) as coming) as l \
             left join queue q on q.queued_at >= greatest($1, {now} - {FARTHEST_MS}) and {}",
            is_owned(owned)
        );
        let found = sqlx::query(AssertSqlSafe(sql)).bind(seen.since).fetch_all(self.hot_read()).await?;
        // One row says how far the look went, even if nothing is new.
        let is_row = |row: &&AnyRow| row.col::<Option<i64>>("delivery_id").is_ok_and(|delivery| delivery.is_some());
        let mut news = News { rows: readable(found.iter().filter(is_row)), seen };
        if let Some(look) = found.first() {
            news.seen = seen.after(look.col("now")?, look.col("oldest")?, look.col("coming")?);
        }
        Ok(news)
    }
}
