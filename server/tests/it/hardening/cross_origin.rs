//! What a page of another origin makes a signed-in browser send is refused, whatever it is and whatever it claims to be.

use callsheet::audit::AuditFilter;
use callsheet::model::{Actor, PageRequest, Role};
use leptos::server_fn::axum::server_fn_paths;
use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::authz::{api_routes, client, fill, form};
use crate::support::{DOMAIN, Database, TestConsole, without_markers};

/// The types that a browser sends without asking first, and the one of the API.
const TYPES: [&str; 4] =
    ["application/x-www-form-urlencoded", "multipart/form-data; boundary=cut", "text/plain", "application/json"];

/// A console at which an admin is signed in, and how many entries its audit log has.
async fn signed_in(public_url: Option<&str>) -> (TestConsole, Client) {
    let url = public_url.map(|url| url.parse().expect("an address"));
    let console = TestConsole::start_with(Database::sqlite(), |config| config.public_url = url).await;
    console.add_domain().await;
    let accounts = &console.console.accounts;
    accounts.create_user(&Actor::cli(), "ada", Role::Admin, "correct horse").await.expect("a user");
    let client = client();
    let login = [("name", "ada"), ("password", "correct horse"), ("next", "")];
    let request = client.post(console.url(&console.function("sign_in"))).form(&login);
    assert_eq!(request.send().await.expect("an answer").status(), 200);
    (console, client)
}

async fn audited(console: &TestConsole) -> i64 {
    let all = AuditFilter::default();
    console.console.audit.list(&Actor::cli(), &all, PageRequest::of_console(1)).await.expect("the log").total
}

/// Everything that changes something and takes a browser's cookie.
fn writes() -> Vec<(Method, String, String)> {
    let functions = server_fn_paths().map(|(path, _)| {
        let fields = form(path).iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&");
        (Method::POST, path.to_owned(), fields)
    });
    let api = api_routes().into_iter().filter(|(method, _)| *method != Method::GET);
    let api = api.map(|(method, path)| (method, format!("/api/v1{}", fill(&path)), "{}".to_owned()));
    let upload =
        "--cut\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.log\"\r\n\r\noops\r\n--cut--\r\n";
    let uploads = [(Method::POST, "/statistics/imports".to_owned(), upload.to_owned())];
    functions.chain(api).chain(uploads).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_another_origin_sends_is_done() {
    let (console, client) = signed_in(None).await;
    let (own, other_name) = (console.url(""), format!("http://localhost:{}", console.http.port()));
    let elsewhere: [&[(&str, &str)]; 8] = [
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
        &[("origin", "http://127.0.0.1:1")],
        &[("origin", &other_name)],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("sec-fetch-site", "cross-site"), ("origin", "null")],
        &[("sec-fetch-site", "same-site"), ("origin", &own)],
    ];
    let before = audited(&console).await;
    let writes = writes();
    assert!(writes.len() > 70, "{writes:?}");
    for (number, (method, path, body)) in writes.iter().enumerate() {
        for (place, said) in elsewhere.iter().enumerate() {
            let mut request = client.request(method.clone(), console.url(path)).body(body.clone());
            request = request.header("content-type", TYPES[(number + place) % TYPES.len()]);
            for (name, value) in *said {
                request = request.header(*name, *value);
            }
            let answer = request.send().await.expect("an answer");
            assert_eq!(answer.status(), 403, "{method} {path} {said:?}");
            assert_eq!(answer.headers().get("set-cookie"), None, "{method} {path} {said:?}");
        }
    }
    assert_eq!(audited(&console).await, before, "nothing was done");
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_tells_why_and_what_to_do() {
    let (console, client) = signed_in(None).await;
    let answer = async |path: &str| {
        let request =
            client.post(console.url(path)).header("origin", "https://evil.example").header("accept-language", "en");
        request.send().await.expect("an answer").text().await.expect("text")
    };
    let problem: Value = serde_json::from_str(&answer("/api/v1/domains").await).expect("JSON");
    assert_eq!((&problem["type"], &problem["status"]), (&json!("/problems/cross_origin"), &json!(403)));
    assert!(problem["detail"].as_str().expect("text").contains("`public_url`"), "{problem}");
    let (path, _) = server_fn_paths().next().expect("a function");
    let page = without_markers(&answer(path).await);
    for text in ["<h1>Permission denied</h1>", "a different address than this console", "set public_url to the URL"] {
        assert!(page.contains(text), "{page}");
    }
    assert!(!page.contains("<script"), "{page}");
    console.stop().await;
}

/// The status of a change that is harmless.
async fn change(console: &TestConsole, client: &Client, said: &[(&str, &str)]) -> u16 {
    let request = client.patch(console.url(&format!("/api/v1/domains/{DOMAIN}")));
    let request = said.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    request.json(&json!({ "enabled": true })).send().await.expect("an answer").status().as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_console_and_scripts_send_is_done() {
    let (console, client) = signed_in(None).await;
    let own = console.url("");
    for said in
        [&[][..], &[("origin", own.as_str())], &[("sec-fetch-site", "same-origin")], &[("sec-fetch-site", "none")]]
    {
        assert_eq!(change(&console, &client, said).await, 200, "{said:?}");
    }
    // A link elsewhere leads here.
    let page = client.get(console.url("/domains")).header("sec-fetch-site", "cross-site");
    assert_eq!(page.send().await.expect("an answer").status(), 200);
    // Signed requests go by their signature alone, and forms of server functions by POST alone.
    assert_eq!(client.get(console.url("/v1/domains")).send().await.expect("an answer").status(), 401);
    for (path, _) in server_fn_paths() {
        let answer = client.get(console.url(path)).send().await.expect("an answer");
        assert!(answer.status().is_client_error(), "GET {path}: {}", answer.status());
    }
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_proxy_the_public_address_counts() {
    let (console, client) = signed_in(Some("http://callsheet.example.com:8080")).await;
    for (origin, status) in [
        ("http://callsheet.example.com:8080", 200),
        ("http://callsheet.example.com", 403),
        ("https://callsheet.example.com:8080", 403),
        ("http://evil.example", 403),
    ] {
        assert_eq!(change(&console, &client, &[("origin", origin)]).await, status, "{origin}");
    }
    console.stop().await;
}
