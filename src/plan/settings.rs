//! The settings that say where a stack's records, secrets and accounts are, and how they change.
//!
//! In: the inputs of a plan, and the settings that the last apply recorded. Out: the changes between them. They are
//! part of the plan: who moves the records to another place, or lets the stack work in another account, needs the same
//! approval as for a change of access. Pure.
//!
//! # Example
//!
//! ```text
//! backend.path                             ".leasehold" -> "records"
//! provider.aws.audit.assume_role.role_arn  absent -> "arn:aws:iam::111122223333:role/leasehold"
//! ```

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::PlanBasis;
use crate::config::declared::{AssumeRoleBlock, BackendLocation, ObjectLockRetention, RetentionMode, S3Bucket};
use crate::config::declared::{Providers, SecretStore};
use crate::providers::ProviderSettings;

/// The settings of a stack that say where its records, secrets and accounts are: the value of each, by the path of its
/// attribute, such as `backend.endpoint`. An attribute that is not set has no entry. No value is secret.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StackSettings(BTreeMap<String, String>);

/// The change of one setting.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SettingChange {
    /// The path of the attribute: `backend.path`, `store.vault.path`.
    pub setting: String,
    /// The recorded value; `None` if it was not set, or if nothing is recorded.
    pub before: Option<String>,
    /// The declared value; `None` if it is not set any more.
    pub after: Option<String>,
}

/// The changes from the recorded settings to the declared ones, by the path of the attribute. `None`: nothing is
/// recorded, so every declared setting is new.
#[must_use]
pub fn compare_settings(recorded: Option<&StackSettings>, declared: &StackSettings) -> Vec<SettingChange> {
    let nothing = StackSettings::default();
    let (before, after) = (&recorded.unwrap_or(&nothing).0, &declared.0);
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let change = |name: &String| SettingChange {
        setting: name.clone(),
        before: before.get(name).cloned(),
        after: after.get(name).cloned(),
    };
    names.into_iter().map(change).filter(|change| change.before != change.after).collect()
}

impl StackSettings {
    /// The settings that a plan was made with.
    #[must_use]
    pub fn from_basis(basis: &PlanBasis) -> Self {
        let mut settings = Self::default();
        settings.add_backend(&basis.backend.place);
        for (name, store) in &basis.stores {
            let SecretStore::File { path } = store;
            settings.add(format!("store.{name}.type"), "file");
            settings.add(format!("store.{name}.path"), path);
        }
        let Providers { first, alias, others } = basis.basis_providers();
        settings.add_provider(&first.render_reference(alias.as_ref()), &first);
        for (alias, provider) in &others {
            settings.add_provider(&provider.render_reference(Some(alias)), provider);
        }
        settings
    }

    fn add(&mut self, name: String, value: impl Into<String>) {
        self.0.insert(name, value.into());
    }

    fn add_if_set(&mut self, name: &str, value: Option<&String>) {
        if let Some(value) = value {
            self.add(name.to_owned(), value);
        }
    }

    /// Every field is named, so that a new one cannot be forgotten.
    fn add_backend(&mut self, place: &BackendLocation) {
        match place {
            BackendLocation::Local { path } => {
                self.add("backend.type".to_owned(), "local");
                self.add("backend.path".to_owned(), path);
            }
            BackendLocation::S3(bucket) => self.add_bucket(bucket),
            BackendLocation::Azure { account, container, prefix } => {
                self.add("backend.type".to_owned(), "azure");
                self.add("backend.account".to_owned(), account);
                self.add("backend.container".to_owned(), container);
                self.add_if_set("backend.prefix", prefix.as_ref());
            }
            BackendLocation::Gcs { bucket, prefix } => {
                self.add("backend.type".to_owned(), "gcs");
                self.add("backend.bucket".to_owned(), bucket);
                self.add_if_set("backend.prefix", prefix.as_ref());
            }
        }
    }

