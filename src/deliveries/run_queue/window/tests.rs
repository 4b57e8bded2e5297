use std::collections::{BTreeMap, VecDeque};

use proptest::prelude::*;

use super::super::{Departure, Slots};
use super::*;

const NOW: Millis = 1_795_357_880_000;
const HOLD: Millis = 60_000;
const CALLBACKS: i64 = 2;
const SLOTS: Slots = Slots { first_tries: 8, retries: 8 };

fn at(now: Millis) -> ClockReading {
    ClockReading { wall: now, monotonic: now }
}

fn id(n: i64) -> DeliveryId {
    DeliveryId((NOW << 20) + n)
}

/// A table of what waits, a queue that holds little of it, and what is in flight.
struct Stage {
    table: BTreeMap<(CallbackId, DeliveryId), Waiting>,
    queue: RunQueue,
    /// Each with what it found in the table when it was made.
    reads: VecDeque<(Read, Vec<Waiting>)>,
    in_flight: Vec<Departure>,
    now: Millis,
    queued: i64,
}

impl Stage {
    fn new(limit: usize) -> Self {
        let mut queue = RunQueue::new(HOLD, 1_000_000, 4, SLOTS);
        queue.limit = limit;
        let (table, reads, in_flight) = (BTreeMap::new(), VecDeque::new(), Vec::new());
        Self { table, queue, reads, in_flight, now: NOW, queued: 0 }
    }

    /// Queues a delivery, or queues it anew.
    fn put(&mut self, n: i64, due_in: Millis) {
        self.queued += 1;
        let (callback, stream_key) = (CallbackId(n % CALLBACKS), format!("s{}", n % 6));
        let due_at = self.now + due_in;
        let row = Waiting { delivery: id(n), callback, stream_key, due_at, retry: false, queued_at: self.queued };
        self.table.insert((callback, id(n)), row.clone());
        self.queue.put(&row, at(self.now));
    }

    fn remove(&mut self, n: i64) {
        self.table.remove(&(CallbackId(n % CALLBACKS), id(n)));
        self.queue.remove(id(n), self.now);
    }

    fn land(&mut self, pick: usize, retry_in: Option<Millis>) {
        if self.in_flight.is_empty() {
            return;
        }
        let Departure { callback, delivery, .. } = self.in_flight.swap_remove(pick % self.in_flight.len());
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
        self.queue.read_on(read, &rows, at(self.now));
        true
    }

    /// Makes the reads and starts the attempts that are asked for, as the loop does after each message.
    fn go_on(&mut self) -> Result<(), TestCaseError> {
        for read in self.queue.take_reads() {
            let of_callback =
                (read.callback, DeliveryId(read.after.0 + 1))..(CallbackId(read.callback.0 + 1), DeliveryId(0));
            let rows = self.table.range(of_callback).map(|(_, row)| row.clone()).take(read.limit).collect();
            self.reads.push_back((read, rows));
        }
        for departure in self.queue.depart(self.now) {
            let Some(row) = self.table.get(&(departure.callback, departure.delivery)) else {
                // It was removed, or delivered, since it was read.
                self.queue.finish(departure.delivery, self.now);
                continue;
            };
            let is_first = !self.table.values().any(|other| {
                (other.callback, &other.stream_key) == (row.callback, &row.stream_key) && other.delivery < row.delivery
            });
            prop_assert!(is_first || departure.out_of_order, "{} is not the first of its stream", row.delivery);
            prop_assert!(is_first || self.now >= NOW + HOLD, "{} was not held", row.delivery);
            self.in_flight.push(departure);
        }
        Ok(())
    }
}

#[derive(Debug, Clone)]
enum Act {
    Queue { due_in: Millis },
    Resend { pick: i64 },
    Remove { pick: i64 },
    Land { pick: usize, retry_in: Option<Millis> },
    AnswerRead,
    Open { callback: i64 },
    Pause { callback: i64, probe_in: Millis },
    Pass(Millis),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        8 => (0..500_i64).prop_map(|due_in| Act::Queue { due_in }),
        1 => (0..100_i64).prop_map(|pick| Act::Resend { pick }),
        1 => (0..100_i64).prop_map(|pick| Act::Remove { pick }),
        6 => (0..64_usize, prop::option::of(0..100_000_i64)).prop_map(|(pick, retry_in)| Act::Land { pick, retry_in }),
        2 => Just(Act::AnswerRead),
        1 => (0..CALLBACKS).prop_map(|callback| Act::Open { callback }),
        1 => (0..CALLBACKS, 0..5_000_i64).prop_map(|(callback, probe_in)| Act::Pause { callback, probe_in }),
        2 => (0..5_000_i64).prop_map(Act::Pass),
    ]
}

