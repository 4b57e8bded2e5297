//! Several publishers of one stream. nginx-rtmp reports each start before it sees that the name is taken, and heartbeats of all who stay
//! connected; the reports of the first publisher show that it is the one who publishes.

use std::sync::atomic::{AtomicUsize, Ordering};

use callsheet::model::{Clock, SystemClock};

use super::nginx_rtmp::call;
use super::stage::Stage;
use crate::support::{DOMAIN, Database, GenericSource, on_both_databases};

on_both_databases!(who_publishes_by_the_reports_of_nginx, who_publishes_by_reports_without_heartbeats);

const STARTED: &str = "demo publish_started";
const DONE: &str = "demo publish_done";
const LOST: &str = "demo publish_done status=fail errorMsg=source lost";

/// A step of a story: a report, or something else that happens.
#[derive(Debug)]
enum Step {
    Publish(u32),
    Beat(u32),
    Part(u32),
    Done(u32),
    /// So many callbacks were made so far that a publish started or ended.
    Told(usize),
    /// The console is started again.
    Restart,
}
use Step::{Beat, Done, Part, Publish, Restart, Told};

/// Steps with their seconds, and all callbacks at the end that a publish started or ended.
type Story = (&'static str, &'static [(i64, Step)], &'static [&'static str]);

const NGINX: &[Story] = &[
    (
        "a refused publisher hangs: it is never told",
        &[
            (0, Publish(1)),
            (2, Beat(1)),
            (2, Publish(2)),
            (5, Beat(1)),
            (8, Beat(1)),
            (8, Beat(2)),
            (11, Beat(1)),
            (11, Beat(2)),
            (14, Beat(1)),
            (14, Beat(2)),
            (14, Done(2)),
            (20, Beat(1)),
            (70, Beat(1)),
            (70, Told(1)),
            (71, Done(1)),
        ],
        &[STARTED, DONE],
    ),
    (
        "a refused publisher leaves at once",
        &[(0, Publish(1)), (2, Beat(1)), (3, Publish(2)), (3, Done(2)), (5, Beat(1)), (60, Beat(1)), (61, Done(1))],
        &[STARTED, DONE],
    ),
    (
        "heartbeats that are rarer than the grace is long, in the same moments, and the second's come first",
        &[
            (0, Publish(1)),
            (30, Beat(1)),
            (30, Publish(2)),
            (60, Beat(2)),
            (62, Beat(1)),
            (90, Beat(2)),
            (93, Beat(1)),
            (120, Beat(1)),
            (121, Beat(2)),
            (125, Told(1)),
            (130, Done(2)),
            (131, Done(1)),
        ],
        &[STARTED, DONE],
    ),
    (
        "the first has not sent a heartbeat yet",
        &[
            (0, Publish(1)),
            (1, Publish(2)),
            (5, Beat(1)),
            (6, Beat(2)),
            (10, Beat(1)),
            (11, Beat(2)),
            (15, Beat(1)),
            (19, Done(2)),
            (20, Done(1)),
        ],
        &[STARTED, DONE],
    ),
    (
        "a part shows that the first publishes",
        &[(0, Publish(1)), (1, Publish(2)), (4, Part(1)), (7, Done(2)), (30, Told(1)), (31, Done(1))],
        &[STARTED, DONE],
    ),
    (
        "a silent publisher that never sent a heartbeat is replaced at the first one of the next",
        &[(0, Publish(1)), (60, Publish(2)), (63, Beat(2)), (63, Told(3)), (64, Done(2))],
        &[STARTED, LOST, STARTED, DONE],
    ),
    (
        "a silent publisher is replaced by one whose heartbeats nobody else's come between",
        &[
            (0, Publish(1)),
            (2, Beat(1)),
            (2, Publish(2)),
            (5, Beat(2)),
            (8, Beat(2)),
            (11, Beat(2)),
            (11, Told(3)),
            (14, Done(2)),
        ],
        &[STARTED, LOST, STARTED, DONE],
    ),
    (
        "without heartbeats the end of the grace decides",
        &[(0, Publish(1)), (20, Publish(2)), (24, Told(1)), (26, Told(3)), (60, Done(2))],
        &[STARTED, LOST, STARTED, DONE],
    ),
    (
        "the first ends, and of those who wait the one that is heard takes over at once",
        &[
            (0, Publish(1)),
            (2, Beat(1)),
            (3, Publish(2)),
            (4, Publish(3)),
            (12, Beat(1)),
            (14, Beat(3)),
            (15, Done(1)),
            (15, Told(3)),
            (16, Done(2)),
            (17, Told(3)),
            (18, Done(3)),
        ],
        &[STARTED, DONE, STARTED, DONE],
    ),
    (
        "the first comes back before its end is reported",
        &[(0, Publish(1)), (10, Beat(1)), (12, Publish(2)), (12, Done(1)), (12, Told(3)), (22, Beat(2)), (30, Done(2))],
        &[STARTED, DONE, STARTED, DONE],
    ),
    (
        "who waits and is silent is forgotten, and comes back when it is heard",
        &[
            (0, Publish(1)),
            (1, Beat(1)),
            (2, Publish(2)),
            (30, Beat(1)),
            (60, Beat(1)),
            (70, Beat(1)),
            (71, Done(1)),
            (72, Told(2)),
            (75, Beat(2)),
            (76, Done(2)),
        ],
        &[STARTED, DONE, STARTED, DONE],
    ),
    (
        "both fall silent: the media server is gone",
        &[(0, Publish(1)), (10, Beat(1)), (11, Publish(2)), (20, Beat(1)), (21, Beat(2)), (85, Told(2))],
        &[STARTED, LOST],
    ),
    (
        "what was decided survives a restart",
        &[
            (0, Publish(1)),
            (2, Beat(1)),
            (2, Publish(2)),
            (5, Beat(1)),
            (6, Restart),
            (8, Beat(2)),
            (20, Restart),
            (20, Beat(1)),
            (21, Beat(2)),
            (30, Told(1)),
            (30, Restart),
            // From here on only the second is heard.
            (32, Beat(2)),
            (35, Restart),
            (38, Told(3)),
            (39, Done(2)),
        ],
        &[STARTED, LOST, STARTED, DONE],
    ),
];

