//! `POST /ingest/<adapter>/<secret>`: a media server reports. It is answered after one commit; an error answer makes
//! servers that can refuse a publish refuse it.

use std::path::Path as FilePath;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use callsheet::Console;
use callsheet::model::{Problem, ProblemKind};
use callsheet::sources::{Adapter, Source};
use callsheet::streams::{IngestSink, PushRequest, Refused, SessionKey, SourceEvent, StreamError};
use http::{HeaderMap, StatusCode};

use super::generic::{self, GenericCall};
use super::nginx_rtmp::{self, NginxCall};
use super::{BadHook, flv_facts};

/// The longest `webhook-id`, in characters: databases index it.
const LONGEST_RECEIPT: usize = 200;

/// One report.
pub async fn report(
    State(console): State<Console>,
    Path((adapter, secret)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let source = match console.sources.by_url(&adapter, &secret).await {
        Ok(source) => source,
        Err(error) if error.kind() == ProblemKind::NotFound => {
            return (StatusCode::NOT_FOUND, "no such source\n").into_response();
        }
        Err(error) => return unavailable(&error),
    };
    let reported = match source.adapter {
        Adapter::NginxRtmp => from_nginx(&console, &source, &body).await,
        Adapter::Generic => from_generic(&console, &source, &headers, &body).await,
        Adapter::BuiltIn => Err(Rejection::NotFound),
    };
    match reported {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(rejection) => rejection.into_response(),
    }
}

/// Why a report is not taken.
enum Rejection {
    NotFound,
    Bad(BadHook),
    Unsigned(String),
    Refused(Refused),
    Stream(StreamError),
    Source(callsheet::sources::SourceError),
}

impl From<BadHook> for Rejection {
    fn from(bad: BadHook) -> Self {
        Self::Bad(bad)
    }
}
impl From<Refused> for Rejection {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}
impl From<StreamError> for Rejection {
    fn from(error: StreamError) -> Self {
        Self::Stream(error)
    }
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        match self {
            Self::NotFound => (StatusCode::NOT_FOUND, "no such source\n").into_response(),
            Self::Bad(bad) => (StatusCode::BAD_REQUEST, format!("{bad}\n")).into_response(),
            Self::Unsigned(why) => (StatusCode::UNAUTHORIZED, format!("{why}\n")).into_response(),
            Self::Refused(refused) => {
                let status = if refused.is_for_now() { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::FORBIDDEN };
                (status, format!("{refused}\n")).into_response()
            }
            Self::Stream(error) => unavailable(&error),
            Self::Source(error) => unavailable(&error),
        }
    }
}

fn unavailable(error: &(dyn std::error::Error + 'static)) -> Response {
    tracing::error!(error, "a report of a media server was not taken");
    (StatusCode::SERVICE_UNAVAILABLE, "reports cannot be stored now; retry later\n").into_response()
}

/// The hosts that the source told, then its default domain.
fn with_default(mut push: PushRequest, source: &Source) -> PushRequest {
    push.hosts.extend(source.default_domain.clone());
    push
}

async fn from_nginx(console: &Console, source: &Source, body: &[u8]) -> Result<(), Rejection> {
    let now = console.clock.now();
    let key = |key: String| SessionKey { source: source.id, boot: String::new(), key };
    let call = nginx_rtmp::parse(source.id, body)?;
    let asks_to_go_on = matches!(call, NginxCall::Update { .. });
    let (key, hint) = match call {
        NginxCall::Publish { key: id, push } => {
            let push = console.streams.admit(with_default(push, source)).await?;
            (key(id), SourceEvent::Started { at: now, push })
        }
        NginxCall::Update { key: id } => (key(id), SourceEvent::Alive { at: now, media: None }),
        NginxCall::PublishDone { key: id } => (key(id), SourceEvent::Ended { at: now, failure: None }),
        NginxCall::RecordDone { key: id, file } => {
            // Where the media server's disk is this machine's, the file tells its length better than the clock.
            let facts = flv_facts(FilePath::new(&file.path)).await.unwrap_or_default();
            (key(id), SourceEvent::PartClosed(file.into_part(now, facts)))
        }
        NginxCall::Ignored => return Ok(()),
    };
    console.streams.report_once(&key, source.adapter, hint, None).await?;
    if asks_to_go_on && !console.streams.may_go_on(&key).await? {
        tracing::info!(source = %source.id, session = key.key, "publisher dropped");
        return Err(Refused { code: "forbidden", reason: "an operator has forbidden this stream".to_owned() }.into());
    }
    Ok(())
}

async fn from_generic(console: &Console, source: &Source, headers: &HeaderMap, body: &[u8]) -> Result<(), Rejection> {
    let secret = console.sources.signing_secret(source).map_err(Rejection::Source)?;
    secret.verify(headers, body).map_err(|e| Rejection::Unsigned(format!("invalid signature: {e}")))?;
    // The verifier has seen it; a repeat of it changes nothing.
    let receipt = headers.get("webhook-id").and_then(|value| value.to_str().ok());
    if receipt.is_none_or(|id| id.is_empty() || id.len() > LONGEST_RECEIPT) {
        return Err(BadHook::Bad { field: "webhook-id", expected: "1 to 200 characters" }.into());
    }
    let key = |key: String| SessionKey { source: source.id, boot: String::new(), key };
    let (key, push, hint) = match generic::parse(source.id, body, console.clock.now())? {
        GenericCall::Publish { key: id, at, push } => {
            let push = console.streams.admit(with_default(push, source)).await?;
            (key(id), None, SourceEvent::Started { at, push })
        }
        GenericCall::Report { key: id, hint, push } => (key(id), Some(with_default(push, source)), hint),
        GenericCall::Ignored => return Ok(()),
    };
    Ok(console.streams.report_of(&key, source.adapter, push, hint, receipt.map(str::to_owned)).await?)
}
