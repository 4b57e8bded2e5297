//! Settings: option, else environment, else file, else `config.default.toml`.

mod inputs;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use callsheet::Retention;
use callsheet::accounts::ProviderConfig;
use callsheet::deliveries::RetrySchedule;
use callsheet::domains::Cnames;
use callsheet::model::DomainName;
use callsheet::stats::transcode::Classes;
use callsheet::stats::{BinLabel, FigureFormat, TrafficBase};
use config::{Config as Layers, Environment, File, FileFormat};
use ipnet::IpNet;
use jiff::tz::TimeZone;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::{Host, Url};

use crate::buckets::S3Bucket;
pub use inputs::{LogPlace, WatchedLogs};
use inputs::{RawLogs, Table};

const DEFAULTS: &str = include_str!("config.default.toml");
/// Keys that hold lists.
const LISTS: [&str; 7] = [
    "role",
    "retry_schedule",
    "allowed_networks",
    "trusted_proxies",
    "access_logs",
    "oidc_role_claim",
    "oidc_audiences",
];

/// Returns the entries of a comma-separated variable. (The parser of `Environment` would read a list of one number as a number.)
fn list_in_environment(key: &str) -> Option<Vec<String>> {
    let text = std::env::var(format!("CALLSHEET_{}", key.to_uppercase())).ok().filter(|text| !text.is_empty())?;
    Some(text.split(',').map(|entry| entry.trim().to_owned()).collect())
}

/// A setting cannot be used. One line that names the key.
#[derive(Debug, thiserror::Error)]
#[error("{key}: {what}")]
pub struct BadConfig {
    key: String,
    what: String,
}

fn bad(key: impl Into<String>, what: impl ToString) -> BadConfig {
    BadConfig { key: key.into(), what: what.to_string() }
}

/// Options of the command line that are settings; `None`: not given.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    pub config: Option<PathBuf>,
    pub data_dir: Option<PathBuf>,
    pub http: Option<String>,
    pub rtmp: Option<String>,
    pub database_url: Option<String>,
    pub role: Vec<String>,
}

/// What a process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Roles {
    /// Pages and API.
    pub web: bool,
    /// Deliveries.
    pub worker: bool,
    /// RTMP and hooks.
    pub ingest: bool,
}

/// The settings of one process, all valid.
#[derive(Debug, Clone)]
pub struct Config {
    pub data_dir: PathBuf,
    pub http: SocketAddr,
    /// Requests a second of one caller of an API; 0: no limit.
    pub api_rate_limit: u32,
    /// Their `X-Forwarded-For` tells the client's address.
    pub trusted_proxies: Vec<IpNet>,
    /// `None`: off.
    pub rtmp: Option<SocketAddr>,
    pub database_url: String,
    pub roles: Roles,
    pub time_zone: TimeZone,
    pub retry_schedule: RetrySchedule,
    pub order_hold_ms: i64,
    pub allowed_networks: Vec<IpNet>,
    pub part_seconds: i64,
    pub session_grace_ms: i64,
    pub retention: Retention,
    /// How long a worker that falls silent keeps its share of the deliveries.
    pub lease: Duration,
    pub cnames: Cnames,
    /// Those in S3 stores, by their names in the console.
    pub buckets: BTreeMap<String, S3Bucket>,
    pub access_logs: Vec<WatchedLogs>,
    pub classes: Classes,
    pub shown: FigureFormat,
    /// Address of the console as browsers know it; ends in a slash.
    pub public_url: Option<Url>,
    /// Who vouches for people.
    pub provider: Option<ProviderConfig>,
}

#[derive(Deserialize)]
struct Raw {
    data_dir: PathBuf,
    http: String,
    api_rate_limit: u32,
    trusted_proxies: Vec<String>,
    rtmp: String,
    database_url: String,
    role: Vec<String>,
    time_zone: String,
    retry_schedule: Vec<u32>,
    order_hold: i64,
    allowed_networks: Vec<String>,
    part_seconds: i64,
    session_grace: i64,
    retention_days: i64,
    attempt_body_days: i64,
    audit_days: i64,
    lease: i64,
    push_cname: String,
    play_cname: String,
    buckets: BTreeMap<String, Table>,
    access_logs: Vec<RawLogs>,
    resolution_classes: String,
    slot_label: String,
    traffic_base: i64,
    public_url: String,
    oidc_issuer: String,
    oidc_client_id: String,
    oidc_client_secret: SecretString,
    oidc_role_claim: Vec<String>,
    oidc_audiences: Vec<String>,
}

