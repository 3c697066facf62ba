//! Reports on stderr that a cloud throttles: on a terminal one line that is updated, elsewhere a line from time to time, and a summary at
//! the end.

use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use leasehold_provider::ThrottledCall;

use super::progress::{has_terminal, shared_screen};
use crate::views::throttling::Throttling;

/// The minimum time between two lines where stderr is not a terminal.
const LINE_INTERVAL: Duration = Duration::from_secs(10);

/// The state is global because the process has one stderr.
static DESK: LazyLock<Mutex<ThrottlingDisplay>> = LazyLock::new(|| Mutex::new(ThrottlingDisplay::new()));

/// What is known about the throttling of each cloud, and what is shown of it.
struct ThrottlingDisplay {
    start: Instant,
    clouds: BTreeMap<&'static str, Throttling>,
    /// The line on the terminal. `None`: none is shown.
    line: Option<ProgressBar>,
    /// When a line was last written where stderr is not a terminal. `None`: never.
    written: Option<Instant>,
}

/// Shows that a call waits because a cloud throttles the caller. `cloud` is the displayed name of the cloud.
pub fn note_throttled_call(cloud: &'static str, waiting: &ThrottledCall<'_>) {
    let mut desk = lock_display();
    let now = desk.start.elapsed();
    let throttling = desk.clouds.entry(cloud).or_default();
    throttling.note_wait(waiting, now);
    let line = throttling.describe_current(cloud);
    desk.show_line(line);
}

/// Hides the line, because calls no longer wait.
pub fn note_full_speed(cloud: &'static str) {
    let mut desk = lock_display();
    if let Some(throttling) = desk.clouds.get_mut(cloud) {
        throttling.note_full_speed();
    }
    desk.hide_line();
}

/// Removes the line from the terminal before other output. The next call that waits shows it again.
pub fn clear_line() {
    lock_display().hide_line();
}

/// How often and for how long each cloud throttled this run, a line for each. Empty: none did.
pub fn summarize_throttling() -> String {
    let desk = lock_display();
    let reported = desk.clouds.iter().filter_map(|(cloud, throttling)| throttling.describe_total(cloud));
    reported.map(|line| format!("{line}\n")).collect()
}

fn lock_display() -> MutexGuard<'static, ThrottlingDisplay> {
    DESK.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ThrottlingDisplay {
    fn new() -> Self {
        Self { start: Instant::now(), clouds: BTreeMap::new(), line: None, written: None }
    }

    fn show_line(&mut self, text: String) {
        if has_terminal() {
            self.line.get_or_insert_with(build_line).set_message(text);
        } else if self.written.is_none_or(|at| at.elapsed() >= LINE_INTERVAL) {
            self.written = Some(Instant::now());
            super::write_stderr(&format!("{text}\n"));
        }
    }

    fn hide_line(&mut self) {
        if let Some(line) = self.line.take() {
            line.finish_and_clear();
            shared_screen().remove(&line);
        }
    }
}

fn build_line() -> ProgressBar {
    let line = shared_screen().add(ProgressBar::no_length());
    // If the template did not parse, the default bar would be shown.
    if let Ok(style) = ProgressStyle::with_template("{wide_msg}") {
        line.set_style(style);
    }
    line
}
