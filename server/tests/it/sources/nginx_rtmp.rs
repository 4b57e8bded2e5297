//! What nginx-rtmp really sent (`fixtures/hooks`), posted again byte by byte, each request at its own time.

use callsheet::model::{Actor, Clock};
use callsheet::streams::BanLength;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::stage::Stage;
use crate::support::{Database, PATIENCE, on_both_databases};

on_both_databases!(
    a_recorded_publish,
    two_recorders_without_recording_settings,
    refused_renamed_and_hostile_names,
    a_second_publisher_makes_no_event,
    a_silent_source_is_lost,
    a_clock_that_jumps_loses_nobody,
    who_was_lost_wrongly_comes_back,
    a_stopped_publisher_is_refused_at_its_heartbeat,
    who_may_not_report,
);

const BASIC: &str = include_str!("../fixtures/hooks/nginx-rtmp.A_basic.txt");
const TWO_RECORDERS: &str = include_str!("../fixtures/hooks/nginx-rtmp.B_two_recorders.txt");
const HOSTILE: &str = include_str!("../fixtures/hooks/nginx-rtmp.D_deny_redirect_inject.txt");
const DOMAIN: &str = "push.test.com";

/// One recorded request.
struct Recorded {
    /// Unix ms.
    at: i64,
    head: Vec<String>,
    body: String,
}

fn recorded(recording: &str) -> Vec<Recorded> {
    let requests = recording.split("=== #").skip(1);
    let read = |request: &str| {
        let epoch = request.split("epoch=").nth(1).and_then(|rest| rest.split(' ').next()).expect("a time");
        let (_, request) = request.split_once('\n').expect("a request");
        let (head, body) = request.split_once("\n\\r\\n\n").expect("head and body");
        Recorded {
            at: (epoch.parse::<f64>().expect("seconds") * 1000.0).round() as i64,
            head: head.lines().map(|line| line.trim_end_matches("\\r\\n").to_owned()).collect(),
            body: body.trim_end().to_owned(),
        }
    };
    requests.map(read).collect()
}

/// Sends bytes and reads the status of the answer.
async fn send(stage: &Stage, path: &str, head: &[String], body: &str) -> u16 {
    let mut request = format!("POST {path} HTTP/1.0\r\n");
    // The paths of files were shortened in the recordings.
    for line in head[1..].iter().filter(|line| !line.starts_with("Content-Length")) {
        request.push_str(line);
        request.push_str("\r\n");
    }
    request.push_str(&format!("Content-Length: {}\r\n", body.len()));
    request.push_str("\r\n");
    request.push_str(body);
    let mut connection = TcpStream::connect(stage.address).await.expect("connected");
    connection.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    let read = timeout(PATIENCE, connection.read_to_string(&mut answer)).await;
    read.expect("answered in time").expect("text");
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status")
}

/// Posts a recording, and answers with the requests that were not taken: their number and status.
async fn replay(stage: &Stage, path: &str, recording: &str) -> Vec<(usize, u16)> {
    let mut refused = Vec::new();
    for (number, request) in (1..).zip(recorded(recording)) {
        stage.proceed_to(request.at).await;
        let status = send(stage, path, &request.head, &request.body).await;
        if status != 204 {
            refused.push((number, status));
        }
    }
    settle(stage).await;
    refused
}

/// Lets the source be silent for so long that its last part is taken for the last.
async fn settle(stage: &Stage) {
    stage.proceed_to(stage.clock.now() + 2_000).await;
}

/// Posts one call made of fields.
pub(super) async fn call(stage: &Stage, path: &str, body: &str) -> u16 {
    let head = ["POST", "Content-Type: application/x-www-form-urlencoded"];
    send(stage, path, &head.map(str::to_owned), body).await
}

/// The stage at the time of a recording's first request.
async fn stage(database: &Database, recording: &str) -> (Stage, String) {
    let stage = Stage::set(database, recorded(recording)[0].at - 1000, DOMAIN).await;
    let (path, _) = stage.add_source("nginx-rtmp").await;
    (stage, path)
}

