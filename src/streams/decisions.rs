//! What a report changes: the session that it is about, and others of the same stream. Pure.

use super::ingest::{Admitted, SessionKey, SourceEvent};
use super::session::{Outcome, Phase, Session, SessionRules};
use super::types::{Decision, SessionContext, SessionTransition, StoredSession};
use crate::model::{IdGenerator, Millis, SessionId};

/// A publish starts.
pub(super) fn start(
    situation: SessionContext,
    ids: &IdGenerator,
    key: &SessionKey,
    at: Millis,
    push: &Admitted,
    now: Millis,
    rules: &SessionRules,
) -> Decision {
    let contested = is_contested(&situation, key);
    let SessionContext { current, rivals, early } = situation;
    let mut steps = Vec::new();
    if let Some(stored) = current {
        // Where a run of the source numbers its publishes, no number comes twice.
        if !key.boot.is_empty() || stored.session.is_repeat_of_start(now, rules) {
            return Decision::default();
        }
        if stored.session.phase != Phase::Closed {
            steps.push(lose(stored, now, rules));
        }
    }
    let (session, outcome) = Session::start(at, now, push, contested, rules);
    let mut stored = StoredSession {
        id: SessionId(ids.next(now)),
        key: key.clone(),
        domain_id: push.domain_id,
        domain: push.domain.ascii().to_owned(),
        app: push.app.to_string(),
        stream: push.stream.to_string(),
        session,
    };
    contend(&mut stored, &rivals, rules);
    steps.push(SessionTransition { stored: stored.clone(), events: outcome.events, parts: outcome.parts });
    let takes_early = !early.is_empty();
    if takes_early {
        steps.extend(catch_up(stored, rivals, &early, now, rules));
    }
    Decision { steps, keep_early: None, takes_early }
}

/// A session takes the reports that came before its start.
pub(super) fn catch_up(
    stored: StoredSession,
    rivals: Vec<StoredSession>,
    early: &[SourceEvent],
    now: Millis,
    rules: &SessionRules,
) -> Vec<SessionTransition> {
    settle(stored, rivals, now, rules, |session| {
        early.iter().map(|hint| session.apply(hint, now, rules)).fold(Outcome::default(), |all, one| Outcome {
            events: [all.events, one.events].concat(),
            parts: [all.parts, one.parts].concat(),
            promoted: all.promoted || one.promoted,
        })
    })
}

/// A session takes a report other than its start.
pub(super) fn follow(
    situation: SessionContext,
    ids: &IdGenerator,
    hint: &SourceEvent,
    now: Millis,
    rules: &SessionRules,
) -> Vec<SessionTransition> {
    let Some(stored) = situation.current.clone() else { return Vec::new() };
    if !stored.session.is_revived_by(hint) {
        return settle(stored, situation.rivals, now, rules, |session| session.apply(hint, now, rules));
    }
    let contested = is_contested(&situation, &stored.key);
    let (session, begun) = stored.session.start_again(hint.at(), now, contested, rules);
    let mut stored = StoredSession { id: SessionId(ids.next(now)), session, ..stored };
    contend(&mut stored, &situation.rivals, rules);
    settle(stored, situation.rivals, now, rules, |session| {
        let outcome = session.apply(hint, now, rules);
        Outcome {
            events: [begun.events, outcome.events].concat(),
            parts: [begun.parts, outcome.parts].concat(),
            promoted: outcome.promoted,
        }
    })
}

/// Another publish of the stream is live.
fn is_contested(situation: &SessionContext, key: &SessionKey) -> bool {
    situation.rivals.iter().any(|rival| rival.key != *key && rival.session.phase == Phase::Live)
}

/// A new session waits for a live one of its source, if the source may have refused it.
fn contend(stored: &mut StoredSession, rivals: &[StoredSession], rules: &SessionRules) {
    if let Some(holder) = holder_of(stored, rivals).filter(|_| rules.may_refuse) {
        stored.session.contend(&holder.session);
    }
}

/// The live session of the stream, if the same source reports it.
fn holder_of<'a>(stored: &StoredSession, rivals: &'a [StoredSession]) -> Option<&'a StoredSession> {
    rivals.iter().find(|rival| rival.session.phase == Phase::Live && rival.key.source == stored.key.source)
}

/// One session moves by `change`. When it goes live, whoever was live is gone; when it stops being live, the next may go live.
pub(super) fn settle(
    mut stored: StoredSession,
    rivals: Vec<StoredSession>,
    now: Millis,
    rules: &SessionRules,
    change: impl FnOnce(&mut Session) -> Outcome,
) -> Vec<SessionTransition> {
    if let Some(holder) = holder_of(&stored, &rivals) {
        stored.session.watch(&holder.session);
    }
    let was_live = stored.session.phase == Phase::Live;
    let outcome = change(&mut stored.session);
    let is_live = stored.session.phase == Phase::Live;
    let promoted = outcome.promoted;
    let step = SessionTransition { stored, events: outcome.events, parts: outcome.parts };
    if promoted {
        let live = rivals.into_iter().filter(|rival| rival.session.phase == Phase::Live);
        live.map(|rival| lose(rival, now, rules)).chain([step]).collect()
    } else if was_live && !is_live {
        std::iter::once(step).chain(promote_next(rivals, rules)).collect()
    } else {
        vec![step]
    }
}

/// The earliest of the sessions that wait; one that was heard goes first.
fn promote_next(rivals: Vec<StoredSession>, rules: &SessionRules) -> Option<SessionTransition> {
    let opening = rivals.into_iter().filter(|rival| rival.session.phase == Phase::Opening);
    let mut stored = opening.min_by_key(|rival| !rival.session.is_heard())?;
    let outcome = stored.session.promote(rules);
    Some(SessionTransition { stored, events: outcome.events, parts: outcome.parts })
}

/// The source fell silent, or its stream is published by somebody else now.
fn lose(mut stored: StoredSession, now: Millis, rules: &SessionRules) -> SessionTransition {
    let outcome = stored.session.supersede(now, rules);
    SessionTransition { stored, events: outcome.events, parts: outcome.parts }
}
