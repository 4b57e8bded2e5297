//! Valid and invalid certificates.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;
use rcgen::{CertificateParams, DnType, Issuer, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use super::receiver::{Answers, OK, Receiver};
use super::{SHORT, Table, address, assert_failed, detail, outbound, phases, policy, post};
use crate::outbound::Phase::{Address, Body, Connect, Dns, Policy, Request, Status, Tls};
use crate::outbound::{Exchange, Outbound};

const NAME: &str = "receiver.test";

/// A certificate authority.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
}

impl Authority {
    fn new() -> Self {
        Self::named("Test authority")
    }

    fn named(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("a certificate").into();
        Self { issuer: Issuer::new(params, key), certificate }
    }

    /// Creates a receiver's TLS with a certificate for `name` that is valid in the given years.
    fn acceptor(&self, name: &str, years: (i32, i32)) -> TlsAcceptor {
        let key = KeyPair::generate().expect("a key");
        let certificate = params(name, years).signed_by(&key, &self.issuer).expect("a certificate");
        acceptor(certificate.into(), &key)
    }

    fn client(&self) -> Outbound {
        let table = Table::default().with(NAME, &[&["127.0.0.1"]]);
        outbound(policy(&["127.0.0.1/32"]), table, vec![self.certificate.clone()])
    }
}

fn params(name: &str, (from, to): (i32, i32)) -> CertificateParams {
    let mut params = CertificateParams::new(vec![name.to_owned()]).expect("parameters");
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(from, 1, 1);
    params.not_after = date_time_ymd(to, 1, 1);
    params
}

fn acceptor(certificate: CertificateDer<'static>, key: &KeyPair) -> TlsAcceptor {
    let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .expect("a server");
    TlsAcceptor::from(Arc::new(config))
}

/// Posts to a receiver with this TLS.
async fn exchange_with(client: &Outbound, tls: TlsAcceptor) -> Exchange {
    let receiver = Receiver::start_tls(Answers::With(OK.into()), tls).await;
    post(client, &address(format!("https://{NAME}:{}/", receiver.port))).await
}

#[tokio::test]
async fn a_trusted_certificate_is_described() {
    let authority = Authority::new();
    let exchange = exchange_with(&authority.client(), authority.acceptor(NAME, (2020, 2099))).await;
    assert!(exchange.succeeded(), "{exchange:?}");
    assert_eq!(
        phases(&exchange),
        [Address, Dns, Policy, Connect, Tls, Request, Status, Body].map(|phase| (phase, true))
    );
    assert_eq!(detail(&exchange, Tls), "TLSv1_3, certificate CN=receiver.test, expires 2099-01-01");
}

#[tokio::test]
async fn a_certificate_without_subject_is_described_by_its_name() {
    let authority = Authority::new();
    let key = KeyPair::generate().expect("a key");
    let mut params = params(NAME, (2020, 2099));
    params.distinguished_name = rcgen::DistinguishedName::new();
    let certificate = params.signed_by(&key, &authority.issuer).expect("a certificate");
    let exchange = exchange_with(&authority.client(), acceptor(certificate.into(), &key)).await;
    assert_eq!(detail(&exchange, Tls), "TLSv1_3, certificate receiver.test, expires 2099-01-01");
}

#[tokio::test]
async fn a_tls_connection_is_kept() {
    let authority = Authority::new();
    let tls = authority.acceptor(NAME, (2020, 2099));
    let receiver = Receiver::start_tls(Answers::With(OK.into()), tls).await;
    let (client, to) = (authority.client(), address(format!("https://{NAME}:{}/", receiver.port)));
    assert!(post(&client, &to).await.succeeded());
    assert!(post(&client, &to).await.succeeded());
    assert_eq!(receiver.connections(), 1);
}

#[tokio::test]
async fn an_expired_certificate_fails() {
    let authority = Authority::new();
    let exchange = exchange_with(&authority.client(), authority.acceptor(NAME, (2020, 2021))).await;
    assert_failed(&exchange, "tls", Tls, "tls_expired");
}

#[tokio::test]
async fn a_certificate_of_the_future_fails() {
    let authority = Authority::new();
    let exchange = exchange_with(&authority.client(), authority.acceptor(NAME, (2098, 2099))).await;
    assert_failed(&exchange, "tls", Tls, "tls_not_valid_yet");
}

#[tokio::test]
async fn a_certificate_for_another_name_fails() {
    let authority = Authority::new();
    let tls = authority.acceptor("another.test", (2020, 2099));
    let exchange = exchange_with(&authority.client(), tls).await;
    assert_failed(&exchange, "tls", Tls, "tls_name_mismatch");
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_fails() {
    let tls = Authority::named("Somebody else").acceptor(NAME, (2020, 2099));
    let exchange = exchange_with(&Authority::new().client(), tls).await;
    assert_failed(&exchange, "tls", Tls, "tls_unknown_issuer");
}

#[tokio::test]
async fn a_self_signed_certificate_fails() {
    let key = KeyPair::generate().expect("a key");
    let certificate = params(NAME, (2020, 2099)).self_signed(&key).expect("a certificate");
    let exchange = exchange_with(&Authority::new().client(), acceptor(certificate.into(), &key)).await;
    assert_failed(&exchange, "tls", Tls, "tls_unknown_issuer");
}

#[tokio::test]
async fn a_receiver_without_tls_fails() {
    let banner = b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec();
    let receiver = Receiver::start(Answers::Greets(banner)).await;
    let to = address(format!("https://{NAME}:{}/", receiver.port));
    let exchange = post(&Authority::new().client(), &to).await;
    assert_failed(&exchange, "tls", Tls, "tls_not_spoken");
}

#[tokio::test]
async fn a_handshake_that_never_ends_times_out() {
    let receiver = Receiver::start(Answers::With(OK.into())).await;
    let to = address(format!("https://{NAME}:{}/", receiver.port));
    let exchange = Authority::new().client().post(&to, HeaderMap::new(), Bytes::from_static(b"{}"), SHORT).await;
    assert_failed(&exchange, "tls", Tls, "tls_timeout");
}

#[tokio::test]
async fn a_handshake_message_without_end_is_broken_off() {
    // A ServerHello that claims 16 MiB, in records of maximum size.
    let mut records = vec![22, 3, 3, 0x40, 0, 2, 0xff, 0xff, 0xff];
    records.resize(5 + 0x4000, 0);
    for _ in 0..100 {
        records.extend([22, 3, 3, 0x40, 0]);
        records.resize(records.len() + 0x4000, 0);
    }
    let receiver = Receiver::start(Answers::Greets(records)).await;
    let to = address(format!("https://{NAME}:{}/", receiver.port));
    let exchange = post(&Authority::new().client(), &to).await;
    let failure = exchange.failure.expect("a failure");
    assert_eq!((failure.class.as_str(), failure.phase), ("tls", Tls), "{failure:?}");
}
