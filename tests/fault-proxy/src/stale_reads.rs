//! Reads that answer from the past, as those of an eventually consistent service do.
//!
//! Before each write the emulator saves its state under a name. A read that comes while a write is younger than the lag is answered
//! from the state before the first such write: exactly what a copy would say that is that far behind. Time is the proxy's own: it goes so
//! many times faster than the clock on the wall, because the program under test waits in real time, and a test should not.

use std::time::{Duration, Instant};

/// How far behind reads are, and which states there are to answer from.
#[derive(Debug)]
pub struct Past {
    start: Instant,
    speed: f64,
    lag: Duration,
    /// The states before writes, with the moment of each write, oldest first.
    states: Vec<(Duration, String)>,
    count: usize,
}

impl Past {
    pub fn new(lag: Duration, speed: f64) -> Self {
        Self { start: Instant::now(), speed, lag, states: Vec::new(), count: 0 }
    }

    fn now(&self) -> Duration {
        self.start.elapsed().mul_f64(self.speed)
    }

    /// The name for the state before the next write.
    pub fn next_name(&mut self) -> String {
        self.count = self.count.saturating_add(1);
        format!("past-{}", self.count)
    }

    /// A write was carried out on the state of that name.
    pub fn wrote(&mut self, name: String) {
        let now = self.now();
        self.states.push((now, name));
    }

    /// The state that a read sees now; `None`: the present one.
    pub fn seen(&mut self) -> Option<String> {
        let now = self.now();
        let lag = self.lag;
        self.states.retain(|(at, _)| now.saturating_sub(*at) < lag);
        self.states.first().map(|(_, name)| name.clone())
    }
}
