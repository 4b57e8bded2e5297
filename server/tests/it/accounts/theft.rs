//! A cookie that somebody planted or stole, and rights that somebody has lost: worth nothing from that moment on.

use callsheet::accounts::FactorView;
use callsheet::keys::KeyDraft;
use callsheet::model::{Actor, Clock, Role, SystemClock, UserId, Who};
use reqwest::{Client, Method};
use serde_json::json;

use super::PASSWORD;
use super::browser::Browser;
use super::two_factor::code_at;
use crate::support::{DOMAIN, Database, TestConsole, on_both_databases};

on_both_databases!(
    no_way_in_keeps_the_cookie_of_before,
    a_stolen_cookie_dies_with_each_end_of_a_session,
    rights_that_are_lost_do_not_count_for_the_next_request,
);

/// The status that the API answers to a request with nothing but this.
async fn api(console: &TestConsole, method: Method, path: &str, name: &str, value: &str) -> u16 {
    let request = Client::new().request(method.clone(), console.url(&format!("/api/v1{path}"))).header(name, value);
    let request = if method == Method::GET { request } else { request.json(&json!({ "enabled": true })) };
    request.send().await.expect("an answer").status().as_u16()
}

/// That nobody is signed in by this cookie, at pages and at the API.
async fn is_worthless(console: &TestConsole, cookie: &str, what: &str) {
    let page = Browser::of(console).open_with("/domains", cookie).await;
    assert!(page.to.starts_with("/login"), "{what}: {} {}", page.status, page.to);
    assert_eq!(api(console, Method::GET, "/domains", "cookie", cookie).await, 401, "{what}");
}

async fn is_good(console: &TestConsole, cookie: &str, what: &str) {
    assert_eq!(Browser::of(console).open_with("/domains", cookie).await.status, 200, "{what}");
    assert_eq!(api(console, Method::GET, "/domains", "cookie", cookie).await, 200, "{what}");
}

/// A browser with a cookie that somebody else knows.
async fn planted(console: &TestConsole) -> (Browser, String) {
    let browser = Browser::of(console);
    let cookie = browser.sign_in("nobody", "nothing").await.cookie.expect("a cookie");
    (browser, cookie)
}

async fn add(console: &TestConsole, name: &str, role: Role) -> UserId {
    console.console.accounts.create_user(&Actor::cli(), name, role, PASSWORD).await.expect("created").id
}

async fn no_way_in_keeps_the_cookie_of_before(database: Database) {
    let console = TestConsole::start(database).await;
    let accounts = &console.console.accounts;
    let setup = accounts.setup_token().await.expect("a token").expect("nobody is there yet");
    let password = [("password", PASSWORD), ("passwordAgain", PASSWORD)];
    let set_up = [&[("token", setup.as_str()), ("name", "ada")][..], &password].concat();
    let (browser, before) = planted(&console).await;
    let after = browser.post("/setup", "set_up", &set_up).await.cookie.expect("a cookie");
    is_worthless(&console, &before, "before the set-up").await;
    is_good(&console, &after, "after the set-up").await;

    let invited = accounts.invite(&Actor::cli(), "grace", Role::Operator).await.expect("invited");
    let accept = [&[("token", invited.token.as_str())][..], &password].concat();
    let (browser, before) = planted(&console).await;
    let after = browser.post(&invited.path(), "accept_link", &accept).await.cookie.expect("a cookie");
    is_worthless(&console, &before, "before the invitation").await;
    is_good(&console, &after, "after the invitation").await;

    let (browser, before) = planted(&console).await;
    let after = browser.sign_in("grace", PASSWORD).await.cookie.expect("a cookie");
    is_worthless(&console, &before, "before the sign-in").await;
    is_good(&console, &after, "after the sign-in").await;

    let own = Actor { who: Who::User { id: invited.user.id, name: "grace".to_owned() }, ..Actor::cli() };
    accounts.start_factor(&own).await.expect("started");
    let FactorView::Pending { secret, .. } = accounts.factor(&own).await.expect("a factor") else {
        panic!("not pending")
    };
    let codes = accounts.confirm_factor(&own, &code_at(&secret, SystemClock.now())).await.expect("on").recovery_codes;
    let (browser, before) = planted(&console).await;
    let half = browser.sign_in("grace", PASSWORD).await.cookie.expect("a cookie");
    assert_ne!(half, before);
    is_worthless(&console, &half, "between the steps").await;
    let after = browser.post("/login/code", "enter_code", &[("code", &codes[0])]).await.cookie.expect("a cookie");
    for (cookie, what) in [(&before, "before both steps"), (&half, "between the steps, afterwards")] {
        is_worthless(&console, cookie, what).await;
    }
    is_good(&console, &after, "after both steps").await;
    console.stop().await;
}

