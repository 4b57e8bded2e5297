//! *Behind a proxy*: a real nginx with TLS and the lines of the operations guide in front of a real console.

use std::convert::Infallible;
use std::fs;
use std::future::{Ready, ready};
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use callsheet::audit::AuditFilter;
use callsheet::model::{Actor, PageRequest, Role};
use callsheet::outbound::tls_settings;
use http::request::Builder;
use http::{HeaderMap, Method, Request};
use http_body_util::BodyExt;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::rt::TokioExecutor;
use tempfile::TempDir;
use tower::Service;

use crate::support::{DOMAIN, Database, PLAY, TestConsole, multipart, until};

type Browser = Client<HttpsConnector<HttpConnector<Nginx>>, Body>;

const GUIDE: &str = include_str!("../../../../public/guides/operations.md");
const NAME: &str = "callsheet.example.com";
/// Whom nginx sees, and who speaks with the console itself.
const CLIENT: &str = "127.0.0.2";
/// What a client may claim to be.
const CLAIMED: &str = "203.0.113.9";

/// Where every name leads.
#[derive(Clone)]
struct Nginx(SocketAddr);

impl Service<Name> for Nginx {
    type Response = std::iter::Once<SocketAddr>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Name) -> Self::Future {
        ready(Ok(std::iter::once(self.0)))
    }
}

/// An nginx of its own; ends when it goes out of sight.
struct Proxy {
    folder: TempDir,
    certificate: Vec<u8>,
    port: u16,
    nginx: Option<Child>,
}

impl Proxy {
    /// Takes a port and makes a certificate.
    fn prepare() -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
        let made = rcgen::generate_simple_self_signed([NAME.to_owned()]).expect("a certificate");
        fs::write(folder.path().join("key.pem"), made.signing_key.serialize_pem()).expect("written");
        fs::write(folder.path().join("certificate.pem"), made.cert.pem()).expect("written");
        let certificate = made.cert.der().to_vec();
        Self { folder, certificate, port, nginx: None }
    }

    fn url(&self, path: &str) -> String {
        format!("https://{NAME}:{}{path}", self.port)
    }

    /// Starts nginx in front of a console, with the lines of the guide.
    async fn start(&mut self, console: SocketAddr) {
        let lines = GUIDE.split("```nginx\n").nth(1).and_then(|rest| rest.split("```").next()).expect("its lines");
        let lines = lines.replace("127.0.0.1:3000", &console.to_string());
        assert!(lines.contains(&console.to_string()), "{lines}");
        let config = format!(
            "daemon off;\nmaster_process off;\npid nginx.pid;\nerror_log stderr warn;\nevents {{}}\nhttp {{\n\
             access_log off;\nclient_body_temp_path body;\nproxy_temp_path proxy;\nfastcgi_temp_path f;\nuwsgi_temp_path u;\nscgi_temp_path s;\n\
             server {{\nlisten 127.0.0.1:{} ssl;\nserver_name {NAME};\nssl_certificate certificate.pem;\nssl_certificate_key key.pem;\n{lines}}}\n}}\n",
            self.port
        );
        fs::write(self.folder.path().join("nginx.conf"), config).expect("written");
        let mut nginx = Command::new("nginx");
        nginx.arg("-p").arg(self.folder.path()).arg("-c").arg(self.folder.path().join("nginx.conf"));
        self.nginx = Some(nginx.stdin(Stdio::null()).stdout(Stdio::null()).spawn().expect("nginx is installed"));
        let browser = self.browser();
        let look = || browser.request(self.request(Method::GET, "/healthz").body(Body::from("")).expect("a request"));
        until(async || look().await.is_ok(), |answers| *answers).await;
    }

    /// A browser at [`CLIENT`] that trusts the certificate.
    fn browser(&self) -> Browser {
        let tls = tls_settings(vec![self.certificate.clone().into()]).expect("settings");
        let nginx = SocketAddr::from(([127, 0, 0, 1], self.port));
        let mut http = HttpConnector::new_with_resolver(Nginx(nginx));
        http.enforce_http(false);
        http.set_local_address(Some(CLIENT.parse().expect("an address")));
        Client::builder(TokioExecutor::new()).build(HttpsConnector::from((http, tls)))
    }

    /// A request to the public address.
    fn request(&self, method: Method, path: &str) -> Builder {
        Request::builder().method(method).uri(self.url(path)).header("accept", "text/html")
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if let Some(mut nginx) = self.nginx.take() {
            nginx.kill().ok();
            nginx.wait().ok();
        }
    }
}

/// Sends a request; answers with status, headers and body.
async fn send(browser: &Browser, request: Request<Body>) -> (u16, HeaderMap, String) {
    let answer = browser.request(request).await.expect("an answer");
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    let body = answer.into_body().collect().await.expect("a body").to_bytes();
    (status, headers, String::from_utf8_lossy(&body).into_owned())
}

