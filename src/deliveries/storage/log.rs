//! SQL of the delivery log: lists, details, resend and cancel.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe};

use crate::audit::AuditEntry;
use crate::deliveries::storage::recovery_counts::RecoveryCounts;
use crate::deliveries::{
    AttemptView, DayFigures, DeliveryDetail, DeliveryFilter, DeliveryRow, DeliveryState, QueueChange, QueuedDelivery,
    Traffic,
};
use crate::model::{CallbackId, DeliveryId, Millis, Page, PageRequest, RecoveryId, SessionId, StoreError};
use crate::storage::batch::Rows;
use crate::storage::rows::{Conditions, Read, Value, containing};
use crate::storage::{Db, Engine};

const ROW: &str = "d.id, d.kind, d.event, d.app, d.stream, d.session_id, d.sequence, d.happened_at, d.state, d.attempts, \
     d.tries, d.last_attempt_at, d.last_status, d.last_error, d.out_of_order, q.due_at, s.domain";
const FROM: &str = "from deliveries d join sessions s on s.id = d.session_id left join queue q on q.callback_id = d.callback_id and q.delivery_id = d.id";

/// Matching deliveries are counted up to this number. Counting millions of them would make a page too slow.
const MAX_COUNT: i64 = 10_000;

fn delivery(row: &AnyRow) -> Result<DeliveryRow, StoreError> {
    Ok(DeliveryRow {
        id: DeliveryId(row.col("id")?),
        domain: row.col("domain")?,
        kind: row.word("kind")?,
        event: row.word("event")?,
        app: row.col("app")?,
        stream: row.col("stream")?,
        session: SessionId(row.col("session_id")?),
        sequence: row.col("sequence")?,
        happened_at: row.col("happened_at")?,
        state: row.word("state")?,
        attempts: row.col("attempts")?,
        last_attempt_at: row.col("last_attempt_at")?,
        last_status: row.col("last_status")?,
        last_error: row.col("last_error")?,
        next_attempt_at: row.col("due_at")?,
        out_of_order: row.flag("out_of_order")?,
    })
}

fn attempt(row: &AnyRow) -> Result<AttemptView, StoreError> {
    Ok(AttemptView {
        number: row.col("number")?,
        started_at: row.col("started_at")?,
        millis: row.col("millis")?,
        address: row.col("address")?,
        succeeded: row.flag("succeeded")?,
        status: row.col("status")?,
        error_class: row.col("error_class")?,
        error: row.col("error")?,
        phases: row.json("phases")?,
        traffic: traffic(row)?,
    })
}

fn traffic(row: &AnyRow) -> Result<Option<Traffic>, StoreError> {
    if row.col::<String>("request_headers")?.is_empty() {
        return Ok(None);
    }
    let response_headers: Option<String> = row.col("response_headers")?;
    let response_headers = response_headers.map_or(Ok(Vec::new()), |text| serde_json::from_str(&text));
    let body: Option<Vec<u8>> = row.col("response_body")?;
    Ok(Some(Traffic {
        request_headers: row.json("request_headers")?,
        response_headers: response_headers.map_err(StoreError::corrupt)?,
        response_body: String::from_utf8_lossy(&body.unwrap_or_default()).into_owned(),
    }))
}

/// Returns `ids` as a list for `in (…)`.
pub(crate) fn id_list(ids: &[DeliveryId]) -> String {
    ids.iter().map(|id| id.0.to_string()).collect::<Vec<_>>().join(", ")
}

impl Db {
    /// Queues finished deliveries again, each with all its tries.
    pub(crate) async fn requeue(
        &self,
        tx: &mut AnyConnection,
        queued: Vec<QueuedDelivery>,
    ) -> Result<Vec<QueueChange>, StoreError> {
        if !queued.is_empty() {
            let ids: Vec<DeliveryId> = queued.iter().map(|row| row.delivery).collect();
            let sql = format!(
                "update deliveries set state = 'pending', tries = 0, finished_at = null where id in ({})",
                id_list(&ids)
            );
            sqlx::query(AssertSqlSafe(sql)).execute(&mut *tx).await?;
            let mut keys = Rows::new(["callback_id", "delivery_id"], queued.len());
            queued.iter().for_each(|row| keys.push([row.callback.0.into(), row.delivery.0.into()]));
            let sql =
                "delete from failures where (callback_id, delivery_id) in (select callback_id, delivery_id from r)";
            keys.with(self.engine, tx, sql).await?;
            self.enqueue(tx, &queued).await?;
        }
        Ok(queued.into_iter().map(QueueChange::Added).collect())
    }

    /// Returns the length of the queue, restricted to the push domains of `only` if given.
    async fn count_queued_in_domains(&self, only: Option<&[String]>) -> Result<i64, StoreError> {
        let mut conditions = Conditions::default();
        let join = match only {
            Some(only) => {
                conditions.any_of("m.push", only);
                " join callbacks c on c.id = q.callback_id join domains m on m.id = c.domain_id"
            }
            None => "",
        };
        let sql = format!("select count(*) as n from queue q{join}{}", conditions.sql());
        conditions.bind(sqlx::query(AssertSqlSafe(sql))).fetch_one(&self.pages).await?.col("n")
    }

