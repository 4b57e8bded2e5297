//! A source that reports by the generic adapter.

use callsheet::model::Actor;
use reqwest::{Client, Response};
use serde_json::{Value, json};
use standardwebhooks::Webhook;

use super::{DOMAIN, TestConsole, install_tls_provider};

/// A `generic` source of one console.
pub(crate) struct GenericSource {
    pub(crate) url: String,
    pub(crate) secret: String,
    client: Client,
}

impl GenericSource {
    pub(crate) async fn add_to(console: &TestConsole) -> Self {
        let created = console.console.sources.create(&Actor::cli(), "generic", "generic", None).await.expect("created");
        let path = created.view.ingest_path.expect("a path");
        Self::new(console.url(&path), created.secret.expose().to_owned())
    }

    pub(crate) fn new(url: String, secret: String) -> Self {
        install_tls_provider();
        Self { url, secret, client: Client::new() }
    }

    /// An event of session `session`, which publishes the stream of the same name.
    pub(crate) fn event(name: &str, session: &str) -> Value {
        json!({ "event": name, "domain": DOMAIN, "app": "live", "stream": session, "session": session })
    }

    /// Posts a signed report.
    pub(crate) async fn post(&self, id: &str, body: &Value) -> reqwest::Result<Response> {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
        self.post_at(id, i64::try_from(now.as_secs()).expect("before the end of time"), body).await
    }

    /// Posts a report signed at a time of one's own.
    pub(crate) async fn post_at(&self, id: &str, timestamp: i64, body: &Value) -> reqwest::Result<Response> {
        self.post_bytes(id, timestamp, body.to_string().into_bytes()).await
    }

    /// Posts any bytes, signed if they are UTF-8: no signature is made of others.
    pub(crate) async fn post_bytes(&self, id: &str, timestamp: i64, body: Vec<u8>) -> reqwest::Result<Response> {
        let webhook = Webhook::new(&self.secret).expect("a secret");
        let signature = webhook.sign(id, timestamp, &body).unwrap_or_default();
        let request = self.client.post(&self.url).body(body).header("webhook-id", id);
        request.header("webhook-timestamp", timestamp).header("webhook-signature", signature).send().await
    }

    /// Reports an event; its id is made of session and name.
    pub(crate) async fn tell(&self, name: &str, session: &str) {
        self.tell_more(name, session, &json!({})).await;
    }

    /// Reports an event with more fields.
    pub(crate) async fn tell_more(&self, name: &str, session: &str, fields: &Value) {
        let mut body = Self::event(name, session);
        for (field, value) in fields.as_object().expect("fields") {
            body[field] = value.clone();
        }
        let answer = self.post(&format!("{session}-{name}"), &body).await.expect("an answer");
        let status = answer.status();
        assert_eq!(status, 204, "{name}: {}", answer.text().await.expect("text"));
    }
}
