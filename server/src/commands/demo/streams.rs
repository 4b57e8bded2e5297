//! Domains, their callbacks, and what was published to them.

use std::collections::HashSet;
use std::net::SocketAddr;

use callsheet::Console;
use callsheet::callbacks::{CallbackChange, Dialect};
use callsheet::deliveries::{DeliveryStore, Departure, Ownership, Waiting};
use callsheet::domains::NewDomain;
use callsheet::model::{Actor, CallbackId, CallbackKind, Clock, DeliveryId, Millis, TestClock};
use callsheet::outbound::CallbackAddress;
use callsheet::recordings::{RecordingChange, RecordingSettings};
use callsheet::streams::{ClosedPart, Hint, IngestSink, PushRequest, SessionKey};
use rand::Rng;
use rand::rngs::StdRng;

use super::DAY_MS;
use crate::commands::Failure;

/// How long ago it begins.
pub(super) const DAYS: i64 = 28;
const PART_MS: Millis = 900_000;

/// A domain group of the sample.
pub(super) struct Sample {
    pub(super) push: &'static str,
    pub(super) play: &'static str,
    app: &'static str,
    streams: &'static [&'static str],
    /// Publishes a day.
    daily: usize,
    recorded: bool,
    /// Where its callbacks go.
    path: &'static str,
}

/// All of them.
pub(super) const SAMPLES: [Sample; 3] = [
    Sample {
        push: "push.sample-sports.example",
        play: "play.sample-sports.example",
        app: "live",
        streams: &["arena_1", "arena_2", "press_room"],
        daily: 8,
        recorded: true,
        path: "sports",
    },
    Sample {
        push: "push.sample-academy.example",
        play: "play.sample-academy.example",
        app: "class",
        streams: &["math_7b", "physics_9a", "english_8c", "music_5d"],
        daily: 10,
        recorded: true,
        path: "academy",
    },
    Sample {
        push: "push.sample-radio.example",
        play: "play.sample-radio.example",
        app: "air",
        streams: &["studio_a"],
        daily: 1,
        recorded: false,
        path: "radio/moved",
    },
];

/// A hint to come.
struct Planned {
    at: Millis,
    session: usize,
    hint: Told,
}

enum Told {
    Start(&'static Sample, &'static str),
    Hint(Hint),
}

/// Adds the domains.
pub(super) async fn add_domains(console: &Console) -> Result<(), Failure> {
    for sample in &SAMPLES {
        console.domains.create(&Actor::cli(), NewDomain::parse(sample.push, &[sample.play])?).await?;
    }
    Ok(())
}

/// Lets everything happen until `now`; callbacks go to `receiver`.
pub(super) async fn fill(
    console: &Console,
    clock: &TestClock,
    receiver: SocketAddr,
    now: Millis,
    random: &mut StdRng,
) -> Result<(), Failure> {
    for sample in &SAMPLES {
        set_up(console, sample, receiver).await?;
    }
    let mut plan: Vec<Planned> = Vec::new();
    for day in 0..=DAYS {
        for sample in &SAMPLES {
            for n in 0..sample.daily {
                let session = plan.last().map_or(0, |planned| planned.session + 1);
                publish(&mut plan, session, sample, n, (clock.now() + day * DAY_MS, now), random);
            }
        }
    }
    plan.sort_by_key(|planned| planned.at);
    let source = console.sources.built_in().await?;
    let mut due = None;
    for Planned { at, session, hint } in plan {
        while let Some(early) = due.filter(|due| *due < at) {
            forward(clock, early);
            due = step(console).await?;
        }
        forward(clock, at);
        let key = SessionKey { source, boot: "sample".to_owned(), key: session.to_string() };
        let hint = match hint {
            Told::Hint(hint) => hint,
            Told::Start(sample, stream) => {
                let push = console.streams.admit(PushRequest {
                    source,
                    hosts: vec![sample.push.to_owned()],
                    app: sample.app.to_owned(),
                    stream: stream.to_owned(),
                    client: Some(format!("192.0.2.{}", session % 250 + 1)),
                    params: Vec::new(),
                });
                Hint::Started { at, push: push.await? }
            }
        };
        console.streams.report(&key, hint).await?;
        due = step(console).await?;
    }
    Ok(())
}

