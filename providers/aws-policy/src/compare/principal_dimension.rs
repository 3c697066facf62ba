//! The dimension of callers. Principals have no wildcards, so the callers that matter can be listed: every named
//! caller, a session of every named role, a user of every named account, and of each kind one caller that no policy
//! names.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>

use std::collections::BTreeSet;

use crate::compare::budget::{BudgetExceededError, WorkBudget};
use crate::compare::cell::{Ambiguity, CellSample, DistinctCells, RequestCell};
use crate::compare::text_dimension::no_bindings;
use crate::compare::variables::enumerate_assignments;
use crate::document::Clause;
use crate::principal::PolicyPrincipal;
use crate::request::RequestCaller;

/// The distinct `Principal` and `NotPrincipal` clauses of both sides.
#[derive(Debug)]
pub(super) struct PrincipalDimension {
    pub clauses: Vec<Clause<PolicyPrincipal>>,
}

/// The parts of an IAM or STS ARN that matter for principals.
struct PrincipalArn<'a> {
    partition: &'a str,
    service: &'a str,
    account: &'a str,
    name: &'a str,
}

fn parse_principal_arn(text: &str) -> Option<PrincipalArn<'_>> {
    let rest = text.strip_prefix("arn:")?;
    let (partition, rest) = rest.split_once(':')?;
    let (service, rest) = rest.split_once(':')?;
    let (_region, rest) = rest.split_once(':')?;
    let (account, name) = rest.split_once(':')?;
    Some(PrincipalArn { partition, service, account, name })
}

/// The name of a role without its path, which session ARNs do not have. `None`: not a role ARN.
fn role_name<'a>(arn: &PrincipalArn<'a>) -> Option<&'a str> {
    if arn.service != "iam" {
        return None;
    }
    let path = arn.name.strip_prefix("role/")?;
    Some(path.rfind('/').and_then(|slash| path.get(slash + 1..)).unwrap_or(path))
}

/// The name of the role in a session ARN. `None`: not a session ARN.
fn session_role<'a>(arn: &PrincipalArn<'a>) -> Option<&'a str> {
    if arn.service != "sts" {
        return None;
    }
    let mut parts = arn.name.splitn(3, '/');
    let (kind, role, session) = (parts.next()?, parts.next()?, parts.next());
    (kind == "assumed-role" && session.is_some()).then_some(role)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum PrincipalCoverage {
    No,
    AsOneOfMany,
    ByName,
}

fn principal_coverage(principal: &PolicyPrincipal, caller: &RequestCaller) -> PrincipalCoverage {
    let named = |same: bool| if same { PrincipalCoverage::ByName } else { PrincipalCoverage::No };
    match principal {
        PolicyPrincipal::Everyone => PrincipalCoverage::AsOneOfMany,
        PolicyPrincipal::Deleted(_) => PrincipalCoverage::No,
        PolicyPrincipal::Service(name) => named(*caller == RequestCaller::Service(name.clone())),
        PolicyPrincipal::Federated(name) => named(*caller == RequestCaller::Federated(name.clone())),
        PolicyPrincipal::CanonicalUser(name) => named(*caller == RequestCaller::CanonicalUser(name.clone())),
        PolicyPrincipal::Account(id) => match caller {
            RequestCaller::Aws(text) => match parse_principal_arn(text) {
                Some(arn) if arn.account == id.as_str() => {
                    if arn.name == "root" {
                        PrincipalCoverage::ByName
                    } else {
                        PrincipalCoverage::AsOneOfMany
                    }
                }
                _ => PrincipalCoverage::No,
            },
            _ => PrincipalCoverage::No,
        },
        PolicyPrincipal::Aws(name) => {
            let RequestCaller::Aws(text) = caller else { return PrincipalCoverage::No };
            if name == text {
                return PrincipalCoverage::ByName;
            }
            let session = parse_principal_arn(name).zip(parse_principal_arn(text)).is_some_and(|(role, session)| {
                role.partition == session.partition
                    && role.account == session.account
                    && role_name(&role).is_some_and(|role| session_role(&session) == Some(role))
            });
            if session { PrincipalCoverage::AsOneOfMany } else { PrincipalCoverage::No }
        }
    }
}

