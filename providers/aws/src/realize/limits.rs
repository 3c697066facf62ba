//! Checks IAM's limits before anything is written. The numbers are AWS's default quotas.

use std::collections::{BTreeMap, BTreeSet};

use leasehold_policy::{PolicyDocument, PolicyKind};
use leasehold_provider::marks::{KEYS, PREFIX};
use leasehold_provider::{
    Address, DesiredIdentity, Federation, Group, Issuer, Principal, Resource, ResourceId, Scope, Statement, Trust,
    Value, Violation,
};

use crate::{document, kinds};

// Lengths are in characters, counts in objects, the session duration in seconds.
const NAME: usize = 64;
const POLICY_NAME: usize = 128;
/// Maximum size of all inline policies of a user together, in characters.
pub const USER_INLINE: usize = 2048;
/// Maximum size of all inline policies of a role together, in characters.
pub const ROLE_INLINE: usize = 10240;
/// Maximum size of all inline policies of a group together, in characters.
pub const GROUP_INLINE: usize = 5120;
/// Maximum number of groups that a user may be in.
const GROUPS: usize = 10;
const MANAGED: usize = 6144;
/// Maximum size of a trust policy in characters, in any account. The account summary contains the limit of the account, usually 2048.
const TRUST: usize = 4096;
/// Size of a trust policy in characters that every account accepts.
pub const TRUST_EVERYWHERE: usize = 2048;
/// Maximum number of policies attached to one principal or group, in any account. The account summary contains the limit of the account,
/// usually 10.
const ATTACHMENTS: usize = 25;
const TAGS: usize = 50;
const TAG_KEY: usize = 128;
const TAG_VALUE: usize = 256;
const ISSUER_URL: usize = 255;
const AUDIENCES: usize = 100;
const AUDIENCE: usize = 255;
const THUMBPRINTS: usize = 5;
const METADATA: std::ops::RangeInclusive<usize> = 1000..=10_000_000;
const DESCRIPTION: usize = 1000;
const SESSION: std::ops::RangeInclusive<u32> = 3600..=43200;
/// Maximum number of marks on an object, including those of a quarantine. Marks count against the tag limit.
const MARKS: usize = KEYS.len();

/// Collects the violations of one subject.
struct LimitFindings {
    subject: Address,
    found: Vec<Violation>,
}

impl LimitFindings {
    fn add_violation(&mut self, attribute: &'static str, problem: String, help: impl Into<String>) {
        self.found.push(Violation { subject: self.subject.clone(), attribute, problem, help: help.into() });
    }
}

/// The limits that an identity's resources would exceed.
pub fn check_identity(identity: &DesiredIdentity, resources: &[Resource]) -> Vec<Violation> {
    let mut findings = LimitFindings { subject: identity.spec.address.clone(), found: Vec::new() };
    check_name(&mut findings, &identity.spec.name, NAME);
    check_tags(&mut findings, identity, resources);
    check_documents(&mut findings, identity, resources);
    check_attachments(&mut findings, identity, resources);
    check_boundary(&mut findings, identity, resources);
    check_statements(&mut findings, &identity.spec.statements);
    if identity.spec.principal == Principal::Role {
        check_role(&mut findings, identity);
    }
    findings.found
}

/// The limits that a scope's policy would exceed.
pub fn check_scope(scope: &Scope, policy: &Resource) -> Vec<Violation> {
    let mut findings = LimitFindings { subject: scope.address(), found: Vec::new() };
    check_name(&mut findings, policy.get("name").and_then(Value::as_text).unwrap_or(&scope.name), POLICY_NAME);
    check_statements(&mut findings, &scope.statements);
    check_grammar(&mut findings, "statement", policy, "policy", PolicyKind::Identity);
    let size = document_size(policy, "policy");
    if size > MANAGED {
        findings.add_violation(
            "statement",
            format!("the policy has {size} characters; IAM allows at most {MANAGED} in a managed policy"),
            "split the scope into two, or shorten its actions and resources with wildcards",
        );
    }
    findings.found
}

