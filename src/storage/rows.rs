//! Reading rows and building conditions.

use std::str::FromStr;

use serde::de::DeserializeOwned;
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::Query;
use sqlx::{Any, ColumnIndex, Database, Decode, Encode, Row, Type};

use crate::model::{DeliveryId, StoreError};

/// Reads columns by name.
pub(crate) trait Read {
    fn col<'r, T: Decode<'r, Any> + Type<Any>>(&'r self, name: &'static str) -> Result<T, StoreError>;
    /// Reads an integer column that is 0 or 1.
    fn flag(&self, name: &'static str) -> Result<bool, StoreError>;
    /// Reads a text column whose values are those of an enum.
    fn word<T: FromStr>(&self, name: &'static str) -> Result<T, StoreError>;
    /// Like [`Self::word`], for a nullable column.
    fn maybe_word<T: FromStr>(&self, name: &'static str) -> Result<Option<T>, StoreError>;
    /// Reads a text column that holds JSON.
    fn json<T: DeserializeOwned>(&self, name: &'static str) -> Result<T, StoreError>;
    /// Reads a text column that holds a JSON array of rows, or null for none.
    fn packed<T: DeserializeOwned>(&self, name: &'static str) -> Result<Vec<T>, StoreError>;
}

impl Read for AnyRow
where
    &'static str: ColumnIndex<Self>,
{
    fn col<'r, T: Decode<'r, Any> + Type<Any>>(&'r self, name: &'static str) -> Result<T, StoreError> {
        Ok(self.try_get(name)?)
    }

    fn flag(&self, name: &'static str) -> Result<bool, StoreError> {
        Ok(self.col::<i64>(name)? != 0)
    }

    fn word<T: FromStr>(&self, name: &'static str) -> Result<T, StoreError> {
        let text: String = self.col(name)?;
        text.parse().map_err(|_| StoreError::corrupt(format!("{name} = {text}")))
    }

    fn maybe_word<T: FromStr>(&self, name: &'static str) -> Result<Option<T>, StoreError> {
        let text: Option<String> = self.col(name)?;
        text.map(|text| text.parse().map_err(|_| StoreError::corrupt(format!("{name} = {text}")))).transpose()
    }

    fn json<T: DeserializeOwned>(&self, name: &'static str) -> Result<T, StoreError> {
        let text: String = self.col(name)?;
        serde_json::from_str(&text).map_err(|e| StoreError::corrupt(format!("{name}: {e}")))
    }

    fn packed<T: DeserializeOwned>(&self, name: &'static str) -> Result<Vec<T>, StoreError> {
        let text: Option<String> = self.col(name)?;
        text.map_or(Ok(Vec::new()), |text| {
            serde_json::from_str(&text).map_err(|e| StoreError::corrupt(format!("{name}: {e}")))
        })
    }
}

/// Serialises a value to JSON.
pub(crate) fn to_json<T: serde::Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|e| StoreError::Fault(e.into()))
}

/// A bound value.
pub(crate) enum Value {
    Int(i64),
    Text(String),
}

/// Bound values in the order of their placeholders. (`sqlx::QueryBuilder` writes `?` for `Any`, which PostgreSQL does not accept.)
#[derive(Default)]
pub(crate) struct Values(Vec<Value>);

impl Values {
    /// Adds a value and returns its placeholder, such as `$3`.
    pub(crate) fn place(&mut self, value: Value) -> String {
        self.0.push(value);
        format!("${}", self.0.len())
    }

    /// Adds several values and returns their placeholders, such as `$3, $4`.
    pub(crate) fn places(&mut self, texts: &[String]) -> String {
        texts.iter().map(|text| self.place(Value::Text(text.clone()))).collect::<Vec<_>>().join(", ")
    }

    /// Binds the values to a query.
    pub(crate) fn bind<'q, DB>(&self, mut query: Query<'q, DB, DB::Arguments>) -> Query<'q, DB, DB::Arguments>
    where
        DB: Database,
        i64: for<'t> Encode<'t, DB> + Type<DB>,
        String: for<'t> Encode<'t, DB> + Type<DB>,
    {
        for value in &self.0 {
            query = match value {
                Value::Int(v) => query.bind(*v),
                Value::Text(v) => query.bind(v.clone()),
            };
        }
        query
    }
}

/// A `where` clause under construction.
#[derive(Default)]
pub(crate) struct Conditions {
    sql: Vec<String>,
    values: Values,
}

impl Conditions {
    /// Adds a condition, replacing each `?` by the next value.
    pub(crate) fn add(&mut self, sql: &str, values: impl IntoIterator<Item = Value>) {
        let mut numbered = String::with_capacity(sql.len() + 8);
        let mut values = values.into_iter();
        for piece in sql.split_inclusive('?') {
            match piece.strip_suffix('?').zip(values.next()) {
                Some((before, value)) => {
                    numbered.push_str(before);
                    numbered.push_str(&self.values.place(value));
                }
                None => numbered.push_str(piece),
            }
        }
        self.sql.push(numbered);
    }

    /// Adds `column in (…)`.
    pub(crate) fn any_of(&mut self, column: &str, values: &[String]) {
        if values.is_empty() {
            self.sql.push("1 = 0".to_owned());
            return;
        }
        let places = self.values.places(values);
        self.sql.push(format!("{column} in ({places})"));
    }

    /// Returns ` where …`, or an empty string without conditions.
    pub(crate) fn sql(&self) -> String {
        if self.sql.is_empty() { String::new() } else { format!(" where {}", self.sql.join(" and ")) }
    }

    /// Returns the number of the next placeholder.
    pub(crate) fn next_place(&self) -> usize {
        self.values.0.len() + 1
    }

    /// Binds the values to a query.
    pub(crate) fn bind<'q>(&self, query: Query<'q, Any, AnyArguments>) -> Query<'q, Any, AnyArguments> {
        self.values.bind(query)
    }

    /// Returns the values, for a statement that adds more.
    pub(crate) fn into_values(self) -> Values {
        self.values
    }
}

/// Returns a pattern for `like … escape '!'` that finds `text` anywhere.
pub(crate) fn containing(text: &str) -> String {
    let escaped: String =
        text.chars().flat_map(|c| matches!(c, '%' | '_' | '!').then_some('!').into_iter().chain([c])).collect();
    format!("%{escaped}%")
}

/// Returns `ids` as a list for `in (…)`.
pub(crate) fn id_list(ids: &[DeliveryId]) -> String {
    ids.iter().map(|id| id.0.to_string()).collect::<Vec<_>>().join(", ")
}
