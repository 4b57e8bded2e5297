//! Real-world results with their expected outputs. A new report from users is one more row.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// A result and its expected outputs.
struct Row {
    about: &'static str,
    text: String,
    /// Job, output, outcome, codec, size and duration in ms of each output.
    outputs: &'static [&'static str],
    bad: &'static [&'static str],
}

fn row(
    about: &'static str,
    text: impl Into<String>,
    outputs: &'static [&'static str],
    bad: &'static [&'static str],
) -> Row {
    Row { about, text: text.into(), outputs, bad }
}

fn summary(output: &Output) -> String {
    let Output { job, output: name, outcome, codec, width, height, is_audio, duration_ms, .. } = output;
    let end = if *outcome == Outcome::Succeeded { "good" } else { "failed" };
    let size = match (is_audio, width, height) {
        (true, ..) => "sound".to_owned(),
        (false, Some(width), Some(height)) => format!("{width}x{height}"),
        (false, ..) => "unsized".to_owned(),
    };
    format!("{job} {name} {end} {codec} {size} {duration_ms}")
}

fn rows() -> Vec<Row> {
    let frames = |path: &str| sample!("mediaconvert_frame_capture").replace("s3://demo/thumbs/a.0000009.jpg", path);
    vec![
        // AWS bills frame captures separately; the event has the duration and the size of the video.
        row(
            "MediaConvert: a frame capture beside the film",
            sample!("mediaconvert_frame_capture"),
            &["1795338600000-aaaaaaaa 0.0 good H.264 1280x720 95000"],
            &[],
        ),
        row(
            "MediaConvert: a frame capture in capitals",
            frames("s3://demo/thumbs/a.0000009.JPEG"),
            &["1795338600000-aaaaaaaa 0.0 good H.264 1280x720 95000"],
            &[],
        ),
        row(
            "MediaConvert: only pictures",
            frames("a.png").replace("a_720p.mp4", "a.0000001.WEBP"),
            &[],
            &["line 1: detail.outputGroupDetails has only images and outputs without a duration, which are not counted"],
        ),
        row(
            "MediaConvert, accelerated: an output of 0 ms without a path",
            sample!("mediaconvert_accelerated"),
            &["1795338600001-bbbbbbbb 0.0 good H.264 1280x720 95000"],
            &[],
        ),
        row(
            "MediaConvert: one output without a length, one that is no object, and a group that is none",
            json!({"detail": {"jobId": "j", "status": "COMPLETE", "outputGroupDetails": [
                {"outputDetails": [{"durationInMs": "long"}, {"durationInMs": 1000, "videoDetails": {"widthInPx": "N/A"}}, 7]},
                "none at all",
                {"outputDetails": [{"durationInMs": 2000}]},
            ]}})
            .to_string(),
            &["j 0.1 good other unsized 1000", "j 2.0 good other sound 2000"],
            &[
                "line 1: detail.outputGroupDetails[0].outputDetails[0].durationInMs: \"long\" is not a length; write milliseconds from 0 up to ten years, such as 12500",
                "line 1: detail.outputGroupDetails[0].outputDetails[2] is not a JSON object; send the result unchanged",
                "line 1: detail.outputGroupDetails[1] is not a JSON object; send the result unchanged",
            ],
        ),
        // Documentation of ffprobe, -show_optional_fields.
        row(
            "ffprobe with all optional fields: a stream of FLV has no length",
            sample!("ffprobe_optional_fields"),
            &["lesson_na_360p.flv 131052 good H.264 128x96 6023"],
            &[],
        ),
        row(
            "ffprobe of a pipe: neither a name nor a size to know it by",
            sample!("ffprobe_optional_fields").replace("lesson_na_360p.flv", "pipe:").replace("\"131052\"", "\"N/A\""),
            &[],
            &["line 1: format.filename is missing; probe a file, or give jobId and output"],
        ),
        row(
            "ffprobe of a pipe, with a job and an output",
            sample!("ffprobe_optional_fields")
                .replace("lesson_na_360p.flv", "pipe:0")
                .replacen('{', "{\"jobId\": \"j\", \"output\": \"360p\",", 1),
            &["j 360p good H.264 128x96 6023"],
            &[],
        ),
        row(
            "ffprobe of a file whose size is not known",
            sample!("ffprobe_optional_fields").replace("\"131052\"", "\"N/A\""),
            &[],
            &["line 1: format.size is missing; probe a file, or give jobId"],
        ),
        row(
            "ffprobe: a cover before the film, marked or not",
            [json!({"attached_pic": "1"}), json!(null)]
                .map(|disposition| {
                    json!({"streams": [
                        {"codec_type": "video", "codec_name": "png", "width": 600, "height": 600, "disposition": disposition},
                        {"codec_type": "video", "codec_name": "hevc", "width": 1280, "height": 720},
                        {"codec_type": "audio", "codec_name": "aac"},
                        {"codec_type": "subtitle", "duration": "of no account"},
                    ], "format": {"filename": "a.mkv", "size": "7", "duration": "1"}})
                    .to_string()
                })
                .join("\n"),
            &["a.mkv 7 good H.265 1280x720 1000", "a.mkv 7 good H.265 1280x720 1000"],
            &[],
        ),
        row(
            "ffprobe: a song whose cover an old version does not mark, and a film of single pictures",
            [("mp3", "a.mp3"), ("pcm_s16le", "b.avi")]
                .map(|(sound, file)| {
                    let mut picture = json!({"codec_type": "video", "codec_name": "mjpeg", "width": 600, "height": 400});
                    if file == "b.avi" {
                        picture["disposition"] = json!({"attached_pic": 0});
                    }
                    json!({"streams": [{"codec_type": "audio", "codec_name": sound}, picture],
                        "format": {"filename": file, "size": "7", "duration": "1"}})
                    .to_string()
                })
                .join("\n"),
            &["a.mp3 7 good other sound 1000", "b.avi 7 good other 600x400 1000"],
            &[],
        ),
        row(
            "ffprobe of pictures: by their file, their demuxer, and covers without anything to cover",
            [("a.JPG", "image2", 0), ("a", "png_pipe", 0), ("a", "gif", 0), ("a.mp4", "mov,mp4,m4a", 1)]
                .map(|(file, demuxer, cover)| {
                    json!({"streams": [{"codec_type": "video", "codec_name": "mjpeg", "disposition": {"attached_pic": cover}}],
                        "format": {"filename": file, "format_name": demuxer, "size": "7", "duration": "0.04"}})
                    .to_string()
                })
                .join("\n"),
            &[],
            &[
                "line 1: format is an image format; images are not counted",
                "line 2: format is an image format; images are not counted",
                "line 3: format is an image format; images are not counted",
                "line 4: streams has only images; images are not counted",
            ],
        ),
        row(
            "Tencent: one of two transcodes failed, a snapshot between them",
            sample!("tencent_one_failed"),
            &[
                "1300000000-WorkflowTask-demo01 0 good H.264 720x1280 61020",
                "1300000000-WorkflowTask-demo01 2 failed other unsized 0",
            ],
            &[],
        ),
        row(
            "Tencent: one transcode that cannot be counted beside one that can, and a transcode into pictures",
            json!({"EventType": "WorkflowTask", "WorkflowTaskEvent": {"TaskId": "t", "Status": "FINISH", "MediaProcessResultSet": [
                {"TranscodeTask": {"Status": "SUCCESS", "Output": {"Duration": 1, "VideoStreamSet": [{"Width": {}}]}}},
                {"TranscodeTask": {"Status": "SUCCESS", "Output": {"Duration": 2, "Width": "N/A", "VideoStreamSet": "N/A"}}},
                {"TranscodeTask": {"Status": "SUCCESS", "Output": {"Duration": 2, "Path": "/out/a.GIF", "Width": 1}}},
            ]}})
            .to_string(),
            &["t 1 good other sound 2000"],
            &["line 1: MediaProcessResultSet[0].TranscodeTask.Output.VideoStreamSet[0].Width: {} is not a number of pixels, such as 1280"],
        ),
        row(
            "Tencent: only snapshots",
            json!({"EventType": "WorkflowTask", "WorkflowTaskEvent": {"TaskId": "t", "Status": "FINISH", "ErrCode": 0,
                "MediaProcessResultSet": [{"Type": "SampleSnapshot", "TranscodeTask": null, "SampleSnapshotTask": {"Status": "SUCCESS"}}]}})
            .to_string(),
            &[],
            &["line 1: MediaProcessResultSet has only images or other tasks, which are not counted, and no TranscodeTask"],
        ),
        row(
            "Aliyun: one of two streams failed",
            sample!("aliyun_one_failed"),
            &["job-good-1 vid-a good other 1280x720 61000", "job-bad-1 vid-a failed other unsized 0"],
            &[],
        ),
        row(
            "Aliyun: a failed stream without a job is known by its place",
            sample!("aliyun_one_failed_without_job"),
            &["job-good-2 vid-b good other 1280x720 61000", "vid-b 1 failed other unsized 0"],
            &[],
        ),
        row(
            "Aliyun: a stream without a job cannot be told from its copy, its neighbours count; pictures do not",
            sample!("aliyun_one_failed")
                .replace("\"job-good-1\"", "\"-\"")
                .replace("\"StreamInfos\": [", "\"StreamInfos\": [{\"Status\": \"success\", \"Format\": \"jpg\"},"),
            &["job-bad-1 vid-a failed other unsized 0"],
            &["line 8: StreamInfos[1].JobId is missing; send the callback unchanged"],
        ),
        row(
            "Aliyun and JD: only pictures",
            [
                json!({"EventType": "TranscodeComplete", "VideoId": "v", "StreamInfos": [{"FileUrl": "https://a.example/b.png?x"}]}),
                json!({"EventType": "SnapshotComplete", "VideoId": "v", "CoverUrl": "https://a.example/b.jpg"}),
                json!({"eventType": "StreamTranscodeComplete", "fileUrl": "https://a.example/b.webp"}),
            ]
            .map(|event| event.to_string())
            .join("\n"),
            &[],
            &[
                "line 1: StreamInfos has only images; images are not counted",
                "line 2: the event is about images; images are not counted",
                "line 3: fileUrl is an image; images are not counted",
            ],
        ),
    ]
}

