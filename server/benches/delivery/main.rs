//! How fast, how soon and how fairly events become received callbacks, against the bare work of this machine in the same run.
//!
//! `cargo bench -p callsheet-server -- SCENARIO…` (all without a name); each prints one JSON line, `make bench` keeps them. Seconds of the long
//! scenarios: `CALLSHEET_BENCH_SECONDS` (60). PostgreSQL is measured where `CALLSHEET_TEST_POSTGRES_URL` names one.
//!
//! - `throughput`: durable deliveries a second on SQLite, with the floor of the same minute.
//! - `delay`: from the commit of an event to its arrival, at 1,000 and 5,000 events a second.
//! - `holes`: good addresses beside black holes, against the same without them.
//! - `backlog`: the first answer and the first delivery of a console that starts with a million waiting.
//! - `retention`: deliveries while old ones are removed, against the same without.
//! - `postgres`: one worker and two, and two beside an old open transaction.

mod backlog;
mod baseline;
mod machine;
mod postgres;
mod receiver;
mod scenarios;
mod test_server;

/// Errors are printed, and end the run.
pub(crate) type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Outcome<()> {
    // Cargo adds `--bench`.
    let wanted: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with("--")).collect();
    if wanted.iter().any(|name| name == receiver::ROLE) {
        return receiver::run().await;
    }
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|wanted| wanted == name);
    if is_wanted("throughput") {
        println!("{}", scenarios::throughput().await?);
    }
    if is_wanted("delay") {
        for per_second in [1_000, 5_000] {
            println!("{}", scenarios::delay(per_second).await?);
        }
    }
    if is_wanted("holes") {
        println!("{}", scenarios::holes().await?);
    }
    if is_wanted("backlog") {
        println!("{}", backlog::backlog().await?);
    }
    if is_wanted("retention") {
        println!("{}", backlog::retention().await?);
    }
    match std::env::var("CALLSHEET_TEST_POSTGRES_URL") {
        Ok(server) if is_wanted("postgres") => {
            for (workers, pinned) in [(1, false), (2, false), (2, true)] {
                println!("{}", postgres::throughput(&server, workers, pinned).await?);
            }
        }
        _ => {}
    }
    Ok(())
}