async fn a_recorded_publish(database: Database) {
    let (stage, path) = stage(&database, BASIC).await;
    stage.record(DOMAIN).await;
    assert_eq!(replay(&stage, &path, BASIC).await, []);
    let expected = [
        "demo publish_started",
        "demo record_started startTime=1795337096",
        "demo record_part_started startTime=1795337096",
        "demo record_part_done url=/var/lib/media/rec/demo-1795337096_20261122084456.flv duration=6 \
         startTime=1795337096 stopTime=1795337101",
        "demo record_part_started startTime=1795337101",
        "demo record_part_done url=/var/lib/media/rec/demo-1795337101_20261122084501.flv duration=7 \
         startTime=1795337101 stopTime=1795337107",
        "demo record_part_started startTime=1795337107",
        "demo publish_done",
        "demo record_part_done url=/var/lib/media/rec/demo-1795337107_20261122084507.flv duration=5 \
         startTime=1795337107 stopTime=1795337111",
        "demo record_done duration=17 startTime=1795337096 stopTime=1795337111",
    ];
    assert_eq!(stage.told().await, expected);
}

async fn two_recorders_without_recording_settings(database: Database) {
    let (stage, path) = stage(&database, TWO_RECORDERS).await;
    assert_eq!(replay(&stage, &path, TWO_RECORDERS).await, []);
    // The first recorder that reports is told, and nothing is known of it before.
    let expected = [
        "cam1 publish_started",
        "cam1 record_started startTime=1795337146",
        "cam1 record_part_started url=/var/lib/media/rec_part/cam1-1795337146.flv startTime=1795337146",
        "cam1 record_part_done url=/var/lib/media/rec_part/cam1-1795337146.flv duration=6 \
         startTime=1795337146 stopTime=1795337151",
        "cam1 record_part_started startTime=1795337151",
        "cam1 record_part_done url=/var/lib/media/rec_part/cam1-1795337151.flv duration=7 \
         startTime=1795337151 stopTime=1795337157",
        // 0.992 s after the cut: that another part began is not told yet.
        "cam1 publish_done",
        "cam1 record_part_started url=/var/lib/media/rec_part/cam1-1795337157.flv startTime=1795337157",
        "cam1 record_part_done url=/var/lib/media/rec_part/cam1-1795337157.flv duration=2 \
         startTime=1795337157 stopTime=1795337158",
        "cam1 record_done duration=14 startTime=1795337146 stopTime=1795337158",
    ];
    assert_eq!(stage.told().await, expected);
}

async fn refused_renamed_and_hostile_names(database: Database) {
    let (stage, path) = stage(&database, HOSTILE).await;
    assert_eq!(replay(&stage, &path, HOSTILE).await, [(16, 403)], "a name that is none");
    let file = |epoch: &str| format!("url=/var/lib/media/rec/renamed_stream-{epoch}");
    let (first, second) = (file("1795337162_20261122084602.flv"), file("1795337167_20261122084607.flv"));
    // Of the query `call=publish_done&name=evil&app=other` nothing is seen.
    let expected = [
        "deny1 publish_started".to_owned(),
        "redir1 publish_started".to_owned(),
        "redir1 record_started startTime=1795337162".to_owned(),
        format!("redir1 record_part_started {first} startTime=1795337162"),
        format!("redir1 record_part_done {first} duration=5 startTime=1795337162 stopTime=1795337167"),
        "redir1 record_part_started startTime=1795337167".to_owned(),
        "redir1 publish_done".to_owned(),
        format!("redir1 record_part_done {second} duration=2 startTime=1795337167 stopTime=1795337169"),
        "redir1 record_done duration=7 startTime=1795337162 stopTime=1795337169".to_owned(),
    ];
    assert_eq!(stage.told().await, expected);
}

