//! HTTP client of the tests.

/// Returns a new client.
pub(crate) fn http_client() -> reqwest::Client {
    http_client_builder().build().expect("a client")
}

/// Configures a client. reqwest is built without a TLS provider of its own, so the console's must be installed first.
pub(crate) fn http_client_builder() -> reqwest::ClientBuilder {
    rustls::crypto::ring::default_provider().install_default().ok();
    reqwest::Client::builder()
}
