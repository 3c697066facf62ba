//! The environment of a scenario: an emulator behind a proxy, and the state from which every run begins.

use std::path::{Path, PathBuf};

use leasehold_emulator::Emulator;
use leasehold_fault_proxy::{FaultProxy, RecordedRequest};
use serde_json::Value;

use crate::faults::account::Account;
use crate::faults::scenarios::Scenario;
use leasehold_test_harness::{Ran, Stack};

/// The kind of emulator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Moto,
    Ministack,
}

pub struct FaultHarness {
    pub kind: Kind,
    pub aws: Emulator,
    pub proxy: FaultProxy,
}

/// The initial state of a scenario: the account, saved in the emulator, and the stack with the change made to its files.
pub struct InitialState {
    template: Stack,
    pub account: Account,
}

/// The result of a run without faults.
pub struct FaultFreeRun {
    pub account: Account,
    /// The number of its requests.
    pub requests: u32,
}

impl FaultHarness {
    pub fn new(kind: Kind) -> Self {
        let aws = match kind {
            Kind::Moto => Emulator::moto(),
            Kind::Ministack => Emulator::ministack(),
        };
        let proxy = FaultProxy::start_for_emulator(&aws);
        Self { kind, aws, proxy }
    }

    /// Creates the initial state of a scenario. Its requests are not recorded.
    pub fn set(&self, scenario: &Scenario) -> InitialState {
        self.aws.reset();
        self.proxy.clear_disturbances();
        self.aws.boto3(UNMANAGED_OBJECTS);
        let template = Stack::of(&scenario.stack()).with_env(self.aws.env());
        if scenario.is_applied_first() {
            template.apply();
        }
        scenario.prepare(self, &template);
        scenario.change(&template);
        self.aws.save("start");
        InitialState { template, account: Account::of(&self.aws) }
    }

    /// Restores the initial state, and returns a copy of the stack that runs through the proxy.
    pub fn begin(&self, start: &InitialState) -> Stack {
        self.proxy.drop_held();
        self.proxy.wait_until_idle();
        self.proxy.clear_disturbances();
        self.aws.restore("start");
        self.proxy.clear_requests();
        let stack = Stack::empty().with_env(self.proxy.env());
        copy(&start.template.dir(), &stack.dir());
        stack
    }

    /// Runs a scenario without faults.
    pub fn reference(&self, start: &InitialState) -> FaultFreeRun {
        let stack = self.begin(start);
        stack.apply();
        let requests = u32::try_from(self.proxy.requests().len()).unwrap();
        let account = Account::of(&self.aws);
        assert_ne!(account, start.account, "a scenario changes something");
        stack.assert_converged();
        FaultFreeRun { account, requests }
    }

    /// Asserts that the account equals the reference, that the next plan is empty, and that the writes were in a safe order. Returns the
    /// number of writes that were checked. `seen` removes accepted differences.
    pub fn assert_reached_reference(
        &self,
        reference: &FaultFreeRun,
        start: &InitialState,
        stack: &Stack,
        seen: impl Fn(Account) -> Account,
        what: &str,
    ) -> usize {
        let (account, writes) = (Account::of(&self.aws), self.proxy.committed_writes());
        let what = format!("{what} on {:?}", self.kind);
        assert_same(&seen(account.timeless()), &seen(reference.account.timeless()), &what);
        let again: Ran = stack.run(&["plan", "--detailed-exitcode"]);
        assert_eq!(again.code, 0, "{what}: {again}");
        assert_delivered(&account, stack, &writes, &what);
        crate::faults::order::prove(&start.account, &account, &writes, seen, &what)
    }
}

/// Asserts for each identity with an entry in the store: it has the key that the entry names, active unless it is in quarantine; the secret
/// in the entry is the secret of that key; and no key that was not delivered is active.
fn assert_delivered(account: &Account, stack: &Stack, writes: &[RecordedRequest], what: &str) {
    let Ok(entries) = std::fs::read_dir(stack.path(".leasehold/secrets/vault")) else { return };
    let is_entry = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "json");
    for path in entries.map(|entry| entry.unwrap().path()).filter(is_entry) {
        let entry: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let name = path.file_stem().unwrap().to_str().unwrap();
        let user = &account.principals[&format!("user/{name}")];
        let working = if user.tags.contains_key("leasehold:quarantined-at") { "Inactive" } else { "Active" };
        let id = entry["AccessKeyId"].as_str().unwrap();
        assert_eq!(user.keys.get(id).map(String::as_str), Some(working), "{what}: the delivered key of {name}");
        let delivered = entry["Leasehold"]["keys"].as_object().unwrap();
        assert_eq!(
            user.keys.keys().collect::<Vec<_>>(),
            delivered.keys().collect::<Vec<_>>(),
            "{what}: the keys of {name}"
        );
        let issued = writes
            .iter()
            .filter_map(|write| write.response.as_ref())
            .find(|it| it.element_text("AccessKeyId") == Some(id));
        if let Some(answer) = issued {
            assert_eq!(
                entry["SecretAccessKey"].as_str(),
                answer.element_text("SecretAccessKey"),
                "{what}: the secret of {name}"
            );
        }
    }
}

fn assert_same(account: &Account, reference: &Account, what: &str) {
    if account != reference {
        let (left, right) = (format!("{reference:#?}"), format!("{account:#?}"));
        let changes = similar::TextDiff::from_lines(&left, &right).unified_diff().context_radius(6).to_string();
        panic!("{what}: it ended elsewhere than the reference:\n{changes}");
    }
}

/// Objects of others, with names similar to ours, and two policies used as boundaries.
const UNMANAGED_OBJECTS: &str = "
    allow = json.dumps({'Version': '2012-10-17', 'Statement': [{'Effect': 'Allow', 'Action': 's3:*', 'Resource': '*'}]})
    trust = json.dumps({'Version': '2012-10-17', 'Statement': [
        {'Effect': 'Allow', 'Action': 'sts:AssumeRole', 'Principal': {'Service': 'ec2.amazonaws.com'}}]})
    iam.create_user(UserName='reporter-of-others')
    iam.create_access_key(UserName='reporter-of-others')
    iam.put_user_policy(UserName='reporter-of-others', PolicyName='leasehold', PolicyDocument=allow)
    iam.create_role(RoleName='ci-of-others', AssumeRolePolicyDocument=trust)
    iam.create_policy(PolicyName='faults.read-of-others', PolicyDocument=allow)
    for name, actions in [('one', ['s3:Get*', 's3:Put*']), ('two', ['s3:GetObject', 's3:Delete*', 's3:ListBucket', 's3:PutObject', 's3:Abort*'])]:
        iam.create_policy(PolicyName='edge-' + name, PolicyDocument=json.dumps({'Version': '2012-10-17', 'Statement': [
            {'Effect': 'Allow', 'Action': actions, 'Resource': '*'}]}))
";

/// Copies a directory recursively.
pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
