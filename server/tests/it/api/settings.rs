//! `/settings` and `/vod-domains`.

use serde_json::{Value, json};

use super::support::{Api, column};

#[tokio::test]
async fn settings_stand_under_the_names_of_the_configuration() {
    let api = Api::start().await;
    let expected = json!({
        "timeZone": "UTC",
        "retentionDays": 30,
        "attemptBodyDays": 7,
        "allowedNetworks": ["127.0.0.1/32"],
        "retrySchedule": [0, 5, 30, 120, 600, 1800, 7200, 18000, 36000, 50400, 72000, 86400],
    });
    for token in [&api.admin, &api.reviewer] {
        assert_eq!(api.send(token, "GET /settings", Value::Null).await.json, expected);
    }
}

#[tokio::test]
async fn vod_domains_come_and_go() {
    let api = Api::start().await;
    let body = |name: &str, path: &str| json!({ "name": name, "path": path });
    let added = api.send(&api.operator, "POST /vod-domains", body("VOD.example.com", "films/public/")).await;
    let expected = json!({
        "name": "vod.example.com",
        "display": "vod.example.com",
        "path": "films/public",
        "createdAt": "2026-11-22T14:31:20.000Z",
    });
    assert_eq!((added.status.as_u16(), &added.json), (201, &expected));
    assert_eq!(api.send(&api.operator, "POST /vod-domains", body("点播.example.cn", "films")).await.status, 201);
    let list = api.send(&api.reviewer, "GET /vod-domains", Value::Null).await.json;
    assert_eq!(column(&list, "display"), ["vod.example.com", "点播.example.cn"]);
    assert_eq!(list["nextCursor"], Value::Null);
    let limited = api.send(&api.stranger, "GET /vod-domains", Value::Null).await.json;
    assert_eq!(limited["items"], json!([]), "a limited key sees its own alone");

    for (token, call, body, problem) in [
        (&api.operator, "POST /vod-domains", body("vod.example.com", "films"), (409, "vod_domain_taken", "name")),
        (&api.operator, "POST /vod-domains", body("play.example.com", "films"), (409, "vod_domain_taken", "name")),
        (&api.operator, "POST /vod-domains", body("localhost", "films"), (422, "name_one_label", "name")),
        (&api.operator, "POST /vod-domains", body("b.example.com", "../films"), (422, "vod_domain_bad_path", "path")),
        (&api.operator, "POST /vod-domains", json!({ "name": "b.example.com" }), (422, "invalid_value", "path")),
        (&api.stranger, "POST /vod-domains", body("b.example.com", "films"), (403, "forbidden", "")),
        (&api.reviewer, "DELETE /vod-domains/vod.example.com", Value::Null, (403, "forbidden", "")),
        (&api.operator, "DELETE /vod-domains/b.example.com", Value::Null, (404, "vod_domain_unknown", "")),
    ] {
        let answer = api.send(token, call, body.clone()).await;
        assert_eq!(answer.problem(), problem, "{call} {body}");
    }
    for name in ["VOD.example.com", "%E7%82%B9%E6%92%AD.example.cn"] {
        let answer = api.send(&api.operator, &format!("DELETE /vod-domains/{name}"), Value::Null).await;
        assert_eq!(answer.status, 204, "{}", answer.json);
    }
    assert_eq!(api.get("/vod-domains").await["items"], json!([]));
}
