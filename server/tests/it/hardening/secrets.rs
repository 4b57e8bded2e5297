//! A whole life of a console, the binary itself, with the most talkative log: no secret of it stands in the log, in an error, in the audit
//! log, in the metrics or in the files of its database.
//!
//! [`Life`] keeps each secret as it comes to be, and all that was said where no secret belongs; at the end one is looked for in the other.
//! What the console must keep and shows to those who may see it is looked for in the log, in errors and in the metrics alone.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

use callsheet::Console;
use callsheet::accounts::FactorView;
use callsheet::keys::NewKey;
use callsheet::model::{Actor, Clock, SystemClock, UserId, Who};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tempfile::TempDir;
use url::Url;

use crate::accounts::browser::{Browser, Shown};
use crate::accounts::single_sign_on::{PUBLIC, Provider, SECRET as PROVIDER_SECRET, away};
use crate::accounts::two_factor::code_at;
use crate::jd::{Client as JdClient, Sdk};
use crate::support::media::{H264, Pusher, VIDEO};
use crate::support::{
    Answer, DOMAIN, Database, DownReceiver, GenericSource, PLAY, Process, Receiver, callsheet, on_both_databases, run,
    text, until, use_cases_in,
};

on_both_databases!(a_whole_life_tells_no_secret);

const PASSWORD: &str = "first staple horse";
const NEW_PASSWORD: &str = "second staple horse";
const TYPED_PASSWORD: &str = "typed staple by link";
const TYPED_WRONGLY: &str = "typed-instead-of-a-password";
const DATABASE_PASSWORD: &str = "password-of-the-database";
const S3_ID: &str = "AKIDOFTHETESTS";
const S3_SECRET: &str = "s3-secret-of-the-tests";
const HEADER: &str = "value-of-a-callback-header";
const ADDRESS_TOKEN: &str = "token-in-a-callback-address";
const PUBLISH_TOKEN: &str = "token-of-a-publisher";

struct Life {
    data: TempDir,
    database_url: String,
    process: Process,
    origin: String,
    rtmp: std::net::SocketAddr,
    /// The same data from within, to read what the binary tells nobody.
    inside: Console,
    secrets: Vec<(&'static str, String)>,
    said: Vec<Said>,
}

/// What the console said, and where.
struct Said {
    place: String,
    text: String,
    /// Those who may see it see what the console keeps.
    inside: bool,
}

/// Secrets of customers that the console keeps: what, and the secret.
const KEPT: [(&str, &str); 3] = [
    ("a callback's header", HEADER),
    ("a callback address's token", ADDRESS_TOKEN),
    ("a publisher's token", PUBLISH_TOKEN),
];

impl Life {
    async fn begin(database: &Database, config: &str) -> Self {
        let data = tempfile::tempdir().expect("folder");
        let config_file = data.path().join("callsheet.toml");
        std::fs::write(&config_file, config).expect("written");
        let mut database_url = database.url().to_owned();
        if database_url.starts_with("postgres") {
            let mut url = Url::parse(&database_url).expect("an address");
            url.set_password(Some(DATABASE_PASSWORD)).expect("a place for it");
            database_url = url.into();
        }
        let mut command = callsheet(data.path(), &database_url);
        command.args(["serve", "--http", "127.0.0.1:0", "--rtmp", "127.0.0.1:0"]).env("CALLSHEET_CONFIG", &config_file);
        command.env("CALLSHEET_ALLOWED_NETWORKS", "127.0.0.0/8").env("CALLSHEET_RETRY_SCHEDULE", "0,1");
        talk(&mut command);
        let log = File::create(data.path().join("log")).expect("a log");
        let process = Process::start_logging(command, log);
        let last = |line: String| line.split_whitespace().last().expect("an address").to_owned();
        let origin = last(process.line("  console "));
        let rtmp = last(process.line("  RTMP ingest "));
        let inside = use_cases_in(database, Arc::new(SystemClock), data.path()).await;
        let mut life = Self {
            rtmp: rtmp.trim_start_matches("rtmp://").parse().expect("an address"),
            data,
            database_url,
            process,
            origin,
            inside,
            secrets: Vec::new(),
            said: Vec::new(),
        };
        for (what, secret) in [
            ("a password", PASSWORD),
            ("a changed password", NEW_PASSWORD),
            ("a password by link", TYPED_PASSWORD),
            ("what was typed for a password", TYPED_WRONGLY),
            ("the database's password", DATABASE_PASSWORD),
            ("the bucket's access key", S3_ID),
            ("the bucket's secret key", S3_SECRET),
            ("the provider's secret", PROVIDER_SECRET),
        ] {
            life.keep(what, secret);
        }
        life
    }

