//! The proxy forwards and records requests, applies faults, and answers stale reads.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a failure here is a failure of the test"
)]

use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use leasehold_emulator::Emulator;
use leasehold_fault_proxy::{FaultPoint, FaultProxy, ProxyFault, RecordedRequest};
use serde_json::{Value, json};

/// Runs a Python snippet whose `make(name)`, `users()` and `at_once(*names)` send requests through the proxy. Each
/// returns the result or the error; `at_once` sends several requests concurrently.
fn run_through_proxy(aws: &Emulator, proxy: &FaultProxy, snippet: &str) -> Value {
    aws.boto3(&format!(
        "
import boto3, botocore, concurrent.futures
config = botocore.config.Config(retries={{'max_attempts': 0}}, max_pool_connections=4)
other = boto3.client('iam', endpoint_url='{}', region_name='us-east-1', aws_access_key_id='test',
                     aws_secret_access_key='test', config=config)
def attempt(call):
    try:
        return call()
    except botocore.exceptions.ClientError as error:
        return error.response['Error']['Code']
    except botocore.exceptions.HTTPClientError as error:
        return 'no response'
def make(name):
    return attempt(lambda: other.create_user(UserName=name)['User']['UserName'])
def users():
    return attempt(lambda: [user['UserName'] for user in other.list_users()['Users']])
def at_once(*names):
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        return list(pool.map(make, names))
{snippet}
",
        proxy.endpoint()
    ))
}

fn users_in_emulator(aws: &Emulator) -> Value {
    aws.boto3("print(sorted(user['UserName'] for user in iam.list_users()['Users']))")
}

/// One emulator of each kind for all tests of this process. The lock gives each test an empty account of its own.
static MOTO: LazyLock<Mutex<Emulator>> = LazyLock::new(|| Mutex::new(Emulator::moto()));
static MINISTACK: LazyLock<Mutex<Emulator>> = LazyLock::new(|| Mutex::new(Emulator::ministack()));