impl Config {
    /// Reads all layers.
    pub fn load(overrides: &Overrides) -> Result<Self, BadConfig> {
        let environment = Environment::with_prefix("CALLSHEET").try_parsing(true).ignore_empty(true);
        let mut layers = Layers::builder().add_source(File::from_str(DEFAULTS, FileFormat::Toml));
        if let Some(path) = overrides.config.clone().or_else(|| std::env::var_os("CALLSHEET_CONFIG").map(Into::into)) {
            check_keys(&path)?;
            layers = layers.add_source(File::from(path).format(FileFormat::Toml));
        }
        let text = |path: &Path| path.to_string_lossy().into_owned();
        let role = (!overrides.role.is_empty()).then(|| overrides.role.clone());
        let mut layers = layers.add_source(environment);
        for key in LISTS {
            layers = layers.set_override_option(key, list_in_environment(key)).map_err(|error| bad(key, error))?;
        }
        let layers = layers
            .set_override_option("data_dir", overrides.data_dir.as_deref().map(text))
            .and_then(|l| l.set_override_option("http", overrides.http.clone()))
            .and_then(|l| l.set_override_option("rtmp", overrides.rtmp.clone()))
            .and_then(|l| l.set_override_option("database_url", overrides.database_url.clone()))
            .and_then(|l| l.set_override_option("role", role))
            .and_then(|l| l.build())
            .map_err(|e| from_layers(&e))?;
        Self::parse(layers.try_deserialize().map_err(|e| from_layers(&e))?)
    }

    fn parse(raw: Raw) -> Result<Self, BadConfig> {
        let between = |key, value: i64, low, high| match value {
            v if (low..=high).contains(&v) => Ok(v),
            _ => Err(bad(key, format!("must be between {low} and {high}"))),
        };
        let address = |key, text: &str| {
            let parsed: Result<SocketAddr, _> = text.parse();
            parsed.map_err(|_| bad(key, format!("`{text}` is not an address with a port, such as 127.0.0.1:3000")))
        };
        let cname = |key, text: &str| match text {
            "" => Ok(None),
            _ => DomainName::parse(text).map(Some).map_err(|e| bad(key, e)),
        };
        let public_url = public_url(&raw.public_url)?;
        let provider = provider(&raw, public_url.as_ref())?;
        let retention_days = between("retention_days", raw.retention_days, 1, 3_650)?;
        Ok(Self {
            http: address("http", &raw.http)?,
            api_rate_limit: match raw.api_rate_limit {
                0..=100_000 => raw.api_rate_limit,
                _ => return Err(bad("api_rate_limit", "must be between 0 and 100000")),
            },
            trusted_proxies: networks("trusted_proxies", &raw.trusted_proxies)?,
            rtmp: if raw.rtmp == "off" { None } else { Some(address("rtmp", &raw.rtmp)?) },
            database_url: match raw.database_url.as_str() {
                "" => format!("sqlite://{}", raw.data_dir.join("callsheet.db").display()),
                url if ["sqlite:", "postgres:", "postgresql:"].iter().any(|s| url.starts_with(s)) => url.to_owned(),
                _ => return Err(bad("database_url", "must start with sqlite:// or postgres://")),
            },
            roles: roles(&raw.role)?,
            time_zone: TimeZone::get(&raw.time_zone).map_err(|_| {
                bad("time_zone", format!("`{}` is not an IANA time zone, such as Asia/Shanghai", raw.time_zone))
            })?,
            retry_schedule: RetrySchedule::parse(raw.retry_schedule).map_err(|e| bad("retry_schedule", e))?,
            order_hold_ms: between("order_hold", raw.order_hold, 0, 600)? * 1000,
            allowed_networks: networks("allowed_networks", &raw.allowed_networks)?,
            part_seconds: between("part_seconds", raw.part_seconds, 2, 21_600)?,
            session_grace_ms: between("session_grace", raw.session_grace, 0, 60)? * 1000,
            retention: Retention {
                days: retention_days,
                attempt_body_days: between("attempt_body_days", raw.attempt_body_days, 1, 3_650)?.min(retention_days),
                // The database itself keeps the entries of 30 days.
                audit_days: between("audit_days", raw.audit_days, 30, 3_650)?,
            },
            lease: Duration::from_secs(between("lease", raw.lease, 2, 600)?.unsigned_abs()),
            cnames: Cnames { push: cname("push_cname", &raw.push_cname)?, play: cname("play_cname", &raw.play_cname)? },
            buckets: inputs::buckets(raw.buckets)?,
            access_logs: raw.access_logs.into_iter().map(inputs::watched).collect::<Result<_, _>>()?,
            classes: raw.resolution_classes.parse().map_err(|e| bad("resolution_classes", e))?,
            shown: FigureFormat {
                label: (raw.slot_label.parse::<BinLabel>())
                    .map_err(|()| bad("slot_label", format!("`{}` must be start or end", raw.slot_label)))?,
                base: match raw.traffic_base {
                    1000 => TrafficBase::Thousand,
                    1024 => TrafficBase::Binary,
                    other => return Err(bad("traffic_base", format!("{other} must be 1000 or 1024"))),
                },
            },
            public_url,
            provider,
            data_dir: raw.data_dir,
        })
    }
}

