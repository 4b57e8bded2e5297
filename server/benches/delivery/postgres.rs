//! Workers in processes of their own that share a PostgreSQL; this process takes the reports.

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Instant;

use callsheet_server::config::Roles;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use tokio::process::{Child, Command};
use url::Url;

use crate::Outcome;
use crate::machine::{cpu_seconds, describe, fsyncs, peak_mib};
use crate::receiver::Receiver;
use crate::scenarios::{flood, good, round, seconds, until_received};
use crate::test_server::Stage;

/// Deliveries a second with so many workers; `pinned`: beside a transaction that stays open all the time.
pub(crate) async fn throughput(server: &str, workers: usize, pinned: bool) -> Outcome<Value> {
    let dir = tempfile::tempdir()?;
    let syncs = fsyncs(dir.path())?;
    let name = format!("bench_{:016x}", rand::random::<u64>());
    let mut connection = PgConnection::connect(server).await?;
    connection.execute(AssertSqlSafe(format!("create database {name}"))).await?;
    let mut url = Url::parse(server)?;
    url.set_path(&name);
    let receiver = Receiver::start()?;
    let takes_reports = Roles { web: true, worker: false, ingest: true };
    let stage = Arc::new(Stage::start(dir.path(), url.as_str(), takes_reports, &good(&receiver)).await?);
    let mut old = PgConnection::connect(url.as_str()).await?;
    if pinned {
        old.execute("begin isolation level repeatable read").await?;
        old.execute("select count(*) from queue").await?;
    }
    let mut processes: Vec<Child> = (0..workers).map(|_| worker(dir.path(), url.as_str())).collect::<Outcome<_>>()?;
    let pids: Vec<String> = processes.iter().filter_map(Child::id).map(|id| id.to_string()).collect();
    let cpu = || pids.iter().map(|pid| cpu_seconds(pid)).sum::<f64>() + cpu_seconds("self");
    let (started, before) = (Instant::now(), cpu());
    let per_second = flood(&stage, &receiver, seconds()).await?;
    let (took, cpu, received) = (started.elapsed().as_secs_f64(), cpu() - before, receiver.count());
    let lost = until_received(&stage, &receiver).await?;
    let peak = pids.iter().map(|pid| peak_mib(pid)).max();
    for process in &mut processes {
        process.kill().await?;
    }
    drop(old);
    Arc::into_inner(stage).ok_or("still in use")?.stop().await?;
    connection.execute(AssertSqlSafe(format!("drop database {name} with (force)"))).await?;
    Ok(json!({
        "bench": "postgres", "engine": "postgres", "workers": workers, "openTransaction": pinned, "seconds": took.round(),
        "deliveriesPerSecond": per_second.round(), "lost": lost,
        // Of the consoles; PostgreSQL's own comes on top.
        "cpuSecondsPer10000": round(cpu / received as f64 * 10_000.0), "workerPeakMiB": peak, "machine": describe(syncs),
    }))
}

fn worker(data: &Path, url: &str) -> Outcome<Child> {
    // They end with this process, however that ends.
    let mut command = Command::new(env!("CARGO_BIN_EXE_callsheet"));
    command.args(["serve", "--role", "worker", "--http", "127.0.0.1:0", "--rtmp", "off", "--database-url", url]);
    command.env("CALLSHEET_DATA_DIR", data).env("CALLSHEET_ALLOWED_NETWORKS", "127.0.0.0/8");
    Ok(command.kill_on_drop(true).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?)
}
