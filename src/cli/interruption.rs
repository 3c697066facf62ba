//! SIGINT, SIGTERM and SIGHUP: what they request from a command, and the time by which it must end.
//!
//! A separate thread receives the signals and keeps the [`InterruptionState`] in a watch channel. So a command that computes or waits for a
//! file is stopped as well as one that waits for the network. All three signals mean the same.
//!
//! - A command that only reads does nothing about signals: the first one ends the process with exit code 1.
//! - Before a command changes anything, it calls [`Interruption::defer_first_signal`]. From then on the first signal only sets the request.
//!   The command checks for the request, stops at a point where it can stop, and cleans up.
//! - The second signal ends the process at once, whatever the command is doing.
//!
//! The installed handlers also make the signals work for process 1 of a container: Linux drops a signal to process 1 if that process has no
//! handler for it (pid_namespaces(7)).

mod handlers;

use std::future::{Future, pending};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::failure::CommandError;
use handlers::Handlers;

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

/// How long printing the final message may take: stderr may be a pipe that no process reads.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// A signal that requests the end of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    Interrupt,
    #[cfg_attr(not(unix), allow(dead_code))]
    Terminate,
    #[cfg_attr(not(unix), allow(dead_code))]
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
    fn receive_signal(&mut self, signal: Signal, now: Instant) -> Option<CommandError> {
        let failure = if self.ended { None } else { self.reason_to_leave(signal, now) };
        self.leaving |= failure.is_some();
        failure
    }

    fn reason_to_leave(&mut self, signal: Signal, now: Instant) -> Option<CommandError> {
        let Some(first) = self.request else {
            self.request = Some(StopRequest { signal, at: now });
            return self.deferred.is_none().then(|| interrupted_error(signal, self.describe_changes(), None));
        };
        if now.duration_since(first.at) < SAME_REQUEST {
            return None;
        }
        Some(interrupted_error(signal, "this is the second signal: leaving at once", self.deferred.clone()))
    }

    fn describe_changes(&self) -> &'static str {
        if self.changed.is_empty() { "nothing was changed" } else { self.changed }
    }
}

fn interrupted_error(signal: Signal, what: &str, help: Option<String>) -> CommandError {
    CommandError::Stopped { signal, what: what.to_owned(), help }
}

/// Whether a signal has requested the end of the program. Clones share one state.
#[derive(Debug, Clone)]
pub struct Interruption {
    state: watch::Sender<InterruptionState>,
}

impl Interruption {
    /// Installs the handlers and starts the thread that receives the signals.
    ///
    /// # Errors
    /// The system cannot provide a thread, a pipe or a handler.
    pub fn start_signal_thread() -> std::io::Result<Self> {
        let interruption = Self { state: watch::Sender::new(InterruptionState::default()) };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let signals = {
            let _context = runtime.enter();
            Handlers::install_handlers()?
        };
        let receiver = interruption.clone();
        let receive = move || runtime.block_on(receiver.receive_signals(signals));
        std::thread::Builder::new().name("signals".to_owned()).spawn(receive)?;
        Ok(interruption)
    }

    async fn receive_signals(self, mut signals: Handlers) {
        loop {
            let signal = signals.next_signal().await;
            let mut leave = None;
            self.state.send_modify(|state| leave = state.receive_signal(signal, Instant::now()));
            if let Some(failure) = leave {
                exit_process(failure);
            }
            tracing::info!(%signal, "signal received");
        }
    }

    /// Until the returned guard is dropped, the command handles the first signal itself. `left_behind` says in whole sentences what a
    /// second signal leaves behind.
    ///
    /// # Errors
    /// A signal has arrived already: the process is about to end.
    pub fn defer_first_signal(&self, left_behind: &str) -> Result<SignalDeferral, CommandError> {
        self.change_unless_requested(|state| state.deferred = Some(left_behind.to_owned()))?;
        Ok(SignalDeferral(self.clone()))
    }

