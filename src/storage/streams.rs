//! Sessions, their parts, and what is forbidden.

use async_trait::async_trait;
use sqlx::any::AnyRow;
use sqlx::{Any, AssertSqlSafe, Row, Transaction};

use super::Db;
use super::rows::{Conditions, Read, Value, to_json};
use crate::deliveries::Queued;
use crate::model::{DeliveryId, DomainId, EventId, Millis, Page, PageRequest, SessionId, SourceId, StoreError};
use crate::streams::{
    Decide, EventFilter, EventView, Part, PartView, Scope, Session, SessionDetail, SessionEvent, SessionFilter,
    SessionKey, SessionStore, SessionView, Situation, Step, StoredSession, StreamRef,
};

const STORED: &str = "id, source_id, boot, source_key, domain_id, domain, app, stream, state";
const VIEW: &str = "s.id, s.domain, s.app, s.stream, s.phase, s.started_at, s.ended_at, s.state, \
     coalesce((select name from sources where id = s.source_id), '') as source";

fn stored(row: &AnyRow) -> Result<StoredSession, StoreError> {
    Ok(StoredSession {
        id: SessionId(row.col("id")?),
        key: SessionKey {
            source: SourceId(row.col("source_id")?),
            boot: row.col("boot")?,
            key: row.col("source_key")?,
        },
        domain_id: DomainId(row.col("domain_id")?),
        domain: row.col("domain")?,
        app: row.col("app")?,
        stream: row.col("stream")?,
        session: row.json("state")?,
    })
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
    async fn situation(&self, tx: &mut Transaction<'static, Any>, scope: &Scope<'_>) -> Result<Situation, StoreError> {
        let lock = self.engine.for_update();
        let current = match scope {
            Scope::Key(key, push) => {
                if let Some(push) = push {
                    // Two publishes of one domain that begin at once are decided one after the other.
                    let sql = format!("select id from domains where id = $1{lock}");
                    sqlx::query(AssertSqlSafe(sql)).bind(push.domain.0).fetch_optional(&mut **tx).await?;
                }
                let sql = format!(
                    "select {STORED} from sessions where source_id = $1 and source_key = $2 and boot = $3 \
                     order by id desc limit 1{lock}"
                );
                let query = sqlx::query(AssertSqlSafe(sql)).bind(key.source.0).bind(key.key.clone());
                query.bind(key.boot.clone()).fetch_optional(&mut **tx).await?
            }
            Scope::Id(id) => {
                let sql = format!("select {STORED} from sessions where id = $1{lock}");
                sqlx::query(AssertSqlSafe(sql)).bind(id.0).fetch_optional(&mut **tx).await?
            }
        };
        let current = current.as_ref().map(stored).transpose()?;
        let stream = match (scope, &current) {
            (Scope::Key(_, Some(push)), _) => Some((push.domain, push.app, push.stream)),
            (_, Some(s)) => Some((s.domain_id, s.app.as_str(), s.stream.as_str())),
            (_, None) => None,
        };
        let mut rivals = Vec::new();
        if let Some((domain, app, name)) = stream {
            let sql = format!(
                "select {STORED} from sessions where domain_id = $1 and app = $2 and stream = $3 and id <> $4 \
                 and phase <> 'closed' order by id{lock}"
            );
            let rows = sqlx::query(AssertSqlSafe(sql))
                .bind(domain.0)
                .bind(app.to_owned())
                .bind(name.to_owned())
                .bind(current.as_ref().map_or(0, |s| s.id.0))
                .fetch_all(&mut **tx)
                .await?;
            rivals = rows.iter().map(stored).collect::<Result<_, _>>()?;
        }
        Ok(Situation { current, rivals })
    }

    async fn save_step(
        &self,
        tx: &mut Transaction<'static, Any>,
        step: &Step,
        now: Millis,
    ) -> Result<Vec<Queued>, StoreError> {
        let Step { stored, events, parts } = step;
        sqlx::query(
            "insert into sessions (id, source_id, boot, source_key, domain_id, domain, app, stream, phase, started_at, \
             ended_at, due_at, state) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) \
             on conflict (id) do update set phase = excluded.phase, ended_at = excluded.ended_at, \
             due_at = excluded.due_at, state = excluded.state",
        )
        .bind(stored.id.0)
        .bind(stored.key.source.0)
        .bind(stored.key.boot.clone())
        .bind(stored.key.key.clone())
        .bind(stored.domain_id.0)
        .bind(stored.domain.clone())
        .bind(stored.app.clone())
        .bind(stored.stream.clone())
        .bind(stored.session.phase.as_str())
        .bind(stored.session.started_at)
        .bind(stored.session.ended_at)
        .bind(stored.session.due_at)
        .bind(to_json(&stored.session)?)
        .execute(&mut **tx)
        .await?;
        for part in parts {
            save_part(tx, stored.id, part).await?;
        }
        let mut queued = Vec::new();
        for event in events {
            queued.extend(self.append_event(tx, stored, event, now).await?);
        }
        Ok(queued)
    }
}

