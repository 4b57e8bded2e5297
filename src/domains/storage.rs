//! SQL of domain groups.

use std::collections::HashMap;

use sqlx::any::AnyRow;
use sqlx::{Any, AssertSqlSafe, Transaction};

use crate::audit::AuditEntry;
use crate::callbacks::CallbackSettings;
use crate::callbacks::storage::health;
use crate::deliveries::DeliveryState;
use crate::domains::{CallbackMark, DomainFilter, DomainRow, DomainView, NewDomain, PlayDomain};
use crate::model::{CallbackKind, DomainId, Expected, Millis, Page, PageRequest, StoreError, Version};
use crate::storage::Db;
use crate::storage::rows::{Conditions, Read, Value, containing};

const COLUMNS: &str = "id, push, push_display, enabled, created_at, updated_at";

fn view(row: &AnyRow) -> Result<DomainView, StoreError> {
    Ok(DomainView {
        id: DomainId(row.col("id")?),
        push: row.col("push")?,
        push_display: row.col("push_display")?,
        play: Vec::new(),
        enabled: row.flag("enabled")?,
        created_at: row.col("created_at")?,
        updated_at: row.col("updated_at")?,
    })
}

impl Db {
    /// Returns the play domains of groups, by group.
    async fn play_domains(&self, ids: &[i64]) -> Result<HashMap<i64, Vec<PlayDomain>>, StoreError> {
        let mut found: HashMap<i64, Vec<PlayDomain>> = HashMap::new();
        if ids.is_empty() {
            return Ok(found);
        }
        let mut conditions = Conditions::default();
        conditions
            .add(&format!("domain_id in ({})", vec!["?"; ids.len()].join(", ")), ids.iter().map(|id| Value::Int(*id)));
        conditions.add("role = 'play'", []);
        let sql = format!("select domain_id, name, display from domain_names{} order by position", conditions.sql());
        for row in conditions.bind(sqlx::query(AssertSqlSafe(sql))).fetch_all(&self.read).await? {
            let play = PlayDomain { name: row.col("name")?, display: row.col("display")? };
            found.entry(row.col("domain_id")?).or_default().push(play);
        }
        Ok(found)
    }

    /// Locks a group and checks its version.
    async fn expect_domain(
        &self,
        tx: &mut Transaction<'static, Any>,
        id: DomainId,
        expected: &Expected,
    ) -> Result<(), StoreError> {
        let sql = format!("select {COLUMNS} from domains where id = $1{}", self.engine.for_update());
        let row = sqlx::query(AssertSqlSafe(sql)).bind(id.0).fetch_optional(&mut **tx).await?;
        expected.check(&Version::from(&view(&row.ok_or(StoreError::Changed)?)?))
    }

    /// Returns the state of the callbacks of groups, by group.
    async fn callback_marks(&self, ids: &[i64]) -> Result<HashMap<i64, Vec<CallbackMark>>, StoreError> {
        let mut found: HashMap<i64, Vec<CallbackMark>> = HashMap::new();
        if ids.is_empty() {
            return Ok(found);
        }
        let mut conditions = Conditions::default();
        conditions.add(
            &format!("c.domain_id in ({})", vec!["?"; ids.len()].join(", ")),
            ids.iter().map(|id| Value::Int(*id)),
        );
        let sql = format!(
            "select c.domain_id, c.kind, c.enabled, {} from callbacks c {}{} order by c.id",
            health::COLUMNS,
            health::JOIN,
            conditions.sql()
        );
        for row in conditions.bind(sqlx::query(AssertSqlSafe(sql))).fetch_all(&self.pages).await? {
            let mark = CallbackMark {
                kind: row.word("kind")?,
                enabled: row.flag("enabled")?,
                state: health::state(&row)?,
                last_error: row.col("last_error")?,
                paused: row.col("pause_reason")?,
            };
            found.entry(row.col("domain_id")?).or_default().push(mark);
        }
        Ok(found)
    }
}

