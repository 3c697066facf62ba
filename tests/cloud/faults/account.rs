//! The content of an account, as an independent client reads it. Runs are compared by it, and the replay of writes begins with it.

use std::collections::{BTreeMap, BTreeSet};

use leasehold_emulator::Emulator;
use serde::Deserialize;
use serde_json::Value;

/// The IAM objects of an account.
#[derive(Debug, Clone, PartialEq, Deserialize, Default)]
pub struct Account {
    /// By `user/NAME` and `role/NAME`.
    pub principals: BTreeMap<String, Principal>,
    pub groups: BTreeMap<String, Group>,
    /// Customer-managed policies by ARN.
    pub policies: BTreeMap<String, Policy>,
    /// Virtual MFA devices by ARN, assigned to a user or not.
    pub virtual_devices: BTreeSet<String>,
}

/// A user or a role.
#[derive(Debug, Clone, PartialEq, Deserialize, Default)]
pub struct Principal {
    pub path: String,
    /// The trust policy; `None` for a user.
    pub trust: Option<Value>,
    pub session: Option<u32>,
    pub boundary: Option<String>,
    pub tags: BTreeMap<String, String>,
    pub inline: BTreeMap<String, Value>,
    pub attached: BTreeSet<String>,
    pub groups: BTreeSet<String>,
    pub profiles: BTreeSet<String>,
    pub login: bool,
    pub devices: BTreeSet<String>,
    /// Access keys, SSH keys, certificates and service-specific credentials by id, each with its status.
    pub keys: BTreeMap<String, String>,
    pub ssh_keys: BTreeMap<String, String>,
    pub certificates: BTreeMap<String, String>,
    pub services: BTreeMap<String, String>,
}

/// A group without its members.
#[derive(Debug, Clone, PartialEq, Deserialize, Default)]
pub struct Group {
    pub path: String,
    pub inline: BTreeMap<String, Value>,
    pub attached: BTreeSet<String>,
}

/// A customer-managed policy.
#[derive(Debug, Clone, PartialEq, Deserialize, Default)]
pub struct Policy {
    pub versions: BTreeMap<String, Value>,
    pub default: String,
}

impl Account {
    /// Reads an emulator's account.
    pub fn of(aws: &Emulator) -> Self {
        let mut account: Self = serde_json::from_value(aws.boto3(READ)).expect("the account reads");
        let documents = |documents: &mut BTreeMap<String, Value>| documents.values_mut().for_each(parsed);
        for principal in account.principals.values_mut() {
            documents(&mut principal.inline);
            principal.trust.iter_mut().for_each(parsed);
        }
        account.groups.values_mut().for_each(|group| documents(&mut group.inline));
        account.policies.values_mut().for_each(|policy| documents(&mut policy.versions));
        account
    }

    /// The same account without the values that differ from run to run: times, values derived from them, and the ids that the service chose
    /// for keys.
    pub fn timeless(&self) -> Self {
        let mut account = self.clone();
        for principal in account.principals.values_mut() {
            for (key, value) in &mut principal.tags {
                let of_time = ["created-at", "expires-at", "digest", "quarantined-at", "lineage"];
                if key.strip_prefix("leasehold:").is_some_and(|name| of_time.contains(&name)) {
                    *value = "instant".to_owned();
                }
            }
            principal.inline.values_mut().for_each(without_instants);
            principal.trust.iter_mut().for_each(without_instants);
            let mut statuses: Vec<String> = std::mem::take(&mut principal.keys).into_values().collect();
            statuses.sort_unstable();
            principal.keys = statuses.into_iter().enumerate().map(|(n, status)| (format!("key {n}"), status)).collect();
        }
        for policy in account.policies.values_mut() {
            policy.versions.values_mut().for_each(without_instants);
        }
        account
    }
}

impl Account {
    /// The account without the marks of principals.
    pub fn without_marks(&self) -> Self {
        let mut account = self.clone();
        for principal in account.principals.values_mut() {
            principal.tags.retain(|key, _| !key.starts_with("leasehold:"));
        }
        account
    }

