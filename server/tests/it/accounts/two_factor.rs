//! The second step of a sign-in, on both databases. Codes come from another implementation of RFC 6238 than the console's.

use std::sync::Arc;

use callsheet::Console;
use callsheet::accounts::{AccountError, FactorView, SignedIn, User};
use callsheet::model::{Actor, Clock, Problem, Role, SystemClock, TestClock, UserId, Who};
use hmac::{Hmac, Mac};
use sha1::Sha1;

use super::browser::Browser;
use super::{HOME, NOW, PASSWORD};
use crate::support::{Database, TestConsole, on_both_databases, use_cases};

on_both_databases!(
    a_code_counts_once_and_not_before_it_is_on,
    recovery_codes_count_once_each,
    turning_it_off_asks_for_the_password,
    guessing_codes_is_slowed_down,
    the_second_step_works_without_script,
);

const STEP_MS: i64 = 30_000;

/// The code of a secret (base 32) at a moment (Unix ms).
pub(crate) fn code_at(secret: &str, at: i64) -> String {
    let bits = secret.bytes().map(|byte| match byte {
        b'A'..=b'Z' => byte - b'A',
        _ => byte - b'2' + 26,
    });
    let (mut key, mut buffer, mut held) = (Vec::new(), 0_u32, 0);
    for five in bits {
        (buffer, held) = (buffer << 5 | u32::from(five), held + 5);
        if held >= 8 {
            held -= 8;
            key.push((buffer >> held & 0xff) as u8);
        }
    }
    let mut mac = Hmac::<Sha1>::new_from_slice(&key).expect("a key");
    mac.update(&(at / STEP_MS).to_be_bytes());
    let digest = mac.finalize().into_bytes();
    let start = usize::from(digest[19] & 15);
    let number = u32::from_be_bytes(digest[start..start + 4].try_into().expect("four")) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}

#[test]
fn the_codes_of_these_tests_are_those_of_rfc_6238() {
    // Appendix B, the secret `12345678901234567890`, the last six digits.
    let secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
    for (seconds, code) in [(59, "287082"), (1_111_111_109, "081804"), (20_000_000_000, "353130")] {
        assert_eq!(code_at(secret, seconds * 1000), code);
    }
}

fn own(user: &User) -> Actor {
    Actor { who: Who::User { id: user.id, name: user.name.clone() }, role: user.role, ..Actor::cli() }
}

fn code<T>(outcome: Result<T, AccountError>) -> &'static str {
    outcome.map_or_else(|error| error.code(), |_| "done")
}

/// A user whose device has been shown a secret.
async fn started(console: &Console) -> (Actor, String) {
    let user = console.accounts.create_user(&Actor::cli(), "ada", Role::Admin, PASSWORD).await.expect("created");
    let actor = own(&user);
    console.accounts.start_factor(&actor).await.expect("started");
    let FactorView::Pending { url, secret } = console.accounts.factor(&actor).await.expect("a factor") else {
        panic!("not pending")
    };
    assert!(url.starts_with("otpauth://totp/Callsheet:ada?") && url.contains(&format!("secret={secret}")), "{url}");
    (actor, secret)
}

async fn second_step(console: &Console) -> (UserId, i64) {
    match console.accounts.log_in("ada", PASSWORD, HOME).await.expect("a password that fits") {
        SignedIn::SecondStep { user, until } => (user, until),
        other => panic!("{other:?}"),
    }
}

async fn a_code_counts_once_and_not_before_it_is_on(database: Database) {
    let clock = Arc::new(TestClock::at(NOW));
    let (console, _data) = use_cases(&database, clock.clone()).await;
    let accounts = &console.accounts;
    let (ada, secret) = started(&console).await;
    let now = || clock.now();
    assert!(matches!(accounts.log_in("ada", PASSWORD, HOME).await, Ok(SignedIn::Done(_))), "it is not on yet");
    assert_eq!(code(accounts.confirm_factor(&ada, "000000").await), "two_factor_wrong_code");
    let confirming = code_at(&secret, now());
    accounts.confirm_factor(&ada, &confirming).await.expect("on");
    assert_eq!(code(accounts.start_factor(&ada).await), "two_factor_on", "nobody replaces the secret");

    let (user, until) = second_step(&console).await;
    let step = async |code_typed: &str| code(accounts.second_step(user, until, code_typed, HOME).await);
    assert_eq!(step(&confirming).await, "two_factor_wrong_code", "it was used to turn it on");
    assert_eq!(step("").await, "two_factor_wrong_code");
    let next = code_at(&secret, now() + STEP_MS);
    assert_eq!(step(&format!("{} {}", &next[..3], &next[3..])).await, "done", "clocks may differ by a step");
    assert_eq!(step(&next).await, "two_factor_wrong_code", "once");
    clock.advance(2 * STEP_MS);
    assert_eq!(step(&code_at(&secret, now() - 2 * STEP_MS)).await, "two_factor_wrong_code", "too old");

    let (user, until) = second_step(&console).await;
    assert_eq!(until - now(), 300_000);
    clock.advance(300_000);
    let late = accounts.second_step(user, until, &code_at(&secret, now()), "192.0.2.9").await;
    assert_eq!(code(late), "two_factor_over");
}

