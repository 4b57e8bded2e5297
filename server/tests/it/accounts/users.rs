//! Users on both databases: invitations, links, roles, and that one admin stays.

use std::sync::Arc;

use callsheet::Console;
use callsheet::accounts::{SignedIn, UserState, UserView};
use callsheet::model::{Actor, Problem, Role, SystemClock, TestClock};

use super::browser::Browser;
use super::{HOME, HOUR_MS, NOW, PASSWORD};
use crate::support::{Database, TestConsole, on_both_databases, use_cases};

on_both_databases!(
    an_invited_person_chooses_a_password_once,
    a_newer_link_voids_the_older_and_ends_sessions,
    the_last_admin_stays,
    two_admins_cannot_demote_each_other_at_once,
    a_deactivated_user_is_out_at_once,
    weak_passwords_are_refused,
    names_are_not_given_away,
    a_link_works_without_script,
);

fn view(users: &[UserView], name: &str) -> UserView {
    users.iter().find(|user| user.name == name).expect(name).clone()
}

async fn user(console: &Console, name: &str, role: Role) -> UserView {
    let cli = Actor::cli();
    let made = console.accounts.create_user(&cli, name, role, PASSWORD).await.expect("created");
    console.accounts.get(&cli, made.id).await.expect("a user")
}

fn code<T: std::fmt::Debug>(outcome: Result<T, callsheet::accounts::AccountError>) -> &'static str {
    outcome.map_or_else(|error| error.code(), |_| "done")
}

async fn an_invited_person_chooses_a_password_once(database: Database) {
    let clock = Arc::new(TestClock::at(NOW));
    let (console, _data) = use_cases(&database, clock.clone()).await;
    let (accounts, cli) = (&console.accounts, Actor::cli());
    let invitation = accounts.invite(&cli, "grace", Role::Operator).await.expect("invited");
    assert_eq!(invitation.user.state, UserState::Invited);
    assert_eq!(code(accounts.log_in("grace", "", HOME).await), "login_wrong", "there is no password yet");
    assert_eq!(code(accounts.invite(&cli, "grace", Role::Admin).await), "user_taken");

    let token = &invitation.token;
    assert_eq!(accounts.check_link(token).await.expect("good").name, "grace");
    let differing = accounts.accept_link(token, PASSWORD, "correct house", HOME).await.expect_err("differ");
    assert_eq!((differing.code(), differing.field()), ("user_passwords_differ", Some("passwordAgain")));
    let accepted = accounts.accept_link(token, PASSWORD, PASSWORD, HOME).await.expect("accepted");
    let SignedIn::Done(user) = accepted else { panic!("{accepted:?}") };
    assert_eq!((user.name.as_str(), user.role), ("grace", Role::Operator));
    assert_eq!(code(accounts.accept_link(token, PASSWORD, PASSWORD, HOME).await), "user_bad_link");
    accounts.log_in("grace", PASSWORD, HOME).await.expect("signed in");
    let users = accounts.list(&cli).await.expect("a list");
    let grace = view(&users, "grace");
    assert_eq!((grace.state, grace.last_sign_in_at, grace.two_factor), (UserState::Active, Some(NOW), false));

    let late = accounts.invite(&cli, "late", Role::Reviewer).await.expect("invited").token;
    clock.advance(72 * HOUR_MS - 1);
    accounts.check_link(&late).await.expect("still good");
    clock.advance(1);
    assert_eq!(code(accounts.accept_link(&late, PASSWORD, PASSWORD, HOME).await), "user_bad_link");
}

async fn a_newer_link_voids_the_older_and_ends_sessions(database: Database) {
    let console = TestConsole::start(database).await;
    let (accounts, cli) = (&console.console.accounts, Actor::cli());
    let ada = user(&console.console, "ada", Role::Reviewer).await;
    let browser = Browser::of(&console);
    assert_eq!(browser.sign_in("ada", PASSWORD).await.to, "/");
    assert_eq!(browser.open("/profile").await.status, 200);
    let first = accounts.new_link(&cli, ada.id).await.expect("a link").token;
    assert!(browser.open("/profile").await.to.starts_with("/login"), "the session has ended");
    let second = accounts.new_link(&cli, ada.id).await.expect("a link").token;
    assert_eq!(code(accounts.check_link(&first).await), "user_bad_link");
    accounts.log_in("ada", PASSWORD, HOME).await.expect("the present password holds until then");
    accounts.accept_link(&second, "battery staple", "battery staple", HOME).await.expect("accepted");
    assert_eq!(code(accounts.log_in("ada", PASSWORD, HOME).await), "login_wrong");

    let third = accounts.new_link(&cli, ada.id).await.expect("a link").token;
    accounts.set_active(&cli, ada.id, false).await.expect("deactivated");
    assert_eq!(code(accounts.check_link(&third).await), "user_bad_link");
    assert_eq!(code(accounts.new_link(&cli, ada.id).await), "user_deactivated");
    console.stop().await;
}

async fn the_last_admin_stays(database: Database) {
    let (console, _data) = use_cases(&database, Arc::new(SystemClock)).await;
    let (accounts, cli) = (&console.accounts, Actor::cli());
    let ada = user(&console, "ada", Role::Admin).await;
    let invited = accounts.invite(&cli, "later", Role::Admin).await.expect("invited").user;
    assert_eq!(
        code(accounts.set_role(&cli, ada.id, Role::Operator).await),
        "user_last_admin",
        "nobody else can sign in"
    );
    assert_eq!(code(accounts.set_active(&cli, ada.id, false).await), "user_last_admin");
    accounts.set_active(&cli, invited.id, false).await.expect("she cannot sign in anyway");
    let eve = user(&console, "eve", Role::Admin).await;
    accounts.set_role(&cli, ada.id, Role::Operator).await.expect("eve stays");
    assert_eq!(code(accounts.set_active(&cli, eve.id, false).await), "user_last_admin");
    assert_eq!(accounts.get(&cli, ada.id).await.expect("a user").role, Role::Operator);
}