    fn keep(&mut self, what: &'static str, secret: impl Into<String>) -> String {
        let secret = secret.into();
        assert!(secret.len() >= 12, "{what} is too short to be looked for: {secret}");
        self.secrets.push((what, secret.clone()));
        secret
    }

    /// A cookie that was set is a secret.
    fn keep_cookie(&mut self, shown: &Shown) {
        let cookie = shown.cookie.clone().expect("a cookie");
        self.keep("a session's cookie", cookie.split_once('=').expect("a value").1);
    }

    fn hear(&mut self, what: impl Into<String>, text: impl Into<String>) {
        self.said.push(Said { place: what.into(), text: text.into(), inside: false });
    }

    fn hear_inside(&mut self, what: impl Into<String>, text: impl Into<String>) {
        self.said.push(Said { place: what.into(), text: text.into(), inside: true });
    }

    /// A page where an error is told, which must be there.
    async fn hear_page(&mut self, browser: &Browser, page: &str, told: &str) {
        let shown = browser.open(page).await;
        assert!(shown.html.contains(told), "{page}: {}", shown.html);
        self.hear(page, shown.html);
    }

    /// Runs a command of the binary; what it says of an error is heard.
    fn command(&mut self, arguments: &[&str], input: &str) -> Output {
        let mut command = callsheet(self.data.path(), &self.database_url);
        command.args(arguments);
        talk(&mut command);
        let output = run(command, input);
        self.hear(format!("{arguments:?}, standard error"), text(&output.stderr));
        if !output.status.success() {
            self.hear(format!("{arguments:?}"), text(&output.stdout));
        }
        output
    }

    /// Asks the API; an error's answer is heard.
    async fn api(&mut self, token: &str, method: Method, path: &str, body: Value) -> Value {
        let request = Client::new().request(method.clone(), format!("{}/api/v1{path}", self.origin)).bearer_auth(token);
        let request = if body.is_null() { request } else { request.json(&body) };
        let answer = request.send().await.expect("an answer");
        let (failed, headers) = (answer.status().as_u16() >= 400, format!("{:?}", answer.headers()));
        let said = answer.text().await.expect("text");
        if failed {
            self.hear(format!("{method} {path}"), format!("{headers}\n{said}"));
        }
        serde_json::from_str(&said).unwrap_or_default()
    }

    /// The files of a SQLite, as far as they are text.
    fn hear_database(&mut self, database: &Database) {
        let main = database.url().trim_start_matches("sqlite://").to_owned();
        for file in [main.clone(), format!("{main}-wal"), path(&self.data.path().join("stats.db")).to_owned()] {
            let content = std::fs::read(&file).unwrap_or_default();
            self.hear_inside(file, String::from_utf8_lossy(&content));
        }
    }

    /// Looks for each secret in all that was said.
    fn judge(&self) {
        let mut found = Vec::new();
        for Said { place, text, inside } in &self.said {
            let kept = KEPT.iter().filter(|_| !inside).map(|(what, secret)| (*what, *secret));
            for (what, secret) in self.secrets.iter().map(|(what, secret)| (*what, secret.as_str())).chain(kept) {
                // As it is, and as it stands in a query or a form.
                let encoded: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
                if let Some(line) = text.lines().find(|line| line.contains(secret) || line.contains(&encoded)) {
                    found.push(format!("{what} stands in {place}: {}", line.chars().take(600).collect::<String>()));
                }
            }
        }
        assert!(found.is_empty(), "{}", found.join("\n"));
    }
}

/// Our own crates say all they can, the others all but traces.
fn talk(command: &mut Command) {
    command
        .env("RUST_LOG", "debug,callsheet=trace,callsheet_server=trace,callsheet_app=trace")
        .env("RUST_BACKTRACE", "1");
}

fn field(answer: &Value, name: &str) -> String {
    answer[name].as_str().unwrap_or_else(|| panic!("no {name} in {answer}")).to_owned()
}

fn between<'t>(text: &'t str, start: &str, end: &str) -> &'t str {
    let rest = text.split(start).nth(1).unwrap_or_else(|| panic!("no {start} in {text}"));
    rest.split(end).next().expect("a part")
}

