use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;

const NOW: Millis = 1_795_357_880_000;
const CAP: usize = 16;
const DOWN: Verdict = Verdict::Failure("connect");
const BUSY: Verdict = Verdict::SlowDown("http_status");
const MINUTE: Millis = 60_000;

/// Returns a reading on which both clocks agree.
fn at(now: Millis) -> ClockReading {
    ClockReading { wall: now, monotonic: now }
}

/// Returns a breaker that was just paused, and the time of the pause.
fn paused() -> (Breaker, Millis) {
    let mut breaker = Breaker::new(CAP);
    for n in 0.. {
        let now = NOW + n * 4_000;
        match breaker.record(at(now), DOWN) {
            Some(BreakerUpdate::Paused(pause)) => {
                assert_eq!(pause.since, now);
                return (breaker, now);
            }
            other => assert_eq!(other, None),
        }
    }
    unreachable!("not paused")
}

#[test]
fn an_overloaded_receiver_gets_fewer_requests_at_a_time() {
    let mut breaker = Breaker::new(CAP);
    let mut limits = Vec::new();
    for verdict in [BUSY, BUSY, Verdict::Success, DOWN, BUSY, BUSY, BUSY, Verdict::Success] {
        assert_eq!(breaker.record(at(NOW), verdict), None);
        let BreakerState::Active { limit } = breaker.state() else { panic!("paused") };
        limits.push(limit);
    }
    assert_eq!(limits, [8, 4, 5, 5, 2, 1, 1, 2]);
    for _ in 0..100 {
        breaker.record(at(NOW), Verdict::Success);
    }
    assert_eq!(breaker.state(), BreakerState::Active { limit: CAP });
}

#[test]
fn attempts_are_classified_by_error_and_status() {
    for status in [429, 502, 504] {
        assert_eq!(Verdict::of(Some("http_status"), Some(status)), BUSY);
    }
    assert_eq!(Verdict::of(Some("http_status"), Some(503)), Verdict::Failure("http_status"));
    assert_eq!(Verdict::of(Some("connect"), None), DOWN);
    assert_eq!(Verdict::of(None, Some(204)), Verdict::Success);
}

#[test]
fn a_pause_needs_20_attempts_over_a_minute_and_90_percent_failures() {
    // Nineteen attempts are too few; the 20th pauses.
    let mut breaker = Breaker::new(CAP);
    for n in 0..19 {
        assert_eq!(breaker.record(at(NOW + n * 10_000), DOWN), None, "{n}");
    }
    assert!(matches!(breaker.record(at(NOW + 190_000), DOWN), Some(BreakerUpdate::Paused(_))));

    let mut breaker = Breaker::new(CAP);
    for n in 0..600 {
        assert_eq!(breaker.record(at(NOW + n * 100), DOWN), None, "{n}");
    }
    assert!(matches!(breaker.record(at(NOW + MINUTE), DOWN), Some(BreakerUpdate::Paused(_))));

    // 3 of 20 succeed, then 2 of 20.
    for (good, pauses) in [(3, false), (2, true)] {
        let mut breaker = Breaker::new(CAP);
        let mut changes = Vec::new();
        for n in 0..20 {
            let verdict = if n % 6 == 0 && n / 6 < good { Verdict::Success } else { DOWN };
            changes.extend(breaker.record(at(NOW + n * 4_000), verdict));
        }
        assert_eq!(!changes.is_empty(), pauses, "{good}");
    }
}

#[test]
fn a_busy_callback_is_paused_about_a_minute_after_it_goes_down() {
    let mut breaker = Breaker::new(CAP);
    for n in 0..100_000 {
        assert_eq!(breaker.record(at(NOW + n * 2), Verdict::Success), None);
    }
    let down = NOW + 200_000;
    let paused = (0..).map(|n| down + n * 2).find(|now| breaker.record(at(*now), DOWN).is_some()).expect("paused");
    assert!((50_000..62_000).contains(&(paused - down)), "{}", paused - down);
}

