//! Use cases of statistics.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use serde_json::json;

use super::calendar::{Calendar, MAX_RANGE_S};
use super::figures::{StoredSeries, Totals, bits_per_second, nth_highest, usage_series};
use super::transcode::{Classes, Outcome, Output, centiminutes};
use super::{
    BIN_S, BinTotals, Change, Digest, DomainSelection, FileOwners, Granularity, Import, ImportStep, InventoryTally,
    Metric, NameFilter, OTHER, OutputSums, PathRule, Resolution, StatsDb, StatsError, StoredOutput, TimeRange,
    TopDomain, TranscodingCell, TranscodingDay, TranscodingQuery, TranscodingView, UsageBin, UsageCards, UsageQuery,
    UsageRow, UsageView, VodDomain, bin_start,
};
use crate::audit::AuditEntry;
use crate::model::{Action, Actor, Clock, DomainName, Forbidden, StoreError};
use crate::storage::Db;

/// Number of domains in the list of those with the most traffic.
const TOP_DOMAINS: i64 = 20;
/// Maximum number of bins in a series: a year of five-minute bins.
const MAX_BINS: i64 = 366 * 288;
/// Retention of five-minute bins in days.
pub const KEPT_DAYS: i64 = 400;

/// The use cases of statistics.
#[derive(Clone)]
pub struct Stats {
    pub(crate) stats_db: StatsDb,
    pub(crate) db: Db,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) calendar: Calendar,
    pub(crate) classes: Classes,
}

/// Traffic in a time range.
struct Traffic {
    rows: Vec<BinTotals>,
    totals: Totals,
    /// 95th percentile in bytes per five-minute bin.
    p95: i64,
}

impl Stats {
    /// Returns the calendar of the console's time zone.
    #[must_use]
    pub const fn calendar(&self) -> &Calendar {
        &self.calendar
    }

    /// Returns the last `count` days, including today.
    #[must_use]
    pub fn last_days(&self, count: i64) -> TimeRange {
        self.calendar.last_days(self.now(), count)
    }

    /// Returns traffic, bandwidth, storage or files over a range, the cards, and the domains with the most traffic.
    pub async fn usage(&self, actor: &Actor, query: UsageQuery) -> Result<UsageView, StatsError> {
        let UsageQuery { metric, domains, range, granularity, compare } = query;
        check_range(range)?;
        let granularity = granularity.unwrap_or_else(|| range.default_granularity());
        let starts = self.calendar.starts(range, granularity);
        if starts.len() as i64 > MAX_BINS {
            return Err(StatsError::TooManyBins(MAX_BINS));
        }
        let selection = self.select(actor, domains).await?;
        let now = self.now();
        let before = self.comparison_range(range);
        let cover = self.calendar.cover(range, Granularity::Day);
        let (traffic, traffic_before, first, last_bin, samples, top) = tokio::try_join!(
            self.traffic(&selection, range),
            self.traffic(&selection, before),
            self.stats_db.first_day(),
            self.stats_db.last_bin(),
            self.stats_db.inventory(&selection, range),
            self.stats_db.top_domains(&selection, &cover, TOP_DOMAINS),
        )?;
        let stored = StoredSeries::of(&samples, &starts, range.to, granularity, now);
        let known = match metric {
            Metric::Storage | Metric::Files => stored.known_from.map(|from| TimeRange { from, ..range }),
            Metric::Traffic | Metric::Bandwidth => {
                first.map(|from| TimeRange { from, to: last_bin.map_or(range.to, |last| last + BIN_S) })
            }
        };
        let bins = match metric {
            Metric::Storage | Metric::Files => stored.bins_of(metric),
            Metric::Traffic | Metric::Bandwidth => {
                let rows = match single_series(&selection) {
                    None if range.from >= self.kept_from() => traffic.rows,
                    _ => self.rows(&selection, range, granularity).await?,
                };
                usage_series(&rows, &starts, metric, now)
            }
        };
        let bins_before =
            if compare { self.series_before(&selection, metric, range, granularity, first).await? } else { Vec::new() };
        let was_known = first.is_some_and(|first| first < before.to);
        let change = |now, before| Change { now, before: was_known.then_some(before) };
        let last = stored.last.unwrap_or_default();
        let peak = |totals: Totals| totals.peak.map_or(0, |(bytes, _)| bits_per_second(bytes));
        let cards = UsageCards {
            storage: Change { now: last.bytes, before: stored.before.map(|totals| totals.bytes) },
            peak: change(peak(traffic.totals), peak(traffic_before.totals)),
            peak_at: traffic.totals.peak.map(|(_, at)| at),
            p95: (range.from >= self.kept_from()).then(|| Change {
                now: bits_per_second(traffic.p95),
                before: (was_known && before.from >= self.kept_from()).then(|| bits_per_second(traffic_before.p95)),
            }),
            traffic: change(traffic.totals.bytes, traffic_before.totals.bytes),
            files: Change { now: last.files, before: stored.before.map(|totals| totals.files) },
        };
        let top = top.into_iter().map(|sums| TopDomain {
            domain: sums.domain,
            traffic: sums.bytes,
            peak: bits_per_second(sums.peak),
            requests: sums.requests,
        });
        let zone = self.calendar.zone_name().to_owned();
        Ok(UsageView { metric, range, granularity, zone, bins, known, before: bins_before, cards, top: top.collect() })
    }