/// A single address is a network of one.
fn networks(key: &str, texts: &[String]) -> Result<Vec<IpNet>, BadConfig> {
    let network = |text: &String| {
        let text = text.trim();
        let network = text.parse::<IpNet>().or_else(|_| text.parse::<std::net::IpAddr>().map(IpNet::from));
        network.map_err(|_| bad(key, format!("`{text}` is not a network such as 10.0.0.0/8")))
    };
    texts.iter().map(network).collect()
}

fn public_url(text: &str) -> Result<Option<Url>, BadConfig> {
    if text.is_empty() {
        return Ok(None);
    }
    let url = Url::parse(text).ok().filter(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
    });
    // It is not told again: who errs may have written a password into it.
    url.map(Some)
        .ok_or_else(|| bad("public_url", "must be a URL without a path, such as https://callsheet.example.com"))
}

fn provider(raw: &Raw, public_url: Option<&Url>) -> Result<Option<ProviderConfig>, BadConfig> {
    if raw.oidc_issuer.is_empty() {
        return Ok(None);
    }
    let is_usable = Url::parse(&raw.oidc_issuer).is_ok_and(|url| match (url.scheme(), url.host()) {
        ("https", Some(_)) => url.query().is_none() && url.fragment().is_none(),
        // Identities must not pass a network in the clear.
        ("http", Some(Host::Ipv4(address))) => address.is_loopback(),
        ("http", Some(Host::Ipv6(address))) => address.is_loopback(),
        _ => false,
    });
    if !is_usable {
        return Err(bad("oidc_issuer", format!("`{}` must be the https URL of a provider", raw.oidc_issuer)));
    }
    if raw.oidc_client_id.is_empty() {
        return Err(bad("oidc_client_id", "is missing; the provider issues it when you register the console"));
    }
    let public_url =
        public_url.ok_or_else(|| bad("public_url", "is missing; the provider redirects browsers to a URL below it"))?;
    let trimmed = |list: &[String]| -> Vec<String> {
        list.iter().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()).collect()
    };
    let role_claims = trimmed(&raw.oidc_role_claim);
    if role_claims.is_empty() {
        return Err(bad("oidc_role_claim", "contains no claim"));
    }
    let secret = &raw.oidc_client_secret;
    Ok(Some(ProviderConfig {
        issuer: raw.oidc_issuer.clone(),
        client_id: raw.oidc_client_id.clone(),
        client_secret: (!secret.expose_secret().is_empty()).then(|| secret.clone()),
        role_claims,
        audiences: trimmed(&raw.oidc_audiences),
        public_url: public_url.clone(),
    }))
}

fn roles(names: &[String]) -> Result<Roles, BadConfig> {
    let mut roles = Roles { web: false, worker: false, ingest: false };
    for name in names {
        match name.trim() {
            "all" => roles = Roles { web: true, worker: true, ingest: true },
            "web" => roles.web = true,
            "worker" => roles.worker = true,
            "ingest" => roles.ingest = true,
            other => return Err(bad("role", format!("`{other}` must be all, web, worker or ingest"))),
        }
    }
    Ok(roles)
}

