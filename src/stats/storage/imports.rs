//! Imported access logs.

use serde::Deserialize;
use sqlx::AnyConnection;

use super::StatsDb;
use crate::model::StoreError;
use crate::stats::{Digest, Import, ImportStep, Progress};
use crate::storage::rows::{Read, Value, Values};

const COLUMNS: &str = "id, head, name, taken, prefix, lines, bad, bytes, started_at, updated_at";

#[derive(Deserialize)]
struct Row(i64, String, String, i64, String, i64, i64, i64, i64, i64);

fn import(row: Row) -> Result<Import, StoreError> {
    let Row(id, head, name, taken, prefix, lines, bad, bytes, started_at, updated_at) = row;
    let digest = |text: String| {
        let mut digest = Digest::default();
        hex::decode_to_slice(&text, &mut digest).map_err(|_| StoreError::corrupt(text))?;
        Ok::<_, StoreError>(digest)
    };
    let (head, prefix) = (digest(head)?, digest(prefix)?);
    let progress = Progress { taken, prefix, head, lines, bad };
    Ok(Import { id, name, progress, bytes, started_at, updated_at })
}

impl StatsDb {
    /// Returns the imports with one of these heads, those with the most content first.
    pub(crate) async fn imports_by_head(&self, heads: &[Digest]) -> Result<Vec<Import>, StoreError> {
        let mut values = Values::default();
        let heads: Vec<String> = heads.iter().map(hex::encode).collect();
        if heads.is_empty() {
            return Ok(Vec::new());
        }
        let heads = values.places(&heads);
        let from = format!("from (select {COLUMNS} from imports where head in ({heads}) order by taken desc) as i");
        self.packed(COLUMNS, &from, &values).await?.into_iter().map(import).collect()
    }

    /// Returns the latest imports, newest first.
    pub(crate) async fn list_imports(&self, limit: i64) -> Result<Vec<Import>, StoreError> {
        let mut values = Values::default();
        let limit = values.place(Value::Int(limit));
        let from = format!("from (select {COLUMNS} from imports order by updated_at desc, id desc limit {limit}) as i");
        self.packed(COLUMNS, &from, &values).await?.into_iter().map(import).collect()
    }

    /// Advances an import. `bytes` is the number of bytes sent to viewers.
    ///
    /// # Errors
    /// `Duplicate`: another import of the same file was faster. It created the row with the same prefix, or the import is no longer at
    /// [`ImportStep::from`].
    pub(crate) async fn advance_import(
        &self,
        connection: &mut AnyConnection,
        step: &ImportStep,
        bytes: i64,
    ) -> Result<i64, StoreError> {
        let Progress { taken, prefix, head, lines, bad } = step.progress;
        let sql = match step.import {
            None => {
                "insert into imports \
                 (head, name, taken, prefix, lines, bad, bytes, updated_at, started_at) \
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $8) returning id"
            }
            Some(_) => {
                "update imports set head = $1, name = $2, taken = $3, prefix = $4, lines = $5, bad = $6, \
                 bytes = bytes + $7, updated_at = $8 where id = $9 and taken = $10 returning id"
            }
        };
        let mut query = sqlx::query(sql)
            .bind(hex::encode(head))
            .bind(step.name.clone())
            .bind(taken)
            .bind(hex::encode(prefix))
            .bind(lines)
            .bind(bad)
            .bind(bytes)
            .bind(step.now);
        if let Some(id) = step.import {
            query = query.bind(id).bind(step.from);
        }
        query.fetch_optional(connection).await?.ok_or(StoreError::Duplicate)?.col("id")
    }
}