    /// Returns minutes and files by codec and resolution, over a range and by day.
    pub async fn transcoding(&self, actor: &Actor, query: TranscodingQuery) -> Result<TranscodingView, StatsError> {
        let TranscodingQuery { domains, range, codec, resolution } = query;
        check_range(range)?;
        let selection = self.select(actor, domains).await?;
        let (days, all_before) = (self.days_of(range), [self.comparison_range(range)]);
        let (sums, before, first) = tokio::try_join!(
            self.stats_db.transcode_sums(&selection, &days),
            self.stats_db.transcode_sums(&selection, &all_before),
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
        let was_known = first.is_some_and(|first| first < range.from);
        let change = |figure: fn(&OutputSums) -> i64| {
            let total = |sums: &[(OutputSums, _)]| sums.iter().map(|(sums, _)| figure(sums)).sum();
            Change { now: total(&sums), before: was_known.then(|| total(&before)) }
        };
        Ok(TranscodingView {
            range,
            zone: self.calendar.zone_name().to_owned(),
            matrix: matrix(sums.iter()),
            days: by_day.collect(),
            centiminutes: change(|sums| sums.centiminutes),
            files: change(|sums| if sums.succeeded { sums.files } else { 0 }),
            failed: change(|sums| if sums.succeeded { 0 } else { sums.files }),
        })
    }

    /// Returns up to `limit` domain names that contain `part` and that the actor may select, including removed domains.
    pub async fn domain_names(&self, actor: &Actor, part: &str, limit: i64) -> Result<Vec<String>, StatsError> {
        actor.check(Action::Read)?;
        let part = to_ascii_name(part.trim()).to_lowercase();
        let names: BTreeSet<String> = if actor.domains.is_some() {
            self.permitted_names(actor).await?.into_iter().filter(|name| name.contains(&part)).collect()
        } else {
            self.names(NameFilter::Containing(&part), limit).await?
        };
        Ok(names.into_iter().take(usize::try_from(limit).unwrap_or_default()).collect())
    }

    /// Adds outputs of transcoders. Outputs with a known job and name are ignored. Returns the number of new outputs.
    pub async fn add_transcode_outputs(&self, actor: &Actor, outputs: Vec<Output>) -> Result<usize, StatsError> {
        actor.check(Action::AddStatistics)?;
        let known = self.known_hosts().await?;
        let outputs: Vec<StoredOutput> = outputs.into_iter().map(|output| stored_output(output, &known)).collect();
        Ok(self.stats_db.add_transcode_outputs(&outputs).await?)
    }

    /// Returns the hosts (ASCII) that are counted by name. All others are counted as [`OTHER`].
    pub async fn known_hosts(&self) -> Result<HashSet<String>, StoreError> {
        let (play, vod) = tokio::try_join!(self.db.play_hosts(), self.db.vod_domains())?;
        Ok(play.into_iter().map(|host| host.play).chain(vod.into_iter().map(|domain| domain.name)).collect())
    }

    /// Returns the imports with one of these heads, those with the most content first. A file belongs to the import whose prefix matches.
    pub async fn imports_by_head(&self, actor: &Actor, heads: &[Digest]) -> Result<Vec<Import>, StatsError> {
        actor.check(Action::AddStatistics)?;
        Ok(self.stats_db.imports_by_head(heads).await?)
    }

    /// Adds the counts of an import step and advances the import in one transaction. Returns the id of the import.
    pub async fn add_usage(&self, actor: &Actor, rows: &[UsageRow], step: &ImportStep) -> Result<i64, StatsError> {
        actor.check(Action::AddStatistics)?;
        match self.stats_db.add_usage(rows, Some(step)).await {
            Ok(import) => Ok(import.unwrap_or_default()),
            Err(StoreError::Duplicate) => Err(StatsError::ImportMoved),
            Err(other) => Err(other.into()),
        }
    }

    /// Returns the latest imports, newest first. Forbidden for actors limited to some domains, because files contain lines of any host.
    pub async fn list_imports(&self, actor: &Actor, limit: i64) -> Result<Vec<Import>, StatsError> {
        actor.check(Action::Read)?;
        if actor.domains.is_some() {
            return Err(Forbidden.into());
        }
        Ok(self.stats_db.list_imports(limit).await?)
    }

    /// Returns the VOD domains that the actor may see, by name.
    pub async fn vod_domains(&self, actor: &Actor) -> Result<Vec<VodDomain>, StatsError> {
        actor.check(Action::Read)?;
        let mut domains = self.db.vod_domains().await?;
        domains.retain(|domain| actor.check_domain(Action::Read, &domain.name).is_ok());
        Ok(domains)
    }

    /// Adds a VOD domain with the bucket and folders of its files.
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

    /// Removes a VOD domain. Its statistics are kept.
    pub async fn remove_vod_domain(&self, actor: &Actor, name: &str) -> Result<(), StatsError> {
        let name = &to_ascii_name(name);
        actor.check_domain(Action::ManageDomains, name)?;
        let unknown = || StatsError::UnknownVodDomain(name.clone());
        let domains = self.db.vod_domains().await?;
        let domain = domains.into_iter().find(|domain| domain.name == *name).ok_or_else(unknown)?;
        let detail = json!({ "before": { "path": domain.path } });
        let audit = AuditEntry::new(actor, self.clock.now(), "vod_domain.remove", name, detail);
        if self.db.remove_vod_domain(name, &audit).await? { Ok(()) } else { Err(unknown()) }
    }

    /// Starts a count of the files in all buckets.
    pub async fn start_inventory(&self) -> Result<InventoryTally, StoreError> {
        let (play, vod) = tokio::try_join!(self.db.play_hosts(), self.db.vod_domains())?;
        Ok(InventoryTally::new(FileOwners::new(play, vod)))
    }

    /// Stores the result of a count as the current inventory.
    pub async fn save_inventory(&self, tally: InventoryTally) -> Result<(), StoreError> {
        self.stats_db.add_inventory(bin_start(self.now()), &tally.by_domain, tally.all).await
    }

    /// Removes a batch of expired data: five-minute bins, and inventory samples that daily figures do not need. Returns false when done.
    pub async fn clean_up(&self) -> Result<bool, StoreError> {
        let before = self.kept_from();
        Ok(self.stats_db.delete_old_bins(before).await? > 0 || self.stats_db.thin_old_inventory(before).await?)
    }

    /// Returns the bins of the previous range, or none if there is no data for it. `first` is the first day with usage.
    async fn series_before(
        &self,
        selection: &DomainSelection,
        metric: Metric,
        range: TimeRange,
        granularity: Granularity,
        first: Option<i64>,
    ) -> Result<Vec<UsageBin>, StoreError> {
        let range = range.previous();
        let (starts, now) = (self.calendar.starts(range, granularity), self.now());
        Ok(match metric {
            Metric::Storage | Metric::Files => {
                let samples = self.stats_db.inventory(selection, range).await?;
                let stored = StoredSeries::of(&samples, &starts, range.to, granularity, now);
                if stored.last.is_some() { stored.bins_of(metric) } else { Vec::new() }
            }
            Metric::Traffic | Metric::Bandwidth if first.is_some_and(|first| first < range.to) => {
                usage_series(&self.rows(selection, range, granularity).await?, &starts, metric, now)
            }
            Metric::Traffic | Metric::Bandwidth => Vec::new(),
        })
    }

    async fn traffic(&self, selection: &DomainSelection, range: TimeRange) -> Result<Traffic, StoreError> {
        // The 95th percentile is the highest bin after dropping the highest 5 %.
        let above = range.bins() / 20;
        let (rows, bins) = match single_series(selection) {
            Some(domain) => {
                tokio::try_join!(self.rows(selection, range, Granularity::Day), self.stats_db.bin_bytes(domain, range))?
            }
            None => {
                let rows = self.rows(selection, range, Granularity::Day).await?;
                let kept_from = self.kept_from();
                let bins = rows.iter().filter(|row| row.at >= kept_from).map(|row| row.bytes).collect();
                (rows, bins)
            }
        };
        Ok(Traffic { totals: Totals::of(&rows), p95: nth_highest(bins, above), rows })
    }

    /// Returns the rows of a range, none coarser than `coarsest`. Several domains are summed bin by bin, because the peak of a sum is not the
    /// sum of the peaks. For the time whose bins have been removed, the rows of the domains are returned separately: then sums are exact, but
    /// the peak is only the highest of the domains' peaks.
    async fn rows(
        &self,
        selection: &DomainSelection,
        range: TimeRange,
        coarsest: Granularity,
    ) -> Result<Vec<BinTotals>, StoreError> {
        match (selection, single_series(selection)) {
            (DomainSelection::Only(names), None) => {
                let kept_from = self.kept_from().clamp(range.from, range.to);
                let mut rows = self.stats_db.summed_bins(names, TimeRange { from: kept_from, ..range }).await?;
                let removed = self.calendar.cover(TimeRange { to: kept_from, ..range }, coarsest);
                for name in names.iter().filter(|_| !removed.is_empty()) {
                    rows.extend(self.stats_db.usage(Some(name), &removed).await?);
                }
                Ok(rows)
            }
            (_, domain) => self.stats_db.usage(domain.flatten(), &self.calendar.cover(range, coarsest)).await,
        }
    }

    /// Returns the start of the retention period of five-minute bins, Unix seconds.
    #[must_use]
    pub fn kept_from(&self) -> i64 {
        self.calendar.last_days(self.now(), KEPT_DAYS).from
    }

    async fn select(&self, actor: &Actor, domains: Vec<String>) -> Result<DomainSelection, StatsError> {
        actor.check(Action::Read)?;
        let mut domains: Vec<String> = domains.into_iter().map(|name| to_ascii_name(&name)).collect();
        domains.sort_unstable();
        domains.dedup();
        let names = match (domains.is_empty(), &actor.domains) {
            (true, None) => return Ok(DomainSelection::All),
            (false, None) => {
                self.names(NameFilter::OneOf(&domains), i64::try_from(domains.len()).unwrap_or(i64::MAX)).await?
            }
            (_, Some(_)) => self.permitted_names(actor).await?,
        };
        if let Some(name) = domains.iter().find(|name| !names.contains(*name)) {
            return Err(match &actor.domains {
                Some(_) => Forbidden.into(),
                None => StatsError::UnknownDomain(name.clone()),
            });
        }
        Ok(DomainSelection::Only(if domains.is_empty() { names.into_iter().collect() } else { domains }))
    }

    /// Returns the names of current domains, and of removed ones with statistics.
    async fn names(&self, names: NameFilter<'_>, limit: i64) -> Result<BTreeSet<String>, StoreError> {
        let (hosts, counted) =
            tokio::try_join!(self.db.host_names(names, limit), self.stats_db.domain_names(names, limit))?;
        Ok(hosts.into_iter().chain(counted).collect())
    }

    /// Returns the names that an actor limited to some domains may read. Removed domains are not included, because their push domain is
    /// unknown.
    async fn permitted_names(&self, actor: &Actor) -> Result<BTreeSet<String>, StoreError> {
        let (play, vod) = tokio::try_join!(self.db.play_hosts(), self.db.vod_domains())?;
        let may = |name: &String| actor.check_domain(Action::Read, name).is_ok();
        let play = play.into_iter().filter(|host| may(&host.push)).map(|host| host.play);
        Ok(play.chain(vod.into_iter().map(|domain| domain.name).filter(may)).collect())
    }

    /// Returns the days of the range; the first and the last are cut to the range.
    fn days_of(&self, range: TimeRange) -> Vec<TimeRange> {
        let starts = self.calendar.starts(range, Granularity::Day);
        let ends = starts.iter().skip(1).copied().chain([range.to]);
        starts.iter().copied().zip(ends).map(|(from, to)| TimeRange { from, to }).collect()
    }

    /// Returns the range that a range is compared with: the previous one, cut to the length that has passed of the range itself.
    fn comparison_range(&self, range: TimeRange) -> TimeRange {
        let previous = range.previous();
        let passed = (bin_start(self.now()) - range.from).clamp(BIN_S, range.to - range.from);
        TimeRange { to: previous.from + passed, ..previous }
    }

    /// Returns the current time in Unix seconds.
    fn now(&self) -> i64 {
        self.clock.now().div_euclid(1000)
    }
}

fn check_range(range: TimeRange) -> Result<(), StatsError> {
    let length = range.to.checked_sub(range.from).filter(|length| (BIN_S..=MAX_RANGE_S).contains(length));
    let on_border = [range.from, range.to].iter().all(|at| at % BIN_S == 0);
    if length.is_some() && on_border && range.from >= 0 { Ok(()) } else { Err(StatsError::BadRange) }
}

/// Returns the domain whose stored rows answer the query: a single domain, or `None` for all domains together. Returns nothing for several.
fn single_series(selection: &DomainSelection) -> Option<Option<&str>> {
    match selection {
        DomainSelection::All => Some(None),
        DomainSelection::Only(names) => match names.as_slice() {
            [name] => Some(Some(name)),
            _ => None,
        },
    }
}

/// Converts a domain name to the stored form.
pub(super) fn to_ascii_name(name: &str) -> String {
    DomainName::parse(name).map_or_else(|_| name.to_owned(), |name| name.ascii().to_owned())
}

/// Converts stored pixels, where 0 is unknown.
fn side(pixels: i64) -> Option<u32> {
    u32::try_from(pixels).ok().filter(|pixels| *pixels > 0)
}

fn stored_output(output: Output, known: &HashSet<String>) -> StoredOutput {
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

/// Sums the successful outputs by codec and resolution class.
fn matrix<'s>(sums: impl Iterator<Item = &'s (OutputSums, Resolution)>) -> Vec<TranscodingCell> {
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
