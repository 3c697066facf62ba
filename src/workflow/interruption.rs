//! SIGINT, SIGTERM and SIGHUP: what they request from a command, and the time by which it must end.
//!
//! The thread that receives the signals passes them to [`Interruption::receive_signal`], which keeps the state in a watch channel. All three
//! signals mean the same.
//!
//! - A command that only reads does nothing about signals: the first one ends the process with exit code 1.
//! - Before a command changes anything, it calls [`Interruption::defer_first_signal`]. From then on the first signal only sets the request.
//!   The command checks for the request, stops at a point where it can stop, and cleans up.
//! - The second signal ends the process at once, whatever the command is doing.

use std::future::{Future, pending};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

/// How long after the signal the steps in flight may take to finish. Kubernetes kills a container 30 s after SIGTERM
/// (`terminationGracePeriodSeconds`); the limits below divide these 30 s.
pub const STEPS: Duration = Duration::from_secs(20);

/// How long after the signal writing the last entry of the ledger may take.
pub const LEDGER: Duration = Duration::from_secs(23);

/// How long after the signal a command may take, except for the release of the lock.
pub const COMMAND: Duration = Duration::from_secs(25);

/// How long after the signal the release of the lock may take.
pub const LOCK: Duration = Duration::from_secs(28);

/// A second signal within this time after the first is part of the same request: `timeout` signals its child and then the process group of
/// the child, and a closed terminal sends SIGHUP both from the kernel and from the shell.
const SAME_REQUEST: Duration = Duration::from_secs(1);

/// A signal that requests the end of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGINT.
    Interrupt,
    /// SIGTERM.
    Terminate,
    /// SIGHUP.
    HangUp,
}

impl std::fmt::Display for Signal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Interrupt => "SIGINT",
            Self::Terminate => "SIGTERM",
            Self::HangUp => "SIGHUP",
        })
    }
}

/// A signal stopped the command.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("stopped by {signal}: {what}")]
pub struct StopError {
    /// The signal.
    pub signal: Signal,
    /// What was changed, or why the command did not end cleanly.
    pub what: String,
    /// What the user should know or do next. `None`: nothing.
    pub help: Option<String>,
}

impl StopError {
    fn new(signal: Signal, what: &str, help: Option<String>) -> Self {
        Self { signal, what: what.to_owned(), help }
    }
}

/// The first signal, and the time at which it arrived.
#[derive(Debug, Clone, Copy)]
struct StopRequest {
    signal: Signal,
    at: Instant,
}

/// What signals have requested, and how far the command has come.
#[derive(Debug, Default)]
struct InterruptionState {
    request: Option<StopRequest>,
    /// What a second signal would leave behind, in whole sentences. `None`: the command does not handle the first signal itself.
    deferred: Option<String>,
    /// Whether steps of a plan are being executed.
    writing: bool,
    /// What was changed so far, for the final message. Empty: nothing.
    changed: &'static str,
    /// Whether the process is ending now, with exit code 1.
    leaving: bool,
    /// Whether the command has ended, so that a signal has no effect any more.
    ended: bool,
}

impl InterruptionState {
    /// Processes a signal. Returns the error with which the process must end now, or `None` if it continues.
    fn receive_signal(&mut self, signal: Signal, now: Instant) -> Option<StopError> {
        let failure = if self.ended { None } else { self.stop_reason(signal, now) };
        self.leaving |= failure.is_some();
        failure
    }

    fn stop_reason(&mut self, signal: Signal, now: Instant) -> Option<StopError> {
        let Some(first) = self.request else {
            self.request = Some(StopRequest { signal, at: now });
            return self.deferred.is_none().then(|| StopError::new(signal, self.describe_changes(), None));
        };
        if now.duration_since(first.at) < SAME_REQUEST {
            return None;
        }
        Some(StopError::new(signal, "second signal, exiting at once", self.deferred.clone()))
    }

    fn describe_changes(&self) -> &'static str {
        if self.changed.is_empty() { "nothing was changed" } else { self.changed }
    }
}

/// Whether a signal has requested the end of the program. Clones share one state.
#[derive(Debug, Clone)]
pub struct Interruption {
    state: watch::Sender<InterruptionState>,
}

impl Default for Interruption {
    fn default() -> Self {
        Self { state: watch::Sender::new(InterruptionState::default()) }
    }
}

impl Interruption {
    /// Processes a signal. Returns the error with which the process must end now, or `None` if it continues.
    #[must_use]
    pub fn receive_signal(&self, signal: Signal) -> Option<StopError> {
        self.receive_signal_at(signal, Instant::now())
    }

    fn receive_signal_at(&self, signal: Signal, now: Instant) -> Option<StopError> {
        let mut stop = None;
        self.state.send_modify(|state| stop = state.receive_signal(signal, now));
        stop
    }

