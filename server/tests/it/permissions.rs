//! Every use case asks its actor: a reviewer changes nothing, and a limited key sees its own domains only.

use std::sync::Arc;

use callsheet::audit::AuditFilter;
use callsheet::callbacks::CallbackSettings;
use callsheet::deliveries::DeliveryFilter;
use callsheet::domains::{DomainFilter, NewDomain};
use callsheet::keys::KeyDraft;
use callsheet::model::{
    Actor, CallbackKind, DeliveryId, KeyId, PageRequest, Problem, RecoveryId, Role, SessionId, SourceId, SystemClock,
    UserId,
};
use callsheet::recordings::{RecordTemplate, RecordingChange, RecordingSettings};
use callsheet::streams::{BanLength, EventFilter, SessionFilter};
use callsheet::{
    Console, UseCases, streams::IngestSink, streams::PushRequest, streams::SessionKey, streams::SourceEvent,
};

use crate::support::{DOMAIN, Database, PLAY, on_both_databases, use_cases};

on_both_databases!(a_reviewer_reads_and_changes_nothing, an_operator_manages_no_accounts, a_limited_key_stays_at_home);

const KIND: CallbackKind = CallbackKind::Publish;

fn actor(role: Role, domains: Option<&str>) -> Actor {
    Actor { role, domains: domains.map(|domain| vec![domain.to_owned()]), ..Actor::cli() }
}

/// What became of a use case: its error's code, or `done`.
fn code<T, E: Problem>(outcome: Result<T, E>) -> &'static str {
    outcome.map_or_else(|error| error.code(), |_| "done")
}

/// A console with [`DOMAIN`] and one session in it.
struct Stage {
    console: Console,
    _data: tempfile::TempDir,
    session: SessionId,
    delivery: DeliveryId,
    recovery: RecoveryId,
    source: SourceId,
}

async fn stage(database: &Database) -> Stage {
    let (console, data) = use_cases(database, Arc::new(SystemClock)).await;
    let cli = Actor::cli();
    console.domains.create(&cli, NewDomain::parse(DOMAIN, &[PLAY]).expect("a domain")).await.expect("created");
    let source = console.sources.built_in().await.expect("a source");
    let push = PushRequest {
        source,
        hosts: vec![DOMAIN.to_owned()],
        app: "live".to_owned(),
        stream: "room_7".to_owned(),
        client: None,
        params: Vec::new(),
    };
    let push = console.streams.admit(push).await.expect("admitted");
    let key = SessionKey { source, boot: "1".to_owned(), key: "1".to_owned() };
    console.streams.report(&key, SourceEvent::Started { at: console.clock.now(), push }).await.expect("reported");
    let page = PageRequest::of_console(1);
    let sessions = console.streams.list(&cli, SessionFilter::default(), page).await.expect("a list");
    let deliveries = console.deliveries.list(&cli, DeliveryFilter::default(), page).await.expect("a list");
    let of_domain = DeliveryFilter { domain: Some(DOMAIN.to_owned()), ..DeliveryFilter::default() };
    let recovery = console.recoveries.start(&cli, of_domain).await.expect("started").id;
    Stage { recovery, session: sessions.rows[0].id, delivery: deliveries.rows[0].id, source, console, _data: data }
}