    /// Returns the SQL conditions of a filter, for deliveries `d` and their sessions `s`.
    pub(crate) fn log_conditions(&self, filter: &DeliveryFilter) -> Conditions {
        let mut conditions = Conditions::default();
        if let Some(domain) = &filter.domain {
            conditions.add("s.domain = ?", [Value::Text(domain.clone())]);
        }
        if let Some(only) = &filter.only {
            conditions.any_of("s.domain", only);
        }
        if let Some(kind) = filter.kind {
            conditions.add("d.kind = ?", [Value::Text(kind.to_string())]);
        }
        if let Some(event) = filter.event {
            conditions.add("d.event = ?", [Value::Text(event.to_string())]);
        }
        match filter.stream.as_deref().map(|stream| stream.split_once('/')) {
            Some(Some((app, stream))) => {
                conditions
                    .add("d.app = ? and d.stream = ?", [Value::Text(app.to_owned()), Value::Text(stream.to_owned())]);
            }
            Some(None) => conditions.add("d.stream = ?", [Value::Text(filter.stream.clone().unwrap_or_default())]),
            None => {}
        }
        if let Some(state) = filter.state {
            conditions.add("d.state = ?", [Value::Text(state.to_string())]);
        }
        if let Some(since) = filter.since {
            conditions.add("d.id >= ?", [Value::Int(DeliveryId::floor(since).0)]);
        }
        if let Some(until) = filter.until {
            conditions.add("d.id < ?", [Value::Int(DeliveryId::floor(until).0)]);
        }
        if let Some(status) = filter.status {
            conditions.add("d.last_status = ?", [Value::Int(status)]);
        }
        if let Some(class) = &filter.error_class {
            conditions.add("d.last_error = ?", [Value::Text(class.clone())]);
        }
        if let Some(text) = &filter.text {
            // `body` is a blob of UTF-8 text.
            let body = match self.engine {
                Engine::Sqlite => "cast(d.body as text)",
                Engine::Postgres => "convert_from(d.body, 'UTF8')",
            };
            conditions.add(&format!("{body} like ? escape '!'"), [Value::Text(containing(text))]);
        }
        if let Some(recovery) = filter.recovery {
            let handled = "d.id in (select delivery_id from recovery_deliveries where recovery_id = ?)";
            conditions.add(handled, [Value::Int(recovery.0)]);
        }
        conditions
    }
}

impl Db {
    /// Returns a page of matching deliveries, newest first.
    pub(crate) async fn list_deliveries(
        &self,
        filter: &DeliveryFilter,
        page: PageRequest,
    ) -> Result<Page<DeliveryRow>, StoreError> {
        let conditions = self.log_conditions(filter);
        let condition = conditions.sql();
        let mut values = conditions.into_values();
        // One row more than the page needs shows whether there is a next page.
        let counted = MAX_COUNT.max(page.offset() + page.size) + 1;
        let limits = [counted, page.size, page.offset()].map(|limit| values.place(Value::Int(limit)));
        let [most, size, offset] = limits;
        // The log is read once for both the count and the page.
        let sql = format!(
            "with found as materialized (select d.id from deliveries d join sessions s on s.id = d.session_id{condition} \
             order by d.id desc limit {most}) select (select count(*) from found) as n, (select {} from \
             (select id from found order by id desc limit {size} offset {offset}) as page) as ids",
            self.engine.list("id")
        );
        let found = if filter.may_read_all() {
            self.searches.fetch_all(sql, &values).await?
        } else {
            values.bind(sqlx::query(AssertSqlSafe(sql))).fetch_all(&self.pages).await?
        };
        let found = found.first().ok_or_else(|| StoreError::corrupt("a count without a row"))?;
        let (total, ids) = (found.col("n")?, found.packed::<i64>("ids")?);
        let ids: Vec<DeliveryId> = ids.into_iter().map(DeliveryId).collect();
        let rows = if ids.is_empty() {
            Vec::new()
        } else {
            let sql = format!("select {ROW} {FROM} where d.id in ({}) order by d.id desc", id_list(&ids));
            let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(&self.pages).await?;
            rows.iter().map(delivery).collect::<Result<_, _>>()?
        };
        Ok(Page { rows, total, exact: total < counted, number: page.number, size: page.size })
    }

    pub async fn delivery_detail(&self, id: DeliveryId) -> Result<Option<DeliveryDetail>, StoreError> {
        let sql = format!(
            "select {ROW}, d.body, c.address as callback_address {FROM} left join callbacks c on c.id = d.callback_id \
             where d.id = $1"
        );
        let Some(row) = sqlx::query(AssertSqlSafe(sql)).bind(id.0).fetch_optional(&self.pages).await? else {
            return Ok(None);
        };
        let attempts = sqlx::query(
            "select number, started_at, millis, address, succeeded, status, error_class, error, phases, request_headers, \
             response_headers, response_body from attempts where delivery_id = $1 order by number desc limit 100",
        );
        let attempts = attempts.bind(id.0).fetch_all(&self.pages).await?;
        let body: Vec<u8> = row.col("body")?;
        Ok(Some(DeliveryDetail {
            delivery: delivery(&row)?,
            address: row.col("callback_address")?,
            body: String::from_utf8_lossy(&body).into_owned(),
            max_tries: 0,
            tries: row.col("tries")?,
            attempts: attempts.iter().map(attempt).collect::<Result<_, _>>()?,
        }))
    }

