//! Sessions, parts and bans.

pub(crate) mod control;
pub(crate) mod events;
pub(crate) mod leases;
pub(crate) mod reports;

use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row};

use crate::model::{DeliveryId, DomainId, EventId, Millis, Page, PageRequest, SessionId, SourceId, StoreError};
use crate::storage::Db;
use crate::storage::batch::Rows;
use crate::storage::rows::{Conditions, Read, Value};
use crate::streams::{
    EarlyReport, EarlyReports, EventFilter, EventView, PartView, Session, SessionDetail, SessionEvent, SessionFilter,
    SessionKey, SessionView, StoredSession, StreamRef,
};

/// SQL columns of a [`StoredRow`].
pub(crate) const STORED: &str =
    "s.id, s.source_id, s.boot, s.source_key, s.domain_id, s.domain, s.app, s.stream, s.state";
const VIEW: &str = "s.id, s.domain, s.app, s.stream, s.phase, s.started_at, s.ended_at, s.state, \
     coalesce((select name from sources where id = s.source_id), '') as source";

/// A row of [`STORED`].
pub(crate) type StoredRow = (i64, i64, String, String, i64, String, String, String, String);

pub(crate) fn stored(row: StoredRow) -> Result<StoredSession, StoreError> {
    let (id, source, boot, key, domain_id, domain, app, stream, state) = row;
    Ok(StoredSession {
        id: SessionId(id),
        key: SessionKey { source: SourceId(source), boot, key },
        domain_id: DomainId(domain_id),
        domain,
        app,
        stream,
        session: serde_json::from_str(&state).map_err(StoreError::corrupt)?,
    })
}

/// SQL columns of an [`EarlyRow`].
pub(crate) const EARLY: &str = "e.id, e.source_id, e.source_key, e.boot, e.hint, e.push";

/// A row of [`EARLY`].
pub(crate) type EarlyRow = (i64, i64, String, String, String, Option<String>);

/// Returns an early event with the key of its session. `None`: unreadable, which must not stop the others.
pub(crate) fn early_report(row: EarlyRow) -> (SessionKey, Option<EarlyReport>) {
    let (_, source, key, boot, hint, push) = row;
    let read = || -> serde_json::Result<EarlyReport> {
        let push = push.map(|push| serde_json::from_str(&push)).transpose()?;
        Ok(EarlyReport { hint: serde_json::from_str(&hint)?, push })
    };
    let report = read().inspect_err(|error| tracing::warn!(session = key, %error, "cannot read an early report")).ok();
    (SessionKey { source: SourceId(source), boot, key }, report)
}

fn view(row: &AnyRow) -> Result<SessionView, StoreError> {
    let session: Session = row.json("state")?;
    let media = session.media.clone().unwrap_or_default();
    Ok(SessionView {
        id: SessionId(row.col("id")?),
        domain: row.col("domain")?,
        app: row.col("app")?,
        stream: row.col("stream")?,
        source: row.col("source")?,
        phase: row.col("phase")?,
        client: session.client,
        started_at: row.col("started_at")?,
        ended_at: row.col("ended_at")?,
        failure: session.failure,
        recording: session.record_started_at.is_some(),
        parts: session.parts_done,
        video_codec: media.video_codec,
        audio_codec: media.audio_codec,
        width: media.width,
        height: media.height,
        bitrate: media.bitrate,
    })
}

impl Db {
    /// Returns the overdue sessions and the time of the next one.
    pub(crate) async fn due_sessions(
        &self,
        now: Millis,
        limit: i64,
    ) -> Result<(Vec<SessionId>, Option<Millis>), StoreError> {
        let rows = sqlx::query(
            "select id, due_at from sessions where phase in ('opening', 'live', 'closing') and due_at is not null \
             order by due_at limit $1",
        )
        .bind(limit)
        .fetch_all(&self.read)
        .await?;
        let (mut due, mut next) = (Vec::new(), None);
        for row in &rows {
            let at: Millis = row.col("due_at")?;
            if at <= now {
                due.push(SessionId(row.col("id")?));
            } else {
                next = Some(at);
                break;
            }
        }
        Ok((due, next))
    }

    /// Postpones an unreadable session.
    pub(crate) async fn postpone_session(&self, id: SessionId, due_at: Millis) -> Result<(), StoreError> {
        let sql = "update sessions set due_at = $2 where id = $1";
        sqlx::query(sql).bind(id.0).bind(due_at).execute(&self.write).await?;
        Ok(())
    }

