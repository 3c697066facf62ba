//! The trials of each scenario: kill the run at each request, and run it under difficult conditions ("weather").

use std::time::{Duration, Instant};

use leasehold_fault_proxy::{FaultPoint, FaultProxy, ProxyFault};

use crate::faults::account::Account;
use crate::faults::harness::{FaultFreeRun, FaultHarness, InitialState};
use crate::faults::scenarios::Scenario;
use leasehold_test_harness::wait_until;

/// One way to disturb a run of a scenario.
#[derive(Clone, Copy)]
pub enum Trial {
    /// Kill the run at a request, and run again.
    Killed(u32, FaultPoint),
    /// Run once under this weather, with this seed.
    FaultConditions(&'static FaultConditions, u64),
    /// Kill the run at a request, and run again at once with reads that are 30 s old.
    KilledAndBehind(u32),
    /// Edit the marks of all principals while a request is held, let the run go on, and run again.
    MarksEdited(u32),
    /// Two concurrent runs.
    TwoAtOnce,
}

/// Somebody who may tag: lengthens a lease, lifts or forges a quarantine, and removes all marks.
const MARK_EDITS: &str = "
    users = [(name, iam.list_user_tags, iam.tag_user, iam.untag_user, 'UserName') for name in (user['UserName'] for user in iam.list_users()['Users'])]
    roles = [(name, iam.list_role_tags, iam.tag_role, iam.untag_role, 'RoleName') for name in (role['RoleName'] for role in iam.list_roles()['Roles'])]
    for number, (name, read, tag, untag, key) in enumerate(users + roles):
        tags = {found['Key']: found['Value'] for found in read(**{key: name})['Tags']}
        marks = [found for found in tags if found.startswith('leasehold:') and tags.get('leasehold:stack') == 'faults']
        if marks and number % 3 == 0:
            untag(**{key: name}, TagKeys=marks)
        elif marks and number % 3 == 1:
            tag(**{key: name}, Tags=[{'Key': 'leasehold:created-at', 'Value': '2036-01-01T00:00:00Z'}])
            untag(**{key: name}, TagKeys=['leasehold:quarantined-at', 'leasehold:reason'])
        elif marks:
            tag(**{key: name}, Tags=[{'Key': 'leasehold:quarantined-at', 'Value': '2020-01-01T00:00:00Z'}])
    ";

/// A fault that lasts for a whole run.
pub struct FaultConditions {
    pub name: &'static str,
    /// The number of times it is tried, in a short run and in a long one, each time with another seed.
    pub seeds: (u64, u64),
    order: fn(&FaultProxy, u64),
}

pub const WEATHERS: &[FaultConditions] = &[
    FaultConditions {
        name: "every request throttled twice",
        seeds: (1, 1),
        order: |proxy, _| proxy.inject_fault(ProxyFault::throttle_requests("*").limit_attempts(2)),
    },
    FaultConditions {
        name: "one answer in twenty lost",
        seeds: (1, 20),
        order: |proxy, seed| {
            proxy.inject_fault(ProxyFault::close_connection("*", FaultPoint::After).with_probability(0.05, seed));
        },
    },
    FaultConditions {
        name: "one request in twenty lost",
        seeds: (1, 4),
        order: |proxy, seed| {
            proxy.inject_fault(ProxyFault::close_connection("*", FaultPoint::Before).with_probability(0.05, seed));
        },
    },
    FaultConditions {
        name: "one request in ten answered by 500, done or not",
        seeds: (1, 4),
        order: |proxy, seed| {
            proxy.inject_fault(ProxyFault::error_before("*", 500, "ServiceFailure").with_probability(0.05, seed));
            proxy.inject_fault(ProxyFault::error_after("*", 500, "ServiceFailure").with_probability(0.05, seed));
        },
    },
    FaultConditions {
        name: "inline policies slow",
        seeds: (1, 1),
        order: |proxy, _| {
            // A step that must wait for a lease deny, and does not, overtakes it.
            for action in ["PutRolePolicy", "PutUserPolicy"] {
                proxy.inject_fault(ProxyFault::add_delay(action, FaultPoint::Before, Duration::from_millis(150)));
            }
        },
    },
    FaultConditions {
        name: "shared policies slow",
        seeds: (1, 1),
        order: |proxy, _| {
            // A step that must wait until a scope is rewritten or detached, and does not, overtakes it.
            for action in ["CreatePolicyVersion", "DetachRolePolicy", "DetachUserPolicy"] {
                proxy.inject_fault(ProxyFault::add_delay(action, FaultPoint::Before, Duration::from_millis(150)));
            }
        },
    },
    FaultConditions { name: "reads 30 s behind", seeds: (1, 1), order: |proxy, _| behind(proxy) },
    FaultConditions {
        name: "reads 30 s behind, in real time",
        seeds: (0, 1),
        order: |proxy, _| proxy.enable_stale_reads(Duration::from_secs(30), 1.0),
    },
    FaultConditions {
        name: "requests that are on their way at once swapped",
        seeds: (1, 2),
        order: |proxy, seed| {
            proxy.inject_fault(ProxyFault::swap_order("*", Duration::from_millis(50)).with_probability(0.7, seed));
        },
    },
];

/// Makes reads 30 s old by the proxy's clock, which is 1.5 s of real time. The program's pauses are in real time.
fn behind(proxy: &FaultProxy) {
    proxy.enable_stale_reads(Duration::from_secs(30), 20.0);
}

/// The result of a trial.
#[derive(Debug, Default, Clone, Copy)]
pub struct TrialSummary {
    /// The number of interim states in which access, lease deny and keys were checked.
    pub moments: usize,
    /// The requests of the disturbed run as a percentage of the reference. Set for weather only.
    pub percent: u32,
    pub took: Duration,
}

impl Trial {
    /// All trials of a scenario.
    pub fn all(requests: u32, is_long: bool) -> Vec<Self> {
        let points =
            (0..requests).flat_map(|at| [Self::Killed(at, FaultPoint::Before), Self::Killed(at, FaultPoint::After)]);
        let seeds = |weather: &FaultConditions| if is_long { weather.seeds.1 } else { weather.seeds.0 };
        let first = leasehold_test_harness::test_seed();
        let weathers = WEATHERS
            .iter()
            .flat_map(|weather| (first..first + seeds(weather)).map(move |seed| Self::FaultConditions(weather, seed)));
        let behind = (0..requests).step_by(5).map(Self::KilledAndBehind);
        // The slowest pace is five attempts per second. A throttled run with many requests takes minutes, so only long runs try it.
        let is_slow =
            |trial: &Self| matches!(trial, Self::FaultConditions(weather, _) if weather.name == WEATHERS[0].name);
        let edited = (0..requests).step_by(3).map(Self::MarksEdited);
        let all = points.chain(weathers).chain(behind).chain(edited).chain([Self::TwoAtOnce]);
        all.filter(|trial| is_long || requests <= 60 || !is_slow(trial)).collect()
    }

