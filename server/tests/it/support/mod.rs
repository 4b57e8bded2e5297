//! What tests are made of: a console in this process or as one of its own, receivers, sources and publishers.
//!
//! Nothing here sleeps to let something happen: each wait is for a condition, and gives up after [`PATIENCE`].

mod browser;
mod console;
mod database;
#[cfg(feature = "ingest-rtmp")]
pub(crate) mod gateway;
mod generic;
#[cfg(feature = "ingest-rtmp")]
pub(crate) mod media;
#[cfg(feature = "ingest-rtmp")]
pub(crate) mod nginx;
mod process;
mod receiver;
mod s3;

use std::fmt::Debug;
use std::time::{Duration, Instant};

pub(crate) use browser::{Browser, Shown, multipart, without_markers};
pub(crate) use console::{DOMAIN, PLAY, TestConsole, schedule, use_cases, use_cases_in, use_cases_with};
pub(crate) use database::Database;
pub(crate) use generic::GenericSource;
pub(crate) use process::{Process, callsheet, run, text};
pub(crate) use receiver::{Answer, DownReceiver, Received, Receiver, lines};
pub(crate) use s3::{Keys, S3Store};

/// How long a condition may take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Makes `reqwest::Client::new` work, because reqwest is built without a TLS provider. Databases, S3 stores and sources call this.
pub(crate) fn install_tls_provider() {
    rustls::crypto::ring::default_provider().install_default().ok();
}

/// Looks again and again until `fits`.
pub(crate) async fn until<T: Debug, F: Future<Output = T>>(
    mut look: impl FnMut() -> F,
    fits: impl Fn(&T) -> bool,
) -> T {
    let patience = Instant::now() + PATIENCE;
    loop {
        let found = look().await;
        if fits(&found) {
            return found;
        }
        assert!(Instant::now() < patience, "still {found:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Makes each of the named functions, which take a [`Database`], a test on SQLite and one on PostgreSQL.
macro_rules! on_both_databases {
    ($($test:ident),+ $(,)?) => {
        mod sqlite {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $test() {
                    super::$test($crate::support::Database::sqlite()).await;
                }
            )+
        }

        mod postgres {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $test() {
                    super::$test($crate::support::Database::postgres().await).await;
                }
            )+
        }
    };
}
pub(crate) use on_both_databases;
