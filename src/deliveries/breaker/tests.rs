use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;

const NOW: Millis = 1_795_357_880_000;
const CAP: usize = 16;
const DOWN: Verdict = Verdict::Failure("connect");
const BUSY: Verdict = Verdict::SlowDown("http_status");
const MINUTE: Millis = 60_000;

/// This moment, while both clocks agree.
fn at(now: Millis) -> ClockReading {
    ClockReading { wall: now, monotonic: now }
}

/// A breaker that was just paused, and when.
fn paused() -> (Breaker, Millis) {
    let mut breaker = Breaker::new(CAP);
    for n in 0.. {
        let now = NOW + n * 4_000;
        match breaker.record(at(now), DOWN) {
            Some(Change::Paused(pause)) => {
                assert_eq!(pause.since, now);
                return (breaker, now);
            }
            other => assert_eq!(other, None),
        }
    }
    unreachable!("it never paused")
}

#[test]
fn a_receiver_that_asks_for_less_gets_less() {
    let mut breaker = Breaker::new(CAP);
    let mut limits = Vec::new();
    for verdict in [BUSY, BUSY, Verdict::Success, DOWN, BUSY, BUSY, BUSY, Verdict::Success] {
        assert_eq!(breaker.record(at(NOW), verdict), None);
        let Gate::Open { limit } = breaker.gate() else { panic!("paused") };
        limits.push(limit);
    }
    assert_eq!(limits, [8, 4, 5, 5, 2, 1, 1, 2]);
    for _ in 0..100 {
        breaker.record(at(NOW), Verdict::Success);
    }
    assert_eq!(breaker.gate(), Gate::Open { limit: CAP });
}

#[test]
fn an_attempt_says_what_its_answer_said() {
    for status in [429, 502, 504] {
        assert_eq!(Verdict::of(Some("http_status"), Some(status)), BUSY);
    }
    assert_eq!(Verdict::of(Some("http_status"), Some(503)), Verdict::Failure("http_status"));
    assert_eq!(Verdict::of(Some("connect"), None), DOWN);
    assert_eq!(Verdict::of(None, Some(204)), Verdict::Success);
}

