//! Watched folders and buckets.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use callsheet::keys::KeyDraft;
use callsheet::model::{Actor, Clock, Role, SystemClock};
use callsheet::stats::access_log::Format;
use callsheet::stats::{Metric, TimeRange};
use callsheet_server::buckets::Buckets;
use callsheet_server::config::{LogPlace, WatchedLogs};
use callsheet_server::jobs::AccessLogWatcher;
use flate2::Compression;
use flate2::write::GzEncoder;
use object_store::ObjectStoreExt;
use object_store::path::Path as Key;

use super::stage::{NOW, Stage};
use crate::support::{Database, PLAY, S3Store, TestConsole, on_both_databases, until};

on_both_databases!(
    a_growing_log_counts_line_by_line,
    a_rotated_and_packed_log_counts_once,
    a_log_that_is_rotated_while_it_is_read_counts_once,
    a_copy_that_is_being_made_does_not_count_again,
    bad_lines_and_lines_of_the_future_are_told_once,
    what_cannot_be_read_stops_nothing_else,
    padding_and_byte_order_marks_are_no_trouble,
    objects_in_a_bucket_count_once,
    a_running_console_watches_and_measures,
);

/// A folder of a console that knows [`PLAY`], and a watch on it.
struct Watched {
    stage: Stage,
    folder: PathBuf,
    watch: AccessLogWatcher,
}

impl Watched {
    async fn set(database: Database) -> Self {
        let stage = Stage::set(database, "UTC").await;
        stage.add_domain().await;
        let folder = stage.data.path().join("logs");
        fs::create_dir(&folder).expect("a folder");
        let watch = watch(&stage, BTreeMap::new(), LogPlace::Files(folder.clone()));
        Self { stage, folder, watch }
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.folder.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(path, content).expect("written");
    }

    fn append(&self, name: &str, content: &str) {
        append(&self.folder.join(name), content);
    }

    /// Requests that count after a look.
    async fn look(&mut self) -> i64 {
        self.watch.scan().await;
        requests(&self.stage).await
    }

    fn troubles(&self) -> Vec<(&str, &str)> {
        let place = |path| Path::new(path).strip_prefix(&self.folder).expect("below").to_str().expect("text");
        let mut troubles: Vec<_> = self.watch.failures().map(|(path, why)| (place(path), why)).collect();
        troubles.sort_unstable();
        troubles
    }
}

fn watch(stage: &Stage, s3: BTreeMap<String, callsheet_server::buckets::S3Bucket>, from: LogPlace) -> AccessLogWatcher {
    let data = stage.data.path();
    let logs = WatchedLogs { from, format: None, domain: None };
    AccessLogWatcher::new(stage.console.clone(), Buckets::new(data, s3), data.to_owned(), logs)
}

async fn requests(stage: &Stage) -> i64 {
    let slot = TimeRange { from: (NOW / 1000) - 10 * 86_400, to: (NOW / 1000) + 10 * 86_400 };
    let view = stage.usage(Metric::Traffic, &[PLAY], slot, None).await;
    let requests = view.top.iter().map(|top| top.requests).sum();
    assert_eq!(view.cards.traffic.now, requests * 1000, "a line sends 1,000 bytes");
    requests
}

fn line(n: i64) -> String {
    let time = NOW / 1000 - n;
    format!("{{\"msec\":{time}.000,\"host\":\"{PLAY}\",\"status\":200,\"bytes_sent\":1000,\"request_time\":0}}\n")
}

fn lines(numbers: std::ops::Range<i64>) -> String {
    numbers.map(line).collect()
}

fn gzip(content: &str) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    packer.write_all(content.as_bytes()).expect("in memory");
    packer.finish().expect("in memory")
}

fn append(path: &Path, content: &str) {
    let mut file = OpenOptions::new().append(true).open(path).expect("there");
    file.write_all(content.as_bytes()).expect("written");
}

