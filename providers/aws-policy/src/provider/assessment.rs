//! The assessment of an access: its highest access level and its findings. The identities of a stack often have the
//! same policies, so each text is parsed and linted once.

use std::collections::{BTreeSet, HashMap};

use leasehold_provider::{Access, AccessFinding, AccessLevel, Assessment, Severity};
use serde_json::Value;

use super::without_lease_deny;
use crate::catalogue::{self, embedded_catalogue};
use crate::document::{LanguageVersion, PolicyDocument, PolicyKind, StatementEffect};
use crate::lint::{self, LintContext, LintFinding};
use crate::reach::highest_level;

/// The assessment of each access, in the same order. Lease deny statements are ignored.
#[must_use]
pub fn assess_accesses(accesses: &[Access]) -> Vec<Assessment> {
    let mut known = AssessmentCache::default();
    accesses.iter().map(|access| known.assess_access(access)).collect()
}

#[derive(Default)]
struct AssessmentCache {
    documents: HashMap<String, Option<LintedPolicy>>,
    /// By the texts of all policies of an access.
    escalations: HashMap<Vec<String>, Vec<LintFinding>>,
    /// By the texts of all policies of an access, and of its boundary.
    levels: HashMap<(Vec<String>, Option<String>), AccessLevel>,
}

#[derive(Clone)]
struct LintedPolicy {
    document: PolicyDocument,
    /// Without redundancy, which needs a comparison for each entry and would delay a plan.
    findings: Vec<LintFinding>,
}

impl AssessmentCache {
    fn assess_access(&mut self, access: &Access) -> Assessment {
        let texts: Vec<Option<String>> =
            access.policies.iter().map(|policy| text_without_lease_deny(policy.canonical_text())).collect();
        let mut findings = Vec::new();
        for (policy, text) in texts.iter().enumerate() {
            let Some(text) = text else { continue };
            let Some(looked) = self.lint_text(text) else { continue };
            findings.extend(looked.findings.iter().map(|finding| to_access_finding(finding, Some(policy))));
        }
        let texts: Vec<String> = texts.into_iter().flatten().collect();
        if texts.len() > 1 {
            let alone: BTreeSet<String> = findings.iter().map(|finding| finding.message.clone()).collect();
            let together =
                self.cached_escalations(&texts).into_iter().filter(|finding| !alone.contains(&finding.message));
            findings.extend(together.map(|finding| to_access_finding(&finding, None)));
        }
        findings.sort_by(|a, b| b.severity.cmp(&a.severity).then_with(|| a.cmp(b)));
        let boundary = access.boundary.as_ref().map(|boundary| boundary.canonical_text().to_owned());
        let mut level = self.cached_level(texts, boundary);
        if !access.opaque.is_empty() {
            level = level.max(AccessLevel::Unknown);
        }
        Assessment { level, findings }
    }

    fn lint_text(&mut self, text: &str) -> Option<&LintedPolicy> {
        if !self.documents.contains_key(text) {
            let looked = PolicyDocument::parse(text).ok().map(|document| {
                let findings = lint::lint_risks(&document, &LintContext::for_kind(PolicyKind::Identity));
                LintedPolicy { document, findings }
            });
            self.documents.insert(text.to_owned(), looked);
        }
        self.documents.get(text)?.as_ref()
    }

    /// The documents that can be parsed, and whether all can be.
    fn parsed_documents(&mut self, texts: &[String]) -> (Vec<PolicyDocument>, bool) {
        let documents: Vec<PolicyDocument> =
            texts.iter().filter_map(|text| self.lint_text(text).map(|looked| looked.document.clone())).collect();
        let all = documents.len() == texts.len();
        (documents, all)
    }

