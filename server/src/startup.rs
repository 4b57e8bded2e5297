//! Start-up and shutdown of the process. `main` and the tests use the same code.

use std::fs::{DirBuilder, File};
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use callsheet::accounts::{AccountError, Provider, ProviderSetupError};
use callsheet::model::{Clock, IdGenerator};
use callsheet::outbound::{AddressPolicy, DnsError, Outbound, OutboundConfig, SystemResolver, TlsSetupError};
use callsheet::sealing::{SealError, Sealer};
use callsheet::sources::SourceError;
use callsheet::stats::StatsDb;
use callsheet::stats::calendar::Calendar;
use callsheet::storage::{Db, OpenError};
use callsheet::{Console, ConsoleParts};
use callsheet_app::RtmpPort;
use leptos::config::LeptosOptions;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::assets::Assets;
use crate::buckets::Buckets;
use crate::config::Config;
use crate::http::AppState;
use crate::http::rate_limit::RateLimits;
use crate::http::router::{Serves, router};
use crate::http::serve::serve;
use crate::ingest_source::IngestSource;
use crate::jobs::{
    AccessLogWatcher, DeliveryLoop, Loops, Pulse, clean_up, deliver, enforce, every, forget_attempts, hold_streams,
    reap, recover, take_inventory, watch_access_logs, write_key_uses,
};
#[cfg(feature = "ingest-rtmp")]
use crate::rtmp::{ListenError, RtmpConfig, RtmpIngest};

/// File in the data folder with the keys of all stored secrets.
pub(crate) const KEY_FILE: &str = "secret.key";
/// Time for requests and attempts in flight to finish at shutdown.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(10);
const METRICS_UPKEEP: Duration = Duration::from_secs(5);
/// Deadline for a new RTMP connection to have a publish accepted.
#[cfg(feature = "ingest-rtmp")]
const RTMP_PUBLISH_WITHIN: Duration = Duration::from_secs(10);
/// Time without media after which a publisher is disconnected.
#[cfg(feature = "ingest-rtmp")]
const RTMP_IDLE: Duration = Duration::from_secs(30);
/// Time for which the upload of a part is retried.
#[cfg(feature = "ingest-rtmp")]
const RTMP_UPLOAD_FOR: Duration = Duration::from_secs(7 * 86_400);
#[cfg(feature = "ingest-rtmp")]
const RTMP_HEARTBEAT: Duration = Duration::from_secs(10);