/// Whether a clause covers a caller. `None`: AWS does not document it for this `NotPrincipal`.
fn clause_covers_caller(clause: &Clause<PolicyPrincipal>, caller: &RequestCaller) -> Option<bool> {
    let fits = |desired: PrincipalCoverage| {
        clause.items.iter().any(|principal| principal_coverage(principal, caller) == desired)
    };
    match (clause.negated, fits(PrincipalCoverage::ByName), fits(PrincipalCoverage::AsOneOfMany)) {
        (false, by_name, as_one) => Some(by_name || as_one),
        (true, true, _) => Some(false),
        (true, false, true) if clause.items.contains(&PolicyPrincipal::Everyone) => Some(false),
        (true, false, true) => None,
        (true, false, false) => Some(true),
    }
}

impl PrincipalDimension {
    /// Callers that represent all that the clauses can distinguish.
    fn distinguishable_callers(&self) -> BTreeSet<RequestCaller> {
        let items: Vec<&PolicyPrincipal> = self.clauses.iter().flat_map(|clause| &clause.items).collect();
        let mut texts: Vec<&str> = items.iter().map(|principal| principal.text()).collect();
        texts.sort_unstable();
        let unused = |make: fn(u32) -> String| {
            (0..).map(make).find(|text| !texts.iter().any(|used| used.contains(text.as_str()))).unwrap_or_default()
        };
        let account = unused(|n| format!("{:012}", 111_122_223_333_u64 + u64::from(n)));
        let user = unused(|n| if n == 0 { "example".to_owned() } else { format!("example{n}") });
        let mut callers = BTreeSet::from([
            RequestCaller::Anonymous,
            RequestCaller::Aws(format!("arn:aws:iam::{account}:user/{user}")),
            RequestCaller::Service(unused(|n| format!("example{n}.amazonaws.com"))),
            RequestCaller::Federated(unused(|n| format!("example{n}.com"))),
            RequestCaller::CanonicalUser(unused(|n| format!("{:064x}", n + 1))),
        ]);
        for principal in items {
            match principal {
                PolicyPrincipal::Everyone | PolicyPrincipal::Deleted(_) => {}
                PolicyPrincipal::Account(id) => {
                    callers.insert(RequestCaller::Aws(format!("arn:aws:iam::{id}:root")));
                    callers.insert(RequestCaller::Aws(format!("arn:aws:iam::{id}:user/{user}")));
                }
                PolicyPrincipal::Aws(name) => {
                    callers.insert(RequestCaller::Aws(name.clone()));
                    if let Some(arn) = parse_principal_arn(name)
                        && let Some(role) = role_name(&arn)
                    {
                        let (partition, account) = (arn.partition, arn.account);
                        let session = format!("arn:{partition}:sts::{account}:assumed-role/{role}/{user}");
                        callers.insert(RequestCaller::Aws(session));
                    }
                }
                PolicyPrincipal::Service(name) => {
                    callers.insert(RequestCaller::Service(name.clone()));
                }
                PolicyPrincipal::Federated(name) => {
                    callers.insert(RequestCaller::Federated(name.clone()));
                }
                PolicyPrincipal::CanonicalUser(name) => {
                    callers.insert(RequestCaller::CanonicalUser(name.clone()));
                }
            }
        }
        callers
    }

    /// One cell for each combination of these clauses (by index) that some caller meets.
    pub fn enumerate_cells(
        &self,
        desired: &[usize],
        budget: &mut WorkBudget,
    ) -> Result<Vec<RequestCell>, BudgetExceededError> {
        let clauses: Vec<&Clause<PolicyPrincipal>> =
            desired.iter().filter_map(|index| self.clauses.get(*index)).collect();
        let mut cells = DistinctCells::default();
        for caller in self.distinguishable_callers() {
            budget.spend_work(clauses.len() * 4 + 1)?;
            let known: Vec<Option<bool>> = clauses.iter().map(|clause| clause_covers_caller(clause, &caller)).collect();
            let free = known.iter().filter(|truth| truth.is_none()).count();
            for assignment in enumerate_assignments(&vec![true; free], &vec![false; free])? {
                let mut guesses = assignment.matches.iter();
                let truths =
                    known.iter().map(|truth| truth.unwrap_or_else(|| guesses.next().is_some_and(|guess| *guess)));
                cells.add(RequestCell {
                    truths: truths.collect(),
                    sample: CellSample::Principal(caller.clone()),
                    bindings: no_bindings(),
                    variable_patterns: Vec::new(),
                    ambiguity: (free > 0).then_some(Ambiguity::NotPrincipal),
                });
            }
        }
        Ok(cells.into_vec())
    }
}