async fn recovery_codes_count_once_each(database: Database) {
    let clock = Arc::new(TestClock::at(NOW));
    let (console, _data) = use_cases(&database, clock.clone()).await;
    let accounts = &console.accounts;
    let (ada, secret) = started(&console).await;
    let codes = accounts.confirm_factor(&ada, &code_at(&secret, NOW)).await.expect("on").recovery_codes;
    assert_eq!(codes.len(), 10);
    let (user, until) = second_step(&console).await;
    let typed = codes[3].to_uppercase().replace('-', " ");
    accounts.second_step(user, until, &typed, HOME).await.expect("however it is typed");
    assert_eq!(code(accounts.second_step(user, until, &codes[3], HOME).await), "two_factor_wrong_code");
    accounts.second_step(user, until, &codes[0], HOME).await.expect("another");
    let factor = accounts.factor(&ada).await.expect("a factor");
    assert_eq!(factor, FactorView::On { recovery_codes: 8 });
}

async fn turning_it_off_asks_for_the_password(database: Database) {
    let (console, _data) = use_cases(&database, Arc::new(TestClock::at(NOW))).await;
    let accounts = &console.accounts;
    let (ada, secret) = started(&console).await;
    let codes = accounts.confirm_factor(&ada, &code_at(&secret, NOW)).await.expect("on").recovery_codes;
    let wrong = accounts.turn_off_factor(&ada, "battery staple").await.expect_err("wrong");
    assert_eq!((wrong.code(), wrong.field()), ("password_wrong", Some("present")));
    let (user, until) = second_step(&console).await;
    accounts.turn_off_factor(&ada, PASSWORD).await.expect("off");
    assert!(matches!(accounts.log_in("ada", PASSWORD, HOME).await, Ok(SignedIn::Done(_))));
    assert_eq!(code(accounts.second_step(user, until, &codes[0], HOME).await), "two_factor_over");

    accounts.start_factor(&ada).await.expect("anew");
    let FactorView::Pending { secret: other, .. } = accounts.factor(&ada).await.expect("a factor") else {
        panic!("not pending")
    };
    assert_ne!(other, secret);
    accounts.confirm_factor(&ada, &code_at(&other, NOW)).await.expect("on again");
    accounts.reset_factor(&Actor::cli(), user).await.expect("an admin helps");
    assert_eq!(accounts.factor(&ada).await.expect("a factor"), FactorView::Off);
}

async fn guessing_codes_is_slowed_down(database: Database) {
    let (console, _data) = use_cases(&database, Arc::new(TestClock::at(NOW))).await;
    let accounts = &console.accounts;
    let (ada, secret) = started(&console).await;
    accounts.confirm_factor(&ada, &code_at(&secret, NOW)).await.expect("on");
    let (user, until) = second_step(&console).await;
    let mut codes = Vec::new();
    while codes.last() != Some(&"login_too_many") && codes.len() < 30 {
        codes.push(code(accounts.second_step(user, until, "000000", HOME).await));
    }
    assert_eq!(codes.pop(), Some("login_too_many"));
    let next = code_at(&secret, NOW + STEP_MS);
    accounts.second_step(user, until, &next, "198.51.100.1").await.expect("the owner, from elsewhere");
}

async fn the_second_step_works_without_script(database: Database) {
    let console = TestConsole::start(database).await;
    let (_, secret) = started(&console.console).await;
    let at_home = Browser::of(&console);
    assert_eq!(at_home.sign_in("ada", PASSWORD).await.to, "/");
    let page = at_home.open("/profile").await.html;
    assert!(page.contains(&secret) && page.contains("class=\"qr-code\""), "{page}");
    let now = || SystemClock.now();
    let on = at_home.post("/profile", "confirm_factor", &[("code", &code_at(&secret, now()))]).await;
    assert_eq!(on.to, "/profile#two-factor");
    let page = at_home.open("/profile").await.html;
    assert!(page.contains("10 recovery codes left.") && !page.contains(&secret), "{page}");
    let codes = page.split("<pre tabindex=\"0\">").nth(1).and_then(|rest| rest.split("</pre>").next()).expect("codes");
    let codes: Vec<String> = codes.lines().map(str::to_owned).collect();
    assert!(!at_home.open("/profile").await.html.contains(&codes[0]), "they are shown once");

    let elsewhere = Browser::of(&console);
    let first =
        elsewhere.post("/login", "sign_in", &[("name", "ada"), ("password", PASSWORD), ("next", "/users")]).await;
    assert_eq!(first.to, "/login/code");
    assert!(elsewhere.open("/users").await.to.starts_with("/login"), "half a sign-in opens nothing");
    assert_eq!(elsewhere.open("/login/code").await.status, 200);
    assert_eq!(elsewhere.post("/login/code", "enter_code", &[("code", "000000")]).await.to, "/login/code");
    assert!(elsewhere.open("/login/code").await.html.contains("Wrong or already used code"));
    let second = elsewhere.post("/login/code", "enter_code", &[("code", &codes[9])]).await;
    assert_eq!(second.to, "/users");
    assert!(second.cookie.is_some() && second.cookie != first.cookie, "another session than before");
    assert_eq!(elsewhere.open("/users").await.status, 200);
    assert_eq!(Browser::of(&console).open("/login/code").await.to, "/login", "nobody is half signed in there");
    console.stop().await;
}
