use proptest::prelude::*;

use super::*;

const NOW: Millis = 1_795_357_880_000;
const HOLD: Millis = 60_000;
const LONGEST: Millis = 1_000_000;
const LIMITS: ConcurrencyLimits = ConcurrencyLimits { first_tries: 64, retries: 64 };

/// Returns a reading on which both clocks agree.
fn at(now: Millis) -> ClockReading {
    ClockReading { wall: now, monotonic: now }
}

fn id(n: i64) -> DeliveryId {
    DeliveryId((NOW << 20) + n)
}

fn queued(n: i64, callback: i64, stream: &str, due_at: Millis) -> QueuedDelivery {
    let (delivery, callback) = (id(n), CallbackId(callback));
    QueuedDelivery { delivery, callback, stream_key: stream.to_owned(), due_at, retry: false, queued_at: NOW }
}

fn retrying(n: i64, callback: i64, stream: &str, due_at: Millis) -> QueuedDelivery {
    QueuedDelivery { retry: true, ..queued(n, callback, stream, due_at) }
}

fn take_due(queue: &mut RunQueue, now: Millis) -> Vec<(DeliveryId, bool)> {
    queue.take_due(now).into_iter().map(|d| (d.delivery, d.out_of_order)).collect()
}

fn callbacks(dispatches: &[Dispatch]) -> Vec<i64> {
    dispatches.iter().map(|d| d.callback.0).collect()
}

#[test]
fn a_stream_is_sent_in_order_and_others_do_not_wait() {
    let mut queue = RunQueue::new(HOLD, LONGEST, 16, LIMITS);
    for n in 1..=2 {
        queue.add(&queued(n, 1, "a", NOW), at(NOW));
        queue.add(&queued(10 + n, 1, "b", NOW), at(NOW));
    }
    assert_eq!(take_due(&mut queue, NOW), [(id(1), false), (id(11), false)]);
    queue.retry(id(1), NOW + 5_000, NOW);
    queue.finish(id(11), NOW);
    // `b` continues; the second of `a` waits for the first.
    assert_eq!(take_due(&mut queue, NOW), [(id(12), false)]);
    assert_eq!(take_due(&mut queue, NOW + 4_999), []);
    assert_eq!(take_due(&mut queue, NOW + 5_000), [(id(1), false)]);
    queue.finish(id(1), NOW + 5_000);
    assert_eq!(take_due(&mut queue, NOW + 5_000), [(id(2), false)]);
    queue.finish(id(2), NOW + 5_000);
    queue.finish(id(12), NOW + 5_000);
    assert!(queue.is_empty() && queue.next_wake().is_none());
    assert!(queue.streams.is_empty() && queue.stream_indices.is_empty() && queue.callbacks.is_empty());
}

#[test]
fn a_held_delivery_is_sent_out_of_order_after_the_hold_time() {
    let mut queue = RunQueue::new(HOLD, LONGEST, 16, LIMITS);
    queue.add(&queued(1, 1, "a", NOW), at(NOW));
    queue.add(&queued(2, 1, "a", NOW), at(NOW));
    assert_eq!(take_due(&mut queue, NOW), [(id(1), false)]);
    queue.retry(id(1), NOW + 600_000, NOW);
    assert_eq!(queue.next_wake(), Some(NOW + HOLD));
    assert_eq!(take_due(&mut queue, NOW + HOLD), [(id(2), true)]);
}

#[test]
fn the_limit_of_one_callback_does_not_delay_another() {
    let mut queue = RunQueue::new(HOLD, LONGEST, 2, LIMITS);
    for n in 0..5 {
        queue.add(&queued(n, 1, &format!("s{n}"), NOW), at(NOW));
    }
    queue.add(&queued(9, 2, "s", NOW), at(NOW));
    assert_eq!(callbacks(&queue.take_due(NOW)), [1, 2, 1]);
    assert_eq!(take_due(&mut queue, NOW), []);
    queue.finish(id(0), NOW);
    assert_eq!(take_due(&mut queue, NOW), [(id(2), false)]);
    for (ended, next) in [(1, 3), (2, 4)] {
        queue.finish(id(ended), NOW);
        assert_eq!(take_due(&mut queue, NOW), [(id(next), false)]);
    }
}

#[test]
fn callbacks_take_turns_so_a_long_queue_gets_no_more_than_a_short_one() {
    let mut queue = RunQueue::new(HOLD, LONGEST, 16, ConcurrencyLimits { first_tries: 4, retries: 4 });
    for n in 0..50 {
        queue.add(&queued(n, 1, &format!("s{n}"), NOW), at(NOW));
    }
    for n in 50..52 {
        queue.add(&queued(n, 2, &format!("s{n}"), NOW), at(NOW));
    }
    assert_eq!(callbacks(&queue.take_due(NOW)), [1, 2, 1, 2]);
}

