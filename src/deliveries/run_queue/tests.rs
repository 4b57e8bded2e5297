use proptest::prelude::*;

use super::*;

const NOW: Millis = 1_795_357_880_000;
const HOLD: Millis = 60_000;
const LONGEST: Millis = 1_000_000;
const SLOTS: Slots = Slots { first_tries: 64, retries: 64 };

/// This moment, while both clocks agree.
fn at(now: Millis) -> ClockReading {
    ClockReading { wall: now, monotonic: now }
}

fn id(n: i64) -> DeliveryId {
    DeliveryId((NOW << 20) + n)
}

fn waiting(n: i64, callback: i64, stream: &str, due_at: Millis) -> Waiting {
    let (delivery, callback) = (id(n), CallbackId(callback));
    Waiting { delivery, callback, stream_key: stream.to_owned(), due_at, retry: false, queued_at: NOW }
}

fn again(n: i64, callback: i64, stream: &str, due_at: Millis) -> Waiting {
    Waiting { retry: true, ..waiting(n, callback, stream, due_at) }
}

fn departed(queue: &mut RunQueue, now: Millis) -> Vec<(DeliveryId, bool)> {
    queue.depart(now).into_iter().map(|d| (d.delivery, d.out_of_order)).collect()
}

fn callbacks(departures: &[Departure]) -> Vec<i64> {
    departures.iter().map(|d| d.callback.0).collect()
}

#[test]
fn a_stream_goes_in_order_and_others_do_not_wait() {
    let mut queue = RunQueue::new(HOLD, LONGEST, 16, SLOTS);
    for n in 1..=2 {
        queue.put(&waiting(n, 1, "a", NOW), at(NOW));
        queue.put(&waiting(10 + n, 1, "b", NOW), at(NOW));
    }
    assert_eq!(departed(&mut queue, NOW), [(id(1), false), (id(11), false)]);
    queue.retry(id(1), NOW + 5_000, NOW);
    queue.finish(id(11), NOW);
    // `b` goes on; the second of `a` waits for the first.
    assert_eq!(departed(&mut queue, NOW), [(id(12), false)]);
    assert_eq!(departed(&mut queue, NOW + 4_999), []);
    assert_eq!(departed(&mut queue, NOW + 5_000), [(id(1), false)]);
    queue.finish(id(1), NOW + 5_000);
    assert_eq!(departed(&mut queue, NOW + 5_000), [(id(2), false)]);
    queue.finish(id(2), NOW + 5_000);
    queue.finish(id(12), NOW + 5_000);
    assert!(queue.is_empty() && queue.next_wake().is_none());
    assert!(queue.lanes.is_empty() && queue.lane_of.is_empty() && queue.lines.is_empty());
}

#[test]
fn a_held_delivery_goes_out_of_order() {
    let mut queue = RunQueue::new(HOLD, LONGEST, 16, SLOTS);
    queue.put(&waiting(1, 1, "a", NOW), at(NOW));
    queue.put(&waiting(2, 1, "a", NOW), at(NOW));
    assert_eq!(departed(&mut queue, NOW), [(id(1), false)]);
    queue.retry(id(1), NOW + 600_000, NOW);
    assert_eq!(queue.next_wake(), Some(NOW + HOLD));
    assert_eq!(departed(&mut queue, NOW + HOLD), [(id(2), true)]);
}

#[test]
fn the_cap_of_one_callback_holds_only_itself() {
    let mut queue = RunQueue::new(HOLD, LONGEST, 2, SLOTS);
    for n in 0..5 {
        queue.put(&waiting(n, 1, &format!("s{n}"), NOW), at(NOW));
    }
    queue.put(&waiting(9, 2, "s", NOW), at(NOW));
    assert_eq!(callbacks(&queue.depart(NOW)), [1, 2, 1]);
    assert_eq!(departed(&mut queue, NOW), []);
    queue.finish(id(0), NOW);
    assert_eq!(departed(&mut queue, NOW), [(id(2), false)]);
    for (landed, next) in [(1, 3), (2, 4)] {
        queue.finish(id(landed), NOW);
        assert_eq!(departed(&mut queue, NOW), [(id(next), false)]);
    }
}