/// The token of a one-time link that a page shows.
fn link_of(page: &str) -> &str {
    let rest = page.split("/invite/").nth(1).unwrap_or_else(|| panic!("no link in {page}"));
    rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_').next().expect("a token")
}

async fn a_whole_life_tells_no_secret(database: Database) {
    let provider = Provider::start();
    let store = Receiver::start();
    store.answer(|_| Answer::Status(403));
    let config = format!(
        "public_url = \"{PUBLIC}\"\noidc_issuer = \"{}\"\noidc_client_id = \"callsheet\"\noidc_client_secret = \"{PROVIDER_SECRET}\"\n\
         [buckets.archive]\nurl = \"s3://tapes/live\"\nendpoint = \"{}\"\naccess_key_id = \"{S3_ID}\"\nsecret_access_key = \"{S3_SECRET}\"\n",
        provider.issuer,
        store.url("")
    );
    let mut life = Life::begin(&database, &config).await;
    let browser = Browser::at(life.origin.clone());
    people(&mut life, &browser).await;
    let refusal = single_sign_on(&mut life, &provider).await;
    let token = keys(&mut life).await;
    streams(&mut life, &token, &store).await;
    wrong_settings(&mut life);

    for path in ["/api/v1/audit?limit=100", "/api/v1/keys", "/api/v1/users", "/api/v1/settings", "/metrics"] {
        let answer = Client::new().get(format!("{}{path}", life.origin)).bearer_auth(&token).send().await;
        let answer = answer.expect("an answer");
        assert_eq!(answer.status(), 200, "{path}");
        let said = answer.text().await.expect("text");
        if path == "/metrics" { life.hear(path, said) } else { life.hear_inside(path, said) }
    }
    for page in ["/audit", "/audit.csv", "/users", "/keys", "/settings", "/profile"] {
        let shown = browser.open(page).await;
        assert_eq!(shown.status, 200, "{page}");
        life.hear_inside(page, shown.html);
    }
    life.process.signal("-TERM");
    let rest = life.process.last_lines();
    life.hear("standard output", rest);
    let log = std::fs::read_to_string(life.data.path().join("log")).expect("the log");
    for part in ["DEBUG callsheet", "DEBUG sqlx", "answered", "publish refused", "sign-in refused"] {
        assert!(log.contains(part), "the log lacks {part}");
    }
    let refused = log.lines().find(|line| line.contains(&refusal)).expect("the refusal's entry");
    for part in ["sso_no_role", "in roles, groups", "roles = [\"no such role\"]", "preferred_username"] {
        assert!(refused.contains(part), "no {part} in {refused}");
    }
    life.hear("the log", log);
    if !database.url().starts_with("postgres") {
        life.hear_database(&database);
    }
    life.judge();
}