fn header<'h>(headers: &'h HeaderMap, name: &str) -> &'h str {
    headers.get(name).map_or("", |value| value.to_str().expect("text"))
}

/// The newest entry of the audit log: what was done, and from where.
async fn newest(console: &TestConsole) -> (String, String) {
    let all = AuditFilter::default();
    let log = console.console.audit.list(&Actor::cli(), &all, PageRequest::of_console(1)).await.expect("the log");
    (log.rows[0].action.clone(), log.rows[0].address.clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lines_of_the_guide_carry_a_console() {
    let mut proxy = Proxy::prepare();
    let public = proxy.url("/").parse().expect("an address");
    let console = TestConsole::start_with(Database::sqlite(), |config| {
        config.public_url = Some(public);
        config.trusted_proxies = vec!["127.0.0.1/32".parse().expect("a network")];
    })
    .await;
    console.add_domain().await;
    console.console.accounts.create_user(&Actor::cli(), "ada", Role::Admin, "correct horse").await.expect("a user");
    proxy.start(console.http).await;
    let (browser, own) = (proxy.browser(), proxy.url(""));

    let login = proxy.request(Method::POST, &console.function("sign_in")).header("origin", &own);
    let login = login.header("content-type", "application/x-www-form-urlencoded").header("x-forwarded-for", CLAIMED);
    let login = login.body(Body::from("name=ada&password=correct+horse&next=/domains")).expect("a request");
    let (status, headers, _) = send(&browser, login).await;
    assert_eq!((status, header(&headers, "location")), (302, "/domains"), "signed in");
    assert_eq!(header(&headers, "strict-transport-security"), "max-age=31536000");
    let cookie = header(&headers, "set-cookie");
    assert!(cookie.starts_with("__Host-callsheet=") && cookie.contains("; Secure"), "{cookie}");
    let cookie = cookie.split(';').next().expect("a cookie");
    assert_eq!(newest(&console).await, ("user.sign_in".to_owned(), CLIENT.to_owned()), "and not {CLAIMED}");

    let page = proxy.request(Method::GET, "/domains").header("cookie", cookie).body(Body::from("")).expect("a request");
    let (status, _, page) = send(&browser, page).await;
    assert!(status == 200 && page.contains(DOMAIN), "{page}");

    // By a page of the console itself, of whose address `Host` tells the console no port; and by another's.
    for (origin, status) in [("https://evil.example", 403), (own.as_str(), 200)] {
        let change = proxy.request(Method::PATCH, &format!("/api/v1/domains/{DOMAIN}")).header("origin", origin);
        let change = change.header("cookie", cookie).header("content-type", "application/json");
        let change = change.body(Body::from(r#"{"enabled":false}"#)).expect("a request");
        assert_eq!(send(&browser, change).await.0, status, "{origin}");
    }
    assert_eq!(newest(&console).await, ("domain.disable".to_owned(), CLIENT.to_owned()));

    // More than nginx takes by itself, of known and of unknown length.
    let now = console.console.clock.now() / 1000;
    let line = format!(r#"{{"msec":{now}.000,"host":"{PLAY}","status":200,"bytes_sent":1000}}"#);
    let log = format!("{line}\n").repeat(40_000);
    assert!(log.len() > 2 << 20);
    let form = multipart(&[("format", "")], Some(("play.log", log.as_bytes())));
    let upload = proxy.request(Method::POST, "/statistics/imports").header("cookie", cookie);
    let upload = upload.header("content-type", "multipart/form-data; boundary=cut").body(Body::from(form));
    let (status, headers, _) = send(&browser, upload.expect("a request")).await;
    assert_eq!((status, header(&headers, "location")), (303, "/statistics/imports#upload"));
    let pieces = [log, "oops\n".to_owned()].map(|piece| Ok::<_, Infallible>(Bytes::from(piece)));
    let pieces = Body::from_stream(futures::stream::iter(pieces));
    let upload = proxy.request(Method::POST, "/api/v1/access-logs?name=pieces.log").header("cookie", cookie);
    let (status, _, told) = send(&browser, upload.body(pieces).expect("a request")).await;
    assert_eq!(status, 200, "{told}");
    let told: serde_json::Value = serde_json::from_str(&told).expect("JSON");
    // All but the last line are known from the first upload.
    assert_eq!((&told["lines"], &told["bad"]), (&1.into(), &1.into()), "{told}");

    // Who comes past the proxy is believed nothing.
    let past = reqwest::Client::builder().local_address(CLIENT.parse::<IpAddr>().expect("an address")).build();
    let change = past.expect("a client").patch(console.url(&format!("/api/v1/domains/{DOMAIN}")));
    let change = change.header("cookie", cookie).header("x-forwarded-for", CLAIMED);
    let answer = change.json(&serde_json::json!({ "enabled": true })).send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    assert_eq!(newest(&console).await, ("domain.enable".to_owned(), CLIENT.to_owned()));
    drop((browser, proxy));
    console.stop().await;
}
