//! Sources and refused publishes.

use sqlx::AssertSqlSafe;
use sqlx::any::AnyRow;

use crate::audit::AuditEntry;
use crate::model::{Millis, SourceId, StoreError};
use crate::sources::{NewSource, Refusal, RefusalView, Source};
use crate::storage::Db;
use crate::storage::rows::Read;

const COLUMNS: &str =
    "id, adapter, name, default_domain, url_secret_sealed, signing_secret_sealed, created_at, last_seen_at";
/// Refused publishes that are kept.
const REFUSALS_KEPT: i64 = 1_000;
/// A source is "seen" at most this often, so that heartbeats do not become writes.
const SEEN_EVERY_MS: Millis = 10_000;

fn source(row: &AnyRow) -> Result<Source, StoreError> {
    Ok(Source {
        id: SourceId(row.col("id")?),
        adapter: row.word("adapter")?,
        name: row.col("name")?,
        default_domain: row.col("default_domain")?,
        url_secret_sealed: row.col("url_secret_sealed")?,
        signing_secret_sealed: row.col("signing_secret_sealed")?,
        created_at: row.col("created_at")?,
        last_seen_at: row.col("last_seen_at")?,
    })
}

impl Db {
    pub(crate) async fn list_sources(&self) -> Result<Vec<Source>, StoreError> {
        let sql = format!("select {COLUMNS} from sources order by id");
        let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(&self.pages).await?;
        rows.iter().map(source).collect()
    }

    pub(crate) async fn find_source_by_secret(&self, url_secret_hash: &str) -> Result<Option<Source>, StoreError> {
        let sql = format!("select {COLUMNS} from sources where url_secret_hash = $1");
        let row = sqlx::query(AssertSqlSafe(sql)).bind(url_secret_hash.to_owned()).fetch_optional(&self.read).await?;
        row.as_ref().map(source).transpose()
    }

    pub(crate) async fn create_source(
        &self,
        new: &NewSource,
        now: Millis,
        audit: &AuditEntry,
    ) -> Result<SourceId, StoreError> {
        let mut tx = self.begin().await?;
        let row = sqlx::query(
            "insert into sources \
             (adapter, name, default_domain, url_secret_hash, url_secret_sealed, signing_secret_sealed, created_at) \
             values ($1, $2, $3, $4, $5, $6, $7) returning id",
        )
        .bind(new.adapter.as_str())
        .bind(new.name.clone())
        .bind(new.default_domain.clone())
        .bind(new.url_secret_hash.clone())
        .bind(new.url_secret_sealed.clone())
        .bind(new.signing_secret_sealed.clone())
        .bind(now)
        .fetch_one(&mut *tx)
        .await?;
        self.write_audit(&mut tx, audit).await?;
        self.commit(tx, Vec::new()).await?;
        Ok(SourceId(row.col("id")?))
    }

    pub(crate) async fn delete_source(&self, id: SourceId, audit: &AuditEntry) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query("delete from sources where id = $1").bind(id.0).execute(&mut *tx).await?;
        self.write_audit(&mut tx, audit).await?;
        self.commit(tx, Vec::new()).await
    }

    /// Notes that the source is alive, to about ten seconds.
    pub(crate) async fn touch_source(&self, id: SourceId, now: Millis) -> Result<(), StoreError> {
        let seen = sqlx::query("select id from sources where id = $1 and last_seen_at > $2");
        let seen = seen.bind(id.0).bind(now - SEEN_EVERY_MS).fetch_optional(&self.read).await?;
        if seen.is_some() {
            return Ok(());
        }
        let mut tx = self.begin().await?;
        sqlx::query("update sources set last_seen_at = $2 where id = $1")
            .bind(id.0)
            .bind(now)
            .execute(&mut *tx)
            .await?;
        self.commit(tx, Vec::new()).await
    }

    pub(crate) async fn add_refusal(&self, refusal: &Refusal) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query(
            "insert into refusals (id, at, source_id, host, app, stream, client, code, reason) \
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(self.ids.next(refusal.at))
        .bind(refusal.at)
        .bind(refusal.source.0)
        .bind(cut(&refusal.host))
        .bind(cut(&refusal.app))
        .bind(cut(&refusal.stream))
        .bind(refusal.client.clone())
        .bind(refusal.code)
        .bind(cut(&refusal.reason))
        .execute(&mut *tx)
        .await?;
        // A publisher that tries for ever must not fill the disk.
        sqlx::query(
            "delete from refusals where id < (select min(id) from (select id from refusals order by id desc limit $1) kept)",
        )
        .bind(REFUSALS_KEPT)
        .execute(&mut *tx)
        .await?;
        self.commit(tx, Vec::new()).await
    }

    /// The latest refusals, newest first.
    pub(crate) async fn list_refusals(&self, limit: i64) -> Result<Vec<RefusalView>, StoreError> {
        let rows = sqlx::query(
            "select r.at, s.name as source, r.host, r.app, r.stream, r.client, r.code, r.reason \
             from refusals r join sources s on s.id = r.source_id order by r.id desc limit $1",
        )
        .bind(limit)
        .fetch_all(&self.pages)
        .await?;
        let view = |row: &AnyRow| {
            Ok(RefusalView {
                at: row.col("at")?,
                source: row.col("source")?,
                host: row.col("host")?,
                app: row.col("app")?,
                stream: row.col("stream")?,
                client: row.col("client")?,
                code: row.col("code")?,
                reason: row.col("reason")?,
            })
        };
        rows.iter().map(view).collect()
    }
}

/// What a stranger sent, short enough to keep. PostgreSQL takes no NUL in a text.
fn cut(text: &str) -> String {
    text.chars().filter(|c| *c != '\0').take(300).collect()
}
