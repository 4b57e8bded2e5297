//! Signatures are verified with the `standardwebhooks` crate.

use http::{HeaderMap, HeaderValue};

use crate::model::{Clock, SystemClock};
use crate::outbound::{BadSecret, SigningSecret, sign};

fn headers(id: &str, timestamp: i64, signature: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in
        [("webhook-id", id), ("webhook-timestamp", &timestamp.to_string()), ("webhook-signature", signature)]
    {
        headers.insert(name, HeaderValue::from_str(value).expect("a header"));
    }
    headers
}

#[test]
fn signs_as_the_published_example_does() {
    let secret = SigningSecret::parse("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD").expect("a secret");
    let body = br#"{"email":"test@example.com","username":"test_user"}"#;
    let signature = sign(&[secret], "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", 1_649_367_553, body);
    assert_eq!(signature, "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=");
}

#[test]
fn either_secret_verifies_during_rotation_and_no_other_does() {
    let (old, new, other) = (SigningSecret::generate(), SigningSecret::generate(), SigningSecret::generate());
    let now = SystemClock.now() / 1_000;
    let signature = sign(&[new.clone(), old.clone()], "evt_1", now, b"{}");
    let headers = headers("evt_1", now, &signature);
    assert!(old.verify(&headers, b"{}").is_ok());
    assert!(new.verify(&headers, b"{}").is_ok());
    assert!(other.verify(&headers, b"{}").is_err());
    assert!(new.verify(&headers, b"{ }").is_err());
}

#[test]
fn an_old_timestamp_does_not_verify() {
    let secret = SigningSecret::generate();
    let old = SystemClock.now() / 1_000 - 3_600;
    let signature = sign(std::slice::from_ref(&secret), "evt_1", old, b"{}");
    assert!(secret.verify(&headers("evt_1", old, &signature), b"{}").is_err());
}

#[test]
fn secrets_survive_a_round_trip_and_stay_out_of_logs() {
    let secret = SigningSecret::generate();
    let again = SigningSecret::parse(&format!(" {}\n", secret.expose())).expect("a secret");
    assert_eq!(again.expose(), secret.expose());
    assert_ne!(SigningSecret::generate().expose(), secret.expose());
    let key = secret.expose().strip_prefix("whsec_").expect("the prefix");
    assert!(!format!("{secret:?}").contains(key));
}

#[test]
fn bad_secrets_are_refused() {
    let parse = |text| SigningSecret::parse(text).expect_err("refused");
    assert_eq!(parse("C2FVsBQIhrscChlQIMV+b5sSYspob7oD"), BadSecret::NoPrefix);
    assert_eq!(parse("whsec_not base64!"), BadSecret::NotBase64);
    assert_eq!(parse("whsec_c2hvcnQ="), BadSecret::BadLength);
}
