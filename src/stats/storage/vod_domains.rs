//! VOD domains, and the hosts that statistics are counted for.

use super::name_condition;
use crate::audit::AuditEntry;
use crate::model::{DomainName, Millis, StoreError};
use crate::stats::{NameFilter, PathRule, PlayHost, VodDomain};
use crate::storage::Db;
use crate::storage::rows::{Read, Value, Values};

impl Db {
    /// Returns the play domains of all push domains, in their order.
    pub(crate) async fn play_hosts(&self) -> Result<Vec<PlayHost>, StoreError> {
        let from = "from (select d.push as push, n.name as play from domains d join domain_names n on n.domain_id = d.id \
             where n.role = 'play' order by d.id, n.position) as n";
        let sql = self.engine.packed("push, play", from);
        let row = sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_one(&self.read).await?;
        let hosts: Vec<(String, String)> = row.packed("found")?;
        Ok(hosts.into_iter().map(|(push, play)| PlayHost { push, play }).collect())
    }

    /// Returns up to `limit` names of play domains and VOD domains.
    pub(crate) async fn host_names(&self, names: NameFilter<'_>, limit: i64) -> Result<Vec<String>, StoreError> {
        let mut values = Values::default();
        let parts = [("domain_names", "role = 'play' and "), ("vod_domains", "")].map(|(table, only)| {
            let condition = name_condition("name", names, &mut values);
            let limit = values.place(Value::Int(limit));
            format!(
                "select name from (select name from {table} where {only}{condition} order by name limit {limit}) as n"
            )
        });
        let limit = values.place(Value::Int(limit));
        let from = format!("from ({} order by name limit {limit}) as n", parts.join(" union "));
        let sql = self.engine.packed("name", &from);
        let row = values.bind(sqlx::query(sqlx::AssertSqlSafe(sql))).fetch_one(&self.pages).await?;
        let found: Vec<(String,)> = row.packed("found")?;
        Ok(found.into_iter().map(|(name,)| name).collect())
    }

    /// Returns the VOD domains by name.
    pub(crate) async fn vod_domains(&self) -> Result<Vec<VodDomain>, StoreError> {
        let rows = sqlx::query("select name, display, path, created_at from vod_domains order by name")
            .fetch_all(&self.pages)
            .await?;
        let view = |row| {
            let row: &sqlx::any::AnyRow = row;
            Ok(VodDomain {
                name: row.col("name")?,
                display: row.col("display")?,
                path: row.col("path")?,
                created_at: row.col("created_at")?,
            })
        };
        rows.iter().map(view).collect()
    }

    pub(crate) async fn add_vod_domain(
        &self,
        name: &DomainName,
        path: &PathRule,
        now: Millis,
        audit: &AuditEntry,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query("insert into vod_domains (name, display, path, created_at) values ($1, $2, $3, $4)")
            .bind(name.ascii().to_owned())
            .bind(name.display().to_owned())
            .bind(path.to_string())
            .bind(now)
            .execute(&mut *tx)
            .await?;
        self.write_audit(&mut tx, audit).await?;
        self.commit(tx, Vec::new()).await
    }

    /// Removes a VOD domain. Returns false if there is none of this name.
    pub(crate) async fn remove_vod_domain(&self, name: &str, audit: &AuditEntry) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let removed =
            sqlx::query("delete from vod_domains where name = $1").bind(name.to_owned()).execute(&mut *tx).await?;
        if removed.rows_affected() == 0 {
            return Ok(false);
        }
        self.write_audit(&mut tx, audit).await?;
        self.commit(tx, Vec::new()).await?;
        Ok(true)
    }
}