/// The limits that an OpenID Connect or SAML provider would exceed.
pub fn check_federation(federation: &Federation, resource: &Resource) -> Vec<Violation> {
    let mut findings = LimitFindings { subject: federation.address(), found: Vec::new() };
    match &federation.issuer {
        Issuer::Oidc { audiences, thumbprints, .. } => {
            let length = resource.id.name.chars().count();
            if length > ISSUER_URL {
                findings.add_violation(
                    "url",
                    format!("it has {length} characters; IAM allows at most {ISSUER_URL}"),
                    "use a shorter URL",
                );
            }
            if audiences.is_empty() || audiences.len() > AUDIENCES {
                findings.add_violation(
                    "audiences",
                    format!("there are {}; IAM allows 1 to {AUDIENCES}", audiences.len()),
                    "list the audiences that roles of this account require",
                );
            }
            if let Some(long) = audiences.iter().find(|audience| audience.chars().count() > AUDIENCE) {
                findings.add_violation(
                    "audiences",
                    format!("{long:?} has more than {AUDIENCE} characters"),
                    "shorten it",
                );
            }
            if thumbprints.len() > THUMBPRINTS {
                let problem = format!("there are {}; IAM allows at most {THUMBPRINTS}", thumbprints.len());
                findings.add_violation("thumbprints", problem, "keep only the thumbprints of certificates in use");
            }
        }
        Issuer::Saml { name: saml, metadata } => {
            check_name(&mut findings, saml, POLICY_NAME);
            if !(METADATA.contains(&metadata.chars().count())) {
                let problem = format!("it has {} characters; IAM allows 1000 to 10000000", metadata.chars().count());
                findings.add_violation(
                    "metadata",
                    problem,
                    "use the complete metadata document that the identity provider publishes",
                );
            }
        }
    }
    findings.found
}

/// The limits that a group's resources would exceed.
pub fn check_group(group: &Group, resources: &[Resource]) -> Vec<Violation> {
    let mut findings = LimitFindings { subject: group.address.clone(), found: Vec::new() };
    check_name(&mut findings, &group.name, POLICY_NAME);
    check_statements(&mut findings, &group.statements);
    for resource in resources {
        check_grammar(&mut findings, "statement", resource, "policy", PolicyKind::Identity);
    }
    let inline: usize = resources.iter().map(|resource| document_size(resource, "policy")).sum();
    if inline > GROUP_INLINE {
        findings.add_violation(
            "statement",
            format!("its own statements have {inline} characters; IAM allows at most {GROUP_INLINE} in the inline policies of a group"),
            "move statements to a scope: a scope is a separate policy of up to 6144 characters",
        );
    }
    check_attached_count(&mut findings, resources);
    check_policy_arns(&mut findings, "managed_policy_arns", &group.outside_policies);
    findings.found
}

fn check_name(findings: &mut LimitFindings, name: &str, limit: usize) {
    let length = name.chars().count();
    if length == 0 || length > limit {
        findings.add_violation(
            "name",
            format!("{name:?} has {length} characters; IAM allows 1 to {limit}"),
            "choose a shorter name",
        );
    }
    let strange: String = name.chars().filter(|c| !(c.is_ascii_alphanumeric() || "_+=,.@-".contains(*c))).collect();
    if !strange.is_empty() {
        findings.add_violation(
            "name",
            format!("{name:?} contains {strange:?}, which IAM does not allow in a name"),
            "use letters, digits and _+=,.@-",
        );
    }
}