fn lock_and_reset(emulator: &'static Mutex<Emulator>) -> MutexGuard<'static, Emulator> {
    let emulator = emulator.lock().unwrap_or_else(PoisonError::into_inner);
    emulator.reset();
    emulator
}

fn lock_both() -> [MutexGuard<'static, Emulator>; 2] {
    [lock_and_reset(&MOTO), lock_and_reset(&MINISTACK)]
}

#[test]
fn requests_without_faults_are_forwarded_and_recorded() {
    for aws in lock_both() {
        let proxy = FaultProxy::start_for_emulator(&aws);
        assert_eq!(
            run_through_proxy(&aws, &proxy, "print([make('a'), make('a'), users()])"),
            json!(["a", "EntityAlreadyExists", ["a"]])
        );
        let requests = proxy.requests();
        let seen: Vec<_> =
            requests.iter().map(|r| (r.action.as_str(), r.is_committed(), r.client_status, r.is_write())).collect();
        assert_eq!(
            seen,
            [
                ("CreateUser", true, Some(200), true),
                ("CreateUser", false, Some(409), true),
                ("ListUsers", true, Some(200), false)
            ]
        );
        let [first, ..] = requests.as_slice() else { panic!("there are requests") };
        assert_eq!(first.parameter("UserName"), "a");
        assert_eq!(first.response.as_ref().unwrap().element_text("UserName"), Some("a"));
        assert_eq!(proxy.committed_writes().len(), 1);
        proxy.clear_requests();
        assert_eq!(proxy.requests(), []);
    }
}

#[test]
fn closed_connections_and_errors_before_and_after_execution() {
    for aws in lock_both() {
        let proxy = FaultProxy::start_for_emulator(&aws);
        proxy.inject_fault(ProxyFault::close_connection("CreateUser", FaultPoint::After).limit_times(1));
        proxy.inject_fault(ProxyFault::close_connection("CreateUser", FaultPoint::Before).limit_times(1));
        proxy.inject_fault(ProxyFault::error_before("CreateUser", 500, "ServiceFailure").limit_times(1));
        proxy.inject_fault(ProxyFault::error_after("CreateUser", 500, "ServiceFailure").limit_times(1));
        let results = run_through_proxy(&aws, &proxy, "print([make(name) for name in 'abcde'])");
        assert_eq!(results, json!(["no response", "no response", "ServiceFailure", "ServiceFailure", "e"]));
        assert_eq!(users_in_emulator(&aws), json!(["a", "d", "e"]));
        let committed: Vec<bool> = proxy.requests().iter().map(RecordedRequest::is_committed).collect();
        assert_eq!(committed, [true, false, false, true, true]);
        let statuses: Vec<_> = proxy.requests().iter().map(|request| request.client_status).collect();
        assert_eq!(statuses, [None, None, Some(500), Some(500), Some(200)]);
    }
}

#[test]
fn throttling_is_limited_by_attempts_action_and_times() {
    let aws = lock_and_reset(&MOTO);
    let proxy = FaultProxy::start_for_emulator(&aws);
    proxy.inject_fault(ProxyFault::throttle_requests("CreateUser").limit_attempts(2));
    let results = run_through_proxy(
        &aws,
        &proxy,
        "print([make('a'), make('b'), make('a'), users(), make('a'), make('b'), make('a')])",
    );
    assert_eq!(results, json!(["Throttling", "Throttling", "Throttling", [], "a", "Throttling", "Throttling"]));
    proxy.clear_disturbances();
    proxy.inject_fault(ProxyFault::throttle_requests("*").skip_first(1).limit_times(1));
    assert_eq!(
        run_through_proxy(&aws, &proxy, "print([make('x'), make('y'), make('y')])"),
        json!(["x", "Throttling", "y"])
    );
}

#[test]
fn equal_seeds_give_equal_closed_connections() {
    let aws = lock_and_reset(&MOTO);
    let lost_requests = |seed| {
        aws.reset();
        let proxy = FaultProxy::start_for_emulator(&aws);
        proxy.inject_fault(ProxyFault::close_connection("*", FaultPoint::After).with_probability(0.2, seed));
        run_through_proxy(&aws, &proxy, "print([make(f'u{n}') == 'no response' for n in range(24)])")
    };
    let (one, other) = (lost_requests(1), lost_requests(2));
    assert_eq!(one, lost_requests(1));
    assert_ne!(one, other);
    let count = one.as_array().unwrap().iter().filter(|lost| **lost == json!(true)).count();
    assert!((1..12).contains(&count), "{count} of 24");
}

#[test]
fn held_requests_wait_until_released_or_dropped() {
    let aws = lock_and_reset(&MOTO);
    let proxy = FaultProxy::start_for_emulator(&aws);
    proxy.inject_fault(ProxyFault::hold_requests("CreateUser", FaultPoint::Before).skip_first(1).limit_times(1));
    let wait = |count| {
        while proxy.held_count() != count {
            std::thread::sleep(Duration::from_millis(5));
        }
    };
    std::thread::scope(|scope| {
        let results = scope.spawn(|| run_through_proxy(&aws, &proxy, "print([make('a'), make('b')])"));
        wait(1);
        assert_eq!(users_in_emulator(&aws), json!(["a"]));
        proxy.release_held();
        assert_eq!(results.join().unwrap(), json!(["a", "b"]));
    });
    for (point, user, users_left) in
        [(FaultPoint::Before, "c", json!(["a", "b"])), (FaultPoint::After, "d", json!(["a", "b", "d"]))]
    {
        proxy.inject_fault(ProxyFault::hold_requests("CreateUser", point).limit_times(1));
        std::thread::scope(|scope| {
            let results = scope.spawn(|| run_through_proxy(&aws, &proxy, &format!("print(make('{user}'))")));
            wait(1);
            proxy.drop_held();
            assert_eq!(results.join().unwrap(), json!("no response"));
        });
        assert_eq!(users_in_emulator(&aws), users_left);
        wait(0);
    }
}

#[test]
fn delayed_response_and_swapped_requests() {
    let aws = lock_and_reset(&MOTO);
    let proxy = FaultProxy::start_for_emulator(&aws);
    proxy.inject_fault(
        ProxyFault::add_delay("CreateUser", FaultPoint::After, Duration::from_millis(300)).limit_times(1),
    );
    let start = std::time::Instant::now();
    assert_eq!(run_through_proxy(&aws, &proxy, "print(make('a'))"), json!("a"));
    assert!(start.elapsed() >= Duration::from_millis(300));
    proxy.clear_disturbances();
    proxy.clear_requests();
    // A long timeout: on a busy machine the second request may come late.
    proxy.inject_fault(ProxyFault::swap_order("CreateUser", Duration::from_secs(60)));
    run_through_proxy(&aws, &proxy, "print(at_once('b', 'c'))");
    let arrived: Vec<_> = proxy.requests().iter().map(|request| request.parameter("UserName").to_owned()).collect();
    let mut took_effect: Vec<_> =
        proxy.committed_writes().iter().map(|request| request.parameter("UserName").to_owned()).collect();
    took_effect.reverse();
    assert_eq!(arrived, took_effect);
    proxy.clear_disturbances();
    proxy.inject_fault(ProxyFault::swap_order("CreateUser", Duration::from_millis(50)));
    assert_eq!(run_through_proxy(&aws, &proxy, "print(make('alone'))"), json!("alone"));
}

#[test]
fn stale_reads_end_after_the_lag_on_the_fast_clock() {
    for aws in lock_both() {
        let proxy = FaultProxy::start_for_emulator(&aws);
        // 30 s of the lag pass in 1 s.
        proxy.enable_stale_reads(Duration::from_secs(30), 30.0);
        let seen = run_through_proxy(
            &aws,
            &proxy,
            "
import time
seen = [make('a'), users(), make('b'), users()]
time.sleep(1.1)
print([*seen, users(), make('c'), users()])
",
        );
        assert_eq!(seen, json!(["a", [], "b", [], ["a", "b"], "c", ["a", "b"]]));
        assert_eq!(users_in_emulator(&aws), json!(["a", "b", "c"]));
        proxy.clear_disturbances();
        assert_eq!(run_through_proxy(&aws, &proxy, "print(users())"), json!(["a", "b", "c"]));
    }
}
