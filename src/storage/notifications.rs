//! `LISTEN/NOTIFY` wake-ups between workers, so that they do not poll constantly. A notification may be lost, so workers also poll from
//! time to time.

use sqlx::AnyConnection;
use sqlx::postgres::PgListener;

use super::Db;
use crate::model::StoreError;

const CHANNEL: &str = "callsheet_queue";

/// Sends the notifications of one process.
#[derive(Debug, Clone)]
pub(super) struct Notifier {
    url: String,
    /// Payload by which a process recognises its own notifications.
    process: String,
}

impl Notifier {
    /// Returns `None` for SQLite, which no other process shares.
    pub(super) fn new(url: &str) -> Option<Self> {
        let process = format!("{:016x}", rand::random::<u64>());
        (!url.starts_with("sqlite:")).then(|| Self { url: url.to_owned(), process })
    }

    /// Sends one notification with the commit of the transaction.
    pub(super) async fn notify(&self, transaction: &mut AnyConnection) -> Result<(), StoreError> {
        let query = sqlx::query("select 1 from (select pg_notify($1, $2)) as notified");
        query.bind(CHANNEL).bind(self.process.clone()).execute(transaction).await?;
        Ok(())
    }
}

/// Notifications of other processes.
pub struct QueueNotifications {
    listener: PgListener,
    process: String,
}

impl QueueNotifications {
    /// Waits for the next notification and discards those that arrived with it.
    pub async fn next(&mut self) -> Result<(), StoreError> {
        while self.listener.recv().await?.payload() == self.process {}
        while self.listener.next_buffered().is_some() {}
        Ok(())
    }
}

impl Db {
    /// Subscribes to the queue changes of other processes. Returns `None` if no other process can share the database.
    pub async fn queue_notifications(&self) -> Result<Option<QueueNotifications>, StoreError> {
        let Some(Notifier { url, process }) = &self.notifier else { return Ok(None) };
        let mut listener = PgListener::connect(url).await?;
        listener.listen(CHANNEL).await?;
        Ok(Some(QueueNotifications { listener, process: process.clone() }))
    }
}
