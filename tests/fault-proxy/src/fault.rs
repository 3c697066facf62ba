//! Faults that a test orders.

use std::collections::BTreeMap;
use std::time::Duration;

/// Where on its way a request is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point {
    /// Before it is sent on: the emulator knows nothing of it.
    Before,
    /// After the emulator carried it out, before the answer is told.
    After,
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum How {
    /// An error is told, at `Before` instead of doing it, at `After` although it was done.
    Error { point: Point, status: u16, code: String, message: String },
    /// The connection is closed without an answer.
    Lose(Point),
    /// It takes this much longer.
    Stall(Point, Duration),
    /// It stays where it is until it is let go, or dropped.
    Hold(Point),
    /// It waits so long for the next request that this order meets, and goes after it.
    Swap(Duration),
}

impl How {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Error { point: Point::Before, .. } => "refused",
            Self::Error { point: Point::After, .. } => "done, and told as an error",
            Self::Lose(Point::Before) => "request lost",
            Self::Lose(Point::After) => "response lost",
            Self::Stall(..) => "stalled",
            Self::Hold(Point::Before) => "held before",
            Self::Hold(Point::After) => "held after",
            Self::Swap(_) => "swapped",
        }
    }
}

/// What shall go wrong, with which requests, how often.
#[derive(Debug, Clone)]
pub struct Fault {
    action: String,
    pub(crate) how: How,
    skip: u32,
    times: Option<u32>,
    /// Of each distinct request so many attempts; how many it has had.
    attempts: Option<(u32, BTreeMap<u64, u32>)>,
    chance: Option<(f64, fastrand::Rng)>,
}

impl Fault {
    fn new(action: &str, how: How) -> Self {
        Self { action: action.to_owned(), how, skip: 0, times: None, attempts: None, chance: None }
    }

    /// The request is refused with this code, and nothing is done. `action` is an API's name; of S3 the method, such as `S3:PUT`; or `*`
    /// for all.
    #[must_use]
    pub fn error(action: &str, status: u16, code: &str) -> Self {
        Self::told(action, Point::Before, status, code)
    }

    /// The request is carried out, and an error told.
    #[must_use]
    pub fn error_after(action: &str, status: u16, code: &str) -> Self {
        Self::told(action, Point::After, status, code)
    }

    fn told(action: &str, point: Point, status: u16, code: &str) -> Self {
        let message = "ordered by the test".to_owned();
        Self::new(action, How::Error { point, status, code: code.to_owned(), message })
    }

    /// The request is refused for now, as IAM does it: HTTP 400 with code `Throttling`.
    #[must_use]
    pub fn throttle(action: &str) -> Self {
        Self::error(action, 400, "Throttling")
    }

    /// The connection is closed without an answer.
    #[must_use]
    pub fn lose(action: &str, point: Point) -> Self {
        Self::new(action, How::Lose(point))
    }

    /// It takes this much longer.
    #[must_use]
    pub fn stall(action: &str, point: Point, how_long: Duration) -> Self {
        Self::new(action, How::Stall(point, how_long))
    }

    /// It stays where it is until it is let go, or dropped.
    #[must_use]
    pub fn hold(action: &str, point: Point) -> Self {
        Self::new(action, How::Hold(point))
    }

    /// Of two requests that are on their way at once, the later is carried out first. One that no other comes after in that time goes on
    /// alone.
    #[must_use]
    pub fn swap(action: &str, within: Duration) -> Self {
        Self::new(action, How::Swap(within))
    }

    /// The same, for so many requests only.
    #[must_use]
    pub fn times(self, times: u32) -> Self {
        Self { times: Some(times), ..self }
    }

    /// The same, once so many requests have passed.
    #[must_use]
    pub fn after(self, requests: u32) -> Self {
        Self { skip: requests, ..self }
    }

    /// The same, for the first so many attempts of each distinct request. One that was let pass begins anew.
    #[must_use]
    pub fn of_each(self, attempts: u32) -> Self {
        Self { attempts: Some((attempts, BTreeMap::new())), ..self }
    }

    /// The same, by chance.
    #[must_use]
    pub fn by_chance(self, probability: f64, seed: u64) -> Self {
        Self { chance: Some((probability, fastrand::Rng::with_seed(seed))), ..self }
    }

    /// Whether it meets this request. Counts it.
    pub(crate) fn meets(&mut self, action: &str, fingerprint: u64) -> bool {
        if self.action != "*" && self.action != action {
            return false;
        }
        if self.skip > 0 {
            self.skip = self.skip.saturating_sub(1);
            return false;
        }
        if self.times == Some(0) {
            return false;
        }
        if let Some((probability, random)) = &mut self.chance
            && random.f64() >= *probability
        {
            return false;
        }
        if let Some((most, had)) = &mut self.attempts {
            let attempts = had.entry(fingerprint).or_default();
            if *attempts >= *most {
                had.remove(&fingerprint);
                return false;
            }
            *attempts = attempts.saturating_add(1);
        }
        self.times = self.times.map(|left| left.saturating_sub(1));
        true
    }
}