async fn a_second_publisher_makes_no_event(database: Database) {
    let (stage, path) = stage(&database, BASIC).await;
    stage.record(DOMAIN).await;
    let post = async |fields: &str, seconds: i64| {
        stage.proceed_to(recorded(BASIC)[0].at + seconds * 1000).await;
        let body = format!("app=live&tcurl=rtmp://{DOMAIN}/live&addr=127.0.0.1&{fields}&token=x");
        assert_eq!(call(&stage, &path, &body).await, 204, "{fields}");
    };
    post("clientid=1&call=publish&name=demo&type=live", 0).await;
    post("clientid=1&call=update_publish&time=3&timestamp=2983&name=demo", 3).await;
    let before = stage.told().await;
    assert_eq!(before.len(), 3, "{before:?}");
    post("clientid=2&call=publish&name=demo&type=live", 4).await;
    post("clientid=2&call=publish_done&name=demo", 4).await;
    post("clientid=2&call=record_done&recorder=&name=demo&path=/rec/demo-1795337100.flv", 4).await;
    post("clientid=1&call=update_publish&time=9&timestamp=8983&name=demo", 9).await;
    stage.proceed_to(recorded(BASIC)[0].at + 30_000).await;
    assert_eq!(stage.told().await, before);

    post("clientid=1&call=publish_done&name=demo", 31).await;
    post("clientid=1&call=record_done&recorder=&name=demo&path=/rec/demo-1795337096.flv", 31).await;
    settle(&stage).await;
    let after = stage.told().await;
    let events: Vec<_> = after[3..].iter().map(|line| line.split(' ').nth(1).expect("an event")).collect();
    assert_eq!(events, ["publish_done", "record_part_done", "record_done"]);
}

async fn a_silent_source_is_lost(database: Database) {
    let (stage, path) = stage(&database, BASIC).await;
    let start = recorded(BASIC)[0].at;
    stage.proceed_to(start).await;
    let fields = format!("app=live&tcurl=rtmp://{DOMAIN}/live&addr=127.0.0.1&clientid=1&name=demo");
    assert_eq!(call(&stage, &path, &format!("{fields}&call=publish")).await, 204);
    stage.proceed_to(start + 10_000).await;
    assert_eq!(call(&stage, &path, &format!("{fields}&call=update_publish")).await, 204);
    stage.proceed_to(start + 69_000).await;
    assert_eq!(stage.told().await, ["demo publish_started"]);
    stage.proceed_to(start + 71_000).await;
    assert_eq!(stage.told().await[1..], ["demo publish_done status=fail errorMsg=source lost"]);
}

/// Posts one nginx-rtmp call of the publisher `demo`.
async fn demo(stage: &Stage, path: &str, call_name: &str) {
    let body = format!("app=live&tcurl=rtmp://{DOMAIN}/live&addr=127.0.0.1&clientid=1&name=demo&call={call_name}");
    assert_eq!(call(stage, path, &body).await, 204, "{call_name}");
}

async fn a_clock_that_jumps_loses_nobody(database: Database) {
    let (stage, path) = stage(&database, BASIC).await;
    demo(&stage, &path, "publish").await;
    for jump in [300_000, -300_000, 86_400_000] {
        demo(&stage, &path, "update_publish").await;
        stage.proceed_to(stage.clock.now() + 30_000).await;
        stage.clock.jump(jump);
        stage.proceed_to(stage.clock.now() + 29_000).await;
        assert_eq!(stage.told().await, ["demo publish_started"], "{jump}");
    }
    demo(&stage, &path, "publish_done").await;
    settle(&stage).await;
    assert_eq!(stage.told().await[1..], ["demo publish_done"]);
}