    fn add_bucket(&mut self, bucket: &S3Bucket) {
        let S3Bucket { name, prefix, region, endpoint, retention, kms_key_id, profile, assume_role } = bucket;
        self.add("backend.type".to_owned(), "s3");
        self.add("backend.bucket".to_owned(), name);
        self.add_if_set("backend.prefix", prefix.as_ref());
        self.add_if_set("backend.region", region.as_ref());
        self.add_if_set("backend.endpoint", endpoint.as_ref());
        self.add_if_set("backend.kms_key_id", kms_key_id.as_ref());
        self.add_if_set("backend.profile", profile.as_ref());
        if let Some(ObjectLockRetention { mode, period }) = retention {
            let mode = match mode {
                RetentionMode::Governance => "governance",
                RetentionMode::Compliance => "compliance",
            };
            self.add("backend.retention.mode".to_owned(), mode);
            self.add("backend.retention.period".to_owned(), period.to_string());
        }
        if let Some(AssumeRoleBlock { role_arn, external_id, session_name }) = assume_role {
            self.add("backend.assume_role.role_arn".to_owned(), role_arn);
            self.add_if_set("backend.assume_role.external_id", external_id.as_ref());
            self.add_if_set("backend.assume_role.session_name", session_name.as_ref());
        }
    }

    /// The attributes of a provider block, and that there is one: a block without attributes leads to an account, too.
    fn add_provider(&mut self, reference: &str, provider: &ProviderSettings) {
        self.add(reference.to_owned(), "declared");
        for (name, value) in &provider.fields {
            self.add_json(&format!("{reference}.{name}"), value);
        }
    }