    /// Returns the distinct push domains of these deliveries.
    pub(crate) async fn domains_of(&self, ids: &[DeliveryId]) -> Result<Vec<String>, StoreError> {
        let sql = format!(
            "select distinct s.domain from deliveries d join sessions s on s.id = d.session_id where d.id in ({})",
            id_list(ids)
        );
        sqlx::query(AssertSqlSafe(sql)).fetch_all(&self.pages).await?.iter().map(|row| row.col("domain")).collect()
    }

    /// Queues deliveries again, each with all its tries, except those whose callback is off, has no address or was removed. Returns how
    /// many were queued.
    pub(crate) async fn resend(&self, ids: &[DeliveryId], now: Millis, audit: &AuditEntry) -> Result<i64, StoreError> {
        let mut tx = self.begin().await?;
        // The lock orders this with turning a callback off: either that takes these deliveries out of the queue, or this finds it off.
        let sql = format!(
            "select c.id from callbacks c where c.enabled = 1 and c.address is not null \
             and c.id in (select callback_id from deliveries where id in ({})) order by c.id{}",
            id_list(ids),
            self.engine.for_share()
        );
        let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(&mut *tx).await?;
        let on = rows.iter().map(|row| row.col("id")).collect::<Result<Vec<i64>, _>>()?;
        let sql = format!("select id, callback_id from deliveries where id in ({}) order by id", id_list(ids));
        let mut queued = Vec::with_capacity(ids.len());
        for row in sqlx::query(AssertSqlSafe(sql)).fetch_all(&mut *tx).await? {
            let (delivery, callback) = (DeliveryId(row.col("id")?), CallbackId(row.col("callback_id")?));
            if on.contains(&callback.0) {
                let due_at = now + queued.len() as Millis;
                // A resent delivery is independent of its stream: neither waits for the other.
                let stream_key = delivery.to_string();
                queued.push(QueuedDelivery { delivery, callback, stream_key, due_at, retry: false, queued_at: now });
            }
        }
        let number = queued.len() as i64;
        if number > 0 {
            let changes = self.requeue(&mut tx, queued).await?;
            self.write_audit(&mut tx, audit).await?;
            self.commit(tx, changes).await?;
        }
        Ok(number)
    }

    /// Takes a delivery out of the queue. Returns `false` if it was not queued.
    pub(crate) async fn cancel(&self, id: DeliveryId, now: Millis, audit: &AuditEntry) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let removed = sqlx::query(
            "delete from queue where callback_id = (select callback_id from deliveries where id = $1) and delivery_id = $1 \
             returning callback_id, recovery_id",
        );
        let Some(removed) = removed.bind(id.0).fetch_optional(&mut *tx).await? else { return Ok(false) };
        let mut counts = RecoveryCounts::default();
        if let Some(recovery) = removed.col("recovery_id")? {
            counts.count(RecoveryId(recovery), CallbackId(removed.col("callback_id")?), DeliveryState::Cancelled);
        }
        self.add_recovery_counts(&mut tx, counts).await?;
        sqlx::query("update deliveries set state = 'cancelled', finished_at = $2 where id = $1")
            .bind(id.0)
            .bind(now)
            .execute(&mut *tx)
            .await?;
        self.write_audit(&mut tx, audit).await?;
        self.commit(tx, vec![QueueChange::Removed(id)]).await?;
        Ok(true)
    }

    /// Counts the deliveries created since (Unix ms), and all that are queued now, restricted to the push domains of `only` if given.
    pub(crate) async fn figures(&self, since: Millis, only: Option<&[String]>) -> Result<DayFigures, StoreError> {
        let mut figures = DayFigures::default();
        let mut conditions = Conditions::default();
        conditions.add("d.id >= ?", [Value::Int(DeliveryId::floor(since).0)]);
        if let Some(only) = only {
            conditions.any_of("s.domain", only);
        }
        let sql = format!(
            "select d.state, count(*) as n from deliveries d join sessions s on s.id = d.session_id{} group by d.state",
            conditions.sql()
        );
        for row in conditions.bind(sqlx::query(AssertSqlSafe(sql))).fetch_all(&self.pages).await? {
            let n: i64 = row.col("n")?;
            figures.events += n;
            match row.word("state")? {
                DeliveryState::Delivered => figures.delivered = n,
                DeliveryState::Failed => figures.failed = n,
                DeliveryState::Skipped => figures.skipped = n,
                DeliveryState::Pending | DeliveryState::Retrying | DeliveryState::Cancelled => {}
            }
        }
        figures.waiting = self.count_queued_in_domains(only).await?;
        Ok(figures)
    }
}
