//! `/audit`, and the exports of its page.

use std::io::Cursor;

use axum::body::{Body, Bytes};
use axum::http::{Request, Response, header};
use calamine::{Data, Reader, Xlsx};
use callsheet::domains::NewDomain;
use callsheet::model::{Actor, Role};
use serde_json::{Value, json};

use super::support::{Api, column};

/// What a signed-in browser of this role gets.
async fn browse(api: &Api, role: Role, path: &str) -> Response<Bytes> {
    let mut request = Request::get(path).body(Body::empty()).expect("a request");
    request.extensions_mut().insert(Actor { role, ..Actor::cli() });
    api.fetch(request).await
}

#[tokio::test]
async fn entries_are_listed_in_pages() {
    let api = Api::start().await;
    let list = api.send(&api.admin, "GET /audit?limit=2", Value::Null).await.json;
    assert_eq!(column(&list, "target"), ["push.example.net", "push.example.com"]);
    let entry = &list["items"][0];
    assert!(entry["id"].as_str().is_some_and(|id| id.starts_with("aud_")), "{entry}");
    for (name, value) in [
        ("at", json!("2026-11-22T14:31:20.000Z")),
        ("actor", json!({ "kind": "key", "name": "admin" })),
        ("action", json!("domain.create")),
        ("detail", json!({ "after": { "play": ["play.example.net"] } })),
    ] {
        assert_eq!(entry[name], value, "{name}");
    }
    let cursor = list["nextCursor"].as_str().expect("more");
    let next = api.send(&api.admin, &format!("GET /audit?cursor={cursor}"), Value::Null).await.json;
    assert_eq!(column(&next, "action"), ["key.create", "key.create"]);

    let asked = "GET /audit?action=key.create&actor=command+line&q=push.example.net&since=2026-11-22T00:00:00Z";
    let found = api.send(&api.admin, asked, Value::Null).await.json;
    assert_eq!(column(&found, "target"), ["stranger"]);
    let later = api.send(&api.admin, "GET /audit?since=2026-11-22T14:31:21Z", Value::Null).await.json;
    assert_eq!(later["items"], json!([]));
    let unknown = api.send(&api.admin, "GET /audit?colour=red", Value::Null).await;
    assert_eq!(unknown.problem(), (422, "invalid_value", "colour"));
    let span = "GET /audit?since=2026-11-22T00:00:00Z&until=2026-11-21T00:00:00Z";
    assert_eq!(api.send(&api.admin, span, Value::Null).await.problem(), (422, "invalid_value", "until"));
}

#[tokio::test]
async fn exports_hold_all_that_the_page_lists() {
    let api = Api::start().await;
    for n in 0..600 {
        let new = NewDomain::parse(&format!("push{n}.example.org"), &[&format!("play{n}.example.org")]);
        api.console.domains.create(&Actor::cli(), new.expect("a domain")).await.expect("created");
    }
    api.console.sources.create(&Actor::cli(), "generic", "=HYPERLINK(\"x\")", None).await.expect("added");
    let answer = browse(&api, Role::Admin, "/audit.csv?q=example.org").await;
    assert_eq!(answer.headers()[header::CONTENT_TYPE], "text/csv; charset=utf-8");
    assert_eq!(answer.headers()[header::CONTENT_DISPOSITION], "attachment; filename=\"audit-2026-11-22.csv\"");
    let csv = String::from_utf8(answer.body().to_vec()).expect("UTF-8");
    let lines: Vec<_> = csv.lines().collect();
    assert_eq!(lines[0], "\u{feff}When (UTC),Actor,IP address,Action,Action code,Target,Details");
    let last = "2026-11-22 14:31:20,Command line,local,Domain created,domain.create,push599.example.org,Play domains: play599.example.org";
    assert_eq!((lines[1], lines.len()), (last, 601));

    let csv = browse(&api, Role::Admin, "/audit.csv?action=source.create").await;
    let csv = String::from_utf8(csv.body().to_vec()).expect("UTF-8");
    assert!(csv.contains(",source.create,\"'=HYPERLINK(\"\"x\"\")\","), "{csv}");

    let workbook = browse(&api, Role::Admin, "/audit.xlsx?action=source.create").await;
    let mut workbook: Xlsx<_> =
        calamine::open_workbook_from_rs(Cursor::new(workbook.body().to_vec())).expect("a workbook");
    let sheet = workbook.worksheet_range_at(0).expect("a sheet").expect("readable");
    assert_eq!(sheet.height(), 2);
    assert!(matches!(sheet.get((1, 0)), Some(Data::DateTime(_))), "{sheet:?}");
    assert_eq!(sheet.get((1, 5)), Some(&Data::String("'=HYPERLINK(\"x\")".to_owned())));

    for path in ["/audit.csv", "/audit.xlsx"] {
        assert_eq!(browse(&api, Role::Reviewer, path).await.status(), 403, "{path}");
        let nobody = Request::get(path).body(Body::empty()).expect("a request");
        assert_eq!(api.fetch(nobody).await.headers()[header::LOCATION], format!("/login?next=%2F{}", &path[1..]));
    }
}

#[tokio::test]
async fn pages_of_admins_are_closed_to_others() {
    let api = Api::start().await;
    for page in ["/keys", "/keys/new", "/keys/1", "/audit"] {
        for role in [Role::Operator, Role::Reviewer] {
            assert_eq!(browse(&api, role, page).await.status(), 403, "{page}");
        }
        assert_eq!(browse(&api, Role::Admin, page).await.status(), 200, "{page}");
    }
    let home = browse(&api, Role::Operator, "/sources").await;
    let home = String::from_utf8_lossy(home.body()).into_owned();
    assert!(!home.contains("href=\"/keys\"") && !home.contains("href=\"/audit\""), "its links are for admins");
    assert_eq!(browse(&api, Role::Admin, "/keys/9999").await.status(), 404);
}
