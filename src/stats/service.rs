//! Use cases of *Statistics*.

use std::sync::Arc;

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde_json::json;

use super::calendar::{Calendar, LONGEST, POINT, above_p95, fitting, point_of, points_in, slot_before};
use super::figures::{HeldSeries, Totals, bits_per_second, nth_highest, usage_series};
use super::inventory::{Owners, PathRule, Tally};
use super::transcode::{Classes, Outcome, Output, centiminutes};
use super::{
    Change, Chosen, Counted, Digest, Granularity, Import, ImportStep, Metric, Names, OTHER, OutputSums, Slot,
    StatsError, StoredOutput, TopDomain, TranscodingCell, TranscodingDay, TranscodingQuery, TranscodingView,
    UsageCards, UsagePoint, UsageQuery, UsageRow, UsageView, VodDomain,
};
use crate::audit::AuditEntry;
use crate::model::{Action, Actor, Clock, DomainName, Forbidden, StoreError};
use crate::stats::StatsDb;
use crate::storage::Db;

/// Domains in the list of those with the most traffic.
const TOP: i64 = 20;
/// Points of a series that was asked for in a length of its own: a year of five minutes.
const MOST_POINTS: i64 = 366 * 288;
/// Days that five-minute points are kept.
pub const KEPT_DAYS: i64 = 400;

/// The use cases.
#[derive(Clone)]
pub struct Stats {
    pub(crate) stats_db: StatsDb,
    pub(crate) db: Db,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) calendar: Calendar,
    pub(crate) classes: Classes,
}

/// What was served in a slot.
struct Served {
    rows: Vec<Counted>,
    totals: Totals,
    p95: i64,
}

impl Stats {
    /// Days and hours of the console's zone.
    #[must_use]
    pub const fn calendar(&self) -> &Calendar {
        &self.calendar
    }

    /// The whole days of the zone that end today.
    #[must_use]
    pub fn last_days(&self, count: i64) -> Slot {
        self.calendar.last_days(self.now(), count)
    }

    /// Traffic, bandwidth, storage or files over a slot, with the cards and the domains with the most traffic.
    pub async fn usage(&self, actor: &Actor, query: UsageQuery) -> Result<UsageView, StatsError> {
        let UsageQuery { metric, domains, slot, granularity, compare } = query;
        check_slot(slot)?;
        let granularity = granularity.unwrap_or_else(|| fitting(slot));
        let starts = self.calendar.starts(slot, granularity);
        if starts.len() as i64 > MOST_POINTS {
            return Err(StatsError::TooManyPoints(MOST_POINTS));
        }
        let chosen = self.choose(actor, domains).await?;
        let now = self.now();
        let before = self.before(slot);
        let cover = self.calendar.cover(slot, Granularity::Day);
        let (served, served_before, first, last_point, samples, top) = tokio::try_join!(
            self.served(&chosen, slot),
            self.served(&chosen, before),
            self.stats_db.first_day(),
            self.stats_db.last_point(),
            self.stats_db.inventory(&chosen, slot),
            self.stats_db.top_domains(&chosen, &cover, TOP),
        )?;
        let held = HeldSeries::of(&samples, &starts, slot.to, granularity, now);
        let known = match metric {
            Metric::Storage | Metric::Files => held.known_from.map(|from| Slot { from, ..slot }),
            Metric::Traffic | Metric::Bandwidth => {
                first.map(|from| Slot { from, to: last_point.map_or(slot.to, |last| last + POINT) })
            }
        };
        let points = match metric {
            Metric::Storage | Metric::Files => held.points_of(metric),
            Metric::Traffic | Metric::Bandwidth => {
                let rows = match one(&chosen) {
                    None if slot.from >= self.kept_from() => served.rows,
                    _ => self.rows(&chosen, slot, granularity).await?,
                };
                usage_series(&rows, &starts, metric, now)
            }
        };
        let points_before =
            if compare { self.series_before(&chosen, metric, slot, granularity, first).await? } else { Vec::new() };
        let was_known = first.is_some_and(|first| first < before.to);
        let change = |now, before| Change { now, before: was_known.then_some(before) };
        let last = held.last.unwrap_or_default();
        let peak = |totals: Totals| totals.peak.map_or(0, |(bytes, _)| bits_per_second(bytes));
        let cards = UsageCards {
            storage: Change { now: last.bytes, before: held.before.map(|held| held.bytes) },
            peak: change(peak(served.totals), peak(served_before.totals)),
            peak_at: served.totals.peak.map(|(_, at)| at),
            p95: (slot.from >= self.kept_from()).then(|| Change {
                now: bits_per_second(served.p95),
                before: (was_known && before.from >= self.kept_from()).then(|| bits_per_second(served_before.p95)),
            }),
            traffic: change(served.totals.bytes, served_before.totals.bytes),
            files: Change { now: last.files, before: held.before.map(|held| held.files) },
        };
        let top = top.into_iter().map(|sums| TopDomain {
            domain: sums.domain,
            traffic: sums.bytes,
            peak: bits_per_second(sums.peak),
            requests: sums.requests,
        });
        let zone = self.calendar.zone_name().to_owned();
        Ok(UsageView {
            metric,
            slot,
            granularity,
            zone,
            points,
            known,
            before: points_before,
            cards,
            top: top.collect(),
        })
    }

