//! The accounts in which a stack has objects, and the settings that were last applied, as one object in its store.
//!
//! In: the plan and the snapshot of a run. Out: `accounts.json`. It is written before the first write to an account and after the last.
//! Invariant: an account in which the stack has objects is in the list. The settings are those of the last approved plan that compared them.
//!
//! A run reads only the accounts that the `provider` blocks name. If a block is removed or changed to another account, the objects in the
//! old account would be unmanaged without notice: no identity would be deleted, no lease enforced, and no drift seen. The list shows that
//! such an account exists.

use std::collections::{BTreeMap, BTreeSet};

use leasehold_provider::{Alias, Change, Realm, ResourceId, Snapshot, StackName};
use serde::{Deserialize, Serialize};

use crate::plan::Plan;
use crate::plan::settings::StackSettings;
use leasehold_provider::Lineage;

/// The key of the object.
pub const KEY: &str = "accounts.json";
/// The version of its format. Version 1 named neither stack nor lineage, version 2 had no settings.
const FORMAT: u32 = 3;
/// The embedded provider, whose accounts are not listed: its directories are for tests and may be left behind.
const REHEARSAL: &str = "local";

/// The accounts in which a stack has objects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accounts {
    format: u32,
    /// The stack. `None` in version 1 of the format, and before the object is first written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stack: Option<StackName>,
    /// The lineage of the stack's ledger. `None` as for `stack`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lineage: Option<Lineage>,
    /// The settings of the stack that the last apply recorded. `None`: none did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    settings: Option<StackSettings>,
    /// The alias that the account's `provider` block had last (`None`: the default block), by provider and account: `aws 111122223333`.
    accounts: BTreeMap<String, Option<Alias>>,
}

impl Default for Accounts {
    fn default() -> Self {
        Self { format: FORMAT, stack: None, lineage: None, settings: None, accounts: BTreeMap::new() }
    }
}

impl Accounts {
    /// Parses the object.
    ///
    /// # Errors
    /// If the bytes are not the object in format 1, 2 or 3.
    pub fn parse_accounts(bytes: &[u8]) -> Result<Self, String> {
        let read: Self = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        let names_owner = read.stack.is_some() && read.lineage.is_some();
        match read.format {
            1 | 2 if read.settings.is_some() => Err(format!("settings require format {FORMAT}")),
            1 if read.stack.is_none() && read.lineage.is_none() => Ok(read),
            2 | FORMAT if names_owner => Ok(read),
            1 | 2 | FORMAT => {
                Err("formats 2 and 3 require stack and lineage, and format 1 must not have them".to_owned())
            }
            other => Err(format!("format {other} was written by another version of Leasehold")),
        }
    }

    /// The stack that the object names. `None` in version 1 of the format, and before the object is first written.
    #[must_use]
    pub fn stack(&self) -> Option<&StackName> {
        self.stack.as_ref()
    }

    /// The lineage that the object names. `None` as for [`Self::stack`].
    #[must_use]
    pub fn lineage(&self) -> Option<&Lineage> {
        self.lineage.as_ref()
    }

    /// The settings that the last apply recorded. `None`: none did.
    #[must_use]
    pub fn settings(&self) -> Option<&StackSettings> {
        self.settings.as_ref()
    }

    /// The same accounts, owned by this stack and lineage.
    #[must_use]
    pub fn with_owner(self, stack: StackName, lineage: Lineage) -> Self {
        Self { format: FORMAT, stack: Some(stack), lineage: Some(lineage), ..self }
    }

    /// The text of the object.
    ///
    /// # Errors
    /// If the object does not serialize.
    pub fn to_json_text(&self) -> Result<String, String> {
        serde_json::to_string_pretty(self).map(|text| text + "\n").map_err(|error| error.to_string())
    }

    /// The listed accounts that no `provider` block names.
    #[must_use]
    pub fn find_unreachable(&self, realm: &Realm) -> BTreeMap<String, Option<Alias>> {
        let seen: BTreeSet<String> = realm.accounts().map(|(_, realm)| realm.name()).collect();
        self.accounts
            .iter()
            .filter(|(account, _)| !seen.contains(*account))
            .map(|(a, b)| (a.clone(), b.clone()))
            .collect()
    }

    /// The list without the accounts that a plan releases. Use it after the ledger has recorded the release.
    #[must_use]
    pub fn without_released_accounts(&self, plan: &Plan) -> Self {
        let mut accounts = self.accounts.clone();
        accounts.retain(|account, _| !plan.unreachable_accounts.contains_key(account));
        Self { accounts, ..self.clone() }
    }

    /// The list with the accounts that an approved plan is about to write to.
    #[must_use]
    pub fn with_planned_accounts(&self, plan: &Plan) -> Self {
        let mut accounts = self.accounts.clone();
        accounts.extend(collect_accounts(&plan.realm, written_objects(plan)));
        Self { accounts, settings: self.settings_after(plan), ..self.clone() }
    }

