//! Buckets in S3 and in S3-compatible stores.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use object_store::RetryConfig;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use url::Url;

use super::http_client::ConditionalConnector;

/// Retries of one request. Callers may retry the whole operation.
const MAX_RETRIES: usize = 3;
const RETRY_TIMEOUT: Duration = Duration::from_secs(30);

/// A bucket in an S3 store, or the part of it below a key prefix.
pub type S3Store = PrefixStore<AmazonS3>;

/// A configured bucket in an S3 store. Configuring it sends no request.
#[derive(Clone)]
pub struct S3Bucket {
    store: Arc<S3Store>,
}

/// An error in a bucket's settings: in the setting `key`, or in their combination.
#[derive(Debug, PartialEq, Eq)]
pub struct BadBucket {
    pub key: Option<&'static str>,
    pub what: String,
}

fn bad(key: &'static str, what: impl Into<String>) -> BadBucket {
    BadBucket { key: Some(key), what: what.into() }
}

impl S3Bucket {
    /// Reads the settings: `url`, and optionally `region`, `endpoint`, `access_key_id` and `secret_access_key`.
    ///
    /// # Errors
    /// A setting is unknown, missing or invalid.
    pub fn configure(mut settings: BTreeMap<String, String>) -> Result<Self, BadBucket> {
        let mut take = |key: &str| settings.remove(key);
        let (bucket, prefix) = parse_url(&take("url").ok_or_else(|| bad("url", "is missing"))?)?;
        let mut s3 = match (take("access_key_id"), take("secret_access_key")) {
            (Some(id), Some(secret)) => AmazonS3Builder::new().with_access_key_id(id).with_secret_access_key(secret),
            (Some(_), None) => return Err(bad("secret_access_key", "is missing; access_key_id needs it")),
            (None, Some(_)) => return Err(bad("access_key_id", "is missing; secret_access_key needs it")),
            (None, None) => AmazonS3Builder::from_env(),
        };
        if let Some(region) = take("region") {
            s3 = s3.with_region(region);
        }
        if let Some(endpoint) = take("endpoint") {
            s3 = s3.with_endpoint(parse_endpoint(&endpoint)?);
        }
        if let Some(unknown) = settings.into_keys().next() {
            let what =
                format!("unknown key `{unknown}`; use url, region, endpoint, access_key_id and secret_access_key");
            return Err(BadBucket { key: None, what });
        }
        let retry = RetryConfig { max_retries: MAX_RETRIES, retry_timeout: RETRY_TIMEOUT, ..RetryConfig::default() };
        let s3 = s3.with_bucket_name(bucket).with_retry(retry).with_http_connector(ConditionalConnector).build();
        let s3 = s3.map_err(|error| BadBucket { key: None, what: error.to_string() })?;
        Ok(Self { store: Arc::new(PrefixStore::new(s3, prefix)) })
    }

    pub(super) fn store(&self) -> Arc<S3Store> {
        Arc::clone(&self.store)
    }
}

/// Omits the fields, which contain secret keys.
impl fmt::Debug for S3Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Bucket").finish_non_exhaustive()
    }
}

/// Splits an S3 URL into the bucket name and the key prefix.
fn parse_url(url: &str) -> Result<(String, Path), BadBucket> {
    // The message does not repeat the URL, which may contain a secret by mistake.
    let invalid = || bad("url", "must be a URL such as s3://my-bucket or s3://my-bucket/folder");
    let parsed = Url::parse(url).map_err(|_| invalid())?;
    let plain = parsed.scheme() == "s3" && parsed.query().is_none() && parsed.fragment().is_none();
    let host = parsed.host_str().filter(|host| plain && parsed.authority() == *host && !host.is_empty());
    let prefix = Path::from_url_path(parsed.path()).map_err(|_| invalid())?;
    Ok((host.ok_or_else(invalid)?.to_owned(), prefix))
}

fn parse_endpoint(endpoint: &str) -> Result<String, BadBucket> {
    let parsed = Url::parse(endpoint).ok();
    let web = parsed.filter(|url| ["http", "https"].contains(&url.scheme()) && url.username().is_empty());
    match web {
        Some(_) => Ok(endpoint.to_owned()),
        None => Err(bad("endpoint", "must be a URL such as https://s3.example.com")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn configure(settings: &[(&str, &str)]) -> Result<S3Bucket, BadBucket> {
        S3Bucket::configure(settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn a_url_names_a_bucket_and_a_prefix() {
        let parse = |url| parse_url(url).map(|(bucket, prefix)| (bucket, prefix.to_string()));
        assert_eq!(parse("s3://tapes"), Ok(("tapes".to_owned(), String::new())));
        assert_eq!(parse("s3://my-bucket/a/b/"), Ok(("my-bucket".to_owned(), "a/b".to_owned())));
        for url in
            ["", "tapes", "s3:///a", "https://tapes/a", "s3://key:secret@tapes", "s3://tapes:9000", "s3://tapes?a=b"]
        {
            assert_eq!(parse(url).map_err(|bad| bad.key), Err(Some("url")), "{url}");
        }
    }

    #[test]
    fn errors_name_the_setting_and_contain_no_secret() {
        let url = ("url", "s3://tapes");
        let (id, secret) = (("access_key_id", "AKID"), ("secret_access_key", "hush"));
        for (settings, key) in [
            (&[id, secret][..], Some("url")),
            (&[url, id], Some("secret_access_key")),
            (&[url, secret], Some("access_key_id")),
            (&[url, id, secret, ("endpoint", "127.0.0.1:9000")], Some("endpoint")),
            (&[url, id, secret, ("endpoint", "http://me:hush@127.0.0.1")], Some("endpoint")),
            (&[id, secret, ("url", "s3://AKID:hush@tapes")], Some("url")),
            (&[url, id, secret, ("colour", "red")], None),
        ] {
            let bad = configure(settings).expect_err("invalid");
            assert_eq!(bad.key, key, "{settings:?}");
            assert!(!bad.what.contains("hush"), "{bad:?}");
        }
        let bucket = configure(&[url, id, secret, ("region", "eu-central-1")]).expect("a bucket");
        assert!(!format!("{bucket:?}").contains("hush"));
    }
}
