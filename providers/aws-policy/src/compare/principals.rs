//! The dimension of callers. No wildcards are in play, so the callers that matter can be listed: everyone who is named,
//! a session of every named role, a principal of every named account, and of each kind somebody who is not named.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>

use std::collections::BTreeSet;

use crate::compare::cell::{Cell, Cells, Open, Sample};
use crate::compare::limits::{Budget, Exhausted};
use crate::compare::text::unbound;
use crate::compare::variables::assignments;
use crate::document::Clause;
use crate::principal::Principal;
use crate::request::Caller;

/// The caller, and the clauses that speak of it.
#[derive(Debug)]
pub(super) struct PrincipalDimension {
    pub clauses: Vec<Clause<Principal>>,
}

/// An ARN of IAM or STS, taken apart as far as principals need it.
struct Arn<'a> {
    partition: &'a str,
    service: &'a str,
    account: &'a str,
    name: &'a str,
}

fn arn(text: &str) -> Option<Arn<'_>> {
    let rest = text.strip_prefix("arn:")?;
    let (partition, rest) = rest.split_once(':')?;
    let (service, rest) = rest.split_once(':')?;
    let (_region, rest) = rest.split_once(':')?;
    let (account, name) = rest.split_once(':')?;
    Some(Arn { partition, service, account, name })
}

/// The name of a role, without its path: sessions do not show the path.
fn role_name<'a>(arn: &Arn<'a>) -> Option<&'a str> {
    if arn.service != "iam" {
        return None;
    }
    let path = arn.name.strip_prefix("role/")?;
    Some(path.rfind('/').and_then(|slash| path.get(slash + 1..)).unwrap_or(path))
}

/// The role that a session's ARN names.
fn session_role<'a>(arn: &Arn<'a>) -> Option<&'a str> {
    if arn.service != "sts" {
        return None;
    }
    let mut parts = arn.name.splitn(3, '/');
    let (kind, role, session) = (parts.next()?, parts.next()?, parts.next());
    (kind == "assumed-role" && session.is_some()).then_some(role)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Covers {
    No,
    AsOneOfMany,
    ByName,
}

fn covers(principal: &Principal, caller: &Caller) -> Covers {
    let named = |same: bool| if same { Covers::ByName } else { Covers::No };
    match principal {
        Principal::Everyone => Covers::AsOneOfMany,
        Principal::Deleted(_) => Covers::No,
        Principal::Service(name) => named(*caller == Caller::Service(name.clone())),
        Principal::Federated(name) => named(*caller == Caller::Federated(name.clone())),
        Principal::CanonicalUser(name) => named(*caller == Caller::CanonicalUser(name.clone())),
        Principal::Account(id) => match caller {
            Caller::Aws(text) => match arn(text) {
                Some(arn) if arn.account == id.as_str() => {
                    if arn.name == "root" {
                        Covers::ByName
                    } else {
                        Covers::AsOneOfMany
                    }
                }
                _ => Covers::No,
            },
            _ => Covers::No,
        },
        Principal::Aws(name) => {
            let Caller::Aws(text) = caller else { return Covers::No };
            if name == text {
                return Covers::ByName;
            }
            let session = arn(name).zip(arn(text)).is_some_and(|(role, session)| {
                role.partition == session.partition
                    && role.account == session.account
                    && role_name(&role).is_some_and(|role| session_role(&session) == Some(role))
            });
            if session { Covers::AsOneOfMany } else { Covers::No }
        }
    }
}

/// Whether a clause holds; none where `NotPrincipal` leaves it open.
fn holds(clause: &Clause<Principal>, caller: &Caller) -> Option<bool> {
    let fits = |wanted: Covers| clause.items.iter().any(|principal| covers(principal, caller) == wanted);
    match (clause.negated, fits(Covers::ByName), fits(Covers::AsOneOfMany)) {
        (false, by_name, as_one) => Some(by_name || as_one),
        (true, true, _) => Some(false),
        (true, false, true) if clause.items.contains(&Principal::Everyone) => Some(false),
        (true, false, true) => None,
        (true, false, false) => Some(true),
    }
}

impl PrincipalDimension {
    /// Everyone whom the clauses can tell apart.
    fn callers(&self) -> BTreeSet<Caller> {
        let items: Vec<&Principal> = self.clauses.iter().flat_map(|clause| &clause.items).collect();
        let mut texts: Vec<&str> = items.iter().map(|principal| principal.text()).collect();
        texts.sort_unstable();
        let unused = |make: fn(u32) -> String| {
            (0..).map(make).find(|text| !texts.iter().any(|used| used.contains(text.as_str()))).unwrap_or_default()
        };
        let account = unused(|n| format!("{:012}", 111_122_223_333_u64 + u64::from(n)));
        let user = unused(|n| if n == 0 { "example".to_owned() } else { format!("example{n}") });
        let mut callers = BTreeSet::from([
            Caller::Anonymous,
            Caller::Aws(format!("arn:aws:iam::{account}:user/{user}")),
            Caller::Service(unused(|n| format!("example{n}.amazonaws.com"))),
            Caller::Federated(unused(|n| format!("example{n}.com"))),
            Caller::CanonicalUser(unused(|n| format!("{:064x}", n + 1))),
        ]);
        for principal in items {
            match principal {
                Principal::Everyone | Principal::Deleted(_) => {}
                Principal::Account(id) => {
                    callers.insert(Caller::Aws(format!("arn:aws:iam::{id}:root")));
                    callers.insert(Caller::Aws(format!("arn:aws:iam::{id}:user/{user}")));
                }
                Principal::Aws(name) => {
                    callers.insert(Caller::Aws(name.clone()));
                    if let Some(arn) = arn(name)
                        && let Some(role) = role_name(&arn)
                    {
                        let (partition, account) = (arn.partition, arn.account);
                        let session = format!("arn:{partition}:sts::{account}:assumed-role/{role}/{user}");
                        callers.insert(Caller::Aws(session));
                    }
                }
                Principal::Service(name) => drop(callers.insert(Caller::Service(name.clone()))),
                Principal::Federated(name) => drop(callers.insert(Caller::Federated(name.clone()))),
                Principal::CanonicalUser(name) => drop(callers.insert(Caller::CanonicalUser(name.clone()))),
            }
        }
        callers
    }

    /// The combinations of these clauses that a caller can meet.
    pub fn cells(&self, wanted: &[usize], budget: &mut Budget) -> Result<Vec<Cell>, Exhausted> {
        let clauses: Vec<&Clause<Principal>> = wanted.iter().filter_map(|index| self.clauses.get(*index)).collect();
        let mut cells = Cells::default();
        for caller in self.callers() {
            budget.spend(clauses.len() * 4 + 1)?;
            let known: Vec<Option<bool>> = clauses.iter().map(|clause| holds(clause, &caller)).collect();
            let free = known.iter().filter(|truth| truth.is_none()).count();
            for assignment in assignments(&vec![true; free], &vec![false; free])? {
                let mut guesses = assignment.matches.iter();
                let truths =
                    known.iter().map(|truth| truth.unwrap_or_else(|| guesses.next().is_some_and(|guess| *guess)));
                cells.add(Cell {
                    truths: truths.collect(),
                    sample: Sample::Principal(caller.clone()),
                    bindings: unbound(),
                    holding: Vec::new(),
                    open: (free > 0).then_some(Open::NotPrincipal),
                });
            }
        }
        Ok(cells.into_vec())
    }
}
