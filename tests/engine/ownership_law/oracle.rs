//! Decides whether a run obeyed the law, from the rows of the directory before and after it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use leasehold::drift::{DriftFinding, DriftRule};
use leasehold::ownership::{OwnershipFinding, OwnershipFindingKind};
use leasehold::workflow::WorkflowError;
use serde_json::Value;

use super::attacker::{Tags, read_marks, read_name};
use super::configuration::Configuration;
use super::estate::{Command, Ending, Look};

/// Every object of the directory, by unique id.
pub type Rows = BTreeMap<String, Value>;

/// The grace period of the stack.
const GRACE: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Whether an identity is revoked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Revocation {
    #[default]
    No,
    Yes,
    /// A run that revokes or restores was killed.
    Unknown,
}

/// What the oracle knows about an object that the stack created or imported.
#[derive(Debug, Clone, Default)]
struct OwnedRow {
    /// The end of the first run after which it could do nothing, if it could do nothing ever since.
    quarantined_at: Option<Timestamp>,
    revocation: Revocation,
    is_imported: bool,
    /// The marks that a run last wrote.
    written_marks: Tags,
}

/// The end of a run.
pub struct RunRecord<'a> {
    pub command: &'a Command,
    pub ending: &'a Ending,
    pub configuration: &'a Configuration,
    pub before: &'a Rows,
    pub after: &'a Rows,
    pub now: Timestamp,
}

/// What belongs to the stack, learned from the rows that its runs created.
#[derive(Debug, Default)]
pub struct Oracle {
    ours: BTreeMap<String, OwnedRow>,
}

/// A broken law.
type Verdict = Result<(), String>;

fn require(holds: bool, law: impl FnOnce() -> String) -> Verdict {
    if holds { Ok(()) } else { Err(law()) }
}

/// Whether an inline policy of a principal denies everything.
fn denies_everything(principal: &Value) -> bool {
    principal["inline_policies"].as_array().into_iter().flatten().any(|policy| {
        let document: Value = serde_json::from_str(policy["document"].as_str().unwrap()).unwrap();
        let statements = document["Statement"].as_array().cloned().unwrap_or_default();
        statements.iter().any(|statement| {
            statement["Effect"] == "Deny" && statement["Action"][0] == "*" && statement.get("Condition").is_none()
        })
    })
}

/// The latest instant from which a policy of a principal denies everything. `None`: there is no such policy.
fn find_deadline(principal: &Value) -> Option<Timestamp> {
    let policies = principal["inline_policies"].as_array()?;
    let texts = policies.iter().map(|policy| policy["document"].as_str().unwrap());
    let instants = texts.filter_map(|text| {
        let document: Value = serde_json::from_str(text).unwrap();
        let statements = document["Statement"].as_array().cloned().unwrap_or_default();
        statements.iter().find_map(|statement| {
            let at = statement.pointer("/Condition/DateGreaterThanEquals/aws:CurrentTime/0")?;
            at.as_str()?.parse::<Timestamp>().ok()
        })
    });
    instants.max()
}

impl Oracle {
    fn is_our_principal(&self, unique_id: &str, object: &Value) -> bool {
        self.ours.contains_key(unique_id) && object["table"] == "principals"
    }

