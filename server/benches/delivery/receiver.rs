//! The customer's side, in a process of its own so that its work is not counted as the console's: as little HTTP as will do.
//!
//! `/ok/…` answers 200 at once, `/hole/…` accepts and never answers. It prints `p PORT`, then `c COUNT` twenty times a second, and, when its
//! input ends, `a STREAM EVENT MICROS` for each request that came: the first of these tells the bench what arrived when.

use std::io::{Read as _, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::Outcome;

/// The argument that makes the bench a receiver.
pub(crate) const ROLE: &str = "receiver";

/// Microseconds since 1970.
pub(crate) fn micros() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| u64::try_from(d.as_micros()).unwrap_or(0))
}

/// What came: the number of the stream, whether its publish was done, and when.
pub(crate) type Arrival = (u64, bool, u64);

/// A receiver that runs.
pub(crate) struct Receiver {
    child: Child,
    input: Option<ChildStdin>,
    pub(crate) port: u16,
    count: Arc<AtomicU64>,
    reader: std::thread::JoinHandle<Vec<Arrival>>,
}

impl Receiver {
    pub(crate) fn start() -> Outcome<Self> {
        use std::io::{BufRead, BufReader};
        let mut child =
            Command::new(std::env::current_exe()?).arg(ROLE).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let (input, output) = (child.stdin.take(), child.stdout.take().ok_or("no output")?);
        let mut lines = BufReader::new(output).lines();
        let port = lines.next().ok_or("no port")??.trim_start_matches("p ").parse()?;
        let count = Arc::new(AtomicU64::new(0));
        let counted = count.clone();
        let reader = std::thread::spawn(move || {
            let mut arrivals = Vec::new();
            for line in lines.map_while(Result::ok) {
                let mut words = line.split(' ');
                let kind = words.next();
                let mut number = || words.next().and_then(|w| w.parse::<u64>().ok()).unwrap_or(0);
                match kind {
                    Some("c") => counted.store(number(), Ordering::Relaxed),
                    _ => arrivals.push((number(), number() == 1, number())),
                }
            }
            arrivals
        });
        Ok(Self { child, input, port, count, reader })
    }

    /// Requests that came so far, a twentieth of a second ago.
    pub(crate) fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    pub(crate) fn url(&self, kind: &str, n: usize) -> String {
        format!("http://127.0.0.1:{}/{kind}/{n}", self.port)
    }

    /// Ends it; returns what came.
    pub(crate) fn finish(mut self) -> Outcome<Vec<Arrival>> {
        drop(self.input.take());
        self.child.wait()?;
        Ok(self.reader.join().unwrap_or_default())
    }
}

#[derive(Default)]
struct Seen {
    count: AtomicU64,
    arrivals: Mutex<Vec<Arrival>>,
}

/// The process itself.
pub(crate) async fn run() -> Outcome<()> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    println!("p {}", listener.local_addr()?.port());
    let seen = Arc::new(Seen::default());
    let served = seen.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, served.clone()));
        }
    });
    let counted = seen.clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_millis(50)).await;
            println!("c {}", counted.count.load(Ordering::Relaxed));
        }
    });
    tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for (stream, done, at) in seen.arrivals.lock().map_err(|_| "poisoned")?.iter() {
        writeln!(out, "a {stream} {} {at}", u8::from(*done))?;
    }
    out.flush()?;
    std::process::exit(0)
}

async fn serve(mut stream: TcpStream, seen: Arc<Seen>) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = Vec::with_capacity(8 * 1024);
    loop {
        let end = loop {
            if let Some(end) = whole_request(&buffer) {
                break end;
            }
            if stream.read_buf(&mut buffer).await? == 0 {
                return Ok(());
            }
        };
        let at = micros();
        let request = &buffer[..end];
        if request.starts_with(b"POST /hole") {
            std::future::pending::<()>().await;
        }
        if let Some(number) = number_after(request, b"\"stream\":\"room_") {
            let done = find(request, b"publish_done").is_some();
            if let Ok(mut arrivals) = seen.arrivals.lock() {
                arrivals.push((number, done, at));
            }
        }
        seen.count.fetch_add(1, Ordering::Relaxed);
        buffer.drain(..end);
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await?;
    }
}

fn whole_request(buffer: &[u8]) -> Option<usize> {
    let head = find(buffer, b"\r\n\r\n")? + 4;
    let length = number_after(&buffer[..head], b"content-length: ")?;
    let end = head + usize::try_from(length).ok()?;
    (buffer.len() >= end).then_some(end)
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    memchr::memmem::find(text, what)
}

fn number_after(text: &[u8], what: &[u8]) -> Option<u64> {
    let start = find(text, what)? + what.len();
    let digits = text[start..].iter().take_while(|b| b.is_ascii_digit());
    let mut any = None;
    for digit in digits {
        any = Some(any.unwrap_or(0) * 10 + u64::from(digit - b'0'));
    }
    any
}
