//! Two publishers of one stream, of which the source refused the second.

use proptest::prelude::*;

use super::*;

/// A holder and an opening session of the same source.
struct Contest {
    holder: Session,
    other: Session,
}

impl Contest {
    fn begin(at: Millis) -> Self {
        let start = |at, others_live| Session::start(at, at, &push(), others_live, &RULES).0;
        let (mut holder, mut other) = (start(T0, false), start(at, true));
        holder.apply(&alive(0), T0, &RULES);
        other.contend(&holder);
        Self { holder, other }
    }

    /// Does what is due until `now`, from one state as stored to the next.
    fn pass(&mut self, now: Millis) {
        while let Some(due) = self.other.due_at.filter(|due| *due <= now && self.other.phase == Phase::Opening) {
            self.other.watch(&self.holder);
            self.other.tick(due, &RULES);
        }
        let kept = serde_json::to_string(&self.other).expect("serialises");
        self.other = serde_json::from_str(&kept).expect("reads back");
    }

    fn beat(&mut self, is_holder: bool, now: Millis) {
        self.pass(now);
        if is_holder {
            self.holder.apply(&alive(0), now, &RULES);
        } else {
            self.other.watch(&self.holder);
            self.other.apply(&alive(0), now, &RULES);
        }
    }
}

proptest! {
    /// A source sends both heartbeats in one rhythm, and each may be late by less than half of the grace. While the holder's come, the
    /// other one stays unreported; when they stay away, it goes live.
    #[test]
    fn who_is_heard_publishes(
        period in 1_000..60_000_i64,
        offset in 1..60_000_i64,
        late in prop::collection::vec((0..2_400_i64, 0..2_400_i64), 12),
    ) {
        let begun = T0 + offset.min(period);
        let mut contest = Contest::begin(begun);
        let mut beats = Vec::new();
        for (round, (holder, other)) in (1..).zip(&late) {
            beats.push((T0 + round * period + holder, true));
            beats.push((begun + round * period + other, false));
        }
        beats.sort_unstable();
        // The last ones of the holder, behind which the other one is compared with nobody.
        let last = beats.iter().rfind(|(_, is_holder)| *is_holder).expect("a beat").0;
        for (now, is_holder) in beats.into_iter().filter(|(now, _)| *now <= last) {
            contest.beat(is_holder, now);
            prop_assert_eq!(contest.other.phase, Phase::Opening, "{}", now - T0);
        }
        for round in 1..=3 {
            contest.beat(false, last + round * period);
        }
        contest.pass(last + 3 * period + RULES.grace_ms);
        prop_assert_eq!(contest.other.phase, Phase::Live);
    }
}