fn check_tags(findings: &mut LimitFindings, identity: &DesiredIdentity, resources: &[Resource]) {
    let count = identity.spec.tags.len() + MARKS;
    if count > TAGS {
        findings.add_violation(
            "tags",
            format!(
                "{} tags and the {MARKS} tags of Leasehold make {count}; IAM allows at most {TAGS}",
                identity.spec.tags.len()
            ),
            format!("use at most {} tags", TAGS - MARKS),
        );
    }
    let mut folded: BTreeMap<String, &str> = BTreeMap::new();
    for (key, value) in &identity.spec.tags {
        if key.starts_with(PREFIX) || key.to_ascii_lowercase().starts_with("aws:") {
            findings.add_violation(
                "tags",
                format!("the tag {key:?} begins with a reserved prefix"),
                format!("\"{PREFIX}\" is reserved for Leasehold and \"aws:\" for AWS: choose another key"),
            );
        }
        if let Some(other) = folded.insert(key.to_lowercase(), key) {
            findings.add_violation(
                "tags",
                format!("the tags {other:?} and {key:?} differ only in case; IAM treats them as the same key"),
                "remove one of them",
            );
        }
        check_tag_text(findings, "tags", &format!("the tag key {key:?}"), key, 1, TAG_KEY);
        let shown =
            if identity.spec.sensitive_tags.contains(key) { "the value of a sensitive tag" } else { "the tag value" };
        let shown = if identity.spec.sensitive_tags.contains(key) {
            format!("{shown} ({key:?})")
        } else {
            format!("{shown} {value:?} of {key:?}")
        };
        check_tag_text(findings, "tags", &shown, value, 0, TAG_VALUE);
    }
    let marks = resources.iter().find_map(|resource| resource.marks.as_ref());
    for (key, value) in marks.map(leasehold_provider::Marks::to_tags).unwrap_or_default() {
        let attribute = match key.strip_prefix(PREFIX) {
            Some("owner") => "owner",
            Some("service") => "service",
            Some("environment") => "environment",
            _ => "",
        };
        check_tag_text(findings, attribute, &format!("{value:?}, stored in the tag {key},"), &value, 0, TAG_VALUE);
    }
}

fn check_tag_text(
    findings: &mut LimitFindings,
    attribute: &'static str,
    what: &str,
    text: &str,
    least: usize,
    most: usize,
) {
    let length = text.chars().count();
    if length < least || length > most {
        findings.add_violation(
            attribute,
            format!("{what} has {length} characters; IAM allows {least} to {most}"),
            "shorten it",
        );
    }
    if !text.chars().all(|c| c.is_alphanumeric() || c == ' ' || "_.:/=+-@".contains(c)) {
        findings.add_violation(
            attribute,
            format!("{what} contains a character that IAM does not allow in a tag"),
            "use letters, digits, spaces and _.:/=+-@",
        );
    }
}

fn check_documents(findings: &mut LimitFindings, identity: &DesiredIdentity, resources: &[Resource]) {
    let inline: usize =
        resources.iter().filter(|r| kinds::is_own_inline_policy(&r.id)).map(|r| document_size(r, "policy")).sum();
    let (limit, form) = match identity.spec.principal {
        Principal::User => (USER_INLINE, "user"),
        Principal::Role => (ROLE_INLINE, "role"),
    };
    if inline > limit {
        findings.add_violation(
            "statement",
            format!(
                "its own statements and lease deny have {inline} characters; IAM allows at most {limit} in the inline policies of a {form}"
            ),
            "move statements to a scope: a scope is a separate policy of up to 6144 characters",
        );
    }
    for resource in resources {
        check_grammar(findings, "statement", resource, "policy", PolicyKind::Identity);
        check_grammar(findings, "trust", resource, "assume_role_policy", PolicyKind::Trust);
    }
    let own: usize = resources.iter().filter(|r| r.id.kind == kinds::POLICY).map(|r| document_size(r, "policy")).sum();
    if own > MANAGED {
        findings.add_violation(
            "statement",
            format!("its own statements have {own} characters; IAM allows a user at most {USER_INLINE} in inline policies, or {MANAGED} in a managed policy"),
            "move statements to scopes: each scope is a separate policy",
        );
    }
    let trust: usize = resources.iter().map(|r| document_size(r, "assume_role_policy")).sum();
    if trust > TRUST {
        findings.add_violation(
            "trust",
            format!("the trust policy has {trust} characters; IAM allows at most {TRUST}"),
            "trust fewer principals, or use patterns in `subjects`",
        );
    }
}

