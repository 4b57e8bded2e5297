//! A pooler between the console and PostgreSQL that changes sessions from transaction to transaction, as PgBouncer does in transaction mode.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::io::{self, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::{Mutex, OwnedMutexGuard};
use url::Url;

use crate::support::{Database, callsheet, run, text};

/// Asks for TLS.
const TLS_REQUEST: [u8; 4] = 80_877_103_u32.to_be_bytes();

/// One session of the server, for one client's transaction at a time.
#[derive(Clone, Default)]
struct Pooler(Arc<Mutex<Option<UnixStream>>>);

/// A message with its head. The first one of a client has no type.
async fn message(from: &mut (impl AsyncReadExt + Unpin), has_type: bool) -> io::Result<Vec<u8>> {
    let head = usize::from(has_type);
    let mut message = vec![0; head + 4];
    from.read_exact(&mut message).await?;
    let length = u32::from_be_bytes(message[head..].try_into().expect("four bytes"));
    message.resize(head + length as usize, 0);
    from.read_exact(&mut message[head + 4..]).await?;
    Ok(message)
}

/// Answers until the server is ready again. Returns whether no transaction is open.
async fn answer(server: &mut UnixStream, client: &mut TcpStream) -> io::Result<bool> {
    loop {
        let answer = message(server, true).await?;
        client.write_all(&answer).await?;
        if answer[0] == b'Z' {
            return Ok(answer[5] == b'I');
        }
    }
}

impl Pooler {
    async fn serve(self, mut client: TcpStream, server: PathBuf) -> io::Result<()> {
        let mut start = message(&mut client, false).await?;
        if start[4..] == TLS_REQUEST {
            client.write_all(b"N").await?;
            start = message(&mut client, false).await?;
        }
        let mut first = UnixStream::connect(server).await?;
        first.write_all(&start).await?;
        answer(&mut first, &mut client).await?;
        self.0.lock().await.get_or_insert(first);
        let mut held: Option<OwnedMutexGuard<Option<UnixStream>>> = None;
        loop {
            let asked = message(&mut client, true).await?;
            if asked[0] == b'X' {
                return Ok(());
            }
            let mut session = match held.take() {
                Some(session) => session,
                None => self.0.clone().lock_owned().await,
            };
            let server = session.as_mut().expect("there since the first client");
            server.write_all(&asked).await?;
            let is_over = matches!(asked[0], b'Q' | b'S') && answer(server, &mut client).await?;
            held = (!is_over).then_some(session);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pooler_in_transaction_mode_is_refused_and_named() {
    let database = Database::postgres().await;
    let mut url = Url::parse(database.url()).expect("an address");
    let (_, folder) = url.query_pairs().find(|(name, _)| name == "host").expect("a socket");
    let server = PathBuf::from(folder.into_owned()).join(".s.PGSQL.5432");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    url.set_query(None);
    url.set_host(Some("127.0.0.1")).expect("a host");
    url.set_port(Some(listener.local_addr().expect("an address").port())).expect("a port");
    let pooler = Pooler::default();
    let serving = tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(pooler.clone().serve(client, server.clone()));
        }
    });
    let output = tokio::task::spawn_blocking(move || {
        let data = tempfile::tempdir().expect("folder");
        let mut command = callsheet(data.path(), url.as_str());
        command.arg("migrate").env("RUST_LOG", "off");
        run(command, "")
    });
    let output = output.await.expect("no panic");
    serving.abort();
    let said = text(&output.stderr);
    assert!(said.starts_with("callsheet: database_url: the connection to PostgreSQL goes through a pooler"), "{said}");
    assert_eq!((output.status.code(), said.lines().count()), (Some(1), 1));
}