#[test]
fn retries_do_not_use_the_limit_of_first_tries() {
    let mut queue = RunQueue::new(HOLD, LONGEST, 16, ConcurrencyLimits { first_tries: 2, retries: 3 });
    for n in 0..10 {
        queue.add(&retrying(n, n, "s", NOW), at(NOW));
    }
    assert_eq!(queue.take_due(NOW).len(), 3);
    queue.add(&queued(20, 20, "s", NOW), at(NOW));
    assert_eq!(callbacks(&queue.take_due(NOW)), [20]);
    // Within one callback, a quarter of the limit is for retries while both are ready.
    let mut queue = RunQueue::new(HOLD, LONGEST, 4, LIMITS);
    for n in 0..10 {
        queue.add(&retrying(n, 1, &format!("r{n}"), NOW), at(NOW));
        queue.add(&queued(n + 10, 1, &format!("f{n}"), NOW), at(NOW));
    }
    let first: Vec<_> = take_due(&mut queue, NOW).into_iter().map(|(id, _)| id).collect();
    assert_eq!(first, [id(10), id(11), id(12), id(0)]);
}

#[test]
fn a_delivery_queued_again_waits_for_the_end_of_its_previous_attempt() {
    let mut queue = RunQueue::new(HOLD, LONGEST, 16, LIMITS);
    queue.add(&queued(1, 1, "a", NOW), at(NOW));
    assert_eq!(take_due(&mut queue, NOW), [(id(1), false)]);
    queue.remove(id(1), NOW);
    queue.add(&QueuedDelivery { queued_at: NOW + 1, ..queued(1, 1, "evt_1", NOW) }, at(NOW));
    assert_eq!(take_due(&mut queue, NOW), []);
    queue.finish(id(1), NOW);
    assert_eq!(take_due(&mut queue, NOW), [(id(1), false)]);
    queue.finish(id(1), NOW);
    assert!(queue.is_empty() && queue.streams.is_empty());
}

#[test]
fn a_cancelled_delivery_releases_the_next_of_its_stream() {
    let mut queue = RunQueue::new(HOLD, LONGEST, 16, LIMITS);
    queue.add(&queued(1, 1, "a", NOW + 5_000), at(NOW));
    queue.add(&queued(2, 1, "a", NOW), at(NOW));
    assert_eq!(take_due(&mut queue, NOW), []);
    queue.remove(id(1), NOW);
    assert_eq!(take_due(&mut queue, NOW), [(id(2), false)]);
}

#[test]
fn a_paused_callback_sends_only_its_oldest_delivery_as_a_probe() {
    let mut queue = RunQueue::new(HOLD, LONGEST, 16, LIMITS);
    for n in 0..5 {
        queue.add(&retrying(n, 1, &format!("s{n}"), NOW + 600_000), at(NOW));
    }
    queue.add(&queued(9, 1, "s9", NOW), at(NOW));
    queue.set_state(CallbackId(1), BreakerState::Paused { probe_at: NOW + 30_000 }, NOW);
    assert_eq!(take_due(&mut queue, NOW + 29_999), []);
    let probe = Dispatch { delivery: id(0), callback: CallbackId(1), out_of_order: false, probe: true };
    assert_eq!(queue.take_due(NOW + 30_000), [probe]);
    assert_eq!(queue.take_due(NOW + 30_000), []);
    // It fails: the next probe is the same delivery, although its own retry is later.
    queue.retry(id(0), NOW + 600_000, NOW + 31_000);
    queue.set_state(CallbackId(1), BreakerState::Paused { probe_at: NOW + 91_000 }, NOW);
    assert_eq!(take_due(&mut queue, NOW + 90_999), []);
    assert_eq!(queue.take_due(NOW + 91_000), [probe]);
    // It succeeds: the limit grows step by step.
    queue.finish(id(0), NOW + 91_000);
    queue.set_state(CallbackId(1), BreakerState::Active { limit: 1 }, NOW);
    assert_eq!(take_due(&mut queue, NOW + 91_000), [(id(9), false)]);
    queue.set_state(CallbackId(1), BreakerState::Active { limit: 2 }, NOW);
    assert_eq!(take_due(&mut queue, NOW + 600_000), [(id(1), false)]);
}

