//! Properties of all addresses, DNS answers and signatures.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use http::{HeaderMap, HeaderValue};
use proptest::collection::vec;
use proptest::prelude::*;

use super::receiver::{Answers, OK, Receiver};
use super::{address, policy};
use crate::model::{Clock, SystemClock};
use crate::outbound::{
    AddressError, AddressPolicy, CallbackAddress, DnsError, Outbound, OutboundConfig, Resolve, SigningSecret, sign,
};

/// Text that resembles an address.
fn address_like() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "(https?|HTTP|ftp)?:?/{0,3}[^ ]{0,30}",
        r"https?://([a-z0-9.%\[\]:@\\_-]|[０-９。①-⑨ａ-ｚßſ\x{ad}]){0,20}(:[0-9]{0,6})?(/\PC{0,20})?(\?\PC{0,20})?(#\PC{0,9})?",
        r"https?://[a-z]{1,9}\.(com|test)(:[1-9][0-9]{3})?/[!-~]{0,30}",
        r"http://(0x)?[0-9a-f]{1,10}(\.(0x?)?[0-9a-f]{0,12}){0,4}\.?/",
        r"http://\[[0-9a-f:.%]{0,40}\]/",
    ]
}

/// A part of an IPv4 address as a number of any base, with leading zeros.
fn number(value: u32) -> impl Strategy<Value = String> {
    (0..3_u8, 0..3_usize).prop_map(move |(base, zeros)| {
        let zeros = "0".repeat(zeros);
        match base {
            0 => format!("{value}"),
            1 => format!("0{zeros}{value:o}"),
            _ => format!("0x{zeros}{value:x}"),
        }
    })
}

/// An IPv4 host in any form that browsers accept.
fn notation(ip: Ipv4Addr) -> impl Strategy<Value = String> {
    let [a, b, c, d] = ip.octets().map(u32::from);
    let parts = prop_oneof![
        Just(vec![a, b, c, d]),
        Just(vec![a, b, c << 8 | d]),
        Just(vec![a, b << 16 | c << 8 | d]),
        Just(vec![u32::from(ip)]),
    ];
    let plain = parts.prop_flat_map(|parts| parts.into_iter().map(number).collect::<Vec<_>>());
    (plain, any::<bool>(), 0..4_u8).prop_map(|(parts, dot, disguise)| {
        let text = parts.join(".") + if dot { "." } else { "" };
        match disguise {
            0 => text.chars().map(|c| if c == '.' { '。' } else { c }).collect(),
            1 => text.chars().map(|c| char::from_u32(u32::from(c) + 0xfee0).unwrap_or(c)).collect(),
            2 => text.bytes().map(|b| format!("%{b:02x}")).collect(),
            _ => text,
        }
    })
}

/// IPv6 addresses that lead to `ip`, directly or through a public address.
fn wrapped(ip: Ipv4Addr) -> Vec<Ipv6Addr> {
    let [a, b, c, d] = ip.octets();
    let (high, low) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
    vec![
        ip.to_ipv6_mapped(),
        Ipv6Addr::new(0, 0, 0, 0, 0, 0, high, low),
        Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
        Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, high, low),
        Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1),
        Ipv6Addr::new(0x2002, 0x808, 0x808, 0, 0, 0x5efe, high, low),
        Ipv6Addr::new(0x2001, 0, high, low, 0, 0, !0x808, !0x808),
        Ipv6Addr::new(0x2001, 0, 0x808, 0x808, 0, 0, !high, !low),
        Ipv6Addr::new(0x2606, 0x4700, 0, 0, 0, 0x5efe, high, low),
        Ipv6Addr::new(0x2606, 0x4700, 0, 0, 0x200, 0x5efe, high, low),
    ]
}

/// Blocked addresses known to the standard library; the policy blocks more.
fn is_closed(ip: Ipv4Addr) -> bool {
    ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_broadcast()
        || ip.is_documentation()
        || ip.is_multicast()
        || ip.is_unspecified()
}

