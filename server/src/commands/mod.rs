//! The command line. Every command opens the same database as a running server and works beside it.

mod access_log;
mod backup;
mod create;
mod demo;
mod keys;
mod listen;
mod secrets;
mod serve;
mod transcode_jobs;

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use tracing_subscriber::EnvFilter;

use crate::assets::Assets;
use crate::config::{Config, Overrides};
use crate::http::api_v1::description;

/// A console for live video that delivers stream and recording events as signed, durable HTTP callbacks.
#[derive(Debug, Parser)]
#[command(name = "callsheet", version, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// Settings that can be given as options. Each is also `CALLSHEET_<OPTION>` and a key of the config file.
#[derive(Debug, Clone, Args)]
struct Settings {
    /// A TOML file with settings
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder of database, key file and recordings [default: ./data]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Database: sqlite://PATH or postgres://… [default: SQLite in the data folder]
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the console
    Serve {
        #[command(flatten)]
        settings: Settings,
        /// Listen address of pages, API and hooks [default: 127.0.0.1:3000]
        #[arg(long, value_name = "ADDR")]
        http: Option<String>,
        /// Listen address of the built-in RTMP ingest, or off [default: 127.0.0.1:1935]
        #[arg(long, value_name = "ADDR|off")]
        rtmp: Option<String>,
        /// Role of this process: all, web, worker, ingest [default: all]
        #[arg(long, value_name = "ROLE", num_args = 1..)]
        role: Vec<String>,
    },
    /// Manage users
    #[command(subcommand)]
    User(UserCommand),
    /// Manage API keys
    #[command(subcommand)]
    Key(KeyCommand),
    /// Manage media servers that report to the console
    #[command(subcommand)]
    Source(SourceCommand),
    /// Import access logs and transcoding results
    #[command(subcommand)]
    Import(ImportCommand),
    /// Receive callbacks and print them, for testing
    Listen {
        /// Port on 127.0.0.1; 0 for any free port
        #[arg(long, value_name = "PORT")]
        port: u16,
        /// Signing secret of a callback (whsec_…), to verify signatures; can be repeated
        #[arg(long = "secret", value_name = "SECRET")]
        secrets: Vec<String>,
    },
    /// Create a data folder with sample domains, streams, callbacks and statistics
    Demo {
        /// A folder without a console
        #[arg(long, value_name = "DIR", default_value = "./sample-data")]
        data_dir: PathBuf,
    },
    /// Print the OpenAPI 3.1 description of the REST API as JSON
    Openapi,
    /// Back up the databases and key of a console, running or not, to a tar archive; recordings are not included
    Backup {
        #[command(flatten)]
        settings: Settings,
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Manage the key that encrypts stored secrets
    #[command(subcommand)]
    Secrets(SecretsCommand),
    /// Migrate the database
    Migrate {
        #[command(flatten)]
        settings: Settings,
    },
}

#[derive(Debug, Subcommand)]
enum UserCommand {
    /// Create a user; prompts for the password, or reads it from standard input
    Create {
        #[command(flatten)]
        settings: Settings,
        #[arg(long)]
        name: String,
        /// admin, operator or reviewer
        #[arg(long)]
        role: String,
        /// Read the password from standard input
        #[arg(long)]
        password_stdin: bool,
    },
}

#[derive(Debug, Subcommand)]
enum KeyCommand {
    /// Create an API key and print it; it is shown only once
    Create {
        #[command(flatten)]
        settings: Settings,
        #[arg(long)]
        name: String,
        /// admin, operator or reviewer
        #[arg(long)]
        role: String,
        /// Push domain that the key is limited to; can be repeated
        #[arg(long = "domain", value_name = "DOMAIN")]
        domains: Vec<String>,
        /// Days until the key expires [default: never]
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=3650))]
        expires_days: Option<u16>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// List the keys: role, domains, expiry, last use
    List {
        #[command(flatten)]
        settings: Settings,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Rotate the token and secret key of a key and print them; the previous ones stop working immediately
    Rotate {
        #[command(flatten)]
        settings: Settings,
        #[arg(value_name = "NAME")]
        name: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Revoke a key permanently
    Revoke {
        #[command(flatten)]
        settings: Settings,
        #[arg(value_name = "NAME")]
        name: String,
    },
}

#[derive(Debug, Subcommand)]
enum SecretsCommand {
    /// Replace secret.key and re-encrypt all stored secrets, while the console is stopped; run it again after an interruption
    Rotate {
        #[command(flatten)]
        settings: Settings,
    },
}

#[derive(Debug, Subcommand)]
enum SourceCommand {
    /// Add a media server and print its ingest URL and signing secret
    Create {
        #[command(flatten)]
        settings: Settings,
        /// nginx-rtmp or generic
        #[arg(long)]
        adapter: String,
        #[arg(long)]
        name: String,
        /// Push domain for reports without a domain
        #[arg(long, value_name = "DOMAIN")]
        default_domain: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Subcommand)]
enum ImportCommand {
    /// Import access logs as plain text, gzip or zstd; lines counted before are skipped
    AccessLog {
        #[command(flatten)]
        settings: Settings,
        /// Format, if it cannot be detected
        #[arg(long, value_name = "FORMAT")]
        format: Option<String>,
        /// Domain for lines that contain no host
        #[arg(long, value_name = "DOMAIN")]
        domain: Option<String>,
        #[arg(value_name = "FILE", required = true)]
        files: Vec<PathBuf>,
    },
    /// Import transcoding results as JSON or NDJSON of the console, MediaConvert, Tencent MPS, Aliyun VOD, JD VOD or ffprobe
    TranscodeJobs {
        #[command(flatten)]
        settings: Settings,
        #[arg(value_name = "FILE", required = true)]
        files: Vec<PathBuf>,
    },
}

/// A failure in one line, and the exit code that goes with it.
#[derive(Debug)]
struct Failure {
    message: String,
    exit: u8,
}

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self { message: error.to_string(), exit: 1 }
    }
}