#[test]
fn an_empty_paused_callback_probes_with_the_next_delivery() {
    let mut queue = RunQueue::new(HOLD, LONGEST, 16, LIMITS);
    queue.set_state(CallbackId(1), BreakerState::Paused { probe_at: NOW }, NOW);
    assert_eq!(queue.take_due(NOW), []);
    queue.add(&queued(1, 1, "a", NOW + 1), at(NOW + 1));
    assert!(queue.take_due(NOW + 1)[0].probe);
    queue.finish(id(1), NOW + 2);
    queue.set_state(CallbackId(1), BreakerState::Active { limit: 16 }, NOW);
    assert!(queue.callbacks.is_empty() && queue.timers.is_empty());
}

#[test]
fn a_probe_waits_for_attempts_from_before_the_pause() {
    let mut queue = RunQueue::new(HOLD, LONGEST, 16, LIMITS);
    for n in 0..3 {
        queue.add(&queued(n, 1, &format!("s{n}"), NOW), at(NOW));
    }
    queue.set_state(CallbackId(1), BreakerState::Active { limit: 2 }, NOW);
    let started = take_due(&mut queue, NOW);
    assert_eq!(started.len(), 2);
    queue.set_state(CallbackId(1), BreakerState::Paused { probe_at: NOW + 30_000 }, NOW);
    assert_eq!(take_due(&mut queue, NOW + 30_000), []);
    queue.retry(started[0].0, NOW + 600_000, NOW + 31_000);
    queue.add(&queued(9, 1, "s9", NOW), at(NOW + 31_000));
    assert_eq!(take_due(&mut queue, NOW + 31_000), [], "one is still in flight");
    queue.retry(started[1].0, NOW + 600_000, NOW + 32_000);
    let probe = Dispatch { delivery: id(0), callback: CallbackId(1), out_of_order: false, probe: true };
    assert_eq!(queue.take_due(NOW + 32_000), [probe]);
}

#[test]
fn callbacks_that_another_worker_takes_over_are_removed() {
    let mut queue = RunQueue::new(HOLD, LONGEST, 1, LIMITS);
    for n in 0..4 {
        queue.add(&queued(n, n % 2, &format!("s{n}"), NOW), at(NOW));
    }
    assert_eq!(queue.take_due(NOW).len(), 2);
    queue.remove_callbacks(|callback| callback.0 == 1, NOW);
    assert_eq!(queue.len(), 2);
    queue.retry(id(1), NOW + 1, NOW);
    queue.finish(id(0), NOW);
    assert_eq!(take_due(&mut queue, NOW + 1), [(id(2), false)]);
    assert!(!queue.callbacks.contains_key(&CallbackId(1)));
}

#[test]
fn setting_the_wall_clock_lengthens_no_wait() {
    for set in [-3_600_000, 3_600_000] {
        let after = |monotonic: Millis| ClockReading { wall: monotonic + set, monotonic };
        let mut queue = RunQueue::new(HOLD, LONGEST, 16, LIMITS);
        // Added before the clock is set: a retry, and a delivery whose stream then has a later one that is held.
        queue.add(&retrying(1, 1, "a", NOW + 5_000), at(NOW));
        queue.add(&queued(2, 1, "b", NOW), at(NOW));
        assert_eq!(take_due(&mut queue, NOW), [(id(2), false)]);
        queue.retry(id(2), NOW + 600_000, NOW);
        queue.add(&queued(3, 1, "b", NOW + set), after(NOW));
        assert_eq!(queue.next_wake(), Some(NOW + 5_000));
        // With the clock set forward, the hold time of the third is over.
        let (retried, held) = ((id(1), false), (id(3), true));
        let (now, later) = if set < 0 { (vec![retried], vec![held]) } else { (vec![held, retried], Vec::new()) };
        assert_eq!(take_due(&mut queue, NOW + 5_000), now);
        assert_eq!(take_due(&mut queue, NOW + HOLD), later);
        // Queued again by a user, earlier on the wall clock than before.
        queue.add(&QueuedDelivery { queued_at: NOW + set, ..queued(2, 1, "b", NOW + set) }, after(NOW + HOLD));
        queue.finish(id(3), NOW + HOLD);
        assert_eq!(take_due(&mut queue, NOW + HOLD), [(id(2), false)]);
    }
    // Read from the table after the clock was set back: waits are capped at the longest of their class.
    let mut queue = RunQueue::new(HOLD, LONGEST, 16, LIMITS);
    let day_before = ClockReading { wall: NOW - 24 * 3_600_000, monotonic: 0 };
    queue.add(&retrying(1, 1, "a", NOW + 5_000), day_before);
    queue.add(&queued(2, 1, "b", NOW), day_before);
    assert_eq!(take_due(&mut queue, LONGEST_FIRST_WAIT_MS), [(id(2), false)]);
    assert_eq!(queue.next_wake(), Some(LONGEST));
}