    /// Minutes and files by coding method and resolution, over a slot and by day.
    pub async fn transcoding(&self, actor: &Actor, query: TranscodingQuery) -> Result<TranscodingView, StatsError> {
        let TranscodingQuery { domains, slot, codec, resolution } = query;
        check_slot(slot)?;
        let chosen = self.choose(actor, domains).await?;
        let (days, all_before) = (self.days_of(slot), [self.before(slot)]);
        let (sums, before, first) = tokio::try_join!(
            self.stats_db.transcode_sums(&chosen, &days),
            self.stats_db.transcode_sums(&chosen, &all_before),
            self.stats_db.first_output(),
        )?;
        let cells = |sums: &[OutputSums]| {
            let classed =
                sums.iter().map(|sums| (*sums, self.classes.of(sums.audio, side(sums.width), side(sums.height))));
            let wanted = |class| resolution.is_none_or(|only| only == class);
            classed.filter(|(sums, class)| codec.is_none_or(|only| only == sums.codec) && wanted(*class)).collect()
        };
        let (sums, before): (Vec<_>, Vec<_>) = (cells(&sums), cells(&before));
        let by_day = days.iter().map(|day| TranscodingDay {
            at: day.from,
            cells: matrix(sums.iter().filter(|(sums, _)| sums.at == day.from)),
        });
        let was_known = first.is_some_and(|first| first < slot.from);
        let change = |figure: fn(&OutputSums) -> i64| {
            let total = |sums: &[(OutputSums, _)]| sums.iter().map(|(sums, _)| figure(sums)).sum();
            Change { now: total(&sums), before: was_known.then(|| total(&before)) }
        };
        Ok(TranscodingView {
            slot,
            zone: self.calendar.zone_name().to_owned(),
            matrix: matrix(sums.iter()),
            days: by_day.collect(),
            centiminutes: change(|sums| sums.centiminutes),
            files: change(|sums| if sums.succeeded { sums.files } else { 0 }),
            failed: change(|sums| if sums.succeeded { 0 } else { sums.files }),
        })
    }

    /// Names that the actor can choose, removed domains too: the first so many of those with `part` in them.
    pub async fn domain_names(&self, actor: &Actor, part: &str, limit: i64) -> Result<Vec<String>, StatsError> {
        actor.check(Action::Read)?;
        let part = plain_name(part.trim()).to_lowercase();
        let names: BTreeSet<String> = if actor.domains.is_some() {
            self.own_names(actor).await?.into_iter().filter(|name| name.contains(&part)).collect()
        } else {
            self.names(Names::With(&part), limit).await?
        };
        Ok(names.into_iter().take(usize::try_from(limit).unwrap_or_default()).collect())
    }

    /// Takes in results of transcoders. Those that are known by job and output change nothing. Answers with how many were new.
    pub async fn add_transcode_outputs(&self, actor: &Actor, outputs: Vec<Output>) -> Result<usize, StatsError> {
        actor.check(Action::AddStatistics)?;
        let known = self.known_hosts().await?;
        let stored: Vec<StoredOutput> = outputs.into_iter().map(|output| stored(output, &known)).collect();
        Ok(self.stats_db.add_transcode_outputs(&stored).await?)
    }

