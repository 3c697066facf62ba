//! Replays writes on an account. Each write is an IAM API call; a call that is not implemented here is an error in the test.

use leasehold_fault_proxy::RecordedRequest;
use serde_json::Value;

use crate::faults::account::{Account, Group, Policy, Principal};

impl Account {
    /// The principal that a write changes, as `user/NAME` or `role/NAME`.
    pub fn subject(write: &RecordedRequest) -> Option<String> {
        let of = |kind: &str, name: &str| (!name.is_empty()).then(|| format!("{kind}/{name}"));
        of("role", write.parameter("RoleName")).or_else(|| of("user", write.parameter("UserName")))
    }

    /// Applies a write that took effect.
    pub fn write(&mut self, write: &RecordedRequest) {
        let arn = write.parameter("PolicyArn");
        match write.action.as_str() {
            "CreatePolicy"
            | "CreatePolicyVersion"
            | "DeletePolicyVersion"
            | "DeletePolicy"
            | "SetDefaultPolicyVersion" => {
                self.write_policy(write);
            }
            "TagPolicy" | "UntagPolicy" => assert!(self.policies.contains_key(arn), "{write:?}"),
            "DeleteVirtualMFADevice" => drop(self.virtual_devices.remove(write.parameter("SerialNumber"))),
            "TagMFADevice" => assert!(self.virtual_devices.contains(write.parameter("SerialNumber")), "{write:?}"),
            action if write.parameters.contains_key("GroupName") && !action.contains("User") => self.write_group(write),
            _ => self.write_principal(write),
        }
    }

    fn write_policy(&mut self, write: &RecordedRequest) {
        let arn = write.parameter("PolicyArn");
        let answered = |name: &str| {
            let answer = write.response.as_ref().unwrap();
            answer.element_text(name).unwrap_or_else(|| panic!("{name} is not in {answer:?}")).to_owned()
        };
        match write.action.as_str() {
            "CreatePolicy" => {
                let versions = [("v1".to_owned(), document(write, "PolicyDocument"))].into();
                self.policies.insert(answered("Arn"), Policy { versions, default: "v1".to_owned() });
            }
            "CreatePolicyVersion" => {
                let policy = self.policies.get_mut(arn).unwrap();
                let version = answered("VersionId");
                policy.versions.insert(version.clone(), document(write, "PolicyDocument"));
                if write.parameter("SetAsDefault") == "true" {
                    policy.default = version;
                }
            }
            "SetDefaultPolicyVersion" => {
                self.policies.get_mut(arn).unwrap().default = write.parameter("VersionId").to_owned();
            }
            "DeletePolicyVersion" => {
                self.policies.get_mut(arn).unwrap().versions.remove(write.parameter("VersionId"));
            }
            _ => {
                self.policies.remove(arn);
            }
        }
    }

    fn write_group(&mut self, write: &RecordedRequest) {
        let name = write.parameter("GroupName").to_owned();
        let policy = write.parameter("PolicyName");
        let arn = write.parameter("PolicyArn").to_owned();
        match write.action.as_str() {
            "CreateGroup" => {
                let group = Group { path: path(write), ..Group::default() };
                self.groups.insert(name, group);
                return;
            }
            "DeleteGroup" => {
                self.groups.remove(&name);
                return;
            }
            _ => {}
        }
        let group = self.groups.get_mut(&name).unwrap();
        match write.action.as_str() {
            "PutGroupPolicy" => drop(group.inline.insert(policy.to_owned(), document(write, "PolicyDocument"))),
            "DeleteGroupPolicy" => drop(group.inline.remove(policy)),
            "AttachGroupPolicy" => drop(group.attached.insert(arn)),
            "DetachGroupPolicy" => drop(group.attached.remove(&arn)),
            other => panic!("the replay does not know {other} of groups"),
        }
    }

    fn write_principal(&mut self, write: &RecordedRequest) {
        let subject = Self::subject(write).unwrap_or_else(|| panic!("the replay does not know {write:?}"));
        match write.action.as_str() {
            "CreateUser" | "CreateRole" => {
                let made = created(write);
                assert!(self.principals.insert(subject, made).is_none(), "two of one name: {write:?}");
            }
            "DeleteUser" | "DeleteRole" => drop(self.principals.remove(&subject)),
            _ => {
                let principal = self.principals.get_mut(&subject).unwrap_or_else(|| panic!("of nobody: {write:?}"));
                change(principal, write);
            }
        }
    }
}