    /// Returns the last heartbeats of all sessions that end by silence. Opening sessions come first.
    pub(crate) async fn heartbeats(&self) -> Result<Vec<(SessionId, Millis)>, StoreError> {
        // A silent session that waits for another silent one must end first, so that it does not become live.
        let sql = "select id, heard_at from sessions where phase in ('live', 'opening') and heard_at is not null \
             order by phase desc, id";
        let rows = sqlx::query(sql).fetch_all(&self.read).await?;
        rows.iter().map(|row| Ok((SessionId(row.col("id")?), row.col("heard_at")?))).collect()
    }

    /// Returns the open sessions of these runs of a source.
    pub(crate) async fn sessions_of_runs(
        &self,
        source: SourceId,
        boots: &[String],
    ) -> Result<Vec<(SessionId, SessionKey)>, StoreError> {
        let mut rows = Rows::new(["source_id", "boot"], boots.len());
        for boot in boots {
            rows.push([source.0.into(), boot.clone().into()]);
        }
        let sql = "select s.id, s.boot, s.source_key from r join sessions s on s.source_id = r.source_id and s.boot = r.boot \
             where s.phase <> 'closed' order by s.id";
        let mut connection = self.read.acquire().await?;
        let session = |row: &AnyRow| {
            let key = SessionKey { source, boot: row.col("boot")?, key: row.col("source_key")? };
            Ok((SessionId(row.col("id")?), key))
        };
        rows.with(self.engine, &mut connection, sql).await?.iter().map(session).collect()
    }

    /// Returns the early events by session.
    pub(crate) async fn early_reports(&self) -> Result<Vec<EarlyReports>, StoreError> {
        let sql = format!("select {EARLY} from early_reports e order by e.id limit 1000");
        let mut found: Vec<EarlyReports> = Vec::new();
        for row in &sqlx::query(AssertSqlSafe(sql)).fetch_all(&self.read).await? {
            let key = (row.col("source_id")?, row.col("source_key")?, row.col("boot")?);
            let columns = (row.col("id")?, key.0, key.1, key.2, row.col("hint")?, row.col("push")?);
            let (key, report) = early_report(columns);
            match found.iter_mut().find(|early| early.key == key) {
                Some(early) => early.reports.extend(report),
                None => found.push(EarlyReports { key, reports: Vec::from_iter(report) }),
            }
        }
        Ok(found)
    }

    pub(crate) async fn count_live(&self) -> Result<i64, StoreError> {
        sqlx::query("select count(*) as n from sessions where phase = 'live'").fetch_one(&self.read).await?.col("n")
    }

    /// Newest first.
    pub(crate) async fn list_sessions(
        &self,
        filter: &SessionFilter,
        page: PageRequest,
    ) -> Result<Page<SessionView>, StoreError> {
        let mut conditions = Conditions::default();
        if let Some(domain) = &filter.domain {
            conditions.add("s.domain = ?", [Value::Text(domain.clone())]);
        }
        match filter.live {
            Some(true) => conditions.add("s.phase = 'live'", []),
            Some(false) => conditions.add("s.phase in ('closing', 'closed')", []),
            None => {}
        }
        for (column, name) in [("s.app = ?", &filter.app), ("s.stream = ?", &filter.stream)] {
            if let Some(name) = name {
                conditions.add(column, [Value::Text(name.clone())]);
            }
        }
        if let Some((from, to)) = filter.started {
            conditions.add("s.started_at >= ? and s.started_at < ?", [Value::Int(from), Value::Int(to)]);
        }
        if let Some(only) = &filter.only {
            conditions.any_of("s.domain", only);
        }
        let count = format!("select count(*) as n from sessions s{}", conditions.sql());
        let total = conditions.bind(sqlx::query(AssertSqlSafe(count))).fetch_one(&self.pages).await?.col("n")?;
        let place = conditions.next_place();
        let sql = format!(
            "select {VIEW} from sessions s{} order by s.id desc limit ${place} offset ${}",
            conditions.sql(),
            place + 1
        );
        let query = conditions.bind(sqlx::query(AssertSqlSafe(sql))).bind(page.size).bind(page.offset());
        let rows = query.fetch_all(&self.pages).await?;
        let rows = rows.iter().map(view).collect::<Result<_, _>>()?;
        Ok(Page { rows, total, exact: true, number: page.number, size: page.size })
    }

