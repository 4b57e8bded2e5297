//! Rules for all formats, and handling of invalid input.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::stats::Resolution;

#[test]
fn an_object_an_array_and_lines_are_parsed_alike() {
    let (one, other) = (own().to_string(), own_with(&json!({"output": "1080p.mp4", "width": 1920, "height": 1080})));
    let pretty = serde_json::to_string_pretty(&own()).expect("JSON");
    for text in [
        format!("{one}\n{other}\n"),
        format!("\r\n{one}\r\n\r\n{other}"),
        format!("[{one},\n{other}]"),
        format!("{pretty}\n{other}"),
        format!("{one}{other}"),
        format!("[{pretty}]\n[{other}]"),
    ] {
        let outputs = good(&text);
        assert_eq!(outputs.len(), 2, "{text}");
        assert_eq!((outputs[0].width, outputs[1].width), (Some(1280), Some(1920)), "{text}");
    }
    assert_eq!(parse_results(b"[]", NOW), Ok(ParsedResults::default()));
}

#[test]
fn formats_may_be_mixed() {
    let all = [
        sample!("ffprobe_flv"),
        sample!("mediaconvert_complete"),
        sample!("tencent_workflow_task"),
        sample!("aliyun_all_complete"),
        sample!("jd_stream_complete"),
    ];
    assert_eq!(good(&all.concat()).len(), 1 + 4 + 3 + 3 + 1);
    assert_eq!(good(&format!("[{}]", all.join(","))).len(), 1 + 4 + 3 + 3 + 1);
}

#[test]
fn bad_objects_are_named_by_line_and_field_without_affecting_the_others() {
    let text = format!("{}\n{{\"jobId\":\n", own());
    assert_eq!(bad_beside(1, &text), ["line 2: not JSON: EOF while parsing a value"]);

    let text = format!("\n{}\ngarbage\n\n{}\n7\n", own_with(&json!({"durationSeconds": "soon"})), own());
    let expected = [
        "line 2: durationSeconds: \"soon\" is not a length; write seconds from 0 up to ten years, such as 12.5",
        "line 3: not JSON: expected value",
        "line 6: not a JSON object",
    ];
    assert_eq!(bad_beside(1, &text), expected);

    let pretty = format!("[\n{},\n{{\n  \"jobId\": \"x\",\n  \"width\":\n    -1\n}},\n7]", own());
    let expected = ["line 3: width: -1 is not a number of pixels, such as 1280", "line 8: not a JSON object"];
    assert_eq!(bad_beside(1, &pretty), expected);
}

#[test]
fn the_first_of_many_bad_lines_are_reported() {
    let text = format!("{}\n{}", "garbage\n".repeat(1_000), own());
    let results = parse_results(text.as_bytes(), NOW).expect("readable");
    assert_eq!((results.outputs.len(), results.bad, results.first_bad.len()), (1, 1_000, 20));
    assert_eq!(results.first_bad.last().map(|bad| bad.line), Some(20));
}

#[test]
fn invalid_utf8_affects_only_its_line() {
    let mut bytes = own().to_string().into_bytes();
    bytes.extend(b"\n{\"jobId\":\"\xff\"}\n\0\0\n");
    bytes.extend(own().to_string().bytes());
    let results = parse_results(&bytes, NOW).expect("readable");
    let lines: Vec<_> = results.first_bad.iter().map(|bad| bad.line).collect();
    assert_eq!((results.outputs.len(), lines), (2, vec![2, 3]));
}

#[test]
fn input_without_json_is_refused() {
    for (text, line) in
        [("", 1), (" \n ", 1), ("hello\nthere", 1), ("{\n  \"jobId\": \"x\",\n  \"output\"\n}", 4), ("[1, 2", 1)]
    {
        let unreadable = parse_results(text.as_bytes(), NOW).expect_err(text);
        assert_eq!(unreadable.line, line, "{unreadable}");
        assert!(
            unreadable.to_string().ends_with("; send one JSON object, an array of objects, or one object per line"),
            "{unreadable}"
        );
    }
}

