//! Proves the order of writes from their record.
//!
//! In: the account before and after, and the recorded writes. After each write: no principal has access that it had neither before nor has
//! after the run; no principal has access without a lease deny; objects of others are not written; a key that was disabled stays disabled.

use std::collections::{BTreeMap, HashMap};
use std::sync::{LazyLock, Mutex};

use leasehold_fault_proxy::RecordedRequest;
use leasehold_policy::{Containment, PolicyDocument, PolicySet, PolicyStatement, StatementEffect, check_containment};
use serde_json::{Value, json};

use crate::faults::account::{Account, Principal};

/// Replays the writes that took effect on the state before, and checks each interim state against the states before and after. Returns the
/// number of interim states. `seen` removes what nobody recorded.
pub fn prove(
    before: &Account,
    after: &Account,
    writes: &[RecordedRequest],
    seen: impl Fn(Account) -> Account,
    what: &str,
) -> usize {
    let sequence =
        writes.iter().map(|write| format!("{} {}", write.action, Account::subject(write).unwrap_or_default()));
    let what = &format!("{what}\n{}\n", sequence.collect::<Vec<_>>().join("\n"));
    let mut now = before.clone();
    for (number, write) in writes.iter().enumerate() {
        let at = format!("{what}: after write {number}, {} {:?}", write.action, Account::subject(write));
        assert_is_managed(before, &now, write, &at);
        let earlier = now.clone();
        now.write(write);
        for (name, principal) in &now.principals {
            if !is_marked(principal) {
                assert_eq!(Some(principal), before.principals.get(name), "{at}: {name} is not ours");
                continue;
            }
            let (old, new) = (before.principals.get(name), after.principals.get(name));
            assert_no_more_than_old_and_new(name, [(before, old), (&now, Some(principal)), (after, new)], &at);
            assert_trust_goes_with_access(name, [(before, old), (&now, Some(principal)), (after, new)], &at);
            assert_has_lease_deny(name, &now, principal, &at);
            assert_keys_stay_off(name, [&earlier, &now, after], write, &at);
        }
    }
    assert_eq!(seen(now), seen(after.clone()), "{what}: the replay of what was recorded ends elsewhere");
    writes.len()
}

fn is_marked(principal: &Principal) -> bool {
    principal.tags.contains_key("leasehold:stack")
}

/// Asserts that the written object has the mark, is below the stack's path, or gets the mark in the same call.
fn assert_is_managed(before: &Account, now: &Account, write: &RecordedRequest, at: &str) {
    let known = Account::subject(write).and_then(|subject| now.principals.get(&subject));
    let path = |text: &str| text.contains("/leasehold/");
    let marked_by = |name: &str| name.starts_with("Tags.member.") && write.parameter(name) == "leasehold:stack";
    let of_ours = before.principals.values().filter(|principal| is_marked(principal));
    let device_of_ours =
        of_ours.flat_map(|principal| &principal.devices).any(|serial| serial == write.parameter("SerialNumber"));
    let ours = known.is_some_and(is_marked)
        || Account::subject(write).is_none() && (path(write.parameter("PolicyArn")) || path(write.parameter("Path")))
        || now.groups.get(write.parameter("GroupName")).is_some_and(|group| path(&group.path))
        || known.is_none() && write.parameters.keys().any(|name| marked_by(name))
        || device_of_ours;
    assert!(ours, "{at}: that is not ours: {write:?}");
}

/// The document of a managed policy. An AWS managed policy is replaced by an action with its name, unless it denies everything.
fn attached(account: &Account, arn: &str) -> Value {
    match account.policies.get(arn) {
        Some(policy) => policy.versions[&policy.default].clone(),
        None if arn.ends_with(":aws:policy/AWSDenyAll") => json!({ "Version": "2012-10-17", "Statement": [
            { "Effect": "Deny", "Action": "*", "Resource": "*" }] }),
        None => json!({ "Version": "2012-10-17", "Statement": [
            { "Effect": "Allow", "Action": format!("managed:{}", arn.rsplit('/').next().unwrap()), "Resource": "*" }] }),
    }
}

/// All policies that allow or deny access to a principal.
fn policies(account: &Account, principal: &Principal) -> Vec<Value> {
    let attached = |arn: &String| attached(account, arn);
    let groups = principal.groups.iter().filter_map(|name| account.groups.get(name));
    let mut policies: Vec<Value> = principal.inline.values().cloned().collect();
    policies.extend(principal.attached.iter().map(attached));
    for group in groups {
        policies.extend(group.inline.values().cloned());
        policies.extend(group.attached.iter().map(attached));
    }
    policies
}