    /// The hosts whose lines are counted by name (ASCII); all others are [`OTHER`].
    pub async fn known_hosts(&self) -> Result<HashSet<String>, StoreError> {
        let (play, vod) = tokio::try_join!(self.db.play_hosts(), self.db.vod_domains())?;
        Ok(play.into_iter().map(|host| host.play).chain(vod.into_iter().map(|domain| domain.name)).collect())
    }

    /// The imports that a file with these heads may be, the most taken in first: the one whose prefix the file has is the file's.
    pub async fn imports_like(&self, actor: &Actor, heads: &[Digest]) -> Result<Vec<Import>, StatsError> {
        actor.check(Action::AddStatistics)?;
        Ok(self.stats_db.imports_like(heads).await?)
    }

    /// Adds what a step of an import has read, and moves the import on, both or none. Answers with the import's number.
    pub async fn add_usage(&self, actor: &Actor, rows: &[UsageRow], step: &ImportStep) -> Result<i64, StatsError> {
        actor.check(Action::AddStatistics)?;
        match self.stats_db.add_usage(rows, Some(step)).await {
            Ok(import) => Ok(import.unwrap_or_default()),
            Err(StoreError::Duplicate) => Err(StatsError::ImportMoved),
            Err(other) => Err(other.into()),
        }
    }

    /// The latest imports, newest first. Files hold lines of any host, so a key that is limited to some domains sees none.
    pub async fn list_imports(&self, actor: &Actor, limit: i64) -> Result<Vec<Import>, StatsError> {
        actor.check(Action::Read)?;
        if actor.domains.is_some() {
            return Err(Forbidden.into());
        }
        Ok(self.stats_db.list_imports(limit).await?)
    }

    /// The VOD domains that the actor may see, by name.
    pub async fn vod_domains(&self, actor: &Actor) -> Result<Vec<VodDomain>, StatsError> {
        actor.check(Action::Read)?;
        let mut domains = self.db.vod_domains().await?;
        domains.retain(|domain| actor.check_domain(Action::Read, &domain.name).is_ok());
        Ok(domains)
    }

    /// Adds a host that serves recorded video, and where its files lie.
    pub async fn add_vod_domain(&self, actor: &Actor, name: &str, path: &str) -> Result<VodDomain, StatsError> {
        actor.check(Action::ManageDomains)?;
        let name = DomainName::parse(name).map_err(StatsError::BadName)?;
        actor.check_domain(Action::ManageDomains, name.ascii())?;
        let path = PathRule::parse(path).ok_or(StatsError::BadPath)?;
        let taken = || StatsError::Taken(name.ascii().to_owned());
        if !self.db.taken_names(&[name.ascii()]).await?.is_empty() {
            return Err(taken());
        }
        let now = self.clock.now();
        let detail = json!({ "after": { "path": path.to_string() } });
        let audit = AuditEntry::new(actor, now, "vod_domain.add", name.ascii(), detail);
        match self.db.add_vod_domain(&name, &path, now, &audit).await {
            Err(StoreError::Duplicate) => return Err(taken()),
            other => other?,
        }
        Ok(VodDomain {
            name: name.ascii().to_owned(),
            display: name.display().to_owned(),
            path: path.to_string(),
            created_at: now,
        })
    }

    /// Removes one. Its figures stay.
    pub async fn remove_vod_domain(&self, actor: &Actor, name: &str) -> Result<(), StatsError> {
        let name = &plain_name(name);
        actor.check_domain(Action::ManageDomains, name)?;
        let unknown = || StatsError::UnknownVodDomain(name.clone());
        let domains = self.db.vod_domains().await?;
        let domain = domains.into_iter().find(|domain| domain.name == *name).ok_or_else(unknown)?;
        let detail = json!({ "before": { "path": domain.path } });
        let audit = AuditEntry::new(actor, self.clock.now(), "vod_domain.remove", name, detail);
        if self.db.remove_vod_domain(name, &audit).await? { Ok(()) } else { Err(unknown()) }
    }

    /// An inventory to count files into.
    pub async fn begin_inventory(&self) -> Result<Tally, StoreError> {
        let (play, vod) = tokio::try_join!(self.db.play_hosts(), self.db.vod_domains())?;
        Ok(Tally::new(Owners::new(play, vod)))
    }

    /// Keeps what was counted as what is held now.
    pub async fn end_inventory(&self, tally: Tally) -> Result<(), StoreError> {
        self.stats_db.add_inventory(point_of(self.now()), &tally.held, tally.all).await
    }

