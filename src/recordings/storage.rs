//! Recording settings and templates of them.

use sqlx::AssertSqlSafe;
use sqlx::any::AnyRow;

use crate::audit::AuditEntry;
use crate::model::{DomainId, Expected, Millis, Page, PageRequest, StoreError, Version};
use crate::recordings::{RecordTemplate, RecordingSettings};
use crate::storage::Db;
use crate::storage::rows::{Conditions, Read};

impl Db {
    pub(crate) async fn recording_settings(&self, domain: DomainId) -> Result<RecordingSettings, StoreError> {
        settings(&sqlx::query(SETTINGS).bind(domain.0).fetch_one(&self.read).await?)
    }

    /// `template`: where the settings come from. False: there is no such template, and nothing is written. [`StoreError::Changed`]: the
    /// settings that stand are not of the expected version.
    pub(crate) async fn change_recording(
        &self,
        domain: DomainId,
        settings: &RecordingSettings,
        template: Option<&str>,
        expected: &Expected,
        audit: &AuditEntry,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let sql = format!("{SETTINGS}{}", self.engine.for_update());
        let present = sqlx::query(AssertSqlSafe(sql)).bind(domain.0).fetch_optional(&mut *tx).await?;
        expected.check(&Version::from(&self::settings(&present.ok_or(StoreError::Changed)?)?))?;
        let changed = sqlx::query(
            "update recording_settings set enabled = $2, part_seconds = $3, bucket = $4, template = $5 where domain_id = $1",
        )
        .bind(domain.0)
        .bind(i64::from(settings.enabled))
        .bind(settings.part_seconds)
        .bind(settings.bucket.clone())
        .bind(template.map(str::to_owned))
        .execute(&mut *tx)
        .await;
        if is_refused_by_reference(changed)? {
            return Ok(false);
        }
        self.write_audit(&mut tx, audit).await?;
        self.commit(tx, Vec::new()).await?;
        Ok(true)
    }

    /// The template that the domain's settings come from.
    pub(crate) async fn template_of(&self, domain: DomainId) -> Result<Option<String>, StoreError> {
        let row = sqlx::query("select template from recording_settings where domain_id = $1")
            .bind(domain.0)
            .fetch_one(&self.read)
            .await?;
        row.col("template")
    }

    /// By name.
    pub(crate) async fn find_template(&self, name: &str) -> Result<Option<RecordTemplate>, StoreError> {
        let sql = format!("select {TEMPLATE} from record_templates where name = $1");
        let row = sqlx::query(AssertSqlSafe(sql)).bind(name.to_owned()).fetch_optional(&self.read).await?;
        row.as_ref().map(template).transpose()
    }

    /// By name; only these if names are given.
    pub(crate) async fn list_templates(
        &self,
        names: Option<&[String]>,
        page: PageRequest,
    ) -> Result<Page<RecordTemplate>, StoreError> {
        let mut conditions = Conditions::default();
        if let Some(names) = names {
            conditions.any_of("name", names);
        }
        let count = format!("select count(*) as n from record_templates{}", conditions.sql());
        let total = conditions.bind(sqlx::query(AssertSqlSafe(count))).fetch_one(&self.pages).await?.col("n")?;
        let place = conditions.next_place();
        let sql = format!(
            "select {TEMPLATE} from record_templates{} order by name limit ${place} offset ${}",
            conditions.sql(),
            place + 1
        );
        let query = conditions.bind(sqlx::query(AssertSqlSafe(sql))).bind(page.size).bind(page.offset());
        let rows = query.fetch_all(&self.pages).await?;
        let rows = rows.iter().map(template).collect::<Result<_, _>>()?;
        Ok(Page { rows, total, exact: true, number: page.number, size: page.size })
    }

    /// [`StoreError::Duplicate`]: the name is taken.
    pub(crate) async fn add_template(
        &self,
        template: &RecordTemplate,
        now: Millis,
        audit: &AuditEntry,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query(
            "insert into record_templates (name, period, bucket, endpoint, created_at) values ($1, $2, $3, $4, $5)",
        )
        .bind(template.name.clone())
        .bind(template.period)
        .bind(template.bucket.clone())
        .bind(template.endpoint.clone())
        .bind(now)
        .execute(&mut *tx)
        .await?;
        self.write_audit(&mut tx, audit).await?;
        self.commit(tx, Vec::new()).await
    }

    /// False: settings of a domain come from it, and it stays.
    pub(crate) async fn remove_template(&self, name: &str, audit: &AuditEntry) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let removed =
            sqlx::query("delete from record_templates where name = $1").bind(name.to_owned()).execute(&mut *tx).await;
        if is_refused_by_reference(removed)? {
            return Ok(false);
        }
        self.write_audit(&mut tx, audit).await?;
        self.commit(tx, Vec::new()).await?;
        Ok(true)
    }
}

const SETTINGS: &str = "select enabled, part_seconds, bucket from recording_settings where domain_id = $1";

fn settings(row: &AnyRow) -> Result<RecordingSettings, StoreError> {
    Ok(RecordingSettings {
        enabled: row.flag("enabled")?,
        part_seconds: row.col("part_seconds")?,
        bucket: row.col("bucket")?,
    })
}

const TEMPLATE: &str = "name, period, bucket, endpoint";

fn template(row: &AnyRow) -> Result<RecordTemplate, StoreError> {
    Ok(RecordTemplate {
        name: row.col("name")?,
        period: row.col("period")?,
        bucket: row.col("bucket")?,
        endpoint: row.col("endpoint")?,
    })
}

/// Whether a row refers to what was to be removed, or to what is not there.
fn is_refused_by_reference<T>(written: Result<T, sqlx::Error>) -> Result<bool, StoreError> {
    match written {
        Ok(_) => Ok(false),
        Err(error) if error.as_database_error().is_some_and(|e| e.is_foreign_key_violation()) => Ok(true),
        Err(error) => Err(error.into()),
    }
}
