//! API keys, on both databases.

use std::sync::Arc;

use callsheet::model::{Actor, Problem, Role, SystemClock};

use crate::support::{Database, on_both_databases, use_cases};

on_both_databases!(a_key_acts_with_its_role_in_its_domains, bad_input_names_its_field);

const HOME: &str = "192.0.2.7";

async fn a_key_acts_with_its_role_in_its_domains(database: Database) {
    let (console, _data) = use_cases(&database, Arc::new(SystemClock)).await;
    let (keys, cli) = (&console.keys, Actor::cli());
    let domains = ["Push.Example.com".to_owned()];
    let key = keys.create(&cli, "ci", Role::Operator, &domains).await.expect("created");
    let actor = keys.token_actor(&key.token, HOME).await.expect("known");
    assert_eq!((actor.name().as_str(), actor.role), ("key ci", Role::Operator));
    assert_eq!(actor.domains, Some(vec!["push.example.com".to_owned()]));
    let all = keys.create(&cli, "ci", Role::Reviewer, &[]).await.expect("created");
    assert_eq!(keys.token_actor(&all.token, HOME).await.expect("known").domains, None);
    for token in ["", "cs_", &key.access_key, &key.secret_key] {
        let error = keys.token_actor(token, HOME).await.expect_err(token);
        assert_eq!(error.code(), "signed_out");
    }
}

async fn bad_input_names_its_field(database: Database) {
    let (console, _data) = use_cases(&database, Arc::new(SystemClock)).await;
    let (keys, cli) = (&console.keys, Actor::cli());
    let error = keys.create(&cli, " ", Role::Admin, &[]).await.expect_err("no name");
    assert_eq!((error.code(), error.field()), ("key_bad_name", Some("name")));
    let error = keys.create(&cli, "ci", Role::Admin, &["*.a.cn".to_owned()]).await.expect_err("a wildcard");
    assert_eq!((error.code(), error.field()), ("name_wildcard", Some("domain")));
}