async fn a_growing_log_counts_line_by_line(database: Database) {
    let mut watched = Watched::set(database).await;
    assert_eq!(watched.look().await, 0);
    let whole = lines(0..12);
    let (start, rest) = whole.split_at(whole.len() - 30);
    watched.write("access.log", start);
    watched.write("site/fresh.log", &line(20)[..40]);
    watched.write("empty.log", "");
    for passed_over in [".hidden.log", "coming.tmp", "coming.part", ".folder/access.log"] {
        watched.write(passed_over, line(30));
    }
    assert_eq!(watched.look().await, 11, "the last line is not whole");
    assert_eq!(watched.look().await, 11);
    watched.append("access.log", rest);
    watched.append("site/fresh.log", &line(20)[40..]);
    assert_eq!(watched.look().await, 13);
    assert_eq!(watched.troubles(), []);
    // Another process knows nothing of what this one saw.
    let mut other = watch(&watched.stage, BTreeMap::new(), LogPlace::Files(watched.folder.join("access.log")));
    watched.append("access.log", &line(12));
    other.scan().await;
    assert_eq!(watched.look().await, 14);
}

async fn a_rotated_and_packed_log_counts_once(database: Database) {
    let mut watched = Watched::set(database).await;
    watched.write("access.log", lines(0..100));
    assert_eq!(watched.look().await, 100);
    fs::rename(watched.folder.join("access.log"), watched.folder.join("access.log.1")).expect("renamed");
    watched.append("access.log.1", &lines(100..103));
    watched.write("access.log", lines(200..205));
    assert_eq!(watched.look().await, 108, "what came before the server opened the new file counts too");

    watched.write("access.log.1.gz", gzip(&lines(0..103)));
    assert_eq!(watched.look().await, 108);
    fs::remove_file(watched.folder.join("access.log.1")).expect("removed");
    assert_eq!(watched.look().await, 108);

    // Copied, then begun anew under its name.
    watched.append("access.log", &lines(205..260));
    fs::copy(watched.folder.join("access.log"), watched.folder.join("access.log.2")).expect("copied");
    watched.write("access.log", lines(300..302));
    assert_eq!(watched.look().await, 108 + 55 + 2);
    watched.append("access.log", &lines(302..400));
    assert_eq!(watched.look().await, 108 + 55 + 100);
    assert_eq!(watched.troubles(), []);
}

async fn a_log_that_is_rotated_while_it_is_read_counts_once(database: Database) {
    const LINES: i64 = 6_000;
    let mut watched = Watched::set(database).await;
    let (folder, done) = (watched.folder.clone(), std::sync::Arc::new(AtomicBool::new(false)));
    let end = done.clone();
    let writer = std::thread::spawn(move || {
        let log = folder.join("access.log");
        for (turn, first) in (0..LINES).step_by(100).enumerate() {
            OpenOptions::new().create(true).append(true).open(&log).expect("open");
            for n in first..first + 100 {
                let line = line(n);
                let (start, rest) = line.split_at(50);
                append(&log, start);
                append(&log, rest);
            }
            let rotated = folder.join(format!("access.log.{turn}"));
            if turn % 2 == 0 {
                fs::rename(&log, rotated).expect("renamed");
            } else {
                fs::copy(&log, rotated).expect("copied");
                fs::File::create(&log).expect("cut");
            }
        }
        end.store(true, Ordering::Release);
    });
    while !done.load(Ordering::Acquire) {
        watched.watch.scan().await;
    }
    writer.join().expect("written");
    // A file that changed amid a look is read again; what may be a copy waits for one look more.
    let left = async || {
        watched.stage.clock.advance(600_000);
        watched.watch.scan().await;
        requests(&watched.stage).await
    };
    let mut left = left;
    left().await;
    assert_eq!(left().await, LINES);
}