impl Stage {
    /// What becomes of each use case that changes something of [`DOMAIN`]. What succeeds leaves it as it was.
    async fn changes(&self, actor: &Actor) -> Vec<(&'static str, &'static str)> {
        let UseCases { domains, callbacks, recordings, streams, deliveries, recoveries, prober, .. } = &*self.console;
        let hour = BanLength::parse(Some(3600)).expect("a time");
        let log = || DeliveryFilter { domain: Some(DOMAIN.to_owned()), ..DeliveryFilter::default() };
        let settings = RecordingSettings { enabled: false, part_seconds: 60, bucket: "tapes".to_owned() };
        let recording = RecordingChange::parse(settings).expect("settings");
        vec![
            ("enable", code(domains.set_enabled(actor, DOMAIN, true).await)),
            ("callback on", code(callbacks.set_enabled(actor, DOMAIN, KIND, false).await)),
            ("callback address", code(callbacks.set_address(actor, DOMAIN, KIND, "http://127.0.0.1/").await)),
            ("callback turned on", code(callbacks.turn_on(actor, DOMAIN, KIND, "http://127.0.0.1/").await)),
            ("callback settings", code(callbacks.put(actor, DOMAIN, KIND, CallbackSettings::default()).await)),
            ("callback secret", code(callbacks.rotate_secret(actor, DOMAIN, KIND, 24).await)),
            ("callback overlap", code(callbacks.set_overlap(actor, DOMAIN, KIND, 0).await)),
            ("callback resume", code(callbacks.resume(actor, DOMAIN, KIND).await)),
            ("callback test", code(prober.test(actor, Some(DOMAIN), KIND, "http://10.0.0.1/").await)),
            ("recording", code(recordings.put(actor, DOMAIN, &recording).await)),
            ("template on", code(recordings.record_by(actor, DOMAIN, "t").await)),
            ("template off", code(recordings.stop_recording_by(actor, DOMAIN, "t").await)),
            ("disconnect", code(streams.disconnect(actor, DOMAIN, "live", "room_7").await)),
            ("forbid", code(streams.forbid(actor, DOMAIN, "live", "room_7", hour).await)),
            ("allow", code(streams.allow(actor, DOMAIN, "live", "room_7").await)),
            ("resend", code(deliveries.resend(actor, self.delivery).await)),
            ("cancel", code(deliveries.cancel(actor, self.delivery).await)),
            ("resend selected", code(deliveries.resend_many(actor, vec![self.delivery]).await)),
            ("count recoverable", code(recoveries.count(actor, log()).await)),
            ("recover", code(recoveries.start(actor, log()).await)),
            ("cancel recovery", code(recoveries.cancel(actor, self.recovery).await)),
            ("delete", code(domains.delete(actor, DOMAIN, "").await)),
        ]
    }

    /// What becomes of each use case that changes record templates, which are for all domains.
    async fn templates(&self, actor: &Actor) -> Vec<(&'static str, &'static str)> {
        let template = RecordTemplate::parse("t", 15, "tapes", None).expect("a template");
        vec![
            ("template", code(self.console.recordings.add_template(actor, &template).await)),
            ("remove template", code(self.console.recordings.remove_template(actor, "t").await)),
        ]
    }

    /// What becomes of each use case of the console as a whole.
    async fn management(&self, actor: &Actor) -> Vec<(&'static str, &'static str)> {
        let UseCases { accounts, keys, audit, sources, .. } = &*self.console;
        let nobody = UserId(0);
        vec![
            ("user", code(accounts.create_user(actor, "", Role::Admin, "").await)),
            ("users", code(accounts.list(actor).await)),
            ("one user", code(accounts.get(actor, nobody).await)),
            ("invitation", code(accounts.invite(actor, "", Role::Admin).await)),
            ("link", code(accounts.new_link(actor, nobody).await)),
            ("role", code(accounts.set_role(actor, nobody, Role::Admin).await)),
            ("deactivation", code(accounts.set_active(actor, nobody, false).await)),
            ("second factor", code(accounts.reset_factor(actor, nobody).await)),
            ("sessions of a user", code(accounts.sessions(actor, nobody).await)),
            ("session of a user", code(accounts.end_session(actor, nobody, "").await)),
            ("sign-out of a user", code(accounts.end_sessions(actor, nobody).await)),
            ("test of single sign-on", code(accounts.start_single_sign_on_test(actor).await)),
            ("key", code(keys.create(actor, KeyDraft::new("", Role::Admin)).await)),
            ("keys", code(keys.list(actor).await)),
            ("key of a name", code(keys.named(actor, "ci").await)),
            ("rotate key", code(keys.rotate(actor, KeyId(1)).await)),
            ("revoke key", code(keys.revoke(actor, KeyId(1)).await)),
            ("audit log", code(audit.list(actor, &AuditFilter::default(), PageRequest::of_console(1)).await)),
            ("export of the audit log", code(audit.batch(actor, &AuditFilter::default(), None).await)),
            ("source", code(sources.create(actor, "generic", "", None).await)),
            ("remove source", code(sources.delete(actor, self.source).await)),
        ]
    }

