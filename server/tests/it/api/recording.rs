//! `/domains/{push}/recording`.

use serde_json::{Value, json};

use super::support::Api;

const PATH: &str = "/domains/push.example.com/recording";

#[tokio::test]
async fn recording_is_turned_on_and_keeps_its_bucket() {
    let api = Api::start().await;
    let put = format!("PUT {PATH}");
    assert_eq!(api.get(PATH).await["enabled"], false);
    let settings = json!({ "enabled": true, "partSeconds": 2, "bucket": "archive" });
    assert_eq!(api.send(&api.operator, &put, settings.clone()).await.json, settings);
    assert_eq!(api.get(PATH).await, settings);
    let answer = api.send(&api.operator, &put, json!({ "enabled": false, "partSeconds": 900 })).await;
    assert_eq!(answer.json, json!({ "enabled": false, "partSeconds": 900, "bucket": "archive" }));
}

#[tokio::test]
async fn settings_that_cannot_be_set() {
    let api = Api::start().await;
    for (body, problem) in [
        (json!({ "enabled": true, "partSeconds": 1 }), (422, "recording_bad_part_length", "partSeconds")),
        (json!({ "enabled": true, "partSeconds": 21_601 }), (422, "recording_bad_part_length", "partSeconds")),
        (json!({ "enabled": true, "partSeconds": 9, "bucket": "../b" }), (422, "recording_bad_bucket", "bucket")),
        (json!({ "enabled": true }), (422, "invalid_value", "partSeconds")),
        (json!({ "partSeconds": 900 }), (422, "invalid_value", "enabled")),
    ] {
        let answer = api.send(&api.operator, &format!("PUT {PATH}"), body.clone()).await;
        assert_eq!(answer.problem(), problem, "{body}");
    }
    let answer = api.send(&api.operator, "GET /domains/push.example.org/recording", Value::Null).await;
    assert_eq!(answer.problem(), (404, "domain_unknown", ""));
}
