//! An import that is killed again and again.

use std::fmt::Write;
use std::process::Stdio;
use std::sync::Arc;

use callsheet::domains::NewDomain;
use callsheet::model::{Actor, SystemClock};
use callsheet::stats::{Metric, TimeRange, UsageQuery};

use crate::support::{DOMAIN, Database, PLAY, callsheet, on_both_databases, use_cases_in};

on_both_databases!(an_import_that_is_killed_goes_on_where_it_was);

/// Each line in a point of its own, so that a batch is full after 100,000 of them.
const LINES: i64 = 350_000;
/// 2020-01-01.
const FIRST: i64 = 1_577_836_800;

async fn an_import_that_is_killed_goes_on_where_it_was(database: Database) {
    let data = tempfile::tempdir().expect("folder");
    let console = use_cases_in(&database, Arc::new(SystemClock), data.path()).await;
    let actor = Actor::cli();
    console.domains.create(&actor, NewDomain::parse(DOMAIN, &[PLAY]).expect("a domain")).await.expect("created");
    let mut log = String::new();
    for n in 0..LINES {
        let time = FIRST + n * 300;
        let line =
            writeln!(log, r#"{{"msec":{time}.000,"host":"{PLAY}","status":200,"bytes_sent":{n},"request_time":0}}"#);
        line.expect("in memory");
    }
    let file = data.path().join("long.log");
    std::fs::write(&file, log).expect("written");

    let mut killed = 0;
    loop {
        let before = taken(&console).await;
        let mut command = callsheet(data.path(), database.url());
        command.args(["import", "access-log"]).arg(&file).stdout(Stdio::null()).stderr(Stdio::null());
        let mut process = command.spawn().expect("the binary runs");
        let ended = loop {
            if let Some(status) = process.try_wait().expect("a child") {
                break Some(status);
            }
            if taken(&console).await > before {
                process.kill().expect("killed");
                process.wait().expect("gone");
                break None;
            }
        };
        match ended {
            Some(status) => {
                assert!(status.success(), "{status}");
                break;
            }
            None => killed += 1,
        }
    }
    assert!(killed >= 3, "killed {killed} times");
    let slot = TimeRange { from: FIRST, to: FIRST + LINES * 300 };
    let query = UsageQuery {
        metric: Metric::Traffic,
        domains: vec![PLAY.to_owned()],
        range: slot,
        granularity: None,
        compare: false,
    };
    let view = console.stats.usage(&actor, query).await.expect("figures");
    assert_eq!(view.cards.traffic.now, LINES * (LINES - 1) / 2);
    assert_eq!(view.top[0].requests, LINES);
    let [import] = &console.stats.list_imports(&actor, 10).await.expect("imports")[..] else { panic!("one import") };
    assert_eq!((import.progress.lines, import.progress.bad), (LINES, 0));
    console.close().await;
}

async fn taken(console: &callsheet::Console) -> i64 {
    let imports = console.stats.list_imports(&Actor::cli(), 1).await.expect("imports");
    imports.first().map_or(0, |import| import.progress.taken)
}
