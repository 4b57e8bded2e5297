//! Domain groups.

use std::sync::Arc;

use callsheet::callbacks::CallbackSettings;
use callsheet::domains::{DomainError, DomainFilter, DomainView, NewDomain};
use callsheet::model::{Actor, CallbackKind, PageRequest, Problem, TestClock};
use callsheet::streams::{IngestSink, PushRequest};

use crate::support::{DOMAIN, Database, PLAY, on_both_databases, use_cases};

on_both_databases!(
    a_group_is_created_with_both_callbacks_off,
    each_wrong_name_is_told_with_its_field,
    a_name_belongs_to_one_group,
    only_a_disabled_group_is_deleted_and_its_names_are_free_again,
    a_disabled_group_takes_no_publish,
    the_list_is_searched_filtered_and_paged,
);

const NOW: i64 = 1_795_357_880_000;

fn clock() -> Arc<TestClock> {
    Arc::new(TestClock::at(NOW))
}

fn names(domains: &DomainView) -> Vec<&str> {
    domains.play.iter().map(|play| play.display.as_str()).collect()
}

async fn a_group_is_created_with_both_callbacks_off(database: Database) {
    let (console, _data) = use_cases(&database, clock()).await;
    let cli = Actor::cli();
    let new = NewDomain::parse(" Push.Example.COM. ", &["直播.example.cn", "", PLAY, PLAY]).expect("a domain");
    let created = console.domains.create(&cli, new).await.expect("created");
    assert_eq!((created.push.as_str(), created.enabled, created.created_at), (DOMAIN, true, NOW));
    assert_eq!(names(&created), ["直播.example.cn", PLAY]);
    assert!(created.play[0].name.starts_with("xn--"));
    assert_eq!(console.domains.get(&cli, "PUSH.example.com").await.expect("found"), created);
    for kind in CallbackKind::ALL {
        let callback = console.callbacks.get(&cli, DOMAIN, *kind).await.expect("a callback");
        assert_eq!(callback.settings, CallbackSettings::default());
    }
    assert!(!console.recordings.get(&cli, DOMAIN).await.expect("settings").enabled);
    let unknown = console.domains.get(&cli, "other.example.com").await.expect_err("unknown");
    assert_eq!(unknown.code(), "domain_unknown");
}

async fn each_wrong_name_is_told_with_its_field(database: Database) {
    let (console, _data) = use_cases(&database, clock()).await;
    let long = format!("{}.com", "a.".repeat(130));
    for (push, play, code, field) in [
        ("", vec![PLAY], "name_empty", "pushDomain"),
        ("*.example.com", vec![PLAY], "name_wildcard", "pushDomain"),
        ("rtmp://push.example.com/live", vec![PLAY], "name_not_a_host", "pushDomain"),
        ("10.0.0.1", vec![PLAY], "name_ip_address", "pushDomain"),
        ("localhost", vec![PLAY], "name_one_label", "pushDomain"),
        ("a_b.example.com", vec![PLAY], "name_bad_label", "pushDomain"),
        (long.as_str(), vec![PLAY], "name_too_long", "pushDomain"),
        (DOMAIN, vec![], "domain_no_play", "playDomains"),
        (DOMAIN, vec!["", " "], "domain_no_play", "playDomains"),
        (DOMAIN, vec![PLAY, "*.example.com"], "name_wildcard", "playDomains"),
        (DOMAIN, vec![PLAY, "PUSH.example.com"], "domain_same_name", "playDomains"),
    ] {
        let error = NewDomain::parse(push, &play).expect_err(push);
        assert_eq!((error.code(), error.field()), (code, Some(field)), "{push} {play:?}");
    }
    let all = console.domains.list(&Actor::cli(), DomainFilter::default(), PageRequest::of_console(1)).await;
    assert_eq!(all.expect("a list").total, 0);
}

async fn a_name_belongs_to_one_group(database: Database) {
    let (console, _data) = use_cases(&database, clock()).await;
    let cli = Actor::cli();
    let create = |push: &str, play: &str| {
        let new = NewDomain::parse(push, &[play]).expect("valid names");
        let (domains, cli) = (console.domains.clone(), cli.clone());
        async move { domains.create(&cli, new).await }
    };
    create(DOMAIN, PLAY).await.expect("created");
    for (push, play, name, field) in [
        ("Push.Example.com", "p2.example.com", DOMAIN, "pushDomain"),
        (PLAY, "p2.example.com", PLAY, "pushDomain"),
        ("push2.example.com", PLAY, PLAY, "playDomains"),
        ("push2.example.com", DOMAIN, DOMAIN, "playDomains"),
    ] {
        let error = create(push, play).await.expect_err("taken");
        assert_eq!((error.code(), error.field()), ("domain_taken", Some(field)), "{push} {play}");
        assert_eq!(error.details().args, [("name", name.to_owned())]);
    }
    // Of many who ask at once, one gets the name.
    let attempts = futures::future::join_all((0..8).map(|n| {
        create(
            "race.example.com",
            match n % 2 {
                0 => "even.example.com",
                _ => "odd.example.com",
            },
        )
    }));
    let outcomes = attempts.await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
    assert!(outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).all(|e| e.code() == "domain_taken"));
}

