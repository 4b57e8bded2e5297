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
    /// Who acted: a user, a key, the command line (`cli`) or the console by itself.
    ActorKind = audit::ActorKind;
    /// How a source talks.
    Adapter = sources::Adapter;
    /// `publish`: streams start and stop. `record`: recordings and their parts start and end.
    CallbackKind = model::CallbackKind;
    /// How the video of an output was coded; `remux`: put into another container, not coded again.
    Codec = stats::Codec;
    /// Where a delivery stands. `pending` and `retrying` ones wait for an attempt; `skipped`: the callback was off or had no address.
    DeliveryState = deliveries::DeliveryState;
    /// The form of a callback's body.
    Dialect = callbacks::Dialect;
    /// The sort of a failed attempt.
    ErrorClass = outbound::ErrorClass;
    /// What happened.
    EventName = model::EventName;
    /// The length of a shown point. A day is one of the console's time zone.
    Granularity = stats::Granularity;
    /// How deliveries to a callback fare now. `failing`: the latest attempt failed, or the callback is paused. Else it succeeded, if one was
    /// made: `unrecovered`: deliveries that used up their tries were not sent again; `retrying`: some wait for another try.
    HealthState = callbacks::HealthState;
    /// How the lines of an access log are laid out.
    LogFormat = stats::access_log::Format;
    /// What was guessed about a line of an access log.
    LogNoteCode = stats::access_log::Note;
    /// What is counted: bytes sent, bits a second, bytes held, files held.
    Metric = stats::Metric;
    /// Why the console turned a callback off by itself.
    OffReason = callbacks::OffReason;
    /// A step of an exchange with a receiver, in the order in which they happen.
    Phase = outbound::Phase;
    /// How far a recovery is. `done`: all its deliveries had their turn; its `outcome` says what became of them.
    RecoveryState = deliveries::RecoveryState;
    /// The class of a picture: the first whose long and short side hold it.
    Resolution = stats::Resolution;
    /// What a person or a key is trusted with. Reviewers read, operators run domains and deliveries, admins do everything.
    Role = model::Role;
    /// How far a session is.
    SessionPhase = callsheet::streams::Phase;
    /// Whether what an event tells of went well.
    EventStatus = model::Status;
    /// Whether a person can sign in.
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
    /// An entry of the audit log. Grows with time.
    AuditId = "aud";
    /// A delivery, and the `webhook-id` of all its attempts. Grows with time.
    DeliveryId = "evt";
    /// An event. Grows with time.
    EventId = "ev";
    /// A recovery. Grows with time.
    RecoveryId = "rec";
    /// One publish of one stream. Grows with time.
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
