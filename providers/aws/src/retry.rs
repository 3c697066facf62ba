//! Retries calls. This is the only module of this crate that waits, and the only one that draws random numbers.
//!
//! In: a call, its [`RetryClass`] (what a second call would do) and, after a failure, its [`CallErrorCause`]. Out: the answer, or the
//! failure with the number of attempts. Invariant: a call that may have taken effect is repeated only if a second call is harmless, or is
//! refused in a way that the caller handles. The SDK's own retries are off.
//!
//! Waits grow exponentially with full jitter. All calls share a token bucket whose rate falls with every throttled call and recovers with
//! every answer, so that together they stay below the rate that the account allows.

use std::future::Future;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::request_id::RequestId;
use leasehold_provider::{Notices, ThrottledCall};
use tokio::time::{Instant, sleep};

use crate::connect::{Clients, SeenEndpoint};
use crate::credentials::SeenSource;
use crate::environment;
use crate::failure::{CallContext, CallError, CallErrorCause};
use crate::http_client::find_proxy;
use crate::settings::AwsSettings;

/// The effect of making a call twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryClass {
    /// The same effect as once: reads, puts, tags.
    Idempotent,
    /// The second call is refused (`EntityAlreadyExists`, `NoSuchEntity`), and the caller handles that refusal.
    Conditional,
    /// A second object: the service chooses the name. Never repeated if the first call may have taken effect.
    ServerNamed,
}

/// The time limit of one operation, waits included.
const RETRY_TIMEOUT: Duration = Duration::from_secs(180);
const FIRST_WAIT: Duration = Duration::from_millis(80);
const LONGEST_WAIT: Duration = Duration::from_secs(15);

/// The longest wait before the next attempt. `None`: do not try again. `attempts` is the number of failed attempts; the last one failed
/// with `cause`.
fn next_wait(cause: CallErrorCause, class: RetryClass, attempts: u32, spent: Duration) -> Option<Duration> {
    let most = match (cause, class) {
        (CallErrorCause::Throttled, _) => u32::MAX,
        (CallErrorCause::Unreachable, _) => 3,
        (CallErrorCause::NoAnswer | CallErrorCause::Faulted, RetryClass::Idempotent | RetryClass::Conditional) => 5,
        (CallErrorCause::Malformed, RetryClass::Idempotent) => 2,
        _ => 1,
    };
    if attempts >= most || spent >= RETRY_TIMEOUT {
        return None;
    }
    let factor = 2u32.saturating_pow(attempts.saturating_sub(1).min(16));
    Some(FIRST_WAIT.saturating_mul(factor).min(LONGEST_WAIT))
}

/// Counts the attempts of one unit of work and collects the request ids that the service returned.
#[derive(Debug, Default)]
pub struct CallLog {
    attempts: AtomicU32,
    ids: Mutex<Vec<String>>,
}

impl CallLog {
    /// The number of attempts.
    pub fn attempt_count(&self) -> u32 {
        self.attempts.load(Ordering::Relaxed)
    }

    /// The request ids, in the order of the answers.
    pub fn request_ids(&self) -> Vec<String> {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn record_attempt(&self) {
        self.attempts.fetch_add(1, Ordering::Relaxed);
    }

    fn record_answer(&self, id: Option<&str>) {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner).extend(id.map(str::to_owned));
    }
}

/// The state that all calls of one provider share: the pace, the endpoint, and the receiver of notices about waits.
#[derive(Debug)]
pub struct AwsCaller {
    pace: Mutex<Pace>,
    endpoint: SeenEndpoint,
    source: SeenSource,
    region: String,
    assumes: Option<String>,
    profile: Option<String>,
    most: Option<u32>,
    notices: Option<Arc<dyn Notices>>,
}

