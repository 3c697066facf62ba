//! The state of a policy between two others, in which it gives no more than either.

use jiff::Timestamp;
use leasehold_provider::{Document, Withheld, Withholds};
use serde_json::{Value, json};

use super::FENCE;

/// The `Sid` of the statement that denies everything for a moment.
pub const MEANWHILE_SID: &str = "LeaseholdMeanwhile";

/// The `Sid` of the statement that stands for none. A policy must have one.
const NOTHING: &str = "LeaseholdNothing";

/// The policy between `before` and `after`: the Allow statements that stand in both, and the Deny statements of both and of what is
/// `withheld`. Where that does not `fit`, or everything is withheld, it denies everything. A policy that is not there allows nothing.
#[must_use]
pub fn between(
    before: Option<&Value>,
    after: Option<&Value>,
    withheld: &Withheld,
    fits: impl Fn(&Value) -> bool,
) -> Option<Value> {
    let mut policy = after.or(before)?.clone();
    let fields = policy.as_object_mut()?;
    fields.insert("Statement".to_owned(), Value::Array(statements_between(before, after, withheld)));
    if withheld.everything || reads_otherwise(&policy, before, withheld) || !fits(&policy) {
        let all = json!([{ "Sid": MEANWHILE_SID, "Effect": "Deny", "Action": ["*"], "Resource": ["*"] }]);
        policy.as_object_mut()?.insert("Statement".to_owned(), all);
    }
    Some(policy)
}

/// Whether a Deny would say something else in this policy than where it comes from: only from version 2012-10-17 on are there variables
/// (IAM user guide, "IAM JSON policy elements: Version").
fn reads_otherwise(policy: &Value, before: Option<&Value>, withheld: &Withheld) -> bool {
    let others = withheld.documents.iter().map(Document::json).chain(before);
    let mut others = others.filter(|other| other.get("Version") != policy.get("Version"));
    others.any(|other| statements(other).any(|it| denies(it) && it.to_string().contains("${")))
}

fn statements_between(before: Option<&Value>, after: Option<&Value>, withheld: &Withheld) -> Vec<Value> {
    let of = |policy: Option<&Value>| policy.map(|policy| statements(policy).cloned().collect()).unwrap_or_default();
    let (mut old, new): (Vec<Value>, Vec<Value>) = (of(before), of(after));
    let version = |policy: Option<&Value>| policy.and_then(|policy| policy.get("Version")).cloned();
    if version(before) != version(after) {
        // The same text, and not the same meaning.
        old.retain(|statement| denies(statement) || !statement.to_string().contains("${"));
    }
    let mut tight: Vec<Value> = Vec::new();
    for statement in &new {
        if denies(statement) || old.iter().any(|other| nameless(other) == nameless(statement)) {
            tight.push(statement.clone());
        } else {
            tight.extend(old.iter().filter(|it| !denies(it)).find_map(|other| in_common(other, statement)));
        }
    }
    tight.retain(|statement| !is_nothing(statement));
    let mut says: Vec<Value> = tight.iter().map(nameless).collect();
    let others = withheld.documents.iter().flat_map(|document| statements(document.json()));
    for statement in old.iter().chain(others).filter(|statement| denies(statement) && !is_nothing(statement)) {
        let plain = nameless(statement);
        if !says.contains(&plain) {
            // Names are unique within a policy, and that one may stand there already.
            let ends_it = is_fence(statement) && !tight.iter().any(is_fence);
            tight.push(if ends_it { statement.clone() } else { plain.clone() });
            says.push(plain);
        }
    }
    if tight.is_empty() {
        tight.push(json!({ "Sid": NOTHING, "Effect": "Deny", "Action": ["none:null"], "Resource": ["*"] }));
    }
    tight
}

/// What two Allow statements both allow, where they differ in their actions alone or in their resources alone, and share some.
fn in_common(old: &Value, new: &Value) -> Option<Value> {
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
    (!shared.is_empty() && nameless(&old) == nameless(&new)).then_some(new)
}

