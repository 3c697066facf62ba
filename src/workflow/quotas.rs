//! Checks a plan that creates objects against the account's own quotas before the plan is shown.

use leasehold_provider::{Address, QuotaScope, Snapshot};

use super::connection::Connection;
use super::error::WorkflowError;
use super::stack::Stack;
use crate::config::Diagnostic;
use crate::plan::Plan;
use crate::plan::quotas::{ExceededQuota, find_exceeded_quotas, may_exceed_quotas};

/// Refuses a plan that would exceed a quota. The error points at the attribute if one block causes it, otherwise it concerns the plan as a
/// whole. `stack` is `None` if the configuration was not read, as for a saved plan.
///
/// A plan that only takes access away, or only does what is due because of time, needs no room: its quotas are not read.
///
/// # Errors
/// The plan would exceed a quota, or the quotas cannot be read.
pub async fn check_quotas(
    stack: Option<&Stack>,
    connection: &Connection,
    snapshot: &Snapshot,
    plan: &Plan,
) -> Result<(), WorkflowError> {
    if !may_exceed_quotas(plan, &connection.realize) {
        return Ok(());
    }
    let quotas = connection.observe.read_quotas().await?;
    let found = find_exceeded_quotas(plan, snapshot, &quotas, &connection.realize);
    if let Some(stack) = stack {
        let findings: Vec<Diagnostic> = found.iter().filter_map(|each| block_diagnostic(stack, each)).collect();
        if !findings.is_empty() {
            return Err(stack.findings_error(findings));
        }
    }
    let whole: Vec<String> = found.iter().map(describe_quota).collect();
    if whole.is_empty() {
        return Ok(());
    }
    Err(WorkflowError::Refused {
        what: format!("the plan exceeds an AWS quota of the account; nothing was changed: {}", whole.join("; ")),
        help: "Request a higher quota (Service Quotas, IAM), or remove unused objects. If this plan deletes some, run \
               `leasehold sweep` first to delete them, or apply a part of the plan with --target."
            .to_owned(),
    })
}

fn describe_quota(exceeded: &ExceededQuota<'_>) -> String {
    match &exceeded.holder {
        Some(holder) => describe_holder_quota(holder, exceeded),
        None => describe_account_quota(exceeded),
    }
}

fn describe_holder_quota(holder: &Address, ExceededQuota { quota, desired, .. }: &ExceededQuota<'_>) -> String {
    format!(
        "{holder} would have {desired} {}; the quota of this account is {} ({})",
        quota.what, quota.limit, quota.name
    )
}

fn describe_account_quota(exceeded: &ExceededQuota<'_>) -> String {
    let ExceededQuota { quota, made, removed, desired, .. } = exceeded;
    let used = match quota.counted {
        QuotaScope::PerAccount { used } => used,
        QuotaScope::PerSubject | QuotaScope::Characters(_) | QuotaScope::CharactersPerSubject(_) => 0,
    };
    let place = quota.account.as_ref().map_or_else(String::new, |account| format!("in {account}, "));
    let goes = if *removed > 0 { format!(" and removes {removed}") } else { String::new() };
    format!(
        "{}{} of {} {} are used, and the plan creates {made}{goes}, which makes {desired} ({})",
        place, used, quota.limit, quota.what, quota.name
    )
}

fn block_diagnostic(stack: &Stack, exceeded: &ExceededQuota<'_>) -> Option<Diagnostic> {
    let address = exceeded.holder.as_ref()?;
    let declared = &stack.declared;
    let origin = match declared.identities.get(address) {
        Some(identity) => &identity.origin,
        None => &declared.groups.values().find(|group| group.group.address == *address)?.origin,
    };
    let quota = exceeded.quota;
    let stands = |attribute: &&&str| origin.parts.iter().any(|(part, _)| part == *attribute);
    let attribute = quota.attributes.iter().find(stands).copied().unwrap_or_default();
    let finding = Diagnostic::error("limits::quota", describe_holder_quota(address, exceeded))
        .with_location(origin.part_span(attribute), "exceeds an AWS quota of this account");
    const ASK: &str = "or request a higher quota (Service Quotas, IAM)";
    let help = match quota.counted {
        QuotaScope::Characters(_) => format!("trust fewer principals, use patterns in `subjects`, {ASK}"),
        QuotaScope::CharactersPerSubject(_) => {
            "move statements to a scope: a scope is a separate policy of up to 6144 characters. Existing inline policies \
             count too: they are deleted only after the new ones are attached"
                .to_owned()
        }
        QuotaScope::PerAccount { .. } | QuotaScope::PerSubject => {
            format!("attach fewer scopes, merge scopes that are always used together, {ASK}")
        }
    };
    Some(origin.add_module_calls(finding.with_help(help)))
}
