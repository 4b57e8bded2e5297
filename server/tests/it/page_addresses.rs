//! Addresses of lists and statistics that people mistype, cut short or kept for too long: what cannot be used is named beside the filters, and
//! nothing is shown as if it had not been asked for.

use callsheet::domains::NewDomain;
use callsheet::model::{Actor, Role};

use crate::support::{Browser, DOMAIN, Database, GenericSource, PLAY, TestConsole, on_both_databases};

on_both_databases!(a_page_beyond_the_end_says_so_and_leads_back);

/// Streams that were pushed and ended: one page of history and one more.
const STREAMS: usize = 21;

/// A console whose lists have two pages or more.
async fn with_lists(database: Database) -> (TestConsole, Browser) {
    let console = TestConsole::start(database).await;
    console.add_domain().await;
    for n in 0..STREAMS {
        let new = NewDomain::parse(&format!("push{n}.example.net"), &[format!("play{n}.example.net")]);
        console.console.domains.create(&Actor::cli(), new.expect("a domain")).await.expect("created");
    }
    let source = GenericSource::add_to(&console).await;
    for n in 0..STREAMS {
        source.tell("publish_started", &format!("room_{n}")).await;
        source.tell("publish_done", &format!("room_{n}")).await;
    }
    let browser = Browser::of(&console, Role::Admin).await;
    (console, browser)
}

async fn a_page_beyond_the_end_says_so_and_leads_back(database: Database) {
    let (console, browser) = with_lists(database).await;
    let of_domain = format!("/domains/{DOMAIN}/deliveries");
    let streams = format!("/domains/{DOMAIN}/streams");
    // Each list that has pages, with a filter that keeps some rows of it.
    for (path, filter, first_row) in [
        ("/deliveries", "kind=publish", "publish_done"),
        (of_domain.as_str(), "event=publish_done", "publish_done"),
        (streams.as_str(), "", "live/room_20"),
        ("/domains", "q=example", "push20.example.net"),
        ("/audit", "action=domain.create", "push20.example.net"),
    ] {
        for page in ["9999", "99999999999999999999", "4"] {
            let and = if filter.is_empty() { "" } else { "&" };
            let shown = browser.open(&format!("{path}?{filter}{and}page={page}")).await;
            assert_eq!(shown.status, 200, "{path}");
            shown.says(&["This page does not exist", ">First page</a>", ">Last page</a>"]);
            for wrong in ["No deliveries yet", "No domains yet", "No matches", first_row] {
                assert!(!shown.html.contains(&format!(">{wrong}<")), "{path} says {wrong}");
            }
            let link = shown.html.split(">Last page</a>").next().and_then(|before| before.rsplit("href=\"").next());
            let href = link.and_then(|link| link.split('"').next()).expect("a link").replace("&amp;", "&");
            assert!(href.starts_with(path) && href.contains(filter), "the filter stays: {href}");
            let last = browser.open(&href).await;
            assert_eq!(last.status, 200);
            assert!(last.html.contains("<tbody") && last.html.contains(">Previous</a>"), "{path}: {}", last.html);
            assert!(!last.html.contains(">Next</a>"), "{path}: it is the last");
        }
        browser.open(&format!("{path}?{filter}")).await.says(&[first_row, ">Next</a>"]);
    }
    // A page that is no number leads to the first, with the filters.
    let none = browser.open("/deliveries?kind=publish&page=abc").await;
    none.says(&["This page does not exist", "href=\"/deliveries?kind=publish\" class=\"btn\">First page</a>"]);
    // An empty list has no page to lead to.
    let empty = browser.open("/deliveries?state=failed&page=7").await;
    empty.says(&["No matches"]);
    console.stop().await;
}