#[test]
fn lines_take_turns_so_a_long_one_gets_no_more_than_a_short_one() {
    let mut queue = RunQueue::new(HOLD, LONGEST, 16, Slots { first_tries: 4, retries: 4 });
    for n in 0..50 {
        queue.put(&waiting(n, 1, &format!("s{n}"), NOW), at(NOW));
    }
    for n in 50..52 {
        queue.put(&waiting(n, 2, &format!("s{n}"), NOW), at(NOW));
    }
    assert_eq!(callbacks(&queue.depart(NOW)), [1, 2, 1, 2]);
}

#[test]
fn retries_take_no_slot_of_first_tries() {
    let mut queue = RunQueue::new(HOLD, LONGEST, 16, Slots { first_tries: 2, retries: 3 });
    for n in 0..10 {
        queue.put(&again(n, n, "s", NOW), at(NOW));
    }
    assert_eq!(queue.depart(NOW).len(), 3);
    queue.put(&waiting(20, 20, "s", NOW), at(NOW));
    assert_eq!(callbacks(&queue.depart(NOW)), [20]);
    // Of one callback, a quarter of its places is for retries while both are ready.
    let mut queue = RunQueue::new(HOLD, LONGEST, 4, SLOTS);
    for n in 0..10 {
        queue.put(&again(n, 1, &format!("r{n}"), NOW), at(NOW));
        queue.put(&waiting(n + 10, 1, &format!("f{n}"), NOW), at(NOW));
    }
    let first: Vec<_> = departed(&mut queue, NOW).into_iter().map(|(id, _)| id).collect();
    assert_eq!(first, [id(10), id(11), id(12), id(0)]);
}

#[test]
fn a_delivery_queued_anew_waits_for_the_end_of_its_former_attempt() {
    let mut queue = RunQueue::new(HOLD, LONGEST, 16, SLOTS);
    queue.put(&waiting(1, 1, "a", NOW), at(NOW));
    assert_eq!(departed(&mut queue, NOW), [(id(1), false)]);
    queue.remove(id(1), NOW);
    queue.put(&Waiting { queued_at: NOW + 1, ..waiting(1, 1, "evt_1", NOW) }, at(NOW));
    assert_eq!(departed(&mut queue, NOW), []);
    queue.finish(id(1), NOW);
    assert_eq!(departed(&mut queue, NOW), [(id(1), false)]);
    queue.finish(id(1), NOW);
    assert!(queue.is_empty() && queue.lanes.is_empty());
}

#[test]
fn a_cancelled_head_lets_the_next_go() {
    let mut queue = RunQueue::new(HOLD, LONGEST, 16, SLOTS);
    queue.put(&waiting(1, 1, "a", NOW + 5_000), at(NOW));
    queue.put(&waiting(2, 1, "a", NOW), at(NOW));
    assert_eq!(departed(&mut queue, NOW), []);
    queue.remove(id(1), NOW);
    assert_eq!(departed(&mut queue, NOW), [(id(2), false)]);
}

#[test]
fn a_paused_line_sends_only_its_oldest_as_a_probe() {
    let mut queue = RunQueue::new(HOLD, LONGEST, 16, SLOTS);
    for n in 0..5 {
        queue.put(&again(n, 1, &format!("s{n}"), NOW + 600_000), at(NOW));
    }
    queue.put(&waiting(9, 1, "s9", NOW), at(NOW));
    queue.set_gate(CallbackId(1), Gate::Paused { probe_at: NOW + 30_000 }, NOW);
    assert_eq!(departed(&mut queue, NOW + 29_999), []);
    let probe = Departure { delivery: id(0), callback: CallbackId(1), out_of_order: false, probe: true };
    assert_eq!(queue.depart(NOW + 30_000), [probe]);
    assert_eq!(queue.depart(NOW + 30_000), []);
    // It failed: the next probe is the same delivery, although its own next try is later.
    queue.retry(id(0), NOW + 600_000, NOW + 31_000);
    queue.set_gate(CallbackId(1), Gate::Paused { probe_at: NOW + 91_000 }, NOW);
    assert_eq!(departed(&mut queue, NOW + 90_999), []);
    assert_eq!(queue.depart(NOW + 91_000), [probe]);
    // It came through: the line opens at a growing pace.
    queue.finish(id(0), NOW + 91_000);
    queue.set_gate(CallbackId(1), Gate::Open { limit: 1 }, NOW);
    assert_eq!(departed(&mut queue, NOW + 91_000), [(id(9), false)]);
    queue.set_gate(CallbackId(1), Gate::Open { limit: 2 }, NOW);
    assert_eq!(departed(&mut queue, NOW + 600_000), [(id(1), false)]);
}