impl Db {
    /// Returns a page of groups, newest first.
    pub(crate) async fn list_domains(
        &self,
        filter: &DomainFilter,
        page: PageRequest,
    ) -> Result<Page<DomainRow>, StoreError> {
        let mut conditions = Conditions::default();
        if !filter.text.is_empty() {
            let pattern = containing(&filter.text);
            conditions.add(
                "id in (select domain_id from domain_names where name like ? escape '!' or display like ? escape '!')",
                [Value::Text(pattern.clone()), Value::Text(pattern)],
            );
        }
        if let Some(enabled) = filter.enabled {
            conditions.add("enabled = ?", [Value::Int(i64::from(enabled))]);
        }
        if let Some(only) = &filter.only {
            conditions.any_of("push", only);
        }
        let count = format!("select count(*) as n from domains{}", conditions.sql());
        let total = conditions.bind(sqlx::query(AssertSqlSafe(count))).fetch_one(&self.pages).await?.col("n")?;
        let place = conditions.next_place();
        let sql = format!(
            "select {COLUMNS}, (select count(*) from sessions s where s.domain_id = domains.id and s.phase <> 'closed' and s.phase = 'live') as live \
             from domains{} order by id desc limit ${place} offset ${}",
            conditions.sql(),
            place + 1
        );
        let query = conditions.bind(sqlx::query(AssertSqlSafe(sql))).bind(page.size).bind(page.offset());
        let rows = query.fetch_all(&self.pages).await?;
        let ids = rows.iter().map(|row| row.col("id")).collect::<Result<Vec<i64>, _>>()?;
        let (mut play, mut marks) = (self.play_domains(&ids).await?, self.callback_marks(&ids).await?);
        let mut domains = Vec::with_capacity(rows.len());
        for row in &rows {
            let mut domain = view(row)?;
            let id = domain.id.0;
            domain.play = play.remove(&id).unwrap_or_default();
            let callbacks = marks.remove(&id).unwrap_or_default();
            domains.push(DomainRow { domain, callbacks, live: row.col("live")? });
        }
        Ok(Page { rows: domains, total, exact: true, number: page.number, size: page.size })
    }

    /// Finds a group by its push domain (ASCII).
    pub(crate) async fn find_domain(&self, push: &str) -> Result<Option<DomainView>, StoreError> {
        let sql = format!("select {COLUMNS} from domains where push = $1");
        let row = sqlx::query(AssertSqlSafe(sql)).bind(push.to_owned()).fetch_optional(&self.read).await?;
        let Some(row) = row else { return Ok(None) };
        let mut domain = view(&row)?;
        let id = domain.id.0;
        domain.play = self.play_domains(&[id]).await?.remove(&id).unwrap_or_default();
        Ok(Some(domain))
    }

    /// Finds the push domain of the group with this push or play domain (ASCII).
    pub(crate) async fn push_domain_of(&self, name: &str) -> Result<Option<String>, StoreError> {
        let sql = "select d.push from domain_names n join domains d on d.id = n.domain_id where n.name = $1";
        let row = sqlx::query(sql).bind(name.to_owned()).fetch_optional(&self.read).await?;
        row.map(|row| row.col("push")).transpose()
    }

    /// Returns those of `names` (ASCII) that a group or VOD domain already uses.
    pub(crate) async fn taken_names(&self, names: &[&str]) -> Result<Vec<String>, StoreError> {
        let mut conditions = Conditions::default();
        conditions.any_of("name", &names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>());
        let hosts = "select name, role, position from domain_names union all select name, 'vod', 0 from vod_domains";
        let sql = format!("select name from ({hosts}) as hosts{} order by role desc, position", conditions.sql());
        let rows = conditions.bind(sqlx::query(AssertSqlSafe(sql))).fetch_all(&self.read).await?;
        rows.iter().map(|row| row.col("name")).collect()
    }