async fn save_part(tx: &mut Transaction<'static, Any>, session: SessionId, part: &Part) -> Result<(), StoreError> {
    sqlx::query(
        "insert into parts (session_id, number, location, started_at, stopped_at, duration_ms, bytes, failure) \
         values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing",
    )
    .bind(session.0)
    .bind(part.number)
    .bind(part.location.clone())
    .bind(part.start)
    .bind(part.stop)
    .bind(part.duration_ms)
    .bind(part.bytes)
    .bind(part.failure.clone())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

#[async_trait]
impl SessionStore for Db {
    async fn advance(
        &self,
        scope: Scope<'_>,
        receipt: Option<&str>,
        now: Millis,
        decide: &Decide<'_>,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        if let (Some(receipt), Scope::Key(key, _)) = (receipt, &scope) {
            let first = sqlx::query(
                "insert into source_receipts (source_id, webhook_id, at) values ($1, $2, $3) on conflict do nothing",
            );
            let first = first.bind(key.source.0).bind(receipt.to_owned()).bind(now).execute(&mut *tx).await?;
            if first.rows_affected() == 0 {
                return Ok(());
            }
        }
        let situation = self.situation(&mut tx, &scope).await?;
        let mut queued = Vec::new();
        for step in decide(situation) {
            queued.extend(self.save_step(&mut tx, &step, now).await?);
        }
        self.commit(tx, queued).await
    }

    async fn due_sessions(&self, now: Millis, limit: i64) -> Result<(Vec<SessionId>, Option<Millis>), StoreError> {
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

    async fn orphans(&self, source: SourceId, boot: &str) -> Result<Vec<SessionId>, StoreError> {
        let rows = sqlx::query(
            "select id from sessions where phase <> 'closed' and source_id = $1 and boot <> $2 order by id",
        )
        .bind(source.0)
        .bind(boot.to_owned())
        .fetch_all(&self.read)
        .await?;
        rows.iter().map(|row| Ok(SessionId(row.col("id")?))).collect()
    }

    async fn count_live(&self) -> Result<i64, StoreError> {
        sqlx::query("select count(*) as n from sessions where phase = 'live'").fetch_one(&self.read).await?.col("n")
    }

    async fn list_sessions(&self, filter: &SessionFilter, page: PageRequest) -> Result<Page<SessionView>, StoreError> {
        let mut conditions = Conditions::default();
        if let Some(domain) = &filter.domain {
            conditions.add("s.domain = ?", [Value::Text(domain.clone())]);
        }
        match filter.open {
            Some(true) => conditions.add("s.phase in ('live', 'closing')", []),
            Some(false) => conditions.add("s.phase = 'closed'", []),
            None => {}
        }
        if let Some(only) = &filter.only {
            conditions.any_of("s.domain", only);
        }
        let count = format!("select count(*) as n from sessions s{}", conditions.sql());
        let total = conditions.bind(sqlx::query(AssertSqlSafe(count))).fetch_one(&self.read).await?.col("n")?;
        let place = conditions.next_place();
        let sql = format!(
            "select {VIEW} from sessions s{} order by s.id desc limit ${place} offset ${}",
            conditions.sql(),
            place + 1
        );
        let query = conditions.bind(sqlx::query(AssertSqlSafe(sql))).bind(page.size).bind(page.offset());
        let rows = query.fetch_all(&self.read).await?;
        let rows = rows.iter().map(view).collect::<Result<_, _>>()?;
        Ok(Page { rows, total, number: page.number, size: page.size })
    }

    async fn list_events(&self, filter: &EventFilter, page: PageRequest) -> Result<Page<EventView>, StoreError> {
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
        let total = count.fetch_one(&self.read).await?.col("n")?;
        let place = conditions.next_place();
        let sql = format!(
            "select e.id, e.session_id, e.name, e.status, e.sequence, e.happened_at, e.detail, s.domain, s.app, s.stream \
             {from} order by e.id desc limit ${place} offset ${}",
            place + 1
        );
        let query = conditions.bind(sqlx::query(AssertSqlSafe(sql))).bind(page.size).bind(page.offset());
        let rows = query.fetch_all(&self.read).await?;
        let rows = rows.iter().map(listed_event).collect::<Result<_, _>>()?;
        Ok(Page { rows, total, number: page.number, size: page.size })
    }

    async fn session_detail(&self, id: SessionId) -> Result<Option<SessionDetail>, StoreError> {
        let sql = format!("select {VIEW} from sessions s where s.id = $1");
        let Some(row) = sqlx::query(AssertSqlSafe(sql)).bind(id.0).fetch_optional(&self.read).await? else {
            return Ok(None);
        };
        let state: Session = row.json("state")?;
        let parts = sqlx::query(
            "select number, location, started_at, stopped_at, duration_ms, bytes, failure from parts \
             where session_id = $1 order by number",
        );
        let parts = parts.bind(id.0).fetch_all(&self.read).await?;
        let events = sqlx::query(
            "select e.name, e.status, e.sequence, e.happened_at, e.detail, d.id as delivery, d.state as delivery_state \
             from events e left join deliveries d on d.event_id = e.id and d.session_id = e.session_id \
             where e.session_id = $1 order by e.sequence",
        );
        let events = events.bind(id.0).fetch_all(&self.read).await?;
        Ok(Some(SessionDetail {
            session: view(&row)?,
            params: state.params,
            parts: parts.iter().map(part_view).collect::<Result<_, _>>()?,
            events: events.iter().map(event_view).collect::<Result<_, _>>()?,
        }))
    }

    async fn is_forbidden(&self, stream: StreamRef<'_>, now: Millis) -> Result<bool, StoreError> {
        let row = sqlx::query(
            "select domain_id from forbidden_streams where domain_id = $1 and app = $2 and stream = $3 \
             and (until is null or until > $4)",
        )
        .bind(stream.domain.0)
        .bind(stream.app.to_owned())
        .bind(stream.stream.to_owned())
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

/// Why the thing that the event tells of failed, if it did.
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
