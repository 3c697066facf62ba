//! The interim state of a policy: it grants nothing that the policy does not grant both before and after a transition.
//!
//! | before | after | interim |
//! | --- | --- | --- |
//! | Allow `s3:Get*`, `s3:List*` | Allow `s3:Get*`, `s3:Put*` | Allow `s3:Get*` |
//! | Allow `sqs:*`, Deny `a:*` | Allow `s3:*` | Deny `a:*` |
//! | (no policy) | Allow `s3:*` | a Deny without effect, because a policy needs a statement |

use jiff::Timestamp;
use leasehold_provider::{DenyExtent, Document, InterimDeny};
use serde_json::{Value, json};

use super::LEASE_DENY_SID;

/// The `Sid` of the interim deny: the statement that denies everything during a transition.
pub const INTERIM_DENY_SID: &str = "LeaseholdMeanwhile";

/// The `Sid` of a Deny without effect. IAM requires at least one statement in a policy.
const NOTHING: &str = "LeaseholdNothing";

/// The interim policy between `before` and `after`: the Allow statements of both, and the Deny statements of either and
/// of `withheld`. It denies everything if the result does not `fit` the AWS limits or everything is withheld. A missing
/// policy (`None`) allows nothing. Returns `None` if both are missing.
#[must_use]
pub fn interim_policy(
    before: Option<&Value>,
    after: Option<&Value>,
    withheld: &InterimDeny,
    fits: impl Fn(&Value) -> bool,
) -> Option<Value> {
    let mut policy = after.or(before)?.clone();
    let fields = policy.as_object_mut()?;
    fields.insert("Statement".to_owned(), Value::Array(interim_statements(before, after, withheld)));
    if withheld.everything || deny_changes_meaning(&policy, before, withheld) || !fits(&policy) {
        let all = json!([{ "Sid": INTERIM_DENY_SID, "Effect": "Deny", "Action": ["*"], "Resource": ["*"] }]);
        policy.as_object_mut()?.insert("Statement".to_owned(), all);
    }
    Some(policy)
}

/// Whether a Deny from another policy would have a different meaning in this one: policy variables require version
/// 2012-10-17 (IAM user guide, "IAM JSON policy elements: Version").
fn deny_changes_meaning(policy: &Value, before: Option<&Value>, withheld: &InterimDeny) -> bool {
    let others = withheld.documents.iter().map(Document::as_json_value).chain(before);
    let mut others = others.filter(|other| other.get("Version") != policy.get("Version"));
    others.any(|other| policy_statements(other).any(|it| is_deny(it) && it.to_string().contains("${")))
}

fn interim_statements(before: Option<&Value>, after: Option<&Value>, withheld: &InterimDeny) -> Vec<Value> {
    let list_statements =
        |policy: Option<&Value>| policy.map(|policy| policy_statements(policy).cloned().collect()).unwrap_or_default();
    let (mut old, new): (Vec<Value>, Vec<Value>) = (list_statements(before), list_statements(after));
    let version = |policy: Option<&Value>| policy.and_then(|policy| policy.get("Version")).cloned();
    if version(before) != version(after) {
        // The text may be the same, but with another version `${…}` has another meaning.
        old.retain(|statement| is_deny(statement) || !statement.to_string().contains("${"));
    }
    let mut interim: Vec<Value> = Vec::new();
    for statement in &new {
        if is_deny(statement) || old.iter().any(|other| without_sid(other) == without_sid(statement)) {
            interim.push(statement.clone());
        } else {
            interim.extend(old.iter().filter(|it| !is_deny(it)).find_map(|other| shared_allow(other, statement)));
        }
    }
    interim.retain(|statement| !is_placeholder(statement));
    let mut seen: Vec<Value> = interim.iter().map(without_sid).collect();
    let others = withheld.documents.iter().flat_map(|document| policy_statements(document.as_json_value()));
    for statement in old.iter().chain(others).filter(|statement| is_deny(statement) && !is_placeholder(statement)) {
        let plain = without_sid(statement);
        if !seen.contains(&plain) {
            // A `Sid` must be unique within a policy and may already be in use, so only the lease deny keeps it.
            let keeps_sid = is_lease_deny(statement) && !interim.iter().any(is_lease_deny);
            interim.push(if keeps_sid { statement.clone() } else { plain.clone() });
            seen.push(plain);
        }
    }
    if interim.is_empty() {
        interim.push(json!({ "Sid": NOTHING, "Effect": "Deny", "Action": ["none:null"], "Resource": ["*"] }));
    }
    interim
}

