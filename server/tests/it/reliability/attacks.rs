//! Anonymous clients attack a console while publishers are recorded and reports are delivered. Neither loses anything, and the memory of
//! the console stays bounded. `make soak` prints the delay of deliveries without and with the attack.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::net::{IpAddr, SocketAddr};

use http::{Method, header};
use leptos::server_fn::axum::server_fn_paths;
use reqwest::redirect::Policy;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::publishers::Publisher;
use super::studio::{Expected, Studio, assert_sessions};
use super::{Stage, numbers, soak};
use crate::rtmp::attacks::multiplying_references;
use crate::rtmp::client::{Amf, Client, text};
use crate::support::{Database, Process, on_both_databases};

on_both_databases!(attacks_cost_publishers_and_deliveries_nothing);

/// Most memory of the console, in MiB: 256 for media that is not on the disk yet, as much for everything else.
const MOST_MEMORY: u64 = 512;
/// A bit more than a part.
const SOME: usize = 130;
/// Deliveries to wait for.
const A_FEW: usize = 30;
/// Rounds of each attack to wait for.
const ROUNDS: usize = 5;

async fn attacks_cost_publishers_and_deliveries_nothing(database: Database) {
    let studio = Studio::set(database, 2).await;
    let stage = Stage::set(Database::at(studio.database.url()), studio.data.path()).await;
    // Retries would be most of the delay.
    stage.witness.take_all();
    let (process, http, rtmp) = stage.serve_with_ingest();
    let load = stage.publish_at(&http, Some(numbers().deliveries_per_second));
    let mut publishers = Vec::new();
    for number in 0..numbers().publishers {
        publishers.push(Publisher::start(rtmp, &format!("attacked_{number}")).await);
    }
    everything_goes_on(&stage, &publishers).await;
    let without = delays(&http).await;
    let attack = Attack::begin(http.trim_start_matches("http://").parse().expect("an address"), rtmp);
    attack.rounds(ROUNDS).await;
    everything_goes_on(&stage, &publishers).await;
    let with = delays(&http).await;
    let rounds = attack.end().await;
    let memory = peak_of(&process);
    if soak() > 1 {
        let about = serde_json::json!({
            "proof": "attacks", "publishers": publishers.len(), "seconds": numbers().attack.as_secs(),
            "deliveries_per_second": numbers().deliveries_per_second, "delay_without_attack": without,
            "delay_with_attack": with, "peak_memory_mib": memory, "rounds": rounds,
        });
        println!("{about}");
    }
    assert!(memory < MOST_MEMORY, "{memory} MiB");
    let mut sent = Vec::new();
    for publisher in publishers {
        sent.push((publisher.name.clone(), publisher.finish().await));
    }
    let received = studio.until_over(sent.len()).await;
    let ids: HashSet<String> = received.iter().map(|one| one.id()).collect();
    assert_eq!(ids.len(), received.len(), "each event is delivered once");
    stage.end(load, vec![process]).await;
    studio.end([]).await;
    for (stream, frames) in sent {
        assert_sessions(&received, &stream, &[studio.data.path()], &[Expected::ended(frames)]);
    }
}

/// Waits until every publisher and the deliveries have made some progress, for as long as this is to last.
async fn everything_goes_on(stage: &Stage, publishers: &[Publisher]) {
    stage.witness.more(A_FEW).await;
    for publisher in publishers {
        publisher.more(SOME).await;
    }
    sleep(numbers().attack).await;
}

/// Quantiles of the delay of the last deliveries, in seconds.
async fn delays(http: &str) -> BTreeMap<&'static str, f64> {
    let page = reqwest::get(format!("{http}/metrics")).await.expect("an answer").text().await.expect("text");
    let of = |quantile| {
        let name = format!("callsheet_delivery_delay_seconds{{quantile=\"{quantile}\"}} ");
        let value = page.lines().find_map(|line| line.strip_prefix(&name)).expect("deliveries are measured");
        value.parse().expect("a number")
    };
    BTreeMap::from([("p50", of("0.5")), ("p99", of("0.99"))])
}

/// The most memory that the process ever had, in MiB.
fn peak_of(process: &Process) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.pid())).expect("it lives");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") / 1024
}

/// Addresses of the attackers: one each, and none of the publishers'.
fn attacker(number: u8) -> IpAddr {
    IpAddr::from([127, 66, 0, number])
}

