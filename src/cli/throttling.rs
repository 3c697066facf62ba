//! That a cloud throttles, on stderr: a line that is kept up to date on a terminal, a line now and then elsewhere, a summary at the end.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use leasehold_provider::{Notices, Waiting};

use super::progress::{has_terminal, screen};
use crate::views::throttling::Throttling;

/// Where nobody watches a line change, there is at most one in this time.
const BETWEEN_LINES: Duration = Duration::from_secs(10);

/// There is one stderr, and so one of these.
static DESK: LazyLock<Mutex<Desk>> = LazyLock::new(|| Mutex::new(Desk::new()));

/// What is known of each cloud, and what is shown of it.
struct Desk {
    start: Instant,
    clouds: BTreeMap<&'static str, Throttling>,
    /// The line on a terminal, while there is one.
    line: Option<ProgressBar>,
    /// When a line was last written elsewhere.
    written: Option<Instant>,
}

/// Somebody to be told of how a cloud throttles; `cloud` is what it is called.
pub fn told_of(cloud: &'static str) -> Arc<dyn Notices> {
    Arc::new(Cloud(cloud))
}

/// Takes the line off the terminal, before something else is written. The next call that waits brings it back.
pub fn clear() {
    desk().clear();
}

/// How often and how long each cloud throttled this run, if it did.
pub fn summary() -> String {
    let desk = desk();
    let told = desk.clouds.iter().filter_map(|(cloud, throttling)| throttling.summary(cloud));
    told.map(|line| format!("{line}\n")).collect()
}

fn desk() -> MutexGuard<'static, Desk> {
    DESK.lock().unwrap_or_else(PoisonError::into_inner)
}

#[derive(Debug)]
struct Cloud(&'static str);

impl Notices for Cloud {
    fn waits(&self, waiting: &Waiting<'_>) {
        let mut desk = desk();
        let now = desk.start.elapsed();
        let throttling = desk.clouds.entry(self.0).or_default();
        throttling.waits(waiting, now);
        let line = throttling.line(self.0);
        desk.show(line);
    }

    fn at_full_speed(&self) {
        let mut desk = desk();
        if let Some(throttling) = desk.clouds.get_mut(self.0) {
            throttling.ends();
        }
        desk.clear();
    }
}

impl Desk {
    fn new() -> Self {
        Self { start: Instant::now(), clouds: BTreeMap::new(), line: None, written: None }
    }

    fn show(&mut self, text: String) {
        if has_terminal() {
            self.line.get_or_insert_with(line).set_message(text);
        } else if self.written.is_none_or(|at| at.elapsed() >= BETWEEN_LINES) {
            self.written = Some(Instant::now());
            super::write_stderr(&format!("{text}\n"));
        }
    }

    fn clear(&mut self) {
        if let Some(line) = self.line.take() {
            line.finish_and_clear();
            screen().remove(&line);
        }
    }
}

fn line() -> ProgressBar {
    let line = screen().add(ProgressBar::no_length());
    // A template that does not parse would leave the default bar.
    if let Ok(style) = ProgressStyle::with_template("{wide_msg}") {
        line.set_style(style);
    }
    line
}
