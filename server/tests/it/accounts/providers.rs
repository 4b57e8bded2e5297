//! Single sign-on with the answers of real providers: each row is a behaviour of a provider and the outcome of a sign-in. An admin's test
//! must have the same outcome.

use std::sync::Arc;

use callsheet::accounts::{ProviderConfig, UserView};
use callsheet::model::{Actor, Role, TestClock};
use serde_json::{Value, json};
use url::Url;

use super::browser::{Browser, Shown};
use super::fake_provider::FakeProvider;
use super::single_sign_on::{PUBLIC, SECRET};
use super::{HOUR_MS, NOW, PASSWORD};
use crate::support::{Database, TestConsole};

/// The right outcome: the user's name; or the status, a part of the person's text, and a part of the cause.
enum Right {
    In(&'static str),
    Out(u16, &'static str, &'static str),
}
use Right::{In, Out};

const ZITADEL: &str = "urn:zitadel:iam:org:project:roles";

/// Providers on whose issuer the console's setting agrees.
#[expect(clippy::too_many_lines, reason = "one table")]
fn cases() -> Vec<(&'static str, Value, Right)> {
    vec![
        ("nothing special", json!({}), In("ada.demo")),
        // Auth0 and better-auth: a time as text in a claim that nobody reads.
        ("a time as text", json!({ "claims": { "updated_at": "2026-11-22T09:01:03.841Z" } }), In("ada.demo")),
        (
            "claims of odd types",
            json!({ "claims": { "email_verified": 1, "address": "a road", "auth_time": "now", "name": [], "birthdate": 7 } }),
            In("ada.demo"),
        ),
        ("numbers as text and fractions", json!({ "claims": { "exp": "2000000000.5", "iat": 1.5 } }), In("ada.demo")),
        // AWS Cognito: no name in the ID token, and text for a boolean in userinfo.
        (
            "a boolean as text in userinfo",
            json!({
                "claims": { "sub": "2", "preferred_username": null, "email": null, "groups": null, "cognito:groups": ["operator"] },
                "userinfo": { "sub": "2", "email": "ada@example.com", "email_verified": "true", "phone_number_verified": "true" },
            }),
            In("ada@example.com"),
        ),
        (
            "roles in userinfo",
            json!({ "claims": { "groups": null }, "userinfo": { "groups": "staff, operator", "address": 7 } }),
            In("ada.demo"),
        ),
        (
            "signed userinfo",
            json!({ "claims": { "groups": null }, "userinfo": { "groups": ["operator"] }, "userinfo_signed": true }),
            In("ada.demo"),
        ),
        (
            "no userinfo endpoint",
            json!({ "claims": { "sub": "2", "preferred_username": null }, "discovery": { "userinfo_endpoint": null } }),
            In("ada@example.com"),
        ),
        // Zitadel: several audiences, and roles as an object.
        (
            "trusted audiences",
            json!({ "claims": { "aud": ["callsheet", "project"], "azp": "callsheet" } }),
            In("ada.demo"),
        ),
        (
            "roles as an object",
            json!({ "claims": { "groups": null, ZITADEL: { "operator": { "9": "x" } } } }),
            In("ada.demo"),
        ),
        // Keycloak: paths of groups, nested roles, and discovery with members of odd types.
        ("a path of a group", json!({ "claims": { "groups": ["/operator", "/staff/all"] } }), In("ada.demo")),
        (
            "nested roles",
            json!({ "claims": { "groups": null, "realm_access": { "roles": ["offline_access", "operator"] } } }),
            In("ada.demo"),
        ),
        (
            "odd metadata",
            json!({ "discovery": { "claims_supported": "all", "ui_locales_supported": ["not a locale!"],
                "request_parameter_supported": "true", "response_types_supported": null, "op_policy_uri": "" } }),
            In("ada.demo"),
        ),
        // RFC 6749, section 2.3.1, and Discovery 1.0, section 3.
        ("secret by Basic only", json!({ "takes": "client_secret_basic" }), In("ada.demo")),
        (
            "secret in the body only",
            json!({ "takes": "client_secret_post",
                "discovery": { "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"] } }),
            In("ada.demo"),
        ),
        ("both advertised, and one taken", json!({ "takes": "client_secret_post" }), In("ada.demo")),
        (
            "nothing advertised",
            json!({ "takes": "client_secret_basic", "discovery": { "token_endpoint_auth_methods_supported": null } }),
            In("ada.demo"),
        ),
        ("new keys since the console asked", json!({ "key": "changes" }), In("ada.demo")),
        (
            "a token without the name of its key",
            json!({ "header": { "kid": null, "typ": "anything" } }),
            In("ada.demo"),
        ),
        (
            "other methods only",
            json!({ "discovery": { "token_endpoint_auth_methods_supported": ["private_key_jwt", "tls_client_auth"] } }),
            Out(503, "is not configured correctly", "only private_key_jwt, tls_client_auth for"),
        ),
        (
            "a wrong client or secret",
            json!({ "takes": "nothing", "token_error": [401, { "error": "invalid_client" }] }),
            Out(503, "client ID or secret", "invalid_client; check oidc_client_id and oidc_client_secret"),
        ),
        ("a bare 401", json!({ "token_error": [401, {}] }), Out(503, "client ID or secret", "status 401")),
        (
            "a code that is not taken",
            json!({ "token_error": [400, { "error": "invalid_grant", "error_description": "expired" }] }),
            Out(422, "was already used or has expired", "invalid_grant (expired)"),
        ),
        (
            "another error for the code",
            json!({ "token_error": [400, { "error": "invalid_request" }] }),
            Out(503, "returned an error", "invalid_request"),
        ),
        (
            "a gateway's error",
            json!({ "token_error": [502, "bad gateway"] }),
            Out(503, "does not respond", "status 502"),
        ),
        (
            "no ID token",
            json!({ "token_error": [200, { "access_token": "at" }] }),
            Out(503, "is not configured", "its response has no id_token"),
        ),
        (
            "a refusal at the provider",
            json!({ "denies": "access_denied" }),
            Out(403, "denied the sign-in: access_denied.", "access_denied (not assigned)"),
        ),
        (
            "another issuer",
            json!({ "discovery": { "issuer": "https://elsewhere.example.com" } }),
            Out(503, "is not configured correctly", "issuer is `https://elsewhere.example.com`"),
        ),
        (
            "no discovery document",
            json!({ "discovery": "none" }),
            Out(503, "is not configured", "it is not a JSON object"),
        ),
        (
            "no token endpoint",
            json!({ "discovery": { "token_endpoint": null } }),
            Out(503, "is not configured correctly", "it has no token_endpoint"),
        ),
        (
            "an address that is none of HTTP",
            json!({ "discovery": { "authorization_endpoint": "javascript:alert(1)" } }),
            Out(503, "is not configured correctly", "authorization_endpoint is not an http(s) URL"),
        ),
        ("a forged signature", json!({ "signature": "forged" }), Out(422, "could not be verified", "does not match")),
        ("no signature", json!({ "header": { "alg": "none" } }), Out(422, "could not be verified", "it is not signed")),
        (
            "a signature by the secret that was not agreed on",
            json!({ "header": { "alg": "HS256" } }),
            Out(422, "could not be verified", "HS256\" is not advertised"),
        ),
        ("an unknown key", json!({ "header": { "kid": "k9" } }), Out(422, "could not be verified", "no key `k9`")),
        ("critical members", json!({ "header": { "crit": ["b64"] } }), Out(422, "could not be verified", "critical")),
        (
            "a token of another issuer",
            json!({ "claims": { "iss": "https://elsewhere.example.com" } }),
            Out(422, "could not be verified", "its issuer is `https://elsewhere.example.com`"),
        ),
        (
            "another nonce",
            json!({ "claims": { "nonce": "n" } }),
            Out(422, "belongs to another sign-in", "nonce does not belong"),
        ),
        (
            "an expired token",
            json!({ "claims": { "exp": 1_795_000_000 } }),
            Out(422, "has expired", "expired at 2026-11-18T11:06:40Z, and the console's clock is at"),
        ),
        (
            "an audience that is not trusted",
            json!({ "claims": { "aud": ["callsheet", "stranger"], "azp": "callsheet" } }),
            Out(403, "is not intended for this console only", "`stranger`; list each of them in oidc_audiences"),
        ),
        (
            "a token that was issued to another client",
            json!({ "claims": { "azp": "other" } }),
            Out(403, "is not intended for this console only", "azp is `other`"),
        ),
        (
            "a token for others",
            json!({ "claims": { "aud": ["project"], "azp": "callsheet" } }),
            Out(403, "is not intended for this console only", "aud is `project`, without oidc_client_id `callsheet`"),
        ),
        (
            "userinfo of somebody else",
            json!({ "claims": { "groups": null }, "userinfo": { "sub": "9", "groups": ["admin"] } }),
            Out(503, "did not return your user information", "its sub is `9`"),
        ),
        (
            "userinfo without a subject",
            json!({ "claims": { "groups": null }, "userinfo": { "sub": null }, "userinfo_signed": true }),
            Out(503, "did not return your user information", "it has no sub"),
        ),
        (
            "userinfo that is refused",
            json!({ "claims": { "groups": null }, "userinfo": "refused" }),
            Out(503, "did not return your user information", "status 403"),
        ),
        (
            "roles among values",
            json!({ "claims": { "groups": null, ZITADEL: { "9": "operator" } } }),
            Out(403, "none of the roles", "{\"9\":\"operator\"}"),
        ),
        (
            "a longer path of a group",
            json!({ "claims": { "groups": ["/evil/admin", "evil/admin"] } }),
            Out(403, "none of the roles", "groups = [\"/evil/admin\",\"evil/admin\"]"),
        ),
        (
            "no role at all",
            json!({ "claims": { "groups": null, "department": "video" } }),
            Out(403, "none of the roles", "the ID token has none of them, but iss, sub, aud"),
        ),
        (
            "the name of another user",
            json!({ "claims": { "sub": "demo|2", "preferred_username": "root" } }),
            Out(409, "Your name at the identity provider, root,", "the name root is used by another user"),
        ),
        (
            "no name that can be read",
            json!({ "claims": { "sub": "\u{1}", "preferred_username": "\u{2}", "email": "\u{3}" } }),
            Out(403, "no name for you", "none of preferred_username, email and sub"),
        ),
    ]
}