/// What two Allow statements both allow, if they differ only in their actions or only in their resources and share
/// some. `None`: they differ in more or share nothing.
fn shared_allow(old: &Value, new: &Value) -> Option<Value> {
    let mut differing = ["Action", "Resource"].into_iter().filter(|list| old.get(list) != new.get(list));
    let list = differing.next()?;
    let items = old.get(list)?.as_array()?;
    let shared: Vec<Value> = new.get(list)?.as_array()?.iter().filter(|item| items.contains(item)).cloned().collect();
    let with_shared = |statement: &Value| {
        let mut statement = statement.clone();
        statement.as_object_mut()?.insert(list.to_owned(), Value::Array(shared.clone()));
        Some(statement)
    };
    let (old, new) = (with_shared(old)?, with_shared(new)?);
    (!shared.is_empty() && without_sid(&old) == without_sid(&new)).then_some(new)
}

/// Whether a policy denies something other than by its lease deny, and whether it allows something. A text that cannot
/// be parsed counts as doing both. Without `has_lease_deny` the policy has no lease deny, so a statement with that
/// `Sid` counts as any other Deny.
#[must_use]
pub fn classify_denies(policy: &Document, has_lease_deny: bool) -> DenyExtent {
    // Within a JSON string the quotes are escaped, so these texts only occur as members. Most policies have no Deny
    // other than the lease deny, and this check avoids parsing them.
    let count = |field: &str| policy.canonical_text().matches(field).count();
    match count(r#""Deny""#) {
        0 => return DenyExtent::Nothing,
        1 if has_lease_deny && count(&format!(r#""Sid":"{LEASE_DENY_SID}""#)) == 1 => return DenyExtent::Nothing,
        _ => {}
    }
    let Ok(policy) = serde_json::from_str::<Value>(policy.canonical_text()) else { return DenyExtent::Besides };
    let takes = policy_statements(&policy)
        .any(|it| is_deny(it) && !(has_lease_deny && is_lease_deny(it)) && !is_placeholder(it));
    let gives = policy_statements(&policy).any(|statement| !is_deny(statement));
    if policy_statements(&policy).any(denies_everything) {
        return DenyExtent::Everything;
    }
    match (takes, gives) {
        (false, _) => DenyExtent::Nothing,
        (true, false) => DenyExtent::Only,
        (true, true) => DenyExtent::Besides,
    }
}

/// Whether a policy's lease deny is in effect at `now`. A lease deny with another condition than Leasehold writes
/// counts as in effect.
#[must_use]
pub fn is_lease_deny_in_effect(policy: &Document, now: Timestamp) -> bool {
    if !policy.canonical_text().contains(LEASE_DENY_SID) {
        return false;
    }
    let Ok(policy) = serde_json::from_str::<Value>(policy.canonical_text()) else { return true };
    policy_statements(&policy).filter(|statement| is_deny(statement) && is_lease_deny(statement)).any(|lease_deny| {
        let only = |value: &Value, name: &str| match value.as_object() {
            Some(fields) if fields.len() == 1 => fields.get(name).cloned(),
            _ => None,
        };
        let condition = lease_deny.get("Condition").and_then(|condition| only(condition, "DateGreaterThanEquals"));
        let from = match condition.and_then(|condition| only(&condition, "aws:CurrentTime")) {
            Some(Value::Array(instants)) => instants,
            Some(instant) => vec![instant],
            None => return true,
        };
        let from = from.iter().map(|instant| instant.as_str().and_then(|text| text.parse::<Timestamp>().ok()));
        let from: Vec<Option<Timestamp>> = from.collect();
        // The condition holds as soon as the earliest of several instants has passed.
        from.is_empty() || from.iter().any(|from| from.is_none_or(|from| from <= now))
    })
}

/// Whether a policy depends on the principal's tag with this key. Condition keys and tag keys are case-insensitive (IAM
/// user guide, "Tags for IAM resources").
#[must_use]
pub fn tests_principal_tag(policy: &Document, tag: &str) -> bool {
    const KEY: &str = "aws:principaltag/";
    let text = policy.canonical_text();
    text.to_ascii_lowercase().contains(&format!("{KEY}{}", tag.to_ascii_lowercase()))
}

/// The statements of a policy. IAM accepts a single statement without a list.
pub fn policy_statements(policy: &Value) -> std::slice::Iter<'_, Value> {
    match policy.get("Statement") {
        Some(Value::Array(all)) => all.as_slice(),
        Some(one) => std::slice::from_ref(one),
        None => &[],
    }
    .iter()
}

/// A statement without its `Sid`.
pub fn without_sid(statement: &Value) -> Value {
    let mut statement = statement.clone();
    if let Some(fields) = statement.as_object_mut() {
        fields.remove("Sid");
    }
    statement
}

/// Whether a statement is a Deny.
pub fn is_deny(statement: &Value) -> bool {
    statement.get("Effect").and_then(Value::as_str) == Some("Deny")
}

/// Whether a statement denies all actions on all resources without a condition.
fn denies_everything(statement: &Value) -> bool {
    let is_all = |list: &str| match statement.get(list) {
        Some(Value::Array(items)) => items.iter().any(|item| item == "*"),
        other => other == Some(&json!("*")),
    };
    is_deny(statement) && is_all("Action") && is_all("Resource") && statement.get("Condition").is_none()
}

fn is_lease_deny(statement: &Value) -> bool {
    statement.get("Sid").and_then(Value::as_str) == Some(LEASE_DENY_SID)
}

fn is_placeholder(statement: &Value) -> bool {
    statement.get("Sid").and_then(Value::as_str) == Some(NOTHING)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement(sid: Option<&str>, effect: &str, action: &str) -> Value {
        let mut statement = json!({ "Effect": effect, "Action": [action], "Resource": ["*"] });
        if let Some(sid) = sid {
            statement["Sid"] = sid.into();
        }
        statement
    }

    fn policy(statements: &[Value]) -> Value {
        json!({ "Version": "2012-10-17", "Statement": statements })
    }

    fn lease_deny(until: &str) -> Value {
        json!({ "Sid": LEASE_DENY_SID, "Effect": "Deny", "Action": ["*"], "Resource": ["*"],
                "Condition": { "DateGreaterThanEquals": { "aws:CurrentTime": [until] } } })
    }

    fn interim(before: Option<&Value>, after: Option<&Value>, withheld: &[Value]) -> Value {
        let documents = withheld.iter().cloned().map(Document::new).collect();
        let withheld = InterimDeny { everything: false, documents };
        interim_policy(before, after, &withheld, |_| true).unwrap()["Statement"].clone()
    }

    #[test]
    fn allows_of_both_and_denies_of_either_remain() {
        let before = policy(&[
            statement(None, "Allow", "s3:Get*"),
            statement(None, "Allow", "sqs:*"),
            statement(None, "Deny", "a:*"),
        ]);
        let after = policy(&[statement(None, "Allow", "s3:Get*"), statement(None, "Deny", "b:*")]);
        assert_eq!(
            interim(Some(&before), Some(&after), &[]),
            json!([
                statement(None, "Allow", "s3:Get*"),
                statement(None, "Deny", "b:*"),
                statement(None, "Deny", "a:*")
            ])
        );
        assert_eq!(interim(None, Some(&after), &[]), json!([statement(None, "Deny", "b:*")]));
        assert_eq!(interim(Some(&before), None, &[]), json!([statement(None, "Deny", "a:*")]));
        assert_eq!(interim_policy(None, None, &InterimDeny::default(), |_| true), None);
    }

    #[test]
    fn empty_policy_gets_a_placeholder() {
        let after = policy(&[statement(None, "Allow", "s3:Get*")]);
        assert_eq!(interim(None, Some(&after), &[]), json!([statement(Some(NOTHING), "Deny", "none:null")]));
    }

    /// IAM rejects a policy with two statements of the same `Sid`.
    #[test]
    fn sids_stay_unique() {
        let before = policy(&[statement(Some("Keep"), "Deny", "a:*"), lease_deny("2026-01-01T00:00:00Z")]);
        let after = policy(&[statement(Some("Keep"), "Deny", "b:*"), lease_deny("2027-01-01T00:00:00Z")]);
        let others = policy(&[statement(Some("Keep"), "Deny", "c:*"), statement(Some("Give"), "Allow", "d:*")]);
        let mut old_lease_deny = lease_deny("2026-01-01T00:00:00Z");
        old_lease_deny.as_object_mut().unwrap().remove("Sid");
        assert_eq!(
            interim(Some(&before), Some(&after), &[others]),
            json!([
                statement(Some("Keep"), "Deny", "b:*"),
                lease_deny("2027-01-01T00:00:00Z"),
                statement(None, "Deny", "a:*"),
                old_lease_deny,
                statement(None, "Deny", "c:*"),
            ])
        );
    }

    #[test]
    fn lease_deny_remains_until_the_policy_is_removed() {
        let before = policy(&[statement(None, "Allow", "a:*"), lease_deny("2026-01-01T00:00:00Z")]);
        assert_eq!(interim(Some(&before), None, &[]), json!([lease_deny("2026-01-01T00:00:00Z")]));
    }

    #[test]
    fn too_large_or_unknown_denies_everything() {
        let after = policy(&[statement(None, "Allow", "s3:Get*")]);
        let deny_all = json!([statement(Some(INTERIM_DENY_SID), "Deny", "*")]);
        let short = interim_policy(None, Some(&after), &InterimDeny::default(), |_| false).unwrap();
        assert_eq!(short["Statement"], deny_all);
        let everything = InterimDeny { everything: true, documents: Vec::new() };
        assert_eq!(interim_policy(Some(&after), Some(&after), &everything, |_| true).unwrap()["Statement"], deny_all);
    }

    /// An identity that only gains or loses some actions or resources keeps the others during the transition.
    #[test]
    fn shared_actions_and_resources_remain() {
        let get = |actions: &[&str], resource: &str| {
            policy(&[json!({ "Sid": "Read", "Effect": "Allow", "Action": actions, "Resource": [resource] })])
        };
        let (before, after) = (get(&["s3:Get*", "s3:List*"], "a"), get(&["s3:Get*", "s3:Put*"], "a"));
        assert_eq!(interim(Some(&before), Some(&after), &[]), get(&["s3:Get*"], "a")["Statement"]);
        let nothing = json!([statement(Some(NOTHING), "Deny", "none:null")]);
        assert_eq!(interim(Some(&before), Some(&get(&["s3:Get*"], "b")), &[]), nothing);
        assert_eq!(interim(Some(&before), Some(&get(&["s3:Put*"], "a")), &[]), nothing);
        // The interim policy of a placeholder is the placeholder.
        assert_eq!(interim(Some(&policy(nothing.as_array().unwrap())), Some(&after), &[]), nothing);
    }

    /// A statement whose `Sid` alone changes stays in effect.
    #[test]
    fn changed_sid_has_no_effect() {
        let with_sid = |sid: Option<&str>| policy(&[statement(sid, "Allow", "s3:Get*")]);
        assert_eq!(
            interim(Some(&with_sid(None)), Some(&with_sid(Some("Read"))), &[]),
            with_sid(Some("Read"))["Statement"]
        );
    }

    /// `${…}` is a policy variable only in version 2012-10-17; otherwise it is literal and matches no real resource.
    #[test]
    fn variable_in_another_version_denies_everything() {
        let deny = json!({ "Effect": "Deny", "Action": ["s3:*"], "NotResource": ["arn:aws:s3:::b/${aws:username}/*"] });
        let (after, held) = (policy(&[statement(None, "Allow", "a:*")]), policy(std::slice::from_ref(&deny)));
        let old_held = json!({ "Statement": [deny] });
        let deny_all = json!([statement(Some(INTERIM_DENY_SID), "Deny", "*")]);
        assert_ne!(interim(Some(&after), Some(&after), &[held]), deny_all);
        assert_eq!(interim(Some(&after), Some(&after), std::slice::from_ref(&old_held)), deny_all);
        assert_eq!(interim(Some(&old_held), Some(&after), &[]), deny_all);
    }

    #[test]
    fn principal_tag_is_found_in_any_case() {
        let mut conditional = statement(None, "Allow", "s3:*");
        conditional["Condition"] = json!({ "StringEquals": { "AWS:PrincipalTAG/Team": ["red"] } });
        let policy = Document::new(policy(&[conditional]));
        assert!(tests_principal_tag(&policy, "team") && tests_principal_tag(&policy, "TEAM"));
        assert!(!tests_principal_tag(&policy, "cost"));
    }

    /// A run that was interrupted at the interim state continues from it.
    #[test]
    fn interim_policy_of_an_interim_policy_is_the_same() {
        let before = policy(&[statement(Some("Keep"), "Deny", "a:*"), statement(None, "Allow", "b:*")]);
        let after = policy(&[statement(None, "Allow", "c:*"), statement(None, "Deny", "d:*")]);
        let held = [policy(&[statement(Some("Keep"), "Deny", "e:*")])];
        let first = policy(interim(Some(&before), Some(&after), &held).as_array().unwrap());
        assert_eq!(interim(Some(&first), Some(&after), &held), first["Statement"]);
    }

    #[test]
    fn lease_deny_is_not_a_deny_of_its_own() {
        let classify = |statements: &[Value]| classify_denies(&Document::new(policy(statements)), true);
        let (allow, deny) = (statement(None, "Allow", "a:*"), statement(None, "Deny", "a:*"));
        assert_eq!(classify(&[allow.clone(), lease_deny("2027-01-01T00:00:00Z")]), DenyExtent::Nothing);
        assert_eq!(classify(&[deny.clone(), lease_deny("2027-01-01T00:00:00Z")]), DenyExtent::Only);
        assert_eq!(classify(&[deny.clone(), allow]), DenyExtent::Besides);
        let alone = Document::new(json!({ "Version": "2012-10-17", "Statement": deny }));
        assert_eq!(classify_denies(&alone, true), DenyExtent::Only);
        // In a policy without lease deny, a statement with its `Sid` is a normal Deny.
        let elsewhere = Document::new(policy(&[lease_deny("2027-01-01T00:00:00Z")]));
        assert_eq!(classify_denies(&elsewhere, false), DenyExtent::Only);
    }

    #[test]
    fn lease_deny_is_in_effect_from_its_instant_or_if_unreadable() {
        let now: Timestamp = "2026-06-01T00:00:00Z".parse().unwrap();
        let in_effect = |statement: Value| is_lease_deny_in_effect(&Document::new(policy(&[statement])), now);
        assert!(in_effect(lease_deny("2026-06-01T00:00:00Z")));
        assert!(!in_effect(lease_deny("2026-06-01T00:00:01Z")));
        assert!(!in_effect(statement(None, "Deny", "*")));
        let with_condition = |condition: Value| {
            let mut lease_deny = lease_deny("2027-01-01T00:00:00Z");
            lease_deny["Condition"] = condition;
            in_effect(lease_deny)
        };
        let at = |instants: Value| with_condition(json!({ "DateGreaterThanEquals": { "aws:CurrentTime": instants } }));
        assert!(!at(json!("2027-01-01T00:00:00Z")));
        assert!(at(json!(["2027-01-01T00:00:00Z", "2026-01-01T00:00:00Z"])));
        assert!(at(json!(["soon"])) && at(json!([])));
        assert!(with_condition(json!({ "DateLessThan": { "aws:CurrentTime": "2027-01-01T00:00:00Z" } })));
        assert!(with_condition(Value::Null));
    }
}