/// Set-up, sign-in, second factor, invitation, new link, and what is wrong with each of them.
async fn people(life: &mut Life, browser: &Browser) {
    let line = life.process.line("set-up link");
    let setup = life.keep("the set-up link", line.split("token=").nth(1).expect("a token"));
    let set_up = async |name: &str, token: &str, password: &str| {
        let fields = [("token", token), ("name", name), ("password", password), ("passwordAgain", PASSWORD)];
        browser.post("/setup", "set_up", &fields).await
    };
    set_up("ada", "guessed", PASSWORD).await;
    set_up("ada", &setup, TYPED_WRONGLY).await;
    let shown = set_up("ada", &setup, PASSWORD).await;
    life.keep_cookie(&shown);
    browser.post("/", "sign_out", &[]).await;
    browser.sign_in("ada", TYPED_WRONGLY).await;
    life.hear_page(browser, "/login", "Wrong user name or password").await;
    browser.sign_in(TYPED_WRONGLY, PASSWORD).await;
    let shown = browser.sign_in("ada", PASSWORD).await;
    life.keep_cookie(&shown);

    browser.post("/profile", "start_factor", &[]).await;
    let users = life.inside.accounts.list(&Actor::cli()).await.expect("a list");
    let own = Actor { who: Who::User { id: users[0].id, name: "ada".to_owned() }, ..Actor::cli() };
    let FactorView::Pending { secret, .. } = life.inside.accounts.factor(&own).await.expect("a factor") else {
        panic!("not pending")
    };
    let secret = life.keep("the second factor's secret", secret);
    browser.post("/profile", "confirm_factor", &[("code", "000000")]).await;
    let code = code_at(&secret, SystemClock.now());
    browser.post("/profile", "confirm_factor", &[("code", &code)]).await;
    let page = browser.open("/profile").await.html;
    let codes: Vec<String> = between(&page, "<pre tabindex=\"0\">", "</pre>").lines().map(str::to_owned).collect();
    assert_eq!(codes.len(), 10);
    for code in &codes {
        life.keep("a recovery code", code);
    }
    browser.post("/", "sign_out", &[]).await;
    let shown = browser.sign_in("ada", PASSWORD).await;
    life.keep_cookie(&shown);
    browser.post("/login/code", "enter_code", &[("code", TYPED_WRONGLY)]).await;
    life.hear_page(browser, "/login/code", "Wrong or already used").await;
    let shown = browser.post("/login/code", "enter_code", &[("code", &codes[0])]).await;
    life.keep_cookie(&shown);
    let change = [("present", TYPED_WRONGLY), ("password", NEW_PASSWORD), ("passwordAgain", NEW_PASSWORD)];
    browser.post("/profile", "change_password", &change).await;
    life.hear_page(browser, "/profile", "current password is wrong").await;
    let change = [("present", PASSWORD), ("password", NEW_PASSWORD), ("passwordAgain", NEW_PASSWORD)];
    let shown = browser.post("/profile", "change_password", &change).await;
    life.keep_cookie(&shown);

    let shown = browser.post("/users/new", "invite_user", &[("name", "grace"), ("role", "operator")]).await;
    let page = browser.open(&shown.to).await.html;
    let first = life.keep("an invitation", link_of(&page));
    let id: UserId = shown.to.trim_start_matches("/users/").parse().map(UserId).expect("an id");
    browser.post(&shown.to, "new_user_link", &[("id", &id.to_string())]).await;
    let page = browser.open(&shown.to).await.html;
    let second = life.keep("a new link", link_of(&page));
    let elsewhere = Browser::at(life.origin.clone());
    for (link, password) in [(&first, TYPED_PASSWORD), (&second, "short"), (&second, TYPED_PASSWORD)] {
        let fields = [("token", link.as_str()), ("password", password), ("passwordAgain", password)];
        let shown = elsewhere.post("/login", "accept_link", &fields).await;
        if shown.cookie.is_some() {
            life.keep_cookie(&shown);
        }
    }
    assert_eq!(elsewhere.open("/profile").await.status, 200, "signed in by the link");
    let create = ["user", "create", "--name", "ada", "--role", "admin", "--password-stdin"];
    life.command(&create, PASSWORD);
}

/// Answers with the reference of a refusal.
async fn single_sign_on(life: &mut Life, provider: &Provider) -> String {
    provider.knows(json!({ "sub": "7", "preferred_username": "hopper", "roles": ["reviewer"] })).await;
    let browser = Browser::at(life.origin.clone());
    let back = away(&browser, provider).await;
    life.keep("the provider's code", between(&back, "code=", "&"));
    life.keep("the provider's state", between(&back, "state=", "&"));
    let shown = browser.open(&back).await;
    assert_eq!(shown.to, "/domains", "{}", shown.html);
    life.keep_cookie(&shown);
    provider.knows(json!({ "sub": "8", "preferred_username": "lovelace", "roles": ["no such role"] })).await;
    let stranger = Browser::at(life.origin.clone());
    let back = away(&stranger, provider).await;
    life.keep("a code of somebody without a role", between(&back, "code=", "&"));
    let shown = stranger.open(&back).await;
    let reference = between(&shown.html, "log under ", ".").to_owned();
    let again = away(&Browser::at(life.origin.clone()), provider).await;
    life.keep("a code of another browser", between(&again, "code=", "&"));
    browser.open(&again).await;
    reference
}

