//! Reports on stderr that the store of a stack's records does not answer, so that a waiting run is not mistaken for one that hangs.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::store::{OutageNotices, StoreError};
use crate::views::inert::escape_steering;

/// An outage shorter than this is not reported.
const UNREPORTED: Duration = Duration::from_secs(3);
/// The minimum time between two lines.
const BETWEEN_LINES: Duration = Duration::from_secs(30);

/// Writes a line from time to time while requests wait.
#[derive(Debug, Default)]
pub struct OutageReporter {
    last_line: Mutex<Option<Instant>>,
}

impl OutageNotices for OutageReporter {
    fn report_outage(&self, error: &StoreError, spent: Duration) {
        let mut last_line = self.last_line.lock().unwrap_or_else(PoisonError::into_inner);
        if spent < UNREPORTED || last_line.is_some_and(|last| last.elapsed() < BETWEEN_LINES) {
            return;
        }
        *last_line = Some(Instant::now());
        super::print_message(&format!("warning: {}. Trying again.\n", escape_steering(&error.to_string())));
    }
}
