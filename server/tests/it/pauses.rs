//! *Paused after failures*: what is stored of it, who ends it, and where it shows.

use std::sync::Arc;

use callsheet::Console;
use callsheet::callbacks::{CallbackSettings, HealthState, OffReason, Pause, TroubledCallback};
use callsheet::deliveries::{CallbackOff, Ownership, Queued};
use callsheet::domains::{DomainFilter, NewDomain};
use callsheet::model::{Actor, CallbackId, CallbackKind, Clock, Millis, PageRequest, Role, TestClock};
use tempfile::TempDir;

use crate::support::{DOMAIN, Database, PLAY, on_both_databases, use_cases};

on_both_databases!(
    a_pause_is_kept_and_moves_on_with_its_probes,
    each_change_of_a_person_ends_a_pause_and_is_told,
    a_person_who_was_faster_wins,
    a_change_from_before_the_clock_was_set_back_hinders_no_pause,
    turned_off_is_paused_no_more,
    a_pause_shows_in_the_lists,
);

const KIND: CallbackKind = CallbackKind::Publish;
const NOW: Millis = 1_795_357_880_000;
const ADDRESS: &str = "http://127.0.0.1:8080/";

struct Stage {
    console: Console,
    clock: Arc<TestClock>,
    callback: CallbackId,
    _data: TempDir,
}

impl Stage {
    async fn set(database: &Database) -> Self {
        let clock = Arc::new(TestClock::at(NOW));
        let (console, data) = use_cases(database, clock.clone()).await;
        let cli = Actor::cli();
        let domain = NewDomain::parse(DOMAIN, &[PLAY]).expect("a domain");
        console.domains.create(&cli, domain).await.expect("created");
        console.callbacks.put(&cli, DOMAIN, KIND, change(true)).await.expect("on");
        let callback = console.db.find_callback(DOMAIN, KIND).await.expect("read").expect("a callback").id;
        Self { console, clock, callback, _data: data }
    }

    /// A pause that begins a minute from now, and then it is now.
    fn pause(&self) -> Pause {
        self.clock.advance(60_000);
        let since = self.clock.now();
        Pause { since, probe_at: since + 30_000, probes: 0, reason: "connect".to_owned() }
    }

    async fn set_pause(&self, pause: Option<&Pause>) -> bool {
        self.console.db.set_pause(self.callback, pause).await.expect("written")
    }

    async fn paused(&self) -> Option<Pause> {
        let pause = self.console.callbacks.get(&Actor::cli(), DOMAIN, KIND).await.expect("found").pause;
        let all = self.console.db.paused_callbacks().await.expect("read");
        assert_eq!(all, pause.clone().map(|pause| (self.callback, pause)).into_iter().collect::<Vec<_>>());
        pause
    }
}

fn change(enabled: bool) -> CallbackSettings {
    CallbackSettings { enabled, address: Some(ADDRESS.to_owned()), ..CallbackSettings::default() }
}

async fn a_pause_is_kept_and_moves_on_with_its_probes(database: Database) {
    let stage = Stage::set(&database).await;
    assert_eq!(stage.paused().await, None);
    let begun = stage.pause();
    assert!(stage.set_pause(Some(&begun)).await);
    assert_eq!(stage.paused().await, Some(begun.clone()));
    let later = Pause { probe_at: begun.probe_at + 60_000, probes: 1, reason: "timeout".to_owned(), ..begun };
    assert!(stage.set_pause(Some(&later)).await);
    assert_eq!(stage.paused().await, Some(later));
    assert!(stage.set_pause(None).await);
    assert_eq!(stage.paused().await, None);
    assert!(!stage.set_pause(None).await, "there was none any more");
}

