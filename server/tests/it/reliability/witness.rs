//! What a receiver saw: every request in its order, and how it was answered.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;

use super::numbers;
use crate::support::{Answer, Received, Receiver};

/// Unless it takes all, it answers this to every so many requests.
const REFUSAL: u16 = 500;
const REFUSED_EVERY: usize = 10;

/// A request.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) path: String,
    pub(super) stream: String,
    pub(super) id: String,
    session: String,
    sequence: i64,
    event: String,
    attempt: String,
    /// The number of the part, for events of a part.
    part: Option<i64>,
    body: Bytes,
    delivered: bool,
}

impl Seen {
    fn new(received: &Received, delivered: bool) -> Self {
        Self {
            path: received.path.clone(),
            stream: received.field("stream"),
            id: received.id(),
            session: received.header("callsheet-session").to_owned(),
            sequence: received.header("callsheet-sequence").parse().expect("a number"),
            event: received.event().to_owned(),
            attempt: received.header("callsheet-attempt").to_owned(),
            part: received.field("url").parse().ok(),
            body: received.body.clone(),
            delivered,
        }
    }
}

#[derive(Default)]
pub(super) struct State {
    pub(super) log: Vec<Seen>,
    /// Ids of all deliveries seen.
    ids: HashSet<String>,
    /// How many parts of a stream were delivered.
    parts: HashMap<String, usize>,
    /// It answers 200 to every request.
    takes_all: bool,
    /// Requests to these paths are held.
    hold: BTreeSet<String>,
    held: Vec<(usize, oneshot::Sender<u16>)>,
}

impl State {
    pub(super) fn parts(&self, stream: &str) -> usize {
        self.parts.get(stream).copied().unwrap_or_default()
    }

    /// The ids of the requests that wait for their answer.
    pub(super) fn held(&self) -> Vec<String> {
        self.held.iter().map(|(place, _)| self.log[*place].id.clone()).collect()
    }

    /// The paths of the requests that wait for their answer.
    pub(super) fn held_paths(&self) -> BTreeSet<&str> {
        self.held.iter().map(|(place, _)| self.log[*place].path.as_str()).collect()
    }

    pub(super) fn is_delivered(&self, id: &str) -> bool {
        self.log.iter().any(|seen| seen.id == id && seen.delivered)
    }

    fn count_part(&mut self, place: usize) {
        let seen = &self.log[place];
        if seen.delivered && seen.event == "record_part_done" {
            *self.parts.entry(seen.stream.clone()).or_default() += 1;
        }
    }

    fn see(&mut self, received: &Received) -> Answer {
        let is_refused = !self.takes_all && self.log.len() % REFUSED_EVERY == REFUSED_EVERY - 1;
        let status = if is_refused { REFUSAL } else { 200 };
        if self.hold.contains(&received.path) {
            let (release, released) = oneshot::channel();
            self.held.push((self.log.len(), release));
            self.ids.insert(received.id());
            self.log.push(Seen::new(received, false));
            return Answer::Later(released);
        }
        self.ids.insert(received.id());
        self.log.push(Seen::new(received, status == 200));
        self.count_part(self.log.len() - 1);
        Answer::Status(status)
    }
}

/// A receiver that remembers.
pub(super) struct Witness {
    receiver: Receiver,
    state: Arc<watch::Sender<State>>,
}

impl Witness {
    pub(super) fn start() -> Self {
        let receiver = Receiver::start();
        let state = Arc::new(watch::Sender::new(State::default()));
        let seen = state.clone();
        receiver.answer(move |received| {
            let mut answer = Answer::Hang;
            seen.send_modify(|state| answer = state.see(received));
            answer
        });
        Self { receiver, state }
    }

    pub(super) fn url(&self, path: &str) -> String {
        self.receiver.url(path)
    }

    pub(super) fn watch(&self) -> watch::Receiver<State> {
        self.state.subscribe()
    }

    /// Waits until what it saw fits.
    pub(super) async fn until(&self, fits: impl Fn(&State) -> bool) {
        let mut state = self.watch();
        let waited = timeout(numbers().patience, state.wait_for(fits)).await.is_ok();
        assert!(waited, "still waiting after {} requests", self.state.borrow().log.len());
    }

    /// Waits for requests of `number` deliveries that it has not seen before. Repeats do not count: a console that is killed at once
    /// repeats its attempts and makes no progress.
    pub(super) async fn more(&self, number: usize) {
        let so_far = self.state.borrow().ids.len();
        self.until(|state| state.ids.len() >= so_far + number).await;
    }

