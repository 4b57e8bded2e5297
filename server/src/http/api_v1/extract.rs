//! Extractors. Each rejection is a problem that names the field.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, FailedToBufferBody};
use axum::extract::{FromRequest, FromRequestParts, OptionalFromRequest, Path, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use callsheet::model::{Actor, DomainName, PageRequest};
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, DeserializeOwned, MapAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::error::Category;
use url::form_urlencoded;

use super::BODY_LIMIT;
use super::page::PageQuery;
use crate::http::AppState;
use crate::http::problem::ApiProblem;

/// The actor, from [`caller`](super::caller).
pub(super) struct ApiActor(pub(super) Actor);

impl FromRequestParts<AppState> for ApiActor {
    type Rejection = ApiProblem;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, ApiProblem> {
        parts.extensions.get().cloned().map(Self).ok_or_else(ApiProblem::signed_out)
    }
}

/// Path parameters. Invalid ones give 404, because they identify nothing.
pub(super) struct Params<T>(pub(super) T);

impl<T: DeserializeOwned + Send> FromRequestParts<AppState> for Params<T> {
    type Rejection = ApiProblem;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, ApiProblem> {
        match Path::from_request_parts(parts, app).await {
            Ok(Path(params)) => Ok(Self(params)),
            Err(_) => Err(ApiProblem::new(StatusCode::NOT_FOUND, "not_found", "no such resource")),
        }
    }
}

/// Query of a list: filter and page. Unknown names are errors, because ignoring a filter would return wrong rows.
pub(super) struct Query<T>(pub(super) T, pub(super) PageRequest);

impl<T: DeserializeOwned> FromRequestParts<AppState> for Query<T> {
    type Rejection = ApiProblem;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, ApiProblem> {
        let query = form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
        let (page, filter): (Vec<_>, Vec<_>) = query.partition(|(name, _)| PageQuery::NAMES.contains(&name.as_ref()));
        Ok(Self(read_query(filter)?, read_query::<PageQuery>(page)?.request()?))
    }
}

/// Query without a page.
pub(super) struct Filter<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequestParts<AppState> for Filter<T> {
    type Rejection = ApiProblem;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, ApiProblem> {
        let query = form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
        read_query(query.collect()).map(Self)
    }
}

pub(super) fn read_query<T: DeserializeOwned>(pairs: Vec<(Cow<'_, str>, Cow<'_, str>)>) -> Result<T, ApiProblem> {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    let query = serde_urlencoded::Deserializer::new(form_urlencoded::parse(query.as_bytes()));
    serde_path_to_error::deserialize(query).map_err(|error| invalid_value(&error))
}

/// A body of any type, of at most `LIMIT` bytes. The route sets the limit.
pub(super) struct RawBody<const LIMIT: usize>(pub(super) Bytes);

impl<const LIMIT: usize> FromRequest<AppState> for RawBody<LIMIT> {
    type Rejection = ApiProblem;

    async fn from_request(request: Request, app: &AppState) -> Result<Self, ApiProblem> {
        Bytes::from_request(request, app).await.map(Self).map_err(|rejection| match rejection {
            BytesRejection::FailedToBufferBody(FailedToBufferBody::LengthLimitError(_)) => {
                let detail = format!("the body is longer than {LIMIT} bytes");
                ApiProblem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail)
            }
            _ => ApiProblem::new(StatusCode::BAD_REQUEST, "malformed", "the body was interrupted"),
        })
    }
}

/// A JSON body of at most [`BODY_LIMIT`] bytes.
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<AppState> for Body<T> {
    type Rejection = ApiProblem;

    async fn from_request(request: Request, app: &AppState) -> Result<Self, ApiProblem> {
        let media_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let media_type = media_type.and_then(|value| value.split(';').next()).unwrap_or_default();
        if !media_type.trim().eq_ignore_ascii_case("application/json") {
            let detail = "send the body as JSON, with `content-type: application/json`";
            return Err(ApiProblem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_json", detail));
        }
        let RawBody(bytes) = RawBody::<BODY_LIMIT>::from_request(request, app).await?;
        let malformed = |error: &serde_json::Error| {
            ApiProblem::new(StatusCode::BAD_REQUEST, "malformed", format!("the body is not JSON: {error}"))
        };
        let mut json = serde_json::Deserializer::from_slice(&bytes);
        let body = serde_path_to_error::deserialize::<_, Object<T>>(&mut json).map_err(|error| {
            match error.inner().classify() {
                Category::Data => invalid_value(&error),
                Category::Syntax | Category::Eof | Category::Io => malformed(error.inner()),
            }
        })?;
        json.end().map_err(|error| malformed(&error))?;
        Ok(Self(body.0))
    }
}

/// An optional body. Without a body there is no `content-type`.
impl<T: DeserializeOwned> OptionalFromRequest<AppState> for Body<T> {
    type Rejection = ApiProblem;

    async fn from_request(request: Request, app: &AppState) -> Result<Option<Self>, ApiProblem> {
        if !request.headers().contains_key(header::CONTENT_TYPE) {
            return Ok(None);
        }
        <Self as FromRequest<AppState>>::from_request(request, app).await.map(Some)
    }
}

/// A JSON object. Serde alone would also accept an array with the values in order.
#[derive(Debug)]
pub(super) struct Object<T>(pub(super) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Fields<T> {
            type Value = T;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<T, A::Error> {
                T::deserialize(MapAccessDeserializer::new(fields))
            }
        }

        deserializer.deserialize_map(Fields(PhantomData)).map(Self)
    }
}

/// An integer. JSON has only one number type, so `23.0` is an integer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Integer(pub(super) i64);

impl<'de> Deserialize<'de> for Integer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Number;

        impl Visitor<'_> for Number {
            type Value = i64;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number")
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<i64, E> {
                Ok(number)
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<i64, E> {
                i64::try_from(number).map_err(|_| E::invalid_value(Unexpected::Unsigned(number), &self))
            }

            fn visit_f64<E: de::Error>(self, number: f64) -> Result<i64, E> {
                // Larger integers are not exact as floats.
                let whole = number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0;
                if whole { Ok(number as i64) } else { Err(E::invalid_value(Unexpected::Float(number), &self)) }
            }
        }

        deserializer.deserialize_i64(Number).map(Self)
    }
}

/// Converts an error of serde: a value is missing, unknown or invalid.
fn invalid_value<E: fmt::Display>(error: &serde_path_to_error::Error<E>) -> ApiProblem {
    use serde_path_to_error::Segment;

    let reason = error.inner().to_string();
    let invalid = |detail| ApiProblem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_value", detail);
    // The path of these errors is the object; only their text names the field.
    for text in ["missing field `", "unknown field `", "duplicate field `"] {
        if let Some((field, _)) = reason.strip_prefix(text).and_then(|rest| rest.split_once('`')) {
            let field = field.to_owned();
            return invalid(reason).of_field(field);
        }
    }
    match error.path().iter().next() {
        Some(Segment::Map { key }) => invalid(format!("{key}: {reason}")).of_field(key),
        _ => invalid(reason),
    }
}

/// Domain of a filter, in ASCII.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct PushDomain(pub(super) String);

impl TryFrom<String> for PushDomain {
    type Error = callsheet::model::BadName;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Ok(Self(DomainName::parse(&text)?.ascii().to_owned()))
    }
}
