//! Two publishers of one stream: which of them its source lets publish.
//!
//! nginx-rtmp and SRS report a start before they see that the name is taken. They refuse the second publisher without a report, and while
//! its client stays connected, nginx-rtmp sends heartbeats for both. So a start or a heartbeat of the second one does not show that it
//! publishes. The reports of the first one do: while it is heard, the name is taken.
//!
//! - The *holder* was heard since the last decision: the opening session waits, and its grace begins again.
//! - The holder was not heard and sends no heartbeats: a heartbeat, or the end of the grace, makes the opening session live.
//! - The holder was not heard and sends heartbeats: the source sends them for both in the same rhythm, so the opening session waits for
//!   its own next one. By then the holder should have been heard too. It has one more grace, as reports overtake each other.
//!
//! No moments are compared, since clocks are set: the holder was heard if the moment at which it was last heard is another one than before.

use serde::{Deserialize, Serialize};

use super::{Phase, Session, SessionRules};
use crate::model::Millis;

/// The live session of the stream as an opening one last saw it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Holder {
    last_heard_at: Millis,
    /// It was heard, and that was not weighed yet.
    is_heard: bool,
    sends_heartbeats: bool,
}

impl Session {
    /// Another session of the same source holds the stream, and the source may have refused this one.
    pub fn contend(&mut self, holder: &Self) {
        if self.phase == Phase::Opening {
            self.see(holder, false);
            if holder.heartbeat_seen {
                self.grace_until = None;
            }
            self.schedule();
        }
    }

    /// Takes note of the session that holds the stream. Call it before a decision.
    pub fn watch(&mut self, holder: &Self) {
        if let Some(seen) = &self.holder {
            self.see(holder, seen.is_heard || seen.last_heard_at != holder.last_heard_at);
        }
    }

    fn see(&mut self, holder: &Self, is_heard: bool) {
        let (last_heard_at, sends_heartbeats) = (holder.last_heard_at, holder.heartbeat_seen);
        self.holder = Some(Holder { last_heard_at, is_heard, sends_heartbeats });
        // Then it would send them for this one.
        self.heartbeat_seen |= sends_heartbeats;
    }

    /// Returns whether the opening session goes on waiting because the holder was heard.
    pub(super) fn yields(&mut self, now: Millis, rules: &SessionRules) -> bool {
        let Some(holder) = self.holder.as_mut().filter(|holder| holder.is_heard) else { return false };
        // A heartbeat of the holder counts until the next one of this session.
        holder.is_heard = holder.sends_heartbeats;
        self.grace_until = (!holder.sends_heartbeats).then_some(now + rules.grace_ms);
        true
    }

    /// Returns whether a heartbeat of the opening session shows that it publishes.
    pub(super) fn claims(&mut self, now: Millis, rules: &SessionRules) -> bool {
        let yields = self.yields(now, rules);
        let Some(holder) = &mut self.holder else { return true };
        holder.is_heard = false;
        let waits = holder.sends_heartbeats;
        if waits && !yields {
            self.grace_until.get_or_insert(now + rules.grace_ms);
        }
        !yields && !waits
    }

    /// Returns whether its source reported more than its start.
    #[must_use]
    pub fn is_heard(&self) -> bool {
        self.heard_since_start
    }
}
