//! The whole console is killed, again and again.

use super::{Stage, moment, often};
use crate::support::{Database, on_both_databases};

on_both_databases!(a_killed_console_loses_nothing);

async fn a_killed_console_loses_nothing(database: Database) {
    let data = tempfile::tempdir().expect("folder");
    let stage = Stage::set(database, data.path()).await;
    let (mut process, address) = stage.serve("all");
    let load = stage.publish(&address);
    for kill in 0..often(20) {
        stage.witness.more(moment(kill)).await;
        process.signal("-KILL");
        assert_eq!(process.wait().code(), None, "killed");
        stage.tables().await.check().await;
        let address;
        (process, address) = stage.serve("all");
        load.moved_to(address);
    }
    assert!(load.counts().unanswered > 0, "the console was killed while reports came in");
    stage.end(load, vec![process]).await;
}