/// Finds policies that IAM would reject as invalid.
fn check_grammar(
    findings: &mut LimitFindings,
    attribute: &'static str,
    resource: &Resource,
    name: &str,
    kind: PolicyKind,
) {
    let Some(Value::Document(policy)) = resource.get(name) else { return };
    if let Err(error) = PolicyDocument::parse(policy.canonical_text()).and_then(|policy| policy.require_kind(kind)) {
        findings.add_violation(
            attribute,
            format!("the resulting policy is not a valid IAM policy: {error}"),
            "correct the statement or trust",
        );
    }
}

/// The size in characters of a document as it is sent to IAM; 0 if the attribute has no document.
pub fn document_size(resource: &Resource, attribute: &str) -> usize {
    match resource.get(attribute) {
        Some(Value::Document(policy)) => document::render_document(policy).chars().count(),
        _ => 0,
    }
}

/// Whether IAM accepts a policy of this size in this place.
pub fn fits_size_limit(id: &ResourceId, policy: &leasehold_provider::Document) -> bool {
    let limit = match (kinds::containing_group(id), kinds::owning_principal(id)) {
        (Some(_), _) => GROUP_INLINE,
        (_, Some((Principal::User, _))) => USER_INLINE,
        (_, Some((Principal::Role, _))) => ROLE_INLINE,
        (None, None) => MANAGED,
    };
    document::render_document(policy).chars().count() <= limit
}

fn check_attachments(findings: &mut LimitFindings, identity: &DesiredIdentity, resources: &[Resource]) {
    check_attached_count(findings, resources);
    check_policy_arns(findings, "managed_policy_arns", &identity.spec.outside_policies);
    check_policy_arns(findings, "permissions_boundary", &identity.spec.permissions_boundary);
    if identity.spec.groups.len() > GROUPS {
        findings.add_violation(
            "groups",
            format!("it would be a member of {} groups; IAM allows at most {GROUPS}", identity.spec.groups.len()),
            "merge groups that are always used together",
        );
    }
}

/// A permissions boundary must not be a policy of the same stack: a principal that may write the stack could otherwise widen an identity together
/// with its boundary.
fn check_boundary(findings: &mut LimitFindings, identity: &DesiredIdentity, resources: &[Resource]) {
    let Some(boundary) = &identity.spec.permissions_boundary else { return };
    let stack = resources.iter().find_map(|resource| Some(&resource.marks.as_ref()?.stack));
    let is_managed = |stack| boundary.contains(&format!(":policy{}", crate::arn::stack_path(stack)));
    if stack.is_some_and(is_managed) {
        findings.add_violation(
            "permissions_boundary",
            format!(
                "{boundary:?} is a policy of this stack: a principal that can widen an identity of the stack could also widen its boundary"
            ),
            "use an AWS managed policy, or a policy that another stack or tool manages, as the boundary",
        );
    }
}

fn check_attached_count(findings: &mut LimitFindings, resources: &[Resource]) {
    let count = resources.iter().filter(|resource| resource.get("policy_arn").is_some()).count();
    if count > ATTACHMENTS {
        findings.add_violation(
            "scopes",
            format!(
                "{count} policies would be attached (scopes and managed_policy_arns); IAM allows at most {ATTACHMENTS}"
            ),
            "merge scopes that are always used together, or move statements into the block itself",
        );
    }
}

fn check_policy_arns<'a>(
    findings: &mut LimitFindings,
    attribute: &'static str,
    arns: impl IntoIterator<Item = &'a String>,
) {
    for arn in arns {
        if !crate::arn::IamArn::parse_arn(arn).is_some_and(|arn| arn.resource.starts_with("policy/")) {
            findings.add_violation(
                attribute,
                format!("{arn:?} is not the ARN of a managed policy"),
                "use an ARN such as arn:aws:iam::aws:policy/NAME or arn:aws:iam::ACCOUNT:policy/NAME",
            );
        }
    }
}

