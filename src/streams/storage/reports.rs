//! Reports of sources, committed in groups: what comes in during one commit goes into the next, in a handful of statements
//! however many there are. A report is answered after its commit.
//!
//! A [`SessionWorkingSet`] holds the sessions that a group concerns, so that reports of one group see what those before them did. On PostgreSQL the
//! rows of the domains are the locks: of one domain, one process at a time decides.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use sqlx::AnyConnection;
use tokio::sync::oneshot;

use crate::model::{DomainId, SessionId, StoreError};
use crate::storage::Db;
use crate::storage::batch::{Cell, Rows};
use crate::storage::rows::{Read, to_json};
use crate::streams::storage::{EARLY, EarlyRow, STORED, early_report, stored};
use crate::streams::{
    Decision, EarlyReport, Event, Part, Phase, Scope, SessionContext, SessionKey, SessionTransition, SessionUpdate,
    SourceEvent, StoredSession,
};

/// The latest session under the key of each row.
const LATEST: &str = "join sessions s on s.id = (select x.id from sessions x where x.source_id = r.source_id \
     and x.source_key = r.source_key and x.boot = r.boot order by x.id desc limit 1)";

/// The columns of [`key_cells`].
const KEY: [&str; 3] = ["source_id", "source_key", "boot"];

/// Reports in one commit at most.
const GROUP: usize = 512;

/// A report that waits for its commit.
struct Pending {
    report: SessionUpdate,
    tell: oneshot::Sender<Result<(), StoreError>>,
}

/// Where reports wait for the next commit.
#[derive(Clone)]
pub(crate) struct Reports {
    db: Db,
    pending: Arc<Mutex<Vec<Pending>>>,
    /// Held by the task that commits.
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl Reports {
    pub(crate) fn new(db: Db) -> Self {
        Self { db, pending: Arc::default(), turn: Arc::default() }
    }

    /// Loads what the report concerns, lets it decide, and commits the states, parts, events **and the deliveries made for them** in one
    /// transaction, which other reports may share.
    pub(crate) async fn commit(&self, report: SessionUpdate) -> Result<(), StoreError> {
        let (tell, told) = oneshot::channel();
        if self.push(Pending { report, tell }) {
            let reports = self.clone();
            // The commit serves several requests, so it must not end with one of them.
            self.db.spawn_writer(async move {
                let _turn = reports.turn.lock().await;
                loop {
                    let group = reports.take();
                    if group.is_empty() {
                        break;
                    }
                    reports.db.commit_group(group).await;
                }
            });
        }
        told.await.map_err(|_| StoreError::Fault("the commit of a report broke down".into()))?
    }

    /// Returns whether it is the first that waits.
    fn push(&self, report: Pending) -> bool {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        pending.push(report);
        pending.len() == 1
    }

    fn take(&self) -> Vec<Pending> {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        let count = pending.len().min(GROUP);
        pending.drain(..count).collect()
    }
}

/// An event with the session that it belongs to, and when it is stored.
pub(crate) struct NewEvent<'a> {
    pub(crate) stored: &'a StoredSession,
    pub(crate) event: &'a Event,
    pub(crate) now: i64,
}

impl Db {
    async fn commit_group(&self, group: Vec<Pending>) {
        let reports: Vec<&SessionUpdate> = group.iter().map(|pending| &pending.report).collect();
        match self.commit_together(&reports).await {
            Ok(()) => {
                for Pending { tell, .. } in group {
                    let _ = tell.send(Ok(()));
                }
            }
            // It would not take them one by one either, and each would wait for it in vain.
            Err(StoreError::Unavailable(error)) => {
                let error: Arc<dyn std::error::Error + Send + Sync> = error.into();
                for Pending { tell, .. } in group {
                    let _ = tell.send(Err(StoreError::Unavailable(Box::new(error.clone()))));
                }
            }
            // One of them may be at fault; each for itself, the others get through.
            Err(_) => {
                for Pending { report, tell } in group {
                    let _ = tell.send(self.commit_together(&[&report]).await);
                }
            }
        }
    }