    /// Removes a batch of what has passed its time: five-minute points, and what the inventory's days do not need. False: that was all.
    pub async fn clean_up(&self) -> Result<bool, StoreError> {
        let before = self.kept_from();
        Ok(self.stats_db.delete_old_points(before).await? > 0 || self.stats_db.thin_old_inventory(before).await?)
    }

    /// The points of the slot before one; none if nothing is known of it. `first`: the first day of which anything is known.
    async fn series_before(
        &self,
        chosen: &Chosen,
        metric: Metric,
        slot: Slot,
        granularity: Granularity,
        first: Option<i64>,
    ) -> Result<Vec<UsagePoint>, StoreError> {
        let slot = slot_before(slot);
        let (starts, now) = (self.calendar.starts(slot, granularity), self.now());
        Ok(match metric {
            Metric::Storage | Metric::Files => {
                let samples = self.stats_db.inventory(chosen, slot).await?;
                let held = HeldSeries::of(&samples, &starts, slot.to, granularity, now);
                if held.last.is_some() { held.points_of(metric) } else { Vec::new() }
            }
            Metric::Traffic | Metric::Bandwidth if first.is_some_and(|first| first < slot.to) => {
                usage_series(&self.rows(chosen, slot, granularity).await?, &starts, metric, now)
            }
            Metric::Traffic | Metric::Bandwidth => Vec::new(),
        })
    }

    async fn served(&self, chosen: &Chosen, slot: Slot) -> Result<Served, StoreError> {
        let above = above_p95(points_in(slot));
        let (rows, points) = match one(chosen) {
            Some(domain) => {
                tokio::try_join!(self.rows(chosen, slot, Granularity::Day), self.stats_db.point_bytes(domain, slot))?
            }
            None => {
                let rows = self.rows(chosen, slot, Granularity::Day).await?;
                let kept_from = self.kept_from();
                let points = rows.iter().filter(|row| row.at >= kept_from).map(|row| row.bytes).collect();
                (rows, points)
            }
        };
        Ok(Served { totals: Totals::of(&rows), p95: nth_highest(points, above), rows })
    }

    /// The rows of a slot, none longer than `coarsest`; of several domains together as points, since the peak of a sum is no sum of peaks.
    /// Where points are removed, their longer rows stand side by side: sums are right, the peak is the highest of theirs.
    async fn rows(&self, chosen: &Chosen, slot: Slot, coarsest: Granularity) -> Result<Vec<Counted>, StoreError> {
        match (chosen, one(chosen)) {
            (Chosen::Only(names), None) => {
                let kept_from = self.kept_from().clamp(slot.from, slot.to);
                let mut rows = self.stats_db.summed_points(names, Slot { from: kept_from, ..slot }).await?;
                let removed = self.calendar.cover(Slot { to: kept_from, ..slot }, coarsest);
                for name in names.iter().filter(|_| !removed.is_empty()) {
                    rows.extend(self.stats_db.usage(Some(name), &removed).await?);
                }
                Ok(rows)
            }
            (_, domain) => self.stats_db.usage(domain.flatten(), &self.calendar.cover(slot, coarsest)).await,
        }
    }

    /// Five-minute points before this (Unix seconds) are removed.
    #[must_use]
    pub fn kept_from(&self) -> i64 {
        self.calendar.last_days(self.now(), KEPT_DAYS).from
    }

    async fn choose(&self, actor: &Actor, asked: Vec<String>) -> Result<Chosen, StatsError> {
        actor.check(Action::Read)?;
        let mut asked: Vec<String> = asked.into_iter().map(|name| plain_name(&name)).collect();
        asked.sort_unstable();
        asked.dedup();
        let names = match (asked.is_empty(), &actor.domains) {
            (true, None) => return Ok(Chosen::All),
            (false, None) => self.names(Names::Among(&asked), i64::try_from(asked.len()).unwrap_or(i64::MAX)).await?,
            (_, Some(_)) => self.own_names(actor).await?,
        };
        if let Some(name) = asked.iter().find(|name| !names.contains(*name)) {
            return Err(match &actor.domains {
                Some(_) => Forbidden.into(),
                None => StatsError::UnknownDomain(name.clone()),
            });
        }
        Ok(Chosen::Only(if asked.is_empty() { names.into_iter().collect() } else { asked }))
    }

