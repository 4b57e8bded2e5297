//! A word from process to process that something was queued, so that nobody has to look all the time. It may be lost: who listens
//! looks now and then all the same.

use sqlx::AnyConnection;
use sqlx::postgres::PgListener;

use super::Db;
use crate::model::StoreError;

const CHANNEL: &str = "callsheet_queue";

/// Gives the hints of one process.
#[derive(Debug, Clone)]
pub(super) struct Hints {
    url: String,
    /// Tells this process's own hints from those of others.
    process: String,
}

impl Hints {
    /// For a database that several processes may share.
    pub(super) fn of(url: &str) -> Option<Self> {
        let process = format!("{:016x}", rand::random::<u64>());
        (!url.starts_with("sqlite:")).then(|| Self { url: url.to_owned(), process })
    }

    /// Goes out with the commit, once for all that it queues.
    pub(super) async fn give(&self, transaction: &mut AnyConnection) -> Result<(), StoreError> {
        let query = sqlx::query("select 1 from (select pg_notify($1, $2)) as given");
        query.bind(CHANNEL).bind(self.process.clone()).execute(transaction).await?;
        Ok(())
    }
}

/// Hints of other processes.
pub struct QueueHints {
    listener: PgListener,
    process: String,
}

impl QueueHints {
    /// Waits for a hint; takes all that came with it.
    pub async fn next(&mut self) -> Result<(), StoreError> {
        while self.listener.recv().await?.payload() == self.process {}
        while self.listener.next_buffered().is_some() {}
        Ok(())
    }
}

impl Db {
    /// What other processes queue from now on; `None`: nobody shares this database.
    pub async fn queue_hints(&self) -> Result<Option<QueueHints>, StoreError> {
        let Some(Hints { url, process }) = &self.hints else { return Ok(None) };
        let mut listener = PgListener::connect(url).await?;
        listener.listen(CHANNEL).await?;
        Ok(Some(QueueHints { listener, process: process.clone() }))
    }
}
