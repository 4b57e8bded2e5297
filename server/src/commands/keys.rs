//! Commands about API keys, as the machine's admin.

use std::sync::Arc;

use callsheet::Console;
use callsheet::keys::{KeyDraft, NewKey};
use callsheet::model::{Actor, SystemClock};
use serde_json::json;

use super::Failure;
use super::create::role;
use crate::config::Config;
use crate::http::api_v1::KeyJson;
use crate::startup::{StartError, open_console};

const DAY_MS: i64 = 86_400_000;

async fn console(config: &Config) -> Result<Console, StartError> {
    open_console(config, Arc::new(SystemClock)).await
}

/// `callsheet key create`. `expires_days`: from now; `None`: it does not expire.
pub(super) async fn create(
    config: &Config,
    name: &str,
    role_name: &str,
    domains: &[String],
    expires_days: Option<u16>,
    as_json: bool,
) -> Result<(), Failure> {
    let role = role(role_name)?;
    let console = console(config).await?;
    let expires_at = expires_days.map(|days| console.clock.now() + i64::from(days) * DAY_MS);
    let domains = (!domains.is_empty()).then_some(domains);
    let key = console.keys.create(&Actor::cli(), KeyDraft { name, role, domains, expires_at }).await?;
    console.close().await;
    print_secrets(&key, as_json);
    Ok(())
}

/// `callsheet key list`.
pub(super) async fn list(config: &Config, as_json: bool) -> Result<(), Failure> {
    let console = console(config).await?;
    let keys = console.keys.list(&Actor::cli()).await?;
    console.close().await;
    let keys: Vec<KeyJson> = keys.into_iter().map(KeyJson::from).collect();
    if as_json {
        println!("{}", serde_json::to_string(&keys)?);
        return Ok(());
    }
    let head = ["name", "role", "domains", "access key", "expires", "last used"].map(str::to_owned);
    let rows: Vec<_> = std::iter::once(head).chain(keys.iter().map(KeyJson::line)).collect();
    for row in &rows {
        let widths = (0..row.len()).map(|at| rows.iter().map(|row| row[at].chars().count()).max().unwrap_or_default());
        let cells: Vec<_> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        println!("{}", cells.join("  ").trim_end());
    }
    Ok(())
}

/// `callsheet key rotate`.
pub(super) async fn rotate(config: &Config, name: &str, as_json: bool) -> Result<(), Failure> {
    let console = console(config).await?;
    let key = console.keys.named(&Actor::cli(), name).await?;
    let key = console.keys.rotate(&Actor::cli(), key.id).await?;
    console.close().await;
    print_secrets(&key, as_json);
    if !as_json {
        println!("The previous token and secret key no longer work.");
    }
    Ok(())
}

/// `callsheet key revoke`.
pub(super) async fn revoke(config: &Config, name: &str) -> Result<(), Failure> {
    let console = console(config).await?;
    let key = console.keys.named(&Actor::cli(), name).await?;
    let key = console.keys.revoke(&Actor::cli(), key.id).await?;
    console.close().await;
    println!("Revoked key {}.", key.name);
    Ok(())
}

fn print_secrets(key: &NewKey, as_json: bool) {
    if as_json {
        println!("{}", json!({ "accessKey": key.access_key, "secretKey": key.secret_key, "token": key.token }));
    } else {
        println!("access key  {}\nsecret key  {}\ntoken       {}", key.access_key, key.secret_key, key.token);
        println!("Save them now; they are not shown again.");
    }
}
