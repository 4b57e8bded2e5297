//! The binary `callsheet`.

use std::io::IsTerminal;
use std::process::ExitCode;

use callsheet_server::commands::Cli;
use clap::Parser;
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> ExitCode {
    let asked = std::env::var(EnvFilter::DEFAULT_ENV).ok().filter(|asked| !asked.is_empty());
    // PostgreSQL notes at each start that the table of migrations is there.
    let asked = asked.as_deref().unwrap_or("info,sqlx::postgres::notice=warn");
    // Whatever is asked for: `rtmp_rs` writes stream keys, which may hold tokens, at info.
    let filter = EnvFilter::new(format!("{asked},rtmp_rs=warn"));
    let colours = std::io::stderr().is_terminal();
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(std::io::stderr).init();
    match Cli::parse().run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("callsheet: {}", failure.message);
            ExitCode::from(failure.exit)
        }
    }
}