    /// The privilege escalations that the policies allow together.
    fn cached_escalations(&mut self, texts: &[String]) -> Vec<LintFinding> {
        if let Some(found) = self.escalations.get(texts) {
            return found.clone();
        }
        let statements = self.parsed_documents(texts).0.into_iter().flat_map(|document| document.statements).collect();
        let found = lint::lint_escalations(&PolicyDocument { version: LanguageVersion::V2012, id: None, statements });
        self.escalations.insert(texts.to_vec(), found.clone());
        found
    }

    fn cached_level(&mut self, texts: Vec<String>, boundary: Option<String>) -> AccessLevel {
        let key = (texts, boundary);
        if let Some(level) = self.levels.get(&key) {
            return *level;
        }
        let (policies, mut all) = self.parsed_documents(&key.0);
        let mut access = crate::policy_set::PolicySet::new(policies);
        if let Some(boundary) = &key.1 {
            match PolicyDocument::parse(boundary) {
                Ok(boundary) => access = access.with_boundary(vec![boundary]),
                Err(_) => all = false,
            }
        }
        let reached = match highest_level(&access) {
            None => AccessLevel::None,
            Some(catalogue::ActionAccessLevel::List) => AccessLevel::List,
            Some(catalogue::ActionAccessLevel::Read) => AccessLevel::Read,
            Some(catalogue::ActionAccessLevel::Tagging) => AccessLevel::Tagging,
            Some(catalogue::ActionAccessLevel::Write) => AccessLevel::Write,
            Some(catalogue::ActionAccessLevel::PermissionsManagement) => AccessLevel::PermissionsManagement,
        };
        let level =
            if all && !names_uncatalogued_action(&access) { reached } else { reached.max(AccessLevel::Unknown) };
        self.levels.insert(key, level);
        level
    }
}

/// Whether an Allow statement has an action that the catalogue does not know, so that its level is unknown.
fn names_uncatalogued_action(access: &crate::policy_set::PolicySet) -> bool {
    let allows =
        access.policies.iter().flat_map(|document| &document.statements).filter(|s| s.effect == StatementEffect::Allow);
    allows
        .filter(|statement| !statement.actions.negated)
        .flat_map(|statement| &statement.actions.items)
        .any(|action| embedded_catalogue().matching_actions(action).next().is_none())
}

/// The text of a policy without its lease deny. `None`: it has no other statement. A text that is not JSON is
/// unchanged.
fn text_without_lease_deny(text: &str) -> Option<String> {
    match serde_json::from_str::<Value>(text) {
        Ok(value) => without_lease_deny(&value).map(|value| value.to_string()),
        Err(_) => Some(text.to_owned()),
    }
}

