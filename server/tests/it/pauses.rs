//! *Paused after failures*: how a pause is stored, ended and shown.

use std::sync::Arc;

use callsheet::Console;
use callsheet::callbacks::{CallbackSettings, HealthState, OffReason, Pause, TroubledCallback};
use callsheet::deliveries::{CallbackOff, Ownership, QueueChange};
use callsheet::domains::{DomainFilter, NewDomain};
use callsheet::model::{Actor, CallbackId, CallbackKind, Clock, Millis, PageRequest, Role, TestClock};
use tempfile::TempDir;

use crate::support::{DOMAIN, Database, PLAY, on_both_databases, use_cases};

on_both_databases!(
    a_pause_is_stored_and_updated_by_its_probes,
    each_change_by_a_user_ends_a_pause_and_is_reported,
    an_earlier_change_by_a_user_wins,
    a_change_from_before_the_clock_was_set_back_prevents_no_pause,
    a_callback_that_is_turned_off_is_not_paused,
    a_pause_shows_in_the_lists,
);

const KIND: CallbackKind = CallbackKind::Publish;
const NOW: Millis = 1_795_357_880_000;
const ADDRESS: &str = "http://127.0.0.1:8080/";

struct Fixture {
    console: Console,
    clock: Arc<TestClock>,
    callback: CallbackId,
    _data: TempDir,
}

impl Fixture {
    async fn new(database: &Database) -> Self {
        let clock = Arc::new(TestClock::at(NOW));
        let (console, data) = use_cases(database, clock.clone()).await;
        let cli = Actor::cli();
        let domain = NewDomain::parse(DOMAIN, &[PLAY]).expect("a domain");
        console.domains.create(&cli, domain).await.expect("created");
        console.callbacks.put(&cli, DOMAIN, KIND, change(true)).await.expect("on");
        let callback = console.db.find_callback(DOMAIN, KIND).await.expect("read").expect("a callback").id;
        Self { console, clock, callback, _data: data }
    }

    /// Advances the clock by a minute and returns a pause that begins then.
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

async fn a_pause_is_stored_and_updated_by_its_probes(database: Database) {
    let fixture = Fixture::new(&database).await;
    assert_eq!(fixture.paused().await, None);
    let begun = fixture.pause();
    assert!(fixture.set_pause(Some(&begun)).await);
    assert_eq!(fixture.paused().await, Some(begun.clone()));
    let later = Pause { probe_at: begun.probe_at + 60_000, probes: 1, reason: "timeout".to_owned(), ..begun };
    assert!(fixture.set_pause(Some(&later)).await);
    assert_eq!(fixture.paused().await, Some(later));
    assert!(fixture.set_pause(None).await);
    assert_eq!(fixture.paused().await, None);
    assert!(!fixture.set_pause(None).await, "there is none");
}

async fn each_change_by_a_user_ends_a_pause_and_is_reported(database: Database) {
    let fixture = Fixture::new(&database).await;
    let (callbacks, cli) = (&fixture.console.callbacks, Actor::cli());
    for what in ["resume", "address", "off and on", "settings", "rotate", "overlap"] {
        let pause = fixture.pause();
        assert!(fixture.set_pause(Some(&pause)).await, "{what}");
        let mut changes = fixture.console.db.subscribe();
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
        assert_eq!(fixture.paused().await, None, "{what}");
        assert_eq!(*changes.try_recv().expect(what), [QueueChange::CallbackChanged(fixture.callback)], "{what}");
        // A probe of the ended pause.
        let failed = Pause { probes: 1, probe_at: pause.probe_at + 60_000, ..pause };
        assert!(!fixture.set_pause(Some(&failed)).await, "{what}");
        assert_eq!(fixture.paused().await, None, "{what}");
    }
    let mut changes = fixture.console.db.subscribe();
    callbacks.resume(&cli, DOMAIN, KIND).await.expect("nothing to resume");
    assert!(changes.try_recv().is_err(), "nothing was changed");
}

async fn an_earlier_change_by_a_user_wins(database: Database) {
    let fixture = Fixture::new(&database).await;
    let pause = fixture.pause();
    fixture.clock.advance(1);
    fixture.console.callbacks.set_address(&Actor::cli(), DOMAIN, KIND, ADDRESS).await.expect("changed");
    assert!(!fixture.set_pause(Some(&pause)).await, "the failures concern the previous address");
    assert_eq!(fixture.paused().await, None);
    fixture.console.callbacks.set_enabled(&Actor::cli(), DOMAIN, KIND, false).await.expect("off");
    assert!(!fixture.set_pause(Some(&fixture.pause())).await, "it is off");
}

async fn a_change_from_before_the_clock_was_set_back_prevents_no_pause(database: Database) {
    let fixture = Fixture::new(&database).await;
    fixture.console.callbacks.set_address(&Actor::cli(), DOMAIN, KIND, ADDRESS).await.expect("changed");
    fixture.clock.jump(-3_600_000);
    let pause = fixture.pause();
    assert!(fixture.set_pause(Some(&pause)).await);
    assert_eq!(fixture.paused().await, Some(pause));
}

async fn a_callback_that_is_turned_off_is_not_paused(database: Database) {
    let fixture = Fixture::new(&database).await;
    assert!(fixture.set_pause(Some(&fixture.pause())).await);
    let mut changes = fixture.console.db.subscribe();
    let off = CallbackOff { callback: fixture.callback, at: fixture.clock.now(), reason: OffReason::PausedForLong };
    fixture.console.db.complete(&Ownership::All, &[], &[off]).await.expect("turned off");
    assert_eq!(fixture.paused().await, None);
    assert_eq!(*changes.try_recv().expect("reported"), [QueueChange::CallbackChanged(fixture.callback)]);
    let view = fixture.console.callbacks.get(&Actor::cli(), DOMAIN, KIND).await.expect("found");
    assert_eq!((view.settings.enabled, view.off_reason), (false, Some(OffReason::PausedForLong)));
}

async fn a_pause_shows_in_the_lists(database: Database) {
    let fixture = Fixture::new(&database).await;
    let domains = &fixture.console.domains;
    let marks = async || {
        let list = domains.list(&Actor::cli(), DomainFilter::default(), PageRequest::of_console(1)).await;
        let marks = list.expect("a list").rows.remove(0).callbacks;
        marks.into_iter().map(|mark| mark.paused).collect::<Vec<_>>()
    };
    assert_eq!(troubled(&fixture, &Actor::cli()).await, []);
    assert_eq!(marks().await, [None, None]);
    let pause = fixture.pause();
    assert!(fixture.set_pause(Some(&pause)).await);
    let expected = TroubledCallback {
        domain: DOMAIN.to_owned(),
        kind: KIND,
        state: HealthState::Failing,
        error: Some("connect".to_owned()),
        unrecovered: 0,
        retrying: 0,
        pause: Some(pause),
    };
    assert_eq!(troubled(&fixture, &Actor::cli()).await, [expected]);
    assert_eq!(marks().await, [Some("connect".to_owned()), None]);
    let other_owner =
        Actor { role: Role::Reviewer, domains: Some(vec!["other.example.com".to_owned()]), ..Actor::cli() };
    assert_eq!(troubled(&fixture, &other_owner).await, []);
}

async fn troubled(fixture: &Fixture, actor: &Actor) -> Vec<TroubledCallback> {
    fixture.console.callbacks.at_a_glance(actor).await.expect("read").troubled
}
