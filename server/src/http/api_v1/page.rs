//! Pages of lists. `limit` (1 to 100, default 20) is the number of rows; `cursor` is the `nextCursor` of the previous page.
//!
//! A cursor contains the number of the next page and its size. Lists are sorted newest first, so new rows move older ones down: a client may
//! see a row twice, but misses none.

use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use callsheet::model::{Page, PageRequest};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::http::problem::ApiProblem;

const DEFAULT_LIMIT: i64 = 20;
const MAX_LIMIT: i64 = 100;
/// Larger than any list; prevents overflow of the offset.
const MAX_PAGE: i64 = 1_000_000;

/// Rows on a page, 1 to 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "i64")]
struct Limit(i64);

impl TryFrom<i64> for Limit {
    type Error = &'static str;

    fn try_from(limit: i64) -> Result<Self, Self::Error> {
        if (1..=MAX_LIMIT).contains(&limit) { Ok(Self(limit)) } else { Err("must be between 1 and 100") }
    }
}

/// Position of the next page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
struct Cursor(PageRequest);

impl TryFrom<String> for Cursor {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        parse(&text).map(Self).ok_or("not a `nextCursor` of this list")
    }
}

fn parse(cursor: &str) -> Option<PageRequest> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
    let (number, size) = text.split_once('.')?;
    let page = PageRequest { number: number.parse().ok()?, size: size.parse().ok()? };
    ((2..=MAX_PAGE).contains(&page.number) && (1..=MAX_LIMIT).contains(&page.size)).then_some(page)
}

/// What a query says of pages.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct PageQuery {
    /// `nextCursor` of the previous page. Omit for the first page.
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
    /// Rows per page. With a cursor: the same limit as before, or none.
    #[param(value_type = Option<i64>, minimum = 1, maximum = 100, default = 20)]
    limit: Option<Limit>,
}

impl PageQuery {
    pub(super) const NAMES: [&str; 2] = ["cursor", "limit"];

    /// Returns the requested page.
    pub(super) fn request(self) -> Result<PageRequest, ApiProblem> {
        match (self.cursor, self.limit) {
            (None, limit) => Ok(PageRequest { number: 1, size: limit.map_or(DEFAULT_LIMIT, |l| l.0) }),
            (Some(Cursor(page)), Some(Limit(limit))) if page.size != limit => {
                let detail =
                    format!("limit: the cursor continues with {} rows per page; send that limit or none", page.size);
                Err(ApiProblem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_value", detail).of_field("limit"))
            }
            (Some(Cursor(page)), _) => Ok(page),
        }
    }
}

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct List<T> {
    items: Vec<T>,
    /// `null` on the last page.
    next_cursor: Option<String>,
}

impl<T> List<T> {
    /// Creates a list with a single page.
    pub(super) fn whole(items: impl IntoIterator<Item = impl Into<T>>) -> Self {
        Self { items: items.into_iter().map(Into::into).collect(), next_cursor: None }
    }
}

impl<T, Row: Into<T>> From<Page<Row>> for List<T> {
    fn from(page: Page<Row>) -> Self {
        let more = page.number < page.count().min(MAX_PAGE);
        let next = more.then(|| URL_SAFE_NO_PAD.encode(format!("{}.{}", page.number + 1, page.size)));
        Self { next_cursor: next, ..Self::whole(page.rows) }
    }
}
