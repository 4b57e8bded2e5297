//! Streams that publish, report part after part and repeat what was not acknowledged, for as long as a proof needs them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use callsheet::domains::NewDomain;
use callsheet::model::{Actor, CallbackKind, SystemClock};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Interval, interval, timeout};
use tokio_util::sync::CancellationToken;

use super::tables::Tables;
use super::witness::{State, Witness};
use super::{console, numbers, soak};
use crate::support::{Database, GenericSource, Process, use_cases_in};

const DOMAINS: usize = 4;
const STREAMS: usize = 8;
const SOAK_STREAMS: usize = 48;
/// How many parts a stream may be ahead of what the receiver has.
const AHEAD: usize = 6;
/// How long a source waits before it repeats a report.
const PACE: Duration = Duration::from_millis(20);

fn push_domain(number: usize) -> String {
    format!("push{number}.example.com")
}

/// Customers with both callbacks, a source, and the receiver that all of them share.
pub(super) struct Stage {
    pub(super) witness: Witness,
    /// Seconds after which others take over from a worker that fell silent.
    pub(super) lease: u32,
    database: Database,
    data: PathBuf,
    path: String,
    secret: String,
}

impl Stage {
    /// Prepares the data folder and the database, beside any console.
    pub(super) async fn set(database: Database, data: &Path) -> Self {
        let witness = Witness::start();
        let console = use_cases_in(&database, Arc::new(SystemClock), data).await;
        let cli = Actor::cli();
        for number in 0..DOMAINS {
            let push = push_domain(number);
            let new = NewDomain::parse(&push, &[format!("play{number}.example.com")]).expect("a domain");
            console.domains.create(&cli, new).await.expect("created");
            for kind in [CallbackKind::Publish, CallbackKind::Record] {
                let address = witness.url(&format!("/{push}/{}", kind.as_str()));
                console.callbacks.set_address(&cli, &push, kind, &address).await.expect("an address");
                console.callbacks.set_enabled(&cli, &push, kind, true).await.expect("on");
            }
        }
        let source = console.sources.create(&cli, "generic", "edge", None).await.expect("created");
        let path = source.view.ingest_path.expect("a path");
        let secret = source.secret.expose().to_owned();
        console.db.close().await;
        Self { witness, lease: 2, database, data: data.to_owned(), path, secret }
    }

    /// Starts a console in these roles on a free port; answers with its HTTP address.
    pub(super) fn serve(&self, roles: &str) -> (Process, String) {
        let mut command = console(&self.data, self.database.url());
        command.args(["--rtmp", "off"]).env("CALLSHEET_ROLE", roles).env("CALLSHEET_LEASE", self.lease.to_string());
        let process = Process::start(command);
        let address = http_address(&process);
        (process, address)
    }

    /// The paths of the callbacks that tell of recordings.
    pub(super) fn records(&self) -> Vec<String> {
        (0..DOMAINS).map(|number| format!("/{}/record", push_domain(number))).collect()
    }

    /// Starts a console in all roles, with the built-in ingest; answers with its HTTP address and that of the ingest.
    #[cfg(feature = "ingest-rtmp")]
    pub(super) fn serve_with_ingest(&self) -> (Process, String, std::net::SocketAddr) {
        let mut command = console(&self.data, self.database.url());
        command.args(["--rtmp", "127.0.0.1:0"]);
        let process = Process::start(command);
        let http = http_address(&process);
        let rtmp = super::studio::rtmp_address(&process);
        (process, http, rtmp)
    }

    pub(super) async fn tables(&self) -> Tables {
        Tables::open(self.database.url()).await
    }

    /// The source, as it reports to this console.
    pub(super) fn source(&self, console: &str) -> GenericSource {
        GenericSource::new(format!("{console}{}", self.path), self.secret.clone())
    }

    /// Lets the streams publish, to this console.
    pub(super) fn publish(&self, console: &str) -> Load {
        self.publish_at(console, None)
    }

    /// Lets the streams publish with so many parts per second, or as fast as the receiver allows.
    pub(super) fn publish_at(&self, console: &str, rate: Option<u32>) -> Load {
        let (counts, console) = (watch::Sender::default(), watch::Sender::new(console.to_owned()));
        let stop = CancellationToken::new();
        let mut streams = JoinSet::new();
        let count = if soak() > 1 { SOAK_STREAMS } else { STREAMS };
        let every = rate.map(|rate| Duration::from_secs(1) * u32::try_from(count).expect("few") / rate);
        for number in 0..count {
            let stream = Stream {
                domain: push_domain(number % DOMAINS),
                name: format!("room_{number}"),
                source: GenericSource::new(String::new(), self.secret.clone()),
                path: self.path.clone(),
                console: console.subscribe(),
                counts: counts.clone(),
                witness: self.witness.watch(),
                pace: every.map(interval),
                stop: stop.clone(),
            };
            streams.spawn(stream.publish());
        }
        Load { streams, console, counts, stop }
    }

