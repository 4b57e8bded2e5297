use std::collections::{BTreeMap, VecDeque};

use proptest::prelude::*;

use super::super::{ConcurrencyLimits, Dispatch};
use super::*;

const NOW: Millis = 1_795_357_880_000;
const HOLD: Millis = 60_000;
const CALLBACKS: i64 = 2;
const LIMITS: ConcurrencyLimits = ConcurrencyLimits { first_tries: 8, retries: 8 };

fn at(now: Millis) -> ClockReading {
    ClockReading { wall: now, monotonic: now }
}

fn id(n: i64) -> DeliveryId {
    DeliveryId((NOW << 20) + n)
}

/// A queue table, a run queue with a small window, and the attempts in flight.
struct Fixture {
    table: BTreeMap<(CallbackId, DeliveryId), QueuedDelivery>,
    queue: RunQueue,
    /// Each with the rows that it found in the table when it was made.
    reads: VecDeque<(QueueRead, Vec<QueuedDelivery>)>,
    in_flight: Vec<Dispatch>,
    now: Millis,
    queued: i64,
}

impl Fixture {
    fn new(window: usize) -> Self {
        let mut queue = RunQueue::new(HOLD, 1_000_000, 4, LIMITS);
        queue.window = window;
        let (table, reads, in_flight) = (BTreeMap::new(), VecDeque::new(), Vec::new());
        Self { table, queue, reads, in_flight, now: NOW, queued: 0 }
    }

    /// Queues a delivery, or queues it again.
    fn add(&mut self, n: i64, due_in: Millis) {
        self.queued += 1;
        let (callback, stream_key) = (CallbackId(n % CALLBACKS), format!("s{}", n % 6));
        let due_at = self.now + due_in;
        let row =
            QueuedDelivery { delivery: id(n), callback, stream_key, due_at, retry: false, queued_at: self.queued };
        self.table.insert((callback, id(n)), row.clone());
        self.queue.add(&row, at(self.now));
    }

    fn remove(&mut self, n: i64) {
        self.table.remove(&(CallbackId(n % CALLBACKS), id(n)));
        self.queue.remove(id(n), self.now);
    }

    fn end(&mut self, pick: usize, retry_in: Option<Millis>) {
        if self.in_flight.is_empty() {
            return;
        }
        let Dispatch { callback, delivery, .. } = self.in_flight.swap_remove(pick % self.in_flight.len());
        let due_at = retry_in.map(|wait| self.now + wait);
        match (due_at, self.table.get_mut(&(callback, delivery))) {
            (Some(due_at), Some(row)) => {
                (row.due_at, row.retry) = (due_at, true);
                self.queue.retry(delivery, due_at, self.now);
            }
            _ => {
                self.table.remove(&(callback, delivery));
                self.queue.finish(delivery, self.now);
            }
        }
    }

    fn answer_read(&mut self) -> bool {
        let Some((read, rows)) = self.reads.pop_front() else { return false };
        self.queue.add_read(read, &rows, at(self.now));
        true
    }

    /// Makes the requested reads and starts the due attempts, as the loop does after each message.
    fn run(&mut self) -> Result<(), TestCaseError> {
        for read in self.queue.take_reads() {
            let of_callback =
                (read.callback, DeliveryId(read.after.0 + 1))..(CallbackId(read.callback.0 + 1), DeliveryId(0));
            let rows = self.table.range(of_callback).map(|(_, row)| row.clone()).take(read.limit).collect();
            self.reads.push_back((read, rows));
        }
        for dispatch in self.queue.take_due(self.now) {
            let Some(row) = self.table.get(&(dispatch.callback, dispatch.delivery)) else {
                // It was removed or delivered after it was read.
                self.queue.finish(dispatch.delivery, self.now);
                continue;
            };
            let is_first = !self.table.values().any(|other| {
                (other.callback, &other.stream_key) == (row.callback, &row.stream_key) && other.delivery < row.delivery
            });
            prop_assert!(is_first || dispatch.out_of_order, "{} is not the first of its stream", row.delivery);
            prop_assert!(is_first || self.now >= NOW + HOLD, "{} was not held", row.delivery);
            self.in_flight.push(dispatch);
        }
        Ok(())
    }
}