async fn a_stolen_cookie_dies_with_each_end_of_a_session(database: Database) {
    let console = TestConsole::start(database).await;
    add(&console, "root", Role::Admin).await;
    let admin = Browser::of(&console);
    admin.sign_in("root", PASSWORD).await;
    // What ends it, and whether the person's own browser goes on.
    for (end, goes_on) in [
        ("sign_out", false),
        ("change_password", true),
        ("end_other_sessions", true),
        ("end_user_sessions", false),
        ("set_user_active", false),
        ("new_user_link", false),
    ] {
        let id = add(&console, end, Role::Operator).await.to_string();
        let browser = Browser::of(&console);
        let stolen = browser.sign_in(end, PASSWORD).await.cookie.expect("a cookie");
        is_good(&console, &stolen, end).await;
        match end {
            "sign_out" | "end_other_sessions" => browser.post("/profile", end, &[]).await,
            "change_password" => {
                let fields =
                    [("present", PASSWORD), ("password", "battery staple"), ("passwordAgain", "battery staple")];
                browser.post("/profile", end, &fields).await
            }
            "set_user_active" => admin.post("/users", end, &[("id", &id), ("active", "false")]).await,
            _ => admin.post("/users", end, &[("id", &id)]).await,
        };
        is_worthless(&console, &stolen, end).await;
        assert_eq!(browser.open("/profile").await.status == 200, goes_on, "{end}");
    }
    console.stop().await;
}

async fn rights_that_are_lost_do_not_count_for_the_next_request(database: Database) {
    let console = TestConsole::start(database).await;
    console.add_domain().await;
    let (accounts, keys, cli) = (&console.console.accounts, &console.console.keys, Actor::cli());
    add(&console, "root", Role::Admin).await;
    let ada = add(&console, "ada", Role::Admin).await;
    let browser = Browser::of(&console);
    let cookie = browser.sign_in("ada", PASSWORD).await.cookie.expect("a cookie");
    let domain = format!("/domains/{DOMAIN}");
    // What a page of users, a change of a domain and a look at it are answered with.
    let may = async || {
        let change = api(&console, Method::PATCH, &domain, "cookie", &cookie).await;
        let read = api(&console, Method::GET, &domain, "cookie", &cookie).await;
        [browser.open("/users").await.status, change, read]
    };
    assert_eq!(may().await, [200, 200, 200]);
    accounts.set_role(&cli, ada, Role::Operator).await.expect("changed");
    assert_eq!(may().await, [403, 200, 200]);
    accounts.set_role(&cli, ada, Role::Reviewer).await.expect("changed");
    assert_eq!(may().await, [403, 403, 200]);
    accounts.set_role(&cli, ada, Role::Admin).await.expect("changed");
    assert_eq!(may().await, [200, 200, 200], "and what is given counts at once too");
    accounts.set_active(&cli, ada, false).await.expect("deactivated");
    assert_eq!(may().await, [302, 401, 401]);

    let key = keys.create(&cli, KeyDraft::new("ci", Role::Operator)).await.expect("a key");
    let by =
        async |token: &str| api(&console, Method::PATCH, &domain, "authorization", &format!("Bearer {token}")).await;
    assert_eq!(by(&key.token).await, 200);
    let new = keys.rotate(&cli, key.id).await.expect("rotated");
    assert_eq!((by(&key.token).await, by(&new.token).await), (401, 200));
    keys.revoke(&cli, key.id).await.expect("revoked");
    assert_eq!(by(&new.token).await, 401);
    let elsewhere = ["push.example.net".to_owned()];
    let draft = KeyDraft { domains: Some(&elsewhere), ..KeyDraft::new("ci", Role::Operator) };
    let limited = keys.create(&cli, draft).await.expect("the name is free again");
    assert_eq!(by(&limited.token).await, 403, "the same name, and fewer domains");
    console.stop().await;
}
