//! TLS settings of outgoing connections, and descriptions of certificates.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

/// The TLS settings are invalid.
#[derive(Debug, thiserror::Error)]
#[error("invalid TLS settings for outgoing connections: {0}")]
pub struct TlsSetupError(#[from] rustls::Error);

/// Returns settings for HTTP/1.1 only: callbacks, buckets.
pub fn tls_settings(extra: Vec<CertificateDer<'static>>) -> Result<Arc<ClientConfig>, TlsSetupError> {
    let mut config = client_config(extra)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// Returns settings that trust the machine's certificate authorities (Mozilla's if the machine has none) and `extra`.
pub(crate) fn client_config(extra: Vec<CertificateDer<'static>>) -> Result<ClientConfig, TlsSetupError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    for certificate in extra {
        roots.add(certificate)?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth())
}

/// Describes version, subject and expiry: `TLSv1_3, certificate CN=example.com, expires 2026-12-24`.
pub(super) fn describe(connection: &ClientConnection) -> String {
    let version = connection.protocol_version().and_then(|version| version.as_str()).unwrap_or("TLS");
    let certificate =
        connection.peer_certificates().and_then(<[_]>::first).and_then(|der| X509Certificate::from_der(der).ok());
    let Some((_, certificate)) = certificate else {
        return version.to_owned();
    };
    let expiry = certificate.validity().not_after.to_datetime().date();
    format!("{version}, certificate {}, expires {expiry}", subject(&certificate))
}

/// Returns the subject, or the first alternative name: public authorities issue certificates without a subject.
fn subject(certificate: &X509Certificate<'_>) -> String {
    let subject = certificate.subject().to_string();
    if !subject.is_empty() {
        return subject;
    }
    let names = certificate.subject_alternative_name().ok().flatten();
    let first = names.and_then(|names| {
        names.value.general_names.iter().find_map(|name| match name {
            GeneralName::DNSName(name) => Some((*name).to_owned()),
            _ => None,
        })
    });
    first.unwrap_or_else(|| "without a name".to_owned())
}
