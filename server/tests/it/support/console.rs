//! A console in this process.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use callsheet::deliveries::{DeliveryDetail, RetrySchedule};
use callsheet::domains::NewDomain;
use callsheet::model::{Actor, CallbackKind, Clock, DeliveryId, SystemClock};
use callsheet::recordings::{RecordingChange, RecordingSettings};
use callsheet::{Console, Retention};
use callsheet_server::assets::Assets;
use callsheet_server::config::{Config, Roles};
use callsheet_server::startup::{Application, open_console};
use jiff::tz::TimeZone;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::{Database, PATIENCE, Receiver};

/// The push domain of most tests, and its play domain.
pub(crate) const DOMAIN: &str = "push.example.com";
pub(crate) const PLAY: &str = "play.example.com";

/// Every port is a free one; deliveries may go to this machine, and are tried once a second.
fn config(data_dir: &Path, database: &Database) -> Config {
    let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
    Config {
        data_dir: data_dir.to_owned(),
        http: anywhere,
        api_rate_limit: 0,
        trusted_proxies: vec!["127.0.0.0/8".parse().expect("a network")],
        rtmp: Some(anywhere),
        database_url: database.url().to_owned(),
        roles: Roles { web: true, worker: true, ingest: true },
        time_zone: TimeZone::UTC,
        retry_schedule: schedule(&[&[0][..], &[1; 30]].concat()),
        order_hold_ms: 60_000,
        allowed_networks: vec!["127.0.0.0/8".parse().expect("a network")],
        part_seconds: 1800,
        session_grace_ms: 5_000,
        retention: Retention { days: 30, attempt_body_days: 7, audit_days: 365 },
        lease: Duration::from_secs(10),
        cnames: Default::default(),
        buckets: Default::default(),
        access_logs: Vec::new(),
        classes: Default::default(),
        shown: Default::default(),
        public_url: None,
        provider: None,
    }
}

pub(crate) fn schedule(seconds: &[u32]) -> RetrySchedule {
    RetrySchedule::parse(seconds.to_vec()).expect("a schedule")
}

/// The use cases alone, at a time of one's own. Returns the folder that they need.
pub(crate) async fn use_cases(database: &Database, clock: Arc<dyn Clock>) -> (Console, TempDir) {
    let data = tempfile::tempdir().expect("folder");
    (use_cases_in(database, clock, data.path()).await, data)
}

/// The use cases on the data of a console.
pub(crate) async fn use_cases_in(database: &Database, clock: Arc<dyn Clock>, data: &Path) -> Console {
    use_cases_with(database, clock, data, |_| {}).await
}

/// The use cases with settings of one's own.
pub(crate) async fn use_cases_with(
    database: &Database,
    clock: Arc<dyn Clock>,
    data: &Path,
    change: impl FnOnce(&mut Config),
) -> Console {
    let mut config = config(data, database);
    change(&mut config);
    open_console(&config, clock).await.expect("the use cases")
}

/// A serving console with its data.
pub(crate) struct TestConsole {
    pub(crate) console: Console,
    pub(crate) http: SocketAddr,
    pub(crate) rtmp: SocketAddr,
    pub(crate) data: TempDir,
    pub(crate) database: Database,
    shutdown: CancellationToken,
    serving: JoinHandle<std::io::Result<()>>,
}

impl TestConsole {
    pub(crate) async fn start(database: Database) -> Self {
        Self::start_with(database, |_| {}).await
    }

    /// Starts with settings of one's own.
    pub(crate) async fn start_with(database: Database, change: impl FnOnce(&mut Config)) -> Self {
        Self::start_on(tempfile::tempdir().expect("folder"), database, Arc::new(SystemClock), change).await
    }

    /// Starts at a time of one's own.
    pub(crate) async fn start_at(database: Database, clock: Arc<dyn Clock>, change: impl FnOnce(&mut Config)) -> Self {
        Self::start_on(tempfile::tempdir().expect("folder"), database, clock, change).await
    }

    /// Starts on the data of another.
    pub(crate) async fn start_on(
        data: TempDir,
        database: Database,
        clock: Arc<dyn Clock>,
        change: impl FnOnce(&mut Config),
    ) -> Self {
        Self::start_with_assets(data, database, clock, Assets::default(), change).await
    }

