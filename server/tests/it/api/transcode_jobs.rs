//! `/transcode-jobs`.

use axum::body::Body;
use axum::http::{Request, header};
use callsheet::model::Actor;
use callsheet::stats::{Codec, Resolution, TimeRange, TranscodingCell, TranscodingQuery};
use serde_json::{Value, json};

use super::support::{Answer, Api, NOW};

/// Sends text of any kind, as an operator.
async fn post(api: &Api, text: &str) -> Answer {
    let request =
        Request::post("/api/v1/transcode-jobs").header(header::AUTHORIZATION, format!("Bearer {}", api.operator));
    api.send_raw(request.body(Body::from(text.to_owned())).expect("a request")).await
}

fn job(output: &str) -> Value {
    json!({"jobId": "j-17", "output": output, "status": "success", "codec": "h264", "width": 1280, "height": 720,
        "durationSeconds": 61.0, "finishedAt": "2026-11-22T08:30:00Z"})
}

#[tokio::test]
async fn results_count_once_however_often_they_come() {
    let api = Api::start().await;
    let counted = |accepted: usize, duplicates: usize| json!({ "accepted": accepted, "duplicates": duplicates, "bad": 0, "badLines": [] });
    assert_eq!(post(&api, &job("a").to_string()).await.json, counted(1, 0));
    let lines = [job("a"), job("b"), job("b"), json!({"jobId": "j-18", "status": "fail"})];
    let lines: String = lines.iter().map(|job| format!("{job}\n")).collect();
    assert_eq!(post(&api, &lines).await.json, counted(2, 2));
    assert_eq!(post(&api, &lines).await.json, counted(0, 4));
    assert_eq!(api.send(&api.operator, "POST /transcode-jobs", json!([job("a"), job("c")])).await.json, counted(1, 1));

    let slot = TimeRange { from: 1_795_305_600, to: 1_795_392_000 };
    assert!((slot.from..slot.to).contains(&(NOW / 1000)));
    let query = TranscodingQuery { domains: Vec::new(), range: slot, codec: None, resolution: None };
    let view = api.console.stats.transcoding(&Actor::cli(), query).await.expect("figures");
    let cell = TranscodingCell { codec: Codec::H264, resolution: Resolution::Hd, centiminutes: 306, files: 3 };
    assert_eq!((view.matrix, view.failed.now), (vec![cell], 1));
}

#[tokio::test]
async fn an_output_that_cannot_be_counted_leaves_the_others_of_its_result_alone() {
    let api = Api::start().await;
    let event = json!({"EventType": "TranscodeComplete", "VideoId": "v", "Status": "success", "StreamInfos": [
        {"Status": "success", "JobId": "j-1", "Duration": 61, "Width": 1280, "Height": 720},
        {"Status": "success", "JobId": "N/A", "Duration": 61},
        {"Status": "fail", "ErrorCode": "TranscodeFailed"},
        {"Status": "success", "FileUrl": "https://vod.example.com/cover.JPG"},
    ]});
    let bad_lines = json!([{ "line": 1, "reason": "StreamInfos[1].JobId is missing; send the callback unchanged" }]);
    for (accepted, duplicates) in [(2, 0), (0, 2)] {
        let answer = post(&api, &event.to_string()).await;
        assert_eq!(
            answer.json,
            json!({ "accepted": accepted, "duplicates": duplicates, "bad": 1, "badLines": bad_lines })
        );
    }
}

#[tokio::test]
async fn bad_results_are_named_and_leave_the_others_alone() {
    let api = Api::start().await;
    let answer = post(&api, &format!("{}\n{{\"jobId\": 1}}\noops\n", job("a"))).await;
    assert_eq!(answer.status, 200);
    let bad_lines = json!([
        { "line": 2, "reason": "status is missing; write success or fail" },
        { "line": 3, "reason": "not JSON: expected value" },
    ]);
    assert_eq!(answer.json, json!({ "accepted": 1, "duplicates": 0, "bad": 2, "badLines": bad_lines }));

    let nothing = post(&api, "{\"jobId\": 1}").await;
    assert_eq!(nothing.problem(), (422, "invalid_value", ""));
    assert_eq!(nothing.json["detail"], "line 1: status is missing; write success or fail");
    for text in ["", "oops", "{"] {
        assert_eq!(post(&api, text).await.problem(), (400, "malformed", ""), "{text}");
    }
    let padded = |size: usize| format!("{}{}", job("b"), " ".repeat(size - job("b").to_string().len()));
    assert_eq!(post(&api, &padded(4 * 1024 * 1024 + 1)).await.problem(), (413, "too_large", ""));
    assert_eq!(post(&api, &padded(4 * 1024 * 1024)).await.json["accepted"], 1);
}

#[tokio::test]
async fn whoever_may_not_add_statistics_adds_none() {
    let api = Api::start().await;
    for token in [&api.reviewer, &api.stranger] {
        let answer = api.send(token, "POST /transcode-jobs", job("a")).await;
        assert_eq!(answer.problem(), (403, "forbidden", ""));
    }
    assert_eq!(api.send("nobody", "POST /transcode-jobs", job("a")).await.problem(), (401, "signed_out", ""));
    assert_eq!(post(&api, &job("a").to_string()).await.json["accepted"], 1);
}
