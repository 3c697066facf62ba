//! The printed policy of each purpose is sufficient for each chapter of a lifecycle, and each of its actions is necessary: without the
//! action, a command of some chapter fails.
//!
//! Every action that any printed policy grants for a purpose is listed in a chapter that needs it. `LEASEHOLD_RIGHTS=all` removes each
//! action in turn. Otherwise one action of each chapter is removed, for one of its purposes.

mod chapters;
mod purposes;
mod records;
mod stacks;

use std::collections::BTreeSet;

use leasehold_emulator::Emulator;
use leasehold_fault_proxy::{FaultProxy, RecordedRequest};
use serde_json::Value;

use crate::faults::authorized::{actions, allowing, operator, printed, without};
use crate::faults::declared::HEAD;
use crate::faults::harness::{Kind, copy};
use leasehold_test_harness::{Ran, Stack};
/// A part of a lifecycle. It begins with the setup of the account, and ends with the last run.
pub struct PermissionScenario {
    pub name: &'static str,
    /// The emulator: ministack, or moto for features that ministack lacks.
    pub on: Kind,
    /// The purposes whose policies it is run with.
    pub purposes: &'static [&'static str],
    /// The actions that it proves necessary. An action that several chapters need is listed in one of them.
    pub shows: &'static [&'static str],
    /// The largest configuration of the chapter, for which the policy is printed.
    pub stack: &'static str,
    /// The preparation, by an administrator with full access.
    pub before: fn(&PermissionHarness),
    /// What is done with the printed policy, in the state that `before` left.
    pub play: fn(&PermissionHarness) -> Result<(), Ran>,
}

/// All chapters.
fn chapters() -> impl Iterator<Item = &'static PermissionScenario> {
    chapters::CHAPTERS.iter().chain(purposes::CHAPTERS)
}

/// An account that enforces policies, and a stack in it.
pub struct PermissionHarness {
    pub kind: Kind,
    pub aws: Emulator,
    pub proxy: FaultProxy,
    pub stack: Stack,
    /// The purpose of the policy.
    purpose: &'static str,
    /// The environments of an administrator with full access, and of the principal with the printed policy.
    admin: Vec<(String, String)>,
    operator: Vec<(String, String)>,
}

impl PermissionHarness {
    fn new(kind: Kind) -> Self {
        let aws = match kind {
            Kind::Moto => Emulator::moto_with_auth(),
            Kind::Ministack => Emulator::ministack_with_auth(),
        };
        let proxy = FaultProxy::start_for_emulator(&aws);
        Self { kind, aws, proxy, stack: Stack::empty(), purpose: "apply", admin: Vec::new(), operator: Vec::new() }
    }

    /// Prepares the account for a chapter.
    fn begin(&mut self, chapter: &PermissionScenario) {
        self.aws.reset();
        self.admin = operator(&self.aws, &self.proxy, "admin", &allowing(&["iam:*", "sts:*"]));
        self.operator = operator(&self.aws, &self.proxy, "operator", &allowing(&["sts:GetCallerIdentity"]));
        self.stack = Stack::of(&whole(chapter.stack)).with_env(self.admin.clone());
        (chapter.before)(self);
        self.aws.save("chapter");
    }

    /// Runs a chapter from its beginning with this policy, and returns its result.
    fn play(&mut self, chapter: &PermissionScenario, policy: &Value) -> Result<(), Ran> {
        self.proxy.clear_disturbances();
        self.aws.restore("chapter");
        self.proxy.clear_requests();
        let policy = match self.kind {
            Kind::Ministack => policy.clone(),
            // moto evaluates neither resources nor conditions, so it can only show whether an action is necessary.
            Kind::Moto => allowing(&actions(policy).iter().map(String::as_str).collect::<Vec<_>>()),
        };
        self.aws.boto3(&format!(
            "iam.put_user_policy(UserName='operator', PolicyName='operator', PolicyDocument=json.dumps({policy}))"
        ));
        let began = std::mem::replace(&mut self.stack, Stack::empty().with_env(self.operator.clone()));
        copy(&began.dir(), &self.stack.dir());
        let ended = (chapter.play)(self);
        self.stack = began;
        ended
    }

    /// The stack for which a chapter's policy is printed.
    fn stack_at_its_largest(&self, chapter: &PermissionScenario) -> Stack {
        let stack = Stack::empty();
        copy(&self.stack.dir(), &stack.dir());
        stack.write("stack.hcl", &whole(chapter.stack));
        stack
    }

