//! Both emulators reject what AWS rejects: a wrong signature, a payload that differs from the signed one, invalid credentials.

use leasehold_emulator::Emulator;
use serde_json::json;

/// The cases of `tampered.py`, with the responses of S3 and IAM, or of S3 alone.
const ANSWERS: &str = "\
signed well: 200; 200
key of a user: 200; 200
session: 200; 200
14 minutes old: 200; 200
hash of an empty body: 400 XAmzContentSHA256Mismatch; 403 SignatureDoesNotMatch
altered signature: 403 SignatureDoesNotMatch; 403 SignatureDoesNotMatch
other secret: 403 SignatureDoesNotMatch; 403 SignatureDoesNotMatch
altered body: 400 XAmzContentSHA256Mismatch; 403 SignatureDoesNotMatch
altered header: 403 SignatureDoesNotMatch; 403 SignatureDoesNotMatch
added header: 403 AccessDenied; 403 SignatureDoesNotMatch
altered query: 403 SignatureDoesNotMatch; 403 SignatureDoesNotMatch
host not signed: 403 AccessDenied; 403 SignatureDoesNotMatch
session without token: 403 InvalidAccessKeyId; 403 InvalidClientTokenId
token not signed: 403 AccessDenied; 403 SignatureDoesNotMatch
other token: 400 InvalidToken; 403 InvalidClientTokenId
user with token: 400 InvalidToken; 403 InvalidClientTokenId
unknown key: 403 InvalidAccessKeyId; 403 InvalidClientTokenId
inactive key: 403 InvalidAccessKeyId; 403 InvalidClientTokenId
16 minutes old: 403 RequestTimeTooSkewed; 403 SignatureDoesNotMatch
16 minutes ahead: 403 RequestTimeTooSkewed; 403 SignatureDoesNotMatch
other region: 400 AuthorizationHeaderMalformed; 403 SignatureDoesNotMatch
no region: 403 SignatureDoesNotMatch; 403 SignatureDoesNotMatch
other service: 403 SignatureDoesNotMatch; 403 SignatureDoesNotMatch
no authorization: 403 AccessDenied; 403 MissingAuthenticationToken
malformed authorization: 400 AuthorizationHeaderMalformed; 400 IncompleteSignature
wrong MD5: 400 BadDigest; 400 BadDigest
wrong SHA-256: 400 BadDigest; 400 BadDigest
altered key: 403 SignatureDoesNotMatch
key with spaces: 200
key not encoded: 403 SignatureDoesNotMatch
no hash: 400 InvalidRequest
payload not signed: 400 XAmzContentSHA256Mismatch
algorithm without checksum: 400 InvalidRequest
retention without checksum: 400 InvalidRequest
bucket of another region: 400 AuthorizationHeaderMalformed
the region of the bucket: 200
head: 403
";

#[test]
fn both_emulators_reject_what_aws_rejects() {
    for aws in [Emulator::moto(), Emulator::ministack()] {
        let answers: Vec<String> = serde_json::from_value(aws.boto3(include_str!("tampered.py"))).unwrap();
        assert_eq!(answers, ANSWERS.lines().collect::<Vec<_>>());
    }
}

#[test]
fn each_request_is_recorded_with_its_verdict() {
    for aws in [Emulator::moto(), Emulator::ministack()] {
        aws.boto3(&format!(
            "
            import boto3, botocore
            config = botocore.config.Config(retries={{'max_attempts': 0}})
            def other(service, secret):
                return boto3.client(service, endpoint_url='{}', region_name='us-east-1', aws_access_key_id='test',
                                    aws_secret_access_key=secret, config=config)
            other('iam', 'test').list_users()
            for service, call in ('iam', 'list_users'), ('s3', 'list_buckets'):
                try:
                    getattr(other(service, 'wrong'), call)()
                except botocore.exceptions.ClientError as error:
                    assert error.response['Error']['Code'] == 'SignatureDoesNotMatch', error
            unsigned = botocore.config.Config(signature_version=botocore.UNSIGNED)
            sts = boto3.client('sts', endpoint_url='{}', region_name='us-east-1', config=unsigned)
            trust = {{'Version': '2012-10-17', 'Statement': []}}
            role = iam.create_role(RoleName='r', AssumeRolePolicyDocument=json.dumps(trust))['Role']['Arn']
            try:
                sts.assume_role_with_web_identity(RoleArn=role, RoleSessionName='session', WebIdentityToken='token')
            except botocore.exceptions.ClientError as error:
                assert error.response['Error']['Code'] != 'MissingAuthenticationToken', error
            ",
            aws.endpoint(),
            aws.endpoint()
        ));
        let problem = "SignatureDoesNotMatch: The request signature we calculated does not match the signature you provided. \
                       Check your key and signing method.";
        assert_eq!(json!(aws.signatures()), json!({ "anonymous": 1, "valid": 1, problem: 2 }));
    }
}