async fn who_was_lost_wrongly_comes_back(database: Database) {
    let (stage, path) = stage(&database, BASIC).await;
    demo(&stage, &path, "publish").await;
    demo(&stage, &path, "update_publish").await;
    stage.proceed_to(stage.clock.now() + 61_000).await;
    let lost = "demo publish_done status=fail errorMsg=source lost";
    assert_eq!(stage.told().await, ["demo publish_started", lost]);
    // Only the way from the source was closed.
    demo(&stage, &path, "update_publish").await;
    demo(&stage, &path, "update_publish").await;
    assert_eq!(stage.told().await[2..], ["demo publish_started"]);
    demo(&stage, &path, "publish_done").await;
    settle(&stage).await;
    assert_eq!(stage.told().await[3..], ["demo publish_done"]);
}

async fn a_stopped_publisher_is_refused_at_its_heartbeat(database: Database) {
    let (stage, path) = stage(&database, BASIC).await;
    stage.proceed_to(recorded(BASIC)[0].at).await;
    let (streams, cli) = (&stage.console.streams, Actor::cli());
    let post = async |id: u32, what: &str| {
        let body = format!("app=live&tcurl=rtmp://{DOMAIN}/live&addr=127.0.0.1&clientid={id}&name=demo&call={what}");
        call(&stage, &path, &body).await
    };
    assert_eq!(post(1, "publish").await, 204);
    assert_eq!(post(1, "update_publish").await, 204);
    streams.disconnect(&cli, DOMAIN, "live", "demo").await.expect("ordered");
    // Whatever becomes of an answer, the next one is the same.
    assert_eq!(post(1, "update_publish").await, 403);
    assert_eq!(post(1, "update_publish").await, 403);
    assert_eq!(streams.to_drop("1").await.expect("orders"), [], "the built-in ingest has nothing to do with it");
    assert_eq!(post(1, "publish_done").await, 204);

    // Whoever comes back is not meant.
    assert_eq!(post(2, "publish").await, 204);
    assert_eq!(post(2, "update_publish").await, 204);
    let a_while = BanLength::parse(Some(20)).expect("a time");
    streams.forbid(&cli, DOMAIN, "live", "demo", a_while).await.expect("forbidden");
    assert_eq!(post(2, "update_publish").await, 403);
    assert_eq!(post(2, "update_play").await, 204, "a viewer");
    stage.proceed_to(stage.clock.now() + 20_000).await;
    assert_eq!(post(2, "update_publish").await, 204, "its time is over");
    let told = ["demo publish_started", "demo publish_done", "demo publish_started"];
    assert_eq!(stage.told().await, told);
}

async fn who_may_not_report(database: Database) {
    let (stage, path) = stage(&database, BASIC).await;
    let publish =
        |host: &str| format!("app=live&tcurl=rtmp://{host}/live&addr=127.0.0.1&clientid=1&call=publish&name=demo");
    let guessed = format!("{}x", path.trim_end_matches(|c: char| c != '/'));
    let (generic, _) = stage.add_source("generic").await;
    let swapped = generic.replace("/generic/", "/nginx-rtmp/");
    for path in [guessed.as_str(), "/ingest/nginx-rtmp/x", "/ingest/built-in/x", "/ingest/other/x", &swapped] {
        assert_eq!(call(&stage, path, &publish(DOMAIN)).await, 404, "{path}");
    }
    assert_eq!(call(&stage, &path, "call=publish").await, 400);
    assert_eq!(call(&stage, &path, &publish("other.test.com")).await, 403);
    stage.console.domains.set_enabled(&Actor::cli(), DOMAIN, false).await.expect("disabled");
    assert_eq!(call(&stage, &path, &publish(DOMAIN)).await, 403);
    assert_eq!(stage.told().await, Vec::<String>::new());
    let refused = stage.console.sources.refusals(&Actor::cli()).await.expect("a list");
    let refused: Vec<_> = refused.iter().map(|r| (r.source.as_str(), r.host.as_str(), r.code.as_str())).collect();
    let expected = [("nginx-rtmp", DOMAIN, "domain_disabled"), ("nginx-rtmp", "other.test.com", "unknown_domain")];
    assert_eq!(refused, expected);
}