/// Any IPv4 address; half of them are blocked.
fn ipv4() -> impl Strategy<Value = Ipv4Addr> {
    let first = prop_oneof![Just(10), Just(100), Just(127), Just(169), Just(172), Just(192), Just(198), any::<u8>()];
    let second = prop_oneof![Just(0), Just(16), Just(64), Just(168), Just(254), any::<u8>()];
    (first, second, any::<[u8; 2]>()).prop_map(|(a, b, [c, d])| Ipv4Addr::new(a, b, c, d))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn what_parses_is_plain_and_reads_back_the_same(text in address_like()) {
        let Ok(parsed) = CallbackAddress::parse(&text) else { return Ok(()) };
        let normal = parsed.as_str();
        prop_assert!(normal.is_ascii() && normal.len() <= 2_048 && !normal.contains(['#', ' ']), "{normal}");
        // Browsers read `\` as `/`, and some servers do: before the query there is none.
        prop_assert!(!normal.split('?').next().expect("a part").contains('\\'), "{normal}");
        let scheme = if parsed.is_https() { "https" } else { "http" };
        let port = if parsed.port() == if parsed.is_https() { 443 } else { 80 } { String::new() } else { format!(":{}", parsed.port()) };
        // Only these parts: no user, no second host.
        prop_assert_eq!(format!("{scheme}://{}{port}{}", parsed.host(), parsed.target()), normal);
        prop_assert_eq!(parsed.authority(), &format!("{}{port}", parsed.host()));

        let again = CallbackAddress::parse(normal).expect("the normal form is an address");
        prop_assert_eq!(again.as_str(), normal);
        prop_assert_eq!((again.host(), again.port(), again.ip()), (parsed.host(), parsed.port(), parsed.ip()));
        prop_assert_eq!((again.origin(), again.target()), (parsed.origin(), parsed.target()));
    }

    /// The checked address is the one in the text, and a name cannot be mistaken for an address.
    #[test]
    fn a_host_is_a_checked_address_or_a_name(text in address_like()) {
        let Ok(parsed) = CallbackAddress::parse(&text) else { return Ok(()) };
        let host = parsed.host().trim_start_matches('[').trim_end_matches(']');
        prop_assert_eq!(host.trim_end_matches('.').parse::<IpAddr>().ok(), parsed.ip());
        if parsed.ip().is_none() {
            let last = host.trim_end_matches('.').rsplit('.').next().expect("a label");
            let is_number = match last.strip_prefix("0x") {
                Some(hex) => hex.bytes().all(|b| b.is_ascii_hexdigit()),
                None => last.bytes().all(|b| b.is_ascii_digit()),
            };
            prop_assert!(!is_number, "{host}");
        }
    }

    /// Each refusal has a specific reason, not just "cannot be read".
    #[test]
    fn what_is_refused_has_a_reason(text in address_like()) {
        if let Err(error) = CallbackAddress::parse(&text) {
            prop_assert_ne!(error, AddressError::Unreadable);
        }
    }

    #[test]
    fn every_notation_of_an_address_is_the_same_address((ip, host) in ipv4().prop_flat_map(|ip| (Just(ip), notation(ip)))) {
        let parsed = CallbackAddress::parse(&format!("http://{host}/"));
        let plain = address(format!("http://{ip}/"));
        prop_assert_eq!(parsed.as_ref(), Ok(&plain), "{}", host);
        prop_assert_eq!(plain.ip(), Some(IpAddr::from(ip)));
    }

    #[test]
    fn what_is_closed_is_closed_inside_of_ipv6_too(ip in ipv4()) {
        let outside = policy(&[]);
        let plain = outside.check_ip(ip.into()).map_err(|blocked| blocked.range);
        prop_assert!(plain.is_err() || !is_closed(ip), "{ip}");
        for v6 in wrapped(ip) {
            let inside = outside.check_ip(v6.into()).map_err(|blocked| blocked.range);
            // `::` and `::1` are special.
            if u32::from(ip) > 1 {
                prop_assert_eq!(inside, plain, "{} with {}", v6, ip);
            } else {
                prop_assert!(inside.is_err(), "{}", v6);
            }
        }
    }

    /// An allowed address is allowed in every form, and no other one is.
    #[test]
    fn a_network_opens_itself_alone(ip in ipv4(), other in ipv4()) {
        let opened = AddressPolicy::new(vec![IpAddr::from(ip).into()]);
        prop_assert_eq!(opened.check_ip(ip.into()), Ok(()));
        // 0.0.0.0/8 is not detected in every form.
        for v6 in wrapped(ip).into_iter().filter(|_| ip.octets()[0] > 0) {
            prop_assert_eq!(opened.check_ip(v6.into()), Ok(()), "{} with {}", v6, ip);
        }
        if other != ip {
            prop_assert_eq!(opened.check_ip(other.into()), policy(&[]).check_ip(other.into()));
        }
    }

    #[test]
    fn a_signature_holds_for_what_was_signed_alone(
        key in vec(any::<u8>(), 24..=64),
        id in "[a-zA-Z0-9_-]{1,40}",
        body in any::<String>(),
        late in -200..200_i64,
        flip in any::<prop::sample::Index>(),
    ) {
        let text = format!("whsec_{}", base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &key));
        let secret = SigningSecret::parse(&text).expect("a secret");
        prop_assert_eq!(secret.expose(), text);
        let timestamp = SystemClock.now() / 1_000 + late;
        let headers = |id: &str, timestamp: i64| {
            let signature = sign(std::slice::from_ref(&secret), id, timestamp, body.as_bytes());
            let mut headers = HeaderMap::new();
            for (name, value) in [("webhook-id", id), ("webhook-timestamp", &timestamp.to_string()), ("webhook-signature", &signature)] {
                headers.insert(name, HeaderValue::from_str(value).expect("a header"));
            }
            headers
        };
        let good = headers(&id, timestamp);
        let body = body.as_bytes();
        prop_assert!(secret.verify(&good, body).is_ok());

        prop_assert!(secret.verify(&good, &[body, b"x"].concat()).is_err());
        if !body.is_empty() {
            let mut other = body.to_vec();
            other[flip.index(body.len())] ^= 1;
            prop_assert!(secret.verify(&good, &other).is_err());
        }
        for (name, value) in [("webhook-id", format!("{id}x")), ("webhook-timestamp", (timestamp + 1).to_string())] {
            let mut forged = good.clone();
            forged.insert(name, value.parse().expect("a header"));
            prop_assert!(secret.verify(&forged, body).is_err(), "{name}");
        }
        prop_assert!(SigningSecret::generate().verify(&good, body).is_err());
    }

    #[test]
    fn any_text_is_a_secret_or_is_refused(text in prop_oneof![any::<String>(), "whsec_[A-Za-z0-9+/=]{0,100}"]) {
        if let Ok(secret) = SigningSecret::parse(&text) {
            prop_assert_eq!(secret.expose(), text.trim());
        }
    }
}

