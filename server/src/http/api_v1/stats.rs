//! `/stats`: the figures of *Statistics*, for scripts. Points are `[Unix seconds, value]`; values are bytes, bits a second, files.

use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use callsheet::model::Actor;
use callsheet::stats::{
    BIN_S, Change, Codec, Granularity, Metric, Resolution, TimeRange, TranscodingQuery, TranscodingView, UsageBin,
    UsageQuery, UsageView, bin_start,
};
use callsheet_app::{Locale, Texts, reports};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use url::form_urlencoded;
use utoipa::{IntoParams, ToSchema};

use super::extract::{ApiActor, read_query};
use super::rfc3339::Rfc3339;
use super::schemas;
use crate::http::AppState;
use crate::http::exports;
use crate::http::problem::ApiProblem;

/// Where no time is given: the last day.
const DAY: i64 = 86_400;

/// A query in which `domain` may stand several times; unknown names are errors.
pub(super) struct StatsQuery<T> {
    /// Empty: all domains.
    domains: Vec<String>,
    rest: T,
}

impl<T: DeserializeOwned> FromRequestParts<AppState> for StatsQuery<T> {
    type Rejection = ApiProblem;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, ApiProblem> {
        let pairs = form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
        let (domains, rest): (Vec<_>, Vec<_>) = pairs.partition(|(name, _)| name == "domain");
        let domains = domains.into_iter().map(|(_, domain)| domain.into_owned()).collect();
        Ok(Self { domains, rest: read_query(rest)? })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(default = "json")]
enum Format {
    #[default]
    Json,
    Csv,
    Xlsx,
}

impl Format {
    const fn file(self) -> Option<exports::Format> {
        match self {
            Self::Json => None,
            Self::Csv => Some(exports::Format::Csv),
            Self::Xlsx => Some(exports::Format::Xlsx),
        }
    }
}

/// Exports for scripts are in English.
const TEXTS: Texts = Texts(Locale::English);

/// What is given, or the day up to now.
fn slot(app: &AppState, from: Option<Rfc3339>, to: Option<Rfc3339>) -> TimeRange {
    let seconds = |moment: Rfc3339| moment.0.div_euclid(1000);
    let to = to.map_or_else(|| bin_start(app.console.clock.now().div_euclid(1000)) + BIN_S, seconds);
    TimeRange { from: from.map_or(to - DAY, seconds), to }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(default = "none")]
enum GroupBy {
    #[default]
    None,
    Domain,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct UsageParams {
    #[param(inline, value_type = schemas::Metric)]
    metric: Metric,
    /// Start of the range, a multiple of five minutes. Default: a day before its end.
    #[param(inline)]
    from: Option<Rfc3339>,
    /// End of the range. Default: now.
    #[param(inline)]
    to: Option<Rfc3339>,
    /// `auto` depends on the length of the range.
    #[serde(default)]
    #[param(inline, value_type = schemas::AutoGranularity)]
    granularity: AutoGranularity,
    /// `domain`: one series per domain, in JSON only: for the given domains, or else those with the most traffic.
    #[serde(default)]
    #[param(inline)]
    group_by: GroupBy,
    /// Include the previous period of the same length.
    #[serde(default)]
    compare: bool,
    /// Format of the response.
    #[serde(default)]
    #[param(inline)]
    format: Format,
}

/// `auto` or a length.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(try_from = "String")]
struct AutoGranularity(Option<Granularity>);

impl TryFrom<String> for AutoGranularity {
    type Error = &'static str;

    fn try_from(word: String) -> Result<Self, Self::Error> {
        match word.as_str() {
            "auto" => Ok(Self(None)),
            word => word.parse().map(|length| Self(Some(length))).map_err(|()| "must be auto, 5m, 1h or 1d"),
        }
    }
}

/// Totals of the whole range.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct UsageSummary {
    /// Bytes sent, or bytes or files stored at the end of the range; null for bandwidth.
    total: Option<i64>,
    peak: i64,
    /// Unix seconds.
    peak_at: Option<i64>,
    /// 95th percentile of bandwidth; null if the five-minute data of the range has expired.
    p95: Option<i64>,
    /// With `compare`: the total, or for bandwidth the peak, of the previous period; null if there is no data.
    previous: Option<i64>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = UsageSeries)]
struct Series {
    #[schema(value_type = Vec<schemas::Point>)]
    points: Vec<(i64, i64)>,
    /// With `compare`: points of the previous period; absent if there is no data.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<Vec<schemas::Point>>)]
    points_before: Option<Vec<(i64, i64)>>,
    summary: UsageSummary,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DomainUsageSeries)]
