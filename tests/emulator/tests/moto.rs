//! The emulator starts, records calls, injects faults, and stops with its test.

use leasehold_emulator::{Emulator, Fault};
use serde_json::json;

#[test]
fn emulator_answers_and_resets() {
    let aws = Emulator::moto();
    let made = aws.boto3(
        "
        iam.create_user(UserName='x')
        print([user['UserName'] for user in iam.list_users()['Users']])
        ",
    );
    assert_eq!(made, json!(["x"]));
    aws.reset();
    assert_eq!(aws.boto3("print(iam.list_users()['Users'])"), json!([]));
    assert_eq!(aws.requests(), [], "calls of the test client are not recorded");
}

#[test]
fn faults_are_injected_and_calls_recorded() {
    let aws = Emulator::moto();
    aws.order(Fault::throttle("CreateUser").after(1).times(1));
    let seen = aws.boto3(&format!(
        "
        import boto3, botocore
        config = botocore.config.Config(retries={{'max_attempts': 0}})
        other = boto3.client('iam', endpoint_url='{}', region_name='us-east-1', aws_access_key_id='test',
                             aws_secret_access_key='test', config=config)
        seen = []
        for name in ['a', 'b', 'c']:
            try:
                other.create_user(UserName=name)
                seen.append('made')
            except Exception as error:
                seen.append(error.response['Error']['Code'])
        print(seen)
        ",
        aws.endpoint()
    ));
    assert_eq!(seen, json!(["made", "Throttling", "made"]));
    let names: Vec<_> = aws.requests().iter().map(|call| (call.parameters["UserName"].clone(), call.status)).collect();
    assert_eq!(names, [("a".to_owned(), Some(200)), ("b".to_owned(), Some(400)), ("c".to_owned(), Some(200))]);
    assert!(aws.requests().iter().all(leasehold_emulator::Request::writes));
    aws.clear_requests();
    assert_eq!(aws.calls("CreateUser"), 0);
}

#[test]
fn failing_snippet_panics_with_traceback() {
    let aws = Emulator::moto();
    let failed = std::panic::catch_unwind(|| aws.boto3("iam.get_user(UserName='nobody')"));
    let text = *failed.unwrap_err().downcast::<String>().unwrap();
    assert!(text.contains("NoSuchEntity"), "{text}");
}
