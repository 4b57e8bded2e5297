//! Blocked and allowed addresses.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;

use super::{Table, address, outbound, policy, post};
use crate::model::Problem;
use crate::outbound::{AddressError, AddressPolicy, CallbackAddress, Range};

/// One address per line, with its expected outcome.
const TABLE: &str = include_str!("addresses.txt");

/// IP addresses of the names in the table; all other names have a public one.
const NAMES: &[(&str, &[&str])] = &[
    ("localhost", &["127.0.0.1"]),
    ("localhost.", &["127.0.0.1"]),
    ("loopback.test", &["127.0.0.1"]),
    ("127.0.0.1.nip.test", &["127.0.0.1"]),
    ("receiver6.test", &["::1"]),
    ("receiver", &["10.0.0.1"]),
    ("db.internal", &["192.168.0.1", "10.0.0.2"]),
    ("mixed.test", &["10.0.0.1", "169.254.169.254", "::1"]),
    ("metadata.google.internal", &["169.254.169.254"]),
    ("metadata.google.internal.", &["fd20:ce::254"]),
    ("mapped.test", &["::ffff:169.254.169.254"]),
];

/// Ranges that a network cannot allow as a whole.
const ONLY_WHEN_NAMED: [&str; 2] = ["blocked_metadata", "blocked_link_local"];

/// Returns the lines of the table: outcome and address.
fn table() -> impl Iterator<Item = (&'static str, String)> {
    let lines = TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| {
        let (outcome, address) = line.split_once('\t').expect("outcome, tab, address");
        (outcome, serde_json::from_str(&format!("\"{address}\"")).expect("the inside of a JSON string"))
    })
}

fn hostile() -> impl Iterator<Item = (&'static str, String)> {
    table().filter(|(outcome, _)| !outcome.starts_with("ok"))
}

/// Returns the outcome of saving an address, without DNS: `ok` or the error code.
fn verdict(text: &str, allowed: &[&str]) -> &'static str {
    match CallbackAddress::parse(text) {
        Err(error) => error.code(),
        Ok(address) => policy(allowed).check_address(&address).map_or_else(|blocked| blocked.code(), |()| "ok"),
    }
}

fn names() -> Table {
    NAMES.iter().fold(Table::default(), |table, (name, addresses)| table.with(name, &[addresses]))
}