struct DomainSeries {
    domain: String,
    #[serde(flatten)]
    series: Series,
}

/// Figures of the selected domains in total, or per domain.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = UsageAnswer)]
enum UsageJson {
    Together(Together),
    ByDomain(ByDomain),
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Usage)]
struct Together {
    #[schema(value_type = schemas::Granularity)]
    granularity: Granularity,
    unit: Unit,
    #[serde(flatten)]
    series: Series,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UsageByDomain)]
struct ByDomain {
    #[schema(value_type = schemas::Granularity)]
    granularity: Granularity,
    unit: Unit,
    series: Vec<DomainSeries>,
}

/// What figures are of.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[schema(as = UsageUnit)]
enum Unit {
    #[serde(rename = "bytes")]
    Bytes,
    #[serde(rename = "bit/s")]
    BitsPerSecond,
    #[serde(rename = "files")]
    Files,
}

const fn unit(metric: Metric) -> Unit {
    match metric {
        Metric::Traffic | Metric::Storage => Unit::Bytes,
        Metric::Bandwidth => Unit::BitsPerSecond,
        Metric::Files => Unit::Files,
    }
}

fn series(usage: &UsageView, compare: bool) -> Series {
    let cards = &usage.cards;
    let (figure, total) = match usage.metric {
        Metric::Traffic => (cards.traffic, Some(cards.traffic.now)),
        Metric::Bandwidth => (cards.peak, None),
        Metric::Storage => (cards.storage, Some(cards.storage.now)),
        Metric::Files => (cards.files, Some(cards.files.now)),
    };
    let bandwidth = usage.metric == Metric::Bandwidth;
    // Of equal points the first.
    let highest = usage.bins.iter().max_by_key(|point| (point.value, -point.at)).filter(|point| point.value > 0);
    let (peak, peak_at) = if bandwidth {
        (cards.peak.now, cards.peak_at)
    } else {
        (highest.map_or(0, |point| point.value), highest.map(|point| point.at))
    };
    let previous = figure.before.filter(|_| compare);
    let p95 = cards.p95.filter(|_| bandwidth).map(|p95| p95.now);
    let pairs = |points: &[UsageBin]| points.iter().map(|point| (point.at, point.value)).collect();
    let points_before = compare.then(|| pairs(&usage.before));
    Series { points: pairs(&usage.bins), points_before, summary: UsageSummary { total, peak, peak_at, p95, previous } }
}

/// Get traffic, bandwidth, storage or files
///
/// Bytes sent, bits per second, bytes stored or files stored, in intervals of five minutes, an hour or a day in the console's time zone.
#[utoipa::path(
    get, path = "/stats/usage", operation_id = "getUsage", tag = "Statistics",
    params(("domain" = Option<Vec<String>>, Query, description = "Play or VOD domain; can be repeated. Default: all domains."), UsageParams),
    responses(
    (status = 200, description = "The figures in the requested format", content(
    (UsageJson = "application/json"),
    (String = "text/csv"),
    (schemas::File = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    )),
    (status = 404, description = "`stats_unknown_domain`."),
    (status = 422, description = "`stats_bad_slot`, `stats_too_many_points`."),
    )
)]
pub(super) async fn usage(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
    query: StatsQuery<UsageParams>,
) -> Result<Response, ApiProblem> {
    let StatsQuery { domains, rest: params } = query;
    let ask = UsageQuery {
        metric: params.metric,
        domains,
        range: slot(&app, params.from, params.to),
        granularity: params.granularity.0,
        compare: params.compare,
    };
    if params.group_by == GroupBy::Domain {
        if params.format != Format::Json {
            let detail = "figures per domain are available in JSON only";
            return Err(ApiProblem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_value", detail).of_field("format"));
        }
        return Ok(Json(by_domain(&app, &actor, ask, params.compare).await?).into_response());
    }
    let chosen = ask.domains.clone();
    let usage = app.console.stats.usage(&actor, ask).await?;
    if let Some(format) = params.format.file() {
        return Ok(exports::file(reports::of_usage(&app.console, TEXTS, &chosen, &usage), format).await);
    }
    let (granularity, unit) = (usage.granularity, unit(usage.metric));
    let together = Together { granularity, unit, series: series(&usage, params.compare) };
    Ok(Json(UsageJson::Together(together)).into_response())
}

/// Those that were asked for; else those with the most traffic.
async fn by_domain(app: &AppState, actor: &Actor, ask: UsageQuery, compare: bool) -> Result<UsageJson, ApiProblem> {
    let stats = &app.console.stats;
    let all = stats.usage(actor, ask.clone()).await?;
    let domains =
        if ask.domains.is_empty() { all.top.into_iter().map(|top| top.domain).collect() } else { ask.domains.clone() };
    let mut each = Vec::with_capacity(domains.len());
    for domain in domains {
        let usage = stats.usage(actor, UsageQuery { domains: vec![domain.clone()], ..ask.clone() }).await?;
        each.push(DomainSeries { domain, series: series(&usage, compare) });
    }
    Ok(UsageJson::ByDomain(ByDomain { granularity: all.granularity, unit: unit(all.metric), series: each }))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct TranscodingParams {
    /// Start of the range, a multiple of five minutes. Default: a day before its end.
    #[param(inline)]
    from: Option<Rfc3339>,
    /// End of the range. Default: now.
    #[param(inline)]
    to: Option<Rfc3339>,
    #[param(inline, value_type = Option<schemas::Codec>)]
    codec: Option<Codec>,
    #[param(inline, value_type = Option<schemas::Resolution>)]
    class: Option<Resolution>,
    /// Format of the response.
    #[serde(default)]
    #[param(inline)]
    format: Format,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TranscodingCell)]
struct CellJson {
    #[schema(value_type = schemas::Codec)]
    codec: Codec,
    #[schema(value_type = schemas::Resolution)]
    class: Resolution,
    minutes: f64,
    files: i64,
}

#[derive(Debug, Serialize, ToSchema)]
struct TranscodingSummary {
    minutes: f64,
    files: i64,
    /// Tasks without output.
    failed: i64,
    /// The same for the previous period; null if there is no data.
    previous: Option<PreviousTranscoding>,
}

#[derive(Debug, Serialize, ToSchema)]
struct PreviousTranscoding {
    minutes: f64,
    files: i64,
    failed: i64,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Transcoding)]
