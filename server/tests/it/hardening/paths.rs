//! Another way to write a path is no way around the sign-in.

use std::net::SocketAddr;

use callsheet::keys::KeyDraft;
use callsheet::model::{Actor, Role};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{DOMAIN, Database, PLAY, TestConsole};

/// Asks for exactly this target, which clients would tidy up first.
async fn ask(http: SocketAddr, method: &str, target: &str, headers: &str) -> String {
    let mut stream = TcpStream::connect(http).await.expect("connected");
    let request = format!("{method} {target} HTTP/1.1\r\nhost: {http}\r\nconnection: close\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("an answer");
    String::from_utf8_lossy(&answer).into_owned()
}

/// Other ways to write the path of a page, which begins with a folder; and the way itself.
fn spellings(http: SocketAddr, path: &str) -> Vec<String> {
    let (folder, rest) = path[1..].split_once('/').map_or((&path[1..], None), |(folder, rest)| (folder, Some(rest)));
    let rest = |before: &str| rest.map(|rest| format!("{before}{rest}")).unwrap_or_default();
    let first = folder.as_bytes()[0];
    let mut all = vec![
        path.to_owned(),
        format!("/{path}"),
        format!("//{path}"),
        format!("/.{path}"),
        format!("/%2e{path}"),
        format!("/login/..{path}"),
        format!("/login/%2e%2e{path}"),
        format!("/login/%2E%2E{path}"),
        format!("/login/.%2e{path}"),
        format!("/login/%252e%252e{path}"),
        format!("/login/..;{path}"),
        format!("/login\\..{path}"),
        format!("/login;{path}"),
        format!("/pkg/..{path}"),
        format!("/pkg/%2e%2e{path}"),
        format!("/chart/..%2f..{path}"),
        format!("/%{first:02x}{}{}", &folder[1..], rest("/")),
        format!("/%25{first:02x}{}{}", &folder[1..], rest("/")),
        format!("/{}{}", folder.to_uppercase(), rest("/")),
        format!("/{}{}{}", folder[..1].to_uppercase(), &folder[1..], rest("/")),
        format!("/{folder};x=1{}", rest("/")),
        format!("/{folder}.{}", rest("/")),
        format!("/{folder}..{}", rest("/")),
        format!("/{folder}%2e{}", rest("/")),
        format!("/{folder}%20{}", rest("/")),
        format!("/{folder}/{}", rest("/")),
        format!("/{folder}/.{}", rest("/")),
        format!("/{folder}%2f{}", rest("")),
        format!("/{folder}%2F{}", rest("")),
        format!("/{folder}%5c{}", rest("")),
        format!("/{folder}%252f{}", rest("")),
    ];
    for end in ["/", "//", ".", "..", "/.", "%2e", "%00", "%0a", "%20", ";/login", "?/login", "%3f/login", "#/login"] {
        all.push(format!("{path}{end}"));
    }
    all.push(format!("http://{http}{path}"));
    all.push(format!("http://login{path}"));
    for api in ["/api/v1", "/api//v1", "/API/v1", "/api/%761", "/api/v1/..", "/healthz/..", "/ingest/../.."] {
        all.push(format!("{api}{path}"));
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn no_spelling_of_a_path_shows_a_protected_page() {
    let console = TestConsole::start(Database::sqlite()).await;
    console.add_domain().await;
    let said = [
        "",
        "x-original-url: /login\r\n",
        "x-rewrite-url: /login\r\n",
        "x-forwarded-for: 127.0.0.1\r\nx-forwarded-host: localhost\r\n",
        "x-http-method-override: GET\r\n",
        "cookie: callsheet=guessed; callsheet=\r\n",
        "authorization: Bearer\r\n",
        "authorization: Basic YWRtaW46YWRtaW4=\r\n",
    ];
    for spelling in spellings(console.http, &format!("/domains/{DOMAIN}")) {
        for headers in said {
            for method in ["GET", "HEAD", "POST"] {
                let answer = ask(console.http, method, &spelling, headers).await;
                assert!(answer.starts_with("HTTP/1.1 "), "{method} {spelling}: {answer}");
                assert!(!answer.contains(PLAY), "{method} {spelling} {headers:?} shows what it must not: {answer}");
            }
        }
    }
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_spelling_of_a_path_shows_a_reviewer_the_pages_of_admins() {
    let console = TestConsole::start(Database::sqlite()).await;
    let (accounts, cli) = (&console.console.accounts, Actor::cli());
    accounts.create_user(&cli, "zaphod", Role::Admin, "correct horse").await.expect("an admin");
    let key = KeyDraft::new("zaphod", Role::Admin);
    let key = console.console.keys.create(&cli, key).await.expect("a key").id;
    accounts.create_user(&cli, "eye", Role::Reviewer, "correct horse").await.expect("a reviewer");
    let cookie = async |name: &str| {
        let form = [("name", name), ("password", "correct horse"), ("next", "")];
        let request = reqwest::Client::new().post(console.url(&console.function("sign_in"))).form(&form);
        let answer = request.send().await.expect("an answer");
        let cookie = answer.headers()["set-cookie"].to_str().expect("text");
        format!("cookie: {}\r\n", cookie.split(';').next().expect("a cookie"))
    };
    let (reviewer, admin) = (cookie("eye").await, cookie("zaphod").await);
    let pages = ["/users".to_owned(), "/users/1".to_owned(), "/keys".to_owned(), format!("/keys/{key}")];
    for page in pages.into_iter().chain(["/audit".to_owned(), "/audit.csv".to_owned()]) {
        let seen = ask(console.http, "GET", &page, &admin).await;
        assert!(seen.contains("zaphod"), "{page} tells nothing: {seen}");
        for spelling in spellings(console.http, &page) {
            for method in ["GET", "HEAD", "POST"] {
                let answer = ask(console.http, method, &spelling, &reviewer).await;
                assert!(answer.starts_with("HTTP/1.1 "), "{method} {spelling}: {answer}");
                assert!(!answer.contains("zaphod"), "{method} {spelling} shows what it must not: {answer}");
            }
        }
    }
    console.stop().await;
}