#[test]
fn probe_waits_grow_and_the_first_success_resumes_with_limit_one() {
    let (mut breaker, since) = paused();
    let mut now = since;
    for (n, wait) in (0..).zip([30, 60, 120, 240, 480, 600, 600]) {
        assert_eq!(breaker.state(), BreakerState::Paused { probe_at: now + wait * 1_000 });
        now += wait * 1_000 + 15_000;
        let Some(BreakerUpdate::ProbeFailed(pause)) = breaker.record(at(now), Verdict::Failure("timeout")) else {
            panic!("the probe failed")
        };
        assert_eq!((pause.since, pause.probes, pause.reason.as_str()), (since, n + 1, "timeout"));
    }
    assert_eq!(breaker.record(at(now + MINUTE), Verdict::Success), Some(BreakerUpdate::Resumed));
    for limit in 1..=CAP {
        assert_eq!(breaker.state(), BreakerState::Active { limit });
        assert_eq!(breaker.record(at(now + MINUTE), Verdict::Success), None);
    }
    // What failed before the pause is forgotten.
    assert_eq!(breaker.record(at(now + 3 * MINUTE), DOWN), None);
}

#[test]
fn an_attempt_from_before_the_pause_is_no_probe() {
    let (mut breaker, since) = paused();
    let state = breaker.state();
    for n in 0..15 {
        assert_eq!(breaker.record(at(since + n * 1_000), DOWN), None);
        assert_eq!(breaker.state(), state);
    }
    assert_eq!(breaker.record(at(since + 20_000), Verdict::Success), Some(BreakerUpdate::Resumed));
}

#[test]
fn five_days_without_success_turn_the_callback_off() {
    let (mut breaker, since) = paused();
    let days = |n: i64| since + n * 24 * 3_600_000;
    assert!(matches!(breaker.record(at(days(5) - 1), DOWN), Some(BreakerUpdate::ProbeFailed(_))));
    assert_eq!(
        breaker.record(at(days(5) + 10 * MINUTE), DOWN),
        Some(BreakerUpdate::TurnOff { at: days(5) + 10 * MINUTE })
    );
}

#[test]
fn a_user_who_resumes_it_resets_it() {
    let (mut breaker, since) = paused();
    breaker.resume();
    assert_eq!(breaker.state(), BreakerState::Active { limit: 1 });
    for n in 0..15 {
        assert_eq!(breaker.record(at(since + n * 4_000), DOWN), None);
    }
    let mut open = Breaker::new(CAP);
    open.resume();
    assert_eq!(
        open.state(),
        BreakerState::Active { limit: CAP },
        "a change of an active callback does not slow it down"
    );
}

#[test]
fn a_pause_survives_a_restart() {
    let (before, since) = paused();
    let pause = Pause { since, probe_at: since + 30_000, probes: 0, reason: "connect".to_owned() };
    let mut after = Breaker::restored(CAP, pause, at(since));
    assert_eq!(after.state(), before.state());
    assert_eq!(after.record(at(since + MINUTE), Verdict::Success), Some(BreakerUpdate::Resumed));
    assert_eq!(after.state(), BreakerState::Active { limit: 1 });
}

#[test]
fn setting_the_wall_clock_neither_begins_nor_ends_a_pause() {
    let shifted = |by: Millis, monotonic: Millis| ClockReading { wall: NOW + by + monotonic, monotonic };
    for by in [-3_600_000, 3_600_000, 6 * 24 * 3_600_000] {
        let mut breaker = Breaker::new(CAP);
        for n in 0..30 {
            assert_eq!(
                breaker.record(shifted(if n < 15 { 0 } else { by }, n * 100), DOWN),
                None,
                "three seconds, {by}"
            );
        }
        let Some(BreakerUpdate::Paused(pause)) = breaker.record(shifted(by, MINUTE), DOWN) else {
            panic!("a minute, {by}")
        };
        assert_eq!(breaker.state(), BreakerState::Paused { probe_at: MINUTE + 30_000 });
        assert_eq!((pause.since, pause.probe_at), (NOW + by + MINUTE, NOW + by + MINUTE + 30_000));
        // The clock is set back.
        let Some(BreakerUpdate::ProbeFailed(pause)) = breaker.record(shifted(0, 2 * MINUTE), DOWN) else {
            panic!("{by}")
        };
        assert_eq!(breaker.state(), BreakerState::Paused { probe_at: 3 * MINUTE });
        assert_eq!((pause.since, pause.probe_at), (NOW + by + MINUTE, NOW + 3 * MINUTE), "the same pause");
        // After a restart.
        let restored = Breaker::restored(CAP, pause.clone(), shifted(-24 * 3_600_000, 0));
        assert_eq!(restored.state(), BreakerState::Paused { probe_at: 10 * MINUTE }, "capped at the longest wait");
        let restored = Breaker::restored(CAP, pause, shifted(0, 2 * MINUTE));
        assert_eq!(restored.state(), breaker.state());
    }
}