    /// Makes one of several changes. A signal can stop the command between two changes, but not within one. `changed` says what is changed
    /// after this one.
    ///
    /// # Errors
    /// The error of the change, or that a signal arrived before it or during it.
    pub fn make_change<T>(
        &self,
        changed: &'static str,
        change: impl FnOnce() -> Result<T, CommandError>,
    ) -> Result<T, CommandError> {
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
    pub fn begin_writing(&self) -> Result<(), CommandError> {
        self.change_unless_requested(|state| state.writing = true)
    }

    /// Makes the change only if no signal has arrived. For the thread that receives signals, check and change are one atomic step.
    fn change_unless_requested(&self, change: impl FnOnce(&mut InterruptionState)) -> Result<(), CommandError> {
        let mut refused = None;
        self.state.send_modify(|state| match state.request {
            Some(request) => refused = Some(interrupted_error(request.signal, state.describe_changes(), None)),
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
    pub async fn wait_for_stop_before_writing(&self) -> CommandError {
        let request = self.wait_for_request(|state| !state.writing).await;
        interrupted_error(request.signal, "nothing was changed", None)
    }

    async fn wait_for_request(&self, wanted: impl Fn(&InterruptionState) -> bool) -> StopRequest {
        let mut state = self.state.subscribe();
        // The channel cannot be closed: `self` has a sender.
        let request = state.wait_for(|state| state.request.is_some() && wanted(state)).await.ok();
        match request.and_then(|state| state.request) {
            Some(request) => request,
            None => pending().await,
        }
    }

    /// Runs `work` to completion. After a signal, the work is abandoned when `limit` has passed since the signal, and the result is `None`.
    pub async fn run_within_limit<T>(&self, limit: Duration, work: impl Future<Output = T>) -> Option<T> {
        let expired = async {
            let request = self.wait_for_request(|_| true).await;
            tokio::time::sleep_until(request.at.checked_add(limit).unwrap_or(request.at)).await;
        };
        tokio::select! {
            biased;
            done = work => Some(done),
            () = expired => None,
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
    pub async fn finish_work<T>(
        &self,
        limit: Duration,
        work: impl Future<Output = Result<T, CommandError>>,
    ) -> Result<T, CommandError> {
        match (self.run_within_limit(limit, work).await, self.received_signal()) {
            (Some(done), _) => done,
            (None, Some(signal)) => Err(interrupted_error(signal, "what was begun did not end in time", None)),
            (None, None) => Err(CommandError::Unfinished),
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

/// Prints the error and ends the process with exit code 1. This also works if another thread has locked stderr and waits for a full pipe.
fn exit_process(failure: CommandError) -> ! {
    let (sender, said) = std::sync::mpsc::channel();
    let speak = move || {
        let _ = failure.report_error();
        // If the receiver is gone, the process is already ending.
        let _ = sender.send(());
    };
    if std::thread::Builder::new().spawn(speak).is_ok() {
        let _ = said.recv_timeout(LAST_WORDS);
    }
    std::process::exit(1)
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    fn text(failure: Option<CommandError>) -> String {
        match failure {
            Some(CommandError::Stopped { signal, what, help }) => {
                format!("{signal}: {what}: {}", help.unwrap_or_default())
            }
            _ => String::new(),
        }
    }

    fn interruption() -> Interruption {
        Interruption { state: watch::Sender::new(InterruptionState::default()) }
    }

    fn receive_at(interruption: &Interruption, signal: Signal, now: Instant) -> String {
        let mut leave = None;
        interruption.state.send_modify(|state| leave = state.receive_signal(signal, now));
        text(leave)
    }

    fn receive(interruption: &Interruption, signal: Signal) -> String {
        receive_at(interruption, signal, Instant::now())
    }

    #[test]
    fn first_signal_ends_a_command_that_reads() {
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
        let left = "SIGINT: this is the second signal: leaving at once: The lock remains.";
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
        interruption.make_change("one is changed", || Ok(())).unwrap();
        assert_eq!(receive(&interruption, Signal::Interrupt), "SIGINT: one is changed: ");
    }

    #[test]
    fn signal_during_a_change_lets_it_finish_and_prevents_the_next() {
        let interruption = interruption();
        let mut leave = String::new();
        let changed = interruption.make_change("one is changed", || {
            leave = receive(&interruption, Signal::Terminate);
            Ok(())
        });
        assert_eq!((leave.as_str(), text(changed.err()).as_str()), ("", "SIGTERM: one is changed: "));
        let next =
            interruption.make_change("two are changed", || -> Result<(), CommandError> { panic!("a second change") });
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
        assert_eq!(interruption.run_within_limit(Duration::ZERO, tokio::task::yield_now()).await, Some(()));
        receive_at(&interruption, Signal::Terminate, start.checked_sub(STEPS).unwrap());
        assert_eq!(interruption.run_within_limit(STEPS, pending::<()>()).await, None);
        assert!(start.elapsed() < STEPS, "the limit counts from the signal, not from the call");
    }
}
