//! Runs the table of scenarios on each emulator, with all trials or a sample of them.

use std::collections::BTreeMap;
use std::sync::Mutex;

use crate::faults::harness::{FaultHarness, Kind};
use crate::faults::scenarios::{SCENARIOS, Scenario};
use crate::faults::trials::{Trial, TrialSummary};

/// The number of emulators of each kind that work concurrently.
const WORKERS: usize = 2;

/// A short run tries one of this many crash points, and one of this many other trials.
const POINTS: usize = 48;
const OTHERS: usize = 12;

#[test]
fn scenarios_reach_the_same_state_under_faults_on_moto() {
    run_scenarios(Kind::Moto);
}

#[test]
fn scenarios_reach_the_same_state_under_faults_on_ministack() {
    run_scenarios(Kind::Ministack);
}

/// Whether all trials run. Otherwise a sample runs, which the seed selects.
fn is_long() -> bool {
    std::env::var("LEASEHOLD_CRASH_POINTS").as_deref() == Ok("all")
}

fn seed() -> usize {
    usize::try_from(leasehold_test_harness::test_seed()).unwrap()
}

/// Whether a scenario runs on this emulator. A short run uses one emulator for each scenario. `LEASEHOLD_SCENARIO` selects scenarios by a
/// part of their name.
fn is_selected(number: usize, scenario: &Scenario, kind: Kind) -> bool {
    if !scenario.on.contains(&kind) {
        return false;
    }
    match std::env::var("LEASEHOLD_SCENARIO") {
        Ok(desired) => scenario.name.contains(&desired),
        Err(_) => is_long() || ((number + seed()).is_multiple_of(2) == (kind == Kind::Moto)),
    }
}

#[derive(Default)]
struct Totals {
    points: usize,
    others: usize,
    moments: usize,
    /// For each weather: the largest number of requests as a percentage of the reference, and the longest time in milliseconds.
    weathers: BTreeMap<&'static str, (u32, u128)>,
}

fn run_scenarios(kind: Kind) {
    let scenarios: Vec<_> =
        SCENARIOS.iter().enumerate().filter(|(n, scenario)| is_selected(*n, scenario, kind)).collect();
    let (waiting, totals) = (Mutex::new(scenarios.into_iter()), Mutex::new(Totals::default()));
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                let stage = FaultHarness::new(kind);
                loop {
                    let next = waiting.lock().unwrap().next();
                    let Some((number, scenario)) = next else { break };
                    run_scenario(&stage, number, scenario, &totals);
                }
            });
        }
    });
    let totals = totals.into_inner().unwrap();
    println!(
        "{kind:?}: {} crash points, {} other trials, {} moments proved",
        totals.points, totals.others, totals.moments
    );
    for (weather, (percent, longest)) in &totals.weathers {
        println!("{kind:?}: {weather}: at most {percent} % of the requests, {longest} ms");
    }
}

fn run_scenario(stage: &FaultHarness, number: usize, scenario: &Scenario, totals: &Mutex<Totals>) {
    let start = stage.set(scenario);
    let reference = stage.reference(&start);
    let desired = |trial: &Trial| std::env::var("LEASEHOLD_TRIAL").map_or(true, |part| trial.name().contains(&part));
    let (kills, others): (Vec<_>, Vec<_>) =
        Trial::all(reference.requests, is_long()).into_iter().filter(desired).partition(|trial| trial.is_kill());
    let turn = seed() / 2 + number;
    let sample = |every: usize| {
        move |(n, trial): (usize, Trial)| (is_long() || (n + turn).is_multiple_of(every)).then_some(trial)
    };
    let kills: Vec<Trial> = kills.into_iter().enumerate().filter_map(sample(POINTS)).collect();
    let others: Vec<Trial> = others.into_iter().enumerate().filter_map(sample(OTHERS)).collect();
    for trial in kills.iter().chain(&others) {
        let shown = trial.run(stage, scenario, &start, &reference);
        if is_long() && shown.percent > 0 {
            println!("  {}, {}: {} %, {:?}", scenario.name, trial.name(), shown.percent, shown.took);
        }
        totals.lock().unwrap().add(*trial, shown);
    }
    let omitted_kinds = scenario.omitted_kinds.iter().filter(|(kind, _)| *kind == stage.kind);
    let omitted_kinds: String = omitted_kinds.map(|(kind, why)| format!("; not shown here: {kind:?} {why}")).collect();
    println!(
        "{:?}: {}: {} requests, {} crash points, {} other trials{omitted_kinds}",
        stage.kind,
        scenario.name,
        reference.requests,
        kills.len(),
        others.len(),
    );
}

impl Totals {
    fn add(&mut self, trial: Trial, shown: TrialSummary) {
        self.moments += shown.moments;
        let count = if trial.is_kill() { &mut self.points } else { &mut self.others };
        *count += 1;
        if let Trial::FaultConditions(weather, _) = trial {
            let worst = self.weathers.entry(weather.name).or_default();
            *worst = (worst.0.max(shown.percent), worst.1.max(shown.took.as_millis()));
        }
    }
}