#[derive(Debug, Clone)]
enum Act {
    Queue { due_in: Millis },
    Resend { pick: i64 },
    Remove { pick: i64 },
    End { pick: usize, retry_in: Option<Millis> },
    AnswerRead,
    Activate { callback: i64 },
    Pause { callback: i64, probe_in: Millis },
    Wait(Millis),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        8 => (0..500_i64).prop_map(|due_in| Act::Queue { due_in }),
        1 => (0..100_i64).prop_map(|pick| Act::Resend { pick }),
        1 => (0..100_i64).prop_map(|pick| Act::Remove { pick }),
        6 => (0..64_usize, prop::option::of(0..100_000_i64)).prop_map(|(pick, retry_in)| Act::End { pick, retry_in }),
        2 => Just(Act::AnswerRead),
        1 => (0..CALLBACKS).prop_map(|callback| Act::Activate { callback }),
        1 => (0..CALLBACKS, 0..5_000_i64).prop_map(|(callback, probe_in)| Act::Pause { callback, probe_in }),
        2 => (0..5_000_i64).prop_map(Act::Wait),
    ]
}

proptest! {
    /// As without a window: no delivery is sent before an earlier one of its stream, and all are sent in the end.
    #[test]
    fn a_small_window_keeps_the_order_and_misses_nothing(
        window in 1..8_usize,
        acts in prop::collection::vec(act(), 1..120),
    ) {
        let mut fixture = Fixture::new(window);
        let (mut last, mut resent) = (0, 0);
        for act in acts {
            match act {
                Act::Queue { due_in } => {
                    last += 1;
                    fixture.add(last, due_in);
                }
                Act::Resend { pick } if pick < last && fixture.table.contains_key(&(CallbackId(pick % CALLBACKS), id(pick))) => {
                    resent += 1;
                    fixture.add(pick, 0);
                }
                Act::Resend { .. } => {}
                Act::Remove { pick } => fixture.remove(pick),
                Act::End { pick, retry_in } => fixture.end(pick, retry_in),
                Act::AnswerRead => drop(fixture.answer_read()),
                Act::Activate { callback } => {
                    fixture.queue.set_state(CallbackId(callback), BreakerState::Active { limit: 4 }, fixture.now);
                }
                Act::Pause { callback, probe_in } => {
                    let state = BreakerState::Paused { probe_at: fixture.now + probe_in };
                    fixture.queue.set_state(CallbackId(callback), state, fixture.now);
                    let queue = fixture.queue.callbacks.get(&CallbackId(callback));
                    let len = queue.map_or(0, CallbackQueue::window_len);
                    prop_assert!(len <= window, "{len} of a paused callback");
                }
                Act::Wait(time) => fixture.now += time,
            }
            fixture.run()?;
            for queue in fixture.queue.callbacks.values() {
                let most = if matches!(queue.state, BreakerState::Active { .. }) { window } else { window.div_ceil(2) + window };
                let in_memory = queue.in_memory;
                prop_assert!(in_memory[0] <= most + resent, "{in_memory:?} are in memory, not {most}");
            }
        }
        for callback in 0..CALLBACKS {
            fixture.queue.set_state(CallbackId(callback), BreakerState::Active { limit: 4 }, fixture.now);
        }
        fixture.now += 2_000_000;
        loop {
            fixture.run()?;
            if fixture.in_flight.is_empty() && !fixture.answer_read() {
                break;
            }
            fixture.end(0, None);
        }
        prop_assert!(fixture.table.is_empty(), "missed: {:?}", fixture.table);
        prop_assert!(fixture.queue.is_empty() && fixture.queue.callbacks.is_empty() && fixture.queue.timers.is_empty());
    }
}

#[test]
fn a_paused_callback_keeps_few_of_many_deliveries_in_memory_and_then_sends_all() -> Result<(), TestCaseError> {
    let mut fixture = Fixture::new(20);
    fixture.queue.set_state(CallbackId(1), BreakerState::Paused { probe_at: NOW + 30_000 }, NOW);
    for n in 0..1_000 {
        fixture.add(2 * n + 1, 0);
        fixture.run()?;
    }
    assert_eq!((fixture.queue.len(), fixture.queue.is_unread(CallbackId(1))), (20, true));
    assert!(fixture.in_flight.is_empty() && fixture.reads.is_empty(), "nothing is read before it can be sent");
    fixture.queue.set_state(CallbackId(1), BreakerState::Active { limit: 4 }, NOW);
    let mut sent = Vec::new();
    loop {
        fixture.run()?;
        sent.extend(fixture.in_flight.first().map(|dispatch| dispatch.delivery));
        assert!(fixture.queue.len() <= 20);
        if fixture.in_flight.is_empty() && !fixture.answer_read() {
            break;
        }
        fixture.end(0, None);
        fixture.answer_read();
    }
    assert_eq!(sent.len(), 1_000);
    assert!(!fixture.queue.any_unread(), "all are in memory again");
    Ok(())
}