#[test]
fn real_world_results_have_the_expected_outputs() {
    for Row { about, text, outputs, bad } in rows() {
        let results = parsed(&text);
        let read: Vec<_> = results.outputs.iter().map(summary).collect();
        let refused: Vec<_> = results.first_bad.iter().map(ToString::to_string).collect();
        assert_eq!(
            (read, refused),
            (outputs.iter().map(ToString::to_string).collect(), bad.iter().map(ToString::to_string).collect()),
            "{about}"
        );
    }
}

#[test]
fn a_byte_order_mark_is_ignored() {
    let (pretty, line) = (sample!("jd_stream_complete"), r#"{"jobId":"j","status":"fail"}"#);
    assert_eq!(good(&format!("\u{feff}{pretty}")).len(), 1);
    assert_eq!(good(&format!("\u{feff}{line}\n\u{feff}{line}\n")).len(), 2);
}

/// Expected result of an output.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Good,
    Failed,
    Picture,
    Bad,
}

fn mediaconvert(kind: Kind) -> Value {
    match kind {
        Kind::Good | Kind::Failed => json!({"outputFilePaths": ["s3://b/a.mp4"], "durationInMs": 1000}),
        Kind::Picture => json!({"outputFilePaths": ["s3://b/a.Jpg"], "durationInMs": 1000, "videoDetails": {}}),
        Kind::Bad => json!({"outputFilePaths": ["s3://b/a.mp4"], "durationInMs": [1]}),
    }
}