/// Callbacks that a publish started or ended.
async fn told(stage: &Stage) -> Vec<String> {
    let mut told = stage.told().await;
    told.retain(|line| line.starts_with("demo publish_"));
    told
}

/// Plays the stories one after the other, each with another application; `report` posts a report.
async fn play(stage: &Stage, stories: &[Story], report: impl AsyncFn(usize, i64, &Step)) {
    for (number, (name, steps, expected)) in stories.iter().enumerate() {
        let before = told(stage).await.len();
        let begun = stage.clock.now();
        for (second, step) in *steps {
            stage.proceed_to(begun + second * 1000).await;
            match step {
                Told(count) => assert_eq!(told(stage).await.len() - before, *count, "{name}, second {second}"),
                Restart => stage.forget().await,
                step => report(number, *second, step).await,
            }
        }
        // Sessions that still wait are silent from now on.
        stage.proceed_to(stage.clock.now() + 90_000).await;
        assert_eq!(told(stage).await.split_off(before), *expected, "{name}");
    }
}

async fn who_publishes_by_the_reports_of_nginx(database: Database) {
    let stage = Stage::set(&database, 1_795_337_096_000, DOMAIN).await;
    let (path, _) = stage.add_source("nginx-rtmp").await;
    play(&stage, NGINX, async |number, second, step| {
        let report = match step {
            Publish(client) => format!("clientid={number}{client}&call=publish&type=live"),
            Beat(client) => format!("clientid={number}{client}&call=update_publish&time={second}"),
            Part(client) => format!("clientid={number}{client}&call=record_done&recorder=&path=/rec/demo-{second}.flv"),
            Done(client) => format!("clientid={number}{client}&call=publish_done"),
            Told(_) | Restart => panic!("no report: {step:?}"),
        };
        let body = format!("app=live{number}&tcurl=rtmp://{DOMAIN}/live&addr=192.0.2.7&name=demo&{report}");
        assert_eq!(call(&stage, &path, &body).await, 204, "{body}");
    })
    .await;
}

const GENERIC: &[Story] = &[
    (
        "the end is reported three times",
        &[(0, Publish(1)), (2, Done(1)), (2, Done(1)), (2, Done(1)), (8, Done(1))],
        &[STARTED, DONE],
    ),
    (
        "the start of the next session comes before the end of the last one",
        &[(0, Publish(1)), (2, Publish(2)), (3, Told(1)), (3, Done(1)), (3, Told(3)), (6, Done(2))],
        &[STARTED, DONE, STARTED, DONE],
    ),
    (
        "the end of the last session is lost",
        &[(0, Publish(1)), (2, Publish(2)), (6, Told(1)), (8, Told(3)), (9, Done(2))],
        &[STARTED, LOST, STARTED, DONE],
    ),
];

async fn who_publishes_by_reports_without_heartbeats(database: Database) {
    // The verifier of signatures reads the machine's time.
    let stage = Stage::set(&database, SystemClock.now(), DOMAIN).await;
    let (path, secret) = stage.add_source("generic").await;
    let source = GenericSource::new(format!("http://{}{path}", stage.address), secret);
    let reports = AtomicUsize::new(0);
    play(&stage, GENERIC, async |number, _, step| {
        let (event, client) = match step {
            Publish(client) => ("publish_started", client),
            Done(client) => ("publish_done", client),
            Beat(_) | Part(_) | Told(_) | Restart => panic!("no report of this source: {step:?}"),
        };
        let mut body = GenericSource::event(event, "demo");
        body["app"] = format!("live{number}").into();
        body["session"] = format!("{number}-{client}").into();
        let id = reports.fetch_add(1, Ordering::Relaxed).to_string();
        assert_eq!(source.post(&id, &body).await.expect("an answer").status(), 204, "{body}");
    })
    .await;
}
