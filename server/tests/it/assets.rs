//! The static files of the pages. The files here are small samples in the layout of a release; that the real ones work is for the browser tests.

use std::sync::Arc;

use callsheet::model::SystemClock;
use callsheet_server::assets::Assets;
use flate2::read::GzDecoder;
use include_dir::{Dir, include_dir};
use reqwest::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, VARY};
use reqwest::{Client, Method, Response, StatusCode};

use crate::support::{Database, TestConsole};

const STYLE_SHEET: &str = "/pkg/callsheet.0123456789abcdef.css";
const PLAIN: &[u8] = include_bytes!("fixtures/assets/pkg/callsheet.0123456789abcdef.css");

static SAMPLE: Dir = include_dir!("$CARGO_MANIFEST_DIR/tests/it/fixtures/assets");

async fn console() -> TestConsole {
    let data = tempfile::tempdir().expect("folder");
    TestConsole::start_with_assets(data, Database::sqlite(), Arc::new(SystemClock), Assets::embedded(&SAMPLE), |_| {})
        .await
}

async fn get(console: &TestConsole, path: &str, encodings: &str) -> Response {
    let request = Client::new().get(console.url(path)).header(ACCEPT_ENCODING, encodings);
    request.send().await.expect("an answer")
}

fn header(response: &Response, name: reqwest::header::HeaderName) -> &str {
    response.headers().get(name).map_or("", |value| value.to_str().expect("text"))
}

#[tokio::test]
async fn pages_name_the_files_by_their_hashed_names() {
    let console = console().await;
    let html = get(&console, "/login", "identity").await.text().await.expect("text");
    for url in
        [STYLE_SHEET, "/pkg/favicon.svg", "/pkg/callsheet.fedcba9876543210.js", "/pkg/callsheet.fedcba9876543210.wasm"]
    {
        assert!(html.contains(url), "{url} is not in {html}");
    }
}

#[tokio::test]
async fn each_client_gets_the_smallest_copy_that_it_can_read() {
    let console = console().await;
    let brotli: &[u8] = include_bytes!("fixtures/assets/pkg/callsheet.0123456789abcdef.css.br");
    for (accepts, coding) in [
        ("gzip, deflate, br, zstd", "br"),
        ("BR", "br"),
        ("gzip, deflate", "gzip"),
        ("br;q=0, gzip;q=0.5", "gzip"),
        ("br; q=0.0, gzip ; q=0", ""),
        ("identity", ""),
        ("", ""),
        ("brotli, x-gzip", ""),
    ] {
        let response = get(&console, STYLE_SHEET, accepts).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(header(&response, CONTENT_ENCODING), coding, "{accepts}");
        assert_eq!(header(&response, VARY), "accept-encoding");
        assert_eq!(header(&response, CONTENT_TYPE), "text/css");
        let body = response.bytes().await.expect("a body");
        match coding {
            "br" => assert_eq!(body, brotli),
            "gzip" => assert_eq!(std::io::read_to_string(GzDecoder::new(&body[..])).expect("gzip").as_bytes(), PLAIN),
            _ => assert_eq!(body, PLAIN),
        }
    }
}

#[tokio::test]
async fn hashed_names_are_kept_for_a_year_and_others_checked_each_time() {
    let console = console().await;
    let hashed = get(&console, STYLE_SHEET, "br").await;
    assert_eq!(header(&hashed, CACHE_CONTROL), "public, max-age=31536000, immutable");
    let plain = get(&console, "/pkg/favicon.svg", "br").await;
    assert_eq!(header(&plain, CACHE_CONTROL), "no-cache");
    assert_eq!(header(&plain, CONTENT_TYPE), "image/svg+xml");
}

#[tokio::test]
async fn other_paths_are_not_found_and_other_methods_not_allowed() {
    let console = console().await;
    let compressed = format!("{STYLE_SHEET}.br");
    for path in [
        "/pkg/callsheet.css",
        "/pkg/",
        "/pkg/manifest.json",
        "/manifest.json",
        &compressed,
        "/pkg/%2e%2e/manifest.json",
    ] {
        assert_eq!(get(&console, path, "br").await.status(), StatusCode::NOT_FOUND, "{path}");
    }
    let post = Client::new().request(Method::POST, console.url(STYLE_SHEET)).send().await.expect("an answer");
    assert_eq!(post.status(), StatusCode::METHOD_NOT_ALLOWED);
    let head = Client::new().head(console.url(STYLE_SHEET)).send().await.expect("an answer");
    assert_eq!(header(&head, CONTENT_TYPE), "text/css");
}

#[test]
fn a_folder_is_served_under_its_own_names() {
    let folder = "../public";
    let assets = Assets::read(folder.as_ref()).expect("files");
    assert_eq!(&*assets.urls().chart, "/chart/chart.js");
    assert_eq!(&*assets.urls().icon, "/favicon.svg");
    assert!(!assets.get("chart/chart.js").expect("a file").immutable);
    assert!(Assets::default().is_empty());
}