struct Bench {
    console: TestConsole,
    provider: FakeProvider,
    clock: Arc<TestClock>,
}

impl Bench {
    /// `slash`: at the end of the issuer that is configured.
    async fn start(slash: &str) -> Self {
        let clock = Arc::new(TestClock::at(NOW));
        let provider = FakeProvider::start(clock.clone()).await;
        let claims = ["groups", ZITADEL, "cognito:groups", "realm_access.roles"];
        let config = ProviderConfig {
            issuer: format!("{}{slash}", provider.issuer),
            client_id: "callsheet".to_owned(),
            client_secret: Some(SECRET.to_owned().into()),
            role_claims: claims.map(str::to_owned).to_vec(),
            audiences: vec!["project".to_owned()],
            public_url: Url::parse(PUBLIC).expect("an address"),
        };
        let console =
            TestConsole::start_at(Database::sqlite(), clock.clone(), |settings| settings.provider = Some(config)).await;
        console.console.accounts.create_user(&Actor::cli(), "root", Role::Admin, PASSWORD).await.expect("created");
        Self { console, provider, clock }
    }

    /// A browser of an address of its own, so that no limit of sign-ins counts.
    fn browser(&self, number: usize) -> Browser {
        Browser::from(self.console.url(""), &format!("192.0.2.{number}"))
    }

