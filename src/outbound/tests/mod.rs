//! Tests of the client with receivers on the loopback network, which their policy allows.

mod addresses;
mod connections;
mod misbehaviour;
mod odd_answers;
mod phases;
mod properties;
mod receiver;
mod signing;
mod tls;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::HeaderMap;
use rustls::pki_types::CertificateDer;

use super::{AddressPolicy, CallbackAddress, DnsError, Exchange, Outbound, OutboundConfig, Phase, Resolve};

/// Long enough not to expire unintentionally.
const LONG: Duration = Duration::from_secs(30);

/// For exchanges that should time out.
const SHORT: Duration = Duration::from_secs(1);

/// Names with their successive DNS answers; the last one is repeated.
#[derive(Default)]
struct Table(Mutex<HashMap<&'static str, Vec<Vec<IpAddr>>>>);

impl Table {
    fn with(self, name: &'static str, answers: &[&[&str]]) -> Self {
        let answers = answers
            .iter()
            .map(|answer| answer.iter().map(|text| text.parse().expect("an IP address")).collect())
            .collect();
        self.0.lock().expect("table").insert(name, answers);
        self
    }
}

#[async_trait]
impl Resolve for Table {
    async fn resolve(&self, host: &str) -> Result<Vec<IpAddr>, DnsError> {
        let mut names = self.0.lock().expect("table");
        let answers = names.get_mut(host).ok_or(DnsError::NotFound)?;
        if answers.len() > 1 { Ok(answers.remove(0)) } else { answers.first().cloned().ok_or(DnsError::NoAddress) }
    }
}

fn policy(allowed: &[&str]) -> AddressPolicy {
    AddressPolicy::new(allowed.iter().map(|net| net.parse().expect("a network")).collect())
}

fn outbound(policy: AddressPolicy, table: Table, extra_roots: Vec<CertificateDer<'static>>) -> Outbound {
    let resolver = Arc::new(table);
    Outbound::new(policy, OutboundConfig { resolver, extra_roots }).expect("a client")
}

/// Creates a client that may reach 127.0.0.1, also as `receiver.test`.
fn local() -> Outbound {
    let table = Table::default().with("receiver.test", &[&["127.0.0.1"]]);
    outbound(policy(&["127.0.0.1/32"]), table, Vec::new())
}

fn address(text: impl AsRef<str>) -> CallbackAddress {
    CallbackAddress::parse(text.as_ref()).expect("an address")
}

async fn post(client: &Outbound, address: &CallbackAddress) -> Exchange {
    client.post(address, HeaderMap::new(), Bytes::from_static(b"{}"), LONG).await
}

fn phases(exchange: &Exchange) -> Vec<(Phase, bool)> {
    exchange.phases.iter().map(|report| (report.phase, report.ok)).collect()
}

fn detail(exchange: &Exchange, phase: Phase) -> &str {
    let report = exchange.phases.iter().find(|report| report.phase == phase);
    &report.expect("the phase was entered").detail
}

/// Asserts that the exchange failed in this way, as its last phase reports.
fn assert_failed(exchange: &Exchange, class: &str, phase: Phase, code: &str) {
    let failure = exchange.failure.as_ref().expect("a failure");
    assert_eq!((failure.class.as_str(), failure.phase, failure.code), (class, phase, code), "{failure:?}");
    let last = exchange.phases.last().expect("a phase");
    assert_eq!((last.phase, last.ok), (phase, false), "{:?}", exchange.phases);
    assert_eq!(last.detail, failure.detail);
    assert!(exchange.phases.iter().rev().skip(1).all(|report| report.ok));
    assert!(!exchange.succeeded());
}

/// Asserts that the event was accepted although the response broke after its status line, and that the last phase has the reason.
fn assert_taken_with_note(exchange: &Exchange, why: &str) {
    assert!(exchange.succeeded(), "{exchange:?}");
    let last = exchange.phases.last().expect("a phase");
    assert_eq!((last.phase, last.ok), (Phase::Body, false), "{:?}", exchange.phases);
    assert!(last.detail.contains(why), "{}, not {why}", last.detail);
    assert!(exchange.phases.iter().rev().skip(1).all(|report| report.ok));
}
