//! People, their first set-up and sign-in, on both databases.

use std::sync::Arc;

use callsheet::accounts::SignedIn;
use callsheet::model::{Actor, Problem, Role, SystemClock, TestClock};

use super::{HOME, HOUR_MS, NOW, PASSWORD};
use crate::support::{Database, on_both_databases, use_cases};

on_both_databases!(
    the_set_up_link_makes_one_admin,
    a_set_up_link_expires_and_a_newer_one_voids_it,
    each_wrong_field_is_told,
    only_the_right_password_signs_in,
    guessing_is_slowed_down,
);

async fn the_set_up_link_makes_one_admin(database: Database) {
    let (console, _data) = use_cases(&database, Arc::new(SystemClock)).await;
    let accounts = &console.accounts;
    let token = accounts.setup_token().await.expect("a token").expect("nobody is there yet");
    accounts.check_setup(&token).await.expect("it may be used");
    let user = accounts.set_up(&token, "ada", PASSWORD, PASSWORD, HOME).await.expect("set up");
    assert_eq!((user.name.as_str(), user.role), ("ada", Role::Admin));
    assert_eq!(accounts.check_setup(&token).await.expect_err("used").code(), "setup_bad_link");
    let again = accounts.set_up(&token, "eve", PASSWORD, PASSWORD, HOME).await.expect_err("used");
    assert_eq!(again.code(), "setup_bad_link");
    assert_eq!(accounts.setup_token().await.expect("no fault"), None, "there is a user now");
}

async fn a_set_up_link_expires_and_a_newer_one_voids_it(database: Database) {
    let clock = Arc::new(TestClock::at(NOW));
    let (console, _data) = use_cases(&database, clock.clone()).await;
    let accounts = &console.accounts;
    let token = async || accounts.setup_token().await.expect("a token").expect("nobody is there yet");
    let first = token().await;
    clock.advance(24 * HOUR_MS - 1);
    accounts.check_setup(&first).await.expect("still good");
    clock.advance(1);
    for link in [first.as_str(), "", "guessed"] {
        let error = accounts.set_up(link, "ada", PASSWORD, PASSWORD, HOME).await.expect_err("not good");
        assert_eq!(error.code(), "setup_bad_link");
    }
    let second = token().await;
    let third = token().await;
    assert_eq!(accounts.check_setup(&second).await.expect_err("void").code(), "setup_bad_link");
    accounts.set_up(&third, "ada", PASSWORD, PASSWORD, HOME).await.expect("set up");
}

async fn each_wrong_field_is_told(database: Database) {
    let (console, _data) = use_cases(&database, Arc::new(SystemClock)).await;
    let (accounts, cli) = (&console.accounts, Actor::cli());
    let token = accounts.setup_token().await.expect("a token").expect("nobody is there yet");
    let (long_name, long_password) = ("a".repeat(51), "a".repeat(201));
    for (name, password, again, code, field) in [
        ("", PASSWORD, PASSWORD, "user_bad_name", "name"),
        (" ada", PASSWORD, PASSWORD, "user_bad_name", "name"),
        (long_name.as_str(), PASSWORD, PASSWORD, "user_bad_name", "name"),
        ("ada", "short", "short", "user_bad_password", "password"),
        ("ada", &long_password, &long_password, "user_bad_password", "password"),
        ("ada", PASSWORD, "battery staple", "user_passwords_differ", "passwordAgain"),
    ] {
        let error = accounts.set_up(&token, name, password, again, HOME).await.expect_err(name);
        assert_eq!((error.code(), error.field()), (code, Some(field)), "{name:?}");
    }
    accounts.check_setup(&token).await.expect("nothing of it used the link up");

    accounts.create_user(&cli, "ada", Role::Operator, PASSWORD).await.expect("created");
    let error = accounts.create_user(&cli, "ada", Role::Admin, PASSWORD).await.expect_err("taken");
    assert_eq!((error.code(), error.field()), ("user_taken", Some("name")));
}

async fn only_the_right_password_signs_in(database: Database) {
    let (console, _data) = use_cases(&database, Arc::new(SystemClock)).await;
    let accounts = &console.accounts;
    let made = accounts.create_user(&Actor::cli(), "ada", Role::Reviewer, PASSWORD).await.expect("created");
    assert_eq!(accounts.log_in(" ada ", PASSWORD, HOME).await.expect("signed in"), SignedIn::Done(made));
    for (name, password) in [("ada", "battery staple"), ("ada", ""), ("eve", PASSWORD), ("", "")] {
        let error = accounts.log_in(name, password, HOME).await.expect_err(name);
        assert_eq!((error.code(), error.field()), ("login_wrong", None), "{name:?}: the same for all");
    }
}

async fn guessing_is_slowed_down(database: Database) {
    let (console, _data) = use_cases(&database, Arc::new(SystemClock)).await;
    let accounts = &console.accounts;
    accounts.create_user(&Actor::cli(), "ada", Role::Admin, PASSWORD).await.expect("created");
    // Five a minute, and one more every twelve seconds: on a slow machine a few more.
    let mut codes = Vec::new();
    while codes.last() != Some(&"login_too_many") && codes.len() < 30 {
        let name = ["ada", "ADA", "ada "][codes.len() % 3];
        codes.push(accounts.log_in(name, "battery staple", HOME).await.expect_err("wrong").code());
    }
    let too_many = codes.pop();
    assert_eq!(too_many, Some("login_too_many"));
    assert!(codes.len() >= 5 && codes.iter().all(|code| *code == "login_wrong"), "{codes:?}");
    accounts.log_in("ada", PASSWORD, "192.0.2.8").await.expect("the owner, from elsewhere");
}