/// Runs the command that this process was started with. `assets` are the static files of the pages.
#[tokio::main]
pub async fn run(assets: Assets) -> ExitCode {
    let asked = std::env::var(EnvFilter::DEFAULT_ENV).ok().filter(|asked| !asked.is_empty());
    // PostgreSQL notes at each start that the table of migrations is there.
    let asked = asked.as_deref().unwrap_or("info,sqlx::postgres::notice=warn");
    let filter = EnvFilter::new(asked);
    let colours = io::stderr().is_terminal();
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(io::stderr).init();
    match Cli::parse().run(assets).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("callsheet: {}", failure.message);
            ExitCode::from(failure.exit)
        }
    }
}

impl Settings {
    fn load(self) -> Result<Config, Failure> {
        let Self { config, data_dir, database_url } = self;
        load(&Overrides { config, data_dir, database_url, ..Overrides::default() })
    }
}

fn load(overrides: &Overrides) -> Result<Config, Failure> {
    Config::load(overrides).map_err(|e| Failure { message: e.to_string(), exit: 2 })
}

impl Cli {
    async fn run(self, assets: Assets) -> Result<(), Failure> {
        match self.command {
            Command::Serve { settings, http, rtmp, role } => {
                let Settings { config, data_dir, database_url } = settings;
                let config = load(&Overrides { config, data_dir, database_url, http, rtmp, role })?;
                serve::serve(config, assets).await
            }
            Command::User(UserCommand::Create { settings, name, role, password_stdin }) => {
                create::user(&settings.load()?, &name, &role, password_stdin).await
            }
            Command::Key(KeyCommand::Create { settings, name, role, domains, expires_days, json }) => {
                keys::create(&settings.load()?, &name, &role, &domains, expires_days, json).await
            }
            Command::Key(KeyCommand::List { settings, json }) => keys::list(&settings.load()?, json).await,
            Command::Key(KeyCommand::Rotate { settings, name, json }) => {
                keys::rotate(&settings.load()?, &name, json).await
            }
            Command::Key(KeyCommand::Revoke { settings, name }) => keys::revoke(&settings.load()?, &name).await,
            Command::Source(SourceCommand::Create { settings, adapter, name, default_domain, json }) => {
                create::source(&settings.load()?, &adapter, &name, default_domain.as_deref(), json).await
            }
            Command::Import(ImportCommand::AccessLog { settings, format, domain, files }) => {
                access_log::import(&settings.load()?, format.as_deref(), domain.as_deref(), &files).await
            }
            Command::Import(ImportCommand::TranscodeJobs { settings, files }) => {
                transcode_jobs::import(&settings.load()?, &files).await
            }
            Command::Listen { port, secrets } => listen::listen(port, &secrets).await,
            Command::Demo { data_dir } => demo::demo(data_dir).await,
            Command::Openapi => Ok(io::stdout().write_all(description().as_bytes())?),
            Command::Backup { settings, file } => backup::backup(&settings.load()?, &file).await,
            Command::Secrets(SecretsCommand::Rotate { settings }) => secrets::rotate(&settings.load()?).await,
            Command::Migrate { settings } => create::tables(&settings.load()?).await,
        }
    }
}
