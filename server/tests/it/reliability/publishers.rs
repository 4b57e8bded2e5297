//! Publishers of the built-in ingest, whose frames are counted.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::numbers;
use crate::rtmp::client::{Amf, Client, Tag, read_tags, tags, text};
use crate::support::PATIENCE;

/// How often a publisher sends.
const PACE: Duration = Duration::from_millis(20);
/// The media repeats after so many milliseconds.
const LAP: u32 = 6_050;

/// Neither a decoder's header nor the mark of an end.
fn is_frame(tag: &Tag) -> bool {
    tag.data.get(1) == Some(&1)
}

fn headers() -> impl Iterator<Item = &'static Tag> {
    tags().iter().filter(|tag| tag.data.get(1) == Some(&0))
}

fn frames() -> &'static [Tag] {
    static FRAMES: OnceLock<Vec<Tag>> = OnceLock::new();
    FRAMES.get_or_init(|| {
        let frames: Vec<Tag> = tags().iter().filter(|tag| is_frame(tag)).cloned().collect();
        assert!(frames.iter().all(|frame| frame.time < LAP), "a lap is longer");
        frames
    })
}

/// A publisher that was admitted, and has not sent media yet.
pub(super) struct Admitted {
    name: String,
    client: Client,
}

impl Admitted {
    /// Tries until the server admits it: the stream's last publisher may not be gone.
    pub(super) async fn to(server: SocketAddr, name: &str) -> Self {
        let admission = async {
            loop {
                if let Ok(mut client) = Client::try_connect(Ipv4Addr::UNSPECIFIED.into(), server).await {
                    client.set_chunk_size(4096).await;
                    client.connect_app("live", "rtmp://push.example.com/live").await;
                    client.publish(1, name).await;
                    let answers = ["NetStream.Publish.Start", "NetStream.Publish.BadName"];
                    if client.wait_for_any(&answers).await == Some(0) {
                        return client;
                    }
                }
                sleep(PACE).await;
            }
        };
        let client = timeout(PATIENCE, admission).await.expect("admitted");
        Self { name: name.to_owned(), client }
    }

    /// Sends media from now on.
    pub(super) fn play(self) -> Publisher {
        let (count, sent) = watch::channel(0);
        let stop = CancellationToken::new();
        let playing = tokio::spawn(play(self.client, count, stop.clone()));
        Publisher { name: self.name, sent, stop, playing }
    }
}

/// A publisher that sends media.
pub(super) struct Publisher {
    pub(super) name: String,
    sent: watch::Receiver<usize>,
    stop: CancellationToken,
    playing: JoinHandle<usize>,
}

impl Publisher {
    pub(super) async fn start(server: SocketAddr, name: &str) -> Self {
        Admitted::to(server, name).await.play()
    }

    /// Waits until it has sent so many frames more; a second has about 53.
    pub(super) async fn more(&self, frames: usize) {
        let mut sent = self.sent.clone();
        let so_far = *sent.borrow();
        let wait = sent.wait_for(|sent| *sent >= so_far + frames);
        timeout(PATIENCE, wait).await.expect("it goes on").expect("its connection is open");
    }

    /// Ends the publish; returns the number of its frames.
    pub(super) async fn finish(self) -> usize {
        self.stop.cancel();
        self.dropped().await
    }

    /// Waits until the server has closed the connection; returns the number of frames that the server may have.
    pub(super) async fn dropped(self) -> usize {
        timeout(PATIENCE, self.playing).await.expect("its connection ends").expect("no panic")
    }
}

async fn play(mut client: Client, sent: watch::Sender<usize>, stop: CancellationToken) -> usize {
    for header in headers() {
        if !client.try_play(1, header).await {
            return 0;
        }
    }
    let mut ticks = interval(PACE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let step = u32::try_from(PACE.as_millis()).expect("short") * numbers().speed;
    let (mut lap, mut place, mut count, mut time) = (0, 0, 0, 0);
    while !stop.is_cancelled() {
        ticks.tick().await;
        time += step;
        while lap * LAP + frames()[place].time < time {
            client.offset = lap * LAP;
            if !client.try_play(1, &frames()[place]).await {
                return count;
            }
            (count, place) = (count + 1, place + 1);
            if place == frames().len() {
                (lap, place) = (lap + 1, 0);
            }
        }
        sent.send_replace(count);
    }
    client.command(1, &[text("closeStream"), Amf::Number(0.0), Amf::Null]).await;
    client.wait_for("NetStream.Unpublish.Success").await;
    count
}

/// How many frames must be stored of those that a publisher sent.
#[derive(Debug, Clone, Copy)]
pub(super) enum Sent {
    /// All of them.
    Whole(usize),
    /// The server was gone before it had read the last of them.
    Torn(usize),
}

/// The parts of a session hold its frames in their order, without a gap.
pub(super) fn assert_frames(parts: &[PathBuf], sent: Sent) {
    let mut count = 0;
    for part in parts {
        for frame in read_tags(part).iter().filter(|tag| is_frame(tag)) {
            let expected = &frames()[count % frames().len()];
            assert!((frame.kind, &frame.data) == (expected.kind, &expected.data), "frame {count}: {}", part.display());
            count += 1;
        }
    }
    match sent {
        Sent::Whole(sent) => assert_eq!(count, sent, "{parts:?}"),
        Sent::Torn(sent) => assert!((1..=sent).contains(&count), "{count} of {sent} frames"),
    }
}