impl AwsCaller {
    /// Creates a caller without a rate limit. `most` is the maximum number of attempts per call if the user set one.
    pub fn new(clients: &Clients, settings: &AwsSettings, most: Option<u32>) -> Self {
        Self {
            pace: Mutex::new(Pace::new(Instant::now())),
            endpoint: clients.endpoint.clone(),
            source: clients.source.clone(),
            region: clients.region.clone(),
            assumes: settings.assume_role.as_ref().map(|role| role.role_arn.clone()),
            profile: settings.profile.clone().or_else(|| environment::read_variable("AWS_PROFILE")),
            most,
            notices: None,
        }
    }

    /// Turns an error of the SDK into a [`CallError`] with cause, message and remedy.
    fn explain_sdk_error<E>(&self, operation: &'static str, error: SdkError<E, HttpResponse>) -> CallError
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        let endpoint = self.endpoint.last_endpoint();
        let proxy = endpoint.as_deref().and_then(find_proxy);
        let place = CallContext {
            endpoint: endpoint.as_deref(),
            proxy: proxy.as_deref(),
            region: &self.region,
            assumes: self.assumes.as_deref(),
            profile: self.profile.as_deref(),
            source: self.source.last_source(),
            now: current_time(),
        };
        CallError::from_sdk_error(operation, error, place)
    }

    /// From now on, reports every wait to `notices`.
    pub fn set_notices(&mut self, notices: Arc<dyn Notices>) {
        self.notices = Some(notices);
    }

    /// Makes a call, retries it where that is safe, and counts the attempts in `calls`.
    ///
    /// # Errors
    /// The last failure, if no attempt succeeded.
    pub async fn call_with_retries<T, E, F, Sent>(
        &self,
        calls: &CallLog,
        operation: &'static str,
        class: RetryClass,
        send: F,
    ) -> Result<T, CallError>
    where
        T: RequestId,
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
        F: Fn() -> Sent,
        Sent: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    {
        let start = Instant::now();
        let mut attempts = 0u32;
        loop {
            self.wait_for_turn(operation).await;
            calls.record_attempt();
            attempts = attempts.saturating_add(1);
            let error = match send().await {
                Ok(answer) => {
                    calls.record_answer(answer.request_id());
                    self.record_success();
                    return Ok(answer);
                }
                Err(error) => error,
            };
            calls.record_answer(error.request_id());
            let failure = self.explain_sdk_error(operation, error);
            match failure.cause {
                CallErrorCause::Throttled => self.with_pace(|pace| pace.slow_down(Instant::now())),
                _ => self.record_success(),
            }
            let wait = next_wait(failure.cause, class, attempts, start.elapsed());
            let Some(longest) = wait.filter(|_| self.most.is_none_or(|most| attempts < most)) else {
                return Err(failure.with_attempts(attempts, start.elapsed()));
            };
            tracing::debug!(operation, attempts, message = %failure.message, "retrying");
            let wait = longest.mul_f64(fastrand::f64());
            if failure.cause == CallErrorCause::Throttled {
                self.report_wait(operation, true, wait);
            }
            sleep(wait).await;
        }
    }

    /// Waits until the token bucket allows the next call.
    async fn wait_for_turn(&self, operation: &str) {
        let wait = self.with_pace(|pace| pace.reserve_turn(Instant::now()));
        if !wait.is_zero() {
            self.report_wait(operation, false, wait);
            sleep(wait).await;
        }
    }

    /// Records an answered call: the rate recovers.
    fn record_success(&self) {
        let is_free = self.with_pace(|pace| {
            let was_held = pace.rate.is_some();
            pace.speed_up();
            was_held && pace.rate.is_none()
        });
        if let (true, Some(notices)) = (is_free, &self.notices) {
            notices.report_full_speed();
        }
    }

    fn report_wait(&self, operation: &str, refused: bool, wait: Duration) {
        if let Some(notices) = &self.notices {
            let rate = self.with_pace(|pace| pace.rate);
            notices.report_throttled_call(&ThrottledCall { operation, refused, wait, rate });
        }
    }

