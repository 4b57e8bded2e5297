//! Claims in the formats of real providers.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::claims::{Claims, Expected, names};
use super::roles::{Sources, find, role};
use crate::model::Role;

const NOW: i64 = 1_795_357_880_000;
const NOW_S: i64 = NOW / 1000;
const URL: &str = "https://example.com/roles";

fn claims(value: Value) -> Claims {
    value.as_object().cloned().expect("an object")
}

/// Cases: configured claims, received claims, granted role.
#[test]
fn roles_are_read_in_every_form_in_use() {
    const OPERATOR: Option<Role> = Some(Role::Operator);
    let zitadel = "urn:zitadel:iam:org:project:roles";
    let cases = [
        // Lists and texts.
        (&["roles"][..], json!({ "roles": ["reviewer", "admin", "operator"] }), Some(Role::Admin)),
        (&["roles"], json!({ "roles": "operator" }), OPERATOR),
        (&["roles"], json!({ "roles": "staff operator" }), OPERATOR),
        (&["roles"], json!({ "roles": "staff,operator , reviewer" }), OPERATOR),
        (&["roles"], json!({ "roles": ["staff", " operator "] }), OPERATOR),
        (&["roles"], json!({ "roles": ["Admin", "administrator", "admin operator", "no admin"] }), None),
        (&["roles"], json!({ "roles": "domain admin, staff" }), None),
        (&["roles"], json!({ "roles": [["admin"], 7, null, true] }), None),
        (&["roles"], json!({ "roles": 7 }), None),
        (&["roles"], json!({ "roles": true }), None),
        // AWS Cognito writes lists from SAML as one text.
        (&["custom:groups"], json!({ "custom:groups": "[staff, operator]" }), OPERATOR),
        (&["custom:groups"], json!({ "custom:groups": "[\"staff\", \"operator\"]" }), OPERATOR),
        (&["custom:groups"], json!({ "custom:groups": "[operator]" }), OPERATOR),
        // The first claim that is there counts; one that is null is not there.
        (&["roles", "groups"], json!({ "groups": "operator" }), OPERATOR),
        (&["roles", "groups"], json!({ "roles": null, "groups": "operator" }), OPERATOR),
        (&["roles", "groups"], json!({ "roles": ["reviewer"], "groups": ["admin"] }), Some(Role::Reviewer)),
        (&["roles", "groups"], json!({ "roles": 1, "groups": "admin" }), None),
        (&["roles", "groups"], json!({}), None),
        // Zitadel: an object by role, formerly within a list. The values are no roles.
        (&[zitadel], json!({ zitadel: { "operator": { "2000": "demo.example.com" } } }), OPERATOR),
        (&[zitadel], json!({ zitadel: [{ "operator": { "2000": "demo.example.com" } }] }), OPERATOR),
        (&[zitadel], json!({ zitadel: { "2000": "admin", "staff": { "admin": "x" } } }), None),
        (&[zitadel], json!({ zitadel: [{ "id": "7", "admin": "ada@example.com" }] }), None),
        (&["roles"], json!({ "roles": { "operator": true, "admin": false } }), OPERATOR),
        (&["roles"], json!({ "roles": { "admin": null, "operator": 0, "reviewer": "false" } }), None),
        (&["roles"], json!({ "roles": { "admin": "", "operator": [], "reviewer": {} } }), None),
        // Objects that say their name.
        (&["roles"], json!({ "roles": [{ "name": "operator", "isEnabled": true, "value": null }] }), OPERATOR),
        (&["roles"], json!({ "roles": [{ "name": "admin", "isEnabled": false }, { "role": "operator" }] }), OPERATOR),
        (&["roles"], json!({ "roles": [{ "value": "operator", "display": "admin" }] }), OPERATOR),
        (&["roles"], json!({ "roles": [{ "name": "admin", "value": false }] }), None),
        // Keycloak: paths of groups, and roles within other claims.
        (&["groups"], json!({ "groups": ["/operator", "/staff/all"] }), OPERATOR),
        (&["groups"], json!({ "groups": ["/evil/admin", "evil/admin", "//admin", "/admin/", "admin/x"] }), None),
        (&["realm_access.roles"], json!({ "realm_access": { "roles": ["offline_access", "operator"] } }), OPERATOR),
        (&["realm_access"], json!({ "realm_access": { "roles": ["operator"] } }), None),
        (
            &["resource_access.video.console.roles"],
            json!({ "resource_access": { "video.console": { "roles": ["operator"] }, "video": { "console": "admin" } } }),
            OPERATOR,
        ),
        (&["realm_access.roles"], json!({ "realm_access": ["operator"], "realm_access.roles": null }), None),
        // The whole name goes first.
        (&["a.b"], json!({ "a": { "b": "admin" }, "a.b": "operator" }), OPERATOR),
        (&[URL], json!({ URL: ["operator"] }), OPERATOR),
        (
            &["https://example.com/claims.roles"],
            json!({ "https://example.com/claims": { "roles": "operator" } }),
            OPERATOR,
        ),
    ];
    for (configured, came, right) in cases {
        let configured: Vec<String> = configured.iter().map(|&claim| claim.to_owned()).collect();
        let (came, none) = (claims(came), Claims::new());
        for (id_token, userinfo) in [(&came, &none), (&none, &came)] {
            let found = Sources { id_token, userinfo }.first(&configured).and_then(|(_, value)| role(value));
            assert_eq!(found, right, "{configured:?} in {}", Value::Object(came.clone()));
        }
    }
}

