//! What holds for any reports in any order.

use proptest::prelude::*;

use super::*;

/// The reports of one publish, in any order, each once or more often or not at all.
fn reports() -> impl Strategy<Value = Vec<(SourceEvent, Millis)>> {
    let hint = prop_oneof![
        Just(SourceEvent::Started { at: T0, push: push() }),
        (0..40_i64).prop_map(alive),
        (0..40_i64).prop_map(ended),
        Just(SourceEvent::Ended { at: at(30), failure: Some("broken pipe".to_owned()) }),
        Just(SourceEvent::RecordingStarted { at: at(0) }),
        Just(SourceEvent::RecordingEnded { at: at(30) }),
        Just(SourceEvent::RecordingFailed { at: at(7), reason: "disk full".to_owned() }),
        (0..6_i64).prop_map(|n| opened(n * 5)),
        (0..6_i64).prop_map(|n| closed(n * 5, n * 5 + 5)),
        (0..6_i64).prop_map(|n| SourceEvent::PartClosed(ClosedPart {
            recorder: "other".to_owned(),
            location: None,
            started_at: None,
            ..closed_part(n, n + 4)
        })),
        (0..6_i64).prop_map(|n| SourceEvent::PartClosed(ClosedPart {
            failure: Some("no space".to_owned()),
            ..closed_part(n * 5, n * 5 + 5)
        })),
    ];
    prop::collection::vec((hint, 0..4_i64), 0..24)
}

proptest! {
    #[test]
    fn any_reports_make_a_sound_story(
        reports in reports(),
        at_publish in any::<bool>(),
        others_live in any::<bool>(),
        superseded in prop::option::of(0..24_usize),
    ) {
        let rules = if at_publish { AT_PUBLISH } else { RULES };
        let mut story = Story::begin(rules, others_live);
        let mut second = 0;
        for (step, (hint, pause)) in reports.iter().enumerate() {
            second += pause;
            story.tick(second);
            story.hear(second, hint);
            if superseded == Some(step) {
                let outcome = story.session.supersede(at(second), &rules);
                story.take(outcome);
            }
            let due_within = |seconds| story.session.due_at.is_some_and(|due| due <= at(second + seconds));
            let scheduled = match story.session.phase {
                Phase::Closed => story.session.due_at.is_none(),
                _ if story.session.settles_at().is_some() => due_within(1),
                Phase::Opening | Phase::Closing => due_within(5),
                Phase::Live => story.session.due_at.is_none(),
            };
            prop_assert!(scheduled, "{:?}", story.session);
        }
        story.hear(second + 1, &alive(second + 1));
        for _ in 0..3 {
            second += 1_000_000;
            story.tick(second);
            story.fall_silent(second);
        }
        prop_assert_eq!(story.session.phase, Phase::Closed);
        prop_assert_eq!(&story.session.open_part, &None);
        sound(&story)?;
    }
}

/// Tells the reports, each so many times, and what is overdue in between.
fn tell(reports: &[(SourceEvent, Millis)], rules: SessionRules, others_live: bool, times: usize) -> Story {
    let mut story = Story::begin(rules, others_live);
    let mut second = 0;
    for (hint, pause) in reports {
        second += pause;
        story.tick(second);
        for _ in 0..times {
            story.hear(second, hint);
        }
    }
    for _ in 0..3 {
        second += 1_000_000;
        story.tick(second);
    }
    story
}

proptest! {
    #[test]
    fn the_same_reports_make_the_same_story(reports in reports(), at_publish in any::<bool>(), others_live in any::<bool>()) {
        let rules = if at_publish { AT_PUBLISH } else { RULES };
        let (one, other) = (tell(&reports, rules, others_live, 1), tell(&reports, rules, others_live, 1));
        prop_assert_eq!((one.events, one.parts, one.session), (other.events, other.parts, other.session));
    }

    /// Sources repeat a report whose answer they missed.
    #[test]
    fn a_report_told_twice_counts_once(reports in reports(), at_publish in any::<bool>(), others_live in any::<bool>()) {
        let rules = if at_publish { AT_PUBLISH } else { RULES };
        let (once, twice) = (tell(&reports, rules, others_live, 1), tell(&reports, rules, others_live, 2));
        prop_assert_eq!((once.events, once.parts), (twice.events, twice.parts));
    }
}

/// What holds for the events of any closed session.
fn sound(story: &Story) -> Result<(), TestCaseError> {
    use EventName::*;
    let place = |name: EventName| {
        let mut places = (0..story.events.len()).filter(|i| story.events[*i].name == name);
        (places.next(), places.count())
    };
    for (index, event) in story.events.iter().enumerate() {
        prop_assert_eq!(event.sequence, index as i64 + 1);
        prop_assert_eq!(event.status == Status::Fail, event.error.is_some());
        prop_assert_eq!(event.part.is_some(), matches!(event.name, RecordPartStarted | RecordPartDone));
    }
    for name in [PublishStarted, PublishDone, RecordStarted, RecordDone] {
        prop_assert_eq!(place(name).1, 0, "{} comes once", name);
    }
    let (started, ended) = (place(PublishStarted).0, place(PublishDone).0);
    prop_assert!(started.is_none_or(|place| place == 0));
    prop_assert_eq!(started.is_some(), ended.is_some());
    prop_assert_eq!(started.is_some(), !story.events.is_empty());

    let record_started = place(RecordStarted).0;
    let could_begin = record_started.is_some_and(|at| story.events[at].status == Status::Success);
    prop_assert_eq!(place(RecordDone).0.is_some(), could_begin);
    let mut open = None;
    let mut number = 0;
    for (index, event) in story.events.iter().enumerate() {
        match event.name {
            RecordPartStarted => {
                prop_assert!(could_begin && record_started < Some(index));
                prop_assert_eq!(open, None);
                number += 1;
                open = event.part;
                prop_assert_eq!(open, Some(number));
            }
            RecordPartDone => {
                prop_assert!(open.is_some());
                prop_assert_eq!(open.take(), event.part);
                prop_assert!(event.start_time_ms <= event.stop_time_ms);
            }
            RecordDone => prop_assert_eq!(open, None),
            PublishStarted | PublishDone | RecordStarted => {}
        }
    }
    let told = story.events.iter().filter(|event| event.name == RecordPartDone).count();
    prop_assert!(story.parts.len() >= told, "every told part is kept");
    prop_assert!(story.parts.iter().zip(1..).all(|(part, number)| part.number == number));
    Ok(())
}
