//! Browser sessions on both databases: seen, listed and ended.

use std::sync::Arc;

use callsheet::accounts::AccountError;
use callsheet::model::{Actor, Clock, Problem, Role, SystemClock, TestClock};

use super::browser::Browser;
use super::{HOME, PASSWORD};
use crate::support::{Database, TestConsole, on_both_databases};

on_both_databases!(
    a_cookie_from_before_the_sign_in_is_worth_nothing,
    a_stolen_cookie_dies_with_the_sign_out,
    an_ended_session_does_not_come_back,
    a_user_sees_and_ends_sessions,
    the_last_use_is_written_once_a_minute,
    changing_the_password_ends_other_sessions,
);

async fn console(database: Database) -> TestConsole {
    let console = TestConsole::start(database).await;
    add(&console, "ada").await;
    console
}

async fn add(console: &TestConsole, name: &str) {
    console.console.accounts.create_user(&Actor::cli(), name, Role::Admin, PASSWORD).await.expect("created");
}

fn code<T>(outcome: Result<T, AccountError>) -> &'static str {
    outcome.map_or_else(|error| error.code(), |_| "done")
}

async fn a_cookie_from_before_the_sign_in_is_worth_nothing(database: Database) {
    let console = console(database).await;
    let browser = Browser::of(&console);
    let planted = browser.sign_in("ada", "battery staple").await.cookie.expect("a cookie");
    let own = browser.sign_in("ada", PASSWORD).await.cookie.expect("a cookie");
    assert_ne!(own, planted);
    assert_eq!(browser.open_with("/domains", &own).await.status, 200);
    assert!(browser.open_with("/domains", &planted).await.to.starts_with("/login"));
    console.stop().await;
}

async fn a_stolen_cookie_dies_with_the_sign_out(database: Database) {
    let console = console(database).await;
    let browser = Browser::of(&console);
    let stolen = browser.sign_in("ada", PASSWORD).await.cookie.expect("a cookie");
    assert_eq!(browser.open_with("/domains", &stolen).await.status, 200);
    browser.post("/", "sign_out", &[]).await;
    assert!(browser.open_with("/domains", &stolen).await.to.starts_with("/login"));
    console.stop().await;
}

/// A request that is under way when its session ends writes the session at its end.
async fn an_ended_session_does_not_come_back(database: Database) {
    let console = console(database).await;
    let browser = Browser::of(&console);
    browser.sign_in("ada", PASSWORD).await;
    let accounts = &console.console.accounts;
    let (cli, store) = (Actor::cli(), console.console.db.clone());
    let ada = accounts.list(&cli).await.expect("a list")[0].id;
    let id = accounts.sessions(&cli, ada).await.expect("a list")[0].id.clone();
    let session = store.load_browser_session(&id, SystemClock.now()).await.expect("no fault").expect("a session");
    accounts.end_sessions(&cli, ada).await.expect("ended");
    store.save_browser_session(&session).await.expect("no fault");
    assert_eq!(accounts.sessions(&cli, ada).await.expect("a list"), Vec::new());
    assert!(browser.open("/domains").await.to.starts_with("/login"));
    console.stop().await;
}

async fn a_user_sees_and_ends_sessions(database: Database) {
    let console = console(database).await;
    add(&console, "eve").await;
    let (here, there, third, eve) =
        (Browser::of(&console), Browser::of(&console), Browser::of(&console), Browser::of(&console));
    for browser in [&here, &there, &third] {
        browser.sign_in("ada", PASSWORD).await;
    }
    eve.sign_in("eve", PASSWORD).await;
    let page = here.open("/profile").await.html;
    assert_eq!(page.matches("Firefox on Windows").count(), 5, "three rows, and two buttons: {page}");
    assert_eq!(page.matches("title=\"Firefox/1 Windows\"").count(), 3, "what the browser said: {page}");
    assert_eq!(page.matches("127.0.0.1").count(), 3, "{page}");
    assert_eq!(page.matches("this session").count(), 1, "{page}");

    let (accounts, cli) = (&console.console.accounts, Actor::cli());
    let users = accounts.list(&cli).await.expect("a list");
    let [ada, other] = [users[0].id, users[1].id];
    let evil = accounts.sessions(&cli, other).await.expect("a list")[0].id.clone();
    assert_eq!(code(accounts.end_session(&cli, ada, &evil).await), "browser_session_unknown", "it is another's");
    let ended = page.split("name=\"session\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("an id");
    assert_eq!(here.post("/profile", "end_own_session", &[("session", &evil)]).await.to, "/profile");
    assert_eq!(eve.open("/profile").await.status, 200, "nobody ends another's");
    here.post("/profile", "end_own_session", &[("session", ended)]).await;
    assert_eq!(accounts.sessions(&cli, ada).await.expect("a list").len(), 2);
    here.post("/profile", "end_other_sessions", &[]).await;
    assert_eq!(here.open("/profile").await.status, 200);
    for browser in [&there, &third] {
        assert!(browser.open("/profile").await.to.starts_with("/login"));
    }
    eve.post("/users", "end_user_sessions", &[("id", &ada.to_string())]).await;
    assert!(here.open("/profile").await.to.starts_with("/login"), "signed out everywhere");
    console.stop().await;
}

async fn the_last_use_is_written_once_a_minute(database: Database) {
    // Cookies go by the machine's clock.
    let start = SystemClock.now();
    let clock = Arc::new(TestClock::at(start));
    let console = TestConsole::start_at(database, clock.clone(), |_| {}).await;
    add(&console, "ada").await;
    let browser = Browser::of(&console);
    browser.sign_in("ada", PASSWORD).await;
    let (accounts, cli) = (&console.console.accounts, Actor::cli());
    let ada = accounts.list(&cli).await.expect("a list")[0].id;
    let seen = async || {
        assert_eq!(browser.open("/profile").await.status, 200);
        let session = accounts.sessions(&cli, ada).await.expect("a list").remove(0);
        (session.created_at - start, session.last_seen_at - start)
    };
    assert_eq!(seen().await, (0, 0));
    clock.advance(59_999);
    assert_eq!(seen().await, (0, 0));
    clock.advance(1);
    assert_eq!(seen().await, (0, 60_000));
    console.stop().await;
}

async fn changing_the_password_ends_other_sessions(database: Database) {
    let console = console(database).await;
    let (here, there) = (Browser::of(&console), Browser::of(&console));
    here.sign_in("ada", PASSWORD).await;
    there.sign_in("ada", PASSWORD).await;
    let change = async |present: &str, new: &str| {
        let fields = [("present", present), ("password", new), ("passwordAgain", new)];
        here.post("/profile", "change_password", &fields).await;
        here.open("/profile").await.html
    };
    assert!(change("wrong", "battery staple").await.contains("The current password is wrong."));
    assert!(change(PASSWORD, "password123").await.contains("too common"));
    assert_eq!(there.open("/profile").await.status, 200);
    assert!(change(PASSWORD, "battery staple").await.contains("Password changed."));
    assert!(there.open("/profile").await.to.starts_with("/login"));
    let accounts = &console.console.accounts;
    assert_eq!(code(accounts.log_in("ada", PASSWORD, HOME).await), "login_wrong");
    assert_eq!(code(accounts.log_in("ada", "battery staple", HOME).await), "done");
    console.stop().await;
}
