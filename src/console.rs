//! The use cases of a console, wired to its storage.

use std::ops::Deref;
use std::sync::Arc;

use jiff::tz::TimeZone;
use url::Url;

use crate::accounts::{Accounts, Provider};
use crate::audit::AuditLog;
use crate::callbacks::Callbacks;
use crate::deliveries::{Deliveries, DeliverySender, Prober, Recoveries, RetrySchedule};
use crate::domains::{Cnames, Domains};
use crate::idempotency::Idempotency;
use crate::keys::Keys;
use crate::model::{Clock, IdGenerator, Millis};
use crate::outbound::{AddressPolicy, Outbound};
use crate::recordings::Recordings;
use crate::sealing::Sealer;
use crate::settings::Settings;
use crate::sources::Sources;
use crate::stats::StatsDb;
use crate::stats::calendar::Calendar;
use crate::stats::transcode::Classes;
use crate::stats::{FigureFormat, Stats};
use crate::storage::Db;
use crate::streams::storage::reports::Reports;
use crate::streams::{EarlyRules, Streams, limit_of_refusals};

/// Retention times in days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Sessions, events, deliveries and attempts.
    pub days: i64,
    /// Headers and response bodies of attempts.
    pub attempt_body_days: i64,
    /// Entries of the audit log.
    pub audit_days: i64,
}

/// Dependencies and settings of a console.
pub struct ConsoleParts {
    pub db: Db,
    pub stats_db: StatsDb,
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<IdGenerator>,
    pub sealer: Sealer,
    pub policy: AddressPolicy,
    pub outbound: Arc<Outbound>,
    pub schedule: RetrySchedule,
    /// Time zone of pages, file names and days.
    pub zone: TimeZone,
    /// Time that a session waits for its last parts (ms).
    pub session_grace: Millis,
    /// Part length of recordings of new domains, in seconds.
    pub part_seconds: i64,
    /// CNAME targets of domains.
    pub cnames: Cnames,
    pub retention: Retention,
    /// Resolution classes of transcoding statistics.
    pub classes: Classes,
    pub shown: FigureFormat,
    /// Names of configured buckets.
    pub buckets: Vec<String>,
    /// Public address of the console, if configured.
    pub public_url: Option<Url>,
    /// Single sign-on provider.
    pub provider: Option<Provider>,
}

/// A handle to the [`UseCases`]. Cheap to clone.
#[derive(Clone)]
pub struct Console(Arc<UseCases>);

/// The use cases, by feature.
pub struct UseCases {
    pub accounts: Accounts,
    pub keys: Keys,
    pub audit: AuditLog,
    pub idempotency: Idempotency,
    pub domains: Domains,
    pub callbacks: Callbacks,
    pub recordings: Recordings,
    pub sources: Sources,
    pub streams: Streams,
    pub deliveries: Deliveries,
    pub recoveries: Recoveries,
    pub prober: Prober,
    pub stats: Stats,
    /// For the delivery loop.
    pub delivery_sender: DeliverySender,
    /// Time zone of pages, file names and days.
    pub zone: TimeZone,
    /// CNAME targets of domains.
    pub cnames: Cnames,
    pub retention: Retention,
    /// How figures are shown.
    pub shown: FigureFormat,
    /// Names of configured buckets.
    pub buckets: Arc<[String]>,
    /// Public address of the console, if configured.
    pub public_url: Option<Url>,
    pub clock: Arc<dyn Clock>,
    /// For health checks and the loops of the server.
    pub db: Db,
    pub(crate) settings: Settings,
    stats_db: StatsDb,
}

impl Deref for Console {
    type Target = UseCases;

    fn deref(&self) -> &UseCases {
        &self.0
    }
}

impl Console {
    /// Wires the parts together.
    #[must_use]
    pub fn new(parts: ConsoleParts) -> Self {
        let ConsoleParts { db, clock, ids, sealer, policy, outbound, schedule, zone, .. } = parts;
        let ConsoleParts { session_grace, part_seconds, cnames, retention, stats_db, classes, shown, buckets, .. } =
            parts;
        let ConsoleParts { public_url, provider, .. } = parts;
        let calendar = Calendar::new(zone.clone());
        let settings = Settings {
            time_zone: calendar.zone_name().to_owned(),
            retention,
            allowed_networks: policy.allowed().iter().map(ToString::to_string).collect(),
            retry_schedule: schedule.seconds().to_vec(),
            shown,
            resolution_classes: classes.to_string(),
        };
        let domains = Domains { db: db.clone(), clock: clock.clone(), sealer: sealer.clone(), part_seconds };
        let callbacks = Callbacks {
            db: db.clone(),
            domains: domains.clone(),
            clock: clock.clone(),
            sealer: sealer.clone(),
            policy,
        };
        Self(Arc::new(UseCases {
            accounts: Accounts::new(db.clone(), clock.clone(), sealer.clone(), provider),
            keys: Keys::new(db.clone(), clock.clone(), sealer.clone()),
            audit: AuditLog { db: db.clone() },
            idempotency: Idempotency { db: db.clone(), clock: clock.clone(), sealer: sealer.clone() },
            recordings: Recordings { db: db.clone(), domains: domains.clone(), clock: clock.clone() },
            sources: Sources { db: db.clone(), clock: clock.clone(), sealer: sealer.clone() },
            streams: Streams {
                db: db.clone(),
                reports: Reports::new(db.clone()),
                domains: domains.clone(),
                clock: clock.clone(),
                ids: ids.clone(),
                grace_ms: session_grace,
                early: EarlyRules::default(),
                refusals: limit_of_refusals(),
                watch: Arc::default(),
                orders: Arc::default(),
            },
            deliveries: Deliveries { db: db.clone(), clock: clock.clone(), schedule: schedule.clone() },
            recoveries: Recoveries { db: db.clone(), clock: clock.clone(), ids: ids.clone(), started: Arc::default() },
            prober: Prober::new(callbacks.clone(), clock.clone(), ids, outbound.clone(), zone.clone()),
            stats: Stats { stats_db: stats_db.clone(), db: db.clone(), clock: clock.clone(), calendar, classes },
            delivery_sender: DeliverySender { db: db.clone(), clock: clock.clone(), sealer, outbound, schedule },
            domains,
            callbacks,
            zone,
            cnames,
            retention,
            shown,
            buckets: buckets.into(),
            public_url,
            clock,
            db,
            settings,
            stats_db,
        }))
    }

    /// Closes all database connections, after waiting for those in use.
    pub async fn close(&self) {
        self.stats_db.close().await;
        self.db.close().await;
    }
}
