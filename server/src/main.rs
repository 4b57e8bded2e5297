//! The binary `callsheet`.

use std::process::ExitCode;

use callsheet_server::commands::Cli;
use clap::Parser;
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> ExitCode {
    // `rtmp_rs` writes stream keys, which may hold tokens, at info; PostgreSQL notes at each start that the table of
    // migrations is there.
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new("info,rtmp_rs=warn,sqlx::postgres::notice=warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    match Cli::parse().run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("callsheet: {}", failure.message);
            ExitCode::from(failure.exit)
        }
    }
}
