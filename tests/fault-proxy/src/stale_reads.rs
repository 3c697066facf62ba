//! Stale reads, as those of an eventually consistent service such as IAM.
//!
//! Before each write the emulator saves its state under a name. A read is answered from the state before the oldest
//! write that is younger than the lag, which is what a replica that far behind would return. With a lag of 30 s:
//!
//! ```text
//! time   0 s         10 s        20 s        35 s              45 s
//!        write a     write b     read        read              read
//! sees                           neither     a (b is 25 s old) a and b
//! ```
//!
//! The clock runs `speed` times as fast as real time, so that a test need not wait for the whole lag.

use std::time::{Duration, Instant};

/// The lag of reads, and the saved states to answer them from.
#[derive(Debug)]
pub struct StaleReads {
    start: Instant,
    speed: f64,
    lag: Duration,
    /// Time of each write younger than the lag and the name of the state before it, oldest first.
    states: Vec<(Duration, String)>,
    /// Number of names given out.
    count: usize,
}

impl StaleReads {
    /// `lag` is measured on a clock that runs `speed` times as fast as real time.
    pub fn new(lag: Duration, speed: f64) -> Self {
        Self { start: Instant::now(), speed, lag, states: Vec::new(), count: 0 }
    }

    /// Time since the start, on the fast clock.
    fn elapsed_time(&self) -> Duration {
        self.start.elapsed().mul_f64(self.speed)
    }

    /// Returns a new name for the state before the next write.
    pub fn next_state_name(&mut self) -> String {
        self.count = self.count.saturating_add(1);
        format!("past-{}", self.count)
    }

    /// Records that a write was executed on the state with this name.
    pub fn record_write(&mut self, name: String) {
        let now = self.elapsed_time();
        self.states.push((now, name));
    }

    /// Returns the name of the state that a read sees now; `None` for the current state.
    pub fn visible_state(&mut self) -> Option<String> {
        let now = self.elapsed_time();
        let lag = self.lag;
        self.states.retain(|(at, _)| now.saturating_sub(*at) < lag);
        self.states.first().map(|(_, name)| name.clone())
    }
}
