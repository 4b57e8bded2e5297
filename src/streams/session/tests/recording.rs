//! The recording, part by part.

use super::*;

#[test]
fn the_last_part_comes_after_the_end() {
    let mut story = Story::begin(AT_PUBLISH, false);
    assert_eq!(story.news(), ["publish_started", "record_started", "record_part_started"]);
    story.hear(12, &ended(12));
    assert_eq!(story.news(), ["publish_done"]);
    assert_eq!(story.session.phase, Phase::Closing);
    story.hear(13, &closed(0, 12));
    assert_eq!(story.news(), ["record_part_done"], "nothing tells whether it is the last");
    story.tick(14);
    assert_eq!(story.news(), ["record_done"]);
    let done = story.last(EventName::RecordDone);
    assert_eq!((done.url.as_deref(), done.at), (Some("part-0"), at(12)));
    assert_eq!(story.session.phase, Phase::Closed);
}

#[test]
fn a_part_without_media_is_not_taken_for_the_one_before() {
    let mut story = Story::begin(RULES, false);
    for hint in [opened(0), closed(0, 5), opened(5), ended(5)] {
        story.hear(5, &hint);
    }
    story.news();
    let empty =
        ClosedPart { location: None, duration_ms: Some(0), failure: Some("empty".to_owned()), ..closed_part(5, 5) };
    story.hear(6, &SourceEvent::PartClosed(empty));
    assert_eq!(story.news(), ["record_part_done: empty", "record_done"]);
}

#[test]
fn without_openings_the_next_part_starts_where_the_last_stopped() {
    let mut story = Story::begin(AT_PUBLISH, false);
    story.hear(5, &closed(0, 5));
    story.tick(6);
    story.news();
    let next = story.last(EventName::RecordPartStarted);
    assert_eq!((next.start_time_ms, next.part), (Some(at(5)), Some(2)));
    let unnamed = ClosedPart { started_at: None, location: None, ..closed_part(0, 8) };
    story.hear(8, &SourceEvent::PartClosed(unnamed));
    assert_eq!(story.parts[1].start, at(5));
    assert_eq!(story.parts[1].duration_ms, 3_000);
}

#[test]
fn an_assumed_part_is_told_when_the_publish_shows_that_it_goes_on() {
    let told = ["record_part_done", "record_part_started"];
    let mut silent = Story::begin(AT_PUBLISH, false);
    silent.news();
    silent.hear(5, &closed(0, 5));
    assert_eq!(silent.news(), told[..1]);
    assert_eq!(silent.session.due_at, Some(at(6)));
    silent.tick(6);
    assert_eq!(silent.news(), told[1..]);
    assert_eq!(silent.session.due_at, None);

    let mut alive_again = Story::begin(AT_PUBLISH, false);
    alive_again.news();
    alive_again.hear(5, &closed(0, 5));
    alive_again.hear(5, &alive(5));
    assert_eq!(alive_again.news(), told);
    assert_eq!(alive_again.session.due_at, None, "nothing is awaited");
    alive_again.hear(9, &closed(5, 9));
    assert_eq!(alive_again.session.due_at, Some(at(10)));

    let mut cut_again = Story::begin(AT_PUBLISH, false);
    cut_again.news();
    cut_again.hear(5, &closed(0, 5));
    cut_again.hear(5, &closed(5, 6));
    assert_eq!(cut_again.news(), ["record_part_done", "record_part_started", "record_part_done"]);
    assert_eq!(cut_again.last(EventName::RecordPartStarted).start_time_ms, Some(at(5)));
}

#[test]
fn an_assumed_part_is_forgotten_when_the_publish_or_the_recording_ends() {
    let mut story = Story::begin(AT_PUBLISH, false);
    story.news();
    story.hear(9, &closed(0, 9));
    story.hear(9, &ended(9));
    assert_eq!(story.news(), ["record_part_done", "publish_done"]);
    assert_eq!(story.session.due_at, Some(at(10)), "before the grace is over");
    story.tick(10);
    assert_eq!(story.news(), ["record_done"]);
    assert_eq!((story.session.phase, story.session.due_at), (Phase::Closed, None));

    let mut story = Story::begin(AT_PUBLISH, false);
    story.news();
    story.hear(9, &closed(0, 9));
    story.hear(9, &SourceEvent::RecordingEnded { at: at(9) });
    story.tick(10);
    story.hear(20, &ended(20));
    assert_eq!(story.news(), ["record_part_done", "record_done", "publish_done"]);
}