proptest! {
    /// As with a queue that holds everything: nothing leaves before an earlier event of its stream, and in the end all has left.
    #[test]
    fn a_queue_that_holds_little_keeps_the_order_and_misses_nothing(
        limit in 1..8_usize,
        acts in prop::collection::vec(act(), 1..120),
    ) {
        let mut stage = Stage::new(limit);
        let (mut last, mut resent) = (0, 0);
        for act in acts {
            match act {
                Act::Queue { due_in } => {
                    last += 1;
                    stage.put(last, due_in);
                }
                Act::Resend { pick } if pick < last && stage.table.contains_key(&(CallbackId(pick % CALLBACKS), id(pick))) => {
                    resent += 1;
                    stage.put(pick, 0);
                }
                Act::Resend { .. } => {}
                Act::Remove { pick } => stage.remove(pick),
                Act::Land { pick, retry_in } => stage.land(pick, retry_in),
                Act::AnswerRead => drop(stage.answer_read()),
                Act::Open { callback } => {
                    stage.queue.set_gate(CallbackId(callback), Gate::Open { limit: 4 }, stage.now);
                }
                Act::Pause { callback, probe_in } => {
                    let gate = Gate::Paused { probe_at: stage.now + probe_in };
                    stage.queue.set_gate(CallbackId(callback), gate, stage.now);
                    let held = stage.queue.lines.get(&CallbackId(callback)).map_or(0, Line::counted);
                    prop_assert!(held <= limit, "{held} of a paused callback");
                }
                Act::Pass(time) => stage.now += time,
            }
            stage.go_on()?;
            for line in stage.queue.lines.values() {
                let most = if matches!(line.gate, Gate::Open { .. }) { limit } else { limit.div_ceil(2) + limit };
                prop_assert!(line.held[0] <= most + resent, "{:?} are held, not {most}", line.held);
            }
        }
        for callback in 0..CALLBACKS {
            stage.queue.set_gate(CallbackId(callback), Gate::Open { limit: 4 }, stage.now);
        }
        stage.now += 2_000_000;
        loop {
            stage.go_on()?;
            if stage.in_flight.is_empty() && !stage.answer_read() {
                break;
            }
            stage.land(0, None);
        }
        prop_assert!(stage.table.is_empty(), "missed: {:?}", stage.table);
        prop_assert!(stage.queue.is_empty() && stage.queue.lines.is_empty() && stage.queue.timers.is_empty());
    }
}

#[test]
fn a_paused_callback_with_very_many_deliveries_holds_few_and_then_sends_all() -> Result<(), TestCaseError> {
    let mut stage = Stage::new(20);
    stage.queue.set_gate(CallbackId(1), Gate::Paused { probe_at: NOW + 30_000 }, NOW);
    for n in 0..1_000 {
        stage.put(2 * n + 1, 0);
        stage.go_on()?;
    }
    assert_eq!((stage.queue.len(), stage.queue.is_unread(CallbackId(1))), (20, true));
    assert!(stage.in_flight.is_empty() && stage.reads.is_empty(), "nothing is read that cannot be sent");
    stage.queue.set_gate(CallbackId(1), Gate::Open { limit: 4 }, NOW);
    let mut sent = Vec::new();
    loop {
        stage.go_on()?;
        sent.extend(stage.in_flight.first().map(|departure| departure.delivery));
        assert!(stage.queue.len() <= 20);
        if stage.in_flight.is_empty() && !stage.answer_read() {
            break;
        }
        stage.land(0, None);
        stage.answer_read();
    }
    assert_eq!(sent.len(), 1_000);
    assert!(!stage.queue.has_unread(), "all is held again");
    Ok(())
}
