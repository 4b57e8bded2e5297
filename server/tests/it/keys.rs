//! API keys, on both databases.

use std::sync::Arc;

use callsheet::audit::AuditFilter;
use callsheet::keys::{KeyDraft, KeyView, Keys};
use callsheet::model::{Actor, KeyId, PageRequest, Problem, Role, SystemClock, TestClock};
use serde_json::json;

use crate::support::{Database, on_both_databases, use_cases, use_cases_in};

on_both_databases!(
    a_key_acts_with_its_role_in_its_domains,
    bad_input_names_its_field,
    a_name_means_one_key,
    a_key_opens_nothing_once_it_has_expired,
    new_secrets_end_those_before,
    a_revoked_key_is_gone,
    the_last_use_is_written_by_the_loop_alone,
    what_is_done_to_keys_is_audited_without_their_secrets,
);

const HOME: &str = "192.0.2.7";
/// 2026-11-22T14:31:20.000Z
const NOW: i64 = 1_795_357_880_000;
const DAY: i64 = 86_400_000;

async fn only(keys: &Keys) -> KeyView {
    let mut list = keys.list(&Actor::cli()).await.expect("a list");
    assert_eq!(list.len(), 1, "{list:?}");
    list.remove(0)
}

async fn a_key_acts_with_its_role_in_its_domains(database: Database) {
    let (console, _data) = use_cases(&database, Arc::new(SystemClock)).await;
    let (keys, cli) = (&console.keys, Actor::cli());
    let domains = ["Push.Example.com".to_owned(), "a.example".to_owned(), "push.example.com".to_owned()];
    let draft = KeyDraft { domains: Some(&domains), ..KeyDraft::new(" ci ", Role::Operator) };
    let key = keys.create(&cli, draft).await.expect("created");
    let actor = keys.token_actor(&key.token, HOME).await.expect("known");
    assert_eq!((actor.name().as_str(), actor.role), ("key ci", Role::Operator));
    assert_eq!(actor.domains, Some(vec!["a.example".to_owned(), "push.example.com".to_owned()]));
    let all = keys.create(&cli, KeyDraft::new("all", Role::Reviewer)).await.expect("created");
    assert_eq!(keys.token_actor(&all.token, HOME).await.expect("known").domains, None);
    for token in ["", "cs_", &key.access_key, &key.secret_key] {
        let error = keys.token_actor(token, HOME).await.expect_err(token);
        assert_eq!(error.code(), "signed_out");
    }
}

async fn bad_input_names_its_field(database: Database) {
    let (console, _data) = use_cases(&database, Arc::new(TestClock::at(NOW))).await;
    let long = "a".repeat(51);
    let (wildcard, none) = (["*.a.cn".to_owned()], []);
    let draft = KeyDraft::new("ci", Role::Admin);
    for (draft, code, field) in [
        (KeyDraft { name: " ", ..draft }, "key_bad_name", "name"),
        (KeyDraft { name: &long, ..draft }, "key_bad_name", "name"),
        (KeyDraft { name: "a\nb", ..draft }, "key_bad_name", "name"),
        (KeyDraft { domains: Some(&wildcard), ..draft }, "name_wildcard", "domains"),
        (KeyDraft { domains: Some(&none), ..draft }, "key_no_domains", "domains"),
        (KeyDraft { expires_at: Some(NOW), ..draft }, "key_bad_expiry", "expiresAt"),
        (KeyDraft { expires_at: Some(NOW + 3_660 * DAY), ..draft }, "key_bad_expiry", "expiresAt"),
    ] {
        let error = console.keys.create(&Actor::cli(), draft).await.expect_err(code);
        assert_eq!((error.code(), error.field()), (code, Some(field)));
    }
    assert_eq!(console.keys.list(&Actor::cli()).await.expect("a list"), []);
}

async fn a_name_means_one_key(database: Database) {
    let (console, _data) = use_cases(&database, Arc::new(SystemClock)).await;
    let (keys, cli) = (&console.keys, Actor::cli());
    let first = keys.create(&cli, KeyDraft::new("ci", Role::Admin)).await.expect("created");
    let error = keys.create(&cli, KeyDraft::new("ci", Role::Reviewer)).await.expect_err("taken");
    assert_eq!((error.code(), error.field()), ("key_taken", Some("name")));
    assert_eq!(keys.named(&cli, "ci").await.expect("found").id, first.id);
    keys.revoke(&cli, first.id).await.expect("revoked");
    keys.create(&cli, KeyDraft::new("ci", Role::Reviewer)).await.expect("the name is free again");
}

async fn a_key_opens_nothing_once_it_has_expired(database: Database) {
    let clock = Arc::new(TestClock::at(NOW));
    let (console, _data) = use_cases(&database, clock.clone()).await;
    let (keys, cli) = (&console.keys, Actor::cli());
    let draft = KeyDraft { expires_at: Some(NOW + DAY), ..KeyDraft::new("ci", Role::Admin) };
    let key = keys.create(&cli, draft).await.expect("created");
    clock.advance(DAY - 1);
    keys.token_actor(&key.token, HOME).await.expect("still open");
    assert!(!only(keys).await.expired);
    clock.advance(1);
    assert_eq!(keys.token_actor(&key.token, HOME).await.expect_err("expired").code(), "key_expired");
    let shown = only(keys).await;
    assert_eq!((shown.expired, shown.last_used_at), (true, Some(NOW + DAY - 1)));
    assert_eq!(keys.rotate(&cli, key.id).await.expect_err("expired").code(), "key_has_expired");
    keys.revoke(&cli, key.id).await.expect("revoked");
}

