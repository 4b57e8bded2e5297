//! All use cases of one console, tied to one storage.

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
use crate::stats::slots::Calendar;
use crate::stats::transcode::Classes;
use crate::stats::{Shown, Stats};
use crate::storage::Db;
use crate::streams::storage::reports::Reports;
use crate::streams::{EarlyRules, Streams, limit_of_refusals};

/// How long things are kept, in days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Events, deliveries, attempts.
    pub days: i64,
    /// Headers and answers of attempts; not longer than the attempts.
    pub attempt_body_days: i64,
    /// Entries of the audit log.
    pub audit_days: i64,
}

/// What a console is made of.
pub struct ConsoleParts {
    pub db: Db,
    pub stats_db: StatsDb,
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<IdGenerator>,
    pub sealer: Sealer,
    pub policy: AddressPolicy,
    pub outbound: Arc<Outbound>,
    pub schedule: RetrySchedule,
    /// Of pages, file names and days.
    pub zone: TimeZone,
    /// How long a session waits for its last parts, ms.
    pub session_grace: Millis,
    /// Part length of a new domain's recording.
    pub part_seconds: i64,
    /// Where domains point in DNS.
    pub cnames: Cnames,
    pub retention: Retention,
    /// Of pictures that were transcoded.
    pub classes: Classes,
    pub shown: Shown,
    /// Names of buckets that are configured.
    pub buckets: Vec<String>,
    /// Address of the console, where it is known.
    pub public_url: Option<Url>,
    /// Vouches for people.
    pub provider: Option<Provider>,
}

/// A handle of the [`UseCases`]. Each request clones it several times.
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
    /// Of pages, file names and days.
    pub zone: TimeZone,
    /// Where domains point in DNS.
    pub cnames: Cnames,
    pub retention: Retention,
    /// How figures are shown.
    pub shown: Shown,
    /// Names of buckets that are configured.
    pub buckets: Arc<[String]>,
    /// Address of the console, where it is known.
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
    /// Ties the parts together.
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

    /// Waits for the databases' connections to be returned and closes them.
    pub async fn close(&self) {
        self.stats_db.close().await;
        self.db.close().await;
    }
}
