//! Receives SIGINT, SIGTERM and SIGHUP on a thread of its own, and ends the process where the command does not handle them itself.
//!
//! A separate thread receives the signals, so a command that computes or waits for a file is stopped as well as one that waits for the
//! network. What a signal requests is decided by [`Interruption`].
//!
//! The installed handlers also make the signals work for process 1 of a container: Linux drops a signal to process 1 if that process has no
//! handler for it (pid_namespaces(7)).

mod handlers;

use std::time::Duration;

use super::failure::CommandError;
use crate::workflow::Interruption;
use handlers::Handlers;

/// How long printing the final message may take: stderr may be a pipe that no process reads.
const SHUTDOWN_MESSAGE_TIMEOUT: Duration = Duration::from_secs(1);

/// Installs the handlers and starts the thread that receives the signals.
///
/// # Errors
/// The system cannot provide a thread, a pipe or a handler.
pub fn start_signal_thread() -> std::io::Result<Interruption> {
    let interruption = Interruption::default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let signals = {
        let _context = runtime.enter();
        Handlers::install_handlers()?
    };
    let receiver = interruption.clone();
    let receive = move || runtime.block_on(receive_signals(receiver, signals));
    std::thread::Builder::new().name("signals".to_owned()).spawn(receive)?;
    Ok(interruption)
}

async fn receive_signals(interruption: Interruption, mut signals: Handlers) {
    loop {
        let signal = signals.next_signal().await;
        if let Some(stop) = interruption.receive_signal(signal) {
            exit_process(stop.into());
        }
        tracing::info!(%signal, "signal received");
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
        let _ = said.recv_timeout(SHUTDOWN_MESSAGE_TIMEOUT);
    }
    std::process::exit(1)
}