    async fn commit_together(&self, reports: &[&SessionUpdate]) -> Result<(), StoreError> {
        let mut tx = self.begin_hot().await?;
        let fresh = self.keep_receipts(&mut tx, reports).await?;
        let mut board = self.load_board(&mut tx, &fresh).await?;
        let mut changes = Changes::default();
        for report in fresh {
            let decision = (report.decide)(board.situation(&report.scope));
            changes.take(&mut board, &report.scope, decision, report.now);
        }
        self.save_sessions(&mut tx, &board, &changes).await?;
        self.save_early(&mut tx, &changes).await?;
        let happened: Vec<NewEvent> = changes
            .events
            .iter()
            .filter_map(|(session, event, now)| {
                Some(NewEvent { stored: board.sessions.get(session)?, event, now: *now })
            })
            .collect();
        let queued = self.append_events(&mut tx, &happened).await?;
        self.commit(tx, queued).await?;
        for NewEvent { event, .. } in happened {
            metrics::counter!("callsheet_events_total", "event" => event.name.as_str()).increment(1);
        }
        Ok(())
    }

    /// Notes the `webhook-id`s of signed sources; returns the reports that were not taken before.
    async fn keep_receipts<'r>(
        &self,
        tx: &mut AnyConnection,
        reports: &[&'r SessionUpdate],
    ) -> Result<Vec<&'r SessionUpdate>, StoreError> {
        let receipt = |report: &SessionUpdate| match (&report.receipt, &report.scope) {
            (Some(receipt), Scope::Key(key, _)) => Some((key.source.0, receipt.clone())),
            _ => None,
        };
        let mut rows = Rows::new(["source_id", "webhook_id", "at"], 0);
        let mut seen = BTreeSet::new();
        for report in reports {
            if let Some((source, id)) = receipt(report)
                && seen.insert((source, id.clone()))
            {
                rows.push([source.into(), id.into(), report.now.into()]);
            }
        }
        if rows.is_empty() {
            return Ok(reports.to_vec());
        }
        let ending = " on conflict do nothing returning source_id, webhook_id";
        let mut first = BTreeSet::new();
        for row in &rows.insert(self.engine, tx, "source_receipts", ending).await? {
            first.insert((row.col::<i64>("source_id")?, row.col::<String>("webhook_id")?));
        }
        // Of two with the same receipt in one group, the first counts.
        let is_fresh = |report: &&&SessionUpdate| receipt(report).is_none_or(|receipt| first.remove(&receipt));
        Ok(reports.iter().filter(is_fresh).copied().collect())
    }

    async fn load_board(
        &self,
        tx: &mut AnyConnection,
        reports: &[&SessionUpdate],
    ) -> Result<SessionWorkingSet, StoreError> {
        let mut keys = Rows::new(["source_id", "source_key", "boot", "domain_id"], reports.len());
        let mut ids = Rows::new(["id"], 0);
        let mut early = Rows::new(KEY, 0);
        let mut streams = BTreeSet::new();
        for report in reports {
            match &report.scope {
                Scope::Key(key, push) => {
                    let domain = push.as_ref().map(|push| push.domain.0);
                    let [source, source_key, boot] = key_cells(key);
                    keys.push([source, source_key, boot, domain.into()]);
                    if let Some(push) = push {
                        early.push(key_cells(key));
                        streams.insert((push.domain, push.app.clone(), push.stream.clone()));
                    }
                }
                Scope::Early(key) => {
                    let [source, source_key, boot] = key_cells(key);
                    keys.push([source, source_key, boot, None::<i64>.into()]);
                    early.push(key_cells(key));
                }
                Scope::Id(id) => ids.push([id.0.into()]),
            }
        }
        if self.is_shared() {
            let of_keys = format!("select domain_id from r union select s.domain_id from r {LATEST}");
            let of_ids = "select s.domain_id from r join sessions s on s.id = r.id";
            let lock =
                |found: &str| format!("select id from domains where id in ({found}) order by id for no key update");
            keys.clone().with(self.engine, tx, &lock(&of_keys)).await?;
            ids.clone().with(self.engine, tx, &lock(of_ids)).await?;
        }
        let mut board = SessionWorkingSet::default();
        for row in keys.read(self.engine, tx, STORED, &format!("from r {LATEST}")).await? {
            board.add(stored(row)?);
        }
        for row in ids.read(self.engine, tx, STORED, "from r join sessions s on s.id = r.id").await? {
            board.add(stored(row)?);
        }
        streams.extend(board.sessions.values().map(|s| (s.domain_id, s.app.clone(), s.stream.clone())));
        let mut rows = Rows::new(["domain_id", "app", "stream"], streams.len());
        for (domain, app, stream) in streams {
            rows.push([domain.0.into(), app.into(), stream.into()]);
        }
        let open = "from r join sessions s on s.domain_id = r.domain_id and s.app = r.app \
             and s.stream = r.stream and s.phase <> 'closed'";
        for row in rows.read(self.engine, tx, STORED, open).await? {
            board.add(stored(row)?);
        }
        let from = "from (select distinct source_id, source_key, boot from r) r join early_reports e \
             on e.source_id = r.source_id and e.source_key = r.source_key and e.boot = r.boot";
        let mut rows: Vec<EarlyRow> = early.read(self.engine, tx, EARLY, from).await?;
        rows.sort_unstable_by_key(|(id, ..)| *id);
        for row in rows {
            let (key, report) = early_report(row);
            board.early.entry(key).or_default().extend(report.map(|report| report.hint));
        }
        // A session that begins now is later than these, whatever the clocks of the processes say.
        if let Some(latest) = board.sessions.keys().next_back() {
            self.ids.follow(latest.0);
        }
        Ok(board)
    }

    /// What early reports a group added, and which it took.
    async fn save_early(&self, tx: &mut AnyConnection, changes: &Changes) -> Result<(), StoreError> {
        let mut rows = Rows::new(KEY, changes.early_taken.len());
        for key in &changes.early_taken {
            rows.push(key_cells(key));
        }
        let sql = "delete from early_reports where id in (select e.id from r join early_reports e \
             on e.source_id = r.source_id and e.source_key = r.source_key and e.boot = r.boot)";
        rows.with(self.engine, tx, sql).await?;
        let mut rows = Rows::new(["source_id", "source_key", "boot", "hint", "push"], changes.early.len());
        for (key, report) in &changes.early {
            let [source, source_key, boot] = key_cells(key);
            let push = report.push.as_ref().map(to_json).transpose()?;
            rows.push([source, source_key, boot, to_json(&report.hint)?.into(), push.into()]);
        }
        rows.insert(self.engine, tx, "early_reports", "").await?;
        Ok(())
    }

    async fn save_sessions(
        &self,
        tx: &mut AnyConnection,
        board: &SessionWorkingSet,
        changes: &Changes,
    ) -> Result<(), StoreError> {
        let mut rows = Rows::new(
            [
                "id",
                "source_id",
                "boot",
                "source_key",
                "domain_id",
                "domain",
                "app",
                "stream",
                "phase",
                "started_at",
                "ended_at",
                "due_at",
                "heard_at",
                "state",
            ],
            changes.sessions.len(),
        );
        for stored in changes.sessions.iter().filter_map(|id| board.sessions.get(id)) {
            rows.push([
                stored.id.0.into(),
                stored.key.source.0.into(),
                stored.key.boot.clone().into(),
                stored.key.key.clone().into(),
                stored.domain_id.0.into(),
                stored.domain.clone().into(),
                stored.app.clone().into(),
                stored.stream.clone().into(),
                stored.session.phase.as_str().into(),
                stored.session.started_at.into(),
                stored.session.ended_at.into(),
                stored.session.due_at.into(),
                stored.session.heartbeat().into(),
                to_json(&stored.session)?.into(),
            ]);
        }
        let ending = " on conflict (id) do update set phase = excluded.phase, ended_at = excluded.ended_at, \
             due_at = excluded.due_at, heard_at = excluded.heard_at, state = excluded.state";
        rows.insert(self.engine, tx, "sessions", ending).await?;
        let mut rows = Rows::new(
            ["session_id", "number", "location", "started_at", "stopped_at", "duration_ms", "bytes", "failure"],
            changes.parts.len(),
        );
        for (session, part) in &changes.parts {
            rows.push([
                session.0.into(),
                part.number.into(),
                part.location.clone().into(),
                part.start.into(),
                part.stop.into(),
                part.duration_ms.into(),
                part.bytes.into(),
                part.failure.clone().into(),
            ]);
        }
        rows.insert(self.engine, tx, "parts", " on conflict do nothing").await?;
        Ok(())
    }
}

