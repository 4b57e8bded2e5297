//! SQL of the audit log.

use sqlx::any::AnyRow;
use sqlx::{Any, AssertSqlSafe, Transaction};

use crate::audit::{AuditEntry, AuditFilter, AuditRow};
use crate::model::{AuditId, Page, PageRequest, StoreError};
use crate::storage::Db;
use crate::storage::rows::{Conditions, Read, Value, Values, containing};

const COLUMNS: &str = "id, at, actor_kind, actor, address, action, target, detail";

impl Db {
    pub(crate) async fn write_audit(
        &self,
        transaction: &mut Transaction<'static, Any>,
        entry: &AuditEntry,
    ) -> Result<(), StoreError> {
        let sql = format!("insert into audit ({COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7, $8)");
        sqlx::query(AssertSqlSafe(sql))
            .bind(self.ids.next(entry.at))
            .bind(entry.at)
            .bind(entry.actor_kind.as_str())
            .bind(entry.actor.clone())
            .bind(entry.address.clone())
            .bind(entry.action)
            .bind(entry.target.clone())
            .bind(entry.detail.to_string())
            .execute(&mut **transaction)
            .await?;
        Ok(())
    }

    /// Runs a query for pages. Text filters scan all entries, so they use the connections for searches.
    async fn fetch_audit(&self, filter: &AuditFilter, sql: String, values: &Values) -> Result<Vec<AnyRow>, StoreError> {
        if filter.text.is_some() {
            return self.searches.fetch_all(sql, values).await;
        }
        Ok(values.bind(sqlx::query(AssertSqlSafe(sql))).fetch_all(&self.pages).await?)
    }
}

fn row(row: &AnyRow) -> Result<AuditRow, StoreError> {
    Ok(AuditRow {
        id: AuditId(row.col("id")?),
        at: row.col("at")?,
        actor_kind: row.word("actor_kind")?,
        actor: row.col("actor")?,
        address: row.col("address")?,
        action: row.col("action")?,
        target: row.col("target")?,
        detail: row.json("detail")?,
    })
}

fn conditions(filter: &AuditFilter) -> Conditions {
    let mut conditions = Conditions::default();
    for (column, value) in [("actor", &filter.actor), ("action", &filter.action), ("target", &filter.target)] {
        if let Some(value) = value {
            conditions.add(&format!("{column} = ?"), [Value::Text(value.clone())]);
        }
    }
    if let Some(since) = filter.since {
        conditions.add("at >= ?", [Value::Int(since)]);
    }
    if let Some(until) = filter.until {
        conditions.add("at < ?", [Value::Int(until)]);
    }
    if let Some(text) = &filter.text {
        let text = containing(text);
        let columns = ["actor", "address", "target", "detail"];
        let any: Vec<_> = columns.iter().map(|column| format!("lower({column}) like lower(?) escape '!'")).collect();
        conditions.add(&format!("({})", any.join(" or ")), columns.map(|_| Value::Text(text.clone())));
    }
    conditions
}

impl Db {
    /// Adds an entry for a change outside of the database.
    pub(crate) async fn add_audit(&self, entry: &AuditEntry) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        self.write_audit(&mut tx, entry).await?;
        self.commit(tx, Vec::new()).await
    }

    /// Returns a page of entries, newest first.
    pub(crate) async fn list_audit(
        &self,
        filter: &AuditFilter,
        page: PageRequest,
    ) -> Result<Page<AuditRow>, StoreError> {
        let conditions = conditions(filter);
        let condition = conditions.sql();
        let mut values = conditions.into_values();
        let count = format!("select count(*) as n from audit{condition}");
        let counted = self.fetch_audit(filter, count, &values).await?;
        let total = counted.first().ok_or_else(|| StoreError::corrupt("a count without a row"))?.col("n")?;
        let [size, offset] = [page.size, page.offset()].map(|limit| values.place(Value::Int(limit)));
        let sql = format!("select {COLUMNS} from audit{condition} order by id desc limit {size} offset {offset}");
        let rows = self.fetch_audit(filter, sql, &values).await?.iter().map(row).collect::<Result<_, _>>()?;
        Ok(Page { rows, total, exact: true, number: page.number, size: page.size })
    }

    /// Returns at most `limit` entries older than `before`, newest first.
    pub(crate) async fn audit_before(
        &self,
        filter: &AuditFilter,
        before: Option<AuditId>,
        limit: i64,
    ) -> Result<Vec<AuditRow>, StoreError> {
        let mut conditions = conditions(filter);
        if let Some(before) = before {
            conditions.add("id < ?", [Value::Int(before.0)]);
        }
        let condition = conditions.sql();
        let mut values = conditions.into_values();
        let limit = values.place(Value::Int(limit));
        let sql = format!("select {COLUMNS} from audit{condition} order by id desc limit {limit}");
        let rows = self.fetch_audit(filter, sql, &values).await?;
        rows.iter().map(row).collect()
    }
}
