//! What the drift job costs: a page for each thousand objects and a report, not a call for each identity.

use std::fmt::Write as _;

use leasehold_emulator::Emulator;

use super::writes;
use leasehold_test_harness::Stack;

/// What the drift job may cost an account, in calls.
const BOUND: usize = 20;

/// How many, unless the environment says otherwise: more users than are asked for their keys one by one.
fn count(name: &str, unless_told: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(unless_told)
}

/// Identities in blocks of a thousand, which is what `range` gives at most.
fn crowd(users: usize, roles: usize) -> String {
    let mut text = "leasehold {\n  stack = \"crowd\"\n}\nprovider \"aws\" {\n  region = \"us-east-1\"\n}\nowner \"jane\" {\n  email = \"jane@example.com\"\n}\n".to_owned();
    let trust = "  trust \"service\" {\n    principals = [\"lambda.amazonaws.com\"]\n  }\n";
    for (kind, total, inner) in [("service", users, ""), ("workload", roles, trust)] {
        for (block, start) in (0..total).step_by(1000).enumerate() {
            let end = (start + 1000).min(total);
            write!(
                text,
                "identity \"{kind}_{block}\" {{\n  for_each = toset([for n in range({start}, {end}) : format(\"%05d\", n)])\n  \
                 name     = \"{kind}-${{each.key}}\"\n  kind     = \"{kind}\"\n  owner    = owner.jane\n  ttl      = \"90d\"\n{inner}}}\n"
            )
            .unwrap();
        }
    }
    text
}

/// `LEASEHOLD_DRIFT_USERS=5000 LEASEHOLD_DRIFT_ROLES=1000` is the size that was promised.
#[test]
fn the_drift_job_reads_an_account_in_a_few_calls() {
    let (users, roles) = (count("LEASEHOLD_DRIFT_USERS", 101), count("LEASEHOLD_DRIFT_ROLES", 10));
    let aws = Emulator::moto();
    let stack = Stack::of(&crowd(users, roles)).with_env(aws.env());
    stack.ok(&["apply", "--auto-approve", "--parallelism", "32"]);
    aws.clear_requests();
    stack.run(&["drift"]).expect(0).says(&["In sync", &format!("{} identities", users + roles)]);
    let calls = aws.requests().len();
    assert!(calls <= BOUND, "{calls} calls: {:?}", aws.counts());
    assert_eq!(writes(&aws), 0);
    if users + roles > 1000 {
        eprintln!("{users} users, {roles} roles: {calls} calls, {:?}", aws.counts());
    }
    // The emulator gives all in one page where AWS gives a thousand objects: what AWS takes is counted here.
    let pages = (users + roles).div_ceil(1000) + roles.div_ceil(1000);
    let beside = calls - aws.calls("GetAccountAuthorizationDetails") - aws.calls("ListRoles");
    assert!(pages + beside <= BOUND, "{pages} pages and {beside} other calls");

    // One stray key costs the questions about its holder, and is found.
    aws.boto3("iam.create_access_key(UserName='service-00007')");
    aws.clear_requests();
    stack.run(&["drift"]).expect(2).says(&["service_0", "unmanaged credential"]);
    assert!(aws.requests().len() <= BOUND, "{:?}", aws.counts());
}