fn tencent(kind: Kind) -> Value {
    match kind {
        Kind::Good => json!({"TranscodeTask": {"Status": "SUCCESS", "Output": {"Duration": 1}}}),
        Kind::Failed => json!({"TranscodeTask": {"Status": "FAIL", "Output": null}}),
        Kind::Picture => json!({"Type": "ImageSprites", "TranscodeTask": "N/A"}),
        Kind::Bad => json!({"TranscodeTask": {"Status": "SUCCESS", "Output": {"Duration": "N/A"}}}),
    }
}

fn aliyun(kind: Kind) -> Value {
    match kind {
        Kind::Good => json!({"Status": "success", "JobId": "j", "Duration": 1}),
        Kind::Failed => json!({"Status": "fail"}),
        Kind::Picture => json!({"Status": "success", "FileUrl": "https://a.example/b.bmp"}),
        Kind::Bad => json!("N/A"),
    }
}

/// Functions that build an output of a kind, and a result with outputs.
type Form = (fn(Kind) -> Value, fn(Vec<Value>) -> Value);

/// Sets or removes (`None`) a member of any object in a value, by its index in depth-first order. Returns false if there are fewer members.
fn set_member(value: &mut Value, left: &mut usize, to: Option<&Value>) -> bool {
    match value {
        Value::Array(items) => items.iter_mut().any(|item| set_member(item, left, to)),
        Value::Object(members) => {
            for key in members.keys().cloned().collect::<Vec<_>>() {
                if *left == 0 {
                    match to {
                        Some(to) => members.insert(key, to.clone()),
                        None => members.shift_remove(&key),
                    };
                    return true;
                }
                *left -= 1;
                if set_member(&mut members[&key], left, to) {
                    return true;
                }
            }
            false
        }
        _ => false,
    }
}

