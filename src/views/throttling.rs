//! The throttling by a cloud, as text for people: while it lasts, and in total.

use std::time::Duration;

use leasehold_provider::ThrottledCall;

use super::inert::escape_steering;

/// What is known about the throttling by one cloud.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Throttling {
    /// The operation that was throttled last.
    operation: String,
    /// How many calls were throttled and had to wait.
    refusals: u32,
    /// The total time during which at least one call waited.
    waited: Duration,
    /// The current limit in calls per second. `None`: no limit.
    rate: Option<f64>,
    /// The time at which the last waiting call continues, measured from the start of the run.
    until: Duration,
}

impl Throttling {
    /// Notes that a call starts to wait. `now` is measured from the start of the run.
    pub fn note_wait(&mut self, waiting: &ThrottledCall<'_>, now: Duration) {
        // Calls wait in parallel: time during which two calls wait is counted once.
        let end = now.saturating_add(waiting.wait);
        self.waited = self.waited.saturating_add(end.saturating_sub(now.max(self.until)));
        self.until = self.until.max(end);
        if waiting.refused {
            waiting.operation.clone_into(&mut self.operation);
            self.refusals = self.refusals.saturating_add(1);
        }
        self.rate = waiting.rate;
    }

    /// Notes that calls are no longer limited.
    pub fn note_full_speed(&mut self) {
        self.rate = None;
    }

    /// One line for display while the throttling lasts.
    #[must_use]
    pub fn describe_current(&self, cloud: &str) -> String {
        let operation = escape_steering(&self.operation);
        let waits = format_count(u64::from(self.refusals), "wait");
        let rate = self.rate.map_or_else(String::new, |rate| format!(", now {} a second", format_rate(rate)));
        format!("{cloud} throttles {operation}: {waits} so far{rate}")
    }

    /// The number of throttled calls and the total time, in one line. `None`: no call was throttled.
    #[must_use]
    pub fn describe_total(&self, cloud: &str) -> Option<String> {
        let calls = format_count(u64::from(self.refusals), "call");
        let time = match self.waited.as_secs_f64().round() {
            seconds if seconds < 1.0 => "less than a second".to_owned(),
            seconds => format!("{seconds:.0} s"),
        };
        (self.refusals > 0).then(|| format!("{cloud} throttled {calls}; the run waited {time}."))
    }
}

/// `1 wait`, `3 waits`.
fn format_count(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// A rate as a whole number of calls, at least 1.
fn format_rate(rate: f64) -> String {
    let whole = format!("{:.0}", rate.max(1.0));
    if whole == "1" { "1 call".to_owned() } else { format!("{whole} calls") }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn waiting(operation: &str, refused: bool, millis: u64, rate: f64) -> ThrottledCall<'_> {
        ThrottledCall { operation, refused, wait: Duration::from_millis(millis), rate: Some(rate) }
    }

    fn at(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn the_line_names_the_call_the_waits_and_the_pace() {
        let mut throttling = Throttling::default();
        throttling.note_wait(&waiting("iam:ListRoles", true, 100, 0.4), at(0));
        assert_eq!(
            throttling.describe_current("AWS"),
            "AWS throttles iam:ListRoles: 1 wait so far, now 1 call a second"
        );
        throttling.note_wait(&waiting("iam:ListRoles", true, 100, 5.0), at(0));
        throttling.note_wait(&waiting("iam:GetUser", true, 100, 5.0), at(0));
        // This call waits for its turn and was not throttled.
        throttling.note_wait(&waiting("iam:ListUsers", false, 100, 5.4), at(0));
        assert_eq!(
            throttling.describe_current("AWS"),
            "AWS throttles iam:GetUser: 3 waits so far, now 5 calls a second"
        );
        throttling.note_full_speed();
        assert_eq!(throttling.describe_current("AWS"), "AWS throttles iam:GetUser: 3 waits so far");
    }

    #[test]
    fn time_in_which_several_wait_counts_once() {
        let mut throttling = Throttling::default();
        assert_eq!(throttling.describe_total("AWS"), None);
        throttling.note_wait(&waiting("iam:GetUser", true, 400, 5.0), at(1000));
        assert_eq!(
            throttling.describe_total("AWS").unwrap(),
            "AWS throttled 1 call; the run waited less than a second."
        );
        // Within the wait of the first call, past its end, and after a time in which no call waited.
        throttling.note_wait(&waiting("iam:GetUser", true, 100, 5.0), at(1100));
        throttling.note_wait(&waiting("iam:GetUser", false, 2400, 5.0), at(1200));
        throttling.note_wait(&waiting("iam:GetUser", true, 1400, 5.0), at(9000));
        assert_eq!(throttling.waited, at(2600 + 1400));
        assert_eq!(throttling.describe_total("AWS").unwrap(), "AWS throttled 3 calls; the run waited 4 s.");
    }

    #[test]
    fn waiting_for_ones_turn_is_no_refusal() {
        let mut throttling = Throttling::default();
        throttling.note_wait(&waiting("iam:GetUser", false, 2000, 5.0), at(0));
        assert_eq!(throttling.describe_total("AWS"), None);
    }
}