    /// Starts with static files for its pages.
    pub(crate) async fn start_with_assets(
        data: TempDir,
        database: Database,
        clock: Arc<dyn Clock>,
        assets: Assets,
        change: impl FnOnce(&mut Config),
    ) -> Self {
        let mut config = config(data.path(), &database);
        change(&mut config);
        let application = Application::build(config, clock, assets).await.expect("the console starts");
        let shutdown = CancellationToken::new();
        Self {
            console: application.console().clone(),
            http: application.http_address().expect("an address"),
            rtmp: application.rtmp_address().expect("an address"),
            data,
            database,
            serving: tokio::spawn(application.run(shutdown.clone())),
            shutdown,
        }
    }

    /// Stops, and starts anew on the same data.
    pub(crate) async fn restart(self) -> Self {
        let (data, database) = self.stop().await;
        Self::start_on(data, database, Arc::new(SystemClock), |_| {}).await
    }

    /// Stops as at SIGTERM.
    pub(crate) async fn stop(self) -> (TempDir, Database) {
        self.shutdown.cancel();
        let stopped = timeout(PATIENCE, self.serving).await.expect("stops in time").expect("no panic");
        stopped.expect("served until the end");
        (self.data, self.database)
    }

    /// An address of this console.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.http)
    }

    /// Where the forms of a server function post to.
    pub(crate) fn function(&self, name: &str) -> String {
        let mut paths = leptos::server_fn::axum::server_fn_paths();
        paths.find(|(path, _)| path.rsplit('/').next() == Some(name)).expect("a server function").0.to_owned()
    }

    /// Adds the push domain [`DOMAIN`].
    pub(crate) async fn add_domain(&self) {
        let new = NewDomain::parse(DOMAIN, &[PLAY]).expect("a domain");
        self.console.domains.create(&Actor::cli(), new).await.expect("created");
    }

    /// Turns a callback of [`DOMAIN`] on, to `address`; answers with its secret.
    pub(crate) async fn turn_on(&self, kind: CallbackKind, address: &str) -> String {
        let callbacks = &self.console.callbacks;
        let cli = Actor::cli();
        callbacks.set_address(&cli, DOMAIN, kind, address).await.expect("an address");
        callbacks.set_enabled(&cli, DOMAIN, kind, true).await.expect("on");
        callbacks.rotate_secret(&cli, DOMAIN, kind, 24).await.expect("a secret").0.expose().to_owned()
    }

    /// Adds [`DOMAIN`] with both callbacks on, to one receiver; answers with their secrets.
    pub(crate) async fn send_all_to(&self, receiver: &Receiver) -> (String, String) {
        self.add_domain().await;
        let publish = self.turn_on(CallbackKind::Publish, &receiver.url("/publish")).await;
        (publish, self.turn_on(CallbackKind::Record, &receiver.url("/record")).await)
    }

    /// Turns recording of [`DOMAIN`] on, into the bucket `tapes`.
    pub(crate) async fn record(&self, part_seconds: i64) {
        let settings = RecordingSettings { enabled: true, part_seconds, bucket: "tapes".to_owned() };
        let change = RecordingChange::parse(settings).expect("settings");
        self.console.recordings.put(&Actor::cli(), DOMAIN, &change).await.expect("recording");
    }

    pub(crate) async fn delivery(&self, id: &str) -> DeliveryDetail {
        let id: DeliveryId = id.parse().expect("a delivery's id");
        self.console.deliveries.get(&Actor::cli(), id).await.expect("a delivery")
    }

    /// Waits until a delivery fits: attempts are written down after their answer has come.
    pub(crate) async fn delivery_until(&self, id: &str, fits: impl Fn(&DeliveryDetail) -> bool) -> DeliveryDetail {
        let look = async {
            loop {
                let detail = self.delivery(id).await;
                if fits(&detail) {
                    return detail;
                }
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        };
        match timeout(PATIENCE, look).await {
            Ok(detail) => detail,
            Err(_) => panic!("still waiting for {:#?}", self.delivery(id).await),
        }
    }
}
