//! Complete examples of all formats.

use serde_json::json;

use super::*;

#[test]
fn the_own_format_is_parsed() {
    assert_eq!(good(&own().to_string()), [own_output()]);
    let bare = r#"{"jobId": 17, "output": 1, "status": "success", "durationSeconds": "0.4", "width": null}"#;
    let expected = Output {
        job: "17".into(),
        output: "1".into(),
        domain: None,
        codec: Codec::Other,
        width: None,
        height: None,
        duration_ms: 400,
        finished_at: NOW,
        ..own_output()
    };
    assert_eq!(good(bare), [expected]);
}

#[test]
fn a_failed_job_in_the_own_format_needs_no_output() {
    let expected = Output {
        job: "j-18".into(),
        output: String::new(),
        domain: None,
        outcome: failed("no such file"),
        codec: Codec::Other,
        width: None,
        height: None,
        is_audio: false,
        duration_ms: 0,
        finished_at: NOW,
    };
    assert_eq!(good(r#"{"jobId":"j-18","status":"fail","error":"no such file"}"#), [expected]);
    let named = &good(&own_with(&json!({"status": "fail"})))[0];
    assert_eq!((named.output.as_str(), &named.outcome, named.duration_ms), ("720p.mp4", &failed("no reason given"), 0));
}

#[test]
fn audio_is_recognized_by_its_codec() {
    let sound = json!({"codec": "aac", "width": null, "height": null});
    assert!(good(&own_with(&sound))[0].is_audio);
    assert!(!good(&own_with(&json!({"codec": "aac"})))[0].is_audio);
    assert!(!good(&own_with(&json!({"width": null, "height": null})))[0].is_audio);
}

#[test]
fn mediaconvert_has_an_output_for_each_rendition() {
    let output = |name: &str, width, height| Output {
        job: "1795336190001-ab12cd".into(),
        output: name.into(),
        width: Some(width),
        height: Some(height),
        duration_ms: 180_041,
        finished_at: at("2026-11-22T08:30:12Z"),
        ..own_output()
    };
    let sound = Output {
        codec: Codec::Other,
        width: None,
        height: None,
        is_audio: true,
        duration_ms: 180_062,
        ..output("0.2", 0, 0)
    };
    let expected = [output("0.0", 426, 240), output("0.1", 1280, 720), sound, output("1.0", 1920, 1080)];
    assert_eq!(good(sample!("mediaconvert_complete")), expected);
}

#[test]
fn mediaconvert_errors_are_one_failed_output() {
    let expected = Output {
        job: "1795336487458-qn01xt".into(),
        output: String::new(),
        domain: None,
        outcome: failed("1040: The input file could not be opened"),
        codec: Codec::Other,
        width: None,
        height: None,
        is_audio: false,
        duration_ms: 0,
        finished_at: at("2026-11-22T08:35:20Z"),
    };
    assert_eq!(good(sample!("mediaconvert_error")), [expected]);
    let running = sample!("mediaconvert_error").replace("\"ERROR\"", "\"PROGRESSING\"");
    assert_eq!(bad(&running), "line 1: detail.status is not COMPLETE or ERROR; limit the rule to these two");
}

#[test]
fn tencent_has_an_output_for_each_transcode() {
    let video = Output {
        job: "2459999654-WorkflowTask-5b1c9d0e7f3a4c6682aa94e1c3d0f7b2t0".into(),
        output: "0".into(),
        domain: None,
        outcome: Outcome::Succeeded,
        codec: Codec::H265,
        width: Some(180),
        height: Some(320),
        is_audio: false,
        duration_ms: 11_262,
        finished_at: NOW,
    };
    let without_picture = Output { codec: Codec::Other, width: None, height: None, ..video.clone() };
    let sound = Output { output: "2".into(), is_audio: true, duration_ms: 11_261, ..without_picture.clone() };
    let outcome = failed("InvalidParameterValue.SrcFileError: source file error");
    let broken = Output { output: "3".into(), outcome, duration_ms: 0, ..without_picture };
    assert_eq!(good(sample!("tencent_workflow_task")), [video, sound, broken]);
}

#[test]
fn tencent_tasks_that_failed_at_once_are_one_failed_output() {
    let outputs = good(sample!("tencent_task_detail"));
    let [output] = outputs.as_slice() else { panic!("{outputs:?}") };
    assert_eq!(output.job, "2459999654-WorkflowTask-0c2b7f9a1d5e4e0aa8c6b1f2d3e4a5b6t0");
    assert_eq!((output.output.as_str(), &output.outcome), ("", &failed("30001: source file error")));
    assert_eq!(output.finished_at, at("2026-11-22T08:30:41Z"));

    let running = sample!("tencent_task_detail")
        .replace("FINISH", "PROCESSING")
        .replace("2026-11-22T08:30:41Z", "0000-00-00T00:00:00Z");
    assert_eq!(bad(&running), "line 1: WorkflowTaskEvent.Status is not FINISH; send the task when it has ended");
    let idle = sample!("tencent_task_detail").replace("30001", "0");
    assert_eq!(bad(&idle), "line 1: MediaProcessResultSet has no TranscodeTask; send tasks that transcode");
}

#[test]
fn both_aliyun_events_have_the_same_identity() {
    let ld = Output {
        job: "05794af1ffee414fa1ea2210720bff09".into(),
        output: "43a1f0c7e2b94d6f8e5a0d1c2b3f4e5d".into(),
        width: Some(540),
        height: Some(960),
        duration_ms: 15_000,
        finished_at: at("2026-11-22T08:30:16Z"),
        ..own_output()
    };
    assert_eq!(good(sample!("aliyun_stream_complete")), std::slice::from_ref(&ld));

    let again = Output { codec: Codec::Other, finished_at: at("2026-11-22T08:31:02Z"), ..ld };
    let sound = Output {
        job: "19c2a7f4b06d4c0e9f1d7a3b5e8c6d20".into(),
        width: None,
        height: None,
        is_audio: true,
        duration_ms: 15_020,
        ..again.clone()
    };
    let broken = Output {
        job: "2f6b9e0d1c8a4b75a3e4d5c6b7a89012".into(),
        domain: None,
        outcome: failed("InvalidParameter.Resolution: The source is smaller than the target"),
        width: None,
        height: None,
        duration_ms: 0,
        ..again.clone()
    };
    assert_eq!(good(sample!("aliyun_all_complete")), [again, sound, broken]);
}

#[test]
fn an_aliyun_video_without_outputs_is_one_failed_output() {
    let none = r#"{"EventTime":"2026-11-22T08:31:02Z","EventType":"TranscodeComplete","VideoId":"v1","Status":"fail","StreamInfos":[]}"#;
    let outputs = good(none);
    let [output] = outputs.as_slice() else { panic!("{outputs:?}") };
    assert_eq!((output.job.as_str(), output.output.as_str(), &output.outcome), ("v1", "", &failed("no reason given")));
    assert_eq!(
        bad(&none.replace("fail", "success")),
        "line 1: StreamInfos has no outputs; send the callback unchanged"
    );
}

#[test]
fn jd_outputs_are_identified_by_task_and_video() {
    let expected = Output {
        job: "959".into(),
        output: "e4b7e7d6-fe92-40b0-9870-fa10bb4d8ed5".into(),
        domain: None,
        codec: Codec::Other,
        width: Some(596),
        height: Some(1280),
        duration_ms: 10_618,
        finished_at: at("2026-11-22T08:30:51.465Z"),
        ..own_output()
    };
    assert_eq!(good(sample!("jd_stream_complete")), std::slice::from_ref(&expected));

    let fail = r#""status": "fail", "errorCode": "E7", "errorMessage": "no video stream", "codec": "h265""#;
    let fail = sample!("jd_stream_complete").replace(r#""status": "success""#, fail);
    let outcome = failed("E7: no video stream");
    assert_eq!(good(&fail), [Output { outcome, codec: Codec::H265, duration_ms: 0, ..expected }]);
}

#[test]
fn ffprobe_outputs_are_identified_by_file_and_size() {
    let expected = Output {
        job: "rec/demo-1795337096_20261122084456.flv".into(),
        output: "400940".into(),
        domain: None,
        width: Some(640),
        height: Some(360),
        duration_ms: 5_015,
        finished_at: NOW,
        ..own_output()
    };
    assert_eq!(good(sample!("ffprobe_flv")), std::slice::from_ref(&expected));

    let given =
        r#"{"jobId": "j-19", "domain": "vod.example.com", "codec": "copy", "finishedAt": "2026-11-22T08:45:02Z","#;
    let given = sample!("ffprobe_flv").replacen('{', given, 1);
    let expected = Output {
        job: "j-19".into(),
        output: expected.job.clone(),
        domain: Some("vod.example.com".into()),
        codec: Codec::Remux,
        finished_at: at("2026-11-22T08:45:02Z"),
        ..expected
    };
    assert_eq!(good(&given), [expected]);
}

#[test]
fn ffprobe_ignores_covers_and_takes_durations_from_streams() {
    let song = json!({
        "streams": [
            {"codec_type": "audio", "codec_name": "mp3", "duration": "10.000"},
            {"codec_type": "video", "codec_name": "mjpeg", "width": 600, "height": 600, "duration": "10.0264", "disposition": {"attached_pic": 1}},
        ],
        "format": {"filename": "song.mp3", "size": "160000"},
    });
    let output = &good(&song.to_string())[0];
    assert_eq!((output.is_audio, output.width, output.duration_ms), (true, None, 10_026));

    for (streams, format, reason) in [
        (json!(null), json!({}), "streams is missing; call ffprobe with -show_streams"),
        (json!([]), json!(null), "format is missing; call ffprobe with -show_format"),
        (json!([]), json!({"duration": "1"}), "streams has neither video nor audio; probe an output of the transcoder"),
        (json!([{"codec_type": "video"}]), json!({}), "format.duration is missing; probe the file when it is complete"),
        (
            json!([{"codec_type": "video"}]),
            json!({"duration": "N/A"}),
            "format.duration is missing; probe the file when it is complete",
        ),
    ] {
        let probe = json!({"streams": streams, "format": format});
        assert_eq!(bad(&probe.to_string()), format!("line 1: {reason}"));
    }
}