async fn a_copy_that_is_being_made_does_not_count_again(database: Database) {
    let mut watched = Watched::set(database).await;
    let content = lines(0..200);
    let half = lines(0..120);
    watched.write("access.log", &content);
    assert_eq!(watched.look().await, 200);
    watched.write("access.log.1", &half[..half.len() - 7]);
    watched.write("access.log.2.gz", &gzip(&content)[..500]);
    assert_eq!(watched.look().await, 200);
    watched.write("access.log.1", &content);
    watched.write("access.log.2.gz", gzip(&content));
    assert_eq!(watched.look().await, 200);
    assert_eq!(watched.look().await, 200);
    assert_eq!(watched.troubles(), []);
    let imports = watched.stage.console.stats.list_imports(&Actor::cli(), 10).await.expect("imports");
    assert_eq!(imports.len(), 1, "{imports:?}");
}

async fn bad_lines_and_lines_of_the_future_are_told_once(database: Database) {
    let mut watched = Watched::set(database).await;
    let mixed: String = (0..300).map(|n| if n % 100 == 50 { "no request\n".to_owned() } else { line(n) }).collect();
    watched.write("mixed.log", mixed);
    watched.write("future.log", lines(-200_000..-199_990));
    assert_eq!(watched.look().await, 297);
    watched.stage.clock.advance(3 * 86_400_000);
    watched.append("future.log", &line(-200_001));
    assert_eq!(watched.look().await, 298);
    let imports = watched.stage.console.stats.list_imports(&Actor::cli(), 10).await.expect("imports");
    let mut told: Vec<_> = imports
        .iter()
        .map(|import| {
            let name = Path::new(&import.name).file_name().and_then(|name| name.to_str());
            (name.unwrap_or_default(), import.progress.lines, import.progress.bad)
        })
        .collect();
    told.sort_unstable();
    assert_eq!(told, [("future.log", 11, 10), ("mixed.log", 300, 3)]);
}

async fn padding_and_byte_order_marks_are_no_trouble(database: Database) {
    let mut watched = Watched::set(database).await;
    let padded = [gzip(&lines(0..20)), vec![0; 512], gzip(&lines(20..30)), vec![0; 512]].concat();
    watched.write("a.log.gz", padded);
    // A marked file is no packed one: its last line waits until it is written to its end.
    let next = line(40);
    watched.write("b.log", format!("\u{feff}{}{}", lines(30..40), &next[..20]));
    assert_eq!(watched.look().await, 40);
    watched.append("b.log", &next[20..]);
    assert_eq!(watched.look().await, 41);
    assert_eq!(watched.troubles(), []);
    let imports = watched.stage.console.stats.list_imports(&Actor::cli(), 10).await.expect("imports");
    assert!(imports.iter().all(|import| import.progress.bad == 0), "{imports:?}");
}

async fn what_cannot_be_read_stops_nothing_else(database: Database) {
    let mut watched = Watched::set(database).await;
    let packed = gzip(&lines(0..50));
    watched.write("a-cut.log.gz", &packed[..packed.len() / 2]);
    watched.write("b-noise.log", [0x80, 0x81, b'\n'].repeat(50));
    std::os::unix::fs::symlink("c-circle.log", watched.folder.join("c-circle.log")).expect("a link");
    std::os::unix::fs::symlink("nowhere", watched.folder.join("d-gone.log")).expect("a link");
    watched.write("e-good.log", lines(100..110));
    let first = watched.look().await;
    assert!((10..60).contains(&first), "{first}: what the cut file holds, and the good one");
    let names: Vec<_> = watched.troubles().iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["a-cut.log.gz", "b-noise.log", "c-circle.log"]);
    let [(_, cut), (_, noise), (_, circle)] = watched.troubles()[..] else { unreachable!() };
    assert!(cut.starts_with("cannot be read to its end: "), "{cut}");
    assert!(noise.starts_with("the format could not be detected"), "{noise}");
    assert!(circle.starts_with("cannot be read: "), "{circle}");

    watched.write("a-cut.log.gz", packed);
    watched.write("b-noise.log", line(200));
    fs::remove_file(watched.folder.join("c-circle.log")).expect("removed");
    assert_eq!(watched.look().await, 61);
    assert_eq!(watched.look().await, 61);
    assert_eq!(watched.troubles(), []);

    let place = watched.stage.data.path().join("not-there-yet");
    let mut missing = watch(&watched.stage, BTreeMap::new(), LogPlace::Files(place.clone()));
    missing.scan().await;
    assert_eq!(missing.failures().count(), 1);
    fs::create_dir(&place).expect("made");
    fs::write(place.join("access.log"), line(300)).expect("written");
    missing.scan().await;
    assert_eq!(missing.failures().count(), 0);
    assert_eq!(requests(&watched.stage).await, 62);
}