fn created(write: &RecordedRequest) -> Principal {
    let is_role = write.action == "CreateRole";
    let session = || write.parameters.get("MaxSessionDuration").map_or(3600, |seconds| seconds.parse().unwrap());
    Principal {
        path: path(write),
        trust: is_role.then(|| document(write, "AssumeRolePolicyDocument")),
        session: is_role.then(session),
        boundary: write.parameters.get("PermissionsBoundary").cloned(),
        tags: tags(write),
        ..Principal::default()
    }
}

/// Applies one write to a principal, or to an object attached to it.
fn change(principal: &mut Principal, write: &RecordedRequest) {
    let of = |name: &str| write.parameter(name).to_owned();
    let action = write.action.replace("Role", "User");
    match action.as_str() {
        "PutUserPolicy" => drop(principal.inline.insert(of("PolicyName"), document(write, "PolicyDocument"))),
        "DeleteUserPolicy" => drop(principal.inline.remove(write.parameter("PolicyName"))),
        "AttachUserPolicy" => drop(principal.attached.insert(of("PolicyArn"))),
        "DetachUserPolicy" => drop(principal.attached.remove(write.parameter("PolicyArn"))),
        "TagUser" => principal.tags.extend(tags(write)),
        "UntagUser" => {
            let keys = write.parameters.iter().filter(|(name, _)| name.starts_with("TagKeys.member."));
            keys.for_each(|(_, key)| drop(principal.tags.remove(key)));
        }
        "UpdateAssumeUserPolicy" => principal.trust = Some(document(write, "PolicyDocument")),
        "UpdateUser" => {
            let new = |name: &str| write.parameters.get(name);
            if let Some(seconds) = new("MaxSessionDuration") {
                principal.session = Some(seconds.parse().unwrap());
            }
            if let Some(path) = new("NewPath") {
                principal.path.clone_from(path);
            }
        }
        "PutUserPermissionsBoundary" => principal.boundary = Some(of("PermissionsBoundary")),
        "DeleteUserPermissionsBoundary" => principal.boundary = None,
        "AddUserToGroup" => drop(principal.groups.insert(of("GroupName"))),
        "RemoveUserFromGroup" => drop(principal.groups.remove(write.parameter("GroupName"))),
        "AddUserToInstanceProfile" => drop(principal.profiles.insert(of("InstanceProfileName"))),
        "RemoveUserFromInstanceProfile" => drop(principal.profiles.remove(write.parameter("InstanceProfileName"))),
        _ => credential(principal, write),
    }
}

fn credential(principal: &mut Principal, write: &RecordedRequest) {
    let of = |name: &str| write.parameter(name).to_owned();
    match write.action.as_str() {
        "CreateAccessKey" => {
            let id = write.response.as_ref().unwrap().element_text("AccessKeyId").unwrap().to_owned();
            principal.keys.insert(id, "Active".to_owned());
        }
        "UpdateAccessKey" => drop(principal.keys.insert(of("AccessKeyId"), of("Status"))),
        "DeleteAccessKey" => drop(principal.keys.remove(write.parameter("AccessKeyId"))),
        "UpdateSSHPublicKey" => drop(principal.ssh_keys.insert(of("SSHPublicKeyId"), of("Status"))),
        "DeleteSSHPublicKey" => drop(principal.ssh_keys.remove(write.parameter("SSHPublicKeyId"))),
        "UpdateSigningCertificate" => drop(principal.certificates.insert(of("CertificateId"), of("Status"))),
        "DeleteSigningCertificate" => drop(principal.certificates.remove(write.parameter("CertificateId"))),
        "UpdateServiceSpecificCredential" => {
            principal.services.insert(of("ServiceSpecificCredentialId"), of("Status"));
        }
        "DeleteServiceSpecificCredential" => {
            principal.services.remove(write.parameter("ServiceSpecificCredentialId"));
        }
        "DeleteLoginProfile" => principal.login = false,
        "DeactivateMFADevice" => drop(principal.devices.remove(write.parameter("SerialNumber"))),
        other => panic!("the replay does not know {other}"),
    }
}

fn path(write: &RecordedRequest) -> String {
    write.parameters.get("Path").cloned().unwrap_or_else(|| "/".to_owned())
}

fn document(write: &RecordedRequest, parameter: &str) -> Value {
    serde_json::from_str(write.parameter(parameter)).unwrap_or_else(|error| panic!("{error}: {write:?}"))
}

fn tags(write: &RecordedRequest) -> std::collections::BTreeMap<String, String> {
    let keys = write.parameters.iter().filter(|(name, _)| name.starts_with("Tags.member.") && name.ends_with(".Key"));
    keys.map(|(name, key)| (key.clone(), write.parameter(&name.replace(".Key", ".Value")).to_owned())).collect()
}
