//! PostgreSQL crashes under the console, again and again, and comes back.

use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStdout, Command, Stdio};

use super::{Stage, moment, often};
use crate::support::Database;

const WITH_POSTGRES: &str = "../.ci/with-postgres.sh";

/// A PostgreSQL of one test's own, that keeps what it has committed.
pub(super) struct Cluster {
    /// It lives until its standard input ends.
    script: Child,
    folder: String,
    pub(super) url: String,
}

impl Cluster {
    pub(super) fn start() -> Self {
        let tell = "echo $CALLSHEET_TEST_POSTGRES_CLUSTER; echo $CALLSHEET_TEST_POSTGRES_URL; cat";
        let mut command = Command::new(WITH_POSTGRES);
        command.args(["--durable", "sh", "-c", tell]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut script = command.spawn().expect("the script runs");
        let mut lines = BufReader::new(script.stdout.take().expect("piped")).lines();
        let line = |lines: &mut Lines<BufReader<ChildStdout>>| lines.next().expect("a line").expect("read");
        let (folder, url) = (line(&mut lines), line(&mut lines));
        Self { script, folder, url }
    }

    pub(super) fn crash(&self) {
        self.tell("--crash");
    }

    pub(super) fn come_back(&self) {
        self.tell("--start");
    }

    fn tell(&self, what: &str) {
        assert!(Command::new(WITH_POSTGRES).args([what, &self.folder]).status().expect("the script runs").success());
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.script.stdin.take());
        self.script.wait().ok();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_of_the_database_loses_nothing() {
    let cluster = Cluster::start();
    let data = tempfile::tempdir().expect("folder");
    let stage = Stage::set(Database::at(&cluster.url), data.path()).await;
    let (process, address) = stage.serve("all");
    let load = stage.publish(&address);
    for crash in 0..often(5) {
        stage.witness.more(moment(crash)).await;
        cluster.crash();
        if crash % 5 == 0 {
            load.turned_away(1).await;
        }
        cluster.come_back();
        stage.tables().await.check().await;
    }
    stage.end(load, vec![process]).await;
}