/// A cut, the last part and the end fall together, and overtake each other.
#[test]
fn whatever_overtakes_the_end_every_part_is_told() {
    let reports = [closed(0, 5), closed(5, 6), ended(6)];
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let mut story = Story::begin(AT_PUBLISH, false);
        for index in order {
            story.hear(6, &reports[index]);
        }
        story.tick(7);
        let mut news = story.news();
        news.retain(|event| event != "publish_done");
        let part = ["record_part_started", "record_part_done"];
        let expected = [&["publish_started", "record_started"][..], &part, &part, &["record_done"]].concat();
        assert_eq!(news, expected, "{order:?}");
        assert_eq!(story.last(EventName::RecordDone).duration_ms, Some(6_000));
        assert_eq!((story.session.phase, story.parts.len()), (Phase::Closed, 2));
    }
}

#[test]
fn a_source_that_keeps_its_parts_is_awaited_until_it_says_that_all_are_told() {
    let rules = SessionRules { sends_heartbeats: true, keeps_parts: true, ..RULES };
    let mut story = Story::begin(rules, false);
    story.hear(0, &opened(0));
    story.hear(30, &ended(30));
    assert_eq!(story.news(), ["publish_started", "record_started", "record_part_started", "publish_done"]);
    // The bucket was away for an hour, and two parts were written meanwhile.
    for minute in [10, 20, 30, 40, 50] {
        story.tick(minute * 60);
        story.hear(minute * 60, &SourceEvent::PartsPending { at: at(minute * 60) });
    }
    assert_eq!(story.news(), [""; 0]);
    story.hear(3_600, &closed(0, 10));
    story.tick(3_610);
    assert_eq!(story.news(), ["record_part_done"]);
    story.hear(3_620, &opened(10));
    story.hear(3_700, &closed(10, 30));
    assert_eq!(story.news(), ["record_part_started", "record_part_done"]);
    story.hear(3_701, &SourceEvent::RecordingEnded { at: at(3_701) });
    assert_eq!(story.news(), ["record_done"]);
    assert_eq!((story.session.phase, story.session.parts_done), (Phase::Closed, 2));
}

#[test]
fn a_source_that_keeps_its_parts_and_is_gone_is_given_up() {
    let rules = SessionRules { sends_heartbeats: true, keeps_parts: true, ..RULES };
    let mut story = Story::begin(rules, false);
    story.hear(0, &opened(0));
    story.fall_silent(60);
    story.tick(60 + 14 * 60);
    assert_eq!(story.news().last().map(String::as_str), Some("publish_done: source lost"));
    story.tick(60 + 15 * 60);
    let unreported = "record_part_done: the source did not report the end of this part";
    assert_eq!(story.news(), [unreported, "record_done: every part failed"]);
}

#[test]
fn a_late_part_is_awaited_no_longer_than_the_grace() {
    let mut story = Story::begin(AT_PUBLISH, false);
    story.hear(9, &ended(9));
    story.hear(13, &closed(0, 8));
    story.news();
    assert_eq!(story.session.due_at, Some(at(14)));
    story.hear(13, &closed(8, 9));
    assert_eq!(story.news(), ["record_part_started", "record_part_done"]);
    story.hear(14, &alive(14));
    assert_eq!(story.session.due_at, Some(at(14)), "the end of the grace");
    story.tick(14);
    assert_eq!(story.news(), ["record_done"]);
}

#[test]
fn a_part_alone_begins_the_recording() {
    let mut story = Story::begin(RULES, false);
    story.news();
    story.hear(5, &closed(1, 5));
    assert_eq!(story.news(), ["record_started", "record_part_started", "record_part_done"]);
    assert_eq!(story.last(EventName::RecordStarted).start_time_ms, Some(at(1)));

    let mut late = Story::begin(RULES, false);
    late.hear(5, &ended(5));
    late.hear(6, &closed(0, 5));
    late.tick(7);
    assert_eq!(
        late.news(),
        ["publish_started", "publish_done", "record_started", "record_part_started", "record_part_done", "record_done"]
    );
}