#[test]
fn a_paused_line_that_ran_empty_probes_with_what_comes_next() {
    let mut queue = RunQueue::new(HOLD, LONGEST, 16, SLOTS);
    queue.set_gate(CallbackId(1), Gate::Paused { probe_at: NOW }, NOW);
    assert_eq!(queue.depart(NOW), []);
    queue.put(&waiting(1, 1, "a", NOW + 1), at(NOW + 1));
    assert!(queue.depart(NOW + 1)[0].probe);
    queue.finish(id(1), NOW + 2);
    queue.set_gate(CallbackId(1), Gate::Open { limit: 16 }, NOW);
    assert!(queue.lines.is_empty() && queue.timers.is_empty());
}

#[test]
fn a_probe_waits_for_what_left_before_the_pause() {
    let mut queue = RunQueue::new(HOLD, LONGEST, 16, SLOTS);
    for n in 0..3 {
        queue.put(&waiting(n, 1, &format!("s{n}"), NOW), at(NOW));
    }
    queue.set_gate(CallbackId(1), Gate::Open { limit: 2 }, NOW);
    let left = departed(&mut queue, NOW);
    assert_eq!(left.len(), 2);
    queue.set_gate(CallbackId(1), Gate::Paused { probe_at: NOW + 30_000 }, NOW);
    assert_eq!(departed(&mut queue, NOW + 30_000), []);
    queue.retry(left[0].0, NOW + 600_000, NOW + 31_000);
    queue.put(&waiting(9, 1, "s9", NOW), at(NOW + 31_000));
    assert_eq!(departed(&mut queue, NOW + 31_000), [], "one is still in flight");
    queue.retry(left[1].0, NOW + 600_000, NOW + 32_000);
    let probe = Departure { delivery: id(0), callback: CallbackId(1), out_of_order: false, probe: true };
    assert_eq!(queue.depart(NOW + 32_000), [probe]);
}

#[test]
fn lines_that_another_worker_takes_over_are_forgotten() {
    let mut queue = RunQueue::new(HOLD, LONGEST, 1, SLOTS);
    for n in 0..4 {
        queue.put(&waiting(n, n % 2, &format!("s{n}"), NOW), at(NOW));
    }
    assert_eq!(queue.depart(NOW).len(), 2);
    queue.remove_lines(|callback| callback.0 == 1, NOW);
    assert_eq!(queue.len(), 2);
    queue.retry(id(1), NOW + 1, NOW);
    queue.finish(id(0), NOW);
    assert_eq!(departed(&mut queue, NOW + 1), [(id(2), false)]);
    assert!(!queue.lines.contains_key(&CallbackId(1)));
}

#[test]
fn a_wall_clock_that_is_set_lengthens_no_wait() {
    for set in [-3_600_000, 3_600_000] {
        let after = |monotonic: Millis| ClockReading { wall: monotonic + set, monotonic };
        let mut queue = RunQueue::new(HOLD, LONGEST, 16, SLOTS);
        // Known before the clock is set: a retry, and a later event of its stream that is held.
        queue.put(&again(1, 1, "a", NOW + 5_000), at(NOW));
        queue.put(&waiting(2, 1, "b", NOW), at(NOW));
        assert_eq!(departed(&mut queue, NOW), [(id(2), false)]);
        queue.retry(id(2), NOW + 600_000, NOW);
        queue.put(&waiting(3, 1, "b", NOW + set), after(NOW));
        assert_eq!(queue.next_wake(), Some(NOW + 5_000));
        // By a clock that was set forward the third was held for long enough.
        let (retried, held) = ((id(1), false), (id(3), true));
        let (now, later) = if set < 0 { (vec![retried], vec![held]) } else { (vec![held, retried], Vec::new()) };
        assert_eq!(departed(&mut queue, NOW + 5_000), now);
        assert_eq!(departed(&mut queue, NOW + HOLD), later);
        // Put again by a person, earlier on the wall clock than before.
        queue.put(&Waiting { queued_at: NOW + set, ..waiting(2, 1, "b", NOW + set) }, after(NOW + HOLD));
        queue.finish(id(3), NOW + HOLD);
        assert_eq!(departed(&mut queue, NOW + HOLD), [(id(2), false)]);
    }
    // Read from the table after the clock was set back: no longer than any delivery of its kind waits.
    let mut queue = RunQueue::new(HOLD, LONGEST, 16, SLOTS);
    let day_before = ClockReading { wall: NOW - 24 * 3_600_000, monotonic: 0 };
    queue.put(&again(1, 1, "a", NOW + 5_000), day_before);
    queue.put(&waiting(2, 1, "b", NOW), day_before);
    assert_eq!(departed(&mut queue, LONGEST_FIRST_WAIT_MS), [(id(2), false)]);
    assert_eq!(queue.next_wake(), Some(LONGEST));
}