/// A misspelt key in the file would otherwise do nothing, silently.
fn check_keys(path: &Path) -> Result<(), BadConfig> {
    let keys = |layers: Result<Layers, config::ConfigError>| {
        layers.and_then(|l| l.try_deserialize::<std::collections::BTreeMap<String, config::Value>>())
    };
    let known = keys(Layers::builder().add_source(File::from_str(DEFAULTS, FileFormat::Toml)).build());
    let known = known.map_err(|e| from_layers(&e))?;
    let file = Layers::builder().add_source(File::from(path).format(FileFormat::Toml)).build();
    for key in keys(file).map_err(|e| from_layers(&e))?.into_keys() {
        if !known.contains_key(&key) {
            return Err(bad(key, format!("unknown setting ({})", path.display())));
        }
    }
    Ok(())
}

fn from_layers(error: &config::ConfigError) -> BadConfig {
    // `retry_schedule[1]` is the setting `retry_schedule` to people.
    let bad = |key: &str, what: String| bad(key.split('[').next().unwrap_or_default(), what);
    match error {
        config::ConfigError::Type { key: Some(key), unexpected, expected, .. } => {
            bad(key, format!("{unexpected} is not {expected}"))
        }
        config::ConfigError::At { error, key: Some(key), .. } => bad(key, error.to_string()),
        config::ConfigError::NotFound(key) => bad(key, "is missing".to_owned()),
        // The lines behind the first show what stands in the file, which may be a secret.
        config::ConfigError::FileParse { uri, cause } => {
            let file = uri.as_ref().map(|uri| format!("{uri}: ")).unwrap_or_default();
            bad("config", format!("{file}{}", cause.to_string().lines().next().unwrap_or_default()))
        }
        other => bad("config", other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use callsheet::stats::access_log::Format;

    use super::*;

    fn load(file: &str) -> Result<Config, String> {
        let dir = tempfile::tempdir().expect("dir");
        let path = dir.path().join("callsheet.toml");
        std::fs::write(&path, file).expect("write");
        Config::load(&Overrides { config: Some(path), ..Overrides::default() }).map_err(|e| e.to_string())
    }

    #[test]
    fn the_defaults_hold() {
        let config = load("").expect("defaults");
        assert_eq!(config.retry_schedule, RetrySchedule::default());
        assert_eq!(config.rtmp, Some(([127, 0, 0, 1], 1935).into()));
        assert!(config.roles.web && config.roles.worker && config.roles.ingest);
    }

    #[test]
    fn bodies_of_attempts_are_kept_no_longer_than_attempts() {
        let kept = |file| load(file).map(|config| (config.retention.days, config.retention.attempt_body_days));
        assert_eq!(kept(""), Ok((30, 7)));
        assert_eq!(kept("retention_days = 3"), Ok((3, 3)));
        assert_eq!(kept("retention_days = 90\nattempt_body_days = 14"), Ok((90, 14)));
    }

    #[test]
    fn the_issuer_is_kept_as_it_is_written() {
        for issuer in ["https://tenant.example.com/", "https://tenant.example.com", "https://ID.example.com:443/a/"] {
            let file = format!(
                "oidc_issuer = \"{issuer}\"\noidc_client_id = \"a\"\npublic_url = \"https://c.example.com\"\noidc_audiences = [\" b \", \"\"]"
            );
            let provider = load(&file).expect("settings").provider.expect("a provider");
            assert_eq!((provider.issuer.as_str(), provider.audiences), (issuer, vec!["b".to_owned()]));
        }
    }

    #[test]
    fn logs_come_from_files_and_buckets() {
        let file = r#"
            access_logs = ["/var/log/a", "bucket:archive", { from = "bucket:archive/cdn/logs/", format = "combined", domain = "Play.Example.com" }]
        "#;
        let logs = load(file).expect("settings").access_logs;
        let bucket = |folder: &str| LogPlace::Bucket { bucket: "archive".to_owned(), folder: folder.into() };
        let plain = |from| WatchedLogs { from, format: None, domain: None };
        assert_eq!(logs[..2], [plain(LogPlace::Files("/var/log/a".into())), plain(bucket(""))]);
        let third = &logs[2];
        assert_eq!((&third.from, third.format), (&bucket("cdn/logs"), Some(Format::Combined)));
        assert_eq!(third.domain.as_ref().map(DomainName::ascii), Some("play.example.com"));
    }

    #[test]
    fn a_bad_setting_is_one_line_that_names_its_key() {
        for (file, starts) in [
            ("http = \"3000\"", "http: "),
            ("rtmp = \"on\"", "rtmp: "),
            ("api_rate_limit = 100001", "api_rate_limit: must be between 0 and 100000"),
            ("api_rate_limit = -1", "api_rate_limit: "),
            ("role = [\"boss\"]", "role: `boss`"),
            ("time_zone = \"Mars/Olympus\"", "time_zone: "),
            ("retry_schedule = []", "retry_schedule: "),
            ("order_hold = 601", "order_hold: must be between 0 and 600"),
            ("order_hold = \"long\"", "order_hold: "),
            ("allowed_networks = [\"10.0.0.0/99\"]", "allowed_networks: "),
            ("trusted_proxies = [\"proxy\"]", "trusted_proxies: `proxy` is not a network"),
            ("part_seconds = 1", "part_seconds: "),
            ("retention_days = 0", "retention_days: must be between 1 and 3650"),
            ("audit_days = 29", "audit_days: must be between 30 and 3650"),
            ("attempt_body_days = 0", "attempt_body_days: must be between 1 and 3650"),
            ("database_url = \"mysql://a\"", "database_url: must start with"),
            ("push_cname = \"localhost\"", "push_cname: needs at least two labels"),
            ("public_url = \"callsheet.example.com\"", "public_url: "),
            ("public_url = \"https://callsheet.example.com/console\"", "public_url: "),
            ("oidc_issuer = \"http://id.example.com\"", "oidc_issuer: "),
            ("oidc_issuer = \"https://id.example.com\"", "oidc_client_id: is missing"),
            ("oidc_issuer = \"https://id.example.com/?a=b\"", "oidc_issuer: "),
            ("oidc_audiences = 7", "oidc_audiences: "),
            ("oidc_issuer = \"https://id.example.com\"\noidc_client_id = \"a\"", "public_url: is missing"),
            ("colour = \"red\"", "colour: unknown setting"),
            ("oidc_client_secret = \"hush", "config: "),
            ("resolution_classes = \"HD 1280\"", "resolution_classes: `HD 1280` is not a class"),
            ("resolution_classes = \"\"", "resolution_classes: is empty"),
            ("slot_label = \"middle\"", "slot_label: `middle` must be start or end"),
            ("traffic_base = 1012", "traffic_base: 1012 must be 1000 or 1024"),
            ("traffic_base = \"GB\"", "traffic_base: "),
            ("buckets = 7", "buckets: "),
            ("[buckets.archive]", "buckets.archive.url: is missing"),
            ("[buckets.archive]\nurl = \"tapes\"", "buckets.archive.url: must be a URL such as"),
            ("[buckets.archive]\nurl = \"s3://a\"\ncolour = \"red\"", "buckets.archive: unknown key `colour`"),
            ("[buckets.archive]\nurl = \"s3://a\"\naccess_key_id = \"A\"", "buckets.archive.secret_access_key: "),
            ("[buckets.Archive]\nurl = \"s3://a\"", "buckets.Archive: a bucket name must be"),
            ("access_logs = \"/var/log\"", "access_logs: "),
            ("[[access_logs]]", "access_logs.from: is missing"),
            ("[[access_logs]]\nfrom = \"bucket:A/b\"", "access_logs.from: `bucket:A/b` is not a file, folder or"),
            ("[[access_logs]]\nfrom = \"/a\"\nformat = \"xml\"", "access_logs.format: `xml` must be one of combined, "),
            ("[[access_logs]]\nfrom = \"/a\"\nformat = \"combined\"", "access_logs.domain: is missing"),
            ("[[access_logs]]\nfrom = \"/a\"\ndomain = \"a b\"", "access_logs.domain: "),
            ("[[access_logs]]\nfrom = \"/a\"\ncolour = \"red\"", "access_logs: unknown key `colour`"),
        ] {
            let message = load(file).expect_err(file);
            assert!(message.starts_with(starts) && !message.contains('\n'), "{file} gives {message}");
        }
    }
}