/// Resolves to different addresses each time.
struct Shifty {
    answers: Vec<Vec<IpAddr>>,
    asked: AtomicUsize,
}

#[async_trait]
impl Resolve for Shifty {
    async fn resolve(&self, _host: &str) -> Result<Vec<IpAddr>, DnsError> {
        let turn = self.asked.fetch_add(1, Ordering::SeqCst);
        Ok(self.answers[turn % self.answers.len()].clone())
    }
}

/// Addresses of the loopback network, which all lead to this machine.
fn loopbacks() -> impl Strategy<Value = Vec<IpAddr>> {
    vec((1..4_u8).prop_map(|last| IpAddr::from([127, 0, 0, last])), 1..5)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// The name is resolved once, and the connection goes to an allowed address of that answer.
    #[test]
    fn a_connection_goes_to_an_address_that_was_checked(answers in vec(loopbacks(), 2..5), open in loopbacks()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let receiver = Receiver::start(Answers::With(OK.into())).await;
            let resolver = Arc::new(Shifty { answers: answers.clone(), asked: AtomicUsize::new(0) });
            let policy = AddressPolicy::new(open.iter().map(|ip| (*ip).into()).collect());
            let config = OutboundConfig { resolver: resolver.clone(), extra_roots: Vec::new() };
            let client = Outbound::new(policy, config).expect("a client");
            let to = address(format!("http://shifty.test:{}/", receiver.port));
            for (turn, answer) in answers.iter().enumerate() {
                let exchange = client.probe(&to, HeaderMap::new(), "{}".into(), super::LONG).await;
                prop_assert_eq!(resolver.asked.load(Ordering::SeqCst), turn + 1);
                match exchange.peer {
                    Some(peer) => prop_assert!(answer.contains(&peer.ip()) && open.contains(&peer.ip()), "{peer}"),
                    None => {
                        let failure = exchange.failure.expect("no peer, a failure");
                        if answer.iter().any(|ip| open.contains(ip)) {
                            prop_assert_eq!(failure.code, "connect_refused");
                        } else {
                            prop_assert_eq!(failure.code, "blocked_loopback");
                        }
                    }
                }
            }
            Ok(())
        })?;
    }
}
