//! Real media: ffmpeg publishes, and ffprobe checks recordings.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

pub(crate) const VIDEO: &[&str] = &["-f", "lavfi", "-i", "testsrc=size=320x240:rate=25"];
pub(crate) const AUDIO: &[&str] = &["-f", "lavfi", "-i", "sine"];
pub(crate) const H264: &[&str] = &["-c:v", "libx264", "-preset", "ultrafast", "-g", "25", "-pix_fmt", "yuv420p"];
pub(crate) const AAC: &[&str] = &["-c:a", "aac"];

/// A running ffmpeg, killed when dropped.
pub(crate) struct Pusher(Option<Child>);

impl Pusher {
    /// Pushes `stream` (with query) to `domain` at the address `to`.
    pub(crate) fn start(to: SocketAddr, domain: &str, stream: &str, parts: &[&[&str]]) -> Self {
        let child = Command::new("ffmpeg")
            .args(["-hide_banner", "-loglevel", "info", "-nostdin"])
            .args(parts.concat())
            .args(["-f", "flv", "-rtmp_tcurl", &format!("rtmp://{domain}/live")])
            .arg(format!("rtmp://{to}/live/{stream}"))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("ffmpeg is installed");
        Self(Some(child))
    }

    pub(crate) async fn finish(mut self) -> Output {
        let child = self.0.take().expect("running");
        tokio::task::spawn_blocking(|| child.wait_with_output()).await.expect("no panic").expect("ffmpeg ran")
    }

    pub(crate) fn signal(&self, name: &str) {
        let pid = self.0.as_ref().expect("running").id().to_string();
        assert!(Command::new("kill").args([name, &pid]).status().expect("kill").success());
    }
}

impl Drop for Pusher {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            child.kill().ok();
            child.wait().ok();
        }
    }
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Returns the duration in seconds and the codecs of a file according to ffprobe. The file must decode without warnings.
pub(crate) fn probe(file: &Path) -> (f64, Vec<String>) {
    let decoded = Command::new("ffmpeg").args(["-v", "error", "-i"]).arg(file).args(["-f", "null", "-"]).output();
    let decoded = decoded.expect("ffmpeg");
    assert_eq!(stderr(&decoded), "", "{}", file.display());
    let probed = Command::new("ffprobe")
        .args([
            "-v",
            "error",
            "-of",
            "json",
            "-show_entries",
            "format=duration:stream=codec_name:packet=pts_time,duration_time",
        ])
        .arg(file)
        .output()
        .expect("ffprobe");
    let probed: serde_json::Value = serde_json::from_slice(&probed.stdout).expect("JSON");
    let number = |value: &serde_json::Value| value.as_str().and_then(|text| text.parse::<f64>().ok());
    let duration = number(&probed["format"]["duration"]).expect("a duration");
    // Compares the duration in the header with the last packet.
    let last = probed["packets"]
        .as_array()
        .expect("packets")
        .iter()
        .filter_map(|packet| Some(number(&packet["pts_time"])? + number(&packet["duration_time"]).unwrap_or(0.0)));
    let last = last.fold(0.0, f64::max);
    assert!((last - duration).abs() < 0.1, "header {duration}, packets {last}: {}", file.display());
    let codecs = probed["streams"].as_array().expect("streams").iter();
    (duration, codecs.map(|stream| stream["codec_name"].as_str().expect("codec").to_owned()).collect())
}