type Moment<'a> = (&'a Account, Option<&'a Principal>);

fn assert_no_more_than_old_and_new(name: &str, moments: [Moment<'_>; 3], at: &str) {
    let all = moments.map(|(account, principal)| principal.map_or_else(PolicySet::default, |it| held(account, it)));
    let trust = |(_, principal): Moment<'_>| principal.and_then(|it| it.trust.clone()).into_iter().collect::<Vec<_>>();
    let trusts = moments.map(|moment| access(&trust(moment)));
    for (what, [old, now, new]) in [("access", all), ("trust", trusts)] {
        let known = format!("{old:?}\n{now:?}\n{new:?}");
        if PROVED.lock().unwrap().contains_key(&known) {
            continue;
        }
        let within = is_within(&now, &old, &new);
        assert!(
            within.is_ok(),
            "{at}: {name} has {what} outside old and new: {within:?}\nold {old:#?}\nnow {now:#?}\nnew {new:#?}"
        );
        PROVED.lock().unwrap().insert(known, ());
    }
}

/// If the trust policy changes, the principals that a role trusts in an interim state must not get too much: principals of the old trust
/// policy at most the role's old access, and principals of the new trust policy at most its new access.
fn assert_trust_goes_with_access(name: &str, [before, now, after]: [Moment<'_>; 3], at: &str) {
    let trust = |(_, principal): Moment<'_>| principal.and_then(|it| it.trust.clone());
    let access = |(account, principal): Moment<'_>| principal.map_or_else(PolicySet::default, |it| held(account, it));
    let opens = |trust: &Value| trust["Statement"].to_string().contains("\"Allow\"");
    if trust(before) == trust(after) || !trust(now).is_some_and(|trust| opens(&trust)) {
        return;
    }
    let (state, of) = if trust(now) == trust(after) { (after, "afterwards") } else { (before, "before") };
    let (now, state) = (access(now), access(state));
    let known = format!("{now:?}\n{state:?}");
    if PROVED.lock().unwrap().contains_key(&known) {
        return;
    }
    let within = check_containment(&state, &now);
    assert!(within == Containment::Proved, "{at}: whom {name} trusts gets what it had not {of}: {within:?}\n{known}");
    PROVED.lock().unwrap().insert(known, ());
}

/// The access of a principal, limited by its boundary.
fn held(account: &Account, principal: &Principal) -> PolicySet {
    let access = access(&policies(account, principal));
    match &principal.boundary {
        Some(arn) => access.with_boundary(vec![read(&attached(account, arn))]),
        None => access,
    }
}

/// The comparisons that are already proved, so that each is proved once.
static PROVED: LazyLock<Mutex<HashMap<String, ()>>> = LazyLock::new(Mutex::default);

fn access(policies: &[Value]) -> PolicySet {
    PolicySet::new(policies.iter().map(read).collect())
}

fn read(policy: &Value) -> PolicyDocument {
    PolicyDocument::parse(&policy.to_string()).unwrap_or_else(|error| panic!("{error:?}: {policy}"))
}

/// Checks that everything that `now` grants is granted by `old` or by `new`. The requests that `old` does not grant are those that none of
/// its statements allows, those that none of its boundary's statements allows, and those that a statement of either denies. Each of these
/// sets can be expressed with policies, by a Deny or by a boundary.
fn is_within(now: &PolicySet, old: &PolicySet, new: &PolicySet) -> Result<(), Containment> {
    if [old, new].into_iter().any(|outer| check_containment(outer, now) == Containment::Proved) {
        return Ok(());
    }
    let statements = |documents: &[PolicyDocument], effect: StatementEffect| {
        let all = documents.iter().flat_map(|document| &document.statements);
        all.filter(move |statement| statement.effect == effect).cloned().collect::<Vec<_>>()
    };
    let old_parts = [Some(&old.policies), old.boundary.as_ref()].into_iter().flatten();
    for documents in old_parts {
        let mut beyond = now.clone();
        beyond.policies.push(of_effect(StatementEffect::Deny, statements(documents, StatementEffect::Allow)));
        let denied = statements(documents, StatementEffect::Deny).into_iter().filter(|deny| !denies(now, deny));
        let denied = denied.map(|deny| only(now, deny));
        let rest = std::iter::once(beyond).chain(denied).map(|rest| check_containment(new, &rest));
        if let Some(problem) = rest.into_iter().find(|it| *it != Containment::Proved) {
            return Err(problem);
        }
    }
    Ok(())
}

/// Whether an access includes the same Deny statement, and therefore denies all that it denies.
fn denies(access: &PolicySet, deny: &PolicyStatement) -> bool {
    access.policies.iter().flat_map(|document| &document.statements).any(|statement| statement == deny)
}

/// The part of an access that one statement covers. Policies cannot express two boundaries at once.
fn only(access: &PolicySet, statement: PolicyStatement) -> PolicySet {
    assert_eq!(access.boundary, None, "a Deny that comes or goes within a boundary is not proved here");
    access.clone().with_boundary(vec![of_effect(StatementEffect::Allow, vec![statement])])
}

fn of_effect(effect: StatementEffect, statements: Vec<PolicyStatement>) -> PolicyDocument {
    let statements = statements.into_iter().map(|statement| PolicyStatement { effect, ..statement }).collect();
    PolicyDocument { version: leasehold_policy::LanguageVersion::V2012, id: None, statements }
}

/// Asserts that a principal that is allowed anything has a lease deny, or is denied everything.
fn assert_has_lease_deny(name: &str, account: &Account, principal: &Principal, at: &str) {
    let documents = access(&policies(account, principal)).policies;
    let statements = || documents.iter().flat_map(|document| &document.statements);
    if !statements().any(|statement| statement.effect == StatementEffect::Allow) {
        return;
    }
    let is_fence = |statement: &PolicyStatement| statement.sid.as_deref() == Some("LeaseholdLease");
    let denies = |statement: &PolicyStatement| {
        statement.effect == StatementEffect::Deny && (is_fence(statement) || is_total(statement))
    };
    assert!(statements().any(denies), "{at}: {name} is allowed something and has no fence");
}

fn is_total(statement: &PolicyStatement) -> bool {
    let resources = statement.resources.as_ref();
    statement.conditions.is_empty()
        && statement.actions.items.iter().any(leasehold_policy::Pattern::is_everything)
        && resources.is_some_and(|resources| resources.items.iter().any(leasehold_policy::Pattern::is_everything))
}

/// Whether an inline policy denies everything without a condition.
fn is_quarantined(principal: &Principal) -> bool {
    let inline: Vec<Value> = principal.inline.values().cloned().collect();
    let denials = access(&inline).policies.into_iter().flat_map(|document| document.statements);
    denials.into_iter().any(|statement| statement.effect == StatementEffect::Deny && is_total(&statement))
}

/// For a leaver: everything is denied before the first credential changes, no key is enabled after that, and the quarantine mark is set
/// only when all credentials are inactive.
fn assert_keys_stay_off(name: &str, [earlier, now, after]: [&Account; 3], write: &RecordedRequest, at: &str) {
    let active = |principal: &Principal| principal.keys.values().filter(|status| *status == "Active").count();
    let quarantined = |principal: &Principal| principal.tags.contains_key("leasehold:quarantined-at");
    let leaves = after.principals.get(name).is_none_or(quarantined);
    let (Some(principal), true) = (now.principals.get(name), leaves) else { return };
    assert!(!quarantined(principal) || active(principal) == 0, "{at}: {name} is in quarantine with a live key");
    assert!(!(quarantined(principal) && principal.login), "{at}: {name} is in quarantine with a password");
    let mut others =
        [&principal.ssh_keys, &principal.certificates, &principal.services].into_iter().flat_map(BTreeMap::values);
    assert!(
        !quarantined(principal) || others.all(|status| status == "Inactive"),
        "{at}: {name} is in quarantine with a live credential"
    );
    let Some(before) = earlier.principals.get(name) else { return };
    if is_quarantined(before) {
        assert!(active(principal) <= active(before), "{at}: {name} is shut, and a key came to life");
    }
    let kinds = ["LoginProfile", "AccessKey", "SSHPublicKey", "SigningCertificate", "ServiceSpecificCredential"];
    let of_credentials = kinds.iter().any(|kind| write.action.ends_with(kind));
    if of_credentials && Account::subject(write).as_deref() == Some(name) {
        assert!(is_quarantined(before), "{at}: {name} loses its credentials before everything is denied to it");
    }
}