type StreamName = (DomainId, String, String);

/// The sessions that a group of reports concerns, as they are after the reports so far.
#[derive(Default)]
struct SessionWorkingSet {
    sessions: BTreeMap<SessionId, StoredSession>,
    /// The latest under its key.
    by_key: HashMap<SessionKey, SessionId>,
    by_stream: HashMap<StreamName, BTreeSet<SessionId>>,
    /// What was reported before the start, of the sessions that start here.
    early: HashMap<SessionKey, Vec<SourceEvent>>,
}

impl SessionWorkingSet {
    fn add(&mut self, stored: StoredSession) {
        let id = stored.id;
        let latest = self.by_key.entry(stored.key.clone()).or_insert(id);
        *latest = id.max(*latest);
        let stream = (stored.domain_id, stored.app.clone(), stored.stream.clone());
        self.by_stream.entry(stream).or_default().insert(id);
        self.sessions.insert(id, stored);
    }

    /// The latest session under the key, and the other sessions of its stream that are not over, earliest first.
    fn situation(&self, scope: &Scope) -> SessionContext {
        let current = match scope {
            Scope::Key(key, _) | Scope::Early(key) => self.by_key.get(key),
            Scope::Id(id) => Some(id),
        };
        let current = current.and_then(|id| self.sessions.get(id)).cloned();
        let stream = match (scope, &current) {
            (Scope::Key(_, Some(push)), _) => Some((push.domain, push.app.clone(), push.stream.clone())),
            (_, Some(stored)) => Some((stored.domain_id, stored.app.clone(), stored.stream.clone())),
            (_, None) => None,
        };
        let rivals = stream.and_then(|stream| self.by_stream.get(&stream)).into_iter().flatten();
        let rivals = rivals
            .filter_map(|id| self.sessions.get(id))
            .filter(|rival| {
                rival.session.phase != Phase::Closed && current.as_ref().is_none_or(|current| current.id != rival.id)
            })
            .cloned()
            .collect();
        let early = match scope {
            Scope::Key(key, Some(_)) | Scope::Early(key) => self.early.get(key).cloned().unwrap_or_default(),
            Scope::Key(_, None) | Scope::Id(_) => Vec::new(),
        };
        SessionContext { current, rivals, early }
    }
}

