//! A media server of somebody else's.

use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

/// Debian's nginx with its RTMP module, as a process of its own; ended when it goes out of sight.
pub(crate) struct Nginx {
    child: Child,
    pub(crate) address: SocketAddr,
    pub(crate) folder: TempDir,
}

impl Nginx {
    /// Starts it with `hooks` as the place it reports to, and waits until it listens.
    pub(crate) async fn start(hooks: &str) -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let recordings = folder.path().join("rec");
        std::fs::create_dir(&recordings).expect("folder");
        // Its worker may be another user.
        Command::new("chmod").args(["-R", "777"]).arg(folder.path()).status().expect("chmod");
        let free = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = free.local_addr().expect("an address");
        drop(free);
        let (home, rec) = (folder.path().display(), recordings.display());
        let config = format!(
            "load_module /usr/lib/nginx/modules/ngx_rtmp_module.so;
             daemon off;
             worker_processes 1;
             pid {home}/nginx.pid;
             error_log {home}/error.log;
             events {{ worker_connections 64; }}
             rtmp {{ server {{
                 listen {address};
                 application live {{
                     live on;
                     record all;
                     record_path {rec};
                     record_unique on;
                     record_interval 2s;
                     notify_update_timeout 1s;
                     notify_update_strict off;
                     on_publish {hooks};
                     on_update {hooks};
                     on_publish_done {hooks};
                     on_record_done {hooks};
                 }}
             }} }}"
        );
        let file = folder.path().join("nginx.conf");
        std::fs::write(&file, config).expect("written");
        let mut nginx = Command::new("/usr/sbin/nginx");
        nginx.arg("-p").arg(folder.path()).arg("-c").arg(&file).stderr(Stdio::null());
        let child = nginx.spawn().expect("nginx is installed");
        let listens = async {
            while tokio::net::TcpStream::connect(address).await.is_err() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let nginx = Self { child, address, folder };
        let waited = tokio::time::timeout(super::PATIENCE, listens).await;
        waited.unwrap_or_else(|_| panic!("nginx does not listen: {}", nginx.log()));
        nginx
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("error.log")).unwrap_or_default()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Its master ends its worker when it is asked to stop, not when it is killed.
        Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().ok();
        self.child.wait().ok();
    }
}