    /// What becomes of each use case that reads [`DOMAIN`].
    async fn reads(&self, actor: &Actor) -> Vec<(&'static str, &'static str)> {
        let UseCases { domains, callbacks, recordings, streams, deliveries, recoveries, .. } = &*self.console;
        let (page, domain) = (PageRequest::of_console(1), Some(DOMAIN.to_owned()));
        let sessions = SessionFilter { domain: domain.clone(), ..SessionFilter::default() };
        let events = EventFilter { domain: domain.clone(), ..EventFilter::default() };
        let log = DeliveryFilter { domain, ..DeliveryFilter::default() };
        let domain_of = || Some(DOMAIN.to_owned());
        vec![
            ("domain", code(domains.get(actor, DOMAIN).await)),
            ("callback", code(callbacks.get(actor, DOMAIN, KIND).await)),
            ("recording", code(recordings.get(actor, DOMAIN).await)),
            ("sessions", code(streams.list(actor, sessions, page).await)),
            ("session", code(streams.get(actor, self.session).await)),
            ("publishes", code(streams.publishes(actor, domain_of(), None, 0, i64::MAX).await)),
            ("forbidden", code(streams.list_forbidden(actor, domain_of(), page).await)),
            ("domain by name", code(domains.get_by_name(actor, PLAY).await)),
            ("events", code(streams.list_events(actor, events, page).await)),
            ("deliveries", code(deliveries.list(actor, log, page).await)),
            ("delivery", code(deliveries.get(actor, self.delivery).await)),
            ("recovery", code(recoveries.get(actor, self.recovery).await)),
        ]
    }

    /// How many domains, sessions, events and deliveries, how many events in the figures, and how many recoveries an
    /// actor sees.
    async fn sees(&self, actor: &Actor) -> [i64; 6] {
        let UseCases { domains, streams, deliveries, recoveries, .. } = &*self.console;
        let page = PageRequest::of_console(1);
        [
            domains.list(actor, DomainFilter::default(), page).await.expect("a list").total,
            streams.list(actor, SessionFilter::default(), page).await.expect("a list").total,
            streams.list_events(actor, EventFilter::default(), page).await.expect("a list").total,
            deliveries.list(actor, DeliveryFilter::default(), page).await.expect("a list").total,
            deliveries.figures(actor).await.expect("figures").events,
            recoveries.list(actor).await.expect("a list").len() as i64,
        ]
    }
}

fn assert_all(outcomes: &[(&str, &str)], expected: &str) {
    for (use_case, outcome) in outcomes {
        assert_eq!(*outcome, expected, "{use_case}");
    }
}

async fn a_reviewer_reads_and_changes_nothing(database: Database) {
    let stage = stage(&database).await;
    let reviewer = actor(Role::Reviewer, None);
    assert_all(&stage.reads(&reviewer).await, "done");
    assert_all(&stage.changes(&reviewer).await, "forbidden");
    assert_all(&stage.management(&reviewer).await, "forbidden");
    assert_all(&stage.templates(&reviewer).await, "forbidden");
    let new = NewDomain::parse("push2.example.com", &["play2.example.com"]).expect("a domain");
    assert_eq!(code(stage.console.domains.create(&reviewer, new).await), "forbidden");
    let sources = stage.console.sources.list(&reviewer).await.expect("a list");
    assert!(sources.iter().all(|source| source.ingest_path.is_none()), "its path is a secret");
}

async fn an_operator_manages_no_accounts(database: Database) {
    let stage = stage(&database).await;
    let operator = actor(Role::Operator, None);
    assert_all(&stage.management(&operator).await, "forbidden");
    let outcomes = stage.changes(&operator).await;
    assert!(outcomes.iter().all(|(_, outcome)| *outcome != "forbidden"), "{outcomes:?}");
    assert_all(&stage.templates(&operator).await, "done");
    let made = stage.console.sources.create(&Actor::cli(), "nginx-rtmp", "edge", None).await.expect("created");
    assert!(made.view.ingest_path.is_some());
    let sources = stage.console.sources.list(&operator).await.expect("a list");
    assert!(sources.iter().all(|source| source.ingest_path.is_none()), "its path is a secret");
}

async fn a_limited_key_stays_at_home(database: Database) {
    let stage = stage(&database).await;
    let (home, stranger) = (actor(Role::Admin, Some(DOMAIN)), actor(Role::Admin, Some("other.example.com")));
    assert_all(&stage.reads(&home).await, "done");
    assert_eq!(stage.sees(&home).await, [1; 6]);
    assert_all(&stage.management(&home).await, "forbidden");
    assert_all(&stage.templates(&home).await, "forbidden");
    assert_all(&stage.reads(&stranger).await, "forbidden");
    assert_all(&stage.changes(&stranger).await, "forbidden");
    assert_eq!(stage.sees(&stranger).await, [0; 6]);
    let create = async |push: &str| {
        let new = NewDomain::parse(push, &["play2.example.com"]).expect("a domain");
        code(stage.console.domains.create(&stranger, new).await)
    };
    assert_eq!(create("push2.example.com").await, "forbidden");
    assert_eq!(create("other.example.com").await, "done");
}
