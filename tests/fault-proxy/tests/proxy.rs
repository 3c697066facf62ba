//! The proxy itself: it passes on, disturbs as ordered, answers from the past, and records.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a failure here is a failure of the test"
)]

use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use leasehold_emulator::Emulator;
use leasehold_fault_proxy::{Fault, FaultProxy, Point, Request};
use serde_json::{Value, json};

/// Runs a snippet with `make(name)` and `users()` going through the proxy, each giving what it got or how it failed; `fast` runs many at once.
fn through(aws: &Emulator, proxy: &FaultProxy, snippet: &str) -> Value {
    aws.boto3(&format!(
        "
import boto3, botocore, concurrent.futures
config = botocore.config.Config(retries={{'max_attempts': 0}}, max_pool_connections=4)
other = boto3.client('iam', endpoint_url='{}', region_name='us-east-1', aws_access_key_id='test',
                     aws_secret_access_key='test', config=config)
def told(call):
    try:
        return call()
    except botocore.exceptions.ClientError as error:
        return error.response['Error']['Code']
    except botocore.exceptions.HTTPClientError as error:
        return 'no answer'
def make(name):
    return told(lambda: other.create_user(UserName=name)['User']['UserName'])
def users():
    return told(lambda: [user['UserName'] for user in other.list_users()['Users']])
def at_once(*names):
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        return list(pool.map(make, names))
{snippet}
",
        proxy.endpoint()
    ))
}

fn there(aws: &Emulator) -> Value {
    aws.boto3("print(sorted(user['UserName'] for user in iam.list_users()['Users']))")
}

/// One of each kind for all tests, one test at a time, each on an empty account. They end with this process.
static MOTO: LazyLock<Mutex<Emulator>> = LazyLock::new(|| Mutex::new(Emulator::moto()));
static MINISTACK: LazyLock<Mutex<Emulator>> = LazyLock::new(|| Mutex::new(Emulator::ministack()));

