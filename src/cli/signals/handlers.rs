//! The handlers that are installed for the signals.

use std::future::pending;

use crate::workflow::Signal;

/// The signal handlers of the process.
#[cfg(unix)]
pub struct Handlers {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    /// `None` if SIGHUP was ignored when the program started: `nohup` requests that the program continue without its terminal.
    hang_up: Option<tokio::signal::unix::Signal>,
}

#[cfg(unix)]
impl Handlers {
    /// Installs the handlers in the current Tokio runtime.
    ///
    /// # Errors
    /// The system cannot provide a pipe or a handler.
    pub fn install_handlers() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let hang_up = SignalKind::hangup();
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: if is_signal_ignored(hang_up.as_raw_value()) { None } else { Some(signal(hang_up)?) },
        })
    }

    /// Waits for the next signal.
    pub async fn next_signal(&mut self) -> Signal {
        let hang_up = async {
            match &mut self.hang_up {
                Some(signal) => signal.recv().await,
                None => pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => Signal::Interrupt,
            _ = self.terminate.recv() => Signal::Terminate,
            _ = hang_up => Signal::HangUp,
        }
    }
}

/// Whether the program was started with this signal ignored. Only Linux reports this (proc(5)).
#[cfg(unix)]
fn is_signal_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    is_ignored_in_status(&status, signal)
}

#[cfg(unix)]
fn is_ignored_in_status(status: &str, signal: i32) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.zip(u32::try_from(signal).ok())
        .is_some_and(|(mask, signal)| mask.checked_shr(signal.wrapping_sub(1)).unwrap_or(0) & 1 == 1)
}

#[cfg(not(unix))]
pub struct Handlers;

#[cfg(not(unix))]
impl Handlers {
    /// Installs the handlers in the current Tokio runtime.
    ///
    /// # Errors
    /// The system cannot provide a pipe or a handler.
    pub fn install_handlers() -> std::io::Result<Self> {
        Ok(Self)
    }

    /// Waits for the next signal.
    pub async fn next_signal(&mut self) -> Signal {
        match tokio::signal::ctrl_c().await {
            Ok(()) => Signal::Interrupt,
            Err(_) => pending().await,
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::is_ignored_in_status;

    #[test]
    fn ignored_signals_are_read_from_proc() {
        assert!(is_ignored_in_status("Name:\tx\nSigIgn:\t0000000000001001\nSigCgt:\t0000000000000000\n", 1));
        assert!(is_ignored_in_status("SigIgn:\t0000000000001001\n", 13));
        assert!(!is_ignored_in_status("SigIgn:\t0000000000001000\nSigCgt:\t0000000000000001\n", 1));
        assert!(!is_ignored_in_status("", 1));
    }
}
