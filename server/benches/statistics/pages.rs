//! Measures pages of a server process on a year of usage.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use callsheet::model::{Actor, Role, SystemClock};
use leptos::server_fn::axum::server_fn_paths;
use reqwest::Client;
use serde_json::json;
use tokio::task::JoinSet;

use crate::machine::{describe, fsyncs, peak_mib, quantile};
use crate::year::{Year, add_group, host};
use crate::{Outcome, console, sqlite};

const PER_SECOND: u32 = 200;
const SECONDS: u32 = 10;
/// Number of push domains in the list of domains.
const GROUPS: i64 = 10_000;
const NAME: &str = "bench";
const PASSWORD: &str = "correct horse battery";

pub(crate) async fn run(dir: &Path, year: &Year) -> Outcome<()> {
    let syncs = fsyncs(dir)?;
    let before = console(dir, &sqlite(dir), Arc::new(SystemClock)).await?;
    before.accounts.create_user(&Actor::cli(), NAME, Role::Admin, PASSWORD).await?;
    before.close().await;
    let server = Server::start(dir)?;
    let client = server.sign_in().await?;
    let of_one: Vec<String> = (0..200).map(|n| 1 + n * 7_919 % year.domains).map(host).collect();
    for (name, address) in [
        ("usage, one domain, 30 days", "/statistics/usage?slot=30d&domain="),
        ("usage, all domains, 30 days", "/statistics/usage?slot=30d"),
    ] {
        let pages = of_one
            .iter()
            .map(|host| if address.ends_with('=') { format!("{address}{host}") } else { address.to_owned() });
        server.measure(&client, name, pages.collect(), year.domains, syncs).await?;
    }
    server.stop()?;

    let console = console(dir, &sqlite(dir), Arc::new(SystemClock)).await?;
    for domain in year.domains + 1..=GROUPS {
        add_group(&console, domain).await?;
    }
    console.close().await;
    let server = Server::start(dir)?;
    let client = server.sign_in().await?;
    let list = vec!["/domains".to_owned()];
    server.measure(&client, "list of domains", list, GROUPS.max(year.domains), syncs).await?;
    let usage = vec!["/statistics/usage?slot=30d".to_owned()];
    server.measure(&client, "usage, all domains, 30 days", usage, GROUPS.max(year.domains), syncs).await?;
    server.stop()
}

/// A running server process.
struct Server {
    child: Child,
    url: String,
    /// Memory before the first request.
    idle_mib: u64,
}

impl Server {
    fn command(dir: &Path) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_callsheet"));
        command.env("CALLSHEET_DATA_DIR", dir).env("CALLSHEET_DATABASE_URL", sqlite(dir));
        command
    }

    fn start(dir: &Path) -> Outcome<Self> {
        let mut command = Self::command(dir);
        command.args(["serve", "--http", "127.0.0.1:0", "--rtmp", "off"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let lines = BufReader::new(child.stdout.take().ok_or("no output")?).lines().map_while(Result::ok);
        let url = lines.into_iter().find_map(|line| Some(line[line.find("http://")?..].to_owned()));
        let url = url.ok_or("the console does not start")?;
        let mut server = Self { child, url, idle_mib: 0 };
        server.idle_mib = server.held_mib()?;
        Ok(server)
    }

    async fn sign_in(&self) -> Outcome<Client> {
        // reqwest is built without a TLS provider of its own.
        rustls::crypto::ring::default_provider().install_default().ok();
        let client = Client::builder().cookie_store(true).build()?;
        let path = server_fn_paths().find(|(path, _)| path.ends_with("sign_in")).ok_or("no way in")?.0;
        let login = [("name", NAME), ("password", PASSWORD), ("next", "")];
        client.post(format!("{}{path}", self.url)).form(&login).send().await?.error_for_status()?;
        Ok(client)
    }

    /// Requests pages at a fixed rate, without waiting for earlier responses.
    async fn measure(&self, client: &Client, name: &str, pages: Vec<String>, domains: i64, syncs: f64) -> Outcome<()> {
        let pid = self.child.id().to_string();
        let before = self.held_mib()?;
        let (started, every) = (Instant::now(), Duration::from_secs(1) / PER_SECOND);
        let mut asked = JoinSet::new();
        for n in 0..PER_SECOND * SECONDS {
            let due = started + every * n;
            tokio::time::sleep_until(due.into()).await;
            let page = &pages[usize::try_from(n)? % pages.len()];
            let request = client.get(format!("{}{page}", self.url)).send();
            asked.spawn(async move {
                let mut response = request.await?.error_for_status()?;
                // The first chunk includes the head of the page.
                let first = response.chunk().await?.map_or(0, |chunk| chunk.len());
                let first_byte = due.elapsed();
                let mut bytes = first;
                while let Some(chunk) = response.chunk().await? {
                    bytes += chunk.len();
                }
                Ok::<_, reqwest::Error>((first_byte, due.elapsed(), bytes))
            });
        }
        let (mut first, mut whole, mut bytes) = (Vec::new(), Vec::new(), 0);
        while let Some(answer) = asked.join_next().await {
            let (first_byte, all, length) = answer??;
            first.push(u64::try_from(first_byte.as_micros())?);
            whole.push(u64::try_from(all.as_micros())?);
            bytes = bytes.max(length);
        }
        first.sort_unstable();
        whole.sort_unstable();
        let ms = |sorted: &[u64], share| quantile(sorted, share) as f64 / 1000.0;
        println!(
            "{}",
            json!({
                "bench": "pages", "page": name, "domains": domains, "requestsPerSecond": PER_SECOND,
                "firstByteP50Ms": ms(&first, 0.5), "firstByteP99Ms": ms(&first, 0.99), "wholeP50Ms": ms(&whole, 0.5),
                "wholeP99Ms": ms(&whole, 0.99), "pageKiB": bytes >> 10, "memoryIdleMiB": self.idle_mib, "memoryBeforeMiB": before, "memoryPeakMiB": peak_mib(&pid),
                "machine": describe(syncs),
            })
        );
        Ok(())
    }

    /// Returns the current memory, and resets the peak.
    fn held_mib(&self) -> Outcome<u64> {
        let pid = self.child.id().to_string();
        std::fs::write(format!("/proc/{pid}/clear_refs"), "5")?;
        Ok(peak_mib(&pid))
    }

    fn stop(mut self) -> Outcome<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}