async fn only_a_disabled_group_is_deleted_and_its_names_are_free_again(database: Database) {
    let (console, _data) = use_cases(&database, clock()).await;
    let cli = Actor::cli();
    let domains = &console.domains;
    let new = || NewDomain::parse(DOMAIN, &[PLAY]).expect("a domain");
    let first = domains.create(&cli, new()).await.expect("created");

    let error = domains.delete(&cli, DOMAIN, DOMAIN).await.expect_err("enabled");
    assert!(matches!(error, DomainError::StillEnabled));
    assert!(!domains.set_enabled(&cli, DOMAIN, false).await.expect("disabled").enabled);
    let error = domains.delete(&cli, DOMAIN, "push.example").await.expect_err("not confirmed");
    assert_eq!((error.code(), error.field()), ("domain_not_confirmed", Some("confirm")));
    assert!(domains.set_enabled(&cli, DOMAIN, true).await.expect("enabled again").enabled);
    domains.set_enabled(&cli, DOMAIN, false).await.expect("disabled");
    domains.delete(&cli, DOMAIN, " Push.Example.com").await.expect("deleted");
    assert_eq!(domains.get(&cli, DOMAIN).await.expect_err("gone").code(), "domain_unknown");

    let second = domains.create(&cli, new()).await.expect("the names are free");
    assert_ne!(second.id, first.id, "a source id is given once");
}

async fn a_disabled_group_takes_no_publish(database: Database) {
    let (console, _data) = use_cases(&database, clock()).await;
    let cli = Actor::cli();
    console.domains.create(&cli, NewDomain::parse(DOMAIN, &[PLAY]).expect("a domain")).await.expect("created");
    let source = console.sources.built_in().await.expect("a source");
    let publish = |host: &str, app: &str, stream: &str| {
        let push = PushRequest {
            source,
            hosts: vec![host.to_owned()],
            app: app.to_owned(),
            stream: stream.to_owned(),
            client: Some("192.0.2.7".to_owned()),
            params: Vec::new(),
        };
        let streams = console.streams.clone();
        async move { streams.admit(push).await }
    };
    assert!(publish(DOMAIN, "live", "room_7").await.is_ok());
    console.domains.set_enabled(&cli, DOMAIN, false).await.expect("disabled");
    assert_eq!(publish(DOMAIN, "live", "room_7").await.expect_err("refused").code, "domain_disabled");
    console.domains.set_enabled(&cli, DOMAIN, true).await.expect("enabled");
    for (host, app, stream, code) in [
        ("other.example.com", "live", "room_7", "unknown_domain"),
        (PLAY, "live", "room_7", "unknown_domain"),
        (DOMAIN, "li ve", "room_7", "bad_app"),
        (DOMAIN, "live", "中", "bad_stream"),
    ] {
        assert_eq!(publish(host, app, stream).await.expect_err("refused").code, code);
    }
    let refused = console.sources.refusals(&cli).await.expect("a list");
    let codes: Vec<_> = refused.iter().map(|refusal| refusal.code.as_str()).collect();
    assert_eq!(codes, ["bad_stream", "bad_app", "unknown_domain", "unknown_domain", "domain_disabled"]);
    assert_eq!((refused[0].host.as_str(), refused[0].client.as_deref()), (DOMAIN, Some("192.0.2.7")));
}

async fn the_list_is_searched_filtered_and_paged(database: Database) {
    let (console, _data) = use_cases(&database, clock()).await;
    let cli = Actor::cli();
    for n in 1..=23 {
        let new = NewDomain::parse(&format!("p{n:02}.example.com"), &[format!("v{n:02}.example.com")]);
        console.domains.create(&cli, new.expect("a domain")).await.expect("created");
    }
    console.domains.set_enabled(&cli, "p03.example.com", false).await.expect("disabled");
    let list = |text: &str, enabled: Option<bool>, only: Option<Vec<String>>, number: i64| {
        let filter = DomainFilter { text: text.to_owned(), enabled, only: None };
        let actor = Actor { domains: only, ..Actor::cli() };
        let domains = console.domains.clone();
        async move {
            let page = domains.list(&actor, filter, PageRequest::of_console(number)).await.expect("a list");
            let rows: Vec<String> = page.rows.into_iter().map(|row| row.domain.push).collect();
            (rows, page.total)
        }
    };
    let (rows, total) = list("", None, None, 1).await;
    assert_eq!((rows.len(), rows[0].as_str(), total), (20, "p23.example.com", 23));
    let (rows, total) = list("", None, None, 2).await;
    assert_eq!((rows.join(" "), total), ("p03.example.com p02.example.com p01.example.com".to_owned(), 23));
    assert_eq!(list("", None, None, 3).await, (vec![], 23));
    for (text, enabled, expected) in [
        (" V1", None, 10),
        ("p03", None, 1),
        ("p03", Some(true), 0),
        ("", Some(false), 1),
        ("", Some(true), 22),
        ("%", None, 0),
        ("p0_", None, 0),
        ("nothing", None, 0),
    ] {
        assert_eq!(list(text, enabled, None, 1).await.1, expected, "{text:?} {enabled:?}");
    }
    let only = Some(vec!["p05.example.com".to_owned(), "p03.example.com".to_owned()]);
    assert_eq!(list("", None, only.clone(), 1).await.0, ["p05.example.com", "p03.example.com"]);
    assert_eq!(list("", Some(true), only, 1).await.1, 1);
}
