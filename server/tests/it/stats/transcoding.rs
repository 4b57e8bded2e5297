//! Outputs of transcoding tasks, by coding method, class and day.

use callsheet::model::Actor;
use callsheet::stats::transcode::{Outcome, Output};
use callsheet::stats::{Codec, OTHER, Resolution, TimeRange, TranscodingCell, TranscodingQuery, TranscodingView};

use super::stage::Stage;
use crate::support::{Database, PLAY, on_both_databases};

on_both_databases!(outputs_count_once_in_the_class_and_on_the_day_of_their_end, filters_leave_out_the_rest);

fn output(job: &str, codec: Codec, size: (u32, u32), duration_ms: i64, finished_at: i64) -> Output {
    Output {
        job: job.to_owned(),
        output: "out.mp4".to_owned(),
        domain: Some(PLAY.to_owned()),
        outcome: Outcome::Succeeded,
        codec,
        width: (size.0 > 0).then_some(size.0),
        height: (size.1 > 0).then_some(size.1),
        is_audio: false,
        duration_ms,
        finished_at: finished_at * 1000,
    }
}

fn cell(codec: Codec, resolution: Resolution, centiminutes: i64, files: i64) -> TranscodingCell {
    TranscodingCell { codec, resolution, centiminutes, files }
}

async fn ask(stage: &Stage, query: TranscodingQuery) -> TranscodingView {
    stage.console.stats.transcoding(&Actor::cli(), query).await.expect("transcoding")
}

fn all(slot: TimeRange) -> TranscodingQuery {
    TranscodingQuery { domains: Vec::new(), range: slot, codec: None, resolution: None }
}

async fn outputs_count_once_in_the_class_and_on_the_day_of_their_end(database: Database) {
    let stage = Stage::set(database, "Asia/Kolkata").await;
    stage.add_domain().await;
    let stats = &stage.console.stats;
    let slot = stage.days("2026-05-05", "2026-05-07");
    let (first, second) = (slot.from, slot.from + 86_400);
    let failed = Output {
        outcome: Outcome::Failed { reason: "no such codec".to_owned() },
        ..output("f", Codec::H264, (640, 360), 0, second)
    };
    let outputs = vec![
        // 61.0 s, 0.4 s, 5,400.3 s: 1.02, 0.02 and 90.01 minutes.
        output("a", Codec::H264, (640, 360), 61_000, first),
        output("b", Codec::H264, (360, 640), 400, second - 1),
        output("c", Codec::H265, (1080, 1920), 5_400_300, second),
        Output { is_audio: true, ..output("d", Codec::Other, (0, 0), 60_000, second) },
        Output { domain: None, ..output("e", Codec::Remux, (0, 0), 60_000, slot.to - 1) },
        failed,
        output("before", Codec::Av1, (640, 360), 60_000, first - 1),
        output("after", Codec::Av1, (640, 360), 60_000, slot.to),
    ];
    assert_eq!(stats.add_transcode_outputs(&Actor::cli(), outputs.clone()).await.expect("added"), 8);
    let again = [outputs, vec![output("g", Codec::H264, (1, 1), 60_000, slot.to + 9)]].concat();
    assert_eq!(stats.add_transcode_outputs(&Actor::cli(), again).await.expect("added"), 1, "once each");
    let view = ask(&stage, all(slot)).await;
    let sd = cell(Codec::H264, Resolution::Sd, 104, 2);
    let fhd = cell(Codec::H265, Resolution::Fhd, 9_001, 1);
    let audio = cell(Codec::Other, Resolution::Audio, 100, 1);
    let remux = cell(Codec::Remux, Resolution::Other, 100, 1);
    assert_eq!(view.matrix, [sd, fhd, audio, remux]);
    let days: Vec<_> = view.days.into_iter().map(|day| (day.at, day.cells)).collect();
    assert_eq!(days, [(first, vec![sd]), (second, vec![fhd, audio]), (second + 86_400, vec![remux])]);
    assert_eq!((view.centiminutes.now, view.centiminutes.before), (9_305, Some(100)));
    assert_eq!((view.files.now, view.failed.now, view.failed.before), (5, 1, Some(0)));
    assert_eq!(stats.domain_names(&Actor::cli(), "", 10).await.expect("names"), [OTHER, PLAY]);
}

async fn filters_leave_out_the_rest(database: Database) {
    let stage = Stage::set(database, "UTC").await;
    stage.add_domain().await;
    let slot = stage.days("2026-05-05", "2026-05-05");
    let outputs = vec![
        output("a", Codec::H264, (640, 360), 60_000, slot.from),
        output("b", Codec::H264, (1280, 720), 120_000, slot.from),
        Output {
            domain: Some("nobody.example.com".to_owned()),
            ..output("c", Codec::Av1, (640, 360), 180_000, slot.from)
        },
    ];
    stage.console.stats.add_transcode_outputs(&Actor::cli(), outputs).await.expect("added");
    let minutes = async |change: &dyn Fn(&mut TranscodingQuery)| {
        let mut query = all(slot);
        change(&mut query);
        ask(&stage, query).await.centiminutes.now
    };
    assert_eq!(minutes(&|_| {}).await, 600);
    assert_eq!(minutes(&|query| query.codec = Some(Codec::H264)).await, 300);
    assert_eq!(minutes(&|query| query.resolution = Some(Resolution::Sd)).await, 400);
    assert_eq!(minutes(&|query| query.domains = vec![PLAY.to_owned()]).await, 300);
    assert_eq!(minutes(&|query| query.domains = vec![OTHER.to_owned()]).await, 300, "hosts that are not known");
    assert_eq!(minutes(&|query| query.range = TimeRange { from: slot.from + 300, to: slot.to }).await, 0);
}
