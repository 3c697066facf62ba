//! The printed policy of each purpose is enough for each chapter of a life, and each action of it is needed by one: taken away, a command
//! fails.
//!
//! Every action that the policy of some stack grants for a purpose stands with a chapter that shows it. `LEASEHOLD_RIGHTS=all` takes away each
//! in turn; else one of each chapter, for one of its purposes.

mod chapters;
mod purposes;
mod records;
mod stacks;

use std::collections::BTreeSet;

use leasehold_emulator::Emulator;
use leasehold_fault_proxy::{FaultProxy, RecordedRequest};
use serde_json::Value;

use crate::authorized::{actions, allowing, operator, printed, without};
use crate::declared::HEAD;
use crate::stage::{Kind, copy};
use crate::support::{Ran, Stack};
/// A part of a life. What it takes begins where the account is set up, and ends with the last run.
pub struct Chapter {
    pub name: &'static str,
    /// Where it is played: on ministack, or on moto what ministack does not have.
    pub on: Kind,
    /// For which purposes: the policies that it is played with.
    pub purposes: &'static [&'static str],
    /// The actions that it shows to be needed. One that several chapters take stands with one of them.
    pub shows: &'static [&'static str],
    /// The files at their largest: what the policy is printed for.
    pub stack: &'static str,
    /// What comes before, done by somebody who may do everything.
    pub before: fn(&Place),
    /// What is done with the printed policy, in a stack that stands as `before` left it.
    pub play: fn(&Place) -> Result<(), Ran>,
}

/// All chapters.
fn chapters() -> impl Iterator<Item = &'static Chapter> {
    chapters::CHAPTERS.iter().chain(purposes::CHAPTERS)
}

/// An account that enforces policies, and a stack in it.
pub struct Place {
    pub kind: Kind,
    pub aws: Emulator,
    pub proxy: FaultProxy,
    pub stack: Stack,
    /// What the policy is for.
    purpose: &'static str,
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
        Self { kind, aws, proxy, stack: Stack::empty(), purpose: "apply", admin: Vec::new(), operator: Vec::new() }
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
    fn take_each_away(
        &mut self,
        chapter: &Chapter,
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
        ended(self.stack.run(args))
    }

    /// The command that the policy is for.
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

    /// That there is drift is no failure of `drift`.
    pub fn ended(&self, ran: Ran) -> Result<(), Ran> {
        if self.purpose == "drift" && ran.code == 2 { Ok(()) } else { ended(ran) }
    }
}

fn ended(ran: Ran) -> Result<(), Ran> {
    if ran.code == 0 { Ok(()) } else { Err(ran) }
}

/// A stack that declares this besides the owner and the scopes that all have.
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
    take_away(Kind::Ministack);
}

#[test]
fn each_action_of_the_printed_policy_is_needed_on_moto() {
    take_away(Kind::Moto);
}

/// Plays chapters with their printed policy, and with one action less.
fn take_away(kind: Kind) {
    let all = std::env::var("LEASEHOLD_RIGHTS").as_deref() == Ok("all");
    let mut place = Place::new(kind);
    let (mut tried, mut count, mut needless) = (0, 0, Vec::new());
    for (number, chapter) in chapters().filter(|chapter| chapter.on == kind).enumerate() {
        count += chapter.shows.len() * chapter.purposes.len();
        // Where not all are taken away, the number of the chapter says which one, so that every run is the same.
        let (one, other) = (number % chapter.shows.len(), number % chapter.purposes.len());
        let taken: Vec<&str> = if all { chapter.shows.to_vec() } else { vec![chapter.shows[one]] };
        for purpose in if all { chapter.purposes } else { &chapter.purposes[other..=other] } {
            tried += taken.len();
            let without_it = place.take_each_away(chapter, purpose, &taken);
            needless.extend(without_it.into_iter().map(|action| (chapter.name, *purpose, action)));
        }
    }
    println!("{tried} of {count} actions were taken away on {kind:?}, one by one");
    assert_eq!(needless, Vec::new(), "nothing failed without them");
}