    /// Domains of the console, and removed ones that have figures.
    async fn names(&self, names: Names<'_>, limit: i64) -> Result<BTreeSet<String>, StoreError> {
        let (hosts, counted) =
            tokio::try_join!(self.db.host_names(names, limit), self.stats_db.domain_names(names, limit))?;
        Ok(hosts.into_iter().chain(counted).collect())
    }

    /// What an actor sees who is limited to some domains: whose a removed one was is no longer known.
    async fn own_names(&self, actor: &Actor) -> Result<BTreeSet<String>, StoreError> {
        let (play, vod) = tokio::try_join!(self.db.play_hosts(), self.db.vod_domains())?;
        let may = |name: &String| actor.check_domain(Action::Read, name).is_ok();
        let play = play.into_iter().filter(|host| may(&host.push)).map(|host| host.play);
        Ok(play.chain(vod.into_iter().map(|domain| domain.name).filter(may)).collect())
    }

    /// The days of the slot, the first and the last within its borders.
    fn days_of(&self, slot: Slot) -> Vec<Slot> {
        let starts = self.calendar.starts(slot, Granularity::Day);
        let ends = starts.iter().skip(1).copied().chain([slot.to]);
        starts.iter().copied().zip(ends).map(|(from, to)| Slot { from, to }).collect()
    }

    /// What a slot is compared with: the one of the same length just before, as far as the slot itself has passed.
    fn before(&self, slot: Slot) -> Slot {
        let before = slot_before(slot);
        let passed = (point_of(self.now()) - slot.from).clamp(POINT, slot.to - slot.from);
        Slot { to: before.from + passed, ..before }
    }

    fn now(&self) -> i64 {
        self.clock.now().div_euclid(1000)
    }
}

fn check_slot(slot: Slot) -> Result<(), StatsError> {
    let length = slot.to.checked_sub(slot.from).filter(|length| (POINT..=LONGEST).contains(length));
    let on_border = [slot.from, slot.to].iter().all(|at| at % POINT == 0);
    if length.is_some() && on_border && slot.from >= 0 { Ok(()) } else { Err(StatsError::BadSlot) }
}

/// The one domain, or `None` for all; nothing if these are several.
fn one(chosen: &Chosen) -> Option<Option<&str>> {
    match chosen {
        Chosen::All => Some(None),
        Chosen::Only(names) => match names.as_slice() {
            [name] => Some(Some(name)),
            _ => None,
        },
    }
}

/// A name as it is stored.
pub(super) fn plain_name(name: &str) -> String {
    DomainName::parse(name).map_or_else(|_| name.to_owned(), |name| name.ascii().to_owned())
}

/// 0 where it is unknown.
fn side(pixels: i64) -> Option<u32> {
    u32::try_from(pixels).ok().filter(|pixels| *pixels > 0)
}

fn stored(output: Output, known: &HashSet<String>) -> StoredOutput {
    let (succeeded, error) = match output.outcome {
        Outcome::Succeeded => (true, None),
        Outcome::Failed { reason } => (false, Some(reason)),
    };
    StoredOutput {
        job: output.job,
        output: output.output,
        domain: output.domain.filter(|domain| known.contains(domain)).unwrap_or_else(|| OTHER.to_owned()),
        succeeded,
        codec: output.codec,
        width: output.width.map_or(0, i64::from),
        height: output.height.map_or(0, i64::from),
        audio: output.is_audio,
        duration_ms: output.duration_ms,
        centiminutes: if succeeded { centiminutes(output.duration_ms) } else { 0 },
        finished_at: output.finished_at.div_euclid(1000),
        error,
    }
}

/// Sums of the succeeded ones by coding method and class.
fn matrix<'s>(sums: impl Iterator<Item = &'s (OutputSums, super::Resolution)>) -> Vec<TranscodingCell> {
    let mut cells: BTreeMap<_, (i64, i64)> = BTreeMap::new();
    for (sums, resolution) in sums.filter(|(sums, _)| sums.succeeded) {
        let cell = cells.entry((sums.codec, *resolution)).or_default();
        cell.0 += sums.centiminutes;
        cell.1 += sums.files;
    }
    let cell =
        |((codec, resolution), (centiminutes, files))| TranscodingCell { codec, resolution, centiminutes, files };
    cells.into_iter().map(cell).collect()
}
