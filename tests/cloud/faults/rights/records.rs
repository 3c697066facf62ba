//! The printed policy for the bucket of records: it is sufficient for each purpose on an emulator that enforces it, even if answers are
//! lost; and each action on each record is necessary, as AWS evaluates it.

use leasehold_emulator::Emulator;
use leasehold_fault_proxy::{FaultPoint, FaultProxy, ProxyFault, RecordedRequest};
use serde_json::Value;

use crate::faults::authorized::{allowing, operator, printed, without};
use crate::faults::harness::copy;
use leasehold_test_harness::granted::{assert_granted, assert_needed, checked};
use leasehold_test_harness::{Ran, Stack};

fn head(prefix: &str, key: &str) -> String {
    format!(
        r#"leasehold {{
  stack = "records"
  backend "s3" {{
    bucket     = "records"
    prefix     = "iam/{prefix}"
    kms_key_id = "{key}"
    retention {{
      period = "1d"
    }}
  }}
  defaults {{
    ttl = "90d"
    leaver {{
      grace = "7d"
    }}
  }}
}}

provider "aws" {{
  region = "us-east-1"
}}

owner "jane" {{
  email = "jane@example.com"
}}

scope "hidden" {{
  statement {{
    actions   = ["s3:GetObject"]
    resources = [sensitive("arn:aws:s3:::hidden/*")]
  }}
}}

identity "reporter" {{
  kind   = "service"
  owner  = owner.jane
  scopes = [scope.hidden]
}}

identity "bot" {{
  kind  = "service"
  owner = owner.jane
}}
"#
    )
}

/// One purpose: a principal that has only the printed policy, and an administrator with full access.
struct RecordsScenario<'a> {
    aws: &'a Emulator,
    proxy: &'a FaultProxy,
    purpose: &'static str,
    key: String,
    stack: Stack,
    policy: Value,
    operator: Vec<(String, String)>,
    seen: Vec<RecordedRequest>,
}

impl<'a> RecordsScenario<'a> {
    fn new(aws: &'a Emulator, proxy: &'a FaultProxy, key: &str, purpose: &'static str) -> Self {
        aws.reset();
        let admin = operator(aws, proxy, "admin", &allowing(&["*"]));
        let stack = Stack::of(&head(purpose, key)).with_env(admin);
        let policy = printed(&stack, purpose);
        let operator = operator(aws, proxy, "operator", &policy);
        Self { aws, proxy, purpose, key: key.to_owned(), stack, policy, operator, seen: Vec::new() }
    }

    /// Runs a command with the printed policy, and asserts that nothing is refused.
    #[track_caller]
    fn run(&mut self, args: &[&str]) -> Ran {
        self.proxy.clear_requests();
        let stack = Stack::empty().with_env(self.operator.clone());
        copy(&self.stack.dir(), &stack.dir());
        let ran = stack.run(args);
        copy(&stack.dir(), &self.stack.dir());
        let requests = self.proxy.requests();
        let refused: Vec<&RecordedRequest> =
            requests.iter().filter(|request| request.client_status == Some(403)).collect();
        assert!(refused.is_empty(), "{}: refused {refused:#?}\n{ran}", self.purpose);
        self.seen.extend(requests);
        ran
    }

    /// The same, and the first attempt of each write to the bucket is lost.
    #[track_caller]
    fn run_losing(&mut self, point: FaultPoint, args: &[&str]) -> Ran {
        self.proxy.inject_fault(ProxyFault::close_connection("S3:PUT", point).limit_attempts(1));
        let ran = self.run(args);
        self.proxy.clear_disturbances();
        ran
    }

    /// Runs a command with the printed policy without one action on S3, and asserts that it fails because it is refused.
    #[track_caller]
    fn fails_without(&self, action: &str, args: &[&str]) {
        let policy = without(&self.policy, action);
        self.aws.boto3(&format!(
            "iam.put_user_policy(UserName='operator', PolicyName='operator', PolicyDocument=json.dumps({policy}))"
        ));
        self.proxy.clear_requests();
        let stack = Stack::empty().with_env(self.operator.clone());
        copy(&self.stack.dir(), &stack.dir());
        let ran = stack.run(args).expect(1);
        let is_refused =
            |request: &RecordedRequest| request.action.starts_with("S3:") && request.client_status == Some(403);
        assert!(self.proxy.requests().iter().any(is_refused), "{} without {action}: {ran}", self.purpose);
    }