async fn objects_in_a_bucket_count_once(database: Database) {
    let mut store = S3Store::start().await;
    let stage = Stage::set(database, "UTC").await;
    stage.add_domain().await;
    // By the store's clock objects are of now.
    stage.clock.advance(SystemClock.now() - NOW + 3_600_000);
    let objects = store.open("s3://archive").await;
    let put = async |key: &str, content: Vec<u8>| {
        objects.put(&Key::from(key), content.into()).await.expect("stored");
    };
    // Nothing is appended to an object: its last line counts without a line feed.
    put("cdn-logs/2026/one.log", lines(0..40).trim_end().into()).await;
    put("cdn-logs/two.log.gz", gzip(&lines(40..90))).await;
    put("cdn-logs-of-others/three.log", lines(200..300).into()).await;
    put("cdn-logs/half.log.tmp", lines(300..310).into()).await;
    let from = || LogPlace::Bucket { bucket: "archive".to_owned(), folder: "cdn-logs".into() };
    let s3 = || BTreeMap::from([("archive".to_owned(), store.bucket("s3://archive"))]);
    let mut watching = watch(&stage, s3(), from());
    for _ in 0..2 {
        watching.scan().await;
        assert_eq!(watching.failures().collect::<Vec<_>>(), []);
        assert_eq!(requests(&stage).await, 90);
    }
    // Another run fetches only what it does not know.
    put("cdn-logs/2026/one-again.log", lines(0..40).into()).await;
    put("cdn-logs/four.log", lines(90..95).into()).await;
    let mut watching = watch(&stage, s3(), from());
    watching.scan().await;
    assert_eq!(requests(&stage).await, 95);

    store.stop();
    watching.scan().await;
    let troubles: Vec<_> = watching.failures().collect();
    assert!(matches!(troubles[..], [("bucket:archive/cdn-logs", why)] if why.starts_with("cannot be fetched: ")));
}

async fn a_running_console_watches_and_measures(database: Database) {
    let logs = tempfile::tempdir().expect("folder");
    let lines = lines(0..7) + "no request\n" + &line(8).replace(PLAY, "stranger.example.com");
    fs::write(logs.path().join("access.log"), &lines).expect("written");
    let test = TestConsole::start_with(database, |config| {
        let from = LogPlace::Files(logs.path().join("access.log"));
        config.access_logs = vec![WatchedLogs { from, format: Some(Format::NginxJson), domain: None }];
    })
    .await;
    // The console does not know the host yet.
    let figure = |page: &str, result: &str| {
        let name = format!("callsheet_log_lines_total{{format=\"nginx-json\",result=\"{result}\"}} ");
        page.lines().find_map(|line| line.strip_prefix(&name)?.parse::<u64>().ok()).unwrap_or_default()
    };
    let figures = || async {
        let page = reqwest::get(test.url("/metrics")).await.expect("an answer").text().await.expect("text");
        ["counted", "bad", "unknown_host"].map(|result| figure(&page, result))
    };
    until(figures, |figures| *figures == [0, 1, 8]).await;

    test.add_domain().await;
    let key = test.console.keys.create(&Actor::cli(), KeyDraft::new("it", Role::Operator)).await;
    let post = reqwest::Client::new().post(test.url("/api/v1/access-logs")).bearer_auth(key.expect("a key").token);
    let answer = post.body(self::lines(20..25)).send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    assert_eq!(figures().await, [5, 1, 8]);
    test.stop().await;
}