    /// Lets the streams come to their ends and waits for all that they told. Then ends the processes, and asks the witnesses.
    pub(super) async fn end(&self, load: Load, processes: Vec<Process>) {
        let published = load.finish().await;
        self.witness.all_told(&published).await;
        for process in processes {
            process.signal("-TERM");
            assert_eq!(process.wait().code(), Some(0));
        }
        for (stream, parts) in &published {
            self.witness.check(stream, *parts);
        }
        let mut tables = self.tables().await;
        tables.check().await;
        tables.check_all_delivered().await;
    }
}

fn http_address(process: &Process) -> String {
    let line = process.line("  console ");
    line.split_whitespace().last().expect("an address").to_owned()
}

/// How often sources were not acknowledged.
#[derive(Debug, Clone, Default)]
pub(super) struct Counts {
    /// Nobody answered, or not to the end.
    pub(super) unanswered: usize,
    /// 503.
    pub(super) turned_away: usize,
}

/// Streams that publish.
pub(super) struct Load {
    streams: JoinSet<(String, i64)>,
    console: watch::Sender<String>,
    counts: watch::Sender<Counts>,
    stop: CancellationToken,
}

impl Load {
    /// The console has another address now.
    pub(super) fn moved_to(&self, console: String) {
        self.console.send_replace(console);
    }

    pub(super) fn counts(&self) -> Counts {
        self.counts.borrow().clone()
    }

    /// Waits until the sources were turned away `more` times more.
    pub(super) async fn turned_away(&self, more: usize) {
        let so_far = self.counts().turned_away;
        let mut counts = self.counts.subscribe();
        let wait = counts.wait_for(|counts| counts.turned_away >= so_far + more);
        assert!(timeout(numbers().patience, wait).await.is_ok(), "the sources were not turned away");
    }

    /// Ends the streams, and waits until all they told is acknowledged: each with the number of its parts.
    async fn finish(mut self) -> Vec<(String, i64)> {
        self.stop.cancel();
        let mut published = Vec::new();
        while let Some(stream) = self.streams.join_next().await {
            published.push(stream.expect("a stream to the end"));
        }
        published
    }
}

struct Stream {
    domain: String,
    name: String,
    source: GenericSource,
    path: String,
    console: watch::Receiver<String>,
    counts: watch::Sender<Counts>,
    witness: watch::Receiver<State>,
    pace: Option<Interval>,
    stop: CancellationToken,
}

impl Stream {
    async fn publish(mut self) -> (String, i64) {
        self.tell("publish_started", 0).await;
        let mut parts = 0;
        while !self.stop.is_cancelled() {
            if let Some(pace) = &mut self.pace {
                pace.tick().await;
            }
            let told = usize::try_from(parts).expect("a number");
            let (name, stop) = (self.name.clone(), self.stop.clone());
            tokio::select! {
                () = stop.cancelled() => break,
                near = self.witness.wait_for(|state| state.parts(&name) + AHEAD > told) => drop(near.expect("a witness")),
            }
            parts += 1;
            self.tell("record_part_done", parts).await;
        }
        self.tell("publish_done", parts).await;
        (self.name, parts)
    }

    /// Reports an event until it is acknowledged.
    async fn tell(&mut self, event: &str, part: i64) {
        let mut body = GenericSource::event(event, &self.name);
        body["domain"] = self.domain.clone().into();
        if event == "record_part_done" {
            body["url"] = part.to_string().into();
            body["startTime"] = (1_524_476_982 + 10 * part).into();
            body["stopTime"] = (1_524_476_991 + 10 * part).into();
        }
        let id = format!("{}-{event}-{part}", self.name);
        let acknowledged = timeout(numbers().patience, async {
            loop {
                self.source.url = format!("{}{}", *self.console.borrow(), self.path);
                match self.source.post(&id, &body).await {
                    Ok(answer) if answer.status() == 204 => return,
                    Ok(answer) if answer.status() == 503 => {
                        let told = answer.text().await.unwrap_or_default();
                        assert!(told.ends_with(" now; retry later\n"), "{told}");
                        self.counts.send_modify(|counts| counts.turned_away += 1);
                    }
                    Ok(answer) => panic!("{id}: {answer:?}"),
                    Err(_) => self.counts.send_modify(|counts| counts.unanswered += 1),
                }
                tokio::time::sleep(PACE).await;
            }
        });
        assert!(acknowledged.await.is_ok(), "{id} is not acknowledged");
    }
}
