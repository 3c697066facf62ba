//! Killed anywhere, the next run finishes.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use leasehold_fault_proxy::{Fault, Point};

use crate::scenarios::{SCENARIOS, Scenario};
use crate::stage::{KINDS, Reference, Stage, Start};
use crate::support::wait_until;
use crate::{day, is_long, is_wanted};

/// Of how many crash points one is tried in a short run.
const SAMPLE: usize = 40;

/// How many emulators of each kind work at once.
const WORKERS: usize = 2;

#[test]
fn killed_at_any_request_the_next_run_finishes() {
    let (points, moments) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for kind in KINDS {
            let work = Mutex::new(SCENARIOS.iter().filter(|scenario| is_wanted(scenario)));
            let work = std::sync::Arc::new(work);
            for _ in 0..WORKERS {
                let (work, points, moments) = (std::sync::Arc::clone(&work), &points, &moments);
                scope.spawn(move || {
                    let stage = Stage::new(kind);
                    loop {
                        let next = work.lock().unwrap().next();
                        let Some(scenario) = next else { break };
                        let (tried, proved) = play(&stage, scenario);
                        points.fetch_add(tried, Ordering::Relaxed);
                        moments.fetch_add(proved, Ordering::Relaxed);
                    }
                });
            }
        }
    });
    println!("in all {points:?} crash points, {moments:?} moments between writes proved");
    assert!(points.into_inner() > 0);
}

/// Tries the crash points of a scenario. Gives how many, and how many moments between writes were proved.
fn play(stage: &Stage, scenario: &Scenario) -> (usize, usize) {
    let start = stage.set(scenario);
    let reference = stage.reference(&start);
    let points = (0..reference.requests).flat_map(|at| [(at, Point::Before), (at, Point::After)]);
    let turn = day().wrapping_add(scenario.name.len());
    let chosen: Vec<_> = points.enumerate().filter(|(n, _)| is_long() || (n + turn) % SAMPLE == 0).collect();
    let mut proved = 0;
    for (_, (at, point)) in &chosen {
        proved += killed_at(stage, scenario, &start, &reference, *at, *point);
    }
    let not_shown = scenario.not_shown.iter().find(|(kind, _)| *kind == stage.kind).map_or("", |(_, why)| why);
    println!(
        "{:?}: {}: {} requests, {} crash points {not_shown}",
        stage.kind,
        scenario.name,
        reference.requests,
        chosen.len()
    );
    (chosen.len(), proved)
}

fn killed_at(stage: &Stage, scenario: &Scenario, start: &Start, reference: &Reference, at: u32, point: Point) -> usize {
    let stack = stage.begin(start);
    stage.proxy.order(Fault::hold("*", point).after(at).times(1));
    let mut run = stack.start(&["apply", "--auto-approve"]);
    // Runs differ by a request or two: one that ends first was never interrupted.
    wait_until("the request", || run.has_ended() || stage.proxy.held() > 0);
    if !run.has_ended() {
        run.signal("KILL");
    }
    run.wait();
    stage.proxy.drop_held();
    stage.proxy.settle();
    stage.proxy.heal();
    stack.apply();
    let what = format!("{}, killed at request {at}, {point:?} it was carried out", scenario.name);
    stage.assert_ended_as(reference, start, &stack, &what)
}