async fn set_up(console: &Console, sample: &Sample, receiver: SocketAddr) -> Result<(), Failure> {
    let actor = Actor::cli();
    for kind in [CallbackKind::Publish, CallbackKind::Record] {
        let change = CallbackChange {
            enabled: true,
            address: Some(CallbackAddress::parse(&format!("http://{receiver}/{}", sample.path))?),
            dialect: Dialect::V1_0,
            // Else what fails would hold up all that follows.
            ordered: sample.recorded,
            timeout_seconds: 15,
            headers: Vec::new(),
        };
        console.callbacks.put(&actor, sample.push, kind, change).await?;
    }
    let recording =
        RecordingSettings { enabled: sample.recorded, part_seconds: PART_MS / 1000, bucket: "sample".to_owned() };
    console.recordings.put(&actor, sample.push, &RecordingChange::parse(recording)?).await?;
    Ok(())
}

/// The `n`th publish of a day: each stream has its hours, between 8 and 22 o'clock UTC.
fn publish(
    plan: &mut Vec<Planned>,
    session: usize,
    sample: &'static Sample,
    n: usize,
    (day, now): (Millis, Millis),
    random: &mut StdRng,
) {
    let stream = sample.streams[n % sample.streams.len()];
    let turns = sample.daily.div_ceil(sample.streams.len()) as Millis;
    let turn = (n / sample.streams.len()) as Millis;
    let room = 14 * 3_600_000 / turns;
    let start = day - day.rem_euclid(DAY_MS) + 8 * 3_600_000 + turn * room + random.random_range(0..room / 4);
    let length = random.random_range(room / 4..room * 2 / 3);
    let end = start + length;
    if end > now {
        return;
    }
    let mut tell = |at: Millis, hint: Told| plan.push(Planned { at, session, hint });
    tell(start, Told::Start(sample, stream));
    let mut opened = start + 1_000;
    while sample.recorded && opened < end {
        let closed = (opened + PART_MS).min(end);
        let location = format!("sample/record/{}/{}/{stream}/{opened}.flv", sample.push, sample.app);
        tell(opened, Told::Hint(Hint::PartOpened { at: opened, location: Some(location.clone()) }));
        let part = ClosedPart {
            recorder: "all".to_owned(),
            location: Some(location),
            started_at: Some(opened),
            stopped_at: closed,
            duration_ms: Some(closed - opened),
            bytes: Some((closed - opened) * 525),
            failure: None,
        };
        tell(closed, Told::Hint(Hint::PartClosed(part)));
        opened = closed;
    }
    let failure = random.random_bool(0.03).then(|| "connection lost".to_owned());
    tell(end + 1, Told::Hint(Hint::Ended { at: end + 1, failure }));
}

fn forward(clock: &TestClock, to: Millis) {
    clock.advance((to - clock.now()).max(0));
}

/// Does what is due: ends sessions whose time is over, makes attempts. Returns when something is due next.
async fn step(console: &Console) -> Result<Option<Millis>, Failure> {
    let settled = console.streams.reap().await?;
    let now = console.clock.now();
    loop {
        let waiting = console.db.waiting(&Ownership::All, (CallbackId(0), DeliveryId(0)), 10_000).await?;
        let next = waiting.iter().map(|waiting| waiting.due_at).filter(|due| *due > now).min();
        // Of a stream, the earliest goes alone.
        let mut streams = HashSet::new();
        let first = |waiting: &&Waiting| streams.insert((waiting.callback, waiting.stream_key.clone()));
        let due: Vec<Departure> = waiting.iter().filter(first).filter(|w| w.due_at <= now).map(departure).collect();
        if due.is_empty() {
            return Ok([settled, next].into_iter().flatten().min());
        }
        let mut attempts = Vec::new();
        for ready in console.courier.ready(&due).await? {
            let departure = due.iter().find(|departure| departure.delivery == ready.id).copied();
            if let Some(departure) = departure
                && let Some(made) = console.courier.attempt(departure, ready).await?
            {
                attempts.push((made.record, made.fate));
            }
        }
        console.db.complete(&Ownership::All, &attempts, &[]).await?;
    }
}

fn departure(waiting: &Waiting) -> Departure {
    Departure { delivery: waiting.delivery, callback: waiting.callback, out_of_order: false, probe: false }
}
