//! Kills a run at a given request, and runs it again.

use std::sync::Mutex;
use std::time::Duration;

use leasehold_emulator::{Emulator, Fault};

use crate::{Stack, wait_until};

/// The number of emulators that work concurrently. Each case spends most of its time waiting for a lock to expire.
const WORKERS: usize = 4;

/// The point at which a run is killed.
#[derive(Debug, Clone, Copy)]
pub struct Point {
    /// The index of the request, from 0.
    pub request: u32,
    /// `true`: after the request took effect and before its response. `false`: before the request is forwarded.
    pub committed: bool,
}

impl std::fmt::Display for Point {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "killed {} request {}", if self.committed { "after" } else { "before" }, self.request)
    }
}

/// All points of a run with that number of requests.
pub fn points(requests: usize) -> impl Iterator<Item = Point> {
    let requests = u32::try_from(requests).unwrap();
    (0..requests).flat_map(|request| [false, true].map(|committed| Point { request, committed }))
}

/// All points with `LEASEHOLD_CRASH_POINTS=all`, otherwise one of each `stride` points. An odd stride gives points before a request as well
/// as after one.
pub fn sample(requests: usize, stride: usize) -> Vec<Point> {
    let all = std::env::var("LEASEHOLD_CRASH_POINTS").as_deref() == Ok("all");
    points(requests).step_by(if all { 1 } else { stride }).collect()
}

/// Runs an apply that is killed at that point. The number of requests differs by one or two between runs; a run that ends before the point
/// was not interrupted.
pub fn kill(stack: &Stack, aws: &Emulator, at: Point) {
    let fault = if at.committed { Fault::hold_response("*") } else { Fault::hold("*") };
    aws.order(fault.after(at.request).times(1));
    let mut run = stack.start(&["apply", "--auto-approve"]);
    wait_until("the request", || run.has_exited() || aws.held() > 0);
    if !run.has_exited() {
        run.signal("KILL");
    }
    run.wait();
    aws.release_held();
    aws.clear_faults();
}

/// Applies again. If the killed run still holds the lock, the first attempt is refused, and a second one runs after the lock has expired.
/// Then the plan must be empty and the ledger valid.
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

/// Runs `attempt` for each point, on several emulators concurrently.
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