#[test]
fn density_pauses_and_one_event_does_not() {
    // Nineteen attempts are too few, and one minute must pass.
    let mut breaker = Breaker::new(CAP);
    for n in 0..19 {
        assert_eq!(breaker.record(at(NOW + n * 10_000), DOWN), None, "{n}");
    }
    assert!(matches!(breaker.record(at(NOW + 190_000), DOWN), Some(Change::Paused(_))));

    let mut breaker = Breaker::new(CAP);
    for n in 0..600 {
        assert_eq!(breaker.record(at(NOW + n * 100), DOWN), None, "{n}");
    }
    assert!(matches!(breaker.record(at(NOW + MINUTE), DOWN), Some(Change::Paused(_))));

    // Three of twenty went well, then two.
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
fn a_busy_callback_that_goes_down_is_paused_within_a_minute_or_so() {
    let mut breaker = Breaker::new(CAP);
    for n in 0..100_000 {
        assert_eq!(breaker.record(at(NOW + n * 2), Verdict::Success), None);
    }
    let down = NOW + 200_000;
    let paused = (0..).map(|n| down + n * 2).find(|now| breaker.record(at(*now), DOWN).is_some()).expect("paused");
    assert!((50_000..62_000).contains(&(paused - down)), "{}", paused - down);
}

#[test]
fn probes_come_ever_later_and_the_first_success_resumes_slowly() {
    let (mut breaker, since) = paused();
    let mut now = since;
    for (n, wait) in (0..).zip([30, 60, 120, 240, 480, 600, 600]) {
        assert_eq!(breaker.gate(), Gate::Paused { probe_at: now + wait * 1_000 });
        now += wait * 1_000 + 15_000;
        let Some(Change::ProbeFailed(pause)) = breaker.record(at(now), Verdict::Failure("timeout")) else {
            panic!("the probe failed")
        };
        assert_eq!((pause.since, pause.probes, pause.reason.as_str()), (since, n + 1, "timeout"));
    }
    assert_eq!(breaker.record(at(now + MINUTE), Verdict::Success), Some(Change::Resumed));
    for limit in 1..=CAP {
        assert_eq!(breaker.gate(), Gate::Open { limit });
        assert_eq!(breaker.record(at(now + MINUTE), Verdict::Success), None);
    }
    // What failed before the pause is forgotten.
    assert_eq!(breaker.record(at(now + 3 * MINUTE), DOWN), None);
}

#[test]
fn what_left_before_the_pause_is_no_probe() {
    let (mut breaker, since) = paused();
    let gate = breaker.gate();
    for n in 0..15 {
        assert_eq!(breaker.record(at(since + n * 1_000), DOWN), None);
        assert_eq!(breaker.gate(), gate);
    }
    assert_eq!(breaker.record(at(since + 20_000), Verdict::Success), Some(Change::Resumed));
}

#[test]
fn five_days_without_success_turn_it_off() {
    let (mut breaker, since) = paused();
    let days = |n: i64| since + n * 24 * 3_600_000;
    assert!(matches!(breaker.record(at(days(5) - 1), DOWN), Some(Change::ProbeFailed(_))));
    assert_eq!(breaker.record(at(days(5) + 10 * MINUTE), DOWN), Some(Change::TurnOff));
}

#[test]
fn a_person_resumes_it_and_it_starts_afresh() {
    let (mut breaker, since) = paused();
    breaker.resume();
    assert_eq!(breaker.gate(), Gate::Open { limit: 1 });
    for n in 0..15 {
        assert_eq!(breaker.record(at(since + n * 4_000), DOWN), None);
    }
    let mut open = Breaker::new(CAP);
    open.resume();
    assert_eq!(open.gate(), Gate::Open { limit: CAP }, "a change of an open one does not slow it down");
}

#[test]
fn a_pause_outlives_a_restart() {
    let (before, since) = paused();
    let pause = Pause { since, probe_at: since + 30_000, probes: 0, reason: "connect".to_owned() };
    let mut after = Breaker::restored(CAP, pause, at(since));
    assert_eq!(after.gate(), before.gate());
    assert_eq!(after.record(at(since + MINUTE), Verdict::Success), Some(Change::Resumed));
    assert_eq!(after.gate(), Gate::Open { limit: 1 });
}

#[test]
fn a_wall_clock_that_is_set_neither_begins_nor_ends_a_pause() {
    let set = |by: Millis, monotonic: Millis| ClockReading { wall: NOW + by + monotonic, monotonic };
    for by in [-3_600_000, 3_600_000, 6 * 24 * 3_600_000] {
        let mut breaker = Breaker::new(CAP);
        for n in 0..30 {
            assert_eq!(breaker.record(set(if n < 15 { 0 } else { by }, n * 100), DOWN), None, "three seconds, {by}");
        }
        let Some(Change::Paused(pause)) = breaker.record(set(by, MINUTE), DOWN) else { panic!("a minute, {by}") };
        assert_eq!(breaker.gate(), Gate::Paused { probe_at: MINUTE + 30_000 });
        assert_eq!((pause.since, pause.probe_at), (NOW + by + MINUTE, NOW + by + MINUTE + 30_000));
        // Set back to where it was.
        let Some(Change::ProbeFailed(pause)) = breaker.record(set(0, 2 * MINUTE), DOWN) else { panic!("{by}") };
        assert_eq!(breaker.gate(), Gate::Paused { probe_at: 3 * MINUTE });
        assert_eq!((pause.since, pause.probe_at), (NOW + by + MINUTE, NOW + 3 * MINUTE), "the same pause");
        // As after a restart.
        let restored = Breaker::restored(CAP, pause.clone(), set(-24 * 3_600_000, 0));
        assert_eq!(restored.gate(), Gate::Paused { probe_at: 10 * MINUTE }, "no longer than any pause");
        let restored = Breaker::restored(CAP, pause, set(0, 2 * MINUTE));
        assert_eq!(restored.gate(), breaker.gate());
    }
}

/// Milliseconds that pass, and what then happens.
#[derive(Debug, Clone, Copy)]
enum Step {
    Leaves,
    Lands(Verdict),
    /// It was cancelled, or the console could not make it.
    Vanishes,
    Person,
}

fn steps() -> impl Strategy<Value = Vec<(Millis, Step)>> {
    let wait = prop_oneof![6 => 0..50_i64, 3 => 0..5_000_i64, 1 => 0..1_000_000_i64];
    let step = prop_oneof![
        50 => Just(Step::Leaves),
        45 => prop_oneof![8 => Just(DOWN), 1 => Just(BUSY)].prop_map(Step::Lands),
        3 => Just(Step::Lands(Verdict::Success)),
        1 => Just(Step::Vanishes),
        1 => Just(Step::Person),
    ];
    prop::collection::vec((wait, step), 0..600)
}

/// What the run queue does: whether one more attempt may leave, while `in_flight` are under way.
fn admits(gate: Gate, now: Millis, in_flight: usize) -> bool {
    match gate {
        Gate::Open { limit } => in_flight < limit,
        Gate::Paused { probe_at } => in_flight == 0 && now >= probe_at,
    }
}

proptest! {
    #[test]
    fn whatever_happens_the_promises_hold(steps in steps()) {
        let mut breaker = Breaker::new(CAP);
        let mut now = NOW;
        // Of each attempt in flight: whether it left while paused.
        let mut flying: VecDeque<bool> = VecDeque::new();
        // When each attempt since the last fresh start landed, and whether it failed.
        let mut landed: Vec<(Millis, bool)> = Vec::new();
        for (wait, step) in steps {
            now += wait;
            let before = breaker.gate();
            let was_paused = matches!(before, Gate::Paused { .. });
            match step {
                Step::Leaves => {
                    if admits(before, now, flying.len()) {
                        prop_assert!(!was_paused || flying.is_empty(), "a probe is alone");
                        flying.push_back(was_paused);
                    }
                }
                Step::Vanishes => drop(flying.pop_front()),
                Step::Person => {
                    breaker.resume();
                    landed.clear();
                    prop_assert!(breaker.pause.is_none());
                }
                Step::Lands(verdict) => {
                    let Some(probe) = flying.pop_front() else { continue };
                    landed.push((now, verdict != Verdict::Success));
                    match breaker.record(at(now), verdict) {
                        Some(Change::Paused(pause)) => {
                            prop_assert!(!was_paused);
                            prop_assert_eq!((pause.since, pause.probe_at, pause.probes), (now, now + 30_000, 0));
                            let justified = (0..landed.len()).any(|from| {
                                let latest = &landed[from..];
                                let failed = latest.iter().filter(|(_, failed)| *failed).count();
                                latest.len() >= 20 && now - latest[0].0 >= MINUTE && failed * 10 >= latest.len() * 9
                            });
                            prop_assert!(justified, "{:?}", landed);
                        }
                        Some(Change::ProbeFailed(pause)) => {
                            prop_assert!(was_paused && verdict != Verdict::Success);
                            prop_assert!((30_000..=600_000).contains(&(pause.probe_at - now)));
                        }
                        Some(Change::TurnOff) => prop_assert!(was_paused && verdict != Verdict::Success),
                        Some(Change::Resumed) => {
                            prop_assert!(was_paused && verdict == Verdict::Success);
                            prop_assert_eq!(breaker.gate(), Gate::Open { limit: 1 });
                            landed.clear();
                        }
                        None => {
                            prop_assert!(!was_paused || breaker.gate() == before);
                            prop_assert!(!(probe && was_paused), "a probe is heard");
                        }
                    }
                }
            }
            if let Gate::Open { limit } = breaker.gate() {
                prop_assert!((1..=CAP).contains(&limit));
            }
            prop_assert!(breaker.slots.len() <= 82, "{}", breaker.slots.len());
        }
    }
}