/// Returns the outcome of a request by the real client. Only for blocked addresses, which it does not connect to.
#[tokio::test]
async fn hostile_addresses_are_refused() {
    let client = outbound(policy(&[]), names(), Vec::new());
    let mut wrong = Vec::new();
    for (expected, text) in hostile() {
        let code = match CallbackAddress::parse(&text) {
            Err(error) => error.code(),
            Ok(address) => post(&client, &address).await.failure.map_or("ok", |failure| failure.code),
        };
        if code != expected {
            wrong.push(format!("{text:?}: {code}, not {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn good_addresses_are_accepted_and_name_their_host() {
    let mut wrong = Vec::new();
    for (expected, text) in table().filter(|(outcome, _)| outcome.starts_with("ok")) {
        let outcome = match verdict(&text, &[]) {
            "ok" => format!("ok {}", address(&text).host()),
            code => code.to_owned(),
        };
        if outcome != expected {
            wrong.push(format!("{text:?}: {outcome}, not {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_table_covers_every_refusal() {
    let (mut addresses, mut outcomes) = (BTreeSet::new(), BTreeMap::new());
    for (outcome, address) in table() {
        assert!(addresses.insert(address.clone()), "{address:?} is there twice");
        *outcomes.entry(outcome.split(' ').next().expect("a word")).or_insert(0) += 1;
    }
    let good = outcomes["ok"];
    let hostile = addresses.len() - good;
    assert!(good >= 50 && hostile >= 150, "{good} good, {hostile} hostile");
    let ranges = [
        Range::Benchmarking,
        Range::Broadcast,
        Range::Cgnat,
        Range::Documentation,
        Range::LinkLocal,
        Range::Loopback,
        Range::Metadata,
        Range::Multicast,
        Range::Private,
        Range::Reserved,
        Range::UniqueLocal,
        Range::Unspecified,
    ];
    let errors = [
        AddressError::Empty,
        AddressError::ControlCharacter,
        AddressError::NoScheme,
        AddressError::BadScheme,
        AddressError::UserInfo,
        AddressError::NoHost,
        AddressError::BadHost,
        AddressError::BadPort,
        AddressError::DeniedPort(22),
    ];
    let codes = ranges.iter().map(|range| range.code()).chain(errors.iter().map(Problem::code));
    let codes: BTreeSet<_> = codes.chain(["ok"]).collect();
    assert_eq!(outcomes.keys().copied().collect::<BTreeSet<_>>(), codes);
    let few: Vec<_> = outcomes.iter().filter(|(_, count)| **count < 2).collect();
    assert!(few.is_empty(), "{few:?}");
}

/// Neither by the network of all addresses nor by a network of two.
#[test]
fn no_network_opens_link_local_or_metadata() {
    let mut checked = 0;
    for (code, text) in hostile().filter(|(code, _)| ONLY_WHEN_NAMED.contains(code)) {
        let Some(ip) = CallbackAddress::parse(&text).ok().and_then(|address| address.ip()) else { continue };
        let all = policy(&["0.0.0.0/0", "::/0", "0.0.0.0/1", "128.0.0.0/1", "::/1", "8000::/1"]);
        assert_eq!(all.check_ip(ip).expect_err("closed").code(), code, "{text}");
        let longest = if ip.is_ipv4() { 32 } else { 128 };
        for prefix in [longest - 1, longest / 2, 8] {
            let network = IpNet::new(ip, prefix).expect("a network").trunc();
            let refused = AddressPolicy::new(vec![network]).check_ip(ip).expect_err("closed");
            assert_eq!(refused.code(), code, "{text} by {network}");
        }
        checked += 1;
    }
    assert!(checked >= 40, "only {checked}");
}

#[test]
fn all_else_is_opened_by_all_addresses() {
    for (code, text) in hostile().filter(|(code, _)| code.starts_with("blocked_") && !ONLY_WHEN_NAMED.contains(code)) {
        assert_eq!(verdict(&text, &["0.0.0.0/0", "::/0"]), "ok", "{code}: {text}");
    }
}

#[test]
fn an_address_is_normalised() {
    for (text, normal, host, port) in [
        (" HTTPS://Example.COM/Hook#top", "https://example.com/Hook", "example.com", 443),
        ("http://0x7f.1:8080", "http://127.0.0.1:8080/", "127.0.0.1", 8080),
        ("https://bücher.example:443/", "https://xn--bcher-kva.example/", "xn--bcher-kva.example", 443),
        ("http://[::FFFF:1.2.3.4]/?a=b", "http://[::ffff:102:304]/?a=b", "[::ffff:102:304]", 80),
        ("https://example.com/回调", "https://example.com/%E5%9B%9E%E8%B0%83", "example.com", 443),
    ] {
        let address = CallbackAddress::parse(text).expect("an address");
        assert_eq!((address.as_str(), address.host(), address.port()), (normal, host, port));
        assert_eq!(CallbackAddress::parse(normal).as_ref(), Ok(&address), "normal form is stable");
    }
}

#[test]
fn an_address_has_at_most_2048_characters() {
    let of_length = |length: usize| format!("{:a<length$}", "https://example.com/");
    assert!(CallbackAddress::parse(&of_length(2_048)).is_ok());
    assert_eq!(CallbackAddress::parse(&of_length(2_049)), Err(AddressError::TooLong));
    let grows = format!("https://example.com/{}", "回".repeat(300));
    assert_eq!(CallbackAddress::parse(&grows), Err(AddressError::TooLong));
}

#[test]
fn an_allowed_network_opens_in_every_notation() {
    for host in ["10.1.2.3", "0xa010203", "[::ffff:10.1.2.3]", "[64:ff9b::10.1.2.3]", "[2002:a01:203::]"] {
        let text = format!("http://{host}/");
        assert_eq!(verdict(&text, &["10.1.0.0/16"]), "ok", "{text}");
        assert_eq!(verdict(&text, &["10.2.0.0/16"]), "blocked_private", "{text}");
    }
    assert_eq!(verdict("http://[fd12::1]/", &["fd12::/32"]), "ok");
    assert_eq!(verdict("http://[64:ff9b:1:a00::]/", &["64:ff9b:1::/48"]), "ok");
}

#[test]
fn every_part_of_an_address_must_be_open() {
    // Teredo: the server is 10.0.0.1, the client 192.168.0.1.
    let text = "http://[2001:0:a00:1::3f57:fffe]/";
    assert_eq!(verdict(text, &["10.0.0.0/8"]), "blocked_private");
    assert_eq!(verdict(text, &["10.0.0.0/8", "192.168.0.0/16"]), "ok");
}

#[test]
fn metadata_and_link_local_open_only_by_their_own_name() {
    for (host, code, wide, exact) in [
        ("169.254.169.254", "blocked_metadata", "169.254.0.0/16", "169.254.169.254/32"),
        ("169.254.169.254", "blocked_metadata", "0.0.0.0/0", "169.254.169.254/32"),
        ("169.254.1.1", "blocked_link_local", "169.254.0.0/16", "169.254.1.1/32"),
        ("100.100.100.200", "blocked_metadata", "100.64.0.0/10", "100.100.100.200/32"),
        ("[fd00:ec2::254]", "blocked_metadata", "fd00::/8", "fd00:ec2::254/128"),
        ("[fe80::1]", "blocked_link_local", "fe80::/10", "fe80::1/128"),
        ("[::ffff:169.254.169.254]", "blocked_metadata", "::/0", "169.254.169.254/32"),
        ("[64:ff9b::a9fe:a9fe]", "blocked_metadata", "64:ff9b::/96", "169.254.169.254/32"),
    ] {
        let text = format!("http://{host}/");
        assert_eq!(verdict(&text, &[wide]), code, "{text} with {wide}");
        assert_eq!(verdict(&text, &["169.254.169.253/32", wide]), code, "{text}");
        assert_eq!(verdict(&text, &[exact]), "ok", "{text} with {exact}");
    }
}

#[test]
fn refusals_name_the_field_and_the_remedy() {
    let error = CallbackAddress::parse("ftp://example.com/").expect_err("refused");
    assert_eq!((error.code(), error.field()), ("address_bad_scheme", Some("address")));
    assert!(error.to_string().contains("https://"));

    let inside = CallbackAddress::parse("http://10.0.0.1/").expect("an address");
    let blocked = policy(&[]).check_address(&inside).expect_err("refused");
    assert_eq!((blocked.code(), blocked.field()), ("blocked_private", Some("address")));
    assert_eq!(blocked.details().args, [("address", "10.0.0.1".to_owned())]);
    assert!(blocked.to_string().contains("allowed_networks"));
}
