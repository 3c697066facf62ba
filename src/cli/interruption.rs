//! SIGINT, SIGTERM and SIGHUP: what they ask of a command, and when it has to end.
//!
//! One thread of its own receives the signals and keeps the [`InterruptionState`] in a watch channel, so that a command that computes or waits for a
//! file is stopped as well as one that waits for the network. All three signals mean the same.
//!
//! - A command that only reads does nothing about it: the first signal ends the process with exit code 1.
//! - Before a command changes anything it calls [`Interruption::defer_first_signal`]. From then on the first signal only sets the request. The command
//!   looks at it, stops where it may stop, and cleans up.
//! - The second signal ends the process at once, whatever it does.
//!
//! Because a handler is installed, the signals also reach process 1 of a container. Linux drops a signal for process 1 that has no
//! handler (pid_namespaces(7)).

mod handlers;

use std::future::{Future, pending};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::failure::CommandError;
use handlers::Handlers;

/// From the signal on, how long steps that are in flight may take to finish. Kubernetes kills a container 30 s after SIGTERM
/// (`terminationGracePeriodSeconds`); the limits below are spread over these 30 s.
pub const STEPS: Duration = Duration::from_secs(20);

/// From the signal on, how long the last entry of the ledger may take.
pub const LEDGER: Duration = Duration::from_secs(23);

/// From the signal on, how long a command may take but for giving the lock back.
pub const COMMAND: Duration = Duration::from_secs(25);

/// From the signal on, how long giving the lock back may take.
pub const LOCK: Duration = Duration::from_secs(28);

/// A signal so soon after the first is part of the same request: `timeout` signals its child and then the child's process group, and a
/// closed terminal sends SIGHUP both from the kernel and from the shell.
const SAME_REQUEST: Duration = Duration::from_secs(1);

/// How long the last words may take. stderr may be a pipe that nobody reads.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// A signal that asks a program to end.
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

/// The first signal, and when it came.
#[derive(Debug, Clone, Copy)]
struct StopRequest {
    signal: Signal,
    at: Instant,
}

/// What signals asked for, and how far the command is.
#[derive(Debug, Default)]
struct InterruptionState {
    request: Option<StopRequest>,
    /// While the command handles the first signal itself: what a second one leaves behind, in whole sentences.
    deferred: Option<String>,
    /// Whether steps of a plan are being carried out.
    writing: bool,
    /// What was changed so far, for the last words; empty: nothing.
    changed: &'static str,
    /// Whether the process ends now, with exit code 1.
    leaving: bool,
    /// Whether the command has ended: a signal comes too late.
    ended: bool,
}

impl InterruptionState {
    /// Takes in a signal. Returns why the process ends now, if it does.
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

/// Whether somebody asked the program to end. Clones share one state.
#[derive(Debug, Clone)]
pub struct Interruption {
    state: watch::Sender<InterruptionState>,
}

impl Interruption {
    /// Installs the handlers and starts the thread that receives the signals.
    ///
    /// # Errors
    /// The system gives no thread, no pipe, or no handler.
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

    /// From here until the guard is dropped, the command handles the first signal itself. `left_behind` says in whole sentences what a
    /// second signal leaves behind.
    ///
    /// # Errors
    /// A signal came already: the process is about to end.
    pub fn defer_first_signal(&self, left_behind: &str) -> Result<SignalDeferral, CommandError> {
        self.change_unless_requested(|state| state.deferred = Some(left_behind.to_owned()))?;
        Ok(SignalDeferral(self.clone()))
    }

    /// Makes one of several changes that a signal may stop between, but not half way. `changed` says what is changed from then on.
    ///
    /// # Errors
    /// Those of the change, and that a signal came before or meanwhile.
    pub fn make_change<T>(
        &self,
        changed: &'static str,
        change: impl FnOnce() -> Result<T, CommandError>,
    ) -> Result<T, CommandError> {
        let guard = self.defer_first_signal("")?;
        let done = change()?;
        self.state.send_modify(|state| state.changed = changed);
        // From here on a signal ends the process.
        drop(guard);
        self.change_unless_requested(|_| ())?;
        Ok(done)
    }

    /// Steps of a plan are carried out from here on: [`Self::wait_for_stop_before_writing`] resolves no more.
    ///
    /// # Errors
    /// A signal came already, and nothing was written.
    pub fn begin_writing(&self) -> Result<(), CommandError> {
        self.change_unless_requested(|state| state.writing = true)
    }

    /// One step for the thread that receives signals: the change is made only while there is no request.
    fn change_unless_requested(&self, change: impl FnOnce(&mut InterruptionState)) -> Result<(), CommandError> {
        let mut refused = None;
        self.state.send_modify(|state| match state.request {
            Some(request) => refused = Some(interrupted_error(request.signal, state.describe_changes(), None)),
            None => change(state),
        });
        refused.map_or(Ok(()), Err)
    }

    /// Ends the command. From here on signals do nothing. Where a signal ends the process already, this does not return: the exit code is
    /// that of the signal, and not that of a command which ended at the same moment.
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

    /// The first signal, if it came.
    pub fn received_signal(&self) -> Option<Signal> {
        self.state.borrow().request.map(|request| request.signal)
    }

    /// Waits for the first signal.
    pub async fn wait_for_signal(&self) -> Signal {
        self.wait_for_request(|_| true).await.signal
    }

    /// Waits for a signal that comes before [`Self::begin_writing`].
    pub async fn wait_for_stop_before_writing(&self) -> CommandError {
        let request = self.wait_for_request(|state| !state.writing).await;
        interrupted_error(request.signal, "nothing was changed", None)
    }

    async fn wait_for_request(&self, wanted: impl Fn(&InterruptionState) -> bool) -> StopRequest {
        let mut state = self.state.subscribe();
        // It cannot be closed: `self` holds a sender.
        let request = state.wait_for(|state| state.request.is_some() && wanted(state)).await.ok();
        match request.and_then(|state| state.request) {
            Some(request) => request,
            None => pending().await,
        }
    }

    /// Does some work to its end. Once a signal has come, it is given up `limit` after the signal, and the answer is `None`.
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

/// While it exists, the first signal is handled by the command.
#[derive(Debug)]
pub struct SignalDeferral(Interruption);

impl SignalDeferral {
    /// Does work that is not stopped half way, and that has `limit` from a signal on.
    ///
    /// # Errors
    /// Its own, or that it did not come to its end in time.
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

/// Says why and ends the process with exit code 1, also where another thread waits for a full pipe and holds the lock of stderr.
fn exit_process(failure: CommandError) -> ! {
    let (sender, said) = std::sync::mpsc::channel();
    let speak = move || {
        let _ = failure.report_error();
        // Too late: the process has ended.
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
        // The same request, sent twice.
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
