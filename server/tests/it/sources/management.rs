//! Media servers: adding and removing them.

use std::sync::Arc;

use callsheet::model::{Actor, Problem, SourceId, SystemClock};
use callsheet::sources::Adapter;

use crate::support::{Database, on_both_databases, use_cases};

on_both_databases!(each_wrong_field_is_told, a_removed_source_may_not_report);

async fn each_wrong_field_is_told(database: Database) {
    let (console, _data) = use_cases(&database, Arc::new(SystemClock)).await;
    let (sources, cli) = (&console.sources, Actor::cli());
    sources.create(&cli, "generic", " edge ", Some("")).await.expect("created");
    let long = "a".repeat(51);
    for (adapter, name, domain, code, field) in [
        ("wowza", "a", None, "source_bad_adapter", "adapter"),
        ("built-in", "a", None, "source_bad_adapter", "adapter"),
        ("generic", " ", None, "source_bad_name", "name"),
        ("generic", long.as_str(), None, "source_bad_name", "name"),
        ("nginx-rtmp", "edge", None, "source_taken", "name"),
        ("nginx-rtmp", "b", Some("*.example.com"), "name_wildcard", "defaultDomain"),
    ] {
        let error = sources.create(&cli, adapter, name, domain).await.err().expect(code);
        assert_eq!((error.code(), error.field()), (code, Some(field)));
    }
    assert_eq!(sources.list(&cli).await.expect("a list").len(), 1);
}

async fn a_removed_source_may_not_report(database: Database) {
    let (console, _data) = use_cases(&database, Arc::new(SystemClock)).await;
    let (sources, cli) = (&console.sources, Actor::cli());
    let built_in = sources.built_in().await.expect("a source");
    assert_eq!(sources.built_in().await.expect("a source"), built_in, "it is made once");
    let created = sources.create(&cli, "nginx-rtmp", "edge", Some("Push.Example.com")).await.expect("created").view;
    assert_eq!(created.default_domain.as_deref(), Some("push.example.com"));
    let path = created.ingest_path.clone().expect("a path");
    let secret = path.rsplit('/').next().expect("a secret");
    let listed = sources.list(&cli).await.expect("a list");
    assert_eq!(listed.iter().map(|source| source.adapter).collect::<Vec<_>>(), [Adapter::BuiltIn, Adapter::NginxRtmp]);
    assert_eq!(listed[1].ingest_path, created.ingest_path);

    assert_eq!(sources.by_url("nginx-rtmp", secret).await.expect("known").id, created.id);
    assert!(sources.list(&cli).await.expect("a list")[1].last_seen_at.is_some());
    sources.delete(&cli, created.id).await.expect("removed");
    assert_eq!(sources.by_url("nginx-rtmp", secret).await.expect_err("gone").code(), "source_unknown");
    for (id, code) in
        [(created.id, "source_unknown"), (SourceId(9_999), "source_unknown"), (built_in, "source_built_in")]
    {
        assert_eq!(sources.delete(&cli, id).await.expect_err(code).code(), code);
    }
}
