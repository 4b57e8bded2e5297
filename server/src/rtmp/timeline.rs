//! Media time.

use callsheet::model::Millis;

/// Longest step between two messages in ms. Larger steps, in either direction, are faults of the publisher's clock.
const MAX_STEP: i32 = 60_000;

/// Converts the publisher's clock into a steady media time, in ms from the first message.
#[derive(Debug, Default)]
pub(super) struct Timeline {
    last: Option<(u32, Millis)>,
}

impl Timeline {
    /// Returns the media time of a message. Small backward steps are kept, because audio and video are interleaved.
    pub(super) fn advance_to(&mut self, timestamp: u32) -> Millis {
        let time = match self.last {
            None => 0,
            Some((before, time)) => {
                let step = timestamp.wrapping_sub(before).cast_signed();
                time + if step.abs() <= MAX_STEP { Millis::from(step) } else { 0 }
            }
        };
        self.last = Some((timestamp, time));
        time
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_steady_across_wraparounds_and_jumps() {
        let mut timeline = Timeline::default();
        let timestamps = [u32::MAX - 9, u32::MAX - 19, 10, 30, 2_000_000, 2_000_040, 0, 23];
        let times: Vec<Millis> = timestamps.into_iter().map(|timestamp| timeline.advance_to(timestamp)).collect();
        assert_eq!(times, [0, -10, 20, 40, 40, 80, 80, 103]);
    }
}