    /// Waits until the streams, with so many parts, are over and all of them was delivered. Their last events go to different
    /// callbacks; a stream without a part has no recording.
    pub(super) async fn all_told(&self, streams: &[(String, i64)]) {
        self.until(|state| {
            let over = |event: &str| {
                let over = state.log.iter().filter(|seen| seen.delivered && seen.event == event);
                over.map(|seen| seen.stream.as_str()).collect::<HashSet<_>>()
            };
            let (published, recorded) = (over("publish_done"), over("record_done"));
            let is_over = |(stream, parts): &(String, i64)| {
                published.contains(stream.as_str()) && (*parts == 0 || recorded.contains(stream.as_str()))
            };
            streams.iter().all(is_over)
        })
        .await;
    }

    /// It refuses nothing from now on.
    #[cfg(feature = "ingest-rtmp")]
    pub(super) fn take_all(&self) {
        self.state.send_modify(|state| state.takes_all = true);
    }

    /// From now on requests to these paths are not answered.
    pub(super) fn hold(&self, paths: impl IntoIterator<Item = String>) {
        self.state.send_modify(|state| state.hold.extend(paths));
    }

    /// Holds no more requests; those that are held stay so.
    pub(super) fn hold_no_more(&self) {
        self.state.send_modify(|state| state.hold.clear());
    }

    /// Answers the `count` requests that are held for longest.
    pub(super) fn release(&self, count: usize, status: u16) {
        self.state.send_modify(|state| {
            for (_, answer) in state.held.drain(..count) {
                let _ = answer.send(status);
            }
        });
    }

    /// Holds no more requests, and takes those that are held.
    pub(super) fn accept_held(&self) {
        self.hold_no_more();
        self.state.send_modify(|state| {
            for (place, answer) in std::mem::take(&mut state.held) {
                state.log[place].delivered = answer.send(200).is_ok();
                state.count_part(place);
            }
        });
    }

    /// No attempt was made twice, and nothing was sent again after it was delivered.
    pub(super) fn check_nothing_repeated(&self) {
        let state = self.state.borrow();
        let (mut attempts, mut delivered) = (HashSet::new(), HashSet::new());
        for seen in &state.log {
            assert!(attempts.insert((&seen.id, &seen.attempt)), "{} attempt {} was repeated", seen.id, seen.attempt);
            assert!(!delivered.contains(&seen.id), "{} was sent again", seen.id);
            delivered.extend(seen.delivered.then_some(&seen.id));
        }
    }

    /// Of each stream, `parts` of which were acknowledged to its source: nothing is missing, nothing was told as two
    /// different events, and the order of each callback was kept: no event came before the one before it was delivered.
    pub(super) fn check(&self, stream: &str, parts: i64) {
        let state = self.state.borrow();
        let log: Vec<&Seen> = state.log.iter().filter(|seen| seen.stream == stream).collect();
        let sessions: BTreeSet<&str> = log.iter().map(|seen| seen.session.as_str()).collect();
        assert_eq!(sessions.len(), 1, "{stream}: the sessions");

        let mut told: BTreeMap<i64, &Seen> = BTreeMap::new();
        let mut ids: HashMap<&str, i64> = HashMap::new();
        for seen in &log {
            let first = told.entry(seen.sequence).or_insert(seen);
            assert_eq!((&first.id, &first.body), (&seen.id, &seen.body), "{stream}: event {} is one", seen.sequence);
            assert_eq!(*ids.entry(&seen.id).or_insert(seen.sequence), seen.sequence, "{stream}: {} is one", seen.id);
        }
        let sequence: Vec<i64> = told.keys().copied().collect();
        let last = i64::try_from(told.len()).expect("few");
        assert_eq!(sequence, (1..=last).collect::<Vec<_>>(), "{stream}: the sequence has no gaps");
        let numbers: Vec<i64> =
            told.values().filter(|seen| seen.event == "record_part_done").filter_map(|seen| seen.part).collect();
        assert_eq!(numbers, (1..=parts).collect::<Vec<_>>(), "{stream}: the parts");

        let mut lanes: HashMap<&str, (i64, bool)> = HashMap::new();
        for seen in &log {
            let (latest, delivered) = lanes.entry(&seen.path).or_insert((0, true));
            if seen.sequence > *latest {
                assert!(*delivered, "{stream}: event {} came before {latest} was delivered", seen.sequence);
                (*latest, *delivered) = (seen.sequence, seen.delivered);
            } else if seen.sequence == *latest {
                *delivered |= seen.delivered;
            }
        }
        let delivered: HashSet<&str> = log.iter().filter(|seen| seen.delivered).map(|seen| seen.id.as_str()).collect();
        for (sequence, first) in &told {
            assert!(delivered.contains(first.id.as_str()), "{stream}: event {sequence} was delivered");
        }
    }
}
