//! Workers that share one PostgreSQL die, freeze, join and leave.

use tempfile::TempDir;

use super::{Load, Stage, often};
use crate::support::{Database, Process, until};

/// One process takes reports, others deliver.
struct Team {
    stage: Stage,
    front: Process,
    load: Load,
    workers: Vec<Worker>,
    _data: TempDir,
}

struct Worker {
    process: Process,
    address: String,
}

impl Team {
    /// Two workers, each with its half. `lease`: in seconds.
    async fn start(lease: u32) -> Self {
        let data = tempfile::tempdir().expect("folder");
        let mut stage = Stage::set(Database::postgres().await, data.path()).await;
        stage.lease = lease;
        let (front, address) = stage.serve("web,ingest");
        let mut team = Self { load: stage.publish(&address), stage, front, workers: Vec::new(), _data: data };
        team.join();
        team.join();
        team.shares(&[128, 128]).await;
        team
    }

    fn join(&mut self) {
        let (process, address) = self.stage.serve("worker");
        self.workers.push(Worker { process, address });
    }

    /// How many shards the processes own.
    async fn owned(&self, pids: &[u32]) -> Vec<usize> {
        let mut tables = self.stage.tables().await;
        let mut shares = Vec::new();
        for pid in pids {
            shares.push(tables.share(*pid).await);
        }
        shares
    }

    /// Waits until the workers own so many shards.
    async fn shares(&self, expected: &[usize]) {
        let pids: Vec<u32> = self.workers.iter().map(|worker| worker.process.pid()).collect();
        until(
            || self.owned(&pids),
            |shares| {
                let mut shares = shares.clone();
                shares.sort_unstable();
                shares == expected
            },
        )
        .await;
    }

    /// How many attempts the workers were refused to record.
    async fn refused(&self) -> usize {
        let mut refused = 0;
        for worker in &self.workers {
            refused += counter(&worker.address, "callsheet_refused_attempts_total ").await;
        }
        refused
    }

    async fn end(self) {
        let mut processes: Vec<Process> = self.workers.into_iter().map(|worker| worker.process).collect();
        processes.push(self.front);
        self.stage.end(self.load, processes).await;
    }
}

/// A counter of a process, 0 while it was never raised.
async fn counter(address: &str, name: &str) -> usize {
    let page = reqwest::get(format!("{address}/metrics")).await.expect("an answer").text().await.expect("text");
    let line = page.lines().find_map(|line| line.strip_prefix(name));
    line.map_or(0, |value| value.trim().parse().expect("a number"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_worker_hands_its_share_over() {
    let mut team = Team::start(2).await;
    for kill in 0..often(1) {
        team.stage.witness.more(30).await;
        let killed = team.workers.remove(kill % 2).process;
        killed.signal("-KILL");
        assert_eq!(killed.wait().code(), None, "killed");
        team.shares(&[256]).await;
        team.join();
        team.shares(&[128, 128]).await;
    }
    team.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_worker_is_refused_what_others_have_taken_over() {
    let team = Team::start(2).await;
    for _ in 0..often(1) {
        freeze_the_second(&team).await;
    }
    team.end().await;
}

async fn freeze_the_second(team: &Team) {
    let (first, second) = (&team.workers[0].process, &team.workers[1].process);
    let witness = &team.stage.witness;
    let (paths, refused) = (team.stage.tables().await.paths(second.pid()).await, team.refused().await);
    assert!(paths.iter().any(|path| path.ends_with("/record")), "both have streams to tell of: {paths:?}");
    witness.hold(paths);
    witness.until(|state| state.held().len() >= 3).await;
    second.signal("-STOP");
    witness.hold_no_more();
    let held = witness.watch().borrow().held();
    // The other makes these attempts again.
    let first = [first.pid()];
    until(|| team.owned(&first), |shares| shares == &[256]).await;
    witness.until(|state| held.iter().all(|id| state.is_delivered(id))).await;
    // Some attempts come home while it is frozen, some when it owns its share again.
    witness.release(held.len() / 2, 200);
    second.signal("-CONT");
    team.shares(&[128, 128]).await;
    witness.release(held.len() - held.len() / 2, 500);
    until(|| team.refused(), |now| *now >= refused + held.len()).await;
    witness.more(30).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_that_join_and_leave_share_evenly_and_repeat_nothing() {
    // On a busy machine, too, nobody is late to renew.
    let mut team = Team::start(60).await;
    for _ in 0..often(1) {
        hold_attempts_of_all_recordings(&team).await;
        team.join();
        let third = [team.workers[2].process.pid()];
        until(|| team.owned(&third), |shares| shares[0] > 0).await;
        // It waits for the shards of what is in flight.
        team.stage.witness.accept_held();
        team.shares(&[85, 85, 86]).await;
        hold_attempts_of_all_recordings(&team).await;
        let leaving = team.workers.remove(1).process;
        let pid = leaving.pid();
        leaving.signal("-TERM");
        team.stage.witness.accept_held();
        assert_eq!(leaving.wait().code(), Some(0));
        assert_eq!(team.owned(&[pid]).await, [0], "its share is free at once");
        team.shares(&[128, 128]).await;
    }
    team.stage.witness.more(30).await;
    team.stage.witness.check_nothing_repeated();
    team.end().await;
}

/// Whichever shards change hands now, something is in flight for them.
async fn hold_attempts_of_all_recordings(team: &Team) {
    let records = team.stage.records();
    team.stage.witness.hold(records.clone());
    team.stage.witness.until(|state| state.held_paths().len() == records.len()).await;
}