async fn each_change_of_a_person_ends_a_pause_and_is_told(database: Database) {
    let stage = Stage::set(&database).await;
    let (callbacks, cli) = (&stage.console.callbacks, Actor::cli());
    for what in ["resume", "address", "off and on", "settings", "rotate", "overlap"] {
        let pause = stage.pause();
        assert!(stage.set_pause(Some(&pause)).await, "{what}");
        let mut told = stage.console.db.subscribe();
        let done = match what {
            "resume" => callbacks.resume(&cli, DOMAIN, KIND).await.map(drop),
            "address" => callbacks.set_address(&cli, DOMAIN, KIND, ADDRESS).await.map(drop),
            "off and on" => {
                callbacks.set_enabled(&cli, DOMAIN, KIND, false).await.expect("off");
                callbacks.set_enabled(&cli, DOMAIN, KIND, true).await.map(drop)
            }
            "settings" => callbacks.put(&cli, DOMAIN, KIND, change(true)).await.map(drop),
            "rotate" => callbacks.rotate_secret(&cli, DOMAIN, KIND, 24).await.map(drop),
            "overlap" => callbacks.set_overlap(&cli, DOMAIN, KIND, 0).await.map(drop),
            _ => unreachable!("{what}"),
        };
        done.expect(what);
        assert_eq!(stage.paused().await, None, "{what}");
        assert_eq!(*told.try_recv().expect(what), [Queued::CallbackChanged(stage.callback)], "{what}");
        // A probe of the pause that is over.
        let failed = Pause { probes: 1, probe_at: pause.probe_at + 60_000, ..pause };
        assert!(!stage.set_pause(Some(&failed)).await, "{what}");
        assert_eq!(stage.paused().await, None, "{what}");
    }
    let mut told = stage.console.db.subscribe();
    callbacks.resume(&cli, DOMAIN, KIND).await.expect("nothing to resume");
    assert!(told.try_recv().is_err(), "nothing was changed");
}

async fn a_person_who_was_faster_wins(database: Database) {
    let stage = Stage::set(&database).await;
    let pause = stage.pause();
    stage.clock.advance(1);
    stage.console.callbacks.set_address(&Actor::cli(), DOMAIN, KIND, ADDRESS).await.expect("changed");
    assert!(!stage.set_pause(Some(&pause)).await, "the failures were those of the former address");
    assert_eq!(stage.paused().await, None);
    stage.console.callbacks.set_enabled(&Actor::cli(), DOMAIN, KIND, false).await.expect("off");
    assert!(!stage.set_pause(Some(&stage.pause())).await, "it is off");
}

async fn a_change_from_before_the_clock_was_set_back_hinders_no_pause(database: Database) {
    let stage = Stage::set(&database).await;
    stage.console.callbacks.set_address(&Actor::cli(), DOMAIN, KIND, ADDRESS).await.expect("changed");
    stage.clock.jump(-3_600_000);
    let pause = stage.pause();
    assert!(stage.set_pause(Some(&pause)).await);
    assert_eq!(stage.paused().await, Some(pause));
}

async fn turned_off_is_paused_no_more(database: Database) {
    let stage = Stage::set(&database).await;
    assert!(stage.set_pause(Some(&stage.pause())).await);
    let mut told = stage.console.db.subscribe();
    let off = CallbackOff { callback: stage.callback, at: stage.clock.now(), reason: OffReason::PausedForLong };
    stage.console.db.complete(&Ownership::All, &[], &[off]).await.expect("turned off");
    assert_eq!(stage.paused().await, None);
    assert_eq!(*told.try_recv().expect("told"), [Queued::CallbackChanged(stage.callback)]);
    let view = stage.console.callbacks.get(&Actor::cli(), DOMAIN, KIND).await.expect("found");
    assert_eq!((view.settings.enabled, view.off_reason), (false, Some(OffReason::PausedForLong)));
}

async fn a_pause_shows_in_the_lists(database: Database) {
    let stage = Stage::set(&database).await;
    let domains = &stage.console.domains;
    let marks = async || {
        let list = domains.list(&Actor::cli(), DomainFilter::default(), PageRequest::of_console(1)).await;
        let marks = list.expect("a list").rows.remove(0).callbacks;
        marks.into_iter().map(|mark| mark.paused).collect::<Vec<_>>()
    };
    assert_eq!(troubled(&stage, &Actor::cli()).await, []);
    assert_eq!(marks().await, [None, None]);
    let pause = stage.pause();
    assert!(stage.set_pause(Some(&pause)).await);
    let expected = TroubledCallback {
        domain: DOMAIN.to_owned(),
        kind: KIND,
        state: HealthState::Failing,
        error: Some("connect".to_owned()),
        unrecovered: 0,
        retrying: 0,
        pause: Some(pause),
    };
    assert_eq!(troubled(&stage, &Actor::cli()).await, [expected]);
    assert_eq!(marks().await, [Some("connect".to_owned()), None]);
    let stranger = Actor { role: Role::Reviewer, domains: Some(vec!["other.example.com".to_owned()]), ..Actor::cli() };
    assert_eq!(troubled(&stage, &stranger).await, []);
}

async fn troubled(stage: &Stage, actor: &Actor) -> Vec<TroubledCallback> {
    stage.console.callbacks.at_a_glance(actor).await.expect("read").troubled
}
