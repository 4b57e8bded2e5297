//! Bans, disconnect orders, and past publishes.

use sqlx::AssertSqlSafe;
use sqlx::any::AnyRow;

use crate::audit::AuditEntry;
use crate::model::{DomainId, Millis, Page, PageRequest, SessionId, StoreError};
use crate::sources::Adapter;
use crate::storage::Db;
use crate::storage::rows::{Conditions, Read, Value};
use crate::streams::{ForbiddenStream, Publish, SessionKey, StreamRef};

/// Disconnect orders for a run of the built-in ingest: those for its sessions, and those whose session is gone. Looked up by the key of each
/// order, because this runs every second and there are many sessions.
const TO_TAKE: &str = "exists (select 1 from sessions s join sources c on c.id = s.source_id \
     where s.id = disconnects.session_id and (c.adapter = 'built-in' and s.boot = $1 or s.phase = 'closed'))";

impl Db {
    /// Returns the live session of a stream and its adapter.
    pub(crate) async fn live_at(&self, stream: &StreamRef) -> Result<Option<(SessionId, Adapter)>, StoreError> {
        let row = sqlx::query(
            "select s.id, c.adapter from sessions s join sources c on c.id = s.source_id \
             where s.domain_id = $1 and s.app = $2 and s.stream = $3 and s.phase = 'live' order by s.id desc limit 1",
        )
        .bind(stream.domain.0)
        .bind(stream.app.clone())
        .bind(stream.stream.clone())
        .fetch_optional(&self.read)
        .await?;
        row.map(|row| Ok((SessionId(row.col("id")?), row.word("adapter")?))).transpose()
    }

