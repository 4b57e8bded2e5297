//! Domains, their callbacks, and what was published to them.

use std::collections::HashSet;
use std::net::SocketAddr;

use callsheet::Console;
use callsheet::callbacks::CallbackSettings;
use callsheet::deliveries::{Dispatch, Ownership, QueuedDelivery};
use callsheet::domains::NewDomain;
use callsheet::model::{
    Actor, AppName, CallbackId, CallbackKind, Clock, DeliveryId, DomainName, Millis, StreamName, TestClock,
};
use callsheet::recordings::{PartLocation, RecordingChange, RecordingSettings};
use callsheet::sources::Adapter;
use callsheet::streams::{ClosedPart, IngestSink, PushRequest, SessionKey, SourceEvent};
use jiff::tz::TimeZone;
use rand::Rng;
use rand::rngs::StdRng;

use super::DAY_MS;
use crate::commands::Failure;

/// How long ago it begins.
pub(super) const DAYS: i64 = 28;
pub(super) const PART_MS: Millis = 900_000;
pub(super) const BUCKET: &str = "sample";
/// What is live now has been so for no longer.
const LIVE_MS: Millis = 5_400_000;

/// A domain group of the sample.
pub(super) struct Sample {
    pub(super) push: &'static str,
    pub(super) play: &'static str,
    pub(super) app: &'static str,
    pub(super) streams: &'static [&'static str],
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
    /// It is not over at the end.
    live: bool,
    hint: Told,
}

enum Told {
    Start(&'static Sample, &'static str),
    SourceEvent(SourceEvent),
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
    zone: &TimeZone,
    random: &mut StdRng,
) -> Result<(), Failure> {
    for sample in &SAMPLES {
        set_callbacks(console, sample, receiver).await?;
        set_recording(console, sample).await?;
    }
    let mut plan: Vec<Planned> = Vec::new();
    for days_ago in (0..DAYS).rev() {
        for sample in &SAMPLES {
            for n in 0..sample.daily {
                let session = plan.last().map_or(0, |planned| planned.session + 1);
                let planned = Publish { session, sample, n, before: now - days_ago * DAY_MS, now };
                planned.plan(&mut plan, zone, random)?;
            }
        }
    }
    plan.sort_by_key(|planned| planned.at);
    let built_in = console.sources.built_in().await?;
    let edge = console.sources.create(&Actor::cli(), "generic", "sample-edge", None).await?.view.id;
    let mut due = None;
    for Planned { at, session, live, hint } in plan {
        while let Some(early) = due.filter(|due| *due < at) {
            forward(clock, early);
            due = step(console).await?;
        }
        forward(clock, at);
        let (source, adapter) = if live { (edge, Adapter::Generic) } else { (built_in, Adapter::BuiltIn) };
        let key = SessionKey { source, boot: "sample".to_owned(), key: session.to_string() };
        let hint = match hint {
            Told::SourceEvent(hint) => hint,
            Told::Start(sample, stream) => {
                let push = console.streams.admit(PushRequest {
                    source,
                    hosts: vec![sample.push.to_owned()],
                    app: sample.app.to_owned(),
                    stream: stream.to_owned(),
                    client: Some(format!("192.0.2.{}", session % 250 + 1)),
                    params: Vec::new(),
                });
                SourceEvent::Started { at, push: push.await? }
            }
        };
        console.streams.report_once(&key, adapter, hint, None).await?;
        due = step(console).await?;
    }
    Ok(())
}

pub(super) async fn set_callbacks(console: &Console, sample: &Sample, receiver: SocketAddr) -> Result<(), Failure> {
    let actor = Actor::cli();
    for kind in [CallbackKind::Publish, CallbackKind::Record] {
        let settings = CallbackSettings {
            enabled: true,
            address: Some(format!("http://{receiver}/{}", sample.path)),
            // In order, a failing delivery would delay all later ones.
            ordered: sample.recorded,
            ..CallbackSettings::default()
        };
        console.callbacks.put(&actor, sample.push, kind, settings).await?;
    }
    Ok(())
}

