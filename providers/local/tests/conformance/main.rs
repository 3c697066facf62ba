//! The directory passes the conformance suite; and the suite sees every flaw that is built into it on purpose.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod flaws;
mod world;

use std::collections::BTreeSet;

use flaws::Flaw;
use leasehold_provider::conformance::{self, Law};
use world::Directories;

#[tokio::test]
async fn the_directory_conforms() {
    let failures = conformance::check(&Directories { flaw: None }).await;
    let text: Vec<String> = failures.iter().map(ToString::to_string).collect();
    assert!(failures.is_empty(), "{}", text.join("\n"));
}

/// The suite must name `law` when the directory has this flaw.
async fn caught(flaw: Flaw, law: Law) {
    let worlds = Directories { flaw: Some(flaw) };
    let failures = match law {
        Law::Deterministic | Law::WellFormed | Law::Fenced | Law::Between => conformance::realizing(&worlds).await,
        Law::SparesStrangers | Law::RefusesStrangers | Law::SeparatesStacks | Law::Delivers => {
            conformance::sparing(&worlds).await
        }
        _ => conformance::check(&worlds).await,
    };
    let laws: BTreeSet<Law> = failures.iter().map(|failure| failure.law).collect();
    assert!(laws.contains(&law), "{flaw:?} breaks {laws:?}, and should break {law}");
    assert!(!laws.contains(&Law::Scenery), "{flaw:?} breaks the scenery: {failures:?}");
}

macro_rules! caught {
    ($($name:ident: $flaw:ident breaks $law:ident;)*) => {
        $(#[tokio::test]
        async fn $name() {
            caught(Flaw::$flaw, Law::$law).await;
        })*
    };
}

caught! {
    realizing_by_chance: RealizesByChance breaks Deterministic;
    dropping_marks_from_the_principal: DropsMarks breaks WellFormed;
    forgetting_whose_a_resource_is: ForgetsIdentity breaks WellFormed;
    needing_in_a_circle: NeedsInACircle breaks Ordered;
    forgetting_the_fence: ForgetsFence breaks Fenced;
    attaching_before_the_fence: AttachesBeforeFence breaks Fenced;
    leaving_a_trust_open: TrustWithoutDeadline breaks Fenced;
    keeping_what_shall_go: KeepsWhatGoes breaks Between;
    saying_of_a_fence_that_it_denies: CountsFences breaks Between;
    passing_over_a_fence_that_is_over: NeverOver breaks Between;
    trusting_at_once_who_comes: TrustsWhoComes breaks Between;
    heeding_no_tags: HeedsNoTags breaks Between;
    failing_to_write: RefusesPolicies breaks Enacts;
    reading_back_too_little: HidesAttachments breaks ReadsBack;
    forgetting_marks_on_the_way_back: ForgetsOwner breaks ReadsBack;
    reporting_use_that_never_was: InventsUse breaks ReadsBack;
    not_writing_the_digest: WritesNoMarks breaks Settles;
    updating_by_halves: UpdatesByHalves breaks ReadsBack;
    failing_the_second_time: FailsTheSecondTime breaks Repeatable;
    deleting_twice_is_an_error: DeletesOnlyOnce breaks Repeatable;
    tripping_over_what_is_half_made: TripsOverHalfMade breaks Resumes;
    not_seeing_strays: HidesStrays breaks ManagesWhole;
    leaving_keys_on: LeavesKeysOn breaks QuarantineShuts;
    quarantining_ever_again: QuarantinesEverAgain breaks QuarantineShuts;
    quarantining_in_silence: QuarantinesInSilence breaks QuarantineShuts;
    allowing_in_quarantine: AllowsInQuarantine breaks QuarantineShuts;
    deleting_in_words_only: DeletesInWordsOnly breaks Leaves;
    adopting_strangers: AdoptsStrangers breaks SparesStrangers;
    writing_strangers: AdoptsStrangers breaks RefusesStrangers;
    touching_bystanders: TouchesBystanders breaks SparesStrangers;
    refusing_strangers_without_saying_so: RefusesAsConflict breaks RefusesStrangers;
    overlooking_strangers: HidesStrangers breaks SparesStrangers;
    taking_a_neighbours_identities: TakesNeighbours breaks SeparatesStacks;
    leaving_a_key_that_nobody_was_given: LeavesUndelivered breaks Delivers;
    giving_a_secret_to_nobody: DeliversToNobody breaks Delivers;
}