fn to_access_finding(finding: &LintFinding, policy: Option<usize>) -> AccessFinding {
    AccessFinding {
        id: finding.rule.id().to_owned(),
        severity: match finding.severity {
            lint::LintSeverity::Low => Severity::Low,
            lint::LintSeverity::Medium => Severity::Medium,
            lint::LintSeverity::High => Severity::High,
            lint::LintSeverity::Critical => Severity::Critical,
        },
        policy,
        sid: finding.sid.clone(),
        message: finding.message.clone(),
        remedy: finding.rule.remedy().to_owned(),
        owasp: finding.rule.owasp_risk().map(ToOwned::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::LEASE_DENY_SID;
    use super::*;

    fn access(policies: &[Value]) -> Access {
        let policy = |statement: &Value| json!({"Version": "2012-10-17", "Statement": [statement]}).into();
        Access { policies: policies.iter().map(policy).collect(), ..Access::default() }
    }

    fn allow(action: &str, resource: &str) -> Value {
        json!({"Effect": "Allow", "Action": [action], "Resource": [resource]})
    }

    fn assess_one(access: &Access) -> Assessment {
        assess_accesses(std::slice::from_ref(access)).remove(0)
    }

    #[test]
    fn level_is_the_highest_granted() {
        let level = |policies: &[Value]| assess_one(&access(policies)).level;
        let get = allow("s3:GetObject", "arn:aws:s3:::b/*");
        assert_eq!(level(&[]), AccessLevel::None);
        assert_eq!(level(std::slice::from_ref(&get)), AccessLevel::Read);
        assert_eq!(level(&[get.clone(), allow("s3:Put*", "arn:aws:s3:::b/*")]), AccessLevel::PermissionsManagement);
        assert_eq!(level(&[get.clone(), allow("s3:PutObject", "*")]), AccessLevel::Write);
        let none = json!({"Effect": "Deny", "Action": "s3:Put*", "Resource": "*"});
        assert_eq!(level(&[get.clone(), allow("s3:PutObject", "*"), none]), AccessLevel::Read);
        assert_eq!(level(&[get, allow("nothing:Known", "*")]), AccessLevel::Unknown);
        assert_eq!(level(&[allow("*", "*")]), AccessLevel::PermissionsManagement);
    }

    #[test]
    fn unknown_policy_raises_the_level_to_unknown() {
        let with = |action: &str| {
            let opaque = BTreeSet::from(["Foreign".to_owned()]);
            assess_one(&Access { opaque, ..access(&[allow(action, "*")]) }).level
        };
        assert_eq!(with("s3:GetObject"), AccessLevel::Unknown);
        assert_eq!(with("iam:PutRolePolicy"), AccessLevel::PermissionsManagement);
    }

    #[test]
    fn boundary_limits_the_level() {
        let boundary = json!({"Version": "2012-10-17", "Statement": [allow("s3:Get*", "*")]});
        let cut = Access { boundary: Some(boundary.into()), ..access(&[allow("s3:*", "*")]) };
        assert_eq!(assess_one(&cut).level, AccessLevel::Read);
    }

    #[test]
    fn escalation_across_policies_is_found() {
        let ids = |assessment: &Assessment| -> Vec<(String, Option<usize>)> {
            assessment.findings.iter().map(|finding| (finding.id.clone(), finding.policy)).collect()
        };
        let pass = json!({"Effect": "Allow", "Action": "iam:PassRole", "Resource": "arn:aws:iam::111122223333:role/app",
            "Condition": {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}});
        let create = json!({"Effect": "Allow", "Action": ["lambda:CreateFunction", "lambda:InvokeFunction"],
            "Resource": "arn:aws:lambda:us-east-1:111122223333:function:app"});
        assert_eq!(ids(&assess_one(&access(std::slice::from_ref(&pass)))), []);
        assert_eq!(ids(&assess_one(&access(std::slice::from_ref(&create)))), []);
        assert_eq!(ids(&assess_one(&access(&[pass, create]))), [("privilege-escalation".to_owned(), None)]);
    }

    #[test]
    fn lease_deny_is_ignored() {
        let lease_deny = json!({"Sid": LEASE_DENY_SID, "Effect": "Deny", "Action": "*", "Resource": "*",
            "Condition": {"DateGreaterThanEquals": {"aws:CurrentTime": "2026-12-01T00:00:00Z"}}});
        let policy = |statements: Value| Access {
            policies: vec![json!({"Version": "2012-10-17", "Statement": statements}).into()],
            ..Access::default()
        };
        let get = allow("s3:GetObject", "arn:aws:s3:::b/*");
        assert_eq!(assess_one(&policy(json!([lease_deny, get]))), assess_one(&policy(json!([get]))));
        assert_eq!(
            assess_one(&policy(json!([lease_deny]))),
            Assessment { level: AccessLevel::None, findings: Vec::new() }
        );
    }

    #[test]
    fn each_access_has_its_own_level() {
        let (read, write) = (access(&[allow("s3:GetObject", "*")]), access(&[allow("s3:PutObject", "*")]));
        let levels: Vec<AccessLevel> =
            assess_accesses(&[read.clone(), write.clone(), read]).iter().map(|assessment| assessment.level).collect();
        assert_eq!(levels, [AccessLevel::Read, AccessLevel::Write, AccessLevel::Read]);
    }
}