    /// An admin who is signed in.
    async fn admin(&self) -> Browser {
        let admin = Browser::of(&self.console);
        assert_eq!(admin.sign_in("root", PASSWORD).await.to, "/");
        admin
    }

    async fn users(&self) -> Vec<UserView> {
        self.console.console.accounts.list(&Actor::cli()).await.expect("a list")
    }
}

/// Goes by the provider from where it is asked for, and opens the page where the browser ends.
async fn through(browser: &Browser, left: Shown) -> Shown {
    if !left.to.starts_with("http://") {
        return left;
    }
    let to = browser.open(&left.to).await.to;
    browser.open(to.strip_prefix(PUBLIC).expect("back to the console")).await
}

async fn sign_in(browser: &Browser) -> Shown {
    let left = browser.open("/login/provider?next=/domains").await;
    through(browser, left).await
}

/// Presses *Test*; answers with the page of the result.
async fn test(admin: &Browser) -> String {
    let page = "/settings/single-sign-on";
    let posted = admin.post(page, "test_single_sign_on", &[]).await;
    if posted.to != page {
        assert_eq!(posted.to, "/settings/single-sign-on/leave");
        let leave = admin.open(&posted.to).await;
        let to = leave.refresh.strip_prefix("0; url=").expect("a way on").to_owned();
        let back = through(admin, Shown { to, ..leave }).await;
        assert_eq!(back.to, page, "{}", back.html);
    }
    admin.open(page).await.html
}