#[test]
fn a_started_recording_may_report_its_part_late() {
    let mut story = Story::begin(RULES, false);
    story.hear(0, &SourceEvent::RecordingStarted { at: at(0) });
    story.hear(4, &ended(4));
    assert_eq!(story.news(), ["publish_started", "record_started", "publish_done"]);
    story.hear(5, &closed(0, 4));
    assert_eq!(story.news(), ["record_part_started", "record_part_done", "record_done"]);
}

#[test]
fn a_silent_part_fails_after_the_grace() {
    let mut story = Story::begin(RULES, false);
    story.hear(0, &opened(0));
    story.hear(5, &closed(0, 5));
    story.hear(5, &opened(5));
    story.hear(9, &ended(9));
    story.news();
    assert_eq!(story.session.due_at, Some(at(14)));
    story.tick(13);
    assert!(story.news().is_empty());
    story.tick(14);
    assert_eq!(story.news(), ["record_part_done: the source did not report the end of this part", "record_done"]);
    assert_eq!(story.last(EventName::RecordDone).duration_ms, Some(5_000));

    story.hear(20, &closed(5, 9));
    assert!(story.news().is_empty());
    assert_eq!(story.parts.len(), 3, "the late part is kept");
}

#[test]
fn a_recording_without_a_good_part_fails() {
    let mut story = Story::begin(AT_PUBLISH, false);
    story.hear(9, &ended(9));
    story.tick(14);
    assert_eq!(story.news().last().expect("told"), "record_done: every part failed");
    assert_eq!(story.last(EventName::RecordDone).duration_s(), Some(0));

    let mut story = Story::begin(RULES, false);
    story.hear(0, &SourceEvent::RecordingStarted { at: at(0) });
    story.hear(9, &ended(9));
    story.tick(14);
    assert_eq!(story.news().last().expect("told"), "record_done: no part was recorded");
}

#[test]
fn a_recording_that_cannot_begin_is_told_once() {
    let failed = SourceEvent::RecordingFailed { at: at(0), reason: "disk full".to_owned() };
    let mut story = Story::begin(RULES, false);
    story.hear(0, &failed);
    story.hear(0, &failed);
    story.hear(1, &opened(1));
    story.hear(2, &closed(1, 2));
    story.hear(3, &ended(3));
    assert_eq!(story.news(), ["publish_started", "record_started: disk full", "publish_done"]);
    assert_eq!(story.session.phase, Phase::Closed);
    assert_eq!(story.parts.len(), 1);
}

#[test]
fn a_recording_that_cannot_go_on_fails_its_part_and_may_resume() {
    let failed = SourceEvent::RecordingFailed { at: at(5), reason: "disk full".to_owned() };
    let mut story = Story::begin(RULES, false);
    story.hear(0, &opened(0));
    story.news();
    story.hear(5, &failed);
    story.hear(5, &failed);
    assert_eq!(story.news(), ["record_part_done: disk full"]);
    story.hear(8, &opened(8));
    story.hear(9, &closed(8, 9));
    story.hear(9, &ended(9));
    assert_eq!(story.news(), ["record_part_started", "record_part_done", "record_done", "publish_done"]);
}

#[test]
fn parts_out_of_order_are_all_told() {
    let mut story = Story::begin(RULES, false);
    story.hear(0, &opened(0));
    story.news();
    story.hear(5, &opened(5));
    assert!(story.news().is_empty(), "the part before is still open");
    story.hear(5, &closed(0, 5));
    assert_eq!(story.news(), ["record_part_done", "record_part_started"]);
    story.hear(9, &ended(9));
    story.hear(9, &closed(5, 9));
    assert_eq!(story.news(), ["publish_done", "record_part_done", "record_done"]);
}

#[test]
fn a_part_that_newer_ones_overtook_is_given_up() {
    let mut story = Story::begin(RULES, false);
    for second in [0, 5, 10] {
        story.hear(second, &opened(second));
    }
    assert_eq!(
        story.news()[3..],
        ["record_part_done: the source did not report the end of this part", "record_part_started"]
    );
    assert_eq!(story.session.open_part.as_ref().map(|part| part.opened_at), Some(at(5)));
}