    /// The list after a plan was carried out, if `seen` has all objects of the stack in the accounts that `provider` blocks name: without
    /// the accounts in which no object of the stack remains, and without those that the plan releases.
    #[must_use]
    pub fn keep_remaining_accounts(&self, seen: &Snapshot, plan: &Plan) -> Self {
        let gone: BTreeSet<&ResourceId> =
            plan.steps.iter().map(|step| &step.change).filter(|change| is_release(change)).map(Change::id).collect();
        let lived = seen.identities.keys().chain(seen.shared.keys()).filter(|id| !gone.contains(id));
        let mut accounts = collect_accounts(&plan.realm, lived.chain(written_objects(plan)));
        accounts.extend(self.without_released_accounts(plan).find_unreachable(&plan.realm));
        Self { accounts, settings: self.settings_after(plan), ..self.clone() }
    }

    /// The settings that are recorded with a plan: its own if it has compared them, so that they were approved.
    fn settings_after(&self, plan: &Plan) -> Option<StackSettings> {
        match plan.settings {
            Some(_) => Some(StackSettings::from_basis(&plan.basis)),
            None => self.settings.clone(),
        }
    }
}

fn is_release(change: &Change) -> bool {
    matches!(change, Change::Delete { .. } | Change::Release { .. })
}

/// The objects that belong to the stack after a plan has written them.
fn written_objects(plan: &Plan) -> impl Iterator<Item = &ResourceId> {
    plan.steps.iter().map(|step| &step.change).filter(|change| !is_release(change)).map(Change::id)
}

/// The accounts of these objects, without those of the embedded provider.
fn collect_accounts<'a>(realm: &Realm, ids: impl Iterator<Item = &'a ResourceId>) -> BTreeMap<String, Option<Alias>> {
    let aliases: BTreeSet<Option<&Alias>> = ids.map(|id| id.account.as_ref()).collect();
    let realms = aliases.into_iter().map(|alias| (realm.for_account(alias), alias.cloned()));
    realms.filter(|(realm, _)| realm.provider != REHEARSAL).map(|(realm, alias)| (realm.name(), alias)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn realm(account: &str, others: &[(&str, &str)]) -> Realm {
        let of = |account: &str| Realm {
            provider: "aws".to_owned(),
            account: account.to_owned(),
            partition: "aws".to_owned(),
            actor: "user/x".to_owned(),
            others: BTreeMap::new(),
        };
        let others = others.iter().map(|(alias, account)| (Alias::new(*alias).unwrap(), of(account))).collect();
        Realm { others, ..of(account) }
    }

    fn known() -> Accounts {
        Accounts::parse_accounts(br#"{ "format": 1, "accounts": { "aws 1": null, "aws 2": "audit" } }"#).unwrap()
    }

    #[test]
    fn reachable_account_matches_any_alias() {
        let out = |realm: &Realm| known().find_unreachable(realm).into_keys().collect::<Vec<_>>();
        assert_eq!(out(&realm("1", &[("audit", "2")])), [""; 0]);
        assert_eq!(out(&realm("2", &[("first", "1")])), [""; 0]);
        assert_eq!(out(&realm("1", &[("audit", "3")])), ["aws 2"]);
        assert_eq!(out(&realm("3", &[])), ["aws 1", "aws 2"]);
    }

    #[test]
    fn accounts_round_trip_and_other_content_is_rejected() {
        assert_eq!(Accounts::parse_accounts(known().to_json_text().unwrap().as_bytes()), Ok(known()));
        let refused = |text: &str| Accounts::parse_accounts(text.as_bytes()).unwrap_err();
        assert!(refused(r#"{ "format": 4, "accounts": {} }"#).contains("another version"));
        for format in [2, 3] {
            let text = format!(r#"{{ "format": {format}, "accounts": {{}} }}"#);
            assert!(refused(&text).contains("require stack and lineage"), "{text}");
        }
        assert!(refused(r#"{ "format": 1, "settings": {}, "accounts": {} }"#).contains("require format 3"));
        let lineage = Lineage::parse_lineage(&"ab".repeat(16)).unwrap();
        let owned = known().with_owner(StackName::new("payments").unwrap(), lineage);
        let settings = serde_json::from_str(r#"{ "backend.path": ".leasehold" }"#).unwrap();
        for owned in [owned.clone(), Accounts { settings: Some(settings), ..owned }] {
            assert_eq!(Accounts::parse_accounts(owned.to_json_text().unwrap().as_bytes()), Ok(owned));
        }
        for text in ["", "{}", r#"{ "format": 1 }"#, r#"{ "format": 1, "accounts": {}, "more": 1 }"#] {
            assert!(!refused(text).is_empty(), "{text}");
        }
    }
}
