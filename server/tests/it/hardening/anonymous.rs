//! Anonymous requests use bounded memory and write nothing to the database.

use std::net::SocketAddr;

use callsheet::model::{Actor, Role};
use callsheet::streams::{IngestSink, PushRequest};
use http::Method;
use reqwest::{Client, header};
use sqlx::{AnyConnection, Connection, Row};

use crate::support::{DOMAIN, Database, TestConsole, on_both_databases};

on_both_databases!(forms_of_anonymous_people_write_nothing, parameters_of_push_addresses_are_bounded);

async fn rows(database: &Database, table: &str) -> i64 {
    sqlx::any::install_default_drivers();
    let mut connection = AnyConnection::connect(database.url()).await.expect("the database");
    let count = sqlx::AssertSqlSafe(format!("select count(*) as n from {table}"));
    sqlx::query(count).fetch_one(&mut connection).await.expect("counted").get("n")
}

async fn forms_of_anonymous_people_write_nothing(database: Database) {
    let console = TestConsole::start(database).await;
    console.console.accounts.create_user(&Actor::cli(), "ada", Role::Admin, "correct horse").await.expect("a user");
    let sign_in = console.url(&console.function("sign_in"));
    let client = Client::builder().cookie_store(true).build().expect("a client");
    let post = async |name: &str, password: &str| {
        let request = client.post(&sign_in).header(header::ACCEPT, "text/html");
        let request = request.header(header::REFERER, console.url("/login?next=%2Fdomains"));
        let form = [("name", name), ("password", password), ("next", "/domains")];
        let answer = request.form(&form).send().await.expect("an answer");
        (answer.url().path().to_owned(), answer.text().await.expect("text"))
    };
    // Past the limit of sign-ins, with names that no user can have, and one that a person could have typed.
    for number in 0..40 {
        post(&number.to_string().repeat(20_000), "wrong").await;
    }
    let name = "grace <hopper>";
    let (page, html) = post(name, "wrong").await;
    assert_eq!(page, "/login");
    assert!(html.contains("grace &lt;hopper&gt;"), "what was typed is still there: {html}");
    assert!(html.contains("Too many sign-in attempts"), "{html}");
    let again = client.get(console.url("/login")).send().await.expect("an answer").text().await.expect("text");
    assert!(!again.contains("hopper"), "shown once: {again}");
    assert_eq!(rows(&console.database, "web_sessions").await, 0);
    console.stop().await;
}

async fn parameters_of_push_addresses_are_bounded(database: Database) {
    let console = TestConsole::start(database).await;
    console.add_domain().await;
    let source = console.console.sources.built_in().await.expect("there from the start");
    let admit = async |params: Vec<(String, String)>| {
        let (hosts, app, stream) = (vec![DOMAIN.to_owned()], "live".to_owned(), "room_7".to_owned());
        let push = PushRequest { source, hosts, app, stream, client: None, params };
        console.console.streams.admit(push).await.map(|admitted| admitted.params.len()).map_err(|refused| refused.code)
    };
    let pair = |length: usize| ("token".to_owned(), "x".repeat(length - 5));
    assert_eq!(admit(vec![pair(64); 32]).await, Ok(32));
    assert_eq!(admit(vec![pair(8); 33]).await, Err("bad_params"));
    assert_eq!(admit(vec![pair(2_048)]).await, Ok(1));
    assert_eq!(admit(vec![pair(2_049)]).await, Err("bad_params"));
    // Repeated refusals fill neither the disk nor the log.
    for _ in 0..300 {
        assert_eq!(admit(vec![pair(9_999)]).await, Err("bad_params"));
    }
    let stored = rows(&console.database, "refusals").await;
    assert!((3..150).contains(&stored), "{stored}");
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_next_page_shows_fits_into_a_sealed_cookie() {
    let console = TestConsole::start(Database::sqlite()).await;
    let client = Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
    let request = client.post(console.url(&console.function("sign_in"))).header(header::ACCEPT, "text/html");
    let form = [("name", "名".repeat(20_000)), ("password", "wrong".to_owned()), ("next", String::new())];
    let answer = request.form(&form).send().await.expect("an answer");
    let cookie = answer.headers()[header::SET_COOKIE].to_str().expect("text").to_owned();
    assert!(cookie.starts_with("callsheet-form=") && cookie.len() < 4096, "{} bytes", cookie.len());
    for word in ["; HttpOnly", "; SameSite=Lax", "; Path=/", "; Max-Age=3600"] {
        assert!(cookie.contains(word), "{cookie}");
    }
    // The page that shows it takes it away.
    let request = client.get(console.url("/login")).header(header::COOKIE, cookie.split(';').next().expect("a cookie"));
    let shown = request.send().await.expect("an answer");
    let removed = shown.headers()[header::SET_COOKIE].to_str().expect("text");
    assert!(removed.starts_with("callsheet-form=;") && removed.contains("; Max-Age=0"), "{removed}");
    // A cookie that was made up is none.
    let sealed = cookie.split(['=', ';']).nth(1).expect("a value");
    for forged in ["", "AAAA", &sealed.replace(|c: char| c.is_ascii_digit(), "x")] {
        let request = client.get(console.url("/login")).header(header::COOKIE, format!("callsheet-form={forged}"));
        assert_eq!(request.send().await.expect("an answer").status(), 200);
    }
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn methods_that_nobody_knows_make_no_figures() {
    let console = TestConsole::start(Database::sqlite()).await;
    let client = Client::new();
    for method in ["BREW", &"X".repeat(50_000), "get"] {
        let method = Method::from_bytes(method.as_bytes()).expect("a token");
        let answer = client.request(method, console.url("/login")).send().await.expect("an answer");
        assert_eq!(answer.status(), 405);
    }
    let figures = client.get(console.url("/metrics")).send().await.expect("an answer").text().await.expect("text");
    assert!(!figures.contains("BREW") && !figures.contains("XXXX"), "{figures}");
    assert!(figures.contains(r#"callsheet_http_requests_total{method="other""#), "{figures}");
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_are_for_programs_on_this_machine() {
    let console = TestConsole::start(Database::sqlite()).await;
    let status = async |name: &str, value: &str| {
        let request = Client::new().get(console.url("/metrics")).header(name, value);
        request.send().await.expect("an answer").status().as_u16()
    };
    for client in ["203.0.113.7", "203.0.113.7:50123", "[2001:db8::7]:50123", "127.0.0.1", "unknown", "_x", "", "x"] {
        assert_eq!(status("x-forwarded-for", client).await, 403, "{client}");
    }
    assert_eq!(status("forwarded", "for=127.0.0.1").await, 403);
    assert_eq!(status("accept", "text/plain").await, 200);
    console.stop().await;
}

/// One client does not use up the limit of others because its proxy adds ports, or names nobody.
#[tokio::test(flavor = "multi_thread")]
async fn clients_behind_a_proxy_have_limits_of_their_own() {
    let console = TestConsole::start_with(Database::sqlite(), |config| config.api_rate_limit = 100).await;
    let status = async |client: String| {
        let request = Client::new().get(console.url("/api/v1/domains")).bearer_auth("wrong");
        request.header("x-forwarded-for", client).send().await.expect("an answer").status().as_u16()
    };
    let mut seen = Vec::new();
    for port in 50_000..50_040_u16 {
        seen.push(status(SocketAddr::from(([203, 0, 113, 7], port)).to_string()).await);
    }
    assert_eq!((seen[0], seen[39]), (401, 429));
    assert_eq!(status("203.0.113.8:50124".to_owned()).await, 401);
    assert_eq!(status("unknown".to_owned()).await, 401);
    console.stop().await;
}
