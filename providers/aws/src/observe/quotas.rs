//! `GetAccountSummary`: the account's quotas, and how much of them is used.

use std::collections::{BTreeMap, BTreeSet};

use leasehold_provider::{Quota, QuotaScope, ResourceKind};

use super::AccountReader;
use crate::failure::CallError;
use crate::kinds;
use crate::realize::limits;
use crate::retry::RetryClass;

/// Quotas on the number of objects in the account: the name for messages, the summary keys of the count and of the limit, and the resource
/// kind.
const ACCOUNT_QUOTAS: [(&str, &str, &str, ResourceKind); 4] = [
    ("roles", "Roles", "RolesQuota", kinds::ROLE),
    ("users", "Users", "UsersQuota", kinds::USER),
    ("groups", "Groups", "GroupsQuota", kinds::GROUP),
    ("customer-managed policies", "Policies", "PoliciesQuota", kinds::POLICY),
];

/// Quotas on the parts of one principal or group: the name for messages, the summary key of the limit, the resource kind, and the
/// attributes that set them.
const SUBJECT_QUOTAS: [(&str, &str, ResourceKind, &[&str]); 5] = [
    ("attached policies", "AttachedPoliciesPerRoleQuota", kinds::ROLE_ATTACHMENT, POLICIES),
    ("attached policies", "AttachedPoliciesPerUserQuota", kinds::USER_ATTACHMENT, POLICIES),
    ("attached policies", "AttachedPoliciesPerGroupQuota", kinds::GROUP_ATTACHMENT, POLICIES),
    ("group memberships", "GroupsPerUserQuota", kinds::MEMBERSHIP, &["managed_groups"]),
    ("access keys", "AccessKeysPerUserQuota", kinds::ACCESS_KEY, &["credential"]),
];

/// The only size quota that AWS raises on request, up to 4096 (IAM and AWS STS quotas).
const TRUST_SIZE: &str = "AssumeRolePolicySizeQuota";

/// The trust policy size in characters if the summary does not contain it.
const TRUST: u64 = 2048;

/// The total size of the inline policies of one principal or group: the summary key, the resource kind, and the size in characters if the
/// summary does not contain it.
const INLINE_SIZE: [(&str, ResourceKind, usize); 3] = [
    ("UserPolicySizeQuota", kinds::USER_POLICY, limits::USER_INLINE),
    ("RolePolicySizeQuota", kinds::ROLE_POLICY, limits::ROLE_INLINE),
    ("GroupPolicySizeQuota", kinds::GROUP_POLICY, limits::GROUP_INLINE),
];

const POLICIES: &[&str] = &["scopes", "managed_policy_arns"];

impl AccountReader<'_> {
    /// The quotas that the account summary contains. AWS itself enforces any quota that the summary lacks.
    ///
    /// # Errors
    /// The call fails, or the account summary is empty.
    pub async fn read_quotas(&self) -> Result<Vec<Quota>, CallError> {
        const OPERATION: &str = "iam:GetAccountSummary";
        let iam = &self.provider.clients.iam;
        let send = || iam.get_account_summary().send();
        let answer =
            self.provider.caller.call_with_retries(&self.calls, OPERATION, RetryClass::Idempotent, send).await?;
        let reported = answer.summary_map.unwrap_or_default();
        let reported: BTreeMap<String, u64> = reported
            .into_iter()
            .filter_map(|(key, value)| Some((key.as_str().to_owned(), u64::try_from(value).ok()?)))
            .collect();
        if reported.is_empty() {
            return Err(CallError::from_malformed_answer(OPERATION, "the account summary is empty"));
        }
        Ok(quotas_from_summary(&reported))
    }
}

fn quotas_from_summary(reported: &BTreeMap<String, u64>) -> Vec<Quota> {
    let account = ACCOUNT_QUOTAS.into_iter().filter_map(|(what, used, name, kind)| {
        Some(Quota {
            name: name.to_owned(),
            what,
            kinds: BTreeSet::from([kind]),
            limit: *reported.get(name)?,
            counted: QuotaScope::PerAccount { used: *reported.get(used)? },
            attributes: &[],
            account: None,
        })
    });
    let holder = SUBJECT_QUOTAS.into_iter().filter_map(|(what, name, kind, attributes)| {
        Some(Quota {
            name: name.to_owned(),
            what,
            kinds: BTreeSet::from([kind]),
            limit: *reported.get(name)?,
            counted: QuotaScope::PerSubject,
            attributes,
            account: None,
        })
    });
    let trust = Quota {
        name: TRUST_SIZE.to_owned(),
        what: "characters in the trust policy",
        kinds: BTreeSet::from([kinds::ROLE]),
        limit: reported.get(TRUST_SIZE).copied().unwrap_or(TRUST),
        counted: QuotaScope::Characters("assume_role_policy"),
        attributes: &["trust"],
        account: None,
    };
    let inline = INLINE_SIZE.into_iter().map(|(name, kind, limit)| Quota {
        name: name.to_owned(),
        what: "characters in its inline policies at the same time",
        kinds: BTreeSet::from([kind]),
        limit: reported.get(name).copied().unwrap_or(u64::try_from(limit).unwrap_or(u64::MAX)),
        counted: QuotaScope::CharactersPerSubject("policy"),
        attributes: &["statement"],
        account: None,
    });
    account.chain(holder).chain([trust]).chain(inline).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_reported_values_become_quotas() {
        let reported =
            [("Roles", 7), ("RolesQuota", 1000), ("UsersQuota", 5000), ("AccessKeysPerUserQuota", 2), (TRUST_SIZE, 9)];
        let reported = reported.map(|(key, value)| (key.to_owned(), value)).into();
        let quotas = quotas_from_summary(&reported);
        let names: Vec<&str> = quotas.iter().map(|quota| quota.name.as_str()).collect();
        assert_eq!(
            names,
            ["RolesQuota", "AccessKeysPerUserQuota", TRUST_SIZE]
                .into_iter()
                .chain(INLINE_SIZE.map(|it| it.0))
                .collect::<Vec<_>>(),
            "a quota without a count is ignored"
        );
        assert_eq!((quotas[0].counted, quotas[0].limit), (QuotaScope::PerAccount { used: 7 }, 1000));
        assert_eq!(quotas[1].counted, QuotaScope::PerSubject);
        assert_eq!(
            (quotas[2].limit, quotas_from_summary(&BTreeMap::new())[0].limit),
            (9, 2048),
            "a trust policy always has a limit"
        );
        assert_eq!(quotas[3].limit, 2048, "the inline policies of a user always have a limit");
    }
}