    /// Runs a chapter with the printed policy, which must be sufficient, and without each of these actions. Returns the actions without
    /// which nothing failed, or whose absence did not cause a refusal.
    fn run_without_each_action(
        &mut self,
        chapter: &PermissionScenario,
        purpose: &'static str,
        taken: &[&'static str],
    ) -> Vec<&'static str> {
        self.begin(chapter);
        self.purpose = purpose;
        let policy = printed(&self.stack_at_its_largest(chapter), purpose);
        let ended = self.play(chapter, &policy);
        let asked = self.asked(|_| true);
        ended.unwrap_or_else(|ran| {
            panic!("{}: the policy for {purpose} is not enough: {ran}\n{policy:#}", chapter.name)
        });
        let refused = self.asked(|request| request.client_status == Some(403));
        assert_eq!(refused, BTreeSet::new(), "{} with the policy for {purpose}", chapter.name);
        assert_eq!(asked.difference(&actions(&policy)).collect::<Vec<_>>(), Vec::<&String>::new(), "{}", chapter.name);
        let goes_without = |action: &&&str| {
            let action = format!("iam:{action}");
            let ended = self.play(chapter, &without(&policy, &action));
            let refused = self.asked(|request| request.client_status == Some(403));
            ended.is_ok() || !refused.contains(&action)
        };
        taken.iter().filter(goes_without).copied().collect()
    }

    /// The actions of the recorded requests for which `is_meant` is true.
    fn asked(&self, is_meant: impl Fn(&RecordedRequest) -> bool) -> BTreeSet<String> {
        let meant = self.proxy.requests().into_iter().filter(|it| it.action != "GetCallerIdentity" && is_meant(it));
        meant.map(|request| format!("iam:{}", request.action)).collect()
    }

    /// Replaces the configuration of the stack.
    pub fn declare(&self, what: &str) {
        self.stack.write("stack.hcl", &whole(what));
    }

    pub fn apply(&self) -> Result<(), Ran> {
        self.run(&["apply", "--auto-approve"])
    }

    pub fn run(&self, args: &[&str]) -> Result<(), Ran> {
        ended(self.stack.run(args))
    }

    /// The command of the purpose.
    pub fn command(&self) -> &'static [&'static str] {
        match self.purpose {
            "plan" => &["plan"],
            "drift" => &["drift"],
            "sweep" => &["sweep", "--auto-approve"],
            other => panic!("no chapter looks with the policy for {other}"),
        }
    }

    /// Runs that command.
    pub fn look(&self) -> Result<(), Ran> {
        self.ended(self.stack.run(self.command()))
    }

    /// The result of a run. The exit code for drift does not count as a failure of `drift`.
    pub fn ended(&self, ran: Ran) -> Result<(), Ran> {
        if self.purpose == "drift" && ran.code == 2 { Ok(()) } else { ended(ran) }
    }
}

fn ended(ran: Ran) -> Result<(), Ran> {
    if ran.code == 0 { Ok(()) } else { Err(ran) }
}

/// A complete configuration: this text, and the owner and the scopes that all have.
fn whole(what: &str) -> String {
    format!("{HEAD}{what}")
}

#[test]
fn every_action_is_shown_by_one_chapter() {
    for purpose in ["plan", "drift", "sweep", "apply"] {
        let whole = Stack::empty().ok(&["provider", "aws-policy", "--stack", "faults", "--for", purpose]).json();
        let of_purpose = chapters().filter(|chapter| chapter.purposes.contains(&purpose));
        let shown: Vec<String> = of_purpose.flat_map(|it| it.shows).map(|action| format!("iam:{action}")).collect();
        let once: BTreeSet<String> = shown.iter().cloned().collect();
        assert_eq!(once, actions(&whole), "{purpose}");
        assert_eq!(once.len(), shown.len(), "{purpose}: once is enough");
    }
}

#[test]
fn each_action_of_the_printed_policy_is_needed_on_ministack() {
    check_without_each_action(Kind::Ministack);
}

#[test]
fn each_action_of_the_printed_policy_is_needed_on_moto() {
    check_without_each_action(Kind::Moto);
}

/// Runs chapters with their printed policy, and with one action less.
fn check_without_each_action(kind: Kind) {
    let all = std::env::var("LEASEHOLD_RIGHTS").as_deref() == Ok("all");
    let mut place = PermissionHarness::new(kind);
    let (mut tried, mut count, mut needless) = (0, 0, Vec::new());
    for (number, chapter) in chapters().filter(|chapter| chapter.on == kind).enumerate() {
        count += chapter.shows.len() * chapter.purposes.len();
        // If not all actions are removed, the number of the chapter selects the action, so that every run is the same.
        let (one, other) = (number % chapter.shows.len(), number % chapter.purposes.len());
        let taken: Vec<&str> = if all { chapter.shows.to_vec() } else { vec![chapter.shows[one]] };
        for purpose in if all { chapter.purposes } else { &chapter.purposes[other..=other] } {
            tried += taken.len();
            let without_it = place.run_without_each_action(chapter, purpose, &taken);
            needless.extend(without_it.into_iter().map(|action| (chapter.name, *purpose, action)));
        }
    }
    println!("{tried} of {count} actions were taken away on {kind:?}, one by one");
    assert_eq!(needless, Vec::new(), "nothing failed without them");
}