#[tokio::test(flavor = "multi_thread")]
async fn providers_are_taken_as_they_are() {
    try_all(cases().into_iter().filter(|(.., right)| matches!(right, In(_)))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_refusal_names_its_cause() {
    try_all(cases().into_iter().filter(|(.., right)| matches!(right, Out(..)))).await;
}

async fn try_all(cases: impl Iterator<Item = (&'static str, Value, Right)>) {
    let bench = Bench::start("").await;
    // The limit of sign-ins counts for tests too.
    let admins = [bench.browser(251), bench.browser(252)];
    for admin in &admins {
        assert_eq!(admin.sign_in("root", PASSWORD).await.to, "/");
    }
    for (number, (name, behaviour, right)) in cases.enumerate() {
        // Metadata is asked for again after an hour.
        bench.clock.advance(2 * HOUR_MS);
        bench.provider.behaves(&behaviour);
        let (admin, browser) = (&admins[number % admins.len()], bench.browser(number));
        let before = bench.users().await.len();
        let tested = test(admin).await;
        assert_eq!(bench.users().await.len(), before, "{name}: a test makes no user");
        let back = sign_in(&browser).await;
        match right {
            In(user) => {
                assert_eq!(back.to, "/domains", "{name}: {}", back.html);
                let users = bench.users().await;
                let made = users.iter().find(|found| found.name == user).expect(name);
                assert_eq!((made.role, made.issuer.as_ref()), (Role::Operator, Some(&bench.provider.issuer)), "{name}");
                let known = format!("{user} would be signed in as Operator, based on the claim");
                let new = format!("{user} would be created and signed in as Operator, based on the claim");
                assert!(tested.contains(if users.len() > before { &new } else { &known }), "{name}: {tested}");
            }
            Out(status, told, cause) => {
                assert_eq!(back.status, status, "{name}: {}", back.html);
                assert!(back.html.contains(told), "{name}: {}", back.html);
                assert!(!back.html.contains(cause), "{name} shows its inside");
                assert!(back.html.contains("server log under"), "{name}: {}", back.html);
                assert!(tested.contains("would be refused") && tested.contains(told), "{name}: {tested}");
                assert!(tested.contains(cause), "{name}: {tested}");
                assert!(browser.open("/domains").await.to.starts_with("/login"), "{name}");
            }
        }
    }
    for admin in &admins {
        assert_eq!(admin.open("/users").await.status, 200, "still signed in as the admin");
    }
    bench.console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_issuer_counts_as_it_is_written() {
    for (configured, written, lets_in) in [("", "", true), ("/", "/", true), ("", "/", false), ("/", "", false)] {
        let bench = Bench::start(configured).await;
        let issuer = format!("{}{written}", bench.provider.issuer);
        bench.provider.behaves(&json!({ "discovery": { "issuer": issuer }, "claims": { "iss": issuer } }));
        let tested = test(&bench.admin().await).await;
        let back = sign_in(&Browser::of(&bench.console)).await;
        assert_eq!(back.to == "/domains", lets_in, "{configured:?}, {written:?}: {}", back.html);
        assert_eq!(tested.contains("would be refused"), !lets_in, "{tested}");
        if !lets_in {
            let own = format!("{}{configured}", bench.provider.issuer);
            let cause = format!("oidc_issuer is `{own}`, but the provider's issuer is `{issuer}`");
            assert!(tested.contains(&cause), "{tested}");
        }
        bench.console.stop().await;
    }
}

/// Starts a test; answers with the path by which the provider sends the browser back.
async fn away(admin: &Browser) -> String {
    let posted = admin.post("/settings/single-sign-on", "test_single_sign_on", &[]).await;
    let leave = admin.open(&posted.to).await;
    let to = admin.open(leave.refresh.strip_prefix("0; url=").expect("a way on")).await.to;
    to.strip_prefix(PUBLIC).expect("back to the console").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_is_for_one_admin_and_one_answer() {
    const PAGE: &str = "/settings/single-sign-on";
    let bench = Bench::start("").await;
    let accounts = &bench.console.console.accounts;
    for (name, role) in [("eve", Role::Admin), ("otto", Role::Operator)] {
        accounts.create_user(&Actor::cli(), name, role, PASSWORD).await.expect("created");
    }
    let (ada, eve, otto) = (bench.admin().await, Browser::of(&bench.console), Browser::of(&bench.console));
    eve.sign_in("eve", PASSWORD).await;
    otto.sign_in("otto", PASSWORD).await;
    for page in [PAGE, "/settings/single-sign-on/leave"] {
        assert_eq!(otto.open(page).await.status, 403, "{page}");
    }
    assert!(!otto.open("/settings").await.html.contains(PAGE));
    assert!(ada.open("/settings").await.html.contains(PAGE));
    let shown = async |browser: &Browser| browser.open(PAGE).await.html.contains("Test result");

    let back = away(&ada).await;
    for (other, to) in [(&eve, "/"), (&otto, "/")] {
        assert_eq!(other.open(&back).await.to, to);
    }
    let nobody = Browser::of(&bench.console).open(&back).await;
    assert!(nobody.status == 422 && nobody.html.contains("does not belong to this browser"), "{}", nobody.html);
    assert!(!shown(&eve).await && !shown(&ada).await);
    // An answer of another sign-in does not end the test.
    assert_eq!(ada.open("/login/callback?state=guessed&code=guessed").await.to, "/");
    assert_eq!(ada.open(&back).await.to, PAGE);
    assert!(shown(&ada).await && !shown(&eve).await);
    assert_eq!(ada.open(&back).await.to, "/", "once");
    assert_eq!(bench.users().await.len(), 3, "nobody was made");

    // The next user of the same browser sees nothing of it.
    ada.post("/", "sign_out", &[]).await;
    ada.sign_in("eve", PASSWORD).await;
    assert!(!shown(&ada).await);

    away(&eve).await;
    let back = away(&eve).await;
    bench.clock.advance(10 * 60_000);
    assert_eq!(eve.open(&back).await.to, "/", "too late");
    assert!(test(&eve).await.contains("Test result"));
    bench.clock.advance(10 * 60_000);
    assert!(!shown(&eve).await, "kept for ten minutes");
    bench.console.stop().await;
}