fn check_statements(findings: &mut LimitFindings, statements: &[Statement]) {
    let mut sids = BTreeSet::new();
    for statement in statements {
        if let Some(sid) = &statement.sid {
            if !sid.chars().all(|c| c.is_ascii_alphanumeric()) {
                findings.add_violation(
                    "statement",
                    format!("the sid {sid:?} contains characters other than letters and digits"),
                    "use only letters and digits in the sid",
                );
            }
            if sid.starts_with("Leasehold") {
                findings.add_violation(
                    "statement",
                    format!("the sid {sid:?} begins with \"Leasehold\", which is reserved"),
                    "these sids are reserved for the lease deny and for quarantine: choose another sid",
                );
            }
            if !sids.insert(sid) {
                findings.add_violation(
                    "statement",
                    format!("two statements have the sid {sid:?}"),
                    "use each sid once per policy: rename one of the statements",
                );
            }
        }
        if format!("{statement:?}").to_ascii_lowercase().contains(&format!("aws:principaltag/{PREFIX}")) {
            findings.add_violation(
                "statement",
                format!("it reads a tag that begins with \"{PREFIX}\": such tags are marks, which are written after the changes that they describe"),
                "add a tag of your own to the identities, and use that tag in the condition",
            );
        }
        let mut tests = BTreeSet::new();
        for condition in &statement.conditions {
            let (test, variable) = (&condition.test, &condition.variable);
            if !tests.insert((test.to_lowercase(), variable.to_lowercase())) {
                findings.add_violation(
                    "statement",
                    format!("two conditions of one statement use {test} on {variable}; IAM allows one"),
                    "merge their values into one condition, which matches any of the values, or use two statements",
                );
            }
        }
    }
}

fn check_role(findings: &mut LimitFindings, identity: &DesiredIdentity) {
    if let Some(span) = identity.spec.max_session_duration.filter(|span| !SESSION.contains(&span.as_seconds())) {
        findings.add_violation(
            "max_session_duration",
            format!("a maximum session duration of {span} is not supported; IAM allows 1h to 12h"),
            "use a duration from \"1h\" to \"12h\"",
        );
    }
    let purpose = identity.spec.purpose.as_deref().unwrap_or("");
    let length = purpose.chars().count();
    if length > DESCRIPTION {
        findings.add_violation(
            "purpose",
            format!("it has {length} characters and becomes the role's description; IAM allows at most {DESCRIPTION}"),
            "shorten it",
        );
    }
    let plain = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='~' | '\u{a1}'..='\u{ff}');
    if let Some(strange) = purpose.chars().find(|c| !plain(*c)) {
        findings.add_violation(
            "purpose",
            format!("it contains {strange:?} and becomes the role's description, in which IAM allows only Latin-1 characters"),
            "remove that character",
        );
    }
    for trust in &identity.spec.trusts {
        check_trust(findings, trust);
    }
}

fn check_trust(findings: &mut LimitFindings, trust: &Trust) {
    match trust {
        Trust::Oidc { issuer, .. } if !issuer.starts_with("https://") => findings.add_violation(
            "trust",
            format!("the issuer {issuer:?} is not an https URL"),
            "use the issuer URL that the provider publishes, for example \"https://token.actions.githubusercontent.com\"",
        ),
        Trust::Named { principals, .. } => {
            for principal in principals {
                let account = principal.len() == 12 && principal.bytes().all(|byte| byte.is_ascii_digit());
                if !account && crate::arn::IamArn::parse_arn(principal).is_none() {
                    findings.add_violation(
                        "trust",
                        format!("{principal:?} is neither a 12-digit account id nor an IAM or STS ARN"),
                        "use for example \"111122223333\" or \"arn:aws:iam::111122223333:role/NAME\"",
                    );
                }
            }
        }
        _ => {}
    }
}