#[test]
fn each_rejection_names_the_field_and_the_remedy() {
    for (changes, reason) in [
        (
            json!({"jobId": null}),
            "jobId is missing, and it is no event of MediaConvert, Tencent, Aliyun or JD and no ffprobe with streams and format; write jobId, output, status, codec, width, height, durationSeconds",
        ),
        (
            json!({"jobId": "N/A"}),
            "jobId is missing, and it is no event of MediaConvert, Tencent, Aliyun or JD and no ffprobe with streams and format; write jobId, output, status, codec, width, height, durationSeconds",
        ),
        (
            json!({"jobId": "a\u{0}"}),
            "jobId: \"a\\u0000\" is not a name; write 1 to 1,024 bytes without control characters",
        ),
        (json!({"output": null}), "output is missing; name the file within its job"),
        (json!({"status": null}), "status is missing; write success or fail"),
        (json!({"status": "done"}), "status is neither success nor fail; write one of them"),
        (json!({"durationSeconds": null}), "durationSeconds is missing; write the length of the output, such as 12.5"),
        (
            json!({"durationSeconds": -1}),
            "durationSeconds: -1 is not a length; write seconds from 0 up to ten years, such as 12.5",
        ),
        (json!({"height": 720.5}), "height: 720.5 is not a number of pixels, such as 1280"),
        (json!({"width": {}}), "width: {} is not a number of pixels, such as 1280"),
        (json!({"domain": "vod"}), "domain: the name needs at least two labels, such as push.example.com"),
        (json!({"finishedAt": 1795338000}), "finishedAt: 1795338000 is not a time such as 2026-11-22T08:30:00Z"),
        (
            json!({"finishedAt": "2026-11-24T08:30:00Z"}),
            "finishedAt is more than a day in the future; check the sender's clock",
        ),
        (
            json!({"eventType": "FileUploadComplete"}),
            "eventType is not a finished transcoding; send StreamTranscodeComplete (JD)",
        ),
        (json!({"EventType": "SnapshotComplete"}), "the event is about images; images are not counted"),
    ] {
        assert_eq!(bad(&own_with(&changes)), format!("line 1: {reason}"));
    }
    let no_length = sample!("mediaconvert_complete").replace("\"durationInMs\": 180062", "\"durationInMs\": null");
    let reason = "detail.outputGroupDetails[0].outputDetails[2].durationInMs is missing; send the event unchanged";
    assert_eq!(bad_beside(3, &no_length), [format!("line 42: {reason}")]);
    let text = sample!("mediaconvert_complete").replace("\"durationInMs\": 180062", "\"durationInMs\": \"long\"");
    let reason = "detail.outputGroupDetails[0].outputDetails[2].durationInMs: \"long\" is not a length; write milliseconds from 0 up to ten years, such as 12500";
    assert_eq!(bad_beside(3, &text), [format!("line 42: {reason}")]);
}

#[test]
fn an_output_is_counted_by_its_size_and_duration() {
    let output = &good(sample!("jd_stream_complete"))[0];
    assert_eq!(Classes::default().of(output.is_audio, output.width, output.height), Resolution::Hd);
    assert_eq!(centiminutes(output.duration_ms), 18);
}

#[test]
fn deep_nesting_is_refused_without_a_crash() {
    for (open, close) in [("[", "]"), ("{\"detail\":", "}")] {
        let deep = [open.repeat(100_000), "1".into(), close.repeat(100_000)].concat();
        let results = parse_results(deep.as_bytes(), NOW);
        assert!(results.is_err() || results.is_ok_and(|results| results.outputs.is_empty()), "{open}");
    }
}

/// Generates JSON whose keys include those of the formats.
fn any_json() -> impl Strategy<Value = Value> {
    let keys = "jobId|output|status|width|durationSeconds|finishedAt|streams|format|duration|filename|size|codec_type|detail|\
        outputGroupDetails|outputDetails|durationInMs|videoDetails|userMetadata|eventType|taskId|videoId|EventType|VideoId|StreamInfos|JobId|\
        Status|Duration|FileUrl|WorkflowTaskEvent|WorkflowTask|Response|TaskId|MediaProcessResultSet|TranscodeTask|Output|VideoStreamSet|[a-z]{1,3}";
    let words = "success|fail|COMPLETE|ERROR|FINISH|SUCCESS|FAIL|WorkflowTask|StreamTranscodeComplete|TranscodeComplete|video|audio|12\\.5|\\PC{0,8}";
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        words.prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((keys, inner), 0..8).prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// Checks the invariants of an output.
fn is_valid(output: &Output) -> bool {
    (1..=1024).contains(&output.job.len())
        && output.output.len() <= 1024
        && output.duration_ms >= 0
        && (0..=NOW + 86_400_000).contains(&output.finished_at)
        && centiminutes(output.duration_ms) >= 2
}

proptest! {
    #[test]
    fn any_json_is_parsed_or_refused(values in prop::collection::vec(any_json(), 1..4)) {
        let lines: Vec<String> = values.iter().map(Value::to_string).collect();
        for text in [lines.join("\n"), format!("[{}]", lines.join(","))] {
            let results = parse_results(text.as_bytes(), NOW).unwrap_or_default();
            prop_assert!(results.outputs.iter().all(is_valid), "{:?}", results);
            prop_assert!(results.first_bad.iter().all(|bad| bad.line >= 1 && !bad.reason.is_empty()), "{:?}", results);
        }
    }

    #[test]
    fn any_bytes_are_parsed_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let lines = bytes.iter().filter(|byte| **byte == b'\n').count() + 1;
        let results = parse_results(&bytes, NOW).unwrap_or_default();
        prop_assert!(results.first_bad.iter().all(|bad| (1..=lines).contains(&bad.line)), "{:?}", results);
    }

    /// The lines before the end of a truncated file count.
    #[test]
    fn the_complete_lines_of_a_truncated_file_count(at in 0usize..600) {
        let line = own().to_string();
        let text = format!("{line}\n{line}\n{line}\n");
        let text = &text[..at.min(text.len())];
        let whole = text.matches(&line).count();
        let results = parse_results(text.as_bytes(), NOW).unwrap_or_default();
        prop_assert_eq!(results.outputs.len(), whole);
        prop_assert!(results.bad <= 1);
    }
}
