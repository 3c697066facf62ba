//! A run that is killed at a request, and the run after it.

use std::sync::Mutex;
use std::time::Duration;

use leasehold_emulator::{Emulator, Fault};

use super::{Stack, wait_until};

/// How many emulators work at once: each case mostly waits for a lock to run out.
const WORKERS: usize = 4;

/// Where a run is killed.
#[derive(Debug, Clone, Copy)]
pub struct Point {
    /// The number of the request, from 0.
    pub request: u32,
    /// After it was carried out and before its answer, instead of before it was sent on.
    pub committed: bool,
}

impl std::fmt::Display for Point {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "killed {} request {}", if self.committed { "after" } else { "before" }, self.request)
    }
}

/// Every point of a run of so many requests.
pub fn points(requests: usize) -> impl Iterator<Item = Point> {
    let requests = u32::try_from(requests).unwrap();
    (0..requests).flat_map(|request| [false, true].map(|committed| Point { request, committed }))
}

/// Every point with `LEASEHOLD_CRASH_POINTS=all`, else one of each `stride` of them. An odd stride meets requests before as well as after
/// they were carried out.
pub fn sample(requests: usize, stride: usize) -> Vec<Point> {
    let all = std::env::var("LEASEHOLD_CRASH_POINTS").as_deref() == Ok("all");
    points(requests).step_by(if all { 1 } else { stride }).collect()
}

/// Runs an apply that is killed there. Runs differ by a request or two: one that ends first was never interrupted.
pub fn kill(stack: &Stack, aws: &Emulator, at: Point) {
    let fault = if at.committed { Fault::hold_response("*") } else { Fault::hold("*") };
    aws.order(fault.after(at.request).times(1));
    let mut run = stack.start(&["apply", "--auto-approve"]);
    wait_until("the request", || run.has_ended() || aws.held() > 0);
    if !run.has_ended() {
        run.signal("KILL");
    }
    run.wait();
    aws.let_go();
    aws.heal();
}

/// Applies again. Where the killed run still holds the lock, that is refused until it has run out.
pub fn finish(stack: &Stack, at: Point) {
    let again = stack.run(&["apply", "--auto-approve"]);
    if again.code == 3 {
        assert!(again.stderr.contains("is locked by another run"), "{at}: {again}");
        std::thread::sleep(Duration::from_millis(2700));
        stack.apply();
    } else {
        assert_eq!(again.code, 0, "{at}: {again}");
    }
    stack.assert_converged();
    let verified = stack.ok(&["audit", "verify", "--format", "json"]).json();
    assert_eq!(verified["valid"], true, "{at}: {verified}");
    assert_eq!(verified["unfinished"].as_array().unwrap().len(), 0, "{at}: {verified}");
}

/// Tries each point on an emulator, several side by side.
pub fn each(points: Vec<Point>, attempt: impl Fn(&Emulator, Point) + Sync) {
    let points = Mutex::new(points.into_iter());
    let next = || points.lock().unwrap().next();
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                let aws = Emulator::moto();
                while let Some(point) = next() {
                    attempt(&aws, point);
                }
            });
        }
    });
}
