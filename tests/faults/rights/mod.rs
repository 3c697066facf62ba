//! The printed policy is enough for each chapter of a life, and each action of it is needed by one: taken away, a step fails.
//!
//! Every action that the policy of some stack grants stands with a chapter that shows it. `LEASEHOLD_RIGHTS=all` takes away each in turn;
//! else two on each emulator, others each day.

mod chapters;
mod stacks;

use std::collections::BTreeSet;

use leasehold_emulator::Emulator;
use leasehold_fault_proxy::{FaultProxy, RecordedRequest};
use serde_json::Value;

use crate::authorized::{actions, allowing, operator, printed, without};
use crate::declared::HEAD;
use crate::stage::{Kind, copy};
use crate::support::{Ran, Stack};
use chapters::CHAPTERS;

/// A part of a life. What it takes begins where the account is set up, and ends with the last run.
pub struct Chapter {
    pub name: &'static str,
    /// Where it is played: on ministack, or on moto what ministack does not have.
    pub on: Kind,
    /// The actions that it shows to be needed. One that several chapters take stands with one of them.
    pub shows: &'static [&'static str],
    /// The files at their largest: what the policy is printed for.
    pub stack: &'static str,
    /// What comes before, done by somebody who may do everything.
    pub before: fn(&Place),
    /// What is done with the printed policy, in a stack that stands as `before` left it.
    pub play: fn(&Place) -> Result<(), Ran>,
}

/// An account that enforces policies, and a stack in it.
pub struct Place {
    pub kind: Kind,
    pub aws: Emulator,
    pub proxy: FaultProxy,
    pub stack: Stack,
    /// The environments of somebody who may do everything, and of whom the policy is for.
    admin: Vec<(String, String)>,
    operator: Vec<(String, String)>,
}

impl Place {
    fn new(kind: Kind) -> Self {
        let aws = match kind {
            Kind::Moto => Emulator::moto_with_auth(),
            Kind::Ministack => Emulator::ministack_with_auth(),
        };
        let proxy = FaultProxy::start_for_emulator(&aws);
        Self { kind, aws, proxy, stack: Stack::empty(), admin: Vec::new(), operator: Vec::new() }
    }

    /// Sets the account up for a chapter.
    fn begin(&mut self, chapter: &Chapter) {
        self.aws.reset();
        self.admin = operator(&self.aws, &self.proxy, "admin", &allowing(&["iam:*", "sts:*"]));
        self.operator = operator(&self.aws, &self.proxy, "operator", &allowing(&["sts:GetCallerIdentity"]));
        self.stack = Stack::of(&whole(chapter.stack)).with_env(self.admin.clone());
        (chapter.before)(self);
        self.aws.save("chapter");
    }

    /// Plays a chapter with this policy, from its beginning. Gives how it ended.
    fn play(&mut self, chapter: &Chapter, policy: &Value) -> Result<(), Ran> {
        self.proxy.clear_disturbances();
        self.aws.restore("chapter");
        self.proxy.clear_requests();
        let policy = match self.kind {
            Kind::Ministack => policy.clone(),
            // Moto knows neither what an action is about nor conditions: it can say of actions alone whether they are needed.
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
    fn stack_at_its_largest(&self, chapter: &Chapter) -> Stack {
        let stack = Stack::empty();
        copy(&self.stack.dir(), &stack.dir());
        stack.write("stack.hcl", &whole(chapter.stack));
        stack
    }

    /// Plays a chapter with the printed policy, which must be enough, and without each of these actions. Gives those without which nothing
    /// failed, or that were not refused.
    fn take_each_away(&mut self, chapter: &Chapter, taken: &[&'static str]) -> Vec<&'static str> {
        self.begin(chapter);
        let policy = printed(&self.stack_at_its_largest(chapter), "apply");
        let ended = self.play(chapter, &policy);
        let asked = self.asked(|_| true);
        ended.unwrap_or_else(|ran| panic!("{}: the printed policy is not enough: {ran}\n{policy:#}", chapter.name));
        assert_eq!(asked.difference(&actions(&policy)).collect::<Vec<_>>(), Vec::<&String>::new(), "{}", chapter.name);
        let goes_without = |action: &&&str| {
            let action = format!("iam:{action}");
            let ended = self.play(chapter, &without(&policy, &action));
            let refused = self.asked(|request| request.client_status == Some(403));
            ended.is_ok() || !refused.contains(&action)
        };
        taken.iter().filter(goes_without).copied().collect()
    }

    /// The actions of the requests that were made of a sort.
    fn asked(&self, is_meant: impl Fn(&RecordedRequest) -> bool) -> BTreeSet<String> {
        let meant = self.proxy.requests().into_iter().filter(|it| it.action != "GetCallerIdentity" && is_meant(it));
        meant.map(|request| format!("iam:{}", request.action)).collect()
    }

    /// Writes what the stack declares from now on.
    pub fn declare(&self, what: &str) {
        self.stack.write("stack.hcl", &whole(what));
    }

    pub fn apply(&self) -> Result<(), Ran> {
        self.run(&["apply", "--auto-approve"])
    }

    pub fn run(&self, args: &[&str]) -> Result<(), Ran> {
        let ran = self.stack.run(args);
        if ran.code == 0 { Ok(()) } else { Err(ran) }
    }
}

/// A stack that declares this besides the owner and the scopes that all have.
fn whole(what: &str) -> String {
    format!("{HEAD}{what}")
}

#[test]
fn every_action_is_shown_by_one_chapter() {
    let whole = Stack::empty().ok(&["provider", "aws-policy", "--stack", "faults"]).json();
    let shown: Vec<String> = CHAPTERS.iter().flat_map(|it| it.shows).map(|action| format!("iam:{action}")).collect();
    let once: BTreeSet<String> = shown.iter().cloned().collect();
    assert_eq!(once, actions(&whole));
    assert_eq!(once.len(), shown.len(), "once is enough");
}

#[test]
fn each_action_of_the_printed_policy_is_needed_on_ministack() {
    take_away(Kind::Ministack);
}

#[test]
fn each_action_of_the_printed_policy_is_needed_on_moto() {
    take_away(Kind::Moto);
}

/// Plays chapters with their printed policy, and with one action less.
fn take_away(kind: Kind) {
    let all = std::env::var("LEASEHOLD_RIGHTS").as_deref() == Ok("all");
    let day = usize::try_from(jiff::Timestamp::now().as_second() / 86_400).unwrap();
    let chapters: Vec<&Chapter> = CHAPTERS.iter().filter(|chapter| chapter.on == kind).collect();
    let count: usize = chapters.iter().map(|chapter| chapter.shows.len()).sum();
    let today = [2 * day, 2 * day + 1].map(|n| n % count);
    let mut place = Place::new(kind);
    let (mut number, mut tried, mut needless) = (0, 0, Vec::new());
    for chapter in chapters {
        let numbered = chapter.shows.iter().zip(number..);
        let taken: Vec<&str> = numbered.filter(|(_, n)| all || today.contains(n)).map(|(action, _)| *action).collect();
        number += chapter.shows.len();
        if !taken.is_empty() {
            tried += taken.len();
            let without_it = place.take_each_away(chapter, &taken);
            needless.extend(without_it.into_iter().map(|action| (chapter.name, action)));
        }
    }
    println!("{tried} of {count} actions were taken away on {kind:?}, one by one");
    assert_eq!(needless, Vec::new(), "nothing failed without them");
}