/// Number of rounds that each attack has made.
#[derive(Clone)]
struct Rounds(watch::Sender<BTreeMap<&'static str, usize>>);

impl Rounds {
    fn count(&self, attack: &'static str) {
        self.0.send_modify(|rounds| *rounds.entry(attack).or_default() += 1);
    }
}

struct Attack {
    rounds: Rounds,
    attackers: JoinSet<()>,
    stop: CancellationToken,
}

impl Attack {
    fn begin(http: SocketAddr, rtmp: SocketAddr) -> Self {
        let rounds = Rounds(watch::Sender::default());
        let mut attack = Self { rounds: rounds.clone(), attackers: JoinSet::new(), stop: CancellationToken::new() };
        attack.spawn(unfinished_messages(attacker(1), rtmp, rounds.clone()));
        attack.spawn(amf_nests(attacker(2), rtmp, rounds.clone()));
        attack.spawn(refused_publishes(attacker(3), rtmp, rounds.clone()));
        attack.spawn(idle_connections(attacker(4), rtmp, "idle RTMP", b"", rounds.clone()));
        attack.spawn(idle_connections(attacker(5), http, "idle HTTP", b"", rounds.clone()));
        let half = b"GET /login HTTP/1.1\r\nhost: cons";
        attack.spawn(idle_connections(attacker(6), http, "half heads", half, rounds.clone()));
        attack.spawn(unknown_methods(attacker(7), http, rounds.clone()));
        attack.spawn(long_names(attacker(8), http, rounds));
        attack
    }

    fn spawn(&mut self, attack: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        self.attackers.spawn(async move {
            stop.run_until_cancelled(attack).await;
        });
    }

    /// Waits until each attack has made so many rounds.
    async fn rounds(&self, count: usize) {
        let mut rounds = self.rounds.0.subscribe();
        let all = self.attackers.len();
        let have = |rounds: &BTreeMap<_, usize>| rounds.len() == all && rounds.values().all(|made| *made >= count);
        let waited = timeout(numbers().patience, rounds.wait_for(have)).await.is_ok();
        assert!(waited, "{:?}", self.rounds.0.borrow());
    }

    async fn end(mut self) -> BTreeMap<&'static str, usize> {
        self.stop.cancel();
        while let Some(ended) = self.attackers.join_next().await {
            ended.expect("no panic");
        }
        self.rounds.0.borrow().clone()
    }
}

/// Begins long messages on many chunk streams and completes none.
async fn unfinished_messages(from: IpAddr, to: SocketAddr, rounds: Rounds) {
    for kind in [9, 20, 18, 22, 77].into_iter().cycle() {
        if let Ok(mut client) = Client::try_connect(from, to).await {
            for chunk_stream in 2..64 {
                let header = [chunk_stream, 0, 0, 0, 0xff, 0xff, 0xff, kind, 1, 0, 0, 0];
                if !client.try_send(&[&header[..], &[0; 128]].concat()).await {
                    break;
                }
            }
            client.closed().await;
        }
        rounds.count("unfinished messages");
    }
}

/// Sends values that are deep, or that multiply.
async fn amf_nests(from: IpAddr, to: SocketAddr, rounds: Rounds) {
    let deep =
        [&b"\x02\x00\x07connect\x00\x3f\xf0\x00\x00\x00\x00\x00\x00"[..], &b"\x03\x00\x01a".repeat(10_000)].concat();
    for payload in [deep, multiplying_references()].iter().cycle() {
        if let Ok(mut client) = Client::try_connect(from, to).await {
            let message = client.chunks(3, 0, 20, 0, payload);
            let connect = [text("connect"), Amf::Number(1.0), Amf::Object(&[("app", text("live"))])];
            if client.try_send(&message).await && client.try_command(0, &connect).await {
                client.wait_for_any(&["NetConnection.Connect.Success"]).await;
            }
        }
        rounds.count("AMF nests");
    }
}

/// Publishes to a domain that nobody has.
async fn refused_publishes(from: IpAddr, to: SocketAddr, rounds: Rounds) {
    loop {
        if let Ok(mut client) = Client::try_connect(from, to).await {
            let fields = [("app", text("live")), ("tcUrl", text("rtmp://nobody.example.com/live"))];
            let mut is_open = client.try_command(0, &[text("connect"), Amf::Number(1.0), Amf::Object(&fields)]).await;
            for _ in 0..4 {
                let publish = [text("publish"), Amf::Number(5.0), Amf::Null, text("room_7"), text("live")];
                is_open = is_open && client.try_command(1, &publish).await;
            }
            client.closed().await;
        }
        rounds.count("refused publishes");
    }
}

/// Keeps connections open that say next to nothing.
async fn idle_connections(from: IpAddr, to: SocketAddr, name: &'static str, said: &'static [u8], rounds: Rounds) {
    let mut open: VecDeque<TcpStream> = VecDeque::new();
    loop {
        if open.len() >= numbers().idle
            && let Some(mut oldest) = open.pop_front()
        {
            while oldest.read(&mut [0; 1024]).await.unwrap_or(0) > 0 {}
        }
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind(SocketAddr::new(from, 0)).expect("an address of this machine");
        if let Ok(mut stream) = socket.connect(to).await
            && stream.write_all(said).await.is_ok()
        {
            open.push_back(stream);
        }
        rounds.count(name);
    }
}

fn browser(from: IpAddr) -> reqwest::Client {
    reqwest::Client::builder().local_address(from).redirect(Policy::none()).build().expect("a client")
}

async fn unknown_methods(from: IpAddr, to: SocketAddr, rounds: Rounds) {
    let browser = browser(from);
    for number in 0_u64.. {
        let method = format!("{}{number}", "X".repeat(50_000));
        let method = Method::from_bytes(method.as_bytes()).expect("a token");
        // The server may close the connection.
        let _ = browser.request(method, format!("http://{to}/login")).send().await;
        rounds.count("unknown methods");
    }
}

async fn long_names(from: IpAddr, to: SocketAddr, rounds: Rounds) {
    let browser = browser(from);
    let path = server_fn_paths().find(|(path, _)| path.ends_with("sign_in")).expect("a way in").0;
    for number in 0_u64.. {
        let name = number.to_string().repeat(20_000);
        let form = [("name", name.as_str()), ("password", "wrong"), ("next", "/domains")];
        let request = browser.post(format!("http://{to}{path}")).header(header::ACCEPT, "text/html");
        let _ = request.form(&form).send().await;
        rounds.count("long names");
    }
}