    /// The same account with only the default version of each policy. A run that reads stale data may create a version twice.
    pub fn without_spare_versions(&self) -> Self {
        let mut account = self.clone();
        for policy in account.policies.values_mut() {
            let default = policy.versions[&policy.default].clone();
            policy.versions = [("v".to_owned(), default)].into();
            policy.default = "v".to_owned();
        }
        account
    }
}

/// Parses a document that some emulators return as the text that was sent.
fn parsed(document: &mut Value) {
    if let Value::String(text) = document {
        *document = serde_json::from_str(text).expect("a document is JSON");
    }
}

fn without_instants(value: &mut Value) {
    match value {
        Value::String(text) if text.parse::<jiff::Timestamp>().is_ok() => *text = "instant".to_owned(),
        Value::Array(items) => items.iter_mut().for_each(without_instants),
        Value::Object(fields) => fields.values_mut().for_each(without_instants),
        _ => {}
    }
}

const READ: &str = "
    kinds = ['User', 'Role', 'Group', 'LocalManagedPolicy']
    details = iam.get_account_authorization_details(Filter=kinds, MaxItems=1000)
    facts = {role['RoleName']: role for role in iam.list_roles(MaxItems=1000)['Roles']}

    def held(thing, inline):
        return {
            'path': thing['Path'],
            'tags': {tag['Key']: tag['Value'] for tag in thing.get('Tags', [])},
            'inline': {policy['PolicyName']: policy['PolicyDocument'] for policy in thing.get(inline, [])},
            'attached': [policy['PolicyArn'] for policy in thing.get('AttachedManagedPolicies', [])],
            'boundary': thing.get('PermissionsBoundary', {}).get('PermissionsBoundaryArn'),
            'groups': thing.get('GroupList', []),
            'profiles': [profile['InstanceProfileName'] for profile in thing.get('InstanceProfileList', [])],
            'login': False, 'devices': [], 'keys': {}, 'ssh_keys': {}, 'certificates': {}, 'services': {},
        }

    def has_login(name):
        try:
            return bool(iam.get_login_profile(UserName=name))
        except iam.exceptions.NoSuchEntityException:
            return False

    principals = {}
    for user in details['UserDetailList']:
        name = user['UserName']
        principals['user/' + name] = held(user, 'UserPolicyList') | {
            'login': has_login(name),
            'devices': [device['SerialNumber'] for device in iam.list_mfa_devices(UserName=name)['MFADevices']],
            'keys': {key['AccessKeyId']: key['Status'] for key in iam.list_access_keys(UserName=name)['AccessKeyMetadata']},
            'ssh_keys': {key['SSHPublicKeyId']: key['Status']
                         for key in iam.list_ssh_public_keys(UserName=name).get('SSHPublicKeys', [])},
            'certificates': {one['CertificateId']: one['Status']
                             for one in iam.list_signing_certificates(UserName=name)['Certificates']},
            'services': {one['ServiceSpecificCredentialId']: one['Status'] for one in
                         iam.list_service_specific_credentials(UserName=name).get('ServiceSpecificCredentials', [])},
        }
    for role in details['RoleDetailList']:
        principals['role/' + role['RoleName']] = held(role, 'RolePolicyList') | {
            'trust': role['AssumeRolePolicyDocument'],
            'session': facts[role['RoleName']]['MaxSessionDuration'],
        }
    print({
        'principals': principals,
        'virtual_devices': [device['SerialNumber'] for device in iam.list_virtual_mfa_devices()['VirtualMFADevices']],
        'groups': {group['GroupName']: {key: value for key, value in held(group, 'GroupPolicyList').items()
                                        if key in ('path', 'inline', 'attached')} for group in details['GroupDetailList']},
        'policies': {policy['Arn']: {
            'versions': {version['VersionId']: version['Document'] for version in policy['PolicyVersionList']},
            'default': policy['DefaultVersionId'],
        } for policy in details['Policies']},
    })
";
