//! Who may see and do what.

use callsheet::domains::{DomainError, NewDomain};
use callsheet::model::{Actor, Role};
use callsheet::stats::{Metric, StatsError, TimeRange, TranscodingQuery, UsageQuery, VodDomain};

use super::stage::{Stage, row, step};
use crate::support::{DOMAIN, Database, PLAY, on_both_databases};

on_both_databases!(
    a_limited_key_sees_its_domains_alone,
    reviewers_bring_nothing_in,
    vod_domains_come_and_go,
    names_belong_to_one_domain,
);

const VOD: &str = "vod.example.com";

fn limited(domains: &[&str]) -> Actor {
    Actor { domains: Some(domains.iter().map(|name| (*name).to_owned()).collect()), ..Actor::cli() }
}

fn reviewer() -> Actor {
    Actor { role: Role::Reviewer, ..Actor::cli() }
}

async fn a_limited_key_sees_its_domains_alone(database: Database) {
    let mut stage = Stage::set(database, "UTC").await;
    stage.add_domain().await;
    let other = NewDomain::parse("push.example.net", &["play.example.net"]).expect("a domain");
    stage.console.domains.create(&Actor::cli(), other).await.expect("created");
    stage.console.stats.add_vod_domain(&Actor::cli(), VOD, "films").await.expect("added");
    let day = stage.days("2026-05-05", "2026-05-05");
    let gone = "gone.example.com";
    stage
        .serve(&[
            (PLAY, day.from, 1),
            ("play.example.net", day.from, 20),
            (VOD, day.from, 300),
            (gone, day.from, 4_000),
        ])
        .await;
    let stats = &stage.console.stats;
    let ask = async |actor: &Actor, domains: &[&str]| {
        let domains = domains.iter().map(|name| (*name).to_owned()).collect();
        stats
            .usage(
                actor,
                UsageQuery { metric: Metric::Traffic, domains, range: day, granularity: None, compare: false },
            )
            .await
    };
    for (actor, traffic, names) in [
        (Actor::cli(), 4_321, &[gone, PLAY, "play.example.net", VOD][..]),
        (limited(&[DOMAIN]), 1, &[PLAY]),
        (limited(&[DOMAIN, VOD]), 301, &[PLAY, VOD]),
        (limited(&["push.example.org"]), 0, &[]),
    ] {
        let view = ask(&actor, &[]).await.expect("usage");
        assert_eq!(view.cards.traffic.now, traffic);
        assert_eq!(view.bins.iter().map(|point| point.value).sum::<i64>(), traffic);
        assert_eq!(view.top.iter().map(|top| top.traffic).sum::<i64>(), traffic);
        assert_eq!(stats.domain_names(&actor, "", 10).await.expect("names"), names);
        assert_eq!((view.cards.storage.now, view.cards.files.now), (0, 0));
    }
    let key = limited(&[DOMAIN]);
    for hidden in ["play.example.net", VOD, gone, "nobody.example.com"] {
        assert!(matches!(ask(&key, &[PLAY, hidden]).await, Err(StatsError::Forbidden(_))), "{hidden}");
        let query = TranscodingQuery { domains: vec![hidden.to_owned()], range: day, codec: None, resolution: None };
        assert!(matches!(stats.transcoding(&key, query).await, Err(StatsError::Forbidden(_))), "{hidden}");
    }
    assert!(matches!(stats.list_imports(&key, 9).await, Err(StatsError::Forbidden(_))));
    assert_eq!(stats.vod_domains(&key).await.expect("seen"), []);
}

async fn reviewers_bring_nothing_in(database: Database) {
    let stage = Stage::set(database, "UTC").await;
    let stats = &stage.console.stats;
    let day = stage.days("2026-05-05", "2026-05-05");
    for actor in [reviewer(), limited(&[DOMAIN])] {
        let refused = |result: Result<(), StatsError>| assert!(matches!(result, Err(StatsError::Forbidden(_))));
        refused(stats.add_usage(&actor, &[row(PLAY, day.from, 1)], &step(None, 0, 1, [1; 32])).await.map(drop));
        refused(stats.imports_by_head(&actor, &[[1; 32]]).await.map(drop));
        refused(stats.add_transcode_outputs(&actor, Vec::new()).await.map(drop));
        refused(stats.add_vod_domain(&actor, VOD, "films").await.map(drop));
        refused(stats.remove_vod_domain(&actor, VOD).await);
    }
    let query =
        UsageQuery { metric: Metric::Traffic, domains: Vec::new(), range: day, granularity: None, compare: false };
    assert_eq!(stats.usage(&reviewer(), query).await.expect("usage").cards.traffic.now, 0);
}

async fn vod_domains_come_and_go(database: Database) {
    let mut stage = Stage::set(database, "UTC").await;
    let cli = Actor::cli();
    let stats = stage.console.stats.clone();
    for (name, path, code) in [
        ("localhost", "films", "name_one_label"),
        (VOD, "", "vod_domain_bad_path"),
        (VOD, "films/../secret", "vod_domain_bad_path"),
        (VOD, "*/films", "vod_domain_bad_path"),
    ] {
        let refused = stats.add_vod_domain(&cli, name, path).await.expect_err(path);
        assert_eq!(callsheet::model::Problem::code(&refused), code);
    }
    let added = stats.add_vod_domain(&cli, " VOD.example.com ", "films/public/").await.expect("added");
    assert_eq!((added.name.as_str(), added.path.as_str()), (VOD, "films/public"));
    assert_eq!(stats.vod_domains(&reviewer()).await.expect("list"), [added]);
    assert!(stats.known_hosts().await.expect("hosts").contains(VOD));
    let day = stage.days("2026-05-05", "2026-05-05");
    stage.serve(&[(VOD, day.from, 9)]).await;
    stats.remove_vod_domain(&cli, VOD).await.expect("removed");
    assert!(matches!(stats.remove_vod_domain(&cli, VOD).await, Err(StatsError::UnknownVodDomain(_))));
    assert_eq!(stats.vod_domains(&cli).await.expect("list"), [] as [VodDomain; 0]);
    let view = stage.usage(Metric::Traffic, &[VOD], TimeRange { from: day.from, to: day.to }, None).await;
    assert_eq!(view.cards.traffic.now, 9, "its figures stay");
    assert_eq!(stats.domain_names(&cli, "", 10).await.expect("names"), [VOD]);
}

async fn names_belong_to_one_domain(database: Database) {
    let stage = Stage::set(database, "UTC").await;
    stage.add_domain().await;
    let (stats, cli) = (&stage.console.stats, Actor::cli());
    stats.add_vod_domain(&cli, VOD, "films").await.expect("added");
    for name in [DOMAIN, PLAY, VOD] {
        assert!(matches!(stats.add_vod_domain(&cli, name, "films").await, Err(StatsError::Taken(_))), "{name}");
    }
    let group = NewDomain::parse("push.example.net", &[VOD]).expect("a domain");
    let refused = stage.console.domains.create(&cli, group).await;
    assert!(matches!(refused, Err(DomainError::Taken { push: false, .. })), "{refused:?}");
}
