//! The permissions on the bucket with a stack's records: its lock, ledger, evidence, accounts and the keys of saved plans. Pure.
//!
//! In: the bucket's location and encryption, and a purpose. Out: statements for S3, and for the KMS key that encrypts the bucket.
//!
//! S3 answers 403 instead of 404 for a key that does not exist, unless the caller has `s3:ListBucket` for that key:
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html>. Any record may be missing, so each record that may be read may
//! also be listed. A write with `If-Match` also needs `s3:GetObject`:
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html>. If the answer to a write is lost, the record is read
//! back, so a purpose that may write a record may also read it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::RightsPurpose::{self, Apply, Audit, Drift, Plan, Sweep};
use crate::partition::{COMMERCIAL, Partition};

/// The bucket with a stack's records.
#[derive(Debug, Clone)]
pub struct RecordsBucket<'a> {
    /// The partition: `aws`, `aws-cn`, `aws-us-gov` or another.
    pub partition: &'a str,
    /// The bucket's region. `None`: not known; any region is granted.
    pub region: Option<&'a str>,
    /// The account of the principal that gets the permissions, or `*`. A KMS key that is named without an account is in this account.
    pub account: &'a str,
    /// The bucket's name.
    pub bucket: &'a str,
    /// The prefix of all keys, without slashes at either end. Empty: no prefix.
    pub prefix: &'a str,
    /// Whether records that are written once get their own object-lock retention.
    pub retained: bool,
    /// The KMS key as the configuration names it: an id, `alias/NAME`, or the ARN of a key or an alias. `None`: no key is configured.
    pub kms_key: Option<&'a str>,
}

/// One type of record: its keys below the prefix, and the purposes that read and write it.
struct RecordKind {
    key: &'static str,
    read_for: &'static [RightsPurpose],
    written_for: &'static [RightsPurpose],
    /// Whether the record is written once, and protected by object lock if the stack asks for it.
    once: bool,
}

const RECORDS: [RecordKind; 6] = [
    RecordKind { key: "lock.json", read_for: &[Audit, Sweep, Apply], written_for: &[Sweep, Apply], once: false },
    // The end of the ledger confirms the inventory. `drift` reads all of it if an object is missing that an earlier run may have removed.
    RecordKind {
        key: "ledger/*",
        read_for: &[Audit, Drift, Plan, Sweep, Apply],
        written_for: &[Sweep, Apply],
        once: true,
    },
    RecordKind {
        key: "inventory.json",
        read_for: &[Audit, Drift, Plan, Sweep, Apply],
        written_for: &[Sweep, Apply],
        once: false,
    },
    RecordKind { key: "evidence/*", read_for: &[Audit, Sweep, Apply], written_for: &[Sweep, Apply], once: true },
    RecordKind {
        key: "accounts.json",
        read_for: &[Drift, Plan, Sweep, Apply],
        written_for: &[Sweep, Apply],
        once: false,
    },
    // `plan --out` writes the key that digests sensitive values. Applying that plan reads it.
    RecordKind { key: "keys/*", read_for: &[Plan, Apply], written_for: &[Plan, Apply], once: false },
];

/// The statements that grant what a purpose needs on the bucket, and on the KMS key that encrypts it.
#[must_use]
pub fn bucket_statements(records: &RecordsBucket<'_>, purpose: RightsPurpose) -> Vec<Value> {
    let mut by_actions: BTreeMap<Vec<&str>, Vec<String>> = BTreeMap::new();
    let mut listed = Vec::new();
    for record in &RECORDS {
        let (read, written) = (record.read_for.contains(&purpose), record.written_for.contains(&purpose));
        let retained = written && record.once && records.retained;
        let actions = [(read, "s3:GetObject"), (written, "s3:PutObject"), (retained, "s3:PutObjectRetention")];
        let actions: Vec<&str> =
            actions.into_iter().filter(|(desired, _)| *desired).map(|(_, action)| action).collect();
        if !actions.is_empty() {
            let key = records.key_pattern(record.key);
            by_actions.entry(actions).or_default().push(format!("{}/{key}", records.bucket_arn()));
            listed.push(key);
        }
    }
    let mut statements: Vec<Value> = by_actions
        .into_iter()
        .zip(1..)
        .map(|((actions, on), number)| objects_statement(number, &actions, &on))
        .collect();
    statements.push(json!({
        "Sid": "RecordsList",
        "Effect": "Allow",
        "Action": ["s3:ListBucket"],
        "Resource": records.bucket_arn(),
        "Condition": { "StringLike": { "s3:prefix": listed } },
    }));
    let writes = RECORDS.iter().any(|record| record.written_for.contains(&purpose));
    statements.extend(records.kms_key.map(|key| encryption_statement(records, key, writes)));
    statements
}