    /// Newest first.
    pub(crate) async fn list_events(
        &self,
        filter: &EventFilter,
        page: PageRequest,
    ) -> Result<Page<EventView>, StoreError> {
        let mut conditions = Conditions::default();
        if let Some(domain) = &filter.domain {
            conditions.add("s.domain = ?", [Value::Text(domain.clone())]);
        }
        if let Some(session) = filter.session {
            conditions.add("e.session_id = ?", [Value::Int(session.0)]);
        }
        if let Some(only) = &filter.only {
            conditions.any_of("s.domain", only);
        }
        let from = format!("from events e join sessions s on s.id = e.session_id{}", conditions.sql());
        let count = conditions.bind(sqlx::query(AssertSqlSafe(format!("select count(*) as n {from}"))));
        let total = count.fetch_one(&self.pages).await?.col("n")?;
        let place = conditions.next_place();
        let sql = format!(
            "select e.id, e.session_id, e.name, e.status, e.sequence, e.happened_at, e.detail, s.domain, s.app, s.stream \
             {from} order by e.id desc limit ${place} offset ${}",
            place + 1
        );
        let query = conditions.bind(sqlx::query(AssertSqlSafe(sql))).bind(page.size).bind(page.offset());
        let rows = query.fetch_all(&self.pages).await?;
        let rows = rows.iter().map(listed_event).collect::<Result<_, _>>()?;
        Ok(Page { rows, total, exact: true, number: page.number, size: page.size })
    }

    pub(crate) async fn session_detail(&self, id: SessionId) -> Result<Option<SessionDetail>, StoreError> {
        let sql = format!("select {VIEW} from sessions s where s.id = $1");
        let Some(row) = sqlx::query(AssertSqlSafe(sql)).bind(id.0).fetch_optional(&self.pages).await? else {
            return Ok(None);
        };
        let state: Session = row.json("state")?;
        let parts = sqlx::query(
            "select number, location, started_at, stopped_at, duration_ms, bytes, failure from parts \
             where session_id = $1 order by number",
        );
        let parts = parts.bind(id.0).fetch_all(&self.pages).await?;
        let events = sqlx::query(
            "select e.name, e.status, e.sequence, e.happened_at, e.detail, d.id as delivery, d.state as delivery_state \
             from events e left join deliveries d on d.event_id = e.id and d.session_id = e.session_id \
             where e.session_id = $1 order by e.sequence",
        );
        let events = events.bind(id.0).fetch_all(&self.pages).await?;
        Ok(Some(SessionDetail {
            session: view(&row)?,
            params: state.params,
            parts: parts.iter().map(part_view).collect::<Result<_, _>>()?,
            events: events.iter().map(event_view).collect::<Result<_, _>>()?,
        }))
    }

    /// Returns whether the stream is forbidden at `now`.
    pub(crate) async fn is_forbidden(&self, stream: &StreamRef, now: Millis) -> Result<bool, StoreError> {
        let row = sqlx::query(
            "select domain_id from forbidden_streams where domain_id = $1 and app = $2 and stream = $3 \
             and (until is null or until > $4)",
        )
        .bind(stream.domain.0)
        .bind(stream.app.clone())
        .bind(stream.stream.clone())
        .bind(now)
        .fetch_optional(&self.read)
        .await?;
        Ok(row.is_some())
    }
}

fn part_view(row: &AnyRow) -> Result<PartView, StoreError> {
    Ok(PartView {
        number: row.col("number")?,
        location: row.col("location")?,
        started_at: row.col("started_at")?,
        stopped_at: row.col("stopped_at")?,
        duration_ms: row.col("duration_ms")?,
        bytes: row.col("bytes")?,
        failure: row.col("failure")?,
    })
}

fn listed_event(row: &AnyRow) -> Result<EventView, StoreError> {
    Ok(EventView {
        id: EventId(row.col("id")?),
        domain: row.col("domain")?,
        app: row.col("app")?,
        stream: row.col("stream")?,
        session: SessionId(row.col("session_id")?),
        name: row.word("name")?,
        status: row.word("status")?,
        sequence: row.col("sequence")?,
        happened_at: row.col("happened_at")?,
        error: event_error(row)?,
    })
}

/// Returns the error of an event.
fn event_error(row: &AnyRow) -> Result<Option<String>, StoreError> {
    let detail: serde_json::Value = row.json("detail")?;
    Ok(detail.get("error").and_then(|e| e.as_str()).map(str::to_owned))
}

fn event_view(row: &AnyRow) -> Result<SessionEvent, StoreError> {
    Ok(SessionEvent {
        name: row.word("name")?,
        status: row.word("status")?,
        sequence: row.col("sequence")?,
        happened_at: row.col("happened_at")?,
        error: event_error(row)?,
        delivery: row.try_get::<Option<i64>, _>("delivery")?.map(DeliveryId),
        delivery_state: row.col("delivery_state")?,
    })
}
