//! What an access amounts to: its level, and what is unwise about it. A stack's identities hold much the same policies, so each
//! text is looked into once.

use std::collections::{BTreeSet, HashMap};

use leasehold_provider::{Access, AccessFinding, AccessLevel, Assessment, Severity};
use serde_json::Value;

use super::unfenced;
use crate::catalogue;
use crate::document::{Document, Effect, PolicyKind, Version};
use crate::lint::{self, Finding, Setting};
use crate::reach::highest_level;

/// What is to be said of each access, in their order. The lease fence is no part of it.
#[must_use]
pub fn assess(accesses: &[Access]) -> Vec<Assessment> {
    let mut known = Known::default();
    accesses.iter().map(|access| known.assess(access)).collect()
}

#[derive(Default)]
struct Known {
    documents: HashMap<String, Option<Looked>>,
    /// By the texts of all policies together.
    escalations: HashMap<Vec<String>, Vec<Finding>>,
    /// By the texts of all policies, and of the boundary.
    levels: HashMap<(Vec<String>, Option<String>), AccessLevel>,
}

#[derive(Clone)]
struct Looked {
    document: Document,
    /// Without what is merely redundant: finding that takes a comparison for each entry, and a plan would wait for it.
    findings: Vec<Finding>,
}

impl Known {
    fn assess(&mut self, access: &Access) -> Assessment {
        let texts: Vec<Option<String>> = access.policies.iter().map(|policy| bare(policy.text())).collect();
        let mut findings = Vec::new();
        for (policy, text) in texts.iter().enumerate() {
            let Some(text) = text else { continue };
            let Some(looked) = self.look(text) else { continue };
            findings.extend(looked.findings.iter().map(|finding| told(finding, Some(policy))));
        }
        let texts: Vec<String> = texts.into_iter().flatten().collect();
        if texts.len() > 1 {
            let alone: BTreeSet<String> = findings.iter().map(|finding| finding.message.clone()).collect();
            let together = self.escalations(&texts).into_iter().filter(|finding| !alone.contains(&finding.message));
            findings.extend(together.map(|finding| told(&finding, None)));
        }
        findings.sort_by(|a, b| b.severity.cmp(&a.severity).then_with(|| a.cmp(b)));
        let boundary = access.boundary.as_ref().map(|boundary| boundary.text().to_owned());
        let mut level = self.level(texts, boundary);
        if !access.opaque.is_empty() {
            level = level.max(AccessLevel::Unknown);
        }
        Assessment { level, findings }
    }

    fn look(&mut self, text: &str) -> Option<&Looked> {
        if !self.documents.contains_key(text) {
            let looked = Document::parse(text).ok().map(|document| {
                let findings = lint::risks(&document, &Setting::of(PolicyKind::Identity));
                Looked { document, findings }
            });
            self.documents.insert(text.to_owned(), looked);
        }
        self.documents.get(text)?.as_ref()
    }

    /// The documents, as far as they read, and whether all do.
    fn documents(&mut self, texts: &[String]) -> (Vec<Document>, bool) {
        let documents: Vec<Document> =
            texts.iter().filter_map(|text| self.look(text).map(|looked| looked.document.clone())).collect();
        let all = documents.len() == texts.len();
        (documents, all)
    }

    /// The ways to more rights that take several policies.
    fn escalations(&mut self, texts: &[String]) -> Vec<Finding> {
        if let Some(found) = self.escalations.get(texts) {
            return found.clone();
        }
        let statements = self.documents(texts).0.into_iter().flat_map(|document| document.statements).collect();
        let found = lint::escalations(&Document { version: Version::V2012, id: None, statements });
        self.escalations.insert(texts.to_vec(), found.clone());
        found
    }

    fn level(&mut self, texts: Vec<String>, boundary: Option<String>) -> AccessLevel {
        let key = (texts, boundary);
        if let Some(level) = self.levels.get(&key) {
            return *level;
        }
        let (policies, mut all) = self.documents(&key.0);
        let mut access = crate::access::Access::of(policies);
        if let Some(boundary) = &key.1 {
            match Document::parse(boundary) {
                Ok(boundary) => access = access.within(vec![boundary]),
                Err(_) => all = false,
            }
        }
        let reached = match highest_level(&access) {
            None => AccessLevel::None,
            Some(catalogue::AccessLevel::List) => AccessLevel::List,
            Some(catalogue::AccessLevel::Read) => AccessLevel::Read,
            Some(catalogue::AccessLevel::Tagging) => AccessLevel::Tagging,
            Some(catalogue::AccessLevel::Write) => AccessLevel::Write,
            Some(catalogue::AccessLevel::PermissionsManagement) => AccessLevel::PermissionsManagement,
        };
        let level = if all && !names_the_unknown(&access) { reached } else { reached.max(AccessLevel::Unknown) };
        self.levels.insert(key, level);
        level
    }
}

