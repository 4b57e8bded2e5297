//! Rate limits of the APIs, per process.
//!
//! An authenticated caller has its own quota, by key or user. Requests without valid credentials share a much smaller quota per network. Valid
//! credentials are always accepted: failures must not lock out other clients of the same network, and tokens and secrets are too long to be
//! guessed.
//!
//! Each response reports the remaining quota in the fields of draft-ietf-httpapi-ratelimit-headers-10:
//!
//! ```text
//! RateLimit-Policy: "caller";q=200;w=2
//! RateLimit: "caller";r=199;t=1
//! ```

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use callsheet::model::{Clock, Millis, Who, network_of};
use governor::clock::Clock as GovernorClock;
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};
use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::problem::ApiProblem;

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
/// Burst of a caller, in seconds of its rate.
const BURST: NonZeroU32 = NonZeroU32::new(2).expect("not zero");
/// Requests per minute of a network without valid credentials.
const STRANGERS: NonZeroU32 = NonZeroU32::new(30).expect("not zero");

/// A request that exceeds its limit.
#[derive(Debug)]
pub(super) struct RateLimited {
    /// Time to wait.
    seconds: u64,
    fields: HeaderMap,
}

impl RateLimited {
    /// Returns the text for users.
    pub(super) fn detail(&self) -> String {
        format!("too many requests; retry after {} s", self.seconds)
    }

    /// Returns the headers of the response.
    pub(super) fn into_fields(self) -> HeaderMap {
        self.fields
    }

    /// Converts it into a problem of the REST API.
    pub(super) fn into_problem(self) -> (ApiProblem, HeaderMap) {
        (ApiProblem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", self.detail()), self.fields)
    }
}

/// The limits of one process. Cheap to clone.
#[derive(Clone)]
pub struct RateLimits(Option<Arc<Limits>>);

struct Limits {
    callers: Limit,
    strangers: Limit,
}

impl RateLimits {
    /// Creates limits. `per_second`: rate of a caller, with a burst of twice as many; 0 disables all limits.
    #[must_use]
    pub fn new(per_second: u32, clock: Arc<dyn Clock>) -> Self {
        Self(NonZeroU32::new(per_second).map(|per_second| {
            let clock = MonotonicClock::new(clock);
            let callers = Quota::per_second(per_second).allow_burst(per_second.saturating_mul(BURST));
            Arc::new(Limits {
                callers: Limit::new("caller", callers, clock.clone()),
                strangers: Limit::new("stranger", Quota::per_minute(STRANGERS), clock),
            })
        }))
    }

    /// Counts a request of an authenticated caller. Returns headers for the response.
    pub(super) fn count(&self, who: &Who) -> Result<HeaderMap, RateLimited> {
        self.0.as_ref().map_or(Ok(HeaderMap::new()), |limits| limits.callers.take(&who.tag()))
    }

    /// Counts a request without valid credentials. Returns headers for the response.
    pub(super) fn count_stranger(&self, address: &str) -> Result<HeaderMap, RateLimited> {
        self.0.as_ref().map_or(Ok(HeaderMap::new()), |limits| limits.strangers.take(&network_of(address)))
    }

    /// Removes replenished quotas, so that a flood of addresses does not fill the memory.
    pub fn forget(&self) {
        if let Some(limits) = &self.0 {
            limits.callers.forget();
            limits.strangers.forget();
        }
    }
}

/// A quota per key.
struct Limit {
    name: &'static str,
    quota: Quota,
    limiter: RateLimiter<String, DashMapStateStore<String>, MonotonicClock, StateInformationMiddleware>,
    clock: MonotonicClock,
}

impl Limit {
    fn new(name: &'static str, quota: Quota, clock: MonotonicClock) -> Self {
        Self { name, quota, limiter: RateLimiter::new(quota, DashMapStateStore::default(), clock.clone()), clock }
    }

    fn take(&self, key: &String) -> Result<HeaderMap, RateLimited> {
        match self.limiter.check_key(key) {
            Ok(state) => {
                let left = state.remaining_burst_capacity();
                let used = self.quota.burst_size().get().saturating_sub(left);
                Ok(self.fields(left, whole_seconds(self.quota.replenish_interval() * used)))
            }
            Err(until) => {
                let seconds = whole_seconds(until.wait_time_from(self.clock.now())).max(1);
                let mut fields = self.fields(0, seconds);
                fields.insert(RETRY_AFTER, seconds.into());
                Err(RateLimited { seconds, fields })
            }
        }
    }