fn objects_statement(number: usize, actions: &[&str], resources: &[String]) -> Value {
    json!({ "Sid": format!("Records{number}"), "Effect": "Allow", "Action": actions, "Resource": resources })
}

/// The statement that allows use of the KMS key, only through S3. The actions that S3 needs:
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html>; the conditions:
/// <https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html>.
fn encryption_statement(records: &RecordsBucket<'_>, key: &str, writes: bool) -> Value {
    let RecordsBucket { partition, account, .. } = records;
    let region = records.region.unwrap_or("*");
    // The key is `arn:aws:kms:REGION:ACCOUNT:key/ID`, or only its last part.
    let name = key.rsplit(':').next().unwrap_or(key);
    let alias = name.strip_prefix("alias/").map(|_| name);
    let place = key.strip_suffix(name).map(|place| place.trim_end_matches(':')).filter(|place| !place.is_empty());
    let place = place.map_or_else(|| format!("arn:{partition}:kms:{region}:{account}"), str::to_owned);
    let resource = match (alias, name.strip_prefix("key/")) {
        // The resource element of a policy cannot name an alias, so a condition selects the key behind it.
        (Some(_), _) => format!("{place}:key/*"),
        (None, Some(id)) => format!("{place}:key/{id}"),
        (None, None) => format!("{place}:key/{name}"),
    };
    let key_region = place.split(':').nth(3).unwrap_or(region);
    let mut conditions = Map::new();
    let suffix = Partition::from_partition_name(partition).unwrap_or(COMMERCIAL).dns_suffix;
    let via = json!({ "kms:ViaService": format!("s3.{key_region}.{suffix}") });
    // With an unknown region, the condition must match any region.
    conditions.insert(if key_region == "*" { "StringLike" } else { "StringEquals" }.to_owned(), via);
    if let Some(alias) = alias {
        conditions.insert("ForAnyValue:StringEquals".to_owned(), json!({ "kms:ResourceAliases": alias }));
    }
    json!({
        "Sid": "RecordsKey",
        "Effect": "Allow",
        "Action": if writes { vec!["kms:Decrypt", "kms:GenerateDataKey"] } else { vec!["kms:Decrypt"] },
        "Resource": resource,
        "Condition": conditions,
    })
}

impl RecordsBucket<'_> {
    fn bucket_arn(&self) -> String {
        format!("arn:{}:s3:::{}", self.partition, self.bucket)
    }

    /// The keys of a record, as a resource pattern of a policy.
    fn key_pattern(&self, key: &str) -> String {
        let prefix = escape_pattern(self.prefix);
        if prefix.is_empty() { key.to_owned() } else { format!("{prefix}/{key}") }
    }
}

