//! Many rows in one statement, which is what makes writing fast.

use sqlx::any::{AnyArguments, AnyRow};
use sqlx::{AnyConnection, Arguments, AssertSqlSafe};

use super::Engine;
use crate::model::StoreError;

/// Rows in one statement at most.
const LARGEST: usize = 128;

/// A value of a row.
#[derive(Debug, Clone)]
pub(super) enum Cell {
    Int(Option<i64>),
    Text(Option<String>),
    Bytes(Option<Vec<u8>>),
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

/// Rows of `N` columns.
#[derive(Debug, Clone)]
pub(super) struct Rows<const N: usize> {
    columns: [&'static str; N],
    rows: Vec<[Cell; N]>,
}

impl<const N: usize> Rows<N> {
    /// For about so many rows.
    pub(super) fn new(columns: [&'static str; N], count: usize) -> Self {
        Self { columns, rows: Vec::with_capacity(count) }
    }

    pub(super) fn push(&mut self, row: [Cell; N]) {
        self.rows.push(row);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Inserts them into a table that has columns of these names; `ending`: what follows the values.
    pub(super) async fn insert(
        self,
        engine: Engine,
        connection: &mut AnyConnection,
        table: &str,
        ending: &str,
    ) -> Result<Vec<AnyRow>, StoreError> {
        let head = format!("insert into {table} ({}) values ", self.columns.join(", "));
        self.run(engine, connection, &head, ending).await
    }

    /// Runs `sql`, in which they are the table `r`.
    pub(super) async fn with(
        self,
        engine: Engine,
        connection: &mut AnyConnection,
        sql: &str,
    ) -> Result<Vec<AnyRow>, StoreError> {
        let head = format!("with r ({}) as (values ", self.columns.join(", "));
        self.run(engine, connection, &head, &format!(") {sql}")).await
    }

    /// In statements of 128, 64, 32, … rows, so that there are few texts of statements to prepare.
    async fn run(
        self,
        engine: Engine,
        connection: &mut AnyConnection,
        head: &str,
        ending: &str,
    ) -> Result<Vec<AnyRow>, StoreError> {
        let mut found = Vec::new();
        let mut left = self.rows.len();
        let mut cells = self.rows.into_iter().flatten();
        while left > 0 {
            let count = LARGEST.min(1 << left.ilog2());
            left -= count;
            let sql = format!("{head}{}{ending}", places(engine, count, N));
            let mut values = AnyArguments::default();
            values.reserve(count * N, 0);
            for cell in cells.by_ref().take(count * N) {
                add(&mut values, cell)?;
            }
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

/// `(?, ?), (?, ?)`. SQLite finds numbered places by walking a list, which takes its time with hundreds of them.
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