async fn set_recording(console: &Console, sample: &Sample) -> Result<(), Failure> {
    let recording =
        RecordingSettings { enabled: sample.recorded, part_seconds: PART_MS / 1000, bucket: BUCKET.to_owned() };
    console.recordings.put(&Actor::cli(), sample.push, &RecordingChange::parse(recording)?).await?;
    Ok(())
}

/// The `n`th publish of the 24 hours that end `before`.
struct Publish {
    session: usize,
    sample: &'static Sample,
    n: usize,
    before: Millis,
    now: Millis,
}

impl Publish {
    /// The streams of a domain take turns, each in hours of its own; the last turn of each first stream lasts until now and beyond.
    fn plan(&self, plan: &mut Vec<Planned>, zone: &TimeZone, random: &mut StdRng) -> Result<(), Failure> {
        let Self { session, sample, n, before, now } = *self;
        let stream = sample.streams[n % sample.streams.len()];
        let turns = sample.daily.div_ceil(sample.streams.len());
        let turn = n / sample.streams.len();
        let room = DAY_MS / turns as Millis;
        let live = before == now && turn + 1 == turns && n.is_multiple_of(sample.streams.len());
        let length = random.random_range(room / 4..room * 2 / 3);
        let latest = before - (turns - turn - 1) as Millis * room;
        let start = if live { now - length.min(LIVE_MS) } else { latest - length - random.random_range(0..room / 4) };
        let end = if live { now } else { start + length };
        let mut tell = |at: Millis, hint: Told| plan.push(Planned { at, session, live, hint });
        tell(start, Told::Start(sample, stream));
        let place = (DomainName::parse(sample.push)?, AppName::parse(sample.app)?, StreamName::parse(stream)?);
        let location = |start, end| {
            let (domain, app, stream) = (&place.0, &place.1, &place.2);
            Some(PartLocation { bucket: BUCKET, domain, app, stream, start, end }.path(zone))
        };
        let mut opened = start + 1_000;
        while sample.recorded && opened < end {
            let closed = (opened + PART_MS).min(end);
            tell(opened, Told::SourceEvent(SourceEvent::PartOpened { at: opened, location: location(opened, None) }));
            if live && closed == end {
                break;
            }
            let part = ClosedPart {
                recorder: "all".to_owned(),
                location: location(opened, Some(closed)),
                started_at: Some(opened),
                stopped_at: closed,
                duration_ms: Some(closed - opened),
                bytes: Some((closed - opened) * 525),
                failure: None,
            };
            tell(closed, Told::SourceEvent(SourceEvent::PartClosed(part)));
            opened = closed;
        }
        if !live {
            let failure = random.random_bool(0.03).then(|| "connection lost".to_owned());
            tell(end + 1, Told::SourceEvent(SourceEvent::Ended { at: end + 1, failure }));
        }
        Ok(())
    }
}

fn forward(clock: &TestClock, to: Millis) {
    clock.advance((to - clock.now()).max(0));
}

/// Does what is due: ends sessions whose time is over, makes attempts. Returns when something is due next.
async fn step(console: &Console) -> Result<Option<Millis>, Failure> {
    let settled = console.streams.reap().await?;
    let now = console.clock.now();
    loop {
        let queued = console.db.queued_deliveries(&Ownership::All, (CallbackId(0), DeliveryId(0)), 10_000).await?;
        let next = queued.iter().map(|row| row.due_at).filter(|due| *due > now).min();
        // Of a stream, the earliest goes alone.
        let mut streams = HashSet::new();
        let first = |row: &&QueuedDelivery| streams.insert((row.callback, row.stream_key.clone()));
        let due = queued.iter().filter(first).filter(|row| row.due_at <= now).map(QueuedDelivery::dispatch);
        let due: Vec<Dispatch> = due.collect();
        if due.is_empty() {
            return Ok([settled, next].into_iter().flatten().min());
        }
        let mut attempts = Vec::new();
        let mut prepared = console.delivery_sender.prepare(&due).await?;
        for dispatch in due {
            if let Some(delivery) = prepared.remove(&dispatch.delivery) {
                attempts.extend(console.delivery_sender.attempt(dispatch, delivery).await?);
            }
        }
        console.db.complete(&Ownership::All, &attempts, &[]).await?;
    }
}