    /// Orders the publisher of a session to be disconnected.
    pub(crate) async fn order_disconnect(&self, session: SessionId, audit: &AuditEntry) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query("insert into disconnects (session_id) values ($1) on conflict do nothing")
            .bind(session.0)
            .execute(&mut *tx)
            .await?;
        self.write_audit(&mut tx, audit).await?;
        self.commit(tx, Vec::new()).await
    }

    /// Removes and returns the disconnect orders for a run of the built-in ingest: ASCII push domain, application and stream.
    pub(crate) async fn take_disconnects(&self, boot: &str) -> Result<Vec<(String, String, String)>, StoreError> {
        // There are usually none, and a write transaction would block others.
        let any = format!("select session_id from disconnects where {TO_TAKE} limit 1");
        if sqlx::query(AssertSqlSafe(any)).bind(boot.to_owned()).fetch_optional(&self.read).await?.is_none() {
            return Ok(Vec::new());
        }
        let mut tx = self.begin().await?;
        let taken = format!("delete from disconnects where {TO_TAKE} returning session_id");
        let mut streams = Vec::new();
        for order in sqlx::query(AssertSqlSafe(taken)).bind(boot.to_owned()).fetch_all(&mut *tx).await? {
            let live = sqlx::query("select domain, app, stream from sessions where id = $1 and phase = 'live'")
                .bind(order.col::<i64>("session_id")?)
                .fetch_optional(&mut *tx)
                .await?;
            if let Some(row) = live {
                streams.push((row.col("domain")?, row.col("app")?, row.col("stream")?));
            }
        }
        self.commit(tx, Vec::new()).await?;
        Ok(streams)
    }

    /// Returns whether the publisher of a session must be disconnected: by order, or because its stream is forbidden at `now`.
    pub(crate) async fn is_to_be_dropped(&self, session: &SessionKey, now: Millis) -> Result<bool, StoreError> {
        let dropped = sqlx::query(
            "select s.id from sessions s where s.source_id = $1 and s.source_key = $2 and s.boot = $3 and s.phase <> 'closed' \
             and (exists (select 1 from disconnects o where o.session_id = s.id) or exists (select 1 from forbidden_streams f \
             where f.domain_id = s.domain_id and f.app = s.app and f.stream = s.stream and (f.until is null or f.until > $4)))",
        )
        .bind(session.source.0)
        .bind(session.key.clone())
        .bind(session.boot.clone())
        .bind(now)
        .fetch_optional(&self.read)
        .await?;
        Ok(dropped.is_some())
    }

    /// `until`: `None` is permanent.
    pub(crate) async fn forbid(
        &self,
        stream: &StreamRef,
        until: Option<Millis>,
        audit: &AuditEntry,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query(
            "insert into forbidden_streams (domain_id, app, stream, until) values ($1, $2, $3, $4) \
             on conflict (domain_id, app, stream) do update set until = excluded.until",
        )
        .bind(stream.domain.0)
        .bind(stream.app.clone())
        .bind(stream.stream.clone())
        .bind(until)
        .execute(&mut *tx)
        .await?;
        self.write_audit(&mut tx, audit).await?;
        self.commit(tx, Vec::new()).await
    }

    /// Returns false, without writing, if there was no ban.
    pub(crate) async fn allow(&self, stream: &StreamRef, audit: &AuditEntry) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let removed = sqlx::query("delete from forbidden_streams where domain_id = $1 and app = $2 and stream = $3")
            .bind(stream.domain.0)
            .bind(stream.app.clone())
            .bind(stream.stream.clone())
            .execute(&mut *tx)
            .await?;
        if removed.rows_affected() == 0 {
            return Ok(false);
        }
        self.write_audit(&mut tx, audit).await?;
        self.commit(tx, Vec::new()).await?;
        Ok(true)
    }

    /// Lists the bans at `now` in the push domains `only`, if given, by name.
    pub(crate) async fn list_forbidden(
        &self,
        only: Option<&[String]>,
        now: Millis,
        page: PageRequest,
    ) -> Result<Page<ForbiddenStream>, StoreError> {
        let mut conditions = Conditions::default();
        conditions.add("(f.until is null or f.until > ?)", [Value::Int(now)]);
        if let Some(only) = only {
            conditions.any_of("d.push", only);
        }
        let from = format!("from forbidden_streams f join domains d on d.id = f.domain_id{}", conditions.sql());
        let count = conditions.bind(sqlx::query(AssertSqlSafe(format!("select count(*) as n {from}"))));
        let total = count.fetch_one(&self.pages).await?.col("n")?;
        let place = conditions.next_place();
        let sql = format!(
            "select d.push, f.app, f.stream, f.until {from} order by d.push, f.app, f.stream limit ${place} offset ${}",
            place + 1
        );
        let query = conditions.bind(sqlx::query(AssertSqlSafe(sql))).bind(page.size).bind(page.offset());
        let rows = query.fetch_all(&self.pages).await?;
        let rows = rows.iter().map(forbidden).collect::<Result<_, _>>()?;
        Ok(Page { rows, total, exact: true, number: page.number, size: page.size })
    }

    /// Lists the publishes that overlap `[from, to)` in the push domains `only`, if given, by stream and time.
    pub(crate) async fn publishes(
        &self,
        only: Option<&[String]>,
        app: Option<&str>,
        from: Millis,
        to: Millis,
    ) -> Result<Vec<Publish>, StoreError> {
        let mut conditions = Conditions::default();
        conditions.add("phase <> 'opening' and started_at < ?", [Value::Int(to)]);
        conditions.add("(ended_at is null or ended_at > ?)", [Value::Int(from)]);
        if let Some(only) = only {
            conditions.any_of("domain", only);
        }
        if let Some(app) = app {
            conditions.add("app = ?", [Value::Text(app.to_owned())]);
        }
        let sql = format!(
            "select domain_id, app, stream, started_at, ended_at from sessions{} order by domain_id, app, stream, started_at",
            conditions.sql()
        );
        let rows = conditions.bind(sqlx::query(AssertSqlSafe(sql))).fetch_all(&self.pages).await?;
        rows.iter().map(publish).collect()
    }
}

fn forbidden(row: &AnyRow) -> Result<ForbiddenStream, StoreError> {
    Ok(ForbiddenStream {
        domain: row.col("push")?,
        app: row.col("app")?,
        stream: row.col("stream")?,
        until: row.col("until")?,
    })
}

fn publish(row: &AnyRow) -> Result<Publish, StoreError> {
    Ok(Publish {
        stream: StreamRef { domain: DomainId(row.col("domain_id")?), app: row.col("app")?, stream: row.col("stream")? },
        started_at: row.col("started_at")?,
        ended_at: row.col("ended_at")?,
    })
}
