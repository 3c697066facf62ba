//! A bucket with object lock keeps what is written once; one without is refused before anything is written to the cloud.

use leasehold_emulator::Emulator;
use serde_json::Value;

use crate::records::{IDENTITIES, head};
use leasehold_test_harness::Stack;

const RETAINED: &str = r#"backend "s3" {
    bucket = "records"
    prefix = "iam/kept"
    retention {
      mode   = "compliance"
      period = "30d"
    }
  }"#;

fn stack(aws: &Emulator) -> Stack {
    Stack::of(&format!("{}{IDENTITIES}", head("kept", RETAINED))).with_env(aws.env())
}

#[test]
fn ledger_and_evidence_are_kept_and_the_lock_is_not() {
    let aws = Emulator::moto();
    aws.boto3("client('s3').create_bucket(Bucket='records', ObjectLockEnabledForBucket=True)");
    let stack = stack(&aws);
    stack.apply();
    stack.cut("stack.hcl", "identity \"old\"");
    stack.apply();
    stack.assert_converged();
    let kept = aws.boto3(
        r#"
        import datetime
        s3 = client('s3')
        kept = {}
        now = datetime.datetime.now(datetime.timezone.utc)
        for version in s3.list_object_versions(Bucket='records')['Versions']:
            head = s3.head_object(Bucket='records', Key=version['Key'], VersionId=version['VersionId'])
            part = version['Key'].removeprefix('iam/kept/').split('/')[0]
            until = head.get('ObjectLockRetainUntilDate')
            days = until and round((until - now).total_seconds() / 86400)
            kept.setdefault(part, []).append([head.get('ObjectLockMode'), days])
        print({part: sorted({json.dumps(how) for how in hows}) for part, hows in kept.items()})
        "#,
    );
    let hows = |part: &str| kept[part].as_array().cloned().unwrap_or_default();
    let retained = [Value::from(r#"["COMPLIANCE", 30]"#)];
    assert_eq!(hows("ledger"), retained, "{kept}");
    assert_eq!(hows("evidence"), retained, "{kept}");
    assert_eq!(hows("lock.json"), [Value::from("[null, null]")], "the lock changes: {kept}");
    stack.ok(&["audit", "verify"]);
}

#[test]
fn a_bucket_without_object_lock_is_refused_before_the_first_write() {
    let aws = Emulator::moto();
    aws.boto3("client('s3').create_bucket(Bucket='records')");
    let stack = stack(&aws);
    stack.run(&["apply", "--auto-approve"]).expect(1).says(&["s3://records/iam/kept", "object lock on", "retention"]);
    let writes: Vec<_> = aws.requests().into_iter().filter(leasehold_emulator::Request::writes).collect();
    assert!(writes.is_empty(), "{writes:?}");
}
