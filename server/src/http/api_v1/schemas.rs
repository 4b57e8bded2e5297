//! OpenAPI schemas of types of the core crate.
//!
//! The core crate does not depend on OpenAPI, so this module has an empty type of the same name for each type in JSON:
//! `#[schema(value_type = schemas::Role)]`. Enum values come from the core type.

use std::borrow::Cow;

use callsheet::{accounts, audit, callbacks, deliveries, model, outbound, sources, stats};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ArrayBuilder, KnownFormat, ObjectBuilder, OneOfBuilder, Schema, SchemaFormat, Type};
use utoipa::{PartialSchema, ToSchema};

use super::rfc3339::Rfc3339;

macro_rules! words {
    ($($(#[doc = $doc:literal])+ $name:ident = $vocabulary:ty;)+) => {$(
        $(#[doc = $doc])+
        #[derive(Debug)]
        pub(super) enum $name {}

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                ObjectBuilder::new()
                    .schema_type(Type::String)
                    .description(Some(concat!($($doc),+).trim()))
                    .enum_values(Some(<$vocabulary>::ALL.iter().map(|word| word.as_str())))
                    .into()
            }
        }

        impl ToSchema for $name {}
    )+};
}

words! {
    /// A user, a key, the command line (`cli`) or the console itself.
    ActorKind = audit::ActorKind;
    /// Protocol of a source.
    Adapter = sources::Adapter;
    /// `publish`: streams start and stop. `record`: recordings and their parts start and end.
    CallbackKind = model::CallbackKind;
    /// Codec of an output (the "coding method" of cloud vendors); `remux`: repackaged without transcoding.
    Codec = stats::Codec;
    /// State of a delivery. `pending` and `retrying` wait for an attempt; `skipped`: the callback was off or had no URL.
    DeliveryState = deliveries::DeliveryState;
    /// Format version of the callback body.
    Dialect = callbacks::Dialect;
    /// Class of a failure.
    ErrorClass = outbound::ErrorClass;
    /// Name of an event.
    EventName = model::EventName;
    /// Length of an interval. Days are in the console's time zone.
    Granularity = stats::Granularity;
    /// Health of a callback. `failing`: the latest attempt failed, or the callback is paused. Otherwise the latest attempt, if any, succeeded:
    /// `unrecovered`: failed deliveries were not resent; `retrying`: deliveries are waiting for a retry.
    HealthState = callbacks::HealthState;
    /// Format of an access log.
    LogFormat = stats::access_log::Format;
    /// An assumption made about lines of an access log.
    LogNoteCode = stats::access_log::Note;
    /// Bytes sent, bits per second, bytes stored or files stored.
    Metric = stats::Metric;
    /// Why the callback was turned off automatically.
    OffReason = callbacks::OffReason;
    /// A phase of a request, in order.
    Phase = outbound::Phase;
    /// State of a recovery. `done`: all its deliveries were processed; `outcome` has the results.
    RecoveryState = deliveries::RecoveryState;
    /// Resolution class: the smallest one that fits both sides of the video.
    Resolution = stats::Resolution;
    /// Role of a user or key. Reviewers read, operators manage domains and deliveries, admins do everything.
    Role = model::Role;
    /// Phase of a session.
    SessionPhase = callsheet::streams::Phase;
    /// Outcome reported by an event.
    EventStatus = model::Status;
    /// State of a user account.
    UserState = accounts::UserState;
}

/// The length of a shown point, or `auto`.
#[derive(Debug)]
pub(super) enum AutoGranularity {}

impl PartialSchema for AutoGranularity {
    fn schema() -> RefOr<Schema> {
        let words = stats::Granularity::ALL.iter().map(|word| word.as_str());
        ObjectBuilder::new()
            .schema_type(Type::String)
            .enum_values(Some(["auto"].into_iter().chain(words)))
            .default(Some("auto".into()))
            .into()
    }
}

impl ToSchema for AutoGranularity {}

macro_rules! ids {
    ($($(#[doc = $doc:literal])+ $name:ident = $prefix:literal;)+) => {$(
        $(#[doc = $doc])+
        #[derive(Debug)]
        pub(super) enum $name {}

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                ObjectBuilder::new()
                    .schema_type(Type::String)
                    .description(Some(concat!($($doc),+).trim()))
                    // 63 bits in 13 digits of Crockford's alphabet.
                    .pattern(Some(concat!("^", $prefix, "_[0-7][0-9a-hjkmnp-tv-z]{12}$")))
                    .into()
            }
        }

        impl ToSchema for $name {}
    )+};
}

ids! {
    /// Id of an audit log entry. Increases with time.
    AuditId = "aud";
    /// Id of a delivery, and the `webhook-id` of all its attempts. Increases with time.
    DeliveryId = "evt";
    /// Id of an event. Increases with time.
    EventId = "ev";
    /// Id of a recovery. Increases with time.
    RecoveryId = "rec";
    /// Id of a session. Increases with time.
    SessionId = "ses";
}

/// The number of a row: a user, a key, a source.
#[derive(Debug)]
pub(super) enum RowId {}

impl PartialSchema for RowId {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::Integer)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
            .minimum(Some(1))
            .into()
    }
}

impl ToSchema for RowId {}

impl PartialSchema for Rfc3339 {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .description(Some("RFC 3339. Written in UTC with milliseconds, read with any offset."))
            .examples(["2026-11-22T08:30:00.000Z"])
            .into()
    }
}

impl ToSchema for Rfc3339 {
    fn name() -> Cow<'static, str> {
        "Moment".into()
    }
}

/// The bytes of a file.
#[derive(Debug)]
pub(super) enum File {}

impl PartialSchema for File {
    fn schema() -> RefOr<Schema> {
        let format = SchemaFormat::KnownFormat(KnownFormat::Binary);
        ObjectBuilder::new().schema_type(Type::String).format(Some(format)).into()
    }
}

impl ToSchema for File {}

/// Results of transcoders, in a form of this console or of others: an object, or several.
#[derive(Debug)]
pub(super) enum AnyJobs {}

impl PartialSchema for AnyJobs {
    fn schema() -> RefOr<Schema> {
        let job = || ObjectBuilder::new().schema_type(Type::Object);
        OneOfBuilder::new().item(job()).item(ArrayBuilder::new().items(job())).into()
    }
}

impl ToSchema for AnyJobs {}

/// Returns the schema of a chart point: an array of `numbers` numbers.
fn point(numbers: usize, of: Type, description: &str) -> RefOr<Schema> {
    let number = ObjectBuilder::new().schema_type(of);
    let array = ArrayBuilder::new().items(number).min_items(Some(numbers)).max_items(Some(numbers));
    array.description(Some(description)).into()
}

/// When a point begins, and its figure.
#[derive(Debug)]
pub(super) enum Point {}

impl PartialSchema for Point {
    fn schema() -> RefOr<Schema> {
        point(2, Type::Integer, "`[Unix seconds, value]`")
    }
}

impl ToSchema for Point {}

/// When a day begins, and its figures.
#[derive(Debug)]
pub(super) enum TranscodingPoint {}

impl PartialSchema for TranscodingPoint {
    fn schema() -> RefOr<Schema> {
        point(3, Type::Number, "`[Unix seconds, minutes, files]`")
    }
}

impl ToSchema for TranscodingPoint {}