/// A failed start. Each text is one line for the administrator.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("data_dir: cannot create the folder {path}: {source}")]
    DataDir { path: PathBuf, source: std::io::Error },
    #[error("http: port {port} is in use: another program listens on {0}, or this console is already running", port = .0.port())]
    PortInUse(SocketAddr),
    #[error("http: cannot listen on {address}: {source}")]
    Http { address: SocketAddr, source: std::io::Error },
    #[cfg(feature = "ingest-rtmp")]
    #[error("rtmp: {0}")]
    Rtmp(#[from] ListenError),
    #[cfg(not(feature = "ingest-rtmp"))]
    #[error("rtmp: this build has no RTMP ingest; start with --rtmp off")]
    NoRtmp,
    #[error("database_url: {0}")]
    Database(#[from] OpenError),
    #[error("data_dir: {0}")]
    Key(#[from] SealError),
    #[error("cannot read the DNS settings of this machine: {0}")]
    Dns(#[from] DnsError),
    #[error("cannot set up TLS: {0}")]
    Tls(#[from] TlsSetupError),
    #[error("oidc_issuer: {0}")]
    Provider(#[from] ProviderSetupError),
    #[error("cannot prepare the built-in source: {0}")]
    Source(#[from] SourceError),
    #[error("cannot create the set-up link: {0}")]
    Setup(#[from] AccountError),
    #[error("cannot set up metrics: {0}")]
    Metrics(String),
}

/// A console that listens but does not serve requests yet.
pub struct Application {
    console: Console,
    config: Config,
    buckets: Buckets,
    listener: TcpListener,
    ingest: Option<Box<dyn IngestSource>>,
    state: AppState,
    setup_token: Option<String>,
}

/// Opens and migrates the configured database and returns the use cases. Every command starts with this.
pub async fn open_console(config: &Config, clock: Arc<dyn Clock>) -> Result<Console, StartError> {
    let data_dir = |source| StartError::DataDir { path: config.data_dir.clone(), source };
    // Private, because it holds password hashes, push tokens and the key of all secrets.
    DirBuilder::new().recursive(true).mode(0o700).create(&config.data_dir).map_err(data_dir)?;
    let sealer = Sealer::open(&config.data_dir.join(KEY_FILE))?;
    let ids = Arc::new(IdGenerator::default());
    let db = Db::open(&config.database_url, ids.clone()).await?;
    // Commands may run beside a server, and SQLite cannot lock a whole migration.
    let lock = config.data_dir.join("migrate.lock");
    let lock = tokio::task::spawn_blocking(move || {
        let file = File::options().create(true).truncate(false).write(true).open(lock)?;
        file.lock().map(|()| file)
    });
    let lock = lock.await.map_err(std::io::Error::other).flatten().map_err(data_dir)?;
    db.migrate().await?;
    let stats_db = StatsDb::open(&db, &config.data_dir, Calendar::new(config.time_zone.clone()))?;
    stats_db.migrate().await?;
    drop(lock);
    db.continue_ids().await?;
    let policy = AddressPolicy::new(config.allowed_networks.clone());
    let resolver = Arc::new(SystemResolver::new()?);
    let outbound = Outbound::new(policy.clone(), OutboundConfig { resolver, extra_roots: Vec::new() })?;
    Ok(Console::new(ConsoleParts {
        db,
        stats_db,
        clock,
        ids,
        sealer,
        policy,
        outbound: Arc::new(outbound),
        schedule: config.retry_schedule.clone(),
        zone: config.time_zone.clone(),
        session_grace: config.session_grace_ms,
        part_seconds: config.part_seconds,
        cnames: config.cnames.clone(),
        retention: config.retention,
        classes: config.classes.clone(),
        shown: config.shown,
        buckets: config.buckets.keys().cloned().collect(),
        public_url: config.public_url.clone(),
        provider: config.provider.clone().map(Provider::new).transpose()?,
    }))
}

impl Application {
    /// Opens the database, binds the ports and prepares everything, without serving requests yet.
    pub async fn build(config: Config, clock: Arc<dyn Clock>, assets: Assets) -> Result<Self, StartError> {
        let console = open_console(&config, clock.clone()).await?;
        let listener = TcpListener::bind(config.http).await.map_err(|source| match source.kind() {
            std::io::ErrorKind::AddrInUse => StartError::PortInUse(config.http),
            _ => StartError::Http { address: config.http, source },
        })?;
        let buckets = Buckets::new(&config.data_dir, config.buckets.clone());
        let ingest = match config.rtmp.filter(|_| config.roles.ingest) {
            Some(listen) => Some(bind_rtmp(&console, &config, listen, buckets.clone(), clock).await?),
            None => None,
        };
        // The ingest may run in another process with the same settings.
        let rtmp_port = ingest.as_ref().map(|ingest| ingest.local_addr()).or(config.rtmp).map(|at| at.port());
        let setup_token = if config.roles.web { console.accounts.setup_token().await? } else { None };
        let state = AppState {
            console: console.clone(),
            leptos: leptos_options(&assets),
            assets: Arc::new(assets),
            metrics: metrics_handle()?,
            rtmp: RtmpPort(rtmp_port),
            trusted_proxies: config.trusted_proxies.as_slice().into(),
            data_dir: config.data_dir.as_path().into(),
            limits: RateLimits::new(config.api_rate_limit, console.clock.clone()),
            loops: Loops::new(console.clock.clone()),
        };
        Ok(Self { console, config, buckets, listener, ingest, state, setup_token })
    }

    /// Returns the HTTP address, with the real port if port 0 was configured.
    pub fn http_address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Returns the address of the built-in ingest.
    #[must_use]
    pub fn rtmp_address(&self) -> Option<SocketAddr> {
        self.ingest.as_ref().map(|ingest| ingest.local_addr())
    }

    /// Returns the one-time token that creates the first admin; `None` once there is a user.
    #[must_use]
    pub fn setup_token(&self) -> Option<&str> {
        self.setup_token.as_deref()
    }

    /// Returns the use cases.
    #[must_use]
    pub fn console(&self) -> &Console {
        &self.console
    }

    /// Serves until `shutdown`, then finishes requests and attempts in flight.
    pub async fn run(self, shutdown: CancellationToken) -> std::io::Result<()> {
        let Self { console, config, buckets, listener, ingest, state, .. } = self;
        // Sources stop first, so that their last reports are still delivered. Loops stop after the last requests.
        let (sources, rest) = (shutdown.child_token(), CancellationToken::new());
        let (tasks, loops) = (TaskTracker::new(), TaskTracker::new());
        if let Some(ingest) = ingest {
            start_ingest_loops(&console, &*ingest, &state.loops, &loops, &rest);
            tasks.spawn(ingest.run(Arc::new(console.streams.clone()), sources));
        }
        start_loops(&console, &config, &buckets, &state, &loops, &rest);
        let supervised = state.loops.clone();
        let serves = Serves { web: config.roles.web, ingest: config.roles.ingest };
        let trusted_proxies = Arc::clone(&state.trusted_proxies);
        let mut http = tokio::spawn(serve(listener, router(state, serves), trusted_proxies, shutdown.clone()));
        let mut gave_up = false;
        let ended_early = tokio::select! {
            () = shutdown.cancelled() => None,
            ended = &mut http => Some(ended),
            () = supervised.gave_up() => {
                shutdown.cancel();
                gave_up = true;
                None
            }
        };
        shutdown.cancel();
        tasks.close();
        loops.close();
        let finish = async {
            tasks.wait().await;
            rest.cancel();
            loops.wait().await;
            if ended_early.is_none() {
                let _ = (&mut http).await;
            }
        };
        if tokio::time::timeout(SHUTDOWN_GRACE, finish).await.is_err() {
            tracing::warn!("shutdown timed out after 10 s; the next start repeats unfinished work");
            http.abort();
        }
        console.close().await;
        match ended_early {
            Some(Err(error)) => Err(std::io::Error::other(error)),
            _ if gave_up => Err(std::io::Error::other("a background loop failed repeatedly; see the log")),
            _ => Ok(()),
        }
    }
}

/// Starts the loops beside the built-in ingest.
fn start_ingest_loops(
    console: &Console,
    ingest: &dyn IngestSource,
    supervisor: &Loops,
    loops: &TaskTracker,
    shutdown: &CancellationToken,
) {
    let (streams, publishers, boot) = (console.streams.clone(), ingest.publishers(), ingest.boot().to_owned());
    let disconnects = {
        let (streams, publishers, boot) = (streams.clone(), publishers.clone(), boot.clone());
        move |pulse, shutdown| enforce(streams.clone(), publishers.clone(), boot.clone(), pulse, shutdown)
    };
    loops.spawn(supervisor.clone().supervise("disconnects", shutdown.clone(), disconnects));
    let leases =
        move |pulse, shutdown| hold_streams(streams.clone(), publishers.clone(), boot.clone(), pulse, shutdown);
    loops.spawn(supervisor.clone().supervise("stream leases", shutdown.clone(), leases));
}

/// Starts the loops of the configured roles.
fn start_loops(
    console: &Console,
    config: &Config,
    buckets: &Buckets,
    state: &AppState,
    loops: &TaskTracker,
    shutdown: &CancellationToken,
) {
    // Starts a loop with its own copies of the variables that it uses.
    macro_rules! supervise {
        ($name:literal, [$($variable:ident = $value:expr),*], |$pulse:ident, $shutdown:ident| $run:expr) => {{
            $(let $variable = $value.clone();)*
            loops.spawn(state.loops.clone().supervise($name, shutdown.clone(), move |$pulse, $shutdown| {
                $(let $variable = $variable.clone();)*
                $run
            }))
        }};
    }
    supervise!("metrics", [metrics = state.metrics], |pulse, shutdown| keep_up_metrics(metrics, pulse, shutdown));
    if config.roles.worker {
        let parts = DeliveryLoop {
            sender: console.delivery_sender.clone(),
            db: console.db.clone(),
            clock: console.clock.clone(),
            order_hold: config.order_hold_ms,
            lease: config.lease,
        };
        supervise!("deliveries", [parts = parts], |pulse, shutdown| deliver(parts, pulse, shutdown));
        supervise!("sessions", [streams = console.streams, clock = console.clock], |pulse, shutdown| {
            reap(streams, clock, pulse, shutdown)
        });
        supervise!("recoveries", [recoveries = console.recoveries], |pulse, shutdown| {
            recover(recoveries, pulse, shutdown)
        });
        supervise!("clean-up", [console = console], |pulse, shutdown| clean_up(console, pulse, shutdown));
        for logs in &config.access_logs {
            supervise!(
                "access logs",
                [console = console, buckets = buckets, folder = config.data_dir, logs = logs],
                |pulse, shutdown| watch_access_logs(
                    AccessLogWatcher::new(console, buckets, folder, logs),
                    pulse,
                    shutdown
                )
            );
        }
    }
    if config.roles.web {
        supervise!("key uses", [keys = console.keys], |pulse, shutdown| write_key_uses(keys, pulse, shutdown));
        supervise!("limits", [accounts = console.accounts, limits = state.limits], |pulse, shutdown| {
            forget_attempts(accounts, limits, pulse, shutdown)
        });
    }
    if config.roles.ingest {
        supervise!("inventory", [stats = console.stats, buckets = buckets], |pulse, shutdown| {
            take_inventory(stats, buckets, pulse, shutdown)
        });
    }
    loops.spawn(state.loops.clone().watch(shutdown.clone()));
}

#[cfg(not(feature = "ingest-rtmp"))]
async fn bind_rtmp(
    _: &Console,
    _: &Config,
    _: SocketAddr,
    _: Buckets,
    _: Arc<dyn Clock>,
) -> Result<Box<dyn IngestSource>, StartError> {
    Err(StartError::NoRtmp)
}

#[cfg(feature = "ingest-rtmp")]
async fn bind_rtmp(
    console: &Console,
    config: &Config,
    listen: SocketAddr,
    buckets: Buckets,
    clock: Arc<dyn Clock>,
) -> Result<Box<dyn IngestSource>, StartError> {
    let source = console.sources.built_in().await?;
    let ingest = RtmpIngest::bind(RtmpConfig {
        listen,
        source,
        // Several processes may start at the same time.
        boot: format!("{:x}{:08x}", clock.now(), rand::random::<u32>()),
        data_dir: config.data_dir.clone(),
        buckets,
        time_zone: config.time_zone.clone(),
        publish_within: RTMP_PUBLISH_WITHIN,
        idle_timeout: RTMP_IDLE,
        upload_for: RTMP_UPLOAD_FOR,
        heartbeat: RTMP_HEARTBEAT,
        clock,
    })
    .await?;
    Ok(Box::new(ingest))
}

fn leptos_options(assets: &Assets) -> LeptosOptions {
    LeptosOptions::builder()
        .output_name(assets.application())
        .site_pkg_dir("pkg")
        .server_fn_prefix("/_fn".to_owned())
        .disable_server_fn_hash(true)
        .server_fn_mod_path(true)
        .build()
}

/// Discards old samples, which would otherwise accumulate until the next scrape.
async fn keep_up_metrics(metrics: PrometheusHandle, pulse: Pulse, shutdown: CancellationToken) {
    every(METRICS_UPKEEP, &pulse, &shutdown, || {
        metrics.run_upkeep();
        std::future::ready(())
    })
    .await;
}

/// Returns the recorder of the process. Tests build several applications in one process.
fn metrics_handle() -> Result<PrometheusHandle, StartError> {
    static HANDLE: std::sync::OnceLock<PrometheusHandle> = std::sync::OnceLock::new();
    if let Some(handle) = HANDLE.get() {
        return Ok(handle.clone());
    }
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    if HANDLE.set(handle.clone()).is_ok() {
        metrics::set_global_recorder(recorder).map_err(|e| StartError::Metrics(e.to_string()))?;
    }
    Ok(handle)
}