    /// Until the returned guard is dropped, the command handles the first signal itself. `left_behind` says in whole sentences what a
    /// second signal leaves behind.
    ///
    /// # Errors
    /// A signal has arrived already: the process is about to end.
    pub fn defer_first_signal(&self, left_behind: &str) -> Result<SignalDeferral, StopError> {
        self.change_unless_requested(|state| state.deferred = Some(left_behind.to_owned()))?;
        Ok(SignalDeferral(self.clone()))
    }

    /// Makes one of several changes. A signal can stop the command between two changes, but not within one. `changed` says what is changed
    /// after this one.
    ///
    /// # Errors
    /// The error of the change, or that a signal arrived before it or during it.
    pub fn make_change<T, E: From<StopError>>(
        &self,
        changed: &'static str,
        change: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        let guard = self.defer_first_signal("")?;
        let done = change()?;
        self.state.send_modify(|state| state.changed = changed);
        // After this, a signal ends the process.
        drop(guard);
        self.change_unless_requested(|_| ())?;
        Ok(done)
    }

    /// Records that steps of a plan are executed from now on: [`Self::wait_for_stop_before_writing`] does not resolve after this.
    ///
    /// # Errors
    /// A signal has arrived already, and nothing was written.
    pub fn begin_writing(&self) -> Result<(), StopError> {
        self.change_unless_requested(|state| state.writing = true)
    }

    /// Makes the change only if no signal has arrived. For the thread that receives signals, check and change are one atomic step.
    fn change_unless_requested(&self, change: impl FnOnce(&mut InterruptionState)) -> Result<(), StopError> {
        let mut refused = None;
        self.state.send_modify(|state| match state.request {
            Some(request) => refused = Some(StopError::new(request.signal, state.describe_changes(), None)),
            None => change(state),
        });
        refused.map_or(Ok(()), Err)
    }

    /// Ends the command: from now on signals have no effect. If a signal is already ending the process, this does not return: the exit code
    /// is then that of the signal, and not that of a command that ended at the same moment.
    pub fn end_command(&self) {
        let mut leaving = false;
        self.state.send_modify(|state| {
            leaving = state.leaving;
            state.ended = !leaving;
        });
        if leaving {
            loop {
                std::thread::park();
            }
        }
    }

    /// The first signal. `None`: no signal has arrived.
    pub fn received_signal(&self) -> Option<Signal> {
        self.state.borrow().request.map(|request| request.signal)
    }

    /// Waits for the first signal.
    pub async fn wait_for_signal(&self) -> Signal {
        self.wait_for_request(|_| true).await.signal
    }

    /// Waits for a signal that arrives before [`Self::begin_writing`].
    pub async fn wait_for_stop_before_writing(&self) -> StopError {
        let request = self.wait_for_request(|state| !state.writing).await;
        StopError::new(request.signal, "nothing was changed", None)
    }

    async fn wait_for_request(&self, desired: impl Fn(&InterruptionState) -> bool) -> StopRequest {
        let mut state = self.state.subscribe();
        // The channel cannot be closed: `self` has a sender.
        let request = state.wait_for(|state| state.request.is_some() && desired(state)).await.ok();
        match request.and_then(|state| state.request) {
            Some(request) => request,
            None => pending().await,
        }
    }

    /// Runs `work` to completion. After a signal, the work is abandoned when `limit` has passed since the signal.
    ///
    /// # Errors
    /// The signal after which the work was abandoned.
    pub async fn run_within_limit<T>(&self, limit: Duration, work: impl Future<Output = T>) -> Result<T, Signal> {
        let expired = async {
            let request = self.wait_for_request(|_| true).await;
            tokio::time::sleep_until(request.at.checked_add(limit).unwrap_or(request.at)).await;
            request.signal
        };
        tokio::select! {
            biased;
            done = work => Ok(done),
            signal = expired => Err(signal),
        }
    }
}

/// A guard: while it exists, the command handles the first signal itself.
#[derive(Debug)]
pub struct SignalDeferral(Interruption);

impl SignalDeferral {
    /// Runs work that must not be stopped halfway. After a signal, it may take `limit`.
    ///
    /// # Errors
    /// The error of the work, or that it did not complete in time.
    pub async fn finish_work<T, E: From<StopError>>(
        &self,
        limit: Duration,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        match self.run_within_limit(limit, work).await {
            Ok(done) => done,
            Err(signal) => Err(StopError::new(signal, "the work in progress did not finish in time", None).into()),
        }
    }
}

impl std::ops::Deref for SignalDeferral {
    type Target = Interruption;

    fn deref(&self) -> &Interruption {
        &self.0
    }
}

