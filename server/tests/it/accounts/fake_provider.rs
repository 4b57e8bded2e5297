//! An OpenID provider that is right in all but what a test makes of it, as real products are. Everybody who comes is `ada.demo`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD as BASE64};
use callsheet::model::Clock;
use http::{HeaderMap, StatusCode};
use rcgen::{KeyPair, PKCS_ED25519, SigningKey};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;

use super::single_sign_on::SECRET;

pub(crate) const SUBJECT: &str = "demo|1";

/// A provider; it ends when it goes out of sight.
pub(crate) struct FakeProvider {
    /// Without a slash at its end.
    pub(crate) issuer: String,
    shared: Arc<Shared>,
    _serving: AbortOnDropHandle<()>,
}

struct Shared {
    root: String,
    clock: Arc<dyn Clock>,
    /// What differs, by what it concerns: `discovery`, `claims`, `header`, `userinfo` are members that replace those of a right answer
    /// (null removes one); for the others see where they are read.
    behaviour: Mutex<Value>,
    key: Mutex<KeyPair>,
    /// Queries of browsers, by code.
    codes: Mutex<HashMap<String, HashMap<String, String>>>,
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().expect("no test fails under it")
}

fn new_key() -> KeyPair {
    KeyPair::generate_for(&PKCS_ED25519).expect("a key")
}

impl FakeProvider {
    pub(crate) async fn start(clock: Arc<dyn Clock>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let root = format!("http://{}", listener.local_addr().expect("an address"));
        let shared = Arc::new(Shared {
            root: root.clone(),
            clock,
            behaviour: Mutex::default(),
            key: Mutex::new(new_key()),
            codes: Mutex::default(),
        });
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/keys", get(keys))
            .route("/authorize", get(authorize))
            .route("/token", post(token))
            .route("/userinfo", get(userinfo))
            .with_state(shared.clone());
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.expect("serves") });
        Self { issuer: root, shared, _serving: AbortOnDropHandle::new(serving) }
    }

    /// From now on.
    pub(crate) fn behaves(&self, behaviour: &Value) {
        *lock(&self.shared.behaviour) = behaviour.clone();
        *lock(&self.shared.key) = new_key();
    }
}

impl Shared {
    fn part(&self, name: &str) -> Value {
        lock(&self.behaviour).get(name).cloned().unwrap_or_default()
    }

    /// An answer with the members that replace it.
    fn changed(&self, right: Value, name: &str) -> Value {
        let (Value::Object(mut members), changes) = (right, self.part(name)) else { panic!("an object") };
        for (name, value) in changes.as_object().cloned().unwrap_or_default() {
            if value.is_null() {
                members.remove(&name)
            } else {
                members.insert(name, value)
            };
        }
        Value::Object(members)
    }

    fn signed(&self, claims: &Value) -> String {
        let header = self.changed(json!({ "alg": "EdDSA", "kid": "k1", "typ": "JWT" }), "header");
        let text = format!("{}.{}", BASE64.encode(header.to_string()), BASE64.encode(claims.to_string()));
        let forged = self.part("signature") == "forged";
        let signature = if forged { new_key().sign(text.as_bytes()) } else { lock(&self.key).sign(text.as_bytes()) };
        format!("{text}.{}", BASE64.encode(signature.expect("a signature")))
    }
}

async fn discovery(State(shared): State<Arc<Shared>>) -> Response {
    if shared.part("discovery").is_string() {
        return "<html>not here</html>".into_response();
    }
    let root = &shared.root;
    let right = json!({
        "issuer": root, "authorization_endpoint": format!("{root}/authorize"), "token_endpoint": format!("{root}/token"),
        "userinfo_endpoint": format!("{root}/userinfo"), "jwks_uri": format!("{root}/keys"),
        "response_types_supported": ["code"], "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["EdDSA"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
    });
    Json(shared.changed(right, "discovery")).into_response()
}

async fn keys(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let public = BASE64.encode(lock(&shared.key).public_key_raw());
    // Beside it keys that the console cannot use, as providers publish them.
    Json(json!({ "keys": [
        { "kty": "AKP", "alg": "ML-DSA-44", "kid": "k0", "pub": "AA" },
        { "kty": "OKP", "crv": "Ed25519", "use": "sig", "kid": "k1", "x": public },
    ] }))
}

async fn authorize(State(shared): State<Arc<Shared>>, Query(query): Query<HashMap<String, String>>) -> Redirect {
    if shared.part("key") == "changes" {
        *lock(&shared.key) = new_key();
    }
    let (to, state) = (query["redirect_uri"].clone(), query["state"].clone());
    if let Some(error) = shared.part("denies").as_str() {
        return Redirect::to(&format!("{to}?error={error}&error_description=not%20assigned&state={state}"));
    }
    let code = format!("code-{}", lock(&shared.codes).len());
    lock(&shared.codes).insert(code.clone(), query);
    Redirect::to(&format!("{to}?code={code}&state={state}"))
}

/// `takes`: the only method of authentication that is accepted. `token_error`: status and body of the answer.
async fn token(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let form: HashMap<String, String> = serde_urlencoded::from_bytes(&body).expect("a form");
    if let [status, body] = shared.part("token_error").as_array().map(Vec::as_slice).unwrap_or_default() {
        let status = u16::try_from(status.as_u64().expect("a status")).expect("a status");
        return (StatusCode::from_u16(status).expect("a status"), Json(body.clone())).into_response();
    }
    let basic = headers.get("authorization").map(|value| {
        let value = value.to_str().expect("text").strip_prefix("Basic ").expect("Basic").to_owned();
        String::from_utf8(STANDARD.decode(value).expect("base64")).expect("text")
    });
    let takes = shared.part("takes");
    let is_known = match basic {
        Some(basic) => takes != "client_secret_post" && basic == format!("callsheet:{}", SECRET.replace(' ', "+")),
        None => takes != "client_secret_basic" && form.get("client_secret").is_some_and(|secret| secret == SECRET),
    };
    if !is_known {
        let why = json!({ "error": "invalid_client", "error_description": "this method is not allowed" });
        return (StatusCode::UNAUTHORIZED, Json(why)).into_response();
    }
    let asked = lock(&shared.codes).get_mut(&form["code"]).map(std::mem::take).unwrap_or_default();
    let challenge = BASE64.encode(Sha256::digest(&form["code_verifier"]));
    if asked.get("code_challenge") != Some(&challenge) {
        return (StatusCode::BAD_REQUEST, Json(json!({ "error": "invalid_grant" }))).into_response();
    }
    let now = shared.clock.now() / 1000;
    let claims = json!({
        "iss": shared.root, "sub": SUBJECT, "aud": "callsheet", "iat": now, "exp": now + 600, "nonce": asked["nonce"],
        "preferred_username": "ada.demo", "email": "ada@example.com", "groups": ["operator"],
    });
    let id_token = shared.signed(&shared.changed(claims, "claims"));
    Json(json!({ "access_token": "at", "token_type": "Bearer", "id_token": id_token })).into_response()
}

/// A text for `userinfo` refuses it; `userinfo_signed` makes it a JWT.
async fn userinfo(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    assert_eq!(headers["authorization"], "Bearer at");
    if shared.part("userinfo").is_string() {
        return (StatusCode::FORBIDDEN, "refused").into_response();
    }
    let claims = shared.changed(Value::Object(Map::from_iter([("sub".to_owned(), json!(SUBJECT))])), "userinfo");
    if shared.part("userinfo_signed") == true {
        return ([("content-type", "application/jwt")], shared.signed(&claims)).into_response();
    }
    Json(claims).into_response()
}
