//! Commands that create things, as the machine's admin.

use std::io::{BufRead, IsTerminal, Write};
use std::sync::Arc;

use callsheet::Console;
use callsheet::model::{Actor, Role, SystemClock};
use callsheet::sources::Adapter;
use serde_json::json;

use super::Failure;
use super::serve::reachable_at;
use crate::config::Config;
use crate::startup::{StartError, open_console};

async fn console(config: &Config) -> Result<Console, StartError> {
    open_console(config, Arc::new(SystemClock)).await
}

pub(super) fn role(text: &str) -> Result<Role, Failure> {
    text.parse()
        .map_err(|()| Failure { message: format!("--role: `{text}` must be admin, operator or reviewer"), exit: 2 })
}

/// `callsheet migrate`: opening the console brings the tables up to date.
pub(super) async fn tables(config: &Config) -> Result<(), Failure> {
    console(config).await?.close().await;
    println!("The database is up to date.");
    Ok(())
}

/// `callsheet user create`.
pub(super) async fn user(config: &Config, name: &str, role_name: &str, stdin: bool) -> Result<(), Failure> {
    let role = role(role_name)?;
    if !stdin && std::io::stdin().is_terminal() {
        print!("Password for {name} (10 to 200 characters; visible as you type): ");
        std::io::stdout().flush()?;
    }
    let mut password = String::new();
    std::io::stdin().lock().read_line(&mut password)?;
    let console = console(config).await?;
    let user = console.accounts.create_user(&Actor::cli(), name, role, password.trim_end_matches(['\r', '\n'])).await?;
    console.close().await;
    println!("Created the {} {}.", user.role, user.name);
    Ok(())
}

/// `callsheet source create`.
pub(super) async fn source(
    config: &Config,
    adapter: &str,
    name: &str,
    default_domain: Option<&str>,
    as_json: bool,
) -> Result<(), Failure> {
    let console = console(config).await?;
    let created = console.sources.create(&Actor::cli(), adapter, name, default_domain).await?;
    console.close().await;
    let path = created.view.ingest_path.unwrap_or_default();
    let url = match &config.public_url {
        // nginx-rtmp speaks no TLS: it has to reach the console itself.
        Some(url) if created.view.adapter != Adapter::NginxRtmp || url.scheme() == "http" => {
            format!("{}{path}", url.as_str().trim_end_matches('/'))
        }
        _ => format!("http://{}{path}", reachable_at(config)),
    };
    let secret = created.secret.expose();
    if as_json {
        println!("{}", json!({ "id": created.view.id, "url": url, "secret": secret }));
    } else {
        println!("id      {}\nurl     {url}\nsecret  {secret}", created.view.id);
    }
    Ok(())
}
