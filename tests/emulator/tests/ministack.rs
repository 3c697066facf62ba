//! ministack starts, restores saved states, answers from saved states, and enforces policies.

use leasehold_emulator::Emulator;
use serde_json::json;

const USERS: &str = "print([user['UserName'] for user in iam.list_users()['Users']])";

#[test]
fn both_emulators_restore_saved_states() {
    for aws in [Emulator::moto(), Emulator::ministack()] {
        aws.boto3("iam.create_user(UserName='x')");
        aws.save("one");
        aws.boto3("iam.create_user(UserName='y'); iam.delete_user(UserName='x')");
        aws.restore("one");
        assert_eq!(aws.boto3(USERS), json!(["x"]));
        aws.boto3("iam.delete_user(UserName='x')");
        aws.restore("one");
        assert_eq!(aws.boto3(USERS), json!(["x"]), "a saved state does not change");
        assert_eq!(
            aws.boto3("print(sts.get_caller_identity()['Account'])"),
            json!(Emulator::ACCOUNT.parse::<u64>().unwrap())
        );
        aws.reset();
        assert_eq!(aws.boto3(USERS), json!([]));
    }
}

#[test]
fn both_emulators_answer_from_saved_states() {
    for aws in [Emulator::moto(), Emulator::ministack()] {
        aws.boto3("iam.create_user(UserName='x')");
        aws.save("one");
        aws.boto3("iam.delete_user(UserName='x')");
        let seen = aws.boto3(&format!(
            "
            def headed(request, **_):
                request.headers['{}'] = 'one'
            iam.meta.events.register('before-sign.iam.*', headed, 'past')
            print([user['UserName'] for user in iam.list_users()['Users']])
            iam.meta.events.unregister('before-sign.iam.*', headed, 'past')
            ",
            leasehold_emulator::AS_OF
        ));
        assert_eq!(seen, json!(["x"]));
        assert_eq!(aws.boto3(USERS), json!([]), "the saved state and the current state differ");
    }
}

#[test]
fn enforced_policies_decide_the_calls_of_a_user() {
    let aws = Emulator::ministack_with_auth();
    let seen = aws.boto3(&format!(
        "
        import boto3
        iam.create_user(UserName='reader')
        policy = {{'Version': '2012-10-17', 'Statement': [{{'Effect': 'Allow', 'Action': 'iam:ListUsers', 'Resource': '*'}}]}}
        iam.put_user_policy(UserName='reader', PolicyName='p', PolicyDocument=json.dumps(policy))
        key = iam.create_access_key(UserName='reader')['AccessKey']
        other = boto3.client('iam', endpoint_url='{}', region_name='us-east-1', aws_access_key_id=key['AccessKeyId'],
                             aws_secret_access_key=key['SecretAccessKey'])
        seen = [user['UserName'] for user in other.list_users()['Users']]
        try:
            other.list_roles()
        except Exception as error:
            seen.append(error.response['Error']['Code'])
        print(seen)
        ",
        aws.endpoint()
    ));
    assert_eq!(seen, json!(["reader", "AccessDenied"]));
}
