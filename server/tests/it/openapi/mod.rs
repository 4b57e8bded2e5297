//! The description of the REST API: what it holds, whether it is true, and what others make of it.

mod client;
mod schemathesis;

use std::collections::BTreeSet;

use callsheet_server::http::api_v1::{DESCRIPTION, description};
use callsheet_server::http::problem::CODES;
use http::{StatusCode, header};
use serde_json::Value;

use crate::support::{Database, TestConsole, callsheet, run, text};
use crate::tidy::rust_files;

/// `GET /api/v1/domains` and so on, each with what is told of it.
fn described() -> Vec<(String, &'static Value)> {
    let paths = DESCRIPTION["paths"].as_object().expect("paths");
    let of_path = |(path, item): (&String, &'static Value)| {
        let methods = item.as_object().expect("an item").iter();
        methods.map(|(method, operation)| (format!("{} {path}", method.to_uppercase()), operation)).collect::<Vec<_>>()
    };
    paths.iter().flat_map(of_path).collect()
}

/// `GET /api/v1/domains` and so on: every operation of the API.
pub(crate) fn operations() -> Vec<String> {
    described().into_iter().map(|(operation, _)| operation).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_console_and_the_command_tell_the_same() {
    let console = TestConsole::start(Database::sqlite()).await;
    let client = reqwest::Client::new();
    let answer = client.get(console.url("/api/openapi.json")).send().await.expect("an answer");
    assert_eq!(
        (answer.status(), &answer.headers()[header::CONTENT_TYPE]),
        (StatusCode::OK, &"application/json".parse().expect("a type"))
    );
    let tag = answer.headers()[header::ETAG].clone();
    assert_eq!(answer.text().await.expect("text"), description());
    let known = client.get(console.url("/api/openapi.json")).header(header::IF_NONE_MATCH, tag).send().await;
    assert_eq!(known.expect("an answer").status(), StatusCode::NOT_MODIFIED);

    let mut command = callsheet(console.data.path(), console.database.url());
    command.arg("openapi");
    let output = run(command, "");
    assert!(output.status.success());
    assert_eq!(text(&output.stdout), description());
    console.stop().await;
}

#[test]
fn every_operation_is_told_of_in_full() {
    let tags: Vec<&Value> = DESCRIPTION["tags"].as_array().expect("tags").iter().map(|tag| &tag["name"]).collect();
    let mut ids = BTreeSet::new();
    for (name, operation) in described() {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        assert!(ids.insert(text(&operation["operationId"])), "{name}: its operationId is taken");
        let summary = text(&operation["summary"]);
        assert!(!summary.is_empty() && !summary.ends_with('.') && !summary.contains('\n'), "{name}: {summary:?}");
        assert!(tags.contains(&&operation["tags"][0]), "{name}: a tag without description");
        let answers = operation["responses"].as_object().expect("answers");
        assert!(answers.keys().any(|status| status.starts_with('2')), "{name}: no answer of success");
        for status in ["401", "403", "429", "503"] {
            assert!(answers.contains_key(status), "{name}: no {status}");
        }
        let path = name.split(' ').nth(1).expect("a path");
        let places = path.matches('{').count();
        let parameters = operation["parameters"].as_array().expect("parameters");
        assert_eq!(parameters.iter().filter(|parameter| parameter["in"] == "path").count(), places, "{name}");
        let keyed = parameters.iter().any(|parameter| parameter["name"] == "Idempotency-Key");
        let repeatable = name.starts_with("POST ") && path != "/api/v1/access-logs";
        assert_eq!(keyed, repeatable, "{name}");
    }
    assert!(ids.len() > 50 && !ids.contains(""));
}

#[test]
fn every_reference_leads_to_something() {
    fn walk(value: &Value, found: &mut BTreeSet<String>) {
        if let Some(to) = value["$ref"].as_str() {
            found.insert(to.to_owned());
        }
        value.as_object().into_iter().flatten().for_each(|(_, value)| walk(value, found));
        value.as_array().into_iter().flatten().for_each(|value| walk(value, found));
    }
    let mut found = BTreeSet::new();
    walk(&DESCRIPTION, &mut found);
    for to in &found {
        assert!(DESCRIPTION.pointer(to.strip_prefix('#').expect("within")).is_some(), "{to}");
    }
    for name in DESCRIPTION["components"]["schemas"].as_object().expect("schemas").keys() {
        assert!(found.contains(&format!("#/components/schemas/{name}")), "{name} is of no use");
    }
}

/// Codes of pages, of the command line and of the JD-compatible API alone.
const ELSEWHERE: [&str; 45] = [
    "bad_request",
    "delivery_none_selected",
    "dns_failed",
    "dns_no_address",
    "dns_not_found",
    "dns_timeout",
    "domain_not_confirmed",
    "login_busy",
    "login_too_many",
    "login_wrong",
    "password_common",
    "password_guessable",
    "password_of_name",
    "password_wrong",
    "recording_not_by_template",
    "setup_bad_link",
    "sso_bad_answer",
    "sso_bad_audience",
    "sso_bad_client",
    "sso_bad_code",
    "sso_bad_nonce",
    "sso_bad_provider",
    "sso_bad_token",
    "sso_bad_userinfo",
    "sso_deactivated",
    "sso_down",
    "sso_expired",
    "sso_name_taken",
    "sso_no_name",
    "sso_no_role",
    "sso_none",
    "sso_refused",
    "sso_token_refused",
    "template_bad_period",
    "template_in_use",
    "template_taken",
    "template_unknown",
    "two_factor_not_started",
    "two_factor_on",
    "two_factor_over",
    "two_factor_wrong_code",
    "upload_no_file",
    "user_bad_link",
    "user_bad_password",
    "user_passwords_differ",
];

#[test]
fn every_code_is_described() {
    let mut codes = BTreeSet::new();
    let http = rust_files("server/src/http").into_iter().filter(|(name, _)| !name.starts_with("server/src/http/jd/"));
    for (_, text) in rust_files("src").into_iter().chain(http) {
        for body in text.split("fn code(").skip(1) {
            let body = body.split("\n    }\n").next().unwrap_or_default();
            codes.extend(body.split('"').skip(1).step_by(2).map(str::to_owned));
        }
        let listed = text.split("problem(").skip(1).filter_map(|rest| rest.split_once(", \""));
        let listed = listed.filter(|(kind, _)| kind.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b':'));
        codes.extend(listed.filter_map(|(_, rest)| rest.split('"').next()).map(str::to_owned));
        let made = text.split("ApiProblem::new(").skip(1).filter_map(|rest| rest.split('"').nth(1));
        codes.extend(made.map(str::to_owned));
    }
    codes.retain(|code| code.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_'));
    assert!(codes.len() > 100, "{codes:?}");
    let unknown: Vec<_> =
        codes.iter().map(String::as_str).filter(|code| CODES.contains(code) == ELSEWHERE.contains(code)).collect();
    assert!(unknown.is_empty(), "neither described nor of elsewhere, or both: {unknown:?}");
    let gone: Vec<_> = CODES.iter().chain(&ELSEWHERE).filter(|code| !codes.contains(**code)).collect();
    assert!(gone.is_empty(), "no error has these codes: {gone:?}");
}