/// What a group changed, to be written.
#[derive(Default)]
struct Changes {
    sessions: BTreeSet<SessionId>,
    parts: Vec<(SessionId, Part)>,
    events: Vec<(SessionId, Event, i64)>,
    early: Vec<(SessionKey, EarlyReport)>,
    early_taken: HashSet<SessionKey>,
}

impl Changes {
    fn take(&mut self, board: &mut SessionWorkingSet, scope: &Scope, decision: Decision, now: i64) {
        for SessionTransition { stored, events, parts } in decision.steps {
            let id = stored.id;
            self.sessions.insert(id);
            self.parts.extend(parts.into_iter().map(|part| (id, part)));
            self.events.extend(events.into_iter().map(|event| (id, event, now)));
            board.add(stored);
        }
        let (Scope::Key(key, _) | Scope::Early(key)) = scope else { return };
        if decision.takes_early {
            board.early.remove(key);
            self.early.retain(|(of, _)| of != key);
            self.early_taken.insert(key.clone());
        }
        if let Some(report) = decision.keep_early {
            board.early.entry(key.clone()).or_default().push(report.hint.clone());
            self.early.push((key.clone(), report));
        }
    }
}

fn key_cells(key: &SessionKey) -> [Cell; 3] {
    [key.source.0.into(), key.key.clone().into(), key.boot.clone().into()]
}