    /// Creates the group, its two callbacks (off; sealed secrets given) and its recording settings (off).
    pub(crate) async fn create_domain(
        &self,
        new: &NewDomain,
        sealed_secrets: [Vec<u8>; 2],
        part_seconds: i64,
        now: Millis,
        audit: &AuditEntry,
    ) -> Result<DomainId, StoreError> {
        let mut tx = self.begin().await?;
        let row = sqlx::query(
            "insert into domains (push, push_display, enabled, created_at, updated_at) \
             values ($1, $2, 1, $3, $3) returning id",
        )
        .bind(new.push().ascii().to_owned())
        .bind(new.push().display().to_owned())
        .bind(now)
        .fetch_one(&mut *tx)
        .await?;
        let id: i64 = row.col("id")?;
        let names = std::iter::once(("push", new.push())).chain(new.play().iter().map(|name| ("play", name)));
        for (position, (role, name)) in (0_i64..).zip(names) {
            sqlx::query(
                "insert into domain_names (name, display, domain_id, role, position) values ($1, $2, $3, $4, $5)",
            )
            .bind(name.ascii().to_owned())
            .bind(name.display().to_owned())
            .bind(id)
            .bind(role)
            .bind(position)
            .execute(&mut *tx)
            .await?;
        }
        let settings = CallbackSettings::default();
        for (kind, sealed) in CallbackKind::ALL.iter().zip(sealed_secrets) {
            sqlx::query(
                "insert into callbacks \
                 (domain_id, kind, enabled, dialect, ordered, timeout_seconds, headers, secret_sealed, updated_at) \
                 values ($1, $2, 0, $3, $4, $5, '[]', $6, $7)",
            )
            .bind(id)
            .bind(kind.as_str())
            .bind(settings.dialect.as_str())
            .bind(i64::from(settings.ordered))
            .bind(settings.timeout_seconds)
            .bind(sealed)
            .bind(now)
            .execute(&mut *tx)
            .await?;
        }
        sqlx::query(
            "insert into recording_settings (domain_id, enabled, part_seconds, bucket) values ($1, 0, $2, 'recordings')",
        )
        .bind(id)
        .bind(part_seconds)
        .execute(&mut *tx)
        .await?;
        self.write_audit(&mut tx, audit).await?;
        self.commit(tx, Vec::new()).await?;
        Ok(DomainId(id))
    }

    pub(crate) async fn set_domain_enabled(
        &self,
        id: DomainId,
        enabled: bool,
        expected: &Expected,
        now: Millis,
        audit: &AuditEntry,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        self.expect_domain(&mut tx, id, expected).await?;
        sqlx::query("update domains set enabled = $2, updated_at = $3 where id = $1")
            .bind(id.0)
            .bind(i64::from(enabled))
            .bind(now)
            .execute(&mut *tx)
            .await?;
        self.write_audit(&mut tx, audit).await?;
        self.commit(tx, Vec::new()).await
    }

    /// Deletes a group and its settings; sessions, events and deliveries stay. Returns `false` if it was enabled meanwhile.
    pub(crate) async fn delete_domain(
        &self,
        id: DomainId,
        expected: &Expected,
        audit: &AuditEntry,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        self.expect_domain(&mut tx, id, expected).await?;
        let callbacks = callback_ids(&mut tx, id).await?;
        let mut queued = Vec::new();
        for callback in callbacks {
            queued.extend(self.stop_waiting(&mut tx, callback, DeliveryState::Cancelled, audit.at).await?);
            sqlx::query("delete from callback_attempts where callback_id = $1")
                .bind(callback)
                .execute(&mut *tx)
                .await?;
        }
        let removed =
            sqlx::query("delete from domains where id = $1 and enabled = 0").bind(id.0).execute(&mut *tx).await?;
        if removed.rows_affected() == 0 {
            return Ok(false);
        }
        self.write_audit(&mut tx, audit).await?;
        self.commit(tx, queued).await?;
        Ok(true)
    }
}

async fn callback_ids(tx: &mut Transaction<'static, Any>, domain: DomainId) -> Result<Vec<i64>, StoreError> {
    let rows = sqlx::query("select id from callbacks where domain_id = $1").bind(domain.0).fetch_all(&mut **tx).await?;
    rows.iter().map(|row| row.col("id")).collect()
}
