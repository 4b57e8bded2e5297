//! Looks for what was queued, where several processes share a database.
//!
//! There is one look at a time, and it sees this process's commits as well as those of others. So what looks find of a stream comes
//! in the order of its events, whichever processes told of them. A commit that is heard of is only a reason to look.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use callsheet::deliveries::{News, Seen};
use callsheet::deliveries::{Ownership, Waiting};
use callsheet::model::{DeliveryId, Millis};
use callsheet::storage::Db;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::dispatcher::Message;
use super::lease_keeper::LOOK_AROUND;

/// How many times as long as a look took it rests before the next, so that looks that find much leave the database to others.
const REST: u32 = 2;

/// How much a look is to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reach {
    /// What no look has seen.
    New,
    /// Also what looks should have seen.
    Far,
}

/// One process's looks.
pub(super) struct Looks {
    db: Db,
    messages: mpsc::UnboundedSender<Message>,
    seen: Seen,
    /// What the last look found, so that it is not passed on twice: by now it may be delivered.
    found: HashSet<(DeliveryId, Millis)>,
    under_way: bool,
    rests_until: Instant,
    /// What the next look is for, if one was asked for while another is under way.
    asked: Option<Reach>,
}

impl Looks {
    pub(super) fn new(db: Db, messages: mpsc::UnboundedSender<Message>) -> Self {
        Self {
            db,
            messages,
            seen: Seen::default(),
            found: HashSet::new(),
            under_way: false,
            rests_until: Instant::now(),
            asked: None,
        }
    }

    /// Looks, or looks again when the look that is under way is over: that one may have missed what this one is for.
    pub(super) fn ask(&mut self, reach: Reach, owned: &Arc<Ownership>) {
        self.asked = self.asked.max(Some(reach));
        if !self.under_way {
            self.begin(owned);
        }
    }

    /// A look is over, and how long it took; `None`: the database did not answer. Returns what is new.
    pub(super) fn end(&mut self, news: Option<News>, took: Duration, owned: &Arc<Ownership>) -> Vec<Waiting> {
        self.under_way = false;
        self.rests_until = Instant::now() + (took * REST).min(LOOK_AROUND);
        // What it should have seen is seen when somebody asks again, which happens each second.
        let Some(News { mut rows, seen }) = news else { return Vec::new() };
        self.seen = seen;
        let found = rows.iter().map(|row| (row.delivery, row.queued_at)).collect();
        let before = std::mem::replace(&mut self.found, found);
        rows.retain(|row| !before.contains(&(row.delivery, row.queued_at)));
        self.begin(owned);
        rows
    }

    fn begin(&mut self, owned: &Arc<Ownership>) {
        let Some(reach) = self.asked.take() else { return };
        let seen = match reach {
            Reach::New => self.seen,
            Reach::Far => self.seen.from_afar(),
        };
        self.under_way = true;
        let (db, owned, messages) = (self.db.clone(), owned.clone(), self.messages.clone());
        let rests_until = self.rests_until;
        tokio::spawn(async move {
            tokio::time::sleep_until(rests_until).await;
            let begun = Instant::now();
            let news = db.news(&owned, seen).await.inspect_err(|error| {
                tracing::error!(error = error as &dyn std::error::Error, "cannot look for what was queued");
            });
            let _ = messages.send(Message::Looked { news: news.ok(), took: begun.elapsed() });
        });
    }
}