/// Answers with the token of an admin's key.
async fn keys(life: &mut Life) -> String {
    let made = life.command(&["key", "create", "--name", "root", "--role", "admin", "--json"], "").stdout;
    let made: Value = serde_json::from_slice(&made).expect("JSON");
    life.keep("a secret key of the command line", field(&made, "secretKey"));
    let token = life.keep("a token of the command line", field(&made, "token"));
    let key = life.api(&token, Method::POST, "/keys", json!({ "name": "ci", "role": "operator" })).await;
    let old = life.keep("a token", field(&key, "token"));
    life.keep("a secret key", field(&key, "secretKey"));
    let key = life.api(&token, Method::POST, &format!("/keys/{}/rotate", key["id"]), Value::Null).await;
    let new = life.keep("a rotated token", field(&key, "token"));
    let secret = life.keep("a rotated secret key", field(&key, "secretKey"));

    for bad in [&old, &format!("{new}x")] {
        life.api(bad, Method::GET, "/domains", Value::Null).await;
    }
    life.api(&new, Method::GET, "/users", Value::Null).await;
    life.api(&token, Method::POST, "/keys", json!({ "name": "ci", "role": "boss" })).await;
    let signer = NewKey {
        id: callsheet::model::KeyId(0),
        access_key: field(&key, "accessKey"),
        secret_key: secret.clone(),
        token: String::new(),
    };
    let http = life.origin.trim_start_matches("http://").parse().expect("an address");
    for secret_key in [secret.clone(), format!("{secret}0")] {
        let mut sdk = JdClient::start(Sdk::Python, http, &NewKey { secret_key: secret_key.clone(), ..signer.clone() });
        if secret_key == secret {
            sdk.done("describeLiveDomains", json!({}));
        } else {
            sdk.fails("describeLiveDomains", json!({}), 401, "UNAUTHENTICATED");
        }
    }
    life.command(&["key", "rotate", "nobody"], "");
    token
}

/// A domain whose receiver is down and whose bucket is closed, sources and publishers.
async fn streams(life: &mut Life, token: &str, store: &Receiver) {
    let down = DownReceiver::new();
    let new = json!({ "pushDomain": DOMAIN, "playDomains": [PLAY] });
    life.api(token, Method::POST, "/domains", new).await;
    let callback = |header: &str| {
        let address = down.url(&format!("/hook?key={ADDRESS_TOKEN}"));
        json!({ "enabled": true, "address": address, "headers": { "X-Token": header } })
    };
    for kind in ["publish", "record"] {
        let path = format!("/domains/{DOMAIN}/callbacks/{kind}");
        life.api(token, Method::PUT, &path, callback(&format!("{HEADER}\n"))).await;
        life.api(token, Method::PUT, &path, callback(HEADER)).await;
        for _ in 0..2 {
            let secret = life.api(token, Method::POST, &format!("{path}/rotate-secret"), Value::Null).await;
            life.keep("a callback's signing secret", field(&secret, "secret"));
        }
    }
    let test =
        json!({ "kind": "publish", "address": down.url(&format!("/hook?key={ADDRESS_TOKEN}")), "domain": DOMAIN });
    life.api(token, Method::POST, "/callback-tests", test).await;
    let recording = json!({ "enabled": true, "partSeconds": 2, "bucket": "archive" });
    life.api(token, Method::PUT, &format!("/domains/{DOMAIN}/recording"), recording).await;

    let generic = life.api(token, Method::POST, "/sources", json!({ "adapter": "generic", "name": "generic" })).await;
    let secret = life.keep("a source's signing secret", field(&generic, "secret"));
    let path = field(&generic, "url").split("/ingest/").nth(1).expect("a path").to_owned();
    life.keep("a source's address", path.rsplit('/').next().expect("a secret"));
    let url = format!("{}/ingest/{path}", life.origin);
    GenericSource::new(url.clone(), secret.clone()).tell("publish_started", "room_7").await;
    let other = callsheet::outbound::SigningSecret::generate().expose().to_owned();
    let event = GenericSource::event("publish_started", "room_8");
    for (url, secret, body) in [
        (url.clone(), other, event.clone()),
        (url.clone(), secret.clone(), json!({ "event": "publish_started", "token": PUBLISH_TOKEN })),
        (format!("{url}x"), secret, event),
    ] {
        let answer = GenericSource::new(url, secret).post("again", &body).await.expect("an answer");
        assert!(answer.status().is_client_error());
        life.hear("an answer to a source", answer.text().await.expect("text"));
    }
    let nginx = life.api(token, Method::POST, "/sources", json!({ "adapter": "nginx-rtmp", "name": "nginx" })).await;
    let path = field(&nginx, "url").split("/ingest/").nth(1).expect("a path").to_owned();
    life.keep("another source's address", path.rsplit('/').next().expect("a secret"));
    for host in [DOMAIN, "unknown.example.com"] {
        let body = format!(
            "app=live&tcurl=rtmp://{host}/live&addr=127.0.0.1&clientid=1&call=publish&name=room_9&token={PUBLISH_TOKEN}"
        );
        let request = Client::new().post(format!("{}/ingest/{path}", life.origin));
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(body);
        let answer = request.send().await.expect("an answer");
        life.hear("an answer to nginx-rtmp", answer.text().await.expect("text"));
    }
    for (domain, stream) in [(DOMAIN, "room_1"), ("unknown.example.com", "room_2"), (DOMAIN, "no such name")] {
        let stream = format!("{stream}?token={PUBLISH_TOKEN}");
        Pusher::start(life.rtmp, domain, &stream, &[VIDEO, H264, &["-t", "3"]]).finish().await;
    }
    store.count(1).await;
    let all = async || life.inside.deliveries.figures(&Actor::cli()).await.expect("figures");
    until(all, |figures| format!("{figures:?}").contains("failed")).await;
}