    /// The live principal of the stack with this name.
    pub fn find_principal<'a>(&self, rows: &'a Rows, name: &str) -> Option<(&'a String, &'a Value)> {
        rows.iter().find(|(id, object)| self.is_our_principal(id, object) && read_name(object) == name)
    }

    /// Whether an object that is not the stack's has a name that the configuration needs.
    pub fn find_collisions<'a>(&self, configuration: &Configuration, rows: &'a Rows) -> Vec<&'a Value> {
        let foreign = rows.iter().filter(|(id, _)| !self.ours.contains_key(*id)).map(|(_, object)| object);
        foreign
            .filter(|object| match object["table"].as_str().unwrap() {
                "principals" => configuration.find_by_principal(read_name(object)).is_some_and(|(_, block)| {
                    !block.is_import || self.find_principal(rows, &block.principal).is_some()
                }),
                "policies" => configuration.has_scope && read_name(object) == "shared",
                _ => configuration.has_group && read_name(object) == "team",
            })
            .collect()
    }

    /// Principals that have a name such as the stack's, and are not the stack's.
    pub fn list_impostors<'a>(&self, rows: &'a Rows) -> Vec<&'a Value> {
        let principals =
            rows.iter().filter(|(id, object)| object["table"] == "principals" && !self.ours.contains_key(*id));
        principals.map(|(_, object)| object).filter(|object| read_name(object).starts_with("id")).collect()
    }

    /// Objects that the attacker removed are gone.
    pub fn forget_removed(&mut self, rows: &Rows) {
        self.ours.retain(|id, _| rows.contains_key(id));
    }

    /// Checks a run, and learns from it.
    pub fn check_run(&mut self, run: &RunRecord<'_>) -> Verdict {
        self.check_ending(run)?;
        self.learn_imports(run);
        self.check_foreign_objects(run)?;
        self.check_deletions(run)?;
        for id in run.after.keys().filter(|id| !run.before.contains_key(*id)) {
            self.ours.insert(id.clone(), OwnedRow::default());
        }
        self.learn_marks(run);
        self.learn_revocation(run);
        self.check_deadlines(run)?;
        self.check_quarantines(run)?;
        self.forget_removed(run.after);
        match (run.command, run.ending) {
            (Command::Apply, Ending::Done) => self.check_applied_state(run),
            _ => Ok(()),
        }
    }

    /// Law 8: marks stop no run.
    fn check_ending(&self, run: &RunRecord<'_>) -> Verdict {
        let Ending::Failed(error) = run.ending else { return Ok(()) };
        let is_refused_restore =
            matches!(run.command, Command::Restore(_)) && matches!(error, WorkflowError::Refused { .. });
        // Until an apply has written the new address of a moved identity, the old one is its name.
        let is_unapplied_move = match run.command {
            Command::Revoke(label) | Command::Restore(label) => {
                run.configuration.moves.iter().any(|(_, to)| to == label)
                    && error.to_string().contains("no live identity")
            }
            _ => false,
        };
        let collides = !self.find_collisions(run.configuration, run.before).is_empty();
        require(is_refused_restore || is_unapplied_move || collides, || format!("marks stopped a run: {error:?}"))
    }

    fn learn_imports(&mut self, run: &RunRecord<'_>) {
        for (id, object) in run.before {
            let block = run.configuration.find_by_principal(read_name(object));
            let imports = matches!(run.command, Command::Apply) && block.is_some_and(|(_, block)| block.is_import);
            let changed = run.after.get(id) != Some(object);
            if object["table"] == "principals" && imports && changed && !self.ours.contains_key(id) {
                self.ours.insert(id.clone(), OwnedRow { is_imported: true, ..OwnedRow::default() });
            }
        }
    }

    /// Law 1: no write to an object that is not the stack's.
    fn check_foreign_objects(&self, run: &RunRecord<'_>) -> Verdict {
        let mut foreign = run.before.iter().filter(|(id, _)| !self.ours.contains_key(*id));
        foreign.try_for_each(|(id, object)| {
            require(run.after.get(id) == Some(object), || {
                format!("law 1: wrote to a foreign object\n{object}\nnow {:?}", run.after.get(id))
            })
        })
    }

    /// Law 4: no deletion before a recorded quarantine and its grace period.
    fn check_deletions(&self, run: &RunRecord<'_>) -> Verdict {
        let deleted = run.before.iter().filter(|(id, _)| !run.after.contains_key(*id));
        deleted.filter(|(id, object)| self.is_our_principal(id, object)).try_for_each(|(id, object)| {
            let since = self.ours[id].quarantined_at;
            require(since.is_some_and(|since| since + GRACE <= run.now), || {
                format!("law 4: deleted {} at {}, quarantined at {since:?}", read_name(object), run.now)
            })
        })
    }

    fn learn_marks(&mut self, run: &RunRecord<'_>) {
        for (id, object) in run.after {
            let wrote_tags = run.before.get(id).is_none_or(|before| read_marks(before) != read_marks(object));
            if let Some(row) = self.ours.get_mut(id).filter(|_| wrote_tags) {
                row.written_marks = read_marks(object);
            }
        }
    }

    fn learn_revocation(&mut self, run: &RunRecord<'_>) {
        let (Command::Revoke(label) | Command::Restore(label)) = run.command else { return };
        let Some(block) = run.configuration.identities.get(label) else { return };
        let Some(id) = self.find_principal(run.after, &block.principal).map(|(id, _)| id.clone()) else {
            return;
        };
        let row = self.ours.entry(id).or_default();
        row.revocation = match (run.command, run.ending, row.revocation) {
            (_, Ending::Failed(_), before) => before,
            (Command::Revoke(_), Ending::Done, _) | (Command::Revoke(_), Ending::Killed, Revocation::Yes) => {
                Revocation::Yes
            }
            (_, Ending::Done, _) | (_, Ending::Killed, Revocation::No)
                if matches!(run.command, Command::Restore(_)) =>
            {
                Revocation::No
            }
            _ => Revocation::Unknown,
        };
    }

    /// Law 3: a deadline is never later than the configuration and the creation give.
    fn check_deadlines(&self, run: &RunRecord<'_>) -> Verdict {
        let principals = run.after.iter().filter(|(id, object)| self.is_our_principal(id, object));
        for (id, object) in principals {
            let Some(deadline) = find_deadline(object) else { continue };
            let before = run.before.get(id).and_then(find_deadline);
            let created: Timestamp = object["row"]["created_at"].as_str().unwrap().parse().unwrap();
            let block = run.configuration.find_by_principal(read_name(object)).map(|(_, block)| block);
            let gives_access = matches!(run.command, Command::Apply | Command::Restore(_));
            let from = if self.ours[id].is_imported { run.now } else { created };
            let allowed = block.filter(|_| gives_access).map(|block| block.compute_deadline(from));
            let holds = before.is_some_and(|before| deadline <= before) || allowed.is_some_and(|at| deadline <= at);
            require(holds, || {
                format!(
                    "law 3: the lease of {} ends at {deadline}, not at {allowed:?} or {before:?}",
                    read_name(object)
                )
            })?;
        }
        Ok(())
    }

    /// Law 5: a revocation holds until it is lifted.
    fn check_quarantines(&mut self, run: &RunRecord<'_>) -> Verdict {
        for (id, object) in run.after {
            if object["table"] != "principals" {
                continue;
            }
            let Some(row) = self.ours.get_mut(id) else { continue };
            let quarantined = denies_everything(object);
            require(quarantined || row.revocation != Revocation::Yes, || {
                format!("law 5: {} is revoked and open", read_name(object))
            })?;
            row.quarantined_at = quarantined.then(|| row.quarantined_at.unwrap_or(run.now));
        }
        Ok(())
    }

    /// After an apply: what is declared is there, everything else of the stack is quarantined, and all marks are repaired.
    fn check_applied_state(&self, run: &RunRecord<'_>) -> Verdict {
        for (label, block) in &run.configuration.identities {
            let found = self.find_principal(run.after, &block.principal);
            let expired = |created: Timestamp| block.compute_deadline(created) <= run.now;
            match found {
                Some((id, object)) => {
                    let row = &self.ours[id];
                    let created: Timestamp = object["row"]["created_at"].as_str().unwrap().parse().unwrap();
                    if row.is_imported {
                        continue;
                    }
                    let quarantined = denies_everything(object);
                    let expected = row.revocation == Revocation::Yes || expired(created);
                    require(quarantined == expected || row.revocation == Revocation::Unknown, || {
                        format!("{label}: quarantined is {quarantined}, and not {expected}")
                    })?;
                    require(quarantined || find_deadline(object) == Some(block.compute_deadline(created)), || {
                        format!("law 3: {label} has the lease {:?}", find_deadline(object))
                    })?;
                }
                None => require(expired(run.now), || format!("{label} does not exist"))?,
            }
        }
        for (id, row) in &self.ours {
            let Some(object) = run.after.get(id) else { continue };
            // A scope that is no longer declared is kept as long as an identity in quarantine has it. It is not written before its deletion.
            let is_kept = match object["table"].as_str().unwrap() {
                "policies" => !run.configuration.has_scope,
                "groups" => !run.configuration.has_group,
                _ => false,
            };
            require(read_marks(object) == row.written_marks || is_kept, || {
                format!("the marks of {} are not repaired: {}", read_name(object), object["row"]["tags"])
            })?;
            let declared = run.configuration.find_by_principal(read_name(object)).is_some();
            require(object["table"] != "principals" || declared || denies_everything(object), || {
                format!("{} has no block and is open", read_name(object))
            })?;
        }
        Ok(())
    }

    /// The names of the stack's objects whose marks somebody else edited.
    fn list_edited(&self, rows: &Rows) -> BTreeSet<String> {
        let ours = rows.iter().filter_map(|(id, object)| Some((object, self.ours.get(id)?)));
        ours.filter(|(object, row)| read_marks(object) != row.written_marks)
            .map(|(object, _)| read_name(object).to_owned())
            .collect()
    }

    /// Every edit is reported by the plan and by drift, and nothing else is.
    pub fn check_look(&self, configuration: &Configuration, rows: &Rows, look: &Look) -> Verdict {
        let collides = !self.find_collisions(configuration, rows).is_empty();
        let edited = self.list_edited(rows);
        let forged: BTreeSet<String> = rows
            .iter()
            .filter(|(id, object)| {
                !self.ours.contains_key(*id)
                    && read_marks(object).get("leasehold:stack").is_some_and(|stack| stack == "laws")
            })
            .map(|(_, object)| read_name(object).to_owned())
            .collect();
        match &look.plan {
            Ok(plan) => check_findings("plan", &plan.ownership, &edited, &forged)?,
            Err(error) => require(collides, || format!("law 8: no plan: {error:?}"))?,
        }
        match &look.drift {
            Ok(drift) => {
                let of_rules = |rules: &[DriftRule]| -> BTreeSet<String> {
                    let found = drift.findings.iter().filter(|finding| rules.contains(&finding.rule));
                    found.map(|finding| name_of(&finding.object)).collect()
                };
                let changed = of_rules(&[DriftRule::MarkChanged, DriftRule::MarkRemoved]);
                require(changed == edited, || format!("drift reports {changed:?}, edited are {edited:?}"))?;
                let unowned = of_rules(&[DriftRule::UnownedMark, DriftRule::Replaced]);
                require(unowned.is_superset(&forged), || format!("drift reports {unowned:?}, forged are {forged:?}"))
            }
            Err(error) => require(collides, || format!("law 8: no drift: {error:?}")),
        }
    }

    /// When the attacker has stopped and an apply has run, nothing is left to do.
    pub fn check_rest(&self, configuration: &Configuration, look: &Look) -> Verdict {
        let plan = look.plan.as_ref().map_err(|error| format!("no plan at rest: {error:?}"))?;
        require(plan.is_empty(), || format!("the plan at rest has steps: {:#?}", plan.steps))?;
        let drift = look.drift.as_ref().map_err(|error| format!("no drift at rest: {error:?}"))?;
        let is_kept = |finding: &DriftFinding| {
            let address = finding.address.as_ref().map_or("", |address| address.as_str());
            address == "scope.shared" && !configuration.has_scope || address == "group.team" && !configuration.has_group
        };
        // Objects of somebody else stay, also one that has the name of a principal that is gone.
        let stays = |rule: DriftRule| matches!(rule, DriftRule::UnownedMark | DriftRule::Replaced);
        let other = drift.findings.iter().find(|finding| !stays(finding.rule) && !is_kept(finding));
        require(other.is_none(), || format!("drift at rest: {other:?}"))
    }
}

/// The last part of a name such as `local:user/bot` or `directory_user bot`.
fn name_of(object: &str) -> String {
    object.rsplit(['/', ' ']).next().unwrap_or_default().to_owned()
}

fn check_findings(
    view: &str,
    findings: &[OwnershipFinding],
    edited: &BTreeSet<String>,
    forged: &BTreeSet<String>,
) -> Verdict {
    let of_kinds = |kinds: &[OwnershipFindingKind]| -> BTreeSet<String> {
        let found = findings.iter().filter(|finding| kinds.contains(&finding.kind));
        found.map(|finding| name_of(&finding.object)).collect()
    };
    let changed = of_kinds(&[OwnershipFindingKind::MarkChanged, OwnershipFindingKind::MarkRemoved]);
    require(changed == *edited, || format!("the {view} reports {changed:?}, edited are {edited:?}"))?;
    let unowned = of_kinds(&[OwnershipFindingKind::UnownedMark, OwnershipFindingKind::Replaced]);
    require(unowned.is_superset(forged), || format!("the {view} reports {unowned:?}, forged are {forged:?}"))
}