    fn with_pace<T>(&self, act: impl FnOnce(&mut Pace) -> T) -> T {
        act(&mut self.pace.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The current time of this machine, to compare with the service's time.
#[allow(clippy::disallowed_methods, reason = "this function sends the calls; it is part of the I/O layer")]
fn current_time() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

/// How long IAM may take until all its endpoints show an object that this run created.
const PROPAGATION: Duration = Duration::from_secs(120);

/// An error that may disappear without action, for some time after an object was created.
pub trait TransientError {
    /// Whether this error may.
    fn may_pass(&self) -> bool;
}

/// Repeats a whole step while it fails with an error that may disappear without action.
///
/// # Errors
/// The last error, when it is permanent or `patience` is exhausted.
pub async fn retry_until_visible<T, E, Step>(patience: Patience, step: impl Fn() -> Step) -> Result<T, E>
where
    E: TransientError,
    Step: Future<Output = Result<T, E>>,
{
    let longest = match patience {
        Patience::None => Duration::ZERO,
        Patience::Settling => Duration::from_secs(12),
        Patience::Propagation => PROPAGATION,
    };
    let start = Instant::now();
    let mut wait = Duration::from_millis(250);
    loop {
        match step().await {
            Err(failure) if failure.may_pass() && start.elapsed() < longest => {
                tracing::debug!("the object is not visible yet");
                sleep(wait.mul_f64(fastrand::f64().mul_add(0.5, 0.5))).await;
                wait = wait.saturating_mul(2).min(Duration::from_secs(5));
            }
            other => return other,
        }
    }
}

/// How long to repeat a step that fails with a [`TransientError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// Do not repeat: the object existed before this run.
    None,
    /// Some seconds: this run removed something from the object.
    Settling,
    /// As long as IAM may take to show a new object everywhere: this run created the object.
    Propagation,
}

/// Waits before the next poll of something that the service prepares: 0.5 s longer with every attempt, at most 5 s.
pub async fn pause_between_polls(attempt: u32) {
    sleep(Duration::from_millis(500).saturating_mul(attempt.saturating_add(1)).min(Duration::from_secs(5))).await;
}

/// A token bucket. It has no rate until the first throttled call.
#[derive(Debug)]
struct Pace {
    /// Calls per second. `None`: not limited.
    rate: Option<f64>,
    /// The earliest time of the next call.
    next: Instant,
    /// When the rate was last lowered. Throttled calls that arrive together lower it only once.
    lowered: Option<Instant>,
    /// Calls since `window` started: the rate at which we were throttled.
    sent: u32,
    window: Instant,
}

/// Minimum rate in calls per second, however often AWS throttles. In an account that allows less, the growing waits of each call make up
/// the difference.
const SLOWEST: f64 = 5.0;
const FAST_ENOUGH: f64 = 200.0;

impl Pace {
    fn new(now: Instant) -> Self {
        Self { rate: None, next: now, lowered: None, sent: 0, window: now }
    }

    /// Reserves the next turn and returns the time until it.
    fn reserve_turn(&mut self, now: Instant) -> Duration {
        if now.duration_since(self.window) > Duration::from_secs(1) {
            self.window = now;
            self.sent = 0;
        }
        self.sent = self.sent.saturating_add(1);
        let Some(rate) = self.rate else { return Duration::ZERO };
        let turn = self.next.max(now);
        self.next = turn + Duration::from_secs_f64(1.0 / rate);
        turn.duration_since(now)
    }

    fn slow_down(&mut self, now: Instant) {
        if self.lowered.is_some_and(|at| now.duration_since(at) < Duration::from_millis(200)) {
            return;
        }
        let span = now.duration_since(self.window).as_secs_f64().max(0.1);
        let measured = f64::from(self.sent) / span;
        self.rate = Some((self.rate.unwrap_or(measured).min(measured.max(SLOWEST)) * 0.7).max(SLOWEST));
        self.lowered = Some(now);
    }

    fn speed_up(&mut self) {
        self.rate = self.rate.map(|rate| rate + (rate * 0.05).max(0.2)).filter(|rate| *rate < FAST_ENOUGH);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_have_been_done_under_a_name_of_the_service_is_not_repeated() {
        for cause in [CallErrorCause::NoAnswer, CallErrorCause::Faulted, CallErrorCause::Malformed] {
            assert_eq!(next_wait(cause, RetryClass::ServerNamed, 1, Duration::ZERO), None, "{cause:?}");
        }
        assert!(next_wait(CallErrorCause::Throttled, RetryClass::ServerNamed, 9, Duration::ZERO).is_some());
        assert!(next_wait(CallErrorCause::NoAnswer, RetryClass::Conditional, 1, Duration::ZERO).is_some());
    }

    #[test]
    fn refusals_for_good_are_not_repeated_and_an_absent_service_not_for_long() {
        for cause in [CallErrorCause::Rejected, CallErrorCause::Denied, CallErrorCause::Unauthenticated] {
            assert_eq!(next_wait(cause, RetryClass::Idempotent, 1, Duration::ZERO), None, "{cause:?}");
        }
        assert!(next_wait(CallErrorCause::Unreachable, RetryClass::Idempotent, 2, Duration::ZERO).is_some());
        assert_eq!(next_wait(CallErrorCause::Unreachable, RetryClass::Idempotent, 3, Duration::ZERO), None);
        assert_eq!(next_wait(CallErrorCause::Throttled, RetryClass::Idempotent, 3, RETRY_TIMEOUT), None);
    }

    /// Records the notices it receives.
    #[derive(Debug, Default)]
    struct RecordedNotices {
        waits: Mutex<Vec<(String, bool, Option<f64>)>>,
        ends: AtomicU32,
    }

    impl Notices for RecordedNotices {
        fn report_throttled_call(&self, waiting: &ThrottledCall<'_>) {
            let ThrottledCall { operation, refused, rate, .. } = *waiting;
            self.waits.lock().unwrap().push((operation.to_owned(), refused, rate));
        }

        fn report_full_speed(&self) {
            self.ends.fetch_add(1, Ordering::Relaxed);
        }
    }

    async fn caller() -> AwsCaller {
        let loader = aws_config::defaults(aws_config::BehaviorVersion::latest()).empty_test_environment();
        let settings = AwsSettings::default();
        AwsCaller::new(&crate::connect::build_clients(&settings, loader).await.unwrap(), &settings, None)
    }

    #[tokio::test]
    async fn throttling_notices_have_rate_and_one_end() {
        let reported = Arc::new(RecordedNotices::default());
        let mut caller = caller().await;
        caller.set_notices(Arc::<RecordedNotices>::clone(&reported));
        caller.record_success();
        caller.with_pace(|pace| pace.slow_down(Instant::now()));
        caller.report_wait("iam:GetUser", true, Duration::from_secs(1));
        for _ in 0..200 {
            caller.record_success();
        }
        caller.report_wait("iam:GetUser", false, Duration::from_secs(1));
        let waits = reported.waits.lock().unwrap();
        assert_eq!(waits[0], ("iam:GetUser".to_owned(), true, Some(SLOWEST)));
        assert_eq!(waits[1], ("iam:GetUser".to_owned(), false, None));
        assert_eq!(reported.ends.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn rate_falls_on_throttling_and_recovers() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        for _ in 0..50 {
            assert_eq!(pace.reserve_turn(start), Duration::ZERO);
        }
        let later = start + Duration::from_secs(1);
        pace.slow_down(later);
        let rate = pace.rate.unwrap();
        assert!((30.0..40.0).contains(&rate), "{rate}");
        pace.slow_down(later);
        assert_eq!(pace.rate, Some(rate), "a burst of throttling lowers the rate once");
        assert_eq!(pace.reserve_turn(later), Duration::ZERO);
        assert!(pace.reserve_turn(later) > Duration::from_millis(20));
        for _ in 0..100 {
            pace.speed_up();
        }
        assert_eq!(pace.rate, None);
        for second in 2..60 {
            pace.slow_down(start + Duration::from_secs(second));
        }
        assert_eq!(pace.rate, Some(SLOWEST), "the rate never drops to zero");
    }
}
