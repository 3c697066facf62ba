//! The chapters for plan, drift and sweep: what each reads, and what sweep writes. The additional actions of apply are in `chapters`.

use leasehold_fault_proxy::{FaultPoint, ProxyFault};

use super::chapters::{in_profile, metadata};
use super::stacks::{CROWD, FEDERATIONS, LEASED_ROLE, LEASED_USER, MUCH_TO_LOSE, OWN_POLICY, ROLE, SCOPE, USER};
use super::{PermissionHarness, PermissionScenario, ended};
use crate::faults::harness::Kind::{Ministack, Moto};
use leasehold_test_harness::{Ran, wait_until};

const READING: &[&str] = &["plan", "drift", "sweep"];

pub const CHAPTERS: &[PermissionScenario] = &[
    PermissionScenario {
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
        play: PermissionHarness::look,
    },
    PermissionScenario {
        name: "credentials of other sorts are looked at",
        on: Moto,
        purposes: READING,
        shows: &["ListSSHPublicKeys", "ListServiceSpecificCredentials", "ListSigningCertificates"],
        stack: USER,
        before: |place| {
            place.stack.apply();
        },
        play: PermissionHarness::look,
    },
    PermissionScenario {
        name: "a crowd is looked at",
        on: Ministack,
        purposes: READING,
        shows: &["GenerateCredentialReport", "GetCredentialReport"],
        stack: CROWD,
        before: |place| {
            place.stack.apply();
        },
        play: PermissionHarness::look,
    },
    PermissionScenario {
        name: "a scope that changed is looked at",
        on: Ministack,
        purposes: READING,
        shows: &["ListPolicyTags"],
        stack: SCOPE,
        before: |place| {
            place.stack.apply();
            place.stack.edit("stack.hcl", "\"s3:GetObject\", \"s3:ListBucket\"", "\"s3:GetObject\"");
        },
        play: PermissionHarness::look,
    },
    PermissionScenario {
        name: "federations are looked at",
        on: Moto,
        purposes: READING,
        shows: &["GetOpenIDConnectProvider", "GetSAMLProvider"],
        stack: FEDERATIONS,
        before: |place| {
            place.stack.write("corp.xml", &metadata("one"));
            place.stack.apply();
        },
        play: PermissionHarness::look,
    },
    PermissionScenario {
        name: "a role is missing in one of two reads",
        on: Ministack,
        purposes: READING,
        shows: &["GetRole"],
        stack: ROLE,
        before: |place| {
            place.stack.apply();
        },
        play: |place| {
            for action in ["ListRoles", "GetRole"] {
                place.proxy.inject_fault(ProxyFault::hold_requests(action, FaultPoint::Before).limit_times(1));
            }
            let mut running = place.stack.start(place.command());
            let answered = |action: &str| {
                place.proxy.requests().iter().any(|it| it.action == action && it.client_status.is_some())
            };
            let knows_roles = || place.proxy.held_count() > 0 && answered("GetAccountAuthorizationDetails");
            wait_until("the bulk read", || knows_roles() || running.has_exited());
            place.aws.boto3(DELETED_DURING_RUN);
            place.proxy.release_held();
            wait_until("the exact read", || {
                place.proxy.held_count() > 0 && answered("ListRoles") || running.has_exited()
            });
            place.aws.boto3(CREATED_DURING_RUN);
            place.proxy.release_held();
            place.ended(running.wait())
        },
    },
    PermissionScenario {
        name: "a joiner is held against the quotas",
        on: Ministack,
        purposes: &["plan"],
        shows: &["GetAccountSummary"],
        stack: ROLE,
        before: |_| (),
        play: PermissionHarness::look,
    },
    PermissionScenario {
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
        play: |place| expire_lease_and_grace_period(place, "reporter"),
    },
    PermissionScenario {
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
        play: |place| expire_lease_and_grace_period(place, "reporter"),
    },
    PermissionScenario {
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
        play: |place| expire_lease_and_grace_period(place, "writer"),
    },
    PermissionScenario {
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
            expire_lease(place, "ci")?;
            place.proxy.inject_fault(ProxyFault::hold_requests("DeleteRole", FaultPoint::Before).limit_times(1));
            let mut running = place.stack.start(place.command());
            wait_until("the deletion", || place.proxy.held_count() > 0 || running.has_exited());
            if place.proxy.held_count() > 0 {
                place.aws.boto3(&in_profile("more"));
            }
            place.proxy.release_held();
            ended(running.wait())
        },
    },
    PermissionScenario {
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
        play: PermissionHarness::look,
    },
];

/// Deletes the role `ci`.
const DELETED_DURING_RUN: &str = "
    for policy in iam.list_role_policies(RoleName='ci')['PolicyNames']:
        iam.delete_role_policy(RoleName='ci', PolicyName=policy)
    for policy in iam.list_attached_role_policies(RoleName='ci')['AttachedPolicies']:
        iam.detach_role_policy(RoleName='ci', PolicyArn=policy['PolicyArn'])
    iam.delete_role(RoleName='ci')
";

/// Creates the role `ci` with the stack's marks.
const CREATED_DURING_RUN: &str = "
    trust = json.dumps({'Version': '2012-10-17', 'Statement': [
        {'Effect': 'Allow', 'Action': 'sts:AssumeRole', 'Principal': {'Service': 'lambda.amazonaws.com'}}]})
    marks = {'stack': 'faults', 'address': 'identity.ci', 'kind': 'workload'}
    iam.create_role(RoleName='ci', AssumeRolePolicyDocument=trust,
        Tags=[{'Key': f'leasehold:{key}', 'Value': value} for key, value in marks.items()])
";

/// The lease expires and a sweep enforces it; then the block is removed, and the grace period ends.
fn expire_lease(place: &PermissionHarness, name: &str) -> Result<(), Ran> {
    place.stack.expire_lease(name);
    place.look()?;
    place.stack.cut("stack.hcl", &format!("identity \"{name}\""));
    place.stack.end_grace_periods();
    Ok(())
}

fn expire_lease_and_grace_period(place: &PermissionHarness, name: &str) -> Result<(), Ran> {
    expire_lease(place, name)?;
    place.look()
}