    fn add_json(&mut self, name: &str, value: &serde_json::Value) {
        match value {
            serde_json::Value::Null => {}
            serde_json::Value::Array(items) if items.is_empty() => {}
            serde_json::Value::Object(fields) => {
                for (inner, value) in fields {
                    self.add_json(&format!("{name}.{inner}"), value);
                }
            }
            serde_json::Value::String(text) => self.add(name.to_owned(), text),
            serde_json::Value::Array(items) => {
                let text = |item: &serde_json::Value| item.as_str().map_or_else(|| item.to_string(), str::to_owned);
                self.add(name.to_owned(), items.iter().map(text).collect::<Vec<_>>().join(", "));
            }
            other => self.add(name.to_owned(), other.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use leasehold_provider::{Alias, Span};
    use proptest::prelude::*;

    use super::*;
    use crate::config::declared::Backend;

    fn basis(place: BackendLocation, provider: serde_json::Value) -> PlanBasis {
        PlanBasis {
            version: "0.0.0".to_owned(),
            directory: ".".to_owned(),
            files: BTreeMap::new(),
            variables: BTreeMap::new(),
            provider: serde_json::from_value(provider).unwrap(),
            alias: None,
            others: BTreeMap::new(),
            backend: Backend { place, lock_lease: None },
            stores: BTreeMap::new(),
        }
    }

    fn local() -> PlanBasis {
        basis(BackendLocation::default(), serde_json::json!({ "provider": "local", "path": "x.db" }))
    }

    fn bucket() -> S3Bucket {
        S3Bucket { name: "records".to_owned(), ..S3Bucket::default() }
    }

    /// The names of the settings that differ between two bases.
    fn changed(before: &PlanBasis, after: &PlanBasis) -> Vec<String> {
        let (before, after) = (StackSettings::from_basis(before), StackSettings::from_basis(after));
        compare_settings(Some(&before), &after).into_iter().map(|change| change.setting).collect()
    }

    #[test]
    fn equal_settings_have_no_change() {
        let settings = StackSettings::from_basis(&local());
        assert_eq!(compare_settings(Some(&settings), &settings), []);
    }

    #[test]
    fn settings_that_were_never_recorded_are_all_new() {
        let changes = compare_settings(None, &StackSettings::from_basis(&local()));
        let new = |setting: &str, after: &str| SettingChange {
            setting: setting.to_owned(),
            before: None,
            after: Some(after.to_owned()),
        };
        let expected = [
            new("backend.path", ".leasehold"),
            new("backend.type", "local"),
            new("provider.local", "declared"),
            new("provider.local.path", "x.db"),
        ];
        assert_eq!(changes, expected);
    }

    #[test]
    fn each_setting_that_moves_records_secrets_or_accounts_is_a_change() {
        let s3 = |change: fn(&mut S3Bucket)| {
            let mut bucket = bucket();
            change(&mut bucket);
            PlanBasis { backend: Backend { place: BackendLocation::S3(bucket), lock_lease: None }, ..local() }
        };
        let plain = s3(|_| {});
        let retention = ObjectLockRetention { mode: RetentionMode::Governance, period: Span::from_days(30) };
        assert_eq!(changed(&local(), &plain), ["backend.bucket", "backend.path", "backend.type"]);
        assert_eq!(changed(&plain, &s3(|b| b.name = "other".to_owned())), ["backend.bucket"]);
        assert_eq!(changed(&plain, &s3(|b| b.prefix = Some("p".to_owned()))), ["backend.prefix"]);
        assert_eq!(changed(&plain, &s3(|b| b.region = Some("eu-west-1".to_owned()))), ["backend.region"]);
        assert_eq!(changed(&plain, &s3(|b| b.endpoint = Some("https://x".to_owned()))), ["backend.endpoint"]);
        assert_eq!(changed(&plain, &s3(|b| b.kms_key_id = Some("k".to_owned()))), ["backend.kms_key_id"]);
        assert_eq!(changed(&plain, &s3(|b| b.profile = Some("p".to_owned()))), ["backend.profile"]);
        let kept = PlanBasis {
            backend: Backend {
                place: BackendLocation::S3(S3Bucket { retention: Some(retention), ..bucket() }),
                lock_lease: None,
            },
            ..local()
        };
        assert_eq!(changed(&plain, &kept), ["backend.retention.mode", "backend.retention.period"]);
        let stored = PlanBasis {
            stores: [("vault".to_owned(), SecretStore::File { path: "secrets".to_owned() })].into(),
            ..local()
        };
        assert_eq!(changed(&local(), &stored), ["store.vault.path", "store.vault.type"]);
    }

    #[test]
    fn accounts_and_roles_of_providers_are_changes() {
        let aws = |account: &str, role: Option<&str>| {
            let role = role.map(|arn| serde_json::json!({ "role_arn": arn }));
            let fields = serde_json::json!({
                "provider": "aws", "region": "us-east-1", "allowed_account_ids": [account], "assume_role": role,
            });
            basis(BackendLocation::default(), fields)
        };
        let one = aws("111111111111", None);
        assert_eq!(changed(&one, &aws("222222222222", None)), ["provider.aws.allowed_account_ids"]);
        let role = aws("111111111111", Some("arn:aws:iam::111111111111:role/x"));
        assert_eq!(changed(&one, &role), ["provider.aws.assume_role.role_arn"]);
        let second = PlanBasis { others: [(Alias::new("audit").unwrap(), one.provider.clone())].into(), ..one.clone() };
        assert_eq!(
            changed(&one, &second),
            ["provider.aws.audit", "provider.aws.audit.allowed_account_ids", "provider.aws.audit.region"]
        );
        assert!(changed(&local(), &one).contains(&"provider.local".to_owned()));
    }

    #[test]
    fn how_long_a_lock_lasts_is_no_place() {
        let longer =
            PlanBasis { backend: Backend { lock_lease: Span::from_seconds(90), ..local().backend }, ..local() };
        assert_eq!(changed(&local(), &longer), [""; 0]);
    }

    fn any_settings() -> impl Strategy<Value = StackSettings> {
        prop::collection::btree_map("[ab](\\.[ab])?", "[xy]?", 0..5).prop_map(StackSettings)
    }

    proptest! {
        /// Applying the changes to the recorded settings gives the declared ones, and the reverse comparison reverses each.
        #[test]
        fn changes_lead_from_the_recorded_settings_to_the_declared_ones(before in any_settings(), after in any_settings()) {
            let mut reached = before.0.clone();
            let changes = compare_settings(Some(&before), &after);
            for SettingChange { setting, before, after } in &changes {
                assert_eq!(reached.get(setting), before.as_ref());
                match after {
                    Some(value) => reached.insert(setting.clone(), value.clone()),
                    None => reached.remove(setting),
                };
            }
            prop_assert_eq!(&reached, &after.0);
            let back = compare_settings(Some(&after), &before);
            let turned = back.into_iter().map(|c| SettingChange { before: c.after, after: c.before, ..c });
            prop_assert_eq!(turned.collect::<Vec<_>>(), changes);
        }
    }
}