/// Escapes text so that a policy matches it literally: `*`, `?` and `$` have a special meaning there.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#policy-vars-specialchars>
fn escape_pattern(text: &str) -> String {
    let escaped = |sign: char| match sign {
        '*' | '?' | '$' => format!("${{{sign}}}"),
        sign => sign.to_string(),
    };
    text.chars().map(escaped).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records<'a>() -> RecordsBucket<'a> {
        RecordsBucket {
            partition: "aws",
            region: Some("eu-west-1"),
            account: "111122223333",
            bucket: "records",
            prefix: "leasehold/pay",
            retained: false,
            kms_key: None,
        }
    }

    #[test]
    fn drift_reads_three_records_and_writes_none() {
        let statements = bucket_statements(&records(), Drift);
        let object = |key: &str| format!("arn:aws:s3:::records/leasehold/pay/{key}");
        assert_eq!(statements[0]["Action"], json!(["s3:GetObject"]));
        assert_eq!(
            statements[0]["Resource"],
            json!([object("ledger/*"), object("inventory.json"), object("accounts.json")])
        );
        let listed = ["ledger/*", "inventory.json", "accounts.json"].map(|key| format!("leasehold/pay/{key}"));
        let listed = json!({ "StringLike": { "s3:prefix": listed } });
        assert_eq!(statements[1]["Condition"], listed);
        assert_eq!(statements.len(), 2);
    }

    #[test]
    fn plan_writes_keys_alone_and_only_what_is_kept_is_retained() {
        let puts = |purpose: RightsPurpose, action: &str| -> String {
            let statements = bucket_statements(&RecordsBucket { retained: true, ..records() }, purpose);
            let of = statements.iter().filter(|it| it["Action"].as_array().unwrap().contains(&json!(action)));
            of.map(|it| it["Resource"].to_string()).collect()
        };
        assert!(puts(Plan, "s3:PutObject").contains("/keys/*"));
        for other in ["lock.json", "ledger", "inventory.json", "evidence", "accounts.json"] {
            assert!(!puts(Plan, "s3:PutObject").contains(other), "{other}");
        }
        assert!(!puts(Sweep, "s3:PutObject").contains("keys"));
        for purpose in [Sweep, Apply] {
            let kept = puts(purpose, "s3:PutObjectRetention");
            assert!(kept.contains("ledger/*") && kept.contains("evidence/*"), "{kept}");
            assert!(!kept.contains("lock.json") && !kept.contains("keys") && !kept.contains("accounts"), "{kept}");
        }
    }

    fn key(of: RecordsBucket<'_>, purpose: RightsPurpose) -> Value {
        bucket_statements(&of, purpose).pop().unwrap()
    }

    #[test]
    fn a_key_is_used_by_way_of_s3_alone_and_by_readers_to_decrypt() {
        let arn = "arn:aws:kms:eu-west-1:444455556666:key/0f0f";
        let named = |name| RecordsBucket { kms_key: Some(name), ..records() };
        let statement = key(named(arn), Drift);
        assert_eq!((&statement["Resource"], &statement["Action"]), (&json!(arn), &json!(["kms:Decrypt"])));
        assert_eq!(
            statement["Condition"],
            json!({ "StringEquals": { "kms:ViaService": "s3.eu-west-1.amazonaws.com" } })
        );
        for purpose in [Plan, Sweep, Apply] {
            assert_eq!(key(named(arn), purpose)["Action"], json!(["kms:Decrypt", "kms:GenerateDataKey"]));
        }
        for id in ["0f0f", "key/0f0f"] {
            let statement = key(named(id), Apply);
            assert_eq!(statement["Resource"], "arn:aws:kms:eu-west-1:111122223333:key/0f0f");
        }
    }

    #[test]
    fn an_alias_is_told_by_the_condition() {
        let any = json!({ "kms:ResourceAliases": "alias/records" });
        for (name, resource) in [
            ("alias/records", "arn:aws-cn:kms:cn-north-1:111122223333:key/*"),
            ("arn:aws-cn:kms:cn-north-1:444455556666:alias/records", "arn:aws-cn:kms:cn-north-1:444455556666:key/*"),
        ] {
            let records =
                RecordsBucket { partition: "aws-cn", region: Some("cn-north-1"), kms_key: Some(name), ..records() };
            let statement = key(records, Apply);
            assert_eq!(statement["Resource"], resource);
            let via = json!({ "kms:ViaService": "s3.cn-north-1.amazonaws.com.cn" });
            assert_eq!(statement["Condition"], json!({ "StringEquals": via, "ForAnyValue:StringEquals": any }));
        }
        let anywhere = key(RecordsBucket { region: None, account: "*", kms_key: Some("alias/x"), ..records() }, Plan);
        assert_eq!(anywhere["Resource"], "arn:aws:kms:*:*:key/*");
        assert_eq!(anywhere["Condition"]["StringLike"], json!({ "kms:ViaService": "s3.*.amazonaws.com" }));
    }

    #[test]
    fn what_a_policy_would_read_as_a_pattern_stays_what_it_is() {
        let statements = bucket_statements(&RecordsBucket { prefix: "a*b/$x", ..records() }, Audit);
        assert_eq!(statements[0]["Resource"][0], "arn:aws:s3:::records/a${*}b/${$}x/lock.json");
        let bare = bucket_statements(&RecordsBucket { prefix: "", ..records() }, Audit);
        assert_eq!(bare[0]["Resource"][0], "arn:aws:s3:::records/lock.json");
    }
}