struct TranscodingJson {
    matrix: Vec<CellJson>,
    /// Start, minutes and files of each day.
    #[schema(value_type = Vec<schemas::TranscodingPoint>)]
    points: Vec<(i64, f64, i64)>,
    summary: TranscodingSummary,
}

fn minutes(centiminutes: i64) -> f64 {
    centiminutes as f64 / 100.0
}

impl From<TranscodingView> for TranscodingJson {
    fn from(found: TranscodingView) -> Self {
        let matrix = found.matrix.iter().map(|cell| CellJson {
            codec: cell.codec,
            class: cell.resolution,
            minutes: minutes(cell.centiminutes),
            files: cell.files,
        });
        let points = found.days.iter().map(|day| {
            let sum = day.cells.iter().map(|cell| cell.centiminutes).sum();
            (day.at, minutes(sum), day.cells.iter().map(|cell| cell.files).sum())
        });
        let previous = |change: Change| change.before;
        let before = previous(found.centiminutes).zip(previous(found.files)).zip(previous(found.failed));
        let summary = TranscodingSummary {
            minutes: minutes(found.centiminutes.now),
            files: found.files.now,
            failed: found.failed.now,
            previous: before.map(|((centiminutes, files), failed)| PreviousTranscoding {
                minutes: minutes(centiminutes),
                files,
                failed,
            }),
        };
        Self { matrix: matrix.collect(), points: points.collect(), summary }
    }
}

/// Get minutes and files of transcoding
///
/// By codec and resolution class, and by day.
#[utoipa::path(
    get, path = "/stats/transcoding", operation_id = "getTranscoding", tag = "Statistics",
    params(("domain" = Option<Vec<String>>, Query, description = "Play or VOD domain; can be repeated. Default: all domains."), TranscodingParams),
    responses(
    (status = 200, description = "The figures in the requested format", content(
    (TranscodingJson = "application/json"),
    (String = "text/csv"),
    (schemas::File = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    )),
    (status = 404, description = "`stats_unknown_domain`."),
    (status = 422, description = "`stats_bad_slot`."),
    )
)]
pub(super) async fn transcoding(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
    query: StatsQuery<TranscodingParams>,
) -> Result<Response, ApiProblem> {
    let StatsQuery { domains, rest: params } = query;
    let ask = TranscodingQuery {
        domains: domains.clone(),
        range: slot(&app, params.from, params.to),
        codec: params.codec,
        resolution: params.class,
    };
    let found = app.console.stats.transcoding(&actor, ask).await?;
    Ok(match params.format.file() {
        Some(format) => exports::file(reports::of_transcoding(&app.console, TEXTS, domains, &found), format).await,
        None => Json(TranscodingJson::from(found)).into_response(),
    })
}