    fn delete_records(&self, what: &str) {
        self.aws.boto3(&format!(
            "
            s3 = client('s3')
            listed = s3.list_objects_v2(Bucket='records', Prefix='iam/{}/{what}')['Contents']
            [s3.delete_object(Bucket='records', Key=found['Key']) for found in listed]
            ",
            self.purpose
        ));
    }

    /// Asserts that all requests to the bucket are granted as AWS evaluates them, and that everything that is granted was requested.
    fn end(self) {
        let asked = checked(&self.seen, Some(&self.key));
        assert_granted(&self.policy, &asked, self.purpose);
        assert_needed(&self.policy, &asked, self.purpose);
    }
}

#[test]
fn bucket_permissions_match_each_purpose() {
    let aws = Emulator::ministack_with_auth();
    let proxy = FaultProxy::start_for_emulator(&aws);
    let key = aws.boto3(
        "
        client('s3').create_bucket(Bucket='records', ObjectLockEnabledForBucket=True)
        print(client('kms').create_key()['KeyMetadata']['Arn'])
        ",
    );
    let key = key.as_str().unwrap();

    let mut plan = RecordsScenario::new(&aws, &proxy, key, "plan");
    plan.run_losing(FaultPoint::Before, &["plan", "--out", "saved.plan"]).expect(0);
    plan.run_losing(FaultPoint::After, &["plan", "--out", "saved.plan"]).expect(0);
    plan.fails_without("s3:PutObject", &["plan", "--out", "saved.plan"]);
    // Only then is there an entry that confirms the inventory.
    plan.stack.apply();
    plan.run(&["plan"]).expect(0);
    plan.end();

    let mut drift = RecordsScenario::new(&aws, &proxy, key, "drift");
    drift.run(&["drift"]).expect(2);
    drift.stack.apply();
    drift.aws.boto3("iam.delete_user_policy(UserName='bot', PolicyName='leasehold'); iam.delete_user(UserName='bot')");
    drift.run(&["drift"]).expect(2).says(&["identity.bot"]);
    for action in ["s3:GetObject", "s3:ListBucket"] {
        drift.fails_without(action, &["drift"]);
    }
    drift.end();

    let mut sweep = RecordsScenario::new(&aws, &proxy, key, "sweep");
    sweep.run(&["sweep", "--auto-approve"]).expect(0);
    sweep.stack.apply();
    sweep.delete_records("accounts.json");
    sweep.stack.expire_lease("bot");
    sweep.run_losing(FaultPoint::Before, &["sweep", "--auto-approve"]).expect(0).says(&["identity.bot"]);
    sweep.stack.cut("stack.hcl", "identity \"bot\"");
    sweep.stack.end_grace_periods();
    sweep.run_losing(FaultPoint::After, &["sweep", "--auto-approve"]).expect(0).says(&["identity.bot"]);
    for action in ["s3:GetObject", "s3:PutObject"] {
        sweep.fails_without(action, &["sweep", "--auto-approve"]);
    }
    sweep.end();

    let mut apply = RecordsScenario::new(&aws, &proxy, key, "apply");
    apply.run_losing(FaultPoint::Before, &["plan", "--out", "saved.plan"]).expect(0);
    apply.run(&["apply", "saved.plan", "--auto-approve"]).expect(0);
    apply.stack.cut("stack.hcl", "identity \"bot\"");
    apply.run_losing(FaultPoint::Before, &["apply", "--auto-approve"]).expect(0);
    apply.stack.end_grace_periods();
    apply.run_losing(FaultPoint::After, &["apply", "--auto-approve"]).expect(0);
    apply.run(&["revoke", "identity.reporter", "--reason", "leaked"]).expect(0);
    apply.run(&["restore", "identity.reporter", "--auto-approve"]).expect(0);
    for action in ["s3:GetObject", "s3:PutObject"] {
        apply.fails_without(action, &["apply", "--auto-approve"]);
    }
    apply.end();

    let mut audit = RecordsScenario::new(&aws, &proxy, key, "audit");
    audit.run(&["lock", "show"]).expect(0);
    audit.run(&["audit", "list"]).expect(0);
    audit.stack.apply();
    audit.stack.ok(&["revoke", "identity.bot", "--reason", "leaked"]);
    audit.run(&["audit", "verify"]).expect(0);
    audit.delete_records("evidence/");
    audit.run(&["audit", "verify"]).expect(1);
    audit.delete_records("inventory.json");
    audit.run(&["audit", "verify"]).expect(1);
    for action in ["s3:GetObject", "s3:ListBucket"] {
        audit.fails_without(action, &["audit", "verify"]);
    }
    audit.end();
}