/// Whether something is allowed that the catalogue has no level for.
fn names_the_unknown(access: &crate::access::Access) -> bool {
    let allows = access.policies.iter().flat_map(|document| &document.statements).filter(|s| s.effect == Effect::Allow);
    allows
        .filter(|statement| !statement.actions.negated)
        .flat_map(|statement| &statement.actions.items)
        .any(|action| catalogue().matching(action).next().is_none())
}

/// The text of a policy without its fence; `None` when nothing else is in it. A text that is no JSON stays as it is.
fn bare(text: &str) -> Option<String> {
    match serde_json::from_str::<Value>(text) {
        Ok(value) => unfenced(&value).map(|value| value.to_string()),
        Err(_) => Some(text.to_owned()),
    }
}

fn told(finding: &Finding, policy: Option<usize>) -> AccessFinding {
    AccessFinding {
        id: finding.rule.id().to_owned(),
        severity: match finding.severity {
            lint::Severity::Low => Severity::Low,
            lint::Severity::Medium => Severity::Medium,
            lint::Severity::High => Severity::High,
            lint::Severity::Critical => Severity::Critical,
        },
        policy,
        sid: finding.sid.clone(),
        message: finding.message.clone(),
        remedy: finding.rule.remedy().to_owned(),
        owasp: finding.rule.owasp().map(ToOwned::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::FENCE;
    use super::*;

    fn access(policies: &[Value]) -> Access {
        let policy = |statement: &Value| json!({"Version": "2012-10-17", "Statement": [statement]}).into();
        Access { policies: policies.iter().map(policy).collect(), ..Access::default() }
    }

    fn allow(action: &str, resource: &str) -> Value {
        json!({"Effect": "Allow", "Action": [action], "Resource": [resource]})
    }

    fn of(access: &Access) -> Assessment {
        assess(std::slice::from_ref(access)).remove(0)
    }

    #[test]
    fn the_level_is_the_highest_that_is_reached() {
        let level = |policies: &[Value]| of(&access(policies)).level;
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
    fn what_is_not_read_may_be_anything_but_more_than_everything() {
        let with = |action: &str| {
            let opaque = BTreeSet::from(["Foreign".to_owned()]);
            of(&Access { opaque, ..access(&[allow(action, "*")]) }).level
        };
        assert_eq!(with("s3:GetObject"), AccessLevel::Unknown);
        assert_eq!(with("iam:PutRolePolicy"), AccessLevel::PermissionsManagement);
    }

    #[test]
    fn a_boundary_cuts_the_level() {
        let boundary = json!({"Version": "2012-10-17", "Statement": [allow("s3:Get*", "*")]});
        let cut = Access { boundary: Some(boundary.into()), ..access(&[allow("s3:*", "*")]) };
        assert_eq!(of(&cut).level, AccessLevel::Read);
    }

    #[test]
    fn ways_to_more_rights_are_seen_across_policies() {
        let ids = |assessment: &Assessment| -> Vec<(String, Option<usize>)> {
            assessment.findings.iter().map(|finding| (finding.id.clone(), finding.policy)).collect()
        };
        let pass = json!({"Effect": "Allow", "Action": "iam:PassRole", "Resource": "arn:aws:iam::111122223333:role/app",
            "Condition": {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}});
        let create = json!({"Effect": "Allow", "Action": ["lambda:CreateFunction", "lambda:InvokeFunction"],
            "Resource": "arn:aws:lambda:us-east-1:111122223333:function:app"});
        assert_eq!(ids(&of(&access(std::slice::from_ref(&pass)))), []);
        assert_eq!(ids(&of(&access(std::slice::from_ref(&create)))), []);
        assert_eq!(ids(&of(&access(&[pass, create]))), [("privilege-escalation".to_owned(), None)]);
    }

    #[test]
    fn the_fence_is_no_part_of_it() {
        let fence = json!({"Sid": FENCE, "Effect": "Deny", "Action": "*", "Resource": "*",
            "Condition": {"DateGreaterThanEquals": {"aws:CurrentTime": "2026-12-01T00:00:00Z"}}});
        let policy = |statements: Value| Access {
            policies: vec![json!({"Version": "2012-10-17", "Statement": statements}).into()],
            ..Access::default()
        };
        let get = allow("s3:GetObject", "arn:aws:s3:::b/*");
        assert_eq!(of(&policy(json!([fence, get]))), of(&policy(json!([get]))));
        assert_eq!(of(&policy(json!([fence]))), Assessment { level: AccessLevel::None, findings: Vec::new() });
    }

    #[test]
    fn each_access_gets_its_own_answer() {
        let (read, write) = (access(&[allow("s3:GetObject", "*")]), access(&[allow("s3:PutObject", "*")]));
        let levels: Vec<AccessLevel> =
            assess(&[read.clone(), write.clone(), read]).iter().map(|assessment| assessment.level).collect();
        assert_eq!(levels, [AccessLevel::Read, AccessLevel::Write, AccessLevel::Read]);
    }
}
