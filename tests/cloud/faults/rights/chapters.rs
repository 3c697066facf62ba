//! The chapters of a lifecycle that together need every action.

use leasehold_fault_proxy::{FaultPoint, ProxyFault};

use super::stacks::{
    BOUND_ROLE, BOUND_USER, BOUNDARY, CROWD, FEDERATIONS, GROUP, IMPORTED, LIVES_ALREADY, MUCH_TO_LOSE, ROLE, SCOPE,
    SECRET_SCOPE, STRAY_MARKS, STRAY_ROLE_POLICY, STRAY_USER_POLICY, USER,
};
use super::{PermissionHarness, PermissionScenario, ended};
use crate::faults::harness::Kind::{Ministack, Moto};
use leasehold_test_harness::{Ran, wait_until};

pub const CHAPTERS: &[PermissionScenario] = &[
    PermissionScenario {
        name: "a user joins with a key",
        on: Ministack,
        purposes: &["apply"],
        shows: &[
            "AttachUserPolicy",
            "CreateAccessKey",
            "CreatePolicy",
            "CreateUser",
            "GetAccessKeyLastUsed",
            "GetAccountAuthorizationDetails",
            "GetAccountSummary",
            "GetLoginProfile",
            "ListAccessKeys",
            "ListMFADevices",
            "ListOpenIDConnectProviders",
            "ListRoles",
            "ListSAMLProviders",
            "PutUserPolicy",
        ],
        stack: USER,
        before: |place| drop(place.stack.cut("stack.hcl", "identity \"reporter\"")),
        play: |place| {
            place.declare(USER);
            place.apply()
        },
    },
    PermissionScenario {
        name: "a user moves",
        on: Ministack,
        purposes: &["apply"],
        shows: &["DeleteUserPolicy", "DetachUserPolicy", "TagUser", "UntagUser"],
        stack: USER,
        before: |place| {
            place.stack.apply();
            place.aws.boto3(STRAY_USER_POLICY);
        },
        play: |place| {
            place.stack.edit("stack.hcl", "    cost = \"7\"\n", "");
            place.stack.edit("stack.hcl", "scopes = [scope.read]", "scopes = [scope.write]");
            place.apply()
        },
    },
    PermissionScenario {
        name: "a user gets a boundary and loses it",
        on: Moto,
        purposes: &["apply"],
        shows: &["DeleteUserPermissionsBoundary", "PutUserPermissionsBoundary"],
        stack: BOUND_USER,
        before: unbound,
        play: |place| bound_for_a_while(place, BOUND_USER),
    },
    PermissionScenario {
        name: "a user gets another path",
        on: Moto,
        purposes: &["apply"],
        shows: &["UpdateUser"],
        stack: BOUND_USER,
        before: |place| drop(place.stack.apply()),
        play: |place| {
            place.stack.edit("stack.hcl", "/team/x/", "/team/y/");
            place.apply()
        },
    },
    PermissionScenario {
        name: "a user with much to lose leaves",
        on: Ministack,
        purposes: &["apply"],
        shows: &[
            "DeactivateMFADevice",
            "DeleteAccessKey",
            "DeleteLoginProfile",
            "DeleteUser",
            "DeleteVirtualMFADevice",
            "GetUser",
            "ListMFADeviceTags",
            "ListVirtualMFADevices",
            "RemoveUserFromGroup",
            "TagMFADevice",
            "UpdateAccessKey",
        ],
        stack: USER,
        before: |place| {
            place.stack.apply();
            place.aws.boto3(MUCH_TO_LOSE);
        },
        play: |place| leaves(place, "reporter"),
    },
    PermissionScenario {
        name: "a user with credentials of other sorts leaves",
        on: Moto,
        purposes: &["apply"],
        shows: &[
            "DeleteSSHPublicKey",
            "DeleteServiceSpecificCredential",
            "DeleteSigningCertificate",
            "ListSSHPublicKeys",
            "ListServiceSpecificCredentials",
            "ListSigningCertificates",
            "UpdateSSHPublicKey",
            "UpdateServiceSpecificCredential",
            "UpdateSigningCertificate",
        ],
        stack: USER,
        before: |place| {
            place.stack.apply();
            place.aws.boto3(&format!("name = 'reporter'{}", crate::faults::scenarios::SSH_AND_CERTIFICATE));
        },
        play: |place| leaves(place, "reporter"),
    },
    PermissionScenario {
        name: "a crowd is planned for",
        on: Ministack,
        purposes: &["apply"],
        shows: &["GenerateCredentialReport", "GetCredentialReport"],
        stack: CROWD,
        before: |place| drop(place.stack.apply()),
        play: |place| place.run(&["plan"]),
    },
    PermissionScenario {
        name: "a role joins",
        on: Ministack,
        purposes: &["apply"],
        shows: &["AttachRolePolicy", "CreateRole", "PutRolePolicy"],
        stack: ROLE,
        before: |place| drop(place.stack.cut("stack.hcl", "identity \"ci\"")),
        play: |place| {
            place.declare(ROLE);
            place.apply()
        },
    },
    PermissionScenario {
        name: "a role moves",
        on: Ministack,
        purposes: &["apply"],
        shows: &[
            "DeleteRolePolicy",
            "DetachRolePolicy",
            "TagRole",
            "UntagRole",
            "UpdateAssumeRolePolicy",
            "UpdateRole",
        ],
        stack: ROLE,
        before: |place| {
            place.stack.apply();
            place.aws.boto3(STRAY_ROLE_POLICY);
        },
        play: |place| {
            place.stack.edit("stack.hcl", "    cost = \"7\"\n", "");
            place.stack.edit("stack.hcl", "scopes = [scope.read]", "scopes = [scope.write]");
            place.stack.edit("stack.hcl", "lambda.amazonaws.com", "ec2.amazonaws.com");
            place.stack.edit("stack.hcl", "builds things", "builds other things");
            place.apply()
        },
    },
    PermissionScenario {
        name: "a role gets a boundary and loses it",
        on: Moto,
        purposes: &["apply"],
        shows: &["DeleteRolePermissionsBoundary", "PutRolePermissionsBoundary"],
        stack: BOUND_ROLE,
        before: unbound,
        play: |place| bound_for_a_while(place, BOUND_ROLE),
    },
    PermissionScenario {
        name: "a role that runs on instances leaves, and is put on more at the last moment",
        on: Ministack,
        purposes: &["apply"],
        shows: &["DeleteRole", "ListInstanceProfilesForRole", "RemoveRoleFromInstanceProfile"],
        stack: ROLE,
        before: |place| {
            place.stack.apply();
            place.aws.boto3(&in_profile("machines"));
        },
        play: |place| {
            place.stack.cut("stack.hcl", "identity \"ci\"");
            place.apply()?;
            place.stack.end_grace_periods();
            place.proxy.inject_fault(ProxyFault::hold_requests("DeleteRole", FaultPoint::Before).limit_times(1));
            let mut running = place.stack.start(&["apply", "--auto-approve"]);
            wait_until("the deletion", || place.proxy.held_count() > 0 || running.has_exited());
            if place.proxy.held_count() > 0 {
                place.aws.boto3(&in_profile("more"));
            }
            place.proxy.release_held();
            ended(running.wait())
        },
    },
    PermissionScenario {
        name: "a scope is rewritten until a version must go, and goes",
        on: Ministack,
        purposes: &["apply"],
        shows: &[
            "CreatePolicyVersion",
            "DeletePolicy",
            "DeletePolicyVersion",
            "GetPolicy",
            "GetPolicyVersion",
            "ListPolicyTags",
            "ListPolicyVersions",
            "TagPolicy",
        ],
        stack: SCOPE,
        before: |place| {
            place.stack.apply();
            for action in ["s3:GetBucketAcl", "s3:GetBucketTagging", "s3:GetBucketLocation"] {
                place.stack.edit(
                    "stack.hcl",
                    "\"s3:GetObject\", \"s3:ListBucket\"",
                    &format!("\"s3:GetObject\", \"{action}\""),
                );
                place.stack.apply();
                place.stack.edit("stack.hcl", action, "s3:ListBucket");
            }
        },
        play: |place| {
            place.apply()?;
            place.stack.edit("stack.hcl", "\"s3:ListBucket\"", "\"s3:ListBucketVersions\"");
            place.apply()?;
            place.stack.edit("stack.hcl", "scopes = [scope.read]", "scopes = [scope.write]");
            place.stack.cut("stack.hcl", "scope \"read\"");
            place.apply()
        },
    },
    PermissionScenario {
        name: "a scope is secret no more",
        on: Ministack,
        purposes: &["apply"],
        shows: &["UntagPolicy"],
        stack: SECRET_SCOPE,
        before: |place| drop(place.stack.apply()),
        play: |place| {
            place.stack.edit("stack.hcl", "sensitive(\"arn:aws:s3:::hidden/*\")", "\"arn:aws:s3:::open/*\"");
            place.apply()
        },
    },
    PermissionScenario {
        name: "a group is made, changes and goes",
        on: Ministack,
        purposes: &["apply"],
        shows: &[
            "AddUserToGroup",
            "AttachGroupPolicy",
            "CreateGroup",
            "DeleteGroup",
            "DeleteGroupPolicy",
            "DetachGroupPolicy",
            "PutGroupPolicy",
        ],
        stack: GROUP,
        before: |place| {
            place.stack.cut("stack.hcl", "group \"crew\"");
            place.stack.apply();
        },
        play: |place| {
            place.declare(GROUP);
            place.apply()?;
            place.stack.edit("stack.hcl", "members = [identity.reporter]", "members = []");
            place.stack.edit("stack.hcl", "  scopes  = [scope.write]\n", "");
            place.apply()?;
            place.stack.cut("stack.hcl", "group \"crew\"");
            place.apply()
        },
    },
    PermissionScenario {
        name: "what lives already is taken in",
        on: Ministack,
        purposes: &["apply"],
        shows: &["GetGroup", "GetRole", "UpdateGroup"],
        stack: IMPORTED,
        before: |place| drop(place.aws.boto3(LIVES_ALREADY)),
        play: PermissionHarness::apply,
    },
    PermissionScenario {
        name: "federations are made, change and go",
        on: Moto,
        purposes: &["apply"],
        shows: &[
            "AddClientIDToOpenIDConnectProvider",
            "CreateOpenIDConnectProvider",
            "CreateSAMLProvider",
            "DeleteOpenIDConnectProvider",
            "DeleteSAMLProvider",
            "GetOpenIDConnectProvider",
            "GetSAMLProvider",
            "RemoveClientIDFromOpenIDConnectProvider",
            "TagOpenIDConnectProvider",
            "TagSAMLProvider",
            "UntagOpenIDConnectProvider",
            "UntagSAMLProvider",
            "UpdateOpenIDConnectProviderThumbprint",
            "UpdateSAMLProvider",
        ],
        stack: FEDERATIONS,
        before: |place| {
            place.stack.write("corp.xml", &metadata("one"));
            place.declare("");
        },
        play: |place| {
            place.declare(FEDERATIONS);
            place.apply()?;
            place.stack.write("corp.xml", &metadata("two"));
            place.stack.edit("stack.hcl", "\"sts.amazonaws.com\"", "\"sts.amazonaws.com.cn\"");
            place.stack.edit("stack.hcl", "\"1111", "\"2222");
            place.aws.boto3(STRAY_MARKS);
            place.apply()?;
            place.declare("");
            place.apply()
        },
    },
];

/// Applies the configuration without the boundary.
fn unbound(place: &PermissionHarness) {
    place.stack.edit("stack.hcl", BOUNDARY, "");
    place.stack.apply();
}

/// Applies with a boundary, then without it.
fn bound_for_a_while(place: &PermissionHarness, bound: &str) -> Result<(), Ran> {
    place.declare(bound);
    place.apply()?;
    place.stack.edit("stack.hcl", BOUNDARY, "");
    place.apply()
}

/// An identity leaves: it is quarantined, and deleted after the grace period.
fn leaves(place: &PermissionHarness, name: &str) -> Result<(), Ran> {
    place.stack.cut("stack.hcl", &format!("identity \"{name}\""));
    place.apply()?;
    place.stack.end_grace_periods();
    place.apply()
}

pub fn in_profile(name: &str) -> String {
    format!(
        "
        iam.create_instance_profile(InstanceProfileName='{name}')
        iam.add_role_to_instance_profile(InstanceProfileName='{name}', RoleName='ci')
        "
    )
}

pub fn metadata(entity: &str) -> String {
    format!("<EntityDescriptor entityID=\"{entity}\">{}</EntityDescriptor>", "x".repeat(1000))
}