#[derive(Debug, Clone)]
enum Act {
    Put { n: i64, retry: bool, later: i64 },
    Remove(i64),
    Land { pick: usize, retry: Option<i64> },
    Gate { callback: i64, limit: usize },
    Pause { callback: i64, later: i64 },
    Pass(i64),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (0..40_i64, any::<bool>(), 0..3_000_i64).prop_map(|(n, retry, later)| Act::Put { n, retry, later }),
        1 => (0..40_i64).prop_map(Act::Remove),
        4 => (0..64_usize, prop::option::of(0..100_000_i64)).prop_map(|(pick, retry)| Act::Land { pick, retry }),
        1 => (0..4_i64, 1..5_usize).prop_map(|(callback, limit)| Act::Gate { callback, limit }),
        1 => (0..4_i64, 0..5_000_i64).prop_map(|(callback, later)| Act::Pause { callback, later }),
        2 => (0..30_000_i64).prop_map(Act::Pass),
    ]
}

proptest! {
    /// Whatever happens, the invariants of the module hold, and in the end everything that waits goes out.
    #[test]
    fn nothing_is_lost_or_sent_twice_at_once(acts in prop::collection::vec(act(), 1..200)) {
        let slots = Slots { first_tries: 5, retries: 3 };
        let mut queue = RunQueue::new(HOLD, LONGEST, 4, slots);
        let (mut now, mut flying, mut known) = (NOW, Vec::<Departure>::new(), BTreeSet::new());
        let lane_of = |n: i64| (n % 4, format!("s{}", n % 8));
        for (queued_at, act) in (0..).zip(acts) {
            match act {
                Act::Put { n, retry, later } => {
                    let (callback, stream) = lane_of(n);
                    let row = Waiting { retry, queued_at, ..waiting(n, callback, &stream, now + later) };
                    queue.put(&row, at(now));
                    known.insert(id(n));
                }
                Act::Remove(n) => {
                    queue.remove(id(n), now);
                    known.remove(&id(n));
                }
                Act::Land { .. } if flying.is_empty() => {}
                Act::Land { pick, retry } => {
                    let landed = flying.swap_remove(pick % flying.len());
                    match retry {
                        Some(later) => queue.retry(landed.delivery, now + later, now),
                        None => {
                            let again = queue.flights[&landed.delivery].again.is_some();
                            queue.finish(landed.delivery, now);
                            if !again {
                                known.remove(&landed.delivery);
                            }
                        }
                    }
                }
                Act::Gate { callback, limit } => queue.set_gate(CallbackId(callback), Gate::Open { limit }, now),
                Act::Pause { callback, later } => {
                    queue.set_gate(CallbackId(callback), Gate::Paused { probe_at: now + later }, now);
                }
                Act::Pass(time) => now += time,
            }
            for departure in queue.depart(now) {
                let callback_flies = flying.iter().any(|flight: &Departure| flight.callback == departure.callback);
                prop_assert!(!departure.probe || !callback_flies, "a probe is alone");
                flying.push(departure);
            }
            let unique: BTreeSet<_> = flying.iter().map(|d| d.delivery).collect();
            prop_assert_eq!(unique.len(), flying.len(), "a delivery is in flight twice");
            let lanes: BTreeSet<_> = flying.iter().map(|d| lane_of(d.delivery.0 - (NOW << 20))).collect();
            prop_assert_eq!(lanes.len(), flying.len(), "a lane has two in flight");
            let again = |delivery| queue.flights.get(delivery).is_some_and(|flight| flight.again.is_some());
            let is_known = |delivery| queue.place_of.contains_key(delivery) || again(delivery);
            prop_assert!(known.iter().all(is_known), "a delivery was lost");
        }
        for callback in 0..4 {
            queue.set_gate(CallbackId(callback), Gate::Open { limit: 4 }, now);
        }
        now += 1_000_000;
        loop {
            flying.extend(queue.depart(now));
            let Some(landed) = flying.pop() else { break };
            queue.finish(landed.delivery, now);
        }
        prop_assert!(queue.is_empty() && queue.lanes.is_empty() && queue.lines.is_empty() && queue.timers.is_empty());
    }
}