#[test]
fn the_id_token_goes_before_userinfo() {
    let configured = ["roles".to_owned(), "groups".to_owned()];
    let (id_token, userinfo) = (claims(json!({ "groups": "reviewer" })), claims(json!({ "roles": "admin" })));
    let sources = Sources { id_token: &id_token, userinfo: &userinfo };
    assert_eq!(sources.first(&configured), Some((&configured[1], &json!("reviewer"))));
}

/// Cases: changes of a valid ID token, expected error code (empty: none).
#[test]
fn id_tokens_are_checked_in_every_form_in_use() {
    let with = |change: Value| {
        let mut token = claims(json!({
            "iss": "https://id.example.com/", "sub": "7", "aud": "console", "iat": NOW_S, "exp": NOW_S + 600, "nonce": "n",
        }));
        for (name, value) in claims(change) {
            if value == "absent" {
                token.remove(&name)
            } else {
                token.insert(name, value)
            };
        }
        token
    };
    let many = ["console", "other", "project"];
    for (change, code) in [
        (json!({}), ""),
        // Claims that are not read may have any type.
        (
            json!({ "updated_at": "2026-11-22T09:01:03.841Z", "email_verified": "true", "address": "a road", "auth_time": [] }),
            "",
        ),
        (json!({ "name": 7, "locale": {}, "phone_number_verified": 1, "acr": 0, "amr": "pwd", "zoneinfo": false }), ""),
        (json!({ "exp": NOW_S as f64 + 600.5, "iat": "now" }), ""),
        (json!({ "exp": (NOW_S + 600).to_string(), "iat": "absent" }), ""),
        (json!({ "exp": "2026-11-22T14:41:20Z" }), ""),
        (json!({ "exp": NOW_S - 59 }), ""),
        (json!({ "exp": NOW_S - 60 }), "sso_expired"),
        (json!({ "exp": -1e300 }), "sso_expired"),
        (json!({ "exp": "tomorrow" }), "sso_bad_token"),
        (json!({ "exp": "NaN" }), "sso_bad_token"),
        (json!({ "exp": "absent" }), "sso_bad_token"),
        (json!({ "iss": "https://id.example.com" }), "sso_bad_token"),
        (json!({ "iss": "absent" }), "sso_bad_token"),
        (json!({ "sub": 7 }), ""),
        (json!({ "sub": "" }), "sso_bad_token"),
        (json!({ "sub": ["7"] }), "sso_bad_token"),
        (json!({ "nonce": "m" }), "sso_bad_nonce"),
        (json!({ "nonce": "absent" }), "sso_bad_nonce"),
        (json!({ "aud": ["console"] }), ""),
        (json!({ "aud": ["console", "console"], "azp": null }), ""),
        (json!({ "aud": many, "azp": "console" }), ""),
        (json!({ "aud": many }), "sso_bad_audience"),
        (json!({ "aud": many, "azp": "other" }), "sso_bad_audience"),
        (json!({ "aud": ["console", "stranger"], "azp": "console" }), "sso_bad_audience"),
        (json!({ "aud": ["other", "project"], "azp": "console" }), "sso_bad_audience"),
        (json!({ "azp": "other" }), "sso_bad_audience"),
        (json!({ "aud": "console other" }), "sso_bad_audience"),
        (json!({ "aud": { "console": true } }), "sso_bad_audience"),
        (json!({ "aud": "absent" }), "sso_bad_audience"),
    ] {
        let token = with(change.clone());
        let audiences = ["other".to_owned(), "project".to_owned()];
        let expected = Expected {
            issuer: "https://id.example.com/",
            client_id: "console",
            audiences: &audiences,
            nonce: "n",
            now: NOW,
        };
        let outcome = expected.check(&token);
        let found = outcome.as_ref().map_or_else(crate::model::Problem::code, |_| "");
        assert_eq!(found, code, "{change}: {outcome:?}");
    }
}

#[test]
fn the_name_is_the_first_usable_claim() {
    for (id_token, userinfo, name) in [
        (json!({ "sub": "7", "preferred_username": "ada" }), json!({}), "ada"),
        (json!({ "sub": "7", "email": "a@example.com" }), json!({ "preferred_username": " ada " }), "ada"),
        (json!({ "sub": "7", "preferred_username": "" }), json!({ "email": ["a@example.com"] }), "a@example.com"),
        (json!({ "sub": 7, "preferred_username": false }), json!({}), "7"),
    ] {
        assert_eq!(names(&claims(id_token), &claims(userinfo)).next().as_deref(), Some(name));
    }
}

proptest! {
    /// A place is found by its path, whatever dots the names have, unless a longer name leads elsewhere first.
    #[test]
    fn paths_lead_to_their_place(names in prop::collection::vec("[a-c:/]{1,3}(\\.[a-c]{1,2})?", 1..5)) {
        let value = names.iter().rev().fold(json!("operator"), |inner, name| json!({ name.as_str(): inner }));
        prop_assert_eq!(find(&names.join("."), value.as_object().expect("an object")), Some(&json!("operator")));
    }

    /// No part of a name gives a role.
    #[test]
    fn longer_names_give_no_role(before in "[a-z/ _-]{0,4}", word in "admin|operator|reviewer", after in "[a-z/_-]{0,4}") {
        let name = format!("{before}{word}{after}");
        let is_role = |text: &str| Role::ALL.iter().any(|role| role.as_str() == text);
        let plain = name.trim();
        let right = is_role(plain.strip_prefix('/').unwrap_or(plain));
        prop_assert_eq!(role(&json!([name])).is_some(), right);
    }

    /// Nothing that a provider may send stops the reader.
    #[test]
    fn any_value_can_be_read(text in "\\PC{0,40}") {
        for value in [json!(text), json!([text]), json!({ text.as_str(): text })] {
            let _ = role(&value);
            let _ = find(&text, &claims(json!({ "a": value })));
        }
    }
}
