//! A real S3 store: SeaweedFS on the loopback interface.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use callsheet_server::buckets::{Buckets, S3Bucket};
use object_store::ObjectStore;
use tempfile::TempDir;

use super::{PATIENCE, install_tls_provider};

/// Set by `.ci/test.sh`. The Python packages include the store.
const PYTHON: &str = "CALLSHEET_TEST_PYTHON";
const KEY: &str = "AKIDEXAMPLE";
const WRITER: &str = "AKIDWRITER";
const SECRET: &str = "s3-secret-of-the-tests";

/// Keys of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keys {
    /// Full access.
    All,
    /// May write objects, but not read or list them.
    Write,
    /// A wrong secret.
    Wrong,
}

/// A running store, stopped when dropped.
pub(crate) struct S3Store {
    folder: TempDir,
    port: u16,
    server: Child,
}

impl S3Store {
    pub(crate) async fn start() -> Self {
        install_tls_provider();
        let folder = tempfile::tempdir().expect("folder");
        let identity = |name, key, actions| serde_json::json!({ "name": name, "credentials": [{ "accessKey": key, "secretKey": SECRET }], "actions": actions });
        let keys = serde_json::json!({ "identities": [
            identity("tests", KEY, ["Admin"]),
            identity("writer", WRITER, ["Write"]),
            { "name": "anonymous", "actions": ["Admin"] },
        ] });
        std::fs::write(folder.path().join("s3.json"), keys.to_string()).expect("written");
        let patience = Instant::now() + PATIENCE;
        loop {
            let ports = free_ports(8);
            let mut server = serve(folder.path(), &ports);
            if is_up(&mut server, ports[6], patience).await {
                return Self { folder, port: ports[6], server };
            }
            // Another program took one of the ports.
        }
    }

    /// Stops the store.
    pub(crate) fn stop(&mut self) {
        self.server.kill().ok();
        self.server.wait().expect("ended");
    }

    /// Returns a bucket of this store, created on first write.
    pub(crate) fn bucket(&self, url: &str) -> S3Bucket {
        self.bucket_with(Keys::All, url)
    }

    pub(crate) fn bucket_with(&self, keys: Keys, url: &str) -> S3Bucket {
        bucket(self.address(), keys, url)
    }

    pub(super) fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    #[cfg(feature = "ingest-rtmp")]
    pub(crate) async fn make_bucket(&self, bucket: &str) {
        let request = reqwest::Client::new().put(format!("http://{}/{bucket}", self.address()));
        assert_eq!(request.send().await.expect("an answer").status(), 200);
    }

    /// Counts the unfinished uploads to a folder of the bucket `console`.
    #[cfg(feature = "ingest-rtmp")]
    pub(crate) async fn unfinished_uploads(&self, folder: &str) -> usize {
        let answer = reqwest::get(format!("http://{}/console?uploads=", self.address())).await.expect("an answer");
        assert_eq!(answer.status(), 200);
        answer.text().await.expect("a list").matches(&format!("<Key>{folder}/")).count()
    }

    /// Opens a bucket of this store.
    pub(crate) async fn open(&self, url: &str) -> Arc<dyn ObjectStore> {
        let buckets = BTreeMap::from([("it".to_owned(), self.bucket(url))]);
        Buckets::new(self.folder.path(), buckets).open("it").await.expect("a bucket").store()
    }
}

impl Drop for S3Store {
    fn drop(&mut self) {
        self.server.kill().ok();
        self.server.wait().ok();
    }
}

/// Returns a bucket of the store at an address.
pub(super) fn bucket(at: SocketAddr, keys: Keys, url: &str) -> S3Bucket {
    let (key, secret) = match keys {
        Keys::All => (KEY, SECRET),
        Keys::Write => (WRITER, SECRET),
        Keys::Wrong => (KEY, "another-secret"),
    };
    let endpoint = format!("http://{at}");
    let settings = [("url", url), ("endpoint", &endpoint), ("access_key_id", key), ("secret_access_key", secret)];
    let settings = settings.map(|(key, value)| (key.to_owned(), value.to_owned()));
    S3Bucket::configure(BTreeMap::from(settings)).expect("settings")
}

/// Starts a master, volume server, filer and S3 gateway, each with an additional gRPC port.
fn serve(folder: &Path, ports: &[u16]) -> Child {
    let named = ["master.port", "master.port.grpc", "volume.port", "volume.port.grpc", "filer.port", "filer.port.grpc"];
    let named = named.into_iter().chain(["s3.port", "s3.port.grpc"]);
    Command::new(program())
        .arg("server")
        .arg(format!("-dir={}", folder.display()))
        .args(["-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-master.telemetry=false", "-filer", "-s3"])
        .args(["-s3.port.iceberg=0", "-s3.port.lance=0", "-volume.max=20", "-master.volumeSizeLimitMB=64"])
        .arg(format!("-s3.config={}", folder.join("s3.json").display()))
        .args(named.zip(ports).map(|(name, port)| format!("-{name}={port}")))
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("SeaweedFS runs")
}

fn program() -> PathBuf {
    let Some(python) = std::env::var_os(PYTHON) else {
        panic!("{PYTHON} is not set. Run the tests as `make test` does.");
    };
    Path::new(&python).with_file_name("weed")
}

/// Waits until the store responds. Returns false if it has exited.
async fn is_up(server: &mut Child, port: u16, patience: Instant) -> bool {
    loop {
        if server.try_wait().expect("waiting").is_some() {
            return false;
        }
        let answer = reqwest::get(format!("http://127.0.0.1:{port}/healthz")).await;
        if answer.is_ok_and(|answer| answer.status().is_success()) {
            return true;
        }
        assert!(Instant::now() < patience, "SeaweedFS does not respond");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn free_ports(number: usize) -> Vec<u16> {
    let taken: Vec<_> = (0..number).map(|_| TcpListener::bind("127.0.0.1:0").expect("a port")).collect();
    taken.iter().map(|listener| listener.local_addr().expect("an address").port()).collect()
}