fn empty(emulator: &'static Mutex<Emulator>) -> MutexGuard<'static, Emulator> {
    let emulator = emulator.lock().unwrap_or_else(PoisonError::into_inner);
    emulator.reset();
    emulator
}

fn both() -> [MutexGuard<'static, Emulator>; 2] {
    [empty(&MOTO), empty(&MINISTACK)]
}

#[test]
fn without_faults_it_passes_on_and_records() {
    for aws in both() {
        let proxy = FaultProxy::in_front_of(&aws);
        assert_eq!(
            through(&aws, &proxy, "print([make('a'), make('a'), users()])"),
            json!(["a", "EntityAlreadyExists", ["a"]])
        );
        let requests = proxy.requests();
        let seen: Vec<_> = requests.iter().map(|r| (r.action.as_str(), r.committed(), r.told, r.writes())).collect();
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
        assert_eq!(first.answer.as_ref().unwrap().element("UserName"), Some("a"));
        assert_eq!(proxy.writes().len(), 1);
        proxy.forget();
        assert_eq!(proxy.requests(), []);
    }
}

#[test]
fn answers_are_lost_and_errors_told_before_and_after_the_fact() {
    for aws in both() {
        let proxy = FaultProxy::in_front_of(&aws);
        proxy.order(Fault::lose("CreateUser", Point::After).times(1));
        proxy.order(Fault::lose("CreateUser", Point::Before).times(1));
        proxy.order(Fault::error("CreateUser", 500, "ServiceFailure").times(1));
        proxy.order(Fault::error_after("CreateUser", 500, "ServiceFailure").times(1));
        let told = through(&aws, &proxy, "print([make(name) for name in 'abcde'])");
        assert_eq!(told, json!(["no answer", "no answer", "ServiceFailure", "ServiceFailure", "e"]));
        assert_eq!(there(&aws), json!(["a", "d", "e"]));
        let committed: Vec<bool> = proxy.requests().iter().map(Request::committed).collect();
        assert_eq!(committed, [true, false, false, true, true]);
        let told: Vec<_> = proxy.requests().iter().map(|request| request.told).collect();
        assert_eq!(told, [None, None, Some(500), Some(500), Some(200)]);
    }
}

#[test]
fn each_request_is_throttled_so_often_and_only_those_meant() {
    let aws = empty(&MOTO);
    let proxy = FaultProxy::in_front_of(&aws);
    proxy.order(Fault::throttle("CreateUser").of_each(2));
    let told =
        through(&aws, &proxy, "print([make('a'), make('b'), make('a'), users(), make('a'), make('b'), make('a')])");
    assert_eq!(told, json!(["Throttling", "Throttling", "Throttling", [], "a", "Throttling", "Throttling"]));
    proxy.heal();
    proxy.order(Fault::throttle("*").after(1).times(1));
    assert_eq!(through(&aws, &proxy, "print([make('x'), make('y'), make('y')])"), json!(["x", "Throttling", "y"]));
}

#[test]
fn losses_by_chance_are_the_same_for_the_same_seed() {
    let aws = empty(&MOTO);
    let lost = |seed| {
        aws.reset();
        let proxy = FaultProxy::in_front_of(&aws);
        proxy.order(Fault::lose("*", Point::After).by_chance(0.2, seed));
        through(&aws, &proxy, "print([make(f'u{n}') == 'no answer' for n in range(24)])")
    };
    let (one, other) = (lost(1), lost(2));
    assert_eq!(one, lost(1));
    assert_ne!(one, other);
    let count = one.as_array().unwrap().iter().filter(|lost| **lost == json!(true)).count();
    assert!((1..12).contains(&count), "{count} of 24");
}

#[test]
fn what_is_held_waits_until_it_is_let_go_or_dropped() {
    let aws = empty(&MOTO);
    let proxy = FaultProxy::in_front_of(&aws);
    proxy.order(Fault::hold("CreateUser", Point::Before).after(1).times(1));
    let wait = |count| {
        while proxy.held() != count {
            std::thread::sleep(Duration::from_millis(5));
        }
    };
    std::thread::scope(|scope| {
        let told = scope.spawn(|| through(&aws, &proxy, "print([make('a'), make('b')])"));
        wait(1);
        assert_eq!(there(&aws), json!(["a"]));
        proxy.let_go();
        assert_eq!(told.join().unwrap(), json!(["a", "b"]));
    });
    for (point, told_of, left) in [(Point::Before, "c", json!(["a", "b"])), (Point::After, "d", json!(["a", "b", "d"]))]
    {
        proxy.order(Fault::hold("CreateUser", point).times(1));
        std::thread::scope(|scope| {
            let told = scope.spawn(|| through(&aws, &proxy, &format!("print(make('{told_of}'))")));
            wait(1);
            proxy.drop_held();
            assert_eq!(told.join().unwrap(), json!("no answer"));
        });
        assert_eq!(there(&aws), left);
        wait(0);
    }
}

#[test]
fn a_stall_takes_its_time_and_two_at_once_are_swapped() {
    let aws = empty(&MOTO);
    let proxy = FaultProxy::in_front_of(&aws);
    proxy.order(Fault::stall("CreateUser", Point::After, Duration::from_millis(300)).times(1));
    let start = std::time::Instant::now();
    assert_eq!(through(&aws, &proxy, "print(make('a'))"), json!("a"));
    assert!(start.elapsed() >= Duration::from_millis(300));
    proxy.heal();
    proxy.forget();
    // The machine may be busy: the second is waited for.
    proxy.order(Fault::swap("CreateUser", Duration::from_secs(60)));
    through(&aws, &proxy, "print(at_once('b', 'c'))");
    let came: Vec<_> = proxy.requests().iter().map(|request| request.parameter("UserName").to_owned()).collect();
    let mut took_effect: Vec<_> =
        proxy.writes().iter().map(|request| request.parameter("UserName").to_owned()).collect();
    took_effect.reverse();
    assert_eq!(came, took_effect);
    proxy.heal();
    proxy.order(Fault::swap("CreateUser", Duration::from_millis(50)));
    assert_eq!(through(&aws, &proxy, "print(make('alone'))"), json!("alone"));
}

#[test]
fn reads_lag_behind_for_so_long_on_the_proxys_clock() {
    for aws in both() {
        let proxy = FaultProxy::in_front_of(&aws);
        // 30 s go by in one.
        proxy.lag_behind(Duration::from_secs(30), 30.0);
        let seen = through(
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
        assert_eq!(there(&aws), json!(["a", "b", "c"]));
        proxy.heal();
        assert_eq!(through(&aws, &proxy, "print(users())"), json!(["a", "b", "c"]));
    }
}