async fn new_secrets_end_those_before(database: Database) {
    let (console, _data) = use_cases(&database, Arc::new(SystemClock)).await;
    let (keys, cli) = (&console.keys, Actor::cli());
    let old = keys.create(&cli, KeyDraft::new("ci", Role::Operator)).await.expect("created");
    let new = keys.rotate(&cli, old.id).await.expect("rotated");
    assert_eq!((new.id, &new.access_key), (old.id, &old.access_key));
    assert!(new.token != old.token && new.secret_key != old.secret_key);
    assert_eq!(keys.token_actor(&old.token, HOME).await.expect_err("void").code(), "signed_out");
    let actor = keys.token_actor(&new.token, HOME).await.expect("known");
    assert_eq!((actor.name().as_str(), actor.role), ("key ci", Role::Operator));
}

async fn a_revoked_key_is_gone(database: Database) {
    let (console, _data) = use_cases(&database, Arc::new(SystemClock)).await;
    let (keys, cli) = (&console.keys, Actor::cli());
    let key = keys.create(&cli, KeyDraft::new("ci", Role::Operator)).await.expect("created");
    assert_eq!(keys.revoke(&cli, key.id).await.expect("revoked").name, "ci");
    assert_eq!(keys.token_actor(&key.token, HOME).await.expect_err("gone").code(), "signed_out");
    for id in [key.id, KeyId(9_999)] {
        assert_eq!(keys.get(&cli, id).await.expect_err("gone").code(), "key_unknown");
        assert_eq!(keys.rotate(&cli, id).await.expect_err("gone").code(), "key_unknown");
        assert_eq!(keys.revoke(&cli, id).await.expect_err("gone").code(), "key_unknown");
    }
    assert_eq!(keys.named(&cli, "ci").await.expect_err("gone").code(), "key_unknown");
}

async fn the_last_use_is_written_by_the_loop_alone(database: Database) {
    let clock = Arc::new(TestClock::at(NOW));
    let (console, data) = use_cases(&database, clock.clone()).await;
    // Another process on the same data knows what is written, and no more.
    let other = use_cases_in(&database, clock.clone(), data.path()).await;
    let key = console.keys.create(&Actor::cli(), KeyDraft::new("ci", Role::Operator)).await.expect("created");
    console.keys.token_actor(&key.token, HOME).await.expect("known");
    clock.advance(1_000);
    console.keys.token_actor(&key.token, HOME).await.expect("known");
    assert_eq!(only(&console.keys).await.last_used_at, Some(NOW + 1_000));
    assert_eq!(only(&other.keys).await.last_used_at, None);
    console.keys.write_uses().await.expect("written");
    assert_eq!(only(&other.keys).await.last_used_at, Some(NOW + 1_000));
    other.keys.token_actor(&key.token, HOME).await.expect("known");
    clock.advance(5_000);
    console.keys.token_actor(&key.token, HOME).await.expect("known");
    console.keys.write_uses().await.expect("written");
    other.keys.write_uses().await.expect("written");
    assert_eq!(only(&other.keys).await.last_used_at, Some(NOW + 6_000), "the later use stands");
}

async fn what_is_done_to_keys_is_audited_without_their_secrets(database: Database) {
    let (console, _data) = use_cases(&database, Arc::new(TestClock::at(NOW))).await;
    let (keys, cli) = (&console.keys, Actor::cli());
    let domains = ["push.example.com".to_owned()];
    let terms =
        KeyDraft { domains: Some(&domains), expires_at: Some(NOW + DAY), ..KeyDraft::new("ci", Role::Operator) };
    let old = keys.create(&cli, terms).await.expect("created");
    let new = keys.rotate(&cli, old.id).await.expect("rotated");
    keys.revoke(&cli, old.id).await.expect("revoked");
    let log = console.audit.list(&cli, &AuditFilter::default(), PageRequest::of_console(1)).await.expect("the log");
    let actions: Vec<_> = log.rows.iter().map(|row| (row.action.as_str(), row.target.as_str())).collect();
    assert_eq!(actions, [("key.revoke", "ci"), ("key.rotate", "ci"), ("key.create", "ci")]);
    let terms = json!({
        "role": "operator",
        "domains": ["push.example.com"],
        "accessKey": old.access_key,
        "expiresAt": "2026-11-23T14:31:20.000Z",
    });
    assert_eq!(log.rows[0].detail, json!({ "before": terms }));
    let (before, after) = (&log.rows[1].detail["before"]["token"], &log.rows[1].detail["after"]["token"]);
    assert_eq!(before, &log.rows[2].detail["after"]["token"]);
    assert!(before != after && after.as_str().is_some_and(|print| print.len() == 8), "{after}");
    let text = format!("{:?}", log.rows);
    for secret in [&old.token, &old.secret_key, &new.token, &new.secret_key] {
        assert!(!text.contains(secret.as_str()), "{text}");
    }
}
