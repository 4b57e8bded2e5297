//! A console is replaced by a new one while publishers are live, and both run beside each other for a while.

use std::path::Path;

use super::often;
use super::publishers::Publisher;
use super::studio::{Expected, Studio, assert_sessions, left_in};
use crate::support::{Database, until};

/// A bit more than a part.
const SOME: usize = 130;

/// How the old console goes.
enum Going {
    Stops,
    /// It was given too little time to stop.
    IsKilled,
}

async fn replace(studio: &Studio, old_data: &Path, new_data: &Path, going: &Going) {
    let (mut old, mut rtmp) = studio.start_on(old_data);
    let mut publisher = Publisher::start(rtmp, "room_7").await;
    let mut expected = Vec::new();
    for _ in 0..often(1) {
        publisher.more(SOME).await;
        let (new, new_rtmp) = studio.start_on(new_data);
        publisher.more(SOME).await;
        match going {
            Going::Stops => {
                old.signal("-TERM");
                assert!(old.wait().success());
                expected.push(Expected::stopped(publisher.dropped().await));
            }
            Going::IsKilled => {
                old.signal("-KILL");
                old.wait();
                expected.push(Expected::killed(publisher.dropped().await));
            }
        }
        (old, rtmp) = (new, new_rtmp);
        publisher = Publisher::start(rtmp, "room_7").await;
    }
    publisher.more(SOME).await;
    expected.push(Expected::ended(publisher.finish().await));
    let received = studio.until_over(expected.len()).await;
    for folder in [old_data, new_data] {
        until(async || left_in(folder), Vec::is_empty).await;
    }
    studio.end([old]).await;
    assert_sessions(&received, "room_7", &[old_data, new_data], &expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_console_on_the_same_folder_takes_over() {
    let studio = Studio::set(Database::postgres().await, 2).await;
    replace(&studio, studio.data.path(), studio.data.path(), &Going::Stops).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_console_on_another_machine_takes_over() {
    let studio = Studio::set(Database::postgres().await, 2).await;
    let machine = tempfile::tempdir().expect("folder");
    std::fs::copy(studio.data.path().join("secret.key"), machine.path().join("secret.key")).expect("copied");
    replace(&studio, studio.data.path(), machine.path(), &Going::Stops).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_console_left_behind_is_taken_up_by_one_that_runs() {
    let studio = Studio::set(Database::postgres().await, 2).await;
    replace(&studio, studio.data.path(), studio.data.path(), &Going::IsKilled).await;
}