const SAMPLES: &[&str] = &[
    sample!("ffprobe_flv"),
    sample!("ffprobe_optional_fields"),
    sample!("mediaconvert_complete"),
    sample!("mediaconvert_error"),
    sample!("mediaconvert_frame_capture"),
    sample!("tencent_workflow_task"),
    sample!("tencent_task_detail"),
    sample!("tencent_one_failed"),
    sample!("aliyun_stream_complete"),
    sample!("aliyun_all_complete"),
    sample!("aliyun_one_failed"),
    sample!("jd_stream_complete"),
];

proptest! {
    #[test]
    fn a_bad_output_does_not_affect_the_others(kinds in prop::collection::vec(prop::sample::select(vec![Kind::Good, Kind::Failed, Kind::Picture, Kind::Bad]), 1..8)) {
        let forms: [Form; 3] = [
            (mediaconvert, |outputs| json!({"detail": {"jobId": "j", "status": "COMPLETE", "outputGroupDetails": [{"outputDetails": outputs}]}})),
            (tencent, |outputs| json!({"WorkflowTaskEvent": {"TaskId": "t", "Status": "FINISH", "MediaProcessResultSet": outputs}, "EventType": "WorkflowTask"})),
            (aliyun, |outputs| json!({"EventType": "TranscodeComplete", "VideoId": "v", "StreamInfos": outputs})),
        ];
        let count = |asked: &[Kind]| kinds.iter().filter(|kind| asked.contains(kind)).count();
        let (counted, bad) = (count(&[Kind::Good, Kind::Failed]), count(&[Kind::Bad]));
        for (output, around) in forms {
            let text = serde_json::to_string_pretty(&around(kinds.iter().map(|kind| output(*kind)).collect())).expect("JSON");
            let results = parsed(&text);
            prop_assert_eq!(results.outputs.len(), counted, "{}", text);
            if counted + bad == 0 {
                prop_assert!(results.bad == 1 && results.first_bad[0].reason.contains("only images"), "{:?}", results);
                continue;
            }
            prop_assert_eq!(results.bad, bad);
            // Each error names the index of its output and its line, in order.
            let places = kinds.iter().enumerate().filter(|(_, kind)| **kind == Kind::Bad).map(|(at, _)| at);
            let mut before = 0;
            for (at, refused) in places.zip(&results.first_bad) {
                prop_assert!(refused.reason.contains(&format!("[{at}]")), "{} {}", at, refused);
                prop_assert!(refused.line > before, "{} {}", before, refused);
                before = refused.line;
            }
        }
    }

    /// A placeholder for an unknown value has the same effect as a missing member.
    #[test]
    fn an_unknown_member_is_a_missing_one(sample in prop::sample::select(SAMPLES.to_vec()), member: prop::sample::Index, spelling in prop::sample::select(vec!["", " ", "N/A", "n/a", "unknown", "Unknown", "-", "--", "None", "null", "undefined"])) {
        let whole: Value = serde_json::from_str(sample).expect("JSON");
        let mut members = usize::MAX;
        set_member(&mut whole.clone(), &mut members, None);
        let chosen = member.index(usize::MAX - members);
        let with = |to: Option<&Value>| {
            let mut value = whole.clone();
            assert!(set_member(&mut value, &mut chosen.clone(), to));
            parsed(&value.to_string())
        };
        let without = with(None);
        prop_assert_eq!(&with(Some(&Value::Null)), &without);
        prop_assert_eq!(&with(Some(&json!(spelling))), &without);
    }
}
