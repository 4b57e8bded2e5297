//! Addresses that must not be reached, and those that must.

use super::policy;
use crate::model::Problem;
use crate::outbound::{AddressError, CallbackAddress};

/// What becomes of an address when it is saved: `ok`, or the code of the refusal.
fn verdict(text: &str, allowed: &[&str]) -> &'static str {
    match CallbackAddress::parse(text) {
        Err(error) => error.code(),
        Ok(address) => policy(allowed).check_address(&address).map_or_else(|blocked| blocked.code(), |()| "ok"),
    }
}

/// Literal hosts that the policy refuses, by the reason, with spaces between.
const BLOCKED_HOSTS: &[(&str, &str)] = &[
    (
        "blocked_loopback",
        "127.0.0.1 127.0.0.1. 127.1 127.0.1 127.255.255.254 0177.0.0.1 0177.1 0x7f.1 0x7F000001 \
         0x7f.0x0.0x0.0x1 2130706433 017700000001 00000177.0.0.01 %31%32%37.0.0.1 １２７.０.０.１ 127。0。0。1 \
         ①②⑦.0.0.1 [::1] [0:0:0:0:0:0:0:1] [0000::0001] [::ffff:127.0.0.1] [::ffff:7f00:1] \
         [0:0:0:0:0:ffff:127.0.0.1] [::127.0.0.1] [::7f00:1] [64:ff9b::127.0.0.1] [64:ff9b::7f00:1] \
         [64:ff9b:1::127.0.0.1] [64:ff9b:1:7f00:0:100::] [64:ff9b:1:7f:0:1::] [64:ff9b:1:0:7f:0:100:0] \
         [2002:7f00:1::] [2002:7f00:0001::1] [2001:0:7f00:1::] [2001:0:808:808:0:0:80ff:fffe] \
         [2606:4700::5efe:127.0.0.1] [2606:4700::200:5efe:127.0.0.1]",
    ),
    (
        "blocked_private",
        "10.0.0.0 10.0.0.1 10.255.255.255 10.1 012.0.0.1 0xa.0.0.1 167772161 172.16.0.1 172.31.255.255 \
         0254.020.0.1 192.168.0.1 192.168.255.255 0xc0.0xa8.0.1 3232235521 192.11010049 [::ffff:10.0.0.1] \
         [::ffff:c0a8:1] [::10.0.0.1] [::192.168.0.1] [64:ff9b::10.0.0.1] [64:ff9b::c0a8:1] \
         [64:ff9b:1::192.168.0.1] [64:ff9b:1:a00:0:100::] [64:ff9b:1:a00:0:100:0:1] [2002:a00:1::] \
         [2002:c0a8:101::1] [2002:ac10:1::1] [2001:0:a00:1::] [2001:0:808:808:0:0:f5ff:fffe] \
         [2001:0:808:808::3f57:fffe] [2606:4700::5efe:10.0.0.1] [2606:4700::200:5efe:192.168.1.1] [fec0::1] \
         [feff::1]",
    ),
    (
        "blocked_metadata",
        "169.254.169.254 0xa9fea9fe 2852039166 0251.0376.0251.0376 169.254.43518 [::ffff:169.254.169.254] \
         [::a9fe:a9fe] [64:ff9b::169.254.169.254] [64:ff9b:1::a9fe:a9fe] [2002:a9fe:a9fe::] \
         [2001:0:a9fe:a9fe::] [2606:4700::5efe:169.254.169.254] [fd00:ec2::254] [fd20:ce::254] \
         100.100.100.200 168.63.129.16 192.0.0.192 [::ffff:100.100.100.200]",
    ),
    (
        "blocked_link_local",
        "169.254.0.1 169.254.170.2 169.254.255.255 [fe80::1] [fe80::5efe:8.8.8.8] [febf::1] \
         [::ffff:169.254.0.1] [2002:a9fe:1::]",
    ),
    ("blocked_cgnat", "100.64.0.1 100.127.255.255 0144.0100.0.1 [::ffff:100.64.0.1] [64:ff9b::6440:1]"),
    ("blocked_unspecified", "0.0.0.0 0 0x0 00 0.1.2.3 [::] [::ffff:0.0.0.0] [::2] [64:ff9b::] [64:ff9b:1::] [2002::1]"),
    ("blocked_unique_local", "[fc00::1] [fd12:3456:789a::1] [fdff:ffff::1] [fd00::5efe:8.8.8.8]"),
    ("blocked_multicast", "224.0.0.1 239.255.255.255 0xe0.0.0.1 [ff02::1] [ff0e::1] [::ffff:224.0.0.1]"),
    ("blocked_broadcast", "255.255.255.255 0xffffffff 4294967295 [::ffff:255.255.255.255] [2002:ffff:ffff::]"),
    ("blocked_documentation", "192.0.2.1 198.51.100.1 203.0.113.1 [2001:db8::1] [3fff::1] [64:ff9b::192.0.2.1]"),
    ("blocked_benchmarking", "198.18.0.1 198.19.255.255 [2001:2::1] [::ffff:198.18.0.1]"),
    (
        "blocked_reserved",
        "192.0.0.1 192.88.99.1 240.0.0.1 254.255.255.255 [100::1] [4000::1] [5f00::1] [2001:10::1] \
         [2001:1::1] [::ffff:0:127.0.0.1] [64:ff9b:2::1] [1::1]",
    ),
];