    /// Returns headers: `left` requests remain, and the whole quota is available after `seconds`.
    fn fields(&self, left: u32, seconds: u64) -> HeaderMap {
        let Self { name, quota, .. } = self;
        let window = whole_seconds(quota.burst_size_replenished_in());
        let policy = format!("\"{name}\";q={};w={window}", quota.burst_size());
        let present = format!("\"{name}\";r={left};t={seconds}");
        let fields = [(RATE_LIMIT_POLICY, policy), (RATE_LIMIT, present)];
        fields.into_iter().filter_map(|(name, value)| Some((name, HeaderValue::try_from(value).ok()?))).collect()
    }

    fn forget(&self) {
        self.limiter.retain_recent();
        self.limiter.shrink_to_fit();
    }
}

fn whole_seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

/// Monotonic time from the console's clock. If that clock is set back, time continues from there, so that quotas still replenish.
#[derive(Clone)]
struct MonotonicClock {
    clock: Arc<dyn Clock>,
    /// Last reading of the clock, and the time elapsed until then.
    seen: Arc<Mutex<(Millis, Duration)>>,
}

impl MonotonicClock {
    fn new(clock: Arc<dyn Clock>) -> Self {
        let seen = Arc::new(Mutex::new((clock.now(), Duration::ZERO)));
        Self { clock, seen }
    }
}

impl GovernorClock for MonotonicClock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        let now = self.clock.now();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let (last, passed) = &mut *seen;
        *passed += Duration::from_millis(u64::try_from(now - *last).unwrap_or_default());
        *last = now;
        *passed
    }
}

#[cfg(test)]
mod tests {
    use callsheet::model::{KeyId, TestClock};

    use super::*;

    fn limits() -> (RateLimits, Arc<TestClock>) {
        let clock = Arc::new(TestClock::at(1_000_000));
        (RateLimits::new(5, clock.clone()), clock)
    }

    fn key(id: i64) -> Who {
        Who::Key { id: KeyId(id), name: "ci".to_owned() }
    }

    #[test]
    fn a_caller_has_a_burst_and_then_its_rate() {
        let (limits, clock) = limits();
        let told = limits.count(&key(1)).expect("let in");
        assert_eq!(told[RATE_LIMIT_POLICY], "\"caller\";q=10;w=2");
        assert_eq!(told[RATE_LIMIT], "\"caller\";r=9;t=1");
        for _ in 0..9 {
            limits.count(&key(1)).expect("the burst");
        }
        let refused = limits.count(&key(1)).expect_err("too many");
        assert_eq!((refused.seconds, &refused.fields[RETRY_AFTER]), (1, &HeaderValue::from_static("1")));
        assert_eq!(refused.fields[RATE_LIMIT], "\"caller\";r=0;t=1");
        limits.count(&key(2)).expect("another of the same name has a quota of its own");
        clock.advance(200);
        limits.count(&key(1)).expect("the rate");
        assert!(limits.count(&key(1)).is_err());
    }

    #[test]
    fn strangers_of_a_network_share_a_quota() {
        let (limits, clock) = limits();
        for left in (0..30).rev() {
            let told = limits.count_stranger(&format!("2001:db8::{left}")).expect("some are left");
            let told = told[RATE_LIMIT].to_str().expect("text");
            assert!(told.starts_with(&format!("\"stranger\";r={left};")), "{told}");
        }
        assert_eq!(limits.count_stranger("2001:db8::1").expect_err("used up").seconds, 2);
        limits.count_stranger("2001:db8:0:1::1").expect("another network");
        clock.advance(2_000);
        limits.count_stranger("2001:db8::1").expect("one more");
    }

    #[test]
    fn a_clock_that_is_set_back_locks_nobody_out() {
        let (limits, clock) = limits();
        while limits.count(&key(1)).is_ok() {}
        clock.advance(-3_600_000);
        assert!(limits.count(&key(1)).is_err());
        clock.advance(200);
        limits.count(&key(1)).expect("time goes on");
    }

    #[test]
    fn replenished_quotas_are_removed() {
        let (limits, clock) = limits();
        for id in 0..250 {
            limits.count(&key(id)).expect("let in");
            limits.count_stranger(&format!("192.0.2.{id}")).expect("the first of its network");
        }
        let held = |limits: &RateLimits| {
            let limits = limits.0.as_ref().expect("on");
            (limits.callers.limiter.len(), limits.strangers.limiter.len())
        };
        assert_eq!(held(&limits), (250, 250));
        clock.advance(60_000);
        limits.forget();
        assert_eq!(held(&limits), (0, 0));
    }

    #[test]
    fn zero_disables_all_limits() {
        let limits = RateLimits::new(0, Arc::new(TestClock::at(0)));
        for _ in 0..1_000 {
            assert!(limits.count(&key(1)).expect("let in").is_empty());
            assert!(limits.count_stranger("192.0.2.7").expect("let in").is_empty());
        }
    }
}
