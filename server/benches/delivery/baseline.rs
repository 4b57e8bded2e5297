//! The bare work, without the console: an event row and a delivery row committed, a post, an attempt row committed.
//! One connection writes rows of 350 bytes, a hundred in a statement, `synchronous=FULL`; keep-alive connections post ready-made
//! requests. The stages run side by side, as they do in the console.

use std::path::Path;
use std::time::{Duration, Instant};

use callsheet::outbound::{SigningSecret, sign};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use crate::Outcome;

const BATCH: usize = 100;
const POSTERS: usize = 32;

/// Deliveries a second, and the CPU seconds of 10,000.
pub(crate) async fn measure(dir: &Path, port: u16, time: Duration) -> Outcome<f64> {
    let path = dir.join("floor.db");
    let options = SqliteConnectOptions::new()
        .filename(&path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full);
    let mut connection = options.connect().await?;
    for table in ["events", "deliveries", "attempts"] {
        let sql = format!("create table {table} (id integer primary key, body text not null)");
        sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut connection).await?;
    }
    let (to_post, posts) = async_channel();
    let (posted_to, mut posted) = mpsc::channel::<i64>(4 * BATCH);
    let mut posters = tokio::task::JoinSet::new();
    for _ in 0..POSTERS {
        posters.spawn(post(port, posts.clone(), posted_to.clone()));
    }
    drop((posts, posted_to));
    let (started, mut id, mut done) = (Instant::now(), 0_i64, 0_u64);
    let mut waiting = Vec::new();
    while started.elapsed() < time {
        let ids: Vec<i64> = (0..BATCH as i64).map(|n| id + n).collect();
        id += BATCH as i64;
        while let Ok(one) = posted.try_recv() {
            waiting.push(one);
        }
        let mut tx = connection.begin().await?;
        insert(&mut tx, "events", &ids).await?;
        insert(&mut tx, "deliveries", &ids).await?;
        for some in waiting.chunks(BATCH) {
            insert(&mut tx, "attempts", some).await?;
        }
        tx.commit().await?;
        done += waiting.len() as u64;
        waiting.clear();
        for id in ids {
            to_post.send(id).await?;
        }
    }
    let per_second = done as f64 / started.elapsed().as_secs_f64();
    drop(to_post);
    posters.abort_all();
    Ok(per_second)
}

type Posts = std::sync::Arc<tokio::sync::Mutex<mpsc::Receiver<i64>>>;

fn async_channel() -> (mpsc::Sender<i64>, Posts) {
    let (to, from) = mpsc::channel(2 * BATCH);
    (to, std::sync::Arc::new(tokio::sync::Mutex::new(from)))
}

async fn insert(connection: &mut SqliteConnection, table: &str, ids: &[i64]) -> Outcome<()> {
    let places = vec!["(?, ?)"; ids.len()].join(", ");
    let sql = format!("insert into {table} (id, body) values {places}");
    let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
    for id in ids {
        query = query.bind(*id).bind("x".repeat(350));
    }
    query.execute(connection).await?;
    Ok(())
}

async fn post(port: u16, posts: Posts, posted: mpsc::Sender<i64>) -> std::io::Result<()> {
    let secrets = [SigningSecret::generate()];
    let body =
        br#"{"domain":"push.example.com","app":"live","stream":"room","event":"publish_started","status":"success"}"#;
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.set_nodelay(true)?;
    let mut answer = [0; 1024];
    loop {
        let Some(id) = posts.lock().await.recv().await else { return Ok(()) };
        let signature = sign(&secrets, &id.to_string(), 1_795_357_880, body);
        let head = format!(
            "POST /ok/0 HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\nwebhook-id: {id}\r\n\
             webhook-timestamp: 1795357880\r\nwebhook-signature: {signature}\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(&[head.as_bytes(), body].concat()).await?;
        if stream.read(&mut answer).await? == 0 {
            return Ok(());
        }
        let _ = posted.send(id).await;
    }
}
