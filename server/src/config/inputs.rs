//! Settings with parts of their own: buckets in S3 stores, and where access logs come from.

use std::collections::BTreeMap;
use std::path::PathBuf;

use callsheet::model::DomainName;
use callsheet::recordings::is_bucket_name;
use callsheet::stats::access_log::Format;
use object_store::path::Path;
use serde::Deserialize;

use super::{BadConfig, bad};
use crate::buckets::{BadBucket, S3Bucket};

/// Keys and values of a table.
pub(super) type Table = BTreeMap<String, String>;

/// A watched place: a name alone, or a table that begins with `from`.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum RawLogs {
    From(String),
    Table(Table),
}

/// Access logs that are taken in as they grow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchedLogs {
    pub from: LogPlace,
    /// `None`: recognised by content, file by file.
    pub format: Option<Format>,
    /// Of lines that name no host.
    pub domain: Option<DomainName>,
}

/// Where access logs lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogPlace {
    /// A file, or a folder with all below it.
    Files(PathBuf),
    /// What lies in a bucket of the console below a folder, or all of it.
    Bucket { bucket: String, folder: Path },
}

pub(super) fn buckets(tables: BTreeMap<String, Table>) -> Result<BTreeMap<String, S3Bucket>, BadConfig> {
    let configure = |(name, settings): (String, Table)| {
        let section = format!("buckets.{name}");
        if !is_bucket_name(&name) {
            return Err(bad(section, "a bucket name must be 1 to 63 lower-case letters, digits and inner hyphens"));
        }
        match S3Bucket::configure(settings) {
            Ok(bucket) => Ok((name, bucket)),
            Err(BadBucket { key: Some(key), what }) => Err(bad(format!("{section}.{key}"), what)),
            Err(BadBucket { key: None, what }) => Err(bad(section, what)),
        }
    };
    tables.into_iter().map(configure).collect()
}

pub(super) fn watched(raw: RawLogs) -> Result<WatchedLogs, BadConfig> {
    let mut table = match raw {
        RawLogs::From(place) => Table::from([("from".to_owned(), place)]),
        RawLogs::Table(table) => table,
    };
    let from = table.remove("from").ok_or_else(|| bad("access_logs.from", "is missing"))?;
    let format = table.remove("format").map(|name| {
        name.parse().map_err(|()| bad("access_logs.format", format!("`{name}` must be one of {}", Format::names())))
    });
    let domain = table.remove("domain").map(|name| DomainName::parse(&name).map_err(|e| bad("access_logs.domain", e)));
    if let Some(unknown) = table.into_keys().next() {
        return Err(bad("access_logs", format!("unknown key `{unknown}`; use from, format and domain")));
    }
    let (format, domain): (Option<Format>, _) = (format.transpose()?, domain.transpose()?);
    if let (Some(format), None) = (format.filter(|format| !format.names_hosts()), &domain) {
        return Err(bad("access_logs.domain", format!("is missing; lines of {format} contain no host")));
    }
    Ok(WatchedLogs { from: place(&from)?, format, domain })
}

/// `/var/log/nginx`, or `bucket:archive/cdn-logs/`.
fn place(from: &str) -> Result<LogPlace, BadConfig> {
    let refused = || bad("access_logs.from", format!("`{from}` is not a file, folder or bucket:NAME/FOLDER"));
    match from.trim().strip_prefix("bucket:") {
        None if from.trim().is_empty() => Err(refused()),
        None => Ok(LogPlace::Files(from.trim().into())),
        Some(place) => {
            let (bucket, folder) = place.split_once('/').unwrap_or((place, ""));
            let folder = Path::parse(folder.trim_end_matches('/')).map_err(|_| refused())?;
            if is_bucket_name(bucket) {
                Ok(LogPlace::Bucket { bucket: bucket.to_owned(), folder })
            } else {
                Err(refused())
            }
        }
    }
}