    pub fn is_kill(self) -> bool {
        matches!(self, Self::Killed(..))
    }

    pub fn name(self) -> String {
        match self {
            Self::Killed(at, point) => format!("killed at request {at}, {point:?} it was carried out"),
            Self::KilledAndBehind(at) => format!("killed at request {at}, and run again with reads 30 s behind"),
            Self::FaultConditions(weather, seed) => format!("{}, seed {seed}", weather.name),
            Self::MarksEdited(at) => format!("marks edited at request {at}"),
            Self::TwoAtOnce => "two runs at once".to_owned(),
        }
    }

    /// Runs the trial, and asserts that it ends in the state of the reference.
    pub fn run(
        self,
        stage: &FaultHarness,
        scenario: &Scenario,
        start: &InitialState,
        reference: &FaultFreeRun,
    ) -> TrialSummary {
        let what = format!("{}, {}", scenario.name, self.name());
        let stack = stage.begin(start);
        let began = Instant::now();
        let mut percent = 0;
        match self {
            Self::Killed(at, point) => {
                kill(stage, &stack, at, point);
                stack.apply();
            }
            Self::KilledAndBehind(at) => {
                behind(&stage.proxy);
                kill(stage, &stack, at, FaultPoint::After);
                let again = stack.run(&["apply", "--auto-approve"]);
                let says_what_to_do = ["Run `leasehold apply` again", "plan again", "Make a new plan"];
                let refused = again.code != 0 && says_what_to_do.iter().any(|help| again.stderr.contains(help));
                assert!(again.code == 0 || refused, "{what}: {again}");
                // A stale read cannot show a key that the killed run created. A run finds it when the account shows it.
                std::thread::sleep(Duration::from_millis(1600));
                stack.apply();
            }
            Self::FaultConditions(weather, seed) => {
                (weather.order)(&stage.proxy, seed);
                let ran = stack.run(&["apply", "--auto-approve"]);
                assert_eq!(ran.code, 0, "{what} on {:?}: {ran}", stage.kind);
                let requests = u32::try_from(stage.proxy.requests().len()).unwrap();
                percent = requests * 100 / reference.requests;
                assert!(
                    percent <= 300,
                    "{what} on {:?}: {requests} requests, {} without",
                    stage.kind,
                    reference.requests
                );
            }
            Self::MarksEdited(at) => {
                edit_marks(stage, &stack, at);
                stack.apply();
            }
            Self::TwoAtOnce => {
                let runs = [0, 1].map(|_| stack.start(&["apply", "--auto-approve"]));
                let ended = runs.map(leasehold_test_harness::RunningCommand::wait);
                assert!(ended.iter().any(|ran| ran.code == 0), "{what}: {} {}", ended[0], ended[1]);
                for ran in ended.iter().filter(|ran| ran.code != 0) {
                    assert_eq!(ran.code, 3, "{what}: {ran}");
                    assert!(ran.stderr.contains("is locked by another run"), "{what}: {ran}");
                }
            }
        }
        let took = began.elapsed();
        stage.proxy.wait_until_idle();
        stage.proxy.clear_disturbances();
        let seen = match self {
            Self::KilledAndBehind(_) => |account: Account| account.without_spare_versions(),
            // The replay does not have the edits. That the marks were repaired is shown by the empty plan.
            Self::MarksEdited(_) => |account: Account| account.without_marks(),
            _ => |account: Account| account,
        };
        let moments = stage.assert_reached_reference(reference, start, &stack, seen, &what);
        TrialSummary { moments, percent, took }
    }
}

fn kill(stage: &FaultHarness, stack: &leasehold_test_harness::Stack, at: u32, point: FaultPoint) {
    stage.proxy.inject_fault(ProxyFault::hold_requests("*", point).skip_first(at).limit_times(1));
    let mut run = stack.start(&["apply", "--auto-approve"]);
    // The number of requests differs by one or two between runs; a run that ends before this request was not interrupted.
    wait_until("the request", || run.has_exited() || stage.proxy.held_count() > 0);
    if !run.has_exited() {
        run.signal("KILL");
    }
    run.wait();
    stage.proxy.drop_held();
    stage.proxy.wait_until_idle();
    stage.proxy.clear_faults();
}

/// Edits marks while a request of the run is held. A step that finds other marks than it expects may fail.
fn edit_marks(stage: &FaultHarness, stack: &leasehold_test_harness::Stack, at: u32) {
    stage.proxy.inject_fault(ProxyFault::hold_requests("*", FaultPoint::Before).skip_first(at).limit_times(1));
    let mut run = stack.start(&["apply", "--auto-approve"]);
    wait_until("the request", || run.has_exited() || stage.proxy.held_count() > 0);
    stage.aws.boto3(MARK_EDITS);
    stage.proxy.release_held();
    run.wait();
    stage.proxy.wait_until_idle();
    stage.proxy.clear_faults();
}