/// What is wrong is told in a line that does not tell a secret again.
fn wrong_settings(life: &mut Life) {
    let file = life.data.path().join("wrong.toml");
    for content in [
        format!("oidc_client_secret = \"{PROVIDER_SECRET}\nhttp = 1"),
        format!("oidc_client_secret = [\"{PROVIDER_SECRET}\"]"),
        format!("oidc_client_secret = {{ a = \"{PROVIDER_SECRET}\" }}"),
        format!("oidc_issuer = \"https://id.example.com\"\noidc_client_secret = \"{PROVIDER_SECRET}\""),
        format!("[buckets.archive]\nurl = \"s3://{S3_ID}:{S3_SECRET}@tapes\""),
        format!("[buckets.archive]\nurl = \"s3://tapes\"\nsecret_access_key = \"{S3_SECRET}\""),
        format!("[buckets.archive]\nurl = \"s3://tapes\"\nsecret_access_key = [\"{S3_SECRET}\"]"),
        format!("[buckets.archive]\nurl = \"s3://tapes\"\nsecret_access_key = \"{S3_SECRET}"),
        format!("[buckets.archive]\nurl = \"s3://tapes\"\nendpoint = \"http://{S3_ID}:{S3_SECRET}@127.0.0.1\""),
        format!("public_url = \"https://ada:{TYPED_WRONGLY}@example.com\""),
    ] {
        std::fs::write(&file, &content).expect("written");
        let output = life.command(&["migrate", "--config", path(&file)], "");
        assert_eq!(output.status.code(), Some(2), "{content}: {}", text(&output.stderr));
    }
    for url in [
        format!("postgres://callsheet:{DATABASE_PASSWORD}@127.0.0.1:1/console"),
        format!("postgres://callsheet:{DATABASE_PASSWORD}@127.0.0.1:x/console"),
        format!("postgresql://callsheet:{DATABASE_PASSWORD}@[::bad/console"),
        format!("mysql://callsheet:{DATABASE_PASSWORD}@127.0.0.1/console"),
    ] {
        let mut command = callsheet(life.data.path(), &url);
        command.arg("migrate");
        talk(&mut command);
        let output = run(command, "");
        assert!(!output.status.success(), "{url}");
        life.hear(url.split(':').next().unwrap_or_default(), text(&output.stderr) + &text(&output.stdout));
    }
    life.command(&["listen", "--port", "0", "--secret", TYPED_WRONGLY], "");
    life.command(&["user", "create", "--name", "x", "--role", "admin", "--password-stdin"], TYPED_WRONGLY);
}

fn path(file: &Path) -> &str {
    file.to_str().expect("text")
}