/// Addresses refused before any policy.
const UNREADABLE: &[(&str, &[&str])] = &[
    ("address_empty", &["", "   "]),
    ("address_no_scheme", &["example.com", "/hook", "//example.com/", "example.com/hook"]),
    (
        "address_bad_scheme",
        &[
            "ftp://example.com/",
            "file:///etc/passwd",
            "gopher://example.com/",
            "javascript:alert(1)",
            "data:text/plain,x",
            "ws://example.com/",
            "unix:/run/socket",
            "example.com:443/hook",
            "dict://example.com/",
        ],
    ),
    (
        "address_user_info",
        &[
            "http://user@example.com/",
            "https://user:password@example.com/",
            "http://:password@example.com/",
            "http://example.com@127.0.0.1/",
            "http://example.com%2f@10.0.0.1/",
        ],
    ),
    ("address_no_host", &["http://", "https://?x", "http:///", "http://#"]),
    (
        "address_bad_host",
        &[
            "http://exa mple.com/",
            "http://256.0.0.1/",
            "http://1.2.3.4.5/",
            "http://0x100000000/",
            "http://[::1/",
            "http://[fe80::1%25eth0]/",
            "http://[1.2.3.4]/",
            "http://exa<mple.com/",
            "http://127.0.0.08/",
            "http://a%00b.com/",
            "http://[::ffff:1.2.3]/",
        ],
    ),
    ("address_bad_port", &["http://example.com:65536/", "http://example.com:x/", "http://example.com:-1/"]),
    (
        "address_denied_port",
        &[
            "http://example.com:22/",
            "http://example.com:25/",
            "https://example.com:465/",
            "http://example.com:0/",
            "http://example.com:6667/",
            "http://example.com:00022/",
            "http://example.com:111/",
            "http://example.com:2049/",
        ],
    ),
    (
        "address_control_character",
        &["http://exam\nple.com/", "http://example.com/a\tb", "ht\ttp://example.com/x\ry", "http://127.\r\n0.0.1/"],
    ),
];

/// Addresses that are accepted, with spaces between.
const GOOD: &str = "\
    http://example.com https://example.com https://example.com/ https://example.com/hook \
    https://example.com/hook?key=1&x=%20 https://example.com/hook#top https://example.com:8443/hook \
    http://example.com:80/ https://example.com:443/ http://example.com:8080/ http://example.com:3000/ \
    http://example.com:65535/ http://example.com:81/ HTTPS://EXAMPLE.COM/Hook https://example.com/ \
    https://sub.domain.example.co.uk/a/b/c https://example.com./ https://under_score.example.com/ \
    https://xn--bcher-kva.example/ https://bücher.example/ https://直播.例子/回调 https://localhost.example.com/ \
    https://127.0.0.1.example.com/ https://example.com/http://127.0.0.1/ \
    https://example.com/?next=http://10.0.0.1/ https://example.com/a%2fb https://example.com/a@b \
    https://example.com\\hook https:example.com/hook https:///example.com/hook https://example.com/{id}|x \
    https://example.com/?q=[1]^`| http://8.8.8.8/ http://1.1.1.1:8080/ http://134744072/ http://0x08.8.8.8/ \
    http://010.010.010.010/ http://9.255.255.255/ http://11.0.0.0/ http://100.63.255.255/ \
    http://100.128.0.0/ http://126.255.255.255/ http://128.0.0.0/ http://169.253.255.255/ \
    http://169.255.0.0/ http://172.15.255.255/ http://172.32.0.0/ http://192.167.255.255/ \
    http://192.169.0.0/ http://198.17.255.255/ http://198.20.0.0/ http://223.255.255.255/ \
    http://[2606:4700:4700::1111]/ http://[2001:4860:4860::8888]:8080/ http://[2a00:1450::1]/ \
    http://[3ffe::1]/ http://[::ffff:8.8.8.8]/ http://[::8.8.8.8]/ http://[64:ff9b::8.8.8.8]/ \
    http://[64:ff9b:1::8.8.8.8]/ http://[2002:808:808::1]/ http://[2001:0:808:808:0:0:f7f7:f7f7]/ \
    http://[2606:4700::5efe:8.8.8.8]/ http://localhost/ http://receiver/ http://db.internal:9000/";

#[test]
fn hostile_addresses_are_refused() {
    let mut count = 0;
    let mut wrong = Vec::new();
    let mut expect = |code: &str, text: &str| {
        count += 1;
        let got = verdict(text, &[]);
        if got != code {
            wrong.push(format!("{text:?}: {got}, not {code}"));
        }
    };
    for (code, hosts) in BLOCKED_HOSTS {
        for host in hosts.split_whitespace() {
            expect(code, &format!("http://{host}/"));
        }
    }
    for (code, texts) in UNREADABLE {
        for text in *texts {
            expect(code, text);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count >= 150, "only {count}");
}

#[test]
fn good_addresses_are_accepted() {
    let good: Vec<_> = GOOD.split_whitespace().collect();
    let wrong: Vec<_> = good.iter().map(|text| (text, verdict(text, &[]))).filter(|(_, got)| *got != "ok").collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    assert!(good.len() >= 50, "only {}", good.len());
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
    assert_eq!(blocked.args(), [("address", "10.0.0.1".to_owned())]);
    assert!(blocked.to_string().contains("allowed_networks"));
}
