//! Interface of a media server inside this process.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::Arc;

use async_trait::async_trait;
use callsheet::model::{AppName, DomainName, StreamName};
use callsheet::streams::IngestSink;
use tokio_util::sync::CancellationToken;

/// A media server inside this process.
#[async_trait]
pub trait IngestSource: Send + 'static {
    /// Returns the listening address, with the actual port if port 0 was configured.
    fn local_addr(&self) -> SocketAddr;
    /// Returns the name of this run.
    fn boot(&self) -> &str;
    /// Returns a handle for listing and disconnecting publishers.
    fn publishers(&self) -> Arc<dyn Publishers>;
    /// Serves until `shutdown`, then ends and reports every publish. Returns within ten seconds of `shutdown`.
    async fn run(self: Box<Self>, sink: Arc<dyn IngestSink>, shutdown: CancellationToken);
}

/// The current publishers.
pub trait Publishers: Send + Sync + 'static {
    /// Disconnects the publisher of a stream and returns whether there was one. Its end is reported as usual.
    fn disconnect(&self, domain: &DomainName, app: &AppName, stream: &StreamName) -> bool;
    /// Returns the keys of the sessions that hold their stream's lease in the database.
    fn sessions(&self) -> HashSet<String>;
    /// Disconnects the publisher of a session.
    fn disconnect_session(&self, key: &str);
}