#[derive(Debug, Clone)]
enum Act {
    Add { n: i64, retry: bool, later: i64 },
    Remove(i64),
    End { pick: usize, retry: Option<i64> },
    Limit { callback: i64, limit: usize },
    Pause { callback: i64, later: i64 },
    Wait(i64),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (0..40_i64, any::<bool>(), 0..3_000_i64).prop_map(|(n, retry, later)| Act::Add { n, retry, later }),
        1 => (0..40_i64).prop_map(Act::Remove),
        4 => (0..64_usize, prop::option::of(0..100_000_i64)).prop_map(|(pick, retry)| Act::End { pick, retry }),
        1 => (0..4_i64, 1..5_usize).prop_map(|(callback, limit)| Act::Limit { callback, limit }),
        1 => (0..4_i64, 0..5_000_i64).prop_map(|(callback, later)| Act::Pause { callback, later }),
        2 => (0..30_000_i64).prop_map(Act::Wait),
    ]
}

proptest! {
    /// The invariants of the module hold for any sequence of acts, and all queued deliveries are sent in the end.
    #[test]
    fn no_delivery_is_lost_or_in_flight_twice(acts in prop::collection::vec(act(), 1..200)) {
        let limits = ConcurrencyLimits { first_tries: 5, retries: 3 };
        let mut queue = RunQueue::new(HOLD, LONGEST, 4, limits);
        let (mut now, mut in_flight, mut known) = (NOW, Vec::<Dispatch>::new(), BTreeSet::new());
        let stream_of = |n: i64| (n % 4, format!("s{}", n % 8));
        for (queued_at, act) in (0..).zip(acts) {
            match act {
                Act::Add { n, retry, later } => {
                    let (callback, stream) = stream_of(n);
                    let row = QueuedDelivery { retry, queued_at, ..queued(n, callback, &stream, now + later) };
                    queue.add(&row, at(now));
                    known.insert(id(n));
                }
                Act::Remove(n) => {
                    queue.remove(id(n), now);
                    known.remove(&id(n));
                }
                Act::End { .. } if in_flight.is_empty() => {}
                Act::End { pick, retry } => {
                    let ended = in_flight.swap_remove(pick % in_flight.len());
                    match retry {
                        Some(later) => queue.retry(ended.delivery, now + later, now),
                        None => {
                            let again = queue.in_flight[&ended.delivery].added_again.is_some();
                            queue.finish(ended.delivery, now);
                            if !again {
                                known.remove(&ended.delivery);
                            }
                        }
                    }
                }
                Act::Limit { callback, limit } => queue.set_state(CallbackId(callback), BreakerState::Active { limit }, now),
                Act::Pause { callback, later } => {
                    queue.set_state(CallbackId(callback), BreakerState::Paused { probe_at: now + later }, now);
                }
                Act::Wait(time) => now += time,
            }
            for dispatch in queue.take_due(now) {
                let busy = in_flight.iter().any(|other: &Dispatch| other.callback == dispatch.callback);
                prop_assert!(!dispatch.probe || !busy, "a probe is never concurrent");
                in_flight.push(dispatch);
            }
            let unique: BTreeSet<_> = in_flight.iter().map(|d| d.delivery).collect();
            prop_assert_eq!(unique.len(), in_flight.len(), "a delivery is in flight twice");
            let streams: BTreeSet<_> = in_flight.iter().map(|d| stream_of(d.delivery.0 - (NOW << 20))).collect();
            prop_assert_eq!(streams.len(), in_flight.len(), "a stream has two in flight");
            let again = |delivery| queue.in_flight.get(delivery).is_some_and(|one| one.added_again.is_some());
            let is_known = |delivery| queue.stream_of.contains_key(delivery) || again(delivery);
            prop_assert!(known.iter().all(is_known), "a delivery was lost");
        }
        for callback in 0..4 {
            queue.set_state(CallbackId(callback), BreakerState::Active { limit: 4 }, now);
        }
        now += 1_000_000;
        loop {
            in_flight.extend(queue.take_due(now));
            let Some(ended) = in_flight.pop() else { break };
            queue.finish(ended.delivery, now);
        }
        prop_assert!(queue.is_empty() && queue.streams.is_empty() && queue.callbacks.is_empty() && queue.timers.is_empty());
    }
}