impl Drop for SignalDeferral {
    fn drop(&mut self) {
        self.0.state.send_modify(|state| state.deferred = None);
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    fn text(stop: Option<StopError>) -> String {
        stop.map_or_else(String::new, |StopError { signal, what, help }| {
            format!("{signal}: {what}: {}", help.unwrap_or_default())
        })
    }

    fn interruption() -> Interruption {
        Interruption::default()
    }

    fn receive_at(interruption: &Interruption, signal: Signal, now: Instant) -> String {
        text(interruption.receive_signal_at(signal, now))
    }

    fn receive(interruption: &Interruption, signal: Signal) -> String {
        receive_at(interruption, signal, Instant::now())
    }

    #[test]
    fn first_signal_stops_a_read_only_command() {
        assert_eq!(receive(&interruption(), Signal::HangUp), "SIGHUP: nothing was changed: ");
    }

    #[test]
    fn second_signal_ends_a_command_that_writes() {
        let (interruption, now) = (interruption(), Instant::now());
        let deferred = interruption.defer_first_signal("The lock remains.").unwrap();
        assert_eq!(receive_at(&interruption, Signal::Terminate, now), "");
        assert_eq!(deferred.received_signal(), Some(Signal::Terminate));
        assert_eq!(deferred.wait_for_signal().now_or_never(), Some(Signal::Terminate));
        // The same request, sent as two signals.
        assert_eq!(receive_at(&interruption, Signal::Terminate, now), "");
        let left = "SIGINT: second signal, exiting at once: The lock remains.";
        assert_eq!(receive_at(&interruption, Signal::Interrupt, now + SAME_REQUEST), left);
    }

    #[test]
    fn first_signal_ends_a_command_whose_writing_is_over() {
        let interruption = interruption();
        drop(interruption.defer_first_signal("").unwrap());
        assert_eq!(receive(&interruption, Signal::Interrupt), "SIGINT: nothing was changed: ");
    }

    #[test]
    fn signal_after_the_end_of_a_command_does_nothing() {
        let interruption = interruption();
        interruption.end_command();
        assert_eq!(receive(&interruption, Signal::Interrupt), "");
    }

    #[test]
    fn signal_before_the_end_of_a_command_decides_the_exit_code() {
        let interruption = interruption();
        assert_ne!(receive(&interruption, Signal::Interrupt), "");
        let (sender, ended) = std::sync::mpsc::channel();
        let other = interruption.clone();
        std::thread::spawn(move || {
            other.end_command();
            let _ = sender.send(());
        });
        assert!(ended.recv_timeout(Duration::from_millis(200)).is_err(), "it waits for the process to end");
    }

    #[test]
    fn signal_between_two_changes_says_what_was_changed() {
        let interruption = interruption();
        interruption.make_change("one is changed", || Ok::<_, StopError>(())).unwrap();
        assert_eq!(receive(&interruption, Signal::Interrupt), "SIGINT: one is changed: ");
    }

    #[test]
    fn signal_during_a_change_lets_it_finish_and_prevents_the_next() {
        let interruption = interruption();
        let mut leave = String::new();
        let changed = interruption.make_change("one is changed", || {
            leave = receive(&interruption, Signal::Terminate);
            Ok::<_, StopError>(())
        });
        assert_eq!((leave.as_str(), text(changed.err()).as_str()), ("", "SIGTERM: one is changed: "));
        let next =
            interruption.make_change("two are changed", || -> Result<(), StopError> { panic!("a second change") });
        assert_eq!(text(next.err()), "SIGTERM: one is changed: ");
    }

    #[test]
    fn writing_does_not_begin_after_a_signal() {
        let interruption = interruption();
        let deferred = interruption.defer_first_signal("").unwrap();
        receive(&interruption, Signal::Terminate);
        assert!(deferred.wait_for_stop_before_writing().now_or_never().is_some());
        assert_eq!(text(deferred.begin_writing().err()), "SIGTERM: nothing was changed: ");
        assert_eq!(text(interruption.defer_first_signal("").err()), "SIGTERM: nothing was changed: ");
    }

    #[test]
    fn stop_before_writing_is_over_once_writing_began() {
        let interruption = interruption();
        let _deferred = interruption.defer_first_signal("").unwrap();
        interruption.begin_writing().unwrap();
        receive(&interruption, Signal::Terminate);
        assert!(interruption.wait_for_stop_before_writing().now_or_never().is_none());
    }

    #[tokio::test]
    async fn work_is_bound_from_the_signal_on() {
        let (interruption, start) = (interruption(), Instant::now());
        let _deferred = interruption.defer_first_signal("").unwrap();
        assert_eq!(interruption.run_within_limit(Duration::ZERO, tokio::task::yield_now()).await, Ok(()));
        receive_at(&interruption, Signal::Terminate, start.checked_sub(STEPS).unwrap());
        assert_eq!(interruption.run_within_limit(STEPS, pending::<()>()).await, Err(Signal::Terminate));
        assert!(start.elapsed() < STEPS, "the limit counts from the signal, not from the call");
    }
}