/// An event, which follows some milliseconds after the previous one.
#[derive(Debug, Clone, Copy)]
enum Step {
    Start,
    End(Verdict),
    /// The attempt was cancelled or could not be made.
    Cancel,
    Resume,
}

fn steps() -> impl Strategy<Value = Vec<(Millis, Step)>> {
    let wait = prop_oneof![6 => 0..50_i64, 3 => 0..5_000_i64, 1 => 0..1_000_000_i64];
    let step = prop_oneof![
        50 => Just(Step::Start),
        45 => prop_oneof![8 => Just(DOWN), 1 => Just(BUSY)].prop_map(Step::End),
        3 => Just(Step::End(Verdict::Success)),
        1 => Just(Step::Cancel),
        1 => Just(Step::Resume),
    ];
    prop::collection::vec((wait, step), 0..600)
}

/// Returns whether the run queue would start another attempt while `in_flight` are running.
fn admits(state: BreakerState, now: Millis, in_flight: usize) -> bool {
    match state {
        BreakerState::Active { limit } => in_flight < limit,
        BreakerState::Paused { probe_at } => in_flight == 0 && now >= probe_at,
    }
}

proptest! {
    #[test]
    fn the_invariants_hold_for_any_sequence_of_events(steps in steps()) {
        let mut breaker = Breaker::new(CAP);
        let mut now = NOW;
        // For each attempt in flight: whether it was started during a pause.
        let mut in_flight: VecDeque<bool> = VecDeque::new();
        // For each attempt since the last reset: when it ended, and whether it failed.
        let mut ended: Vec<(Millis, bool)> = Vec::new();
        for (wait, step) in steps {
            now += wait;
            let before = breaker.state();
            let was_paused = matches!(before, BreakerState::Paused { .. });
            match step {
                Step::Start => {
                    if admits(before, now, in_flight.len()) {
                        prop_assert!(!was_paused || in_flight.is_empty(), "a probe is never concurrent");
                        in_flight.push_back(was_paused);
                    }
                }
                Step::Cancel => drop(in_flight.pop_front()),
                Step::Resume => {
                    breaker.resume();
                    ended.clear();
                    prop_assert!(breaker.pause.is_none());
                }
                Step::End(verdict) => {
                    let Some(probe) = in_flight.pop_front() else { continue };
                    ended.push((now, verdict != Verdict::Success));
                    match breaker.record(at(now), verdict) {
                        Some(BreakerUpdate::Paused(pause)) => {
                            prop_assert!(!was_paused);
                            prop_assert_eq!((pause.since, pause.probe_at, pause.probes), (now, now + 30_000, 0));
                            let justified = (0..ended.len()).any(|from| {
                                let latest = &ended[from..];
                                let failed = latest.iter().filter(|(_, failed)| *failed).count();
                                latest.len() >= 20 && now - latest[0].0 >= MINUTE && failed * 10 >= latest.len() * 9
                            });
                            prop_assert!(justified, "{:?}", ended);
                        }
                        Some(BreakerUpdate::ProbeFailed(pause)) => {
                            prop_assert!(was_paused && verdict != Verdict::Success);
                            prop_assert!((30_000..=600_000).contains(&(pause.probe_at - now)));
                        }
                        Some(BreakerUpdate::TurnOff { .. }) => prop_assert!(was_paused && verdict != Verdict::Success),
                        Some(BreakerUpdate::Resumed) => {
                            prop_assert!(was_paused && verdict == Verdict::Success);
                            prop_assert_eq!(breaker.state(), BreakerState::Active { limit: 1 });
                            ended.clear();
                        }
                        None => {
                            prop_assert!(!was_paused || breaker.state() == before);
                            prop_assert!(!(probe && was_paused), "a probe changes the state");
                        }
                    }
                }
            }
            if let BreakerState::Active { limit } = breaker.state() {
                prop_assert!((1..=CAP).contains(&limit));
            }
            prop_assert!(breaker.buckets.len() <= 82, "{}", breaker.buckets.len());
        }
    }
}
