//! The chapters for plan, drift and sweep: what each reads, and what sweep writes. The additional actions of apply are in `chapters`.

use leasehold_fault_proxy::{FaultPoint, ProxyFault};

use super::chapters::{in_profile, long_ago, metadata};
use super::stacks::{CROWD, FEDERATIONS, LEASED_ROLE, LEASED_USER, MUCH_TO_LOSE, OWN_POLICY, ROLE, SCOPE, USER};
use super::{Chapter, Place, ended};
use crate::faults::harness::Kind::{Ministack, Moto};
use leasehold_test_harness::{Ran, wait_until};

const READING: &[&str] = &["plan", "drift", "sweep"];

pub const CHAPTERS: &[Chapter] = &[
    Chapter {
        name: "a user with a key and a password is looked at",
        on: Ministack,
        purposes: READING,
        shows: &[
            "GetAccessKeyLastUsed",
            "GetAccountAuthorizationDetails",
            "GetLoginProfile",
            "GetUser",
            "ListAccessKeys",
            "ListMFADevices",
            "ListOpenIDConnectProviders",
            "ListRoles",
            "ListSAMLProviders",
        ],
        stack: USER,
        before: |place| {
            place.stack.apply();
            place.aws.boto3("iam.create_login_profile(UserName='reporter', Password='Correct-Horse-7-Battery')");
        },
        play: Place::look,
    },
    Chapter {
        name: "credentials of other sorts are looked at",
        on: Moto,
        purposes: READING,
        shows: &["ListSSHPublicKeys", "ListServiceSpecificCredentials", "ListSigningCertificates"],
        stack: USER,
        before: |place| drop(place.stack.apply()),
        play: Place::look,
    },
    Chapter {
        name: "a crowd is looked at",
        on: Ministack,
        purposes: READING,
        shows: &["GenerateCredentialReport", "GetCredentialReport"],
        stack: CROWD,
        before: |place| drop(place.stack.apply()),
        play: Place::look,
    },
    Chapter {
        name: "a scope that changed is looked at",
        on: Ministack,
        purposes: READING,
        shows: &["ListPolicyTags"],
        stack: SCOPE,
        before: |place| {
            place.stack.apply();
            place.stack.edit("stack.hcl", "\"s3:GetObject\", \"s3:ListBucket\"", "\"s3:GetObject\"");
        },
        play: Place::look,
    },
    Chapter {
        name: "federations are looked at",
        on: Moto,
        purposes: READING,
        shows: &["GetOpenIDConnectProvider", "GetSAMLProvider"],
        stack: FEDERATIONS,
        before: |place| {
            place.stack.write("corp.xml", &metadata("one"));
            place.stack.apply();
        },
        play: Place::look,
    },
    Chapter {
        name: "a role is made between two reads",
        on: Ministack,
        purposes: READING,
        shows: &["GetRole"],
        stack: ROLE,
        before: |_| (),
        play: |place| {
            place.proxy.inject_fault(
                ProxyFault::hold_requests("GetAccountAuthorizationDetails", FaultPoint::Before).limit_times(1),
            );
            let mut running = place.stack.start(place.command());
            let knows_roles =
                || place.proxy.requests().iter().any(|it| it.action == "ListRoles" && it.client_status.is_some());
            wait_until("both reads", || (place.proxy.held_count() > 0 && knows_roles()) || running.has_ended());
            place.aws.boto3(MADE_MEANWHILE);
            place.proxy.release_held();
            place.ended(running.wait())
        },
    },
    Chapter {
        name: "a joiner is held against the quotas",
        on: Ministack,
        purposes: &["plan"],
        shows: &["GetAccountSummary"],
        stack: ROLE,
        before: |_| (),
        play: Place::look,
    },
    Chapter {
        name: "the lease of a user ends, and then its grace",
        on: Ministack,
        purposes: &["sweep"],
        shows: &[
            "DeactivateMFADevice",
            "DeleteAccessKey",
            "DeleteLoginProfile",
            "DeleteUser",
            "DeleteUserPolicy",
            "DeleteVirtualMFADevice",
            "DetachUserPolicy",
            "ListMFADeviceTags",
            "ListVirtualMFADevices",
            "PutUserPolicy",
            "RemoveUserFromGroup",
            "TagMFADevice",
            "TagUser",
            "UpdateAccessKey",
        ],
        stack: LEASED_USER,
        before: |place| {
            place.stack.apply();
            place.aws.boto3(MUCH_TO_LOSE);
        },
        play: |place| lease_and_grace_end(place, "reporter", "tag_user(UserName"),
    },
    Chapter {
        name: "the lease of a user with credentials of other sorts ends, and then its grace",
        on: Moto,
        purposes: &["sweep"],
        shows: &[
            "DeleteSSHPublicKey",
            "DeleteServiceSpecificCredential",
            "DeleteSigningCertificate",
            "UpdateSSHPublicKey",
            "UpdateServiceSpecificCredential",
            "UpdateSigningCertificate",
        ],
        stack: LEASED_USER,
        before: |place| {
            place.stack.apply();
            place.aws.boto3(&format!("name = 'reporter'{}", crate::faults::scenarios::SSH_AND_CERTIFICATE));
        },
        play: |place| lease_and_grace_end(place, "reporter", "tag_user(UserName"),
    },
    Chapter {
        name: "the lease of a user with a policy of its own ends, and then its grace",
        on: Ministack,
        purposes: &["sweep"],
        shows: &["DeletePolicy", "DeletePolicyVersion", "ListPolicyVersions"],
        stack: OWN_POLICY,
        before: |place| {
            place.stack.apply();
            place.stack.edit("stack.hcl", "range(30)", "range(31)");
            place.stack.apply();
        },
        play: |place| lease_and_grace_end(place, "writer", "tag_user(UserName"),
    },
    Chapter {
        name: "the lease of a role that runs on instances ends, and then its grace",
        on: Ministack,
        purposes: &["sweep"],
        shows: &[
            "DeleteRole",
            "DeleteRolePolicy",
            "DetachRolePolicy",
            "ListInstanceProfilesForRole",
            "PutRolePolicy",
            "RemoveRoleFromInstanceProfile",
            "TagRole",
            "UpdateAssumeRolePolicy",
        ],
        stack: LEASED_ROLE,
        before: |place| {
            place.stack.apply();
            place.aws.boto3(&in_profile("machines"));
        },
        play: |place| {
            lease_ends(place, "ci", "tag_role(RoleName")?;
            place.proxy.inject_fault(ProxyFault::hold_requests("DeleteRole", FaultPoint::Before).limit_times(1));
            let mut running = place.stack.start(place.command());
            wait_until("the deletion", || place.proxy.held_count() > 0 || running.has_ended());
            if place.proxy.held_count() > 0 {
                place.aws.boto3(&in_profile("more"));
            }
            place.proxy.release_held();
            ended(running.wait())
        },
    },
    Chapter {
        name: "a key is due",
        on: Moto,
        purposes: &["sweep"],
        shows: &["CreateAccessKey"],
        stack: LEASED_USER,
        before: |place| {
            place.stack.apply();
            place.aws.boto3(
                "
                import datetime
                from moto.iam import iam_backends
                for key in iam_backends['123456789012']['aws'].users['reporter'].access_keys:
                    key.create_date -= datetime.timedelta(days=91)
                ",
            );
            let entry = ".leasehold/secrets/vault/reporter.json";
            let mut text: serde_json::Value = serde_json::from_str(&place.stack.read(entry)).unwrap();
            for kept in text["Leasehold"]["keys"].as_object_mut().unwrap().values_mut() {
                kept["delivered_at"] = "2020-01-01T00:00:00Z".into();
            }
            place.stack.write(entry, &text.to_string());
        },
        play: Place::look,
    },
];

/// Creates the role `ci` with the stack's marks.
const MADE_MEANWHILE: &str = "
    trust = json.dumps({'Version': '2012-10-17', 'Statement': [
        {'Effect': 'Allow', 'Action': 'sts:AssumeRole', 'Principal': {'Service': 'lambda.amazonaws.com'}}]})
    marks = {'stack': 'faults', 'address': 'identity.ci', 'kind': 'workload'}
    iam.create_role(RoleName='ci', AssumeRolePolicyDocument=trust,
        Tags=[{'Key': f'leasehold:{key}', 'Value': value} for key, value in marks.items()])
";

/// The lease expires and a sweep enforces it; then the block is removed, and the grace period ends.
fn lease_ends(place: &Place, name: &str, tag: &str) -> Result<(), Ran> {
    place.aws.boto3(&long_ago(tag, name).replace("quarantined-at", "created-at"));
    place.look()?;
    place.stack.cut("stack.hcl", &format!("identity \"{name}\""));
    place.aws.boto3(&long_ago(tag, name));
    Ok(())
}

fn lease_and_grace_end(place: &Place, name: &str, tag: &str) -> Result<(), Ran> {
    lease_ends(place, name, tag)?;
    place.look()
}