async fn two_admins_cannot_demote_each_other_at_once(database: Database) {
    let (console, _data) = use_cases(&database, Arc::new(SystemClock)).await;
    let (accounts, cli) = (&console.accounts, Actor::cli());
    let (ada, eve) = (user(&console, "ada", Role::Admin).await, user(&console, "eve", Role::Admin).await);
    for _ in 0..10 {
        let (first, second) =
            tokio::join!(accounts.set_role(&cli, ada.id, Role::Reviewer), accounts.set_active(&cli, eve.id, false),);
        let codes = [code(first), code(second)];
        assert!(codes == ["done", "user_last_admin"] || codes == ["user_last_admin", "done"], "{codes:?}");
        accounts.set_role(&cli, ada.id, Role::Admin).await.expect("back");
        accounts.set_active(&cli, eve.id, true).await.expect("back");
    }
}

async fn a_deactivated_user_is_out_at_once(database: Database) {
    let console = TestConsole::start(database).await;
    let (accounts, cli) = (&console.console.accounts, Actor::cli());
    user(&console.console, "ada", Role::Admin).await;
    let eve = user(&console.console, "eve", Role::Admin).await;
    let browser = Browser::of(&console);
    browser.sign_in("eve", PASSWORD).await;
    assert_eq!(browser.open("/users").await.status, 200);
    accounts.set_role(&cli, eve.id, Role::Operator).await.expect("demoted");
    assert_eq!(browser.open("/users").await.status, 403, "from the next request");
    accounts.set_active(&cli, eve.id, false).await.expect("deactivated");
    assert!(browser.open("/domains").await.to.starts_with("/login"));
    assert_eq!(code(accounts.log_in("eve", PASSWORD, HOME).await), "login_wrong");
    accounts.set_active(&cli, eve.id, true).await.expect("activated");
    assert!(browser.open("/domains").await.to.starts_with("/login"), "the session does not come back");
    accounts.log_in("eve", PASSWORD, HOME).await.expect("signed in");
    console.stop().await;
}

async fn weak_passwords_are_refused(database: Database) {
    let (console, _data) = use_cases(&database, Arc::new(SystemClock)).await;
    let (accounts, cli) = (&console.accounts, Actor::cli());
    for (name, password, expected) in [
        ("ada", "password123", "password_common"),
        ("ada", "aaaaaaaaaaaa", "password_guessable"),
        ("bartholomew", "Bartholomew1", "password_of_name"),
    ] {
        let error = accounts.create_user(&cli, name, Role::Reviewer, password).await.expect_err(password);
        assert_eq!((error.code(), error.field()), (expected, Some("password")));
    }
}

/// Names that may not sign in get the very answer of a name that is not there, for the same work.
async fn names_are_not_given_away(database: Database) {
    let console = TestConsole::start(database).await;
    let (accounts, cli) = (&console.console.accounts, Actor::cli());
    accounts.invite(&cli, "invited", Role::Reviewer).await.expect("invited");
    let gone = user(&console.console, "gone", Role::Reviewer).await;
    accounts.set_active(&cli, gone.id, false).await.expect("deactivated");
    user(&console.console, "known", Role::Reviewer).await;
    let browser = Browser::of(&console);
    for (name, password) in [("nobody", PASSWORD), ("invited", ""), ("gone", PASSWORD), ("known", "battery staple")] {
        let shown = browser.sign_in(name, password).await;
        assert_eq!((shown.status, shown.to.as_str()), (302, "/login"), "{name}");
        let page = browser.open("/login").await.html.replace(name, "NAME");
        assert!(page.contains("Wrong user name or password."), "{name}: {page}");
    }
    console.stop().await;
}

async fn a_link_works_without_script(database: Database) {
    let console = TestConsole::start(database).await;
    user(&console.console, "ada", Role::Admin).await;
    let (admin, guest) = (Browser::of(&console), Browser::of(&console));
    admin.sign_in("ada", PASSWORD).await;
    let made = admin.post("/users/new", "invite_user", &[("name", "grace"), ("role", "operator")]).await;
    assert_eq!((made.status, made.to.starts_with("/users/")), (302, true), "{}", made.to);
    let page = admin.open(&made.to).await.html;
    let link = page.split("<code>").nth(1).and_then(|rest| rest.split("</code>").next()).expect("a link").to_owned();
    let path = link.strip_prefix(&console.url("")).expect("of this console");
    assert!(!admin.open(&made.to).await.html.contains(path), "it is shown once");

    let form = guest.open(path).await;
    assert!(form.status == 200 && form.html.contains("grace"), "{}", form.html);
    let token = path.rsplit('/').next().expect("a token");
    let accept = async |password: &str| {
        guest.post(path, "accept_link", &[("token", token), ("password", password), ("passwordAgain", password)]).await
    };
    assert_eq!(accept("password123").await.to, path, "back to the form");
    assert!(guest.open(path).await.html.contains("too common"));
    assert_eq!(accept(PASSWORD).await.to, "/");
    assert_eq!(guest.open("/domains").await.status, 200);
    assert_eq!(guest.open("/users").await.status, 403);
    console.stop().await;
}