/// The address, the field that is at fault by the name that people see, and what was typed.
const MISTAKES: [(&str, &str, &str); 46] = [
    ("/deliveries?status=abc", "HTTP status", "abc"),
    ("/deliveries?status=0", "HTTP status", "0"),
    ("/deliveries?since=foo", "From", "foo"),
    ("/deliveries?until=2026-13-01T00:00", "To", "2026-13-01T00:00"),
    ("/deliveries?since=2026-11-22T00:00&until=2026-11-21T00:00", "To", "2026-11-21T00:00"),
    ("/deliveries?state=nonsense", "State", "nonsense"),
    ("/deliveries?kind=pull", "Callback", "pull"),
    ("/deliveries?event=started", "Event", "started"),
    ("/deliveries?errorClass=broken", "Error", "broken"),
    ("/deliveries?domain=nobody.example.org", "Domain", "nobody.example.org"),
    ("/deliveries?domain=a+b", "Domain", "a b"),
    ("/deliveries?page=abc", "Page", "abc"),
    ("/deliveries?page=0", "Page", "0"),
    ("/deliveries?page=-1", "Page", "-1"),
    ("/deliveries?state=failed&page=1.5", "Page", "1.5"),
    ("/domains/push.example.com/deliveries?state=nonsense", "State", "nonsense"),
    ("/domains/push.example.com/deliveries?page=abc", "Page", "abc"),
    ("/domains/push.example.com/streams?page=0", "Page", "0"),
    ("/recoveries?status=5xx", "HTTP status", "5xx"),
    ("/recoveries?state=nonsense", "State", "nonsense"),
    ("/recoveries?state=delivered", "State", "delivered"),
    ("/recoveries?since=foo", "From", "foo"),
    ("/recoveries?domain=nobody.example.org", "Domain", "nobody.example.org"),
    ("/domains?status=paused", "Status", "paused"),
    ("/domains?page=abc", "Page", "abc"),
    ("/audit?action=domain.made", "Action", "domain.made"),
    ("/audit?since=foo", "From", "foo"),
    ("/audit?since=2026-11-22T00:00&until=2026-11-22T00:00", "To", "2026-11-22T00:00"),
    ("/audit?page=-1", "Page", "-1"),
    ("/audit.csv?action=domain.made", "Action", "domain.made"),
    ("/audit.csv?since=foo", "From", "foo"),
    ("/audit.xlsx?until=foo", "To", "foo"),
    ("/statistics/usage?slot=year", "Time range", "year"),
    ("/statistics/usage?metric=cpu", "Metric", "cpu"),
    ("/statistics/usage?from=soon", "From", "soon"),
    ("/statistics/usage?from=2026-11-07&to=2026-11-01", "To", "2026-11-01"),
    ("/statistics/usage?from=1969-01-01&to=1969-01-02", "From", "1969-01-01"),
    ("/statistics/usage?domain=nobody.example.org", "Domains", "nobody.example.org"),
    ("/statistics/usage?granularity=nonsense", "granularity", "granularity"),
    ("/statistics/usage.csv?metric=cpu", "Metric", "cpu"),
    ("/statistics/usage.xlsx?domain=nobody.example.org", "Domains", "nobody.example.org"),
    ("/statistics/transcoding?kind=H.264", "Series", "H.264"),
    ("/statistics/transcoding?metric=bytes", "Metric", "bytes"),
    ("/statistics/transcoding?domain=nobody.example.org", "Domains", "nobody.example.org"),
    ("/statistics/transcoding.csv?slot=year", "Time range", "year"),
    ("/statistics/transcoding.xlsx?kind=VP9+XL", "Series", "VP9 XL"),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_that_cannot_be_used_is_named_and_nothing_is_shown() {
    let (console, browser) = with_lists(Database::sqlite()).await;
    for (address, field, value) in MISTAKES {
        let shown = browser.open(address).await;
        assert_eq!(shown.status, if field.starts_with("Domain") { 404 } else { 422 }, "{address}");
        let is_file = address.contains(".csv") || address.contains(".xlsx");
        let (message, page) = if is_file {
            (shown.html.clone(), String::new())
        } else {
            let alert = shown.html.split("role=\"alert\"").nth(1).unwrap_or_else(|| panic!("{address}: no alert"));
            (alert.split("</div>").next().expect("its text").to_owned(), shown.html.clone())
        };
        assert!(message.contains(field) && message.contains(value), "{address}: {message}");
        if address.starts_with("/recoveries") {
            assert!(!page.contains("Start recovery"), "{address}");
        } else {
            for row in ["room_20", "push20.example.net", "room_3<", "<figure", "class=\"stat-card"] {
                assert!(!page.contains(row), "{address} shows {row}");
            }
        }
        if !is_file && field != "Page" && !address.contains("slot=") && !address.contains("statistics") {
            assert!(page.contains("aria-invalid=\"true\"") && page.contains("-mistake\""), "{address} marks the field");
        }
    }
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_that_can_be_used_is_no_mistake() {
    let (console, browser) = with_lists(Database::sqlite()).await;
    let play = format!("/statistics/usage?slot=7d&domain={PLAY}&metric=traffic&compare=true");
    for address in [
        "/deliveries?domain=&kind=&event=&state=skipped&stream=&status=&errorClass=&since=2018-04-23T17:49&until=&q=&page=",
        "/deliveries?status=503&domain=push.example.com",
        "/recoveries?state=skipped&since=",
        "/recoveries?domain=push.example.com",
        "/domains?q=PUSH&status=enabled&page=1",
        "/audit?action=&since=2018-04-23T17:49:42&until=2098-04-23T17:49",
        "/audit.csv?action=domain.create",
        &play,
        "/statistics/usage?from=2026-11-01&to=2026-11-07",
        "/statistics/usage.csv?slot=30d",
        "/statistics/transcoding?metric=files&kind=",
        "/statistics/transcoding.xlsx",
    ] {
        let shown = browser.open(address).await;
        assert_eq!(shown.status, 200, "{address}: {}", shown.html);
        assert!(!shown.html.contains("role=\"alert\""), "{address}");
    }
    console.stop().await;
}
