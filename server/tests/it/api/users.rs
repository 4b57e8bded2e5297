//! `/users`.

use serde_json::{Value, json};

use super::support::{Api, column};

#[tokio::test]
async fn a_user_is_invited_changed_and_given_a_new_link() {
    let api = Api::start().await;
    let body = json!({ "name": "grace", "role": "operator" });
    let created = api.send(&api.admin, "POST /users", body.clone()).await;
    assert_eq!(created.status, 201, "{}", created.json);
    let (user, link) = (&created.json["user"], created.json["link"].as_str().expect("a link"));
    assert!(link.starts_with("http://console.example/invite/"), "{link}");
    let expected = json!({
        "id": user["id"], "name": "grace", "role": "operator", "state": "invited", "issuer": null, "twoFactor": false,
        "createdAt": "2026-11-22T14:31:20.000Z", "lastSignInAt": null,
    });
    assert_eq!(*user, expected);
    let path = format!("/users/{}", user["id"]);
    assert_eq!(created.headers["location"], format!("/api/v1{path}"));
    assert_eq!(api.send(&api.admin, &format!("GET {path}"), Value::Null).await.json, expected);
    assert_eq!(api.send(&api.admin, "POST /users", body).await.problem(), (409, "user_taken", "name"));

    let again = api.send(&api.admin, &format!("POST {path}/link"), Value::Null).await;
    assert_eq!(again.status, 200);
    assert_ne!(again.json["link"], *link);
    let accounts = &api.console.accounts;
    let token = |link: &Value| link.as_str().expect("a link").rsplit('/').next().expect("a token").to_owned();
    assert!(accounts.check_link(&token(&created.json["link"])).await.is_err(), "the older one is void");
    let new = token(&again.json["link"]);
    accounts.accept_link(&new, "correct horse", "correct horse", "192.0.2.7").await.expect("accepted");

    let change = async |body: Value| api.send(&api.admin, &format!("PATCH {path}"), body).await;
    let changed = change(json!({ "role": "admin" })).await.json;
    assert_eq!((&changed["role"], &changed["state"]), (&json!("admin"), &json!("active")));
    let last = change(json!({ "role": "reviewer" })).await;
    assert_eq!(last.problem(), (409, "user_last_admin", ""));
    assert_eq!(change(json!({ "active": false })).await.problem(), (409, "user_last_admin", ""));
    assert_eq!(change(json!({ "role": "boss" })).await.problem(), (422, "invalid_value", "role"));
    let other = json!({ "name": "eve", "role": "reviewer" });
    let eve = api.send(&api.admin, "POST /users", other).await.json["user"]["id"].clone();
    let both = json!({ "role": "operator", "active": false });
    let both = api.send(&api.admin, &format!("PATCH /users/{eve}"), both).await.json;
    assert_eq!((&both["role"], &both["state"]), (&json!("operator"), &json!("deactivated")));
    let log = api.send(&api.admin, "GET /audit?target=eve", Value::Null).await.json;
    assert_eq!(column(&log, "action"), ["user.deactivate", "user.role", "user.invite"]);
    let back = json!({ "role": "reviewer", "active": true });
    assert_eq!(api.send(&api.admin, &format!("PATCH /users/{eve}"), back).await.status, 200);
    // What goes half only does not go.
    let half = change(json!({ "role": "operator", "active": false })).await;
    assert_eq!(half.problem(), (409, "user_last_admin", ""));
    let grace = api.send(&api.admin, &format!("GET {path}"), Value::Null).await.json;
    assert_eq!((&grace["role"], &grace["state"]), (&json!("admin"), &json!("active")));
    let list = api.send(&api.admin, "GET /users", Value::Null).await.json;
    assert_eq!(column(&list, "name"), ["eve", "grace"]);
    assert_eq!(column(&list, "state"), ["invited", "active"]);

    let sessions = format!("{path}/sessions");
    assert_eq!(api.send(&api.admin, &format!("GET {sessions}"), Value::Null).await.json["items"], json!([]));
    let unknown = api.send(&api.admin, &format!("DELETE {sessions}/guessed"), Value::Null).await;
    assert_eq!(unknown.problem(), (404, "browser_session_unknown", ""));
    for call in [format!("DELETE {sessions}"), format!("DELETE {path}/two-factor")] {
        assert_eq!(api.send(&api.admin, &call, Value::Null).await.status, 204, "{call}");
    }
    assert_eq!(api.send(&api.admin, "GET /users/99", Value::Null).await.problem(), (404, "user_unknown", ""));
}