#[test]
fn the_first_recorder_counts() {
    let mut story = Story::begin(AT_PUBLISH, false);
    let of = |recorder: &str, start, stop| {
        let location = Some(format!("{recorder}-{start}"));
        let part = closed_part(start, stop);
        SourceEvent::PartClosed(ClosedPart { recorder: recorder.to_owned(), location, ..part })
    };
    story.hear(5, &of("part", 0, 5));
    story.tick(6);
    story.hear(9, &ended(9));
    story.news();
    story.hear(9, &of("whole", 0, 9));
    assert!(story.news().is_empty());
    story.hear(9, &of("part", 5, 9));
    story.tick(10);
    assert_eq!(story.news(), ["record_part_done", "record_done"]);
    assert_eq!(story.session.recorded_ms, 9_000);
}

#[test]
fn wire_durations_are_rounded_half_up() {
    let mut story = Story::begin(AT_PUBLISH, false);
    for (ms, seconds) in [(0, 0), (1, 1), (499, 1), (1_499, 1), (1_500, 2), (4_990, 5)] {
        let location = Some(format!("of-{ms}"));
        let part = ClosedPart { duration_ms: Some(ms), location, ..closed_part(0, 9) };
        story.hear(9, &SourceEvent::PartClosed(part));
        assert_eq!(story.last(EventName::RecordPartDone).duration_s(), Some(seconds), "{ms}");
    }
}

#[test]
fn a_report_may_name_absurd_times() {
    let mut story = Story::begin(AT_PUBLISH, false);
    story.hear(5, &closed(9, 5));
    assert_eq!((story.parts[0].start, story.parts[0].duration_ms), (at(5), 0));
    story.hear(6, &SourceEvent::Ended { at: 0, failure: None });
    assert_eq!(story.session.ended_at, Some(T0));
}

#[test]
fn a_repeated_opening_is_known_by_its_time() {
    let opened = |second| SourceEvent::PartOpened { at: at(second), location: None };
    let mut story = Story::begin(RULES, false);
    story.hear(0, &opened(0));
    story.hear(5, &closed(0, 5));
    story.news();
    story.hear(5, &opened(0));
    assert!(story.news().is_empty());
    story.hear(5, &opened(5));
    assert_eq!(story.news(), ["record_part_started"]);
}

#[test]
fn the_first_opening_names_the_part_that_was_taken_for_open() {
    let mut story = Story::begin(AT_PUBLISH, false);
    story.news();
    story.hear(1, &opened(1));
    story.hear(5, &closed(1, 5));
    assert_eq!(story.news(), ["record_part_done"], "this source reports its openings");
    story.hear(6, &opened(6));
    story.hear(9, &ended(9));
    story.tick(14);
    assert_eq!(story.parts[1].location.as_deref(), Some("part-6"));
    assert_eq!(story.parts[1].stop, at(9), "it ended with the publish");
}

#[test]
fn the_first_opening_replaces_the_part_that_was_only_assumed() {
    let mut story = Story::begin(AT_PUBLISH, false);
    story.hear(5, &closed(0, 5));
    story.news();
    story.hear(5, &opened(6));
    assert_eq!(story.news(), ["record_part_started"]);
    assert_eq!(story.last(EventName::RecordPartStarted).url.as_deref(), Some("part-6"));
    story.hear(9, &closed(6, 9));
    story.hear(9, &ended(9));
    assert_eq!(story.news(), ["record_part_done", "record_done", "publish_done"]);
}

#[test]
fn no_part_is_taken_for_open_when_the_recording_is_over() {
    let mut story = Story::begin(AT_PUBLISH, false);
    story.hear(5, &SourceEvent::RecordingEnded { at: at(5) });
    story.hear(5, &closed(0, 5));
    story.hear(9, &ended(9));
    assert_eq!(story.news()[3..], ["record_part_done", "record_done", "publish_done"]);
}

#[test]
fn the_latest_opening_counts_while_nothing_is_told() {
    let mut story = Story::begin(RULES, true);
    story.hear(0, &opened(0));
    story.hear(2, &opened(2));
    story.hear(3, &alive(3));
    story.hear(5, &closed(2, 5));
    story.hear(5, &ended(5));
    assert_eq!(
        story.news(),
        ["publish_started", "record_started", "record_part_started", "record_part_done", "record_done", "publish_done"]
    );
    assert_eq!(story.last(EventName::RecordPartStarted).start_time_ms, Some(at(2)));
}
