//! Reading rows.

use std::str::FromStr;

use serde::de::DeserializeOwned;
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::Query;
use sqlx::{Any, ColumnIndex, Database, Decode, Encode, Row, Type};

use crate::model::StoreError;

/// Reads columns by name, as the types that are stored.
pub(crate) trait Read {
    fn col<'r, T: Decode<'r, Any> + Type<Any>>(&'r self, name: &'static str) -> Result<T, StoreError>;
    /// An integer column that is 0 or 1.
    fn flag(&self, name: &'static str) -> Result<bool, StoreError>;
    /// A text column that is one of a vocabulary.
    fn word<T: FromStr>(&self, name: &'static str) -> Result<T, StoreError>;
    /// The same where the column may be null.
    fn maybe_word<T: FromStr>(&self, name: &'static str) -> Result<Option<T>, StoreError>;
    /// A text column that is JSON.
    fn json<T: DeserializeOwned>(&self, name: &'static str) -> Result<T, StoreError>;
    /// A text column that is a JSON array of rows; null where there are none.
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

/// Writes a value as JSON text.
pub(crate) fn to_json<T: serde::Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|e| StoreError::Fault(e.into()))
}

/// A value of a statement.
pub(crate) enum Value {
    Int(i64),
    Text(String),
}

/// The values of a statement, in the order of their places.
#[derive(Default)]
pub(crate) struct Values(Vec<Value>);

impl Values {
    /// Adds one. Answers with its place, as in `$3`.
    pub(crate) fn place(&mut self, value: Value) -> String {
        self.0.push(value);
        format!("${}", self.0.len())
    }

    /// Adds several. Answers with their places, as in `$3, $4`.
    pub(crate) fn places(&mut self, texts: &[String]) -> String {
        texts.iter().map(|text| self.place(Value::Text(text.clone()))).collect::<Vec<_>>().join(", ")
    }

    /// Binds them.
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

/// The `where` clause of a filter: conditions with numbered places, and their values in order.
#[derive(Default)]
pub(crate) struct Conditions {
    sql: Vec<String>,
    values: Values,
}

impl Conditions {
    /// Adds a condition in which each `?` stands for the next of `values`.
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

    /// `column in (…)`.
    pub(crate) fn any_of(&mut self, column: &str, values: &[String]) {
        if values.is_empty() {
            self.sql.push("1 = 0".to_owned());
            return;
        }
        let places = self.values.places(values);
        self.sql.push(format!("{column} in ({places})"));
    }

    /// ` where …`, or nothing.
    pub(crate) fn sql(&self) -> String {
        if self.sql.is_empty() { String::new() } else { format!(" where {}", self.sql.join(" and ")) }
    }

    /// The place after the last value, as in `$3`.
    pub(crate) fn next_place(&self) -> usize {
        self.values.0.len() + 1
    }

    /// Binds the values in order.
    pub(crate) fn bind<'q>(&self, query: Query<'q, Any, AnyArguments>) -> Query<'q, Any, AnyArguments> {
        self.values.bind(query)
    }

    /// The values in order, for a statement with more of them.
    pub(crate) fn into_values(self) -> Values {
        self.values
    }
}

/// `text` as part of a `like … escape '!'` pattern.
pub(crate) fn containing(text: &str) -> String {
    let escaped: String =
        text.chars().flat_map(|c| matches!(c, '%' | '_' | '!').then_some('!').into_iter().chain([c])).collect();
    format!("%{escaped}%")
}
