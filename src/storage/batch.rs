//! Statements over many rows: one round trip for a whole batch.

use serde::de::DeserializeOwned;
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::{AnyConnection, Arguments, AssertSqlSafe};

use super::Engine;
use super::rows::Read;
use crate::model::StoreError;

/// Batch sizes. A few fixed sizes keep the number of prepared statements small.
const SIZES: [usize; 7] = [1, 4, 16, 32, 64, 128, LARGEST];
/// Maximum number of rows per statement.
const LARGEST: usize = 256;

/// A column value.
#[derive(Debug, Clone)]
pub(crate) enum Cell {
    Int(Option<i64>),
    Text(Option<String>),
    Bytes(Option<Vec<u8>>),
}

impl Cell {
    /// Returns null of the same type.
    const fn null(&self) -> Self {
        match self {
            Self::Int(_) => Self::Int(None),
            Self::Text(_) => Self::Text(None),
            Self::Bytes(_) => Self::Bytes(None),
        }
    }
}

impl From<i64> for Cell {
    fn from(value: i64) -> Self {
        Self::Int(Some(value))
    }
}
impl From<bool> for Cell {
    fn from(value: bool) -> Self {
        Self::Int(Some(i64::from(value)))
    }
}
impl From<Option<i64>> for Cell {
    fn from(value: Option<i64>) -> Self {
        Self::Int(value)
    }
}
impl From<&str> for Cell {
    fn from(value: &str) -> Self {
        Self::Text(Some(value.to_owned()))
    }
}
impl From<String> for Cell {
    fn from(value: String) -> Self {
        Self::Text(Some(value))
    }
}
impl From<Option<&str>> for Cell {
    fn from(value: Option<&str>) -> Self {
        Self::Text(value.map(str::to_owned))
    }
}
impl From<Option<String>> for Cell {
    fn from(value: Option<String>) -> Self {
        Self::Text(value)
    }
}
impl From<Vec<u8>> for Cell {
    fn from(value: Vec<u8>) -> Self {
        Self::Bytes(Some(value))
    }
}
impl From<Option<Vec<u8>>> for Cell {
    fn from(value: Option<Vec<u8>>) -> Self {
        Self::Bytes(value)
    }
}

/// A batch of rows with `N` columns.
#[derive(Debug, Clone)]
pub(crate) struct Rows<const N: usize> {
    columns: [&'static str; N],
    rows: Vec<[Cell; N]>,
}

impl<const N: usize> Rows<N> {
    /// Creates a batch with capacity for `count` rows.
    pub(crate) fn new(columns: [&'static str; N], count: usize) -> Self {
        Self { columns, rows: Vec::with_capacity(count) }
    }

    pub(crate) fn push(&mut self, row: [Cell; N]) {
        self.rows.push(row);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Inserts the rows into `table`. The first column must not be null. `ending`: SQL after the rows, such as `on conflict`.
    pub(crate) async fn insert(
        self,
        engine: Engine,
        connection: &mut AnyConnection,
        table: &str,
        ending: &str,
    ) -> Result<Vec<AnyRow>, StoreError> {
        let (columns, first) = (self.columns.join(", "), self.columns[0]);
        let sql = format!("insert into {table} ({columns}) select {columns} from r where {first} is not null{ending}");
        self.with(engine, connection, &sql).await
    }

    /// Reads `columns` from `from`, a clause in which the batch is the table `r`. The result comes as one JSON value, because the driver
    /// is slow with many rows.
    pub(crate) async fn read<T: DeserializeOwned>(
        self,
        engine: Engine,
        connection: &mut AnyConnection,
        columns: &str,
        from: &str,
    ) -> Result<Vec<T>, StoreError> {
        let sql = engine.packed(columns, from);
        let mut found = Vec::with_capacity(self.rows.len());
        for row in &self.with(engine, connection, &sql).await? {
            found.append(&mut row.packed("found")?);
        }
        Ok(found)
    }

    /// Runs `sql`, in which the batch is the table `r`. A batch is padded with rows of nulls.
    pub(crate) async fn with(
        self,
        engine: Engine,
        connection: &mut AnyConnection,
        sql: &str,
    ) -> Result<Vec<AnyRow>, StoreError> {
        let Some(nulls) = self.rows.first().map(|row| row.each_ref().map(Cell::null)) else { return Ok(Vec::new()) };
        let head = format!("with r ({}) as (values ", self.columns.join(", "));
        let mut found = Vec::new();
        let mut rows = self.rows.into_iter();
        while rows.len() > 0 {
            let size = SIZES.into_iter().find(|size| rows.len() <= *size).unwrap_or(LARGEST);
            let mut values = AnyArguments::default();
            values.reserve(size * N, 0);
            let filled_up = rows.by_ref().chain(std::iter::repeat(nulls.clone())).take(size);
            for cell in filled_up.flatten() {
                add(&mut values, cell)?;
            }
            let sql = format!("{head}{}) {sql}", places(engine, size, N));
            found.extend(sqlx::query_with(AssertSqlSafe(sql), values).fetch_all(&mut *connection).await?);
        }
        Ok(found)
    }
}

fn add(values: &mut AnyArguments, cell: Cell) -> Result<(), StoreError> {
    let added = match cell {
        Cell::Int(value) => values.add(value),
        Cell::Text(value) => values.add(value),
        Cell::Bytes(value) => values.add(value),
    };
    added.map_err(StoreError::Fault)
}

/// Returns placeholders: `(?, ?), (?, ?)`. Not numbered for SQLite, which looks up numbers in a linear list.
fn places(engine: Engine, rows: usize, columns: usize) -> String {
    let mut sql = String::with_capacity(rows * columns * 6);
    for row in 0..rows {
        sql.push_str(if row == 0 { "(" } else { ", (" });
        for column in 0..columns {
            if column > 0 {
                sql.push_str(", ");
            }
            match engine {
                Engine::Sqlite => sql.push('?'),
                Engine::Postgres => sql.push_str(&format!("${}", row * columns + column + 1)),
            }
        }
        sql.push(')');
    }
    sql
}