/// Whether a policy takes something away besides by its fence, and whether it gives. What does not read as a policy counts as doing both.
/// Where there is no fence to be expected (not `fenced`), a statement of its name takes away as any other.
#[must_use]
pub fn withholds(policy: &Document, fenced: bool) -> Withholds {
    // A quote within a text is escaped, so that only a field can look like this. Most policies deny by their fence alone.
    let count = |field: &str| policy.text().matches(field).count();
    match count(r#""Deny""#) {
        0 => return Withholds::Nothing,
        1 if fenced && count(&format!(r#""Sid":"{FENCE}""#)) == 1 => return Withholds::Nothing,
        _ => {}
    }
    let Ok(policy) = serde_json::from_str::<Value>(policy.text()) else { return Withholds::Besides };
    let takes = statements(&policy).any(|it| denies(it) && !(fenced && is_fence(it)) && !is_nothing(it));
    let gives = statements(&policy).any(|statement| !denies(statement));
    if statements(&policy).any(denies_everything) {
        return Withholds::Everything;
    }
    match (takes, gives) {
        (false, _) => Withholds::Nothing,
        (true, false) => Withholds::Only,
        (true, true) => Withholds::Besides,
    }
}

/// Whether a policy's fence denies by `now`. One that stands there with another condition than Leasehold writes counts as if it did.
#[must_use]
pub fn is_over(policy: &Document, now: Timestamp) -> bool {
    if !policy.text().contains(FENCE) {
        return false;
    }
    let Ok(policy) = serde_json::from_str::<Value>(policy.text()) else { return true };
    statements(&policy).filter(|statement| denies(statement) && is_fence(statement)).any(|fence| {
        let only = |value: &Value, name: &str| match value.as_object() {
            Some(fields) if fields.len() == 1 => fields.get(name).cloned(),
            _ => None,
        };
        let condition = fence.get("Condition").and_then(|condition| only(condition, "DateGreaterThanEquals"));
        let from = match condition.and_then(|condition| only(&condition, "aws:CurrentTime")) {
            Some(Value::Array(instants)) => instants,
            Some(instant) => vec![instant],
            None => return true,
        };
        let from = from.iter().map(|instant| instant.as_str().and_then(|text| text.parse::<Timestamp>().ok()));
        let from: Vec<Option<Timestamp>> = from.collect();
        // Of several instants, the first to pass is enough for the condition.
        from.is_empty() || from.iter().any(|from| from.is_none_or(|from| from <= now))
    })
}

/// Whether a policy says something else to who carries another tag of that key, or none. Condition keys and tag keys are the same in
/// whatever case (IAM user guide, "Tags for IAM resources").
#[must_use]
pub fn heeds(policy: &Document, tag: &str) -> bool {
    const KEY: &str = "aws:principaltag/";
    let text = policy.text();
    text.to_ascii_lowercase().contains(&format!("{KEY}{}", tag.to_ascii_lowercase()))
}

/// A policy's statements. IAM lets a single one stand without a list.
pub fn statements(policy: &Value) -> std::slice::Iter<'_, Value> {
    match policy.get("Statement") {
        Some(Value::Array(all)) => all.as_slice(),
        Some(one) => std::slice::from_ref(one),
        None => &[],
    }
    .iter()
}

/// A statement without its name.
pub fn nameless(statement: &Value) -> Value {
    let mut statement = statement.clone();
    if let Some(fields) = statement.as_object_mut() {
        fields.remove("Sid");
    }
    statement
}

/// Whether a statement takes away.
pub fn denies(statement: &Value) -> bool {
    statement.get("Effect").and_then(Value::as_str) == Some("Deny")
}

/// Whether a statement takes everything away, at all times and from everybody.
fn denies_everything(statement: &Value) -> bool {
    let is_all = |list: &str| match statement.get(list) {
        Some(Value::Array(items)) => items.iter().any(|item| item == "*"),
        other => other == Some(&json!("*")),
    };
    denies(statement) && is_all("Action") && is_all("Resource") && statement.get("Condition").is_none()
}

fn is_fence(statement: &Value) -> bool {
    statement.get("Sid").and_then(Value::as_str) == Some(FENCE)
}

fn is_nothing(statement: &Value) -> bool {
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

    fn fence(until: &str) -> Value {
        json!({ "Sid": FENCE, "Effect": "Deny", "Action": ["*"], "Resource": ["*"],
                "Condition": { "DateGreaterThanEquals": { "aws:CurrentTime": [until] } } })
    }

    fn tight(before: Option<&Value>, after: Option<&Value>, withheld: &[Value]) -> Value {
        let documents = withheld.iter().cloned().map(Document::new).collect();
        let withheld = Withheld { everything: false, documents };
        between(before, after, &withheld, |_| true).unwrap()["Statement"].clone()
    }

    #[test]
    fn what_both_allow_stays_and_what_either_denies() {
        let before = policy(&[
            statement(None, "Allow", "s3:Get*"),
            statement(None, "Allow", "sqs:*"),
            statement(None, "Deny", "a:*"),
        ]);
        let after = policy(&[statement(None, "Allow", "s3:Get*"), statement(None, "Deny", "b:*")]);
        assert_eq!(
            tight(Some(&before), Some(&after), &[]),
            json!([
                statement(None, "Allow", "s3:Get*"),
                statement(None, "Deny", "b:*"),
                statement(None, "Deny", "a:*")
            ])
        );
        assert_eq!(tight(None, Some(&after), &[]), json!([statement(None, "Deny", "b:*")]));
        assert_eq!(tight(Some(&before), None, &[]), json!([statement(None, "Deny", "a:*")]));
        assert_eq!(between(None, None, &Withheld::default(), |_| true), None);
    }

    #[test]
    fn where_nothing_is_left_it_says_so_and_denies_what_there_is_not() {
        let after = policy(&[statement(None, "Allow", "s3:Get*")]);
        assert_eq!(tight(None, Some(&after), &[]), json!([statement(Some(NOTHING), "Deny", "none:null")]));
    }

    /// IAM refuses a policy in which two statements have one name.
    #[test]
    fn names_stay_unique() {
        let before = policy(&[statement(Some("Keep"), "Deny", "a:*"), fence("2026-01-01T00:00:00Z")]);
        let after = policy(&[statement(Some("Keep"), "Deny", "b:*"), fence("2027-01-01T00:00:00Z")]);
        let others = policy(&[statement(Some("Keep"), "Deny", "c:*"), statement(Some("Give"), "Allow", "d:*")]);
        let mut old_fence = fence("2026-01-01T00:00:00Z");
        old_fence.as_object_mut().unwrap().remove("Sid");
        assert_eq!(
            tight(Some(&before), Some(&after), &[others]),
            json!([
                statement(Some("Keep"), "Deny", "b:*"),
                fence("2027-01-01T00:00:00Z"),
                statement(None, "Deny", "a:*"),
                old_fence,
                statement(None, "Deny", "c:*"),
            ])
        );
    }

    #[test]
    fn the_fence_goes_last() {
        let before = policy(&[statement(None, "Allow", "a:*"), fence("2026-01-01T00:00:00Z")]);
        assert_eq!(tight(Some(&before), None, &[]), json!([fence("2026-01-01T00:00:00Z")]));
    }

    #[test]
    fn what_does_not_fit_and_what_is_not_known_is_denied_with_everything() {
        let after = policy(&[statement(None, "Allow", "s3:Get*")]);
        let shut = json!([statement(Some(MEANWHILE_SID), "Deny", "*")]);
        let short = between(None, Some(&after), &Withheld::default(), |_| false).unwrap();
        assert_eq!(short["Statement"], shut);
        let everything = Withheld { everything: true, documents: Vec::new() };
        assert_eq!(between(Some(&after), Some(&after), &everything, |_| true).unwrap()["Statement"], shut);
    }

    /// Whoever only loses or gains some of his actions, or of his resources, keeps the others all the time.
    #[test]
    fn statements_keep_what_they_share() {
        let get = |actions: &[&str], resource: &str| {
            policy(&[json!({ "Sid": "Read", "Effect": "Allow", "Action": actions, "Resource": [resource] })])
        };
        let (before, after) = (get(&["s3:Get*", "s3:List*"], "a"), get(&["s3:Get*", "s3:Put*"], "a"));
        assert_eq!(tight(Some(&before), Some(&after), &[]), get(&["s3:Get*"], "a")["Statement"]);
        let nothing = json!([statement(Some(NOTHING), "Deny", "none:null")]);
        assert_eq!(tight(Some(&before), Some(&get(&["s3:Get*"], "b")), &[]), nothing);
        assert_eq!(tight(Some(&before), Some(&get(&["s3:Put*"], "a")), &[]), nothing);
        // From where it says nothing it goes on as it stands.
        assert_eq!(tight(Some(&policy(nothing.as_array().unwrap())), Some(&after), &[]), nothing);
    }

    /// A statement that only gets another name goes on.
    #[test]
    fn a_name_changes_nothing() {
        let of = |sid: Option<&str>| policy(&[statement(sid, "Allow", "s3:Get*")]);
        assert_eq!(tight(Some(&of(None)), Some(&of(Some("Read"))), &[]), of(Some("Read"))["Statement"]);
    }

    /// A variable is one only in a policy that says the newer version; without, it is plain text, and nobody's.
    #[test]
    fn what_reads_otherwise_in_another_version_is_denied_with_everything() {
        let deny = json!({ "Effect": "Deny", "Action": ["s3:*"], "NotResource": ["arn:aws:s3:::b/${aws:username}/*"] });
        let (after, held) = (policy(&[statement(None, "Allow", "a:*")]), policy(std::slice::from_ref(&deny)));
        let old_held = json!({ "Statement": [deny] });
        let shut = json!([statement(Some(MEANWHILE_SID), "Deny", "*")]);
        assert_ne!(tight(Some(&after), Some(&after), &[held]), shut);
        assert_eq!(tight(Some(&after), Some(&after), std::slice::from_ref(&old_held)), shut);
        assert_eq!(tight(Some(&old_held), Some(&after), &[]), shut);
    }

    #[test]
    fn a_policy_heeds_the_tags_that_it_names() {
        let mut conditional = statement(None, "Allow", "s3:*");
        conditional["Condition"] = json!({ "StringEquals": { "AWS:PrincipalTAG/Team": ["red"] } });
        let policy = Document::new(policy(&[conditional]));
        assert!(heeds(&policy, "team") && heeds(&policy, "TEAM"));
        assert!(!heeds(&policy, "cost"));
    }

    /// A run that was killed in between goes on from there.
    #[test]
    fn between_itself_and_the_end_it_stays() {
        let before = policy(&[statement(Some("Keep"), "Deny", "a:*"), statement(None, "Allow", "b:*")]);
        let after = policy(&[statement(None, "Allow", "c:*"), statement(None, "Deny", "d:*")]);
        let held = [policy(&[statement(Some("Keep"), "Deny", "e:*")])];
        let first = policy(tight(Some(&before), Some(&after), &held).as_array().unwrap());
        assert_eq!(tight(Some(&first), Some(&after), &held), first["Statement"]);
    }

    #[test]
    fn a_fence_takes_nothing_away_today() {
        let of = |statements: &[Value]| withholds(&Document::new(policy(statements)), true);
        let (allow, deny) = (statement(None, "Allow", "a:*"), statement(None, "Deny", "a:*"));
        assert_eq!(of(&[allow.clone(), fence("2027-01-01T00:00:00Z")]), Withholds::Nothing);
        assert_eq!(of(&[deny.clone(), fence("2027-01-01T00:00:00Z")]), Withholds::Only);
        assert_eq!(of(&[deny.clone(), allow]), Withholds::Besides);
        let alone = Document::new(json!({ "Version": "2012-10-17", "Statement": deny }));
        assert_eq!(withholds(&alone, true), Withholds::Only);
        // A policy that has no fence denies what it says, under whatever name.
        let elsewhere = Document::new(policy(&[fence("2027-01-01T00:00:00Z")]));
        assert_eq!(withholds(&elsewhere, false), Withholds::Only);
    }

    #[test]
    fn a_fence_is_over_from_its_instant_on_and_where_it_does_not_read() {
        let now: Timestamp = "2026-06-01T00:00:00Z".parse().unwrap();
        let over = |statement: Value| is_over(&Document::new(policy(&[statement])), now);
        assert!(over(fence("2026-06-01T00:00:00Z")));
        assert!(!over(fence("2026-06-01T00:00:01Z")));
        assert!(!over(statement(None, "Deny", "*")));
        let with_condition = |condition: Value| {
            let mut fence = fence("2027-01-01T00:00:00Z");
            fence["Condition"] = condition;
            over(fence)
        };
        let at = |instants: Value| with_condition(json!({ "DateGreaterThanEquals": { "aws:CurrentTime": instants } }));
        assert!(!at(json!("2027-01-01T00:00:00Z")));
        assert!(at(json!(["2027-01-01T00:00:00Z", "2026-01-01T00:00:00Z"])));
        assert!(at(json!(["soon"])) && at(json!([])));
        assert!(with_condition(json!({ "DateLessThan": { "aws:CurrentTime": "2027-01-01T00:00:00Z" } })));
        assert!(with_condition(Value::Null));
    }
}
