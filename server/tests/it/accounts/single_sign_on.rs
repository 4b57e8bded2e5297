//! Single sign-on against the npm package `oidc-provider`, on both databases.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use callsheet::accounts::{ProviderConfig, UserState, UserView};
use callsheet::model::{Actor, Role};
use serde_json::{Value, json};
use url::Url;

use super::PASSWORD;
use super::browser::{Browser, Shown};
use crate::support::{Database, TestConsole, on_both_databases};

on_both_databases!(
    a_stranger_with_a_role_becomes_a_user,
    the_role_follows_the_claim,
    who_has_no_role_stays_out,
    a_name_that_is_taken_is_told,
    a_deactivated_user_stays_out,
    answers_count_once_and_for_their_browser_only,
    a_provider_that_is_down_stops_nobody_else,
    an_admin_sees_what_the_provider_sends,
);

/// Where the provider sends browsers back to; the tests go to the console's real port.
pub(crate) const PUBLIC: &str = "http://console.test";
/// What the provider and the console share, as its script has it.
pub(crate) const SECRET: &str = "a secret of the tests";

/// The provider as a process of its own; killed when it goes out of sight.
pub(crate) struct Provider {
    child: Child,
    pub(crate) issuer: String,
}

impl Provider {
    pub(crate) fn start() -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../end2end/fixtures/provider.mjs");
        let mut command = Command::new("node");
        command.arg(script).arg(format!("{PUBLIC}/login/callback")).stdin(Stdio::null());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("node");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines().map_while(Result::ok);
        let issuer = lines.find(|line| line.starts_with("http://")).expect("end2end/node_modules is installed");
        Self { child, issuer }
    }

    /// Signs in this person from now on.
    pub(crate) async fn knows(&self, claims: Value) {
        let request = reqwest::Client::new().put(format!("{}/user", self.issuer)).json(&claims);
        assert_eq!(request.send().await.expect("an answer").status(), 204);
    }

    fn stop(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn start(database: Database) -> (TestConsole, Provider) {
    let provider = Provider::start();
    let config = ProviderConfig {
        issuer: provider.issuer.clone(),
        client_id: "callsheet".to_owned(),
        client_secret: Some(SECRET.to_owned().into()),
        role_claims: vec!["roles".to_owned(), "groups".to_owned()],
        audiences: Vec::new(),
        public_url: Url::parse(PUBLIC).expect("an address"),
    };
    let console = TestConsole::start_with(database, |settings| settings.provider = Some(config)).await;
    console.console.accounts.create_user(&Actor::cli(), "ada", Role::Admin, PASSWORD).await.expect("created");
    (console, provider)
}

/// Goes to the provider; answers with where it sends the browser back to: a path of the console.
pub(crate) async fn away(browser: &Browser, provider: &Provider) -> String {
    let to = browser.open("/login/provider?next=/domains").await.to;
    assert!(to.starts_with(&provider.issuer), "{to}");
    for part in ["code_challenge_method=S256", "state=", "nonce=", "response_type=code"] {
        assert!(to.contains(part), "{to}");
    }
    follow(browser, &to, &provider.issuer).await
}

/// Follows the provider's redirects until it sends the browser back to a path of the console.
async fn follow(browser: &Browser, to: &str, issuer: &str) -> String {
    let mut to = to.to_owned();
    loop {
        if let Some(path) = to.strip_prefix(PUBLIC) {
            return path.to_owned();
        }
        let shown = browser.open(&if to.starts_with('/') { format!("{issuer}{to}") } else { to }).await;
        assert!((300..400).contains(&shown.status), "{}: {}", shown.status, shown.html);
        to = shown.to;
    }
}

async fn sign_in(browser: &Browser, provider: &Provider) -> Shown {
    let back = away(browser, provider).await;
    browser.open(&back).await
}

async fn users(console: &TestConsole) -> Vec<UserView> {
    console.console.accounts.list(&Actor::cli()).await.expect("a list")
}

async fn a_stranger_with_a_role_becomes_a_user(database: Database) {
    let (console, provider) = start(database).await;
    provider
        .knows(json!({ "sub": "7", "preferred_username": "grace", "roles": ["staff", "operator", "reviewer"] }))
        .await;
    let browser = Browser::of(&console);
    assert!(browser.open("/login").await.html.contains("Sign in with 127.0.0.1"));
    let before = browser.sign_in("grace", PASSWORD).await.cookie.expect("a cookie");
    let back = sign_in(&browser, &provider).await;
    assert_eq!((back.status, back.to.as_str()), (302, "/domains"), "{}", back.html);
    assert_ne!(back.cookie.expect("a cookie"), before, "another session than before");
    assert_eq!(browser.open("/domains").await.status, 200);
    let grace = users(&console).await.remove(1);
    assert_eq!((grace.name.as_str(), grace.role, grace.state), ("grace", Role::Operator, UserState::Active));
    assert_eq!(grace.issuer.as_deref(), Some(provider.issuer.as_str()));
    assert!(grace.last_sign_in_at.is_some());
    assert_eq!(Browser::of(&console).sign_in("grace", "").await.to, "/login", "without a password");

    let (accounts, cli) = (&console.console.accounts, Actor::cli());
    for outcome in [
        accounts.new_link(&cli, grace.id).await.map(drop),
        accounts.set_role(&cli, grace.id, Role::Admin).await.map(drop),
    ] {
        assert!(matches!(outcome, Err(callsheet::accounts::AccountError::ByProvider)), "{outcome:?}");
    }
    provider.knows(json!({ "sub": "8", "email": "hopper@example.com", "groups": ["reviewer"] })).await;
    assert_eq!(sign_in(&Browser::of(&console), &provider).await.to, "/domains");
    assert_eq!(users(&console).await[2].name, "hopper@example.com");
    console.stop().await;
}

async fn the_role_follows_the_claim(database: Database) {
    let (console, provider) = start(database).await;
    for (roles, role, users_page) in [
        (json!("reviewer"), Role::Reviewer, 403),
        (json!(["admin"]), Role::Admin, 200),
        (json!(["operator"]), Role::Operator, 403),
    ] {
        provider.knows(json!({ "sub": "7", "preferred_username": "grace", "roles": roles })).await;
        let browser = Browser::of(&console);
        assert_eq!(sign_in(&browser, &provider).await.to, "/domains");
        let all = users(&console).await;
        assert_eq!((all.len(), all[1].role), (2, role), "the same user");
        assert_eq!(browser.open("/users").await.status, users_page);
    }
    console.stop().await;
}

async fn who_has_no_role_stays_out(database: Database) {
    let (console, provider) = start(database).await;
    for claims in [json!({ "sub": "7", "preferred_username": "grace" }), json!({ "sub": "7", "roles": ["boss"] })] {
        provider.knows(claims).await;
        let browser = Browser::of(&console);
        let back = sign_in(&browser, &provider).await;
        assert_eq!(back.status, 403);
        assert!(back.html.contains("gives you none of the roles"), "{}", back.html);
        assert!(browser.open("/domains").await.to.starts_with("/login"));
    }
    provider.knows(json!({ "refuse": true })).await;
    let back = sign_in(&Browser::of(&console), &provider).await;
    assert!(back.status == 403 && back.html.contains("denied the sign-in: access_denied."), "{}", back.html);
    assert_eq!(users(&console).await.len(), 1);
    console.stop().await;
}

async fn a_name_that_is_taken_is_told(database: Database) {
    let (console, provider) = start(database).await;
    provider.knows(json!({ "sub": "7", "preferred_username": "ada", "roles": ["admin"] })).await;
    let back = sign_in(&Browser::of(&console), &provider).await;
    assert_eq!(back.status, 409);
    assert!(back.html.contains("Your name at the identity provider, ada,"), "{}", back.html);
    assert_eq!(users(&console).await.len(), 1, "nobody becomes somebody else");
    console.stop().await;
}

async fn a_deactivated_user_stays_out(database: Database) {
    let (console, provider) = start(database).await;
    provider.knows(json!({ "sub": "7", "preferred_username": "grace", "roles": ["operator"] })).await;
    sign_in(&Browser::of(&console), &provider).await;
    let grace = users(&console).await[1].id;
    console.console.accounts.set_active(&Actor::cli(), grace, false).await.expect("deactivated");
    let back = sign_in(&Browser::of(&console), &provider).await;
    assert!(back.status == 403 && back.html.contains("Your account is deactivated."), "{}", back.html);
    console.stop().await;
}

async fn answers_count_once_and_for_their_browser_only(database: Database) {
    let (console, provider) = start(database).await;
    provider.knows(json!({ "sub": "7", "preferred_username": "grace", "roles": ["operator"] })).await;
    let refused = |back: Shown, told: &str| {
        assert!(back.status == 422 && back.html.contains(told), "{}: {}", back.status, back.html);
    };
    let not_ours = "does not belong to this browser";
    let (browser, victim) = (Browser::of(&console), Browser::of(&console));
    let back = away(&browser, &provider).await;
    refused(victim.open(&back).await, not_ours);
    away(&victim, &provider).await;
    refused(victim.open(&back).await, not_ours);
    assert_eq!(browser.open(&back).await.to, "/domains");

    // The same code once more, with the state of a new try.
    let (again, other) = (Browser::of(&console), Browser::of(&console));
    refused(again.open(&back).await, not_ours);
    let fresh = away(&other, &provider).await;
    let part = |path: &str, name: &str| {
        let url = Url::parse(PUBLIC).expect("an address").join(path).expect("a path");
        url.query_pairs().find(|(key, _)| key == name).expect(name).1.into_owned()
    };
    let mixed = format!("/login/callback?state={}&code={}", part(&fresh, "state"), part(&back, "code"));
    refused(other.open(&mixed).await, "rejected the authorization code");
    refused(other.open(&fresh).await, not_ours);
    refused(other.open("/login/callback").await, not_ours);
    console.stop().await;
}

async fn a_provider_that_is_down_stops_nobody_else(database: Database) {
    let (console, mut provider) = start(database).await;
    provider.stop();
    let browser = Browser::of(&console);
    let shown = browser.open("/login/provider").await;
    assert!(shown.status == 503 && shown.html.contains("The identity provider does not respond."), "{}", shown.html);
    assert_eq!(browser.sign_in("ada", PASSWORD).await.to, "/");
    let console = console.restart().await;
    assert_eq!(Browser::of(&console).open("/login/provider").await.status, 404, "without a provider");
    assert!(!Browser::of(&console).open("/login").await.html.contains("/login/provider"));
    console.stop().await;
}

async fn an_admin_sees_what_the_provider_sends(database: Database) {
    const PAGE: &str = "/settings/single-sign-on";
    let (console, provider) = start(database).await;
    let admin = Browser::of(&console);
    admin.sign_in("ada", PASSWORD).await;
    let test = async || {
        let posted = admin.post(PAGE, "test_single_sign_on", &[]).await;
        let leave = admin.open(&posted.to).await;
        if let Some(to) = leave.refresh.strip_prefix("0; url=") {
            let back = follow(&admin, to, &provider.issuer).await;
            assert_eq!(admin.open(&back).await.to, PAGE);
        }
        admin.open(PAGE).await.html
    };
    provider.knows(json!({ "sub": "7", "preferred_username": "grace", "groups": ["staff", "operator"] })).await;
    let html = test().await;
    for part in [
        "grace would be created and signed in as Operator, based on the claim groups.",
        r#"["staff","operator"]"#,
        "preferred_username",
        "ID token",
        "UserInfo",
        &format!("{PUBLIC}/login/callback"),
    ] {
        assert!(html.contains(part), "no {part} in {html}");
    }
    assert!(!html.contains(SECRET) && !html.contains("eyJ"), "a secret or a token in {html}");
    provider.knows(json!({ "sub": "7", "preferred_username": "grace", "groups": "staff" })).await;
    let html = test().await;
    let cause =
        "no role: looked for admin, operator or reviewer in roles, groups; the ID token has none of them, but sub";
    assert!(html.contains(cause) && html.contains(r#"the userinfo has groups = "staff" among"#), "{html}");
    assert_eq!((users(&console).await.len(), admin.open("/users").await.status), (1, 200), "nothing changed");
    console.stop().await;
}
