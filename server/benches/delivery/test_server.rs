//! A console in this process, with domains whose publish callbacks go to given addresses, and publishes reported to it.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use callsheet::Console;
use callsheet::callbacks::CallbackSettings;
use callsheet::domains::NewDomain;
use callsheet::model::{Actor, CallbackKind, SourceId, SystemClock};
use callsheet::streams::{Admitted, IngestSink, PushRequest, SessionKey, SourceEvent};
use callsheet_server::assets::Assets;
use callsheet_server::config::{Config, Overrides, Roles};
use callsheet_server::startup::Application;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::Outcome;

/// A console that runs.
pub(crate) struct Stage {
    pub(crate) console: Console,
    /// What a publish to each domain is admitted as.
    admitted: Vec<Admitted>,
    pub(crate) http: SocketAddr,
    shutdown: CancellationToken,
    server: JoinHandle<std::io::Result<()>>,
}

impl Stage {
    /// `database`: its URL. One domain for each address.
    pub(crate) async fn start(dir: &Path, database: &str, roles: Roles, addresses: &[String]) -> Outcome<Self> {
        let application =
            Application::build(config(dir, database, roles)?, Arc::new(SystemClock), Assets::default()).await?;
        let (console, http) = (application.console().clone(), application.http_address()?);
        let mut admitted = Vec::new();
        for (n, address) in addresses.iter().enumerate() {
            admitted.push(domain(&console, n, address).await?);
        }
        let shutdown = CancellationToken::new();
        let server = tokio::spawn(application.run(shutdown.clone()));
        Ok(Self { console, admitted, http, shutdown, server })
    }

    /// Reports that the publish number `n` began, or that it is done; returns after the commit.
    pub(crate) async fn report(&self, n: u64, done: bool) -> Outcome<()> {
        let domain = usize::try_from(n)? % self.admitted.len();
        let key = SessionKey { source: SourceId(1), boot: "bench".to_owned(), key: n.to_string() };
        let at = self.console.clock.now();
        let hint = match done {
            true => SourceEvent::Ended { at, failure: None },
            false => {
                let stream = callsheet::model::StreamName::parse(&format!("room_{n}")).map_err(|e| e.to_string())?;
                SourceEvent::Started { at, push: Admitted { stream, ..self.admitted[domain].clone() } }
            }
        };
        Ok(self.console.streams.report(&key, hint).await?)
    }

    /// Ends it as SIGTERM does.
    pub(crate) async fn stop(self) -> Outcome<()> {
        self.shutdown.cancel();
        Ok(self.server.await??)
    }
}

fn config(dir: &Path, database: &str, roles: Roles) -> Outcome<Config> {
    let mut config = Config::load(&Overrides::default())?;
    config.data_dir = dir.to_path_buf();
    config.database_url = database.to_owned();
    config.http = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    config.rtmp = None;
    config.roles = roles;
    config.session_grace_ms = 0;
    config.lease = Duration::from_secs(10);
    config.allowed_networks = vec!["127.0.0.0/8".parse()?];
    Ok(config)
}

async fn domain(console: &Console, n: usize, address: &str) -> Outcome<Admitted> {
    let (actor, push) = (Actor::cli(), format!("push{n}.example.com"));
    let new = NewDomain::parse(&push, &[&format!("play{n}.example.com")]).map_err(|e| e.to_string())?;
    console.domains.create(&actor, new).await?;
    let settings = CallbackSettings { enabled: true, address: Some(address.to_owned()), ..CallbackSettings::default() };
    console.callbacks.put(&actor, &push, CallbackKind::Publish, settings).await?;
    let request = PushRequest {
        source: SourceId(1),
        hosts: vec![push],
        app: "live".to_owned(),
        stream: "room".to_owned(),
        client: None,
        params: Vec::new(),
    };
    Ok(console.streams.admit(request).await?)
}

/// Of an SQLite database in `dir`.
pub(crate) fn sqlite(dir: &Path) -> String {
    format!("sqlite://{}", dir.join("callsheet.db").display())
}

/// Shares a stage among tasks.
pub(crate) type Shared = Arc<Stage>;
