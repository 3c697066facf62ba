//! The chapters of a life that takes every action.

use leasehold_fault_proxy::{Fault, Point};

use super::{Chapter, Place};
use crate::stage::Kind::{Ministack, Moto};
use crate::support::{Ran, wait_until};

pub const CHAPTERS: &[Chapter] = &[
    Chapter {
        name: "a user joins with a key",
        on: Ministack,
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
            place.stack.write("stack.hcl", USER);
            place.apply()
        },
    },
    Chapter {
        name: "a user moves",
        on: Ministack,
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
    Chapter {
        name: "a user gets a boundary and loses it",
        on: Moto,
        shows: &["DeleteUserPermissionsBoundary", "PutUserPermissionsBoundary"],
        stack: BOUND_USER,
        before: |place| {
            place.stack.edit("stack.hcl", BOUNDARY, "");
            place.stack.apply();
        },
        play: |place| {
            place.stack.write("stack.hcl", BOUND_USER);
            place.apply()?;
            place.stack.edit("stack.hcl", BOUNDARY, "");
            place.apply()
        },
    },
    Chapter {
        name: "a user gets another path",
        on: Moto,
        shows: &["UpdateUser"],
        stack: BOUND_USER,
        before: |place| drop(place.stack.apply()),
        play: |place| {
            place.stack.edit("stack.hcl", "/team/x/", "/team/y/");
            place.apply()
        },
    },
    Chapter {
        name: "a user with much to lose leaves",
        on: Ministack,
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
        play: |place| leaves(place, "reporter", "tag_user(UserName"),
    },
    Chapter {
        name: "a user with credentials of other sorts leaves",
        on: Moto,
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
            place.aws.boto3(&format!("name = 'reporter'{}", crate::scenarios::SSH_AND_CERTIFICATE));
        },
        play: |place| leaves(place, "reporter", "tag_user(UserName"),
    },
    Chapter {
        name: "a crowd is planned for",
        on: Ministack,
        shows: &["GenerateCredentialReport", "GetCredentialReport"],
        stack: CROWD,
        before: |place| drop(place.stack.apply()),
        play: |place| place.run(&["plan"]),
    },
    Chapter {
        name: "a role joins",
        on: Ministack,
        shows: &["AttachRolePolicy", "CreateRole", "PutRolePolicy"],
        stack: ROLE,
        before: |place| drop(place.stack.cut("stack.hcl", "identity \"ci\"")),
        play: |place| {
            place.stack.write("stack.hcl", ROLE);
            place.apply()
        },
    },
    Chapter {
        name: "a role moves",
        on: Ministack,
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
    Chapter {
        name: "a role gets a boundary and loses it",
        on: Moto,
        shows: &["DeleteRolePermissionsBoundary", "PutRolePermissionsBoundary"],
        stack: BOUND_ROLE,
        before: |place| {
            place.stack.edit("stack.hcl", BOUNDARY, "");
            place.stack.apply();
        },
        play: |place| {
            place.stack.write("stack.hcl", BOUND_ROLE);
            place.apply()?;
            place.stack.edit("stack.hcl", BOUNDARY, "");
            place.apply()
        },
    },
    Chapter {
        name: "a role that runs on instances leaves, and is put on more at the last moment",
        on: Ministack,
        shows: &["DeleteRole", "ListInstanceProfilesForRole", "RemoveRoleFromInstanceProfile"],
        stack: ROLE,
        before: |place| {
            place.stack.apply();
            place.aws.boto3(&in_profile("machines"));
        },
        play: |place| {
            place.stack.cut("stack.hcl", "identity \"ci\"");
            place.apply()?;
            place.aws.boto3(&long_ago("tag_role(RoleName", "ci"));
            place.proxy.order(Fault::hold("DeleteRole", Point::Before).times(1));
            let mut running = place.stack.start(&["apply", "--auto-approve"]);
            wait_until("the deletion", || place.proxy.held() > 0 || running.has_ended());
            if place.proxy.held() > 0 {
                place.aws.boto3(&in_profile("more"));
            }
            place.proxy.let_go();
            ended(running.wait())
        },
    },
    Chapter {
        name: "a scope is rewritten until a version must go, and goes",
        on: Ministack,
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
    Chapter {
        name: "a scope is secret no more",
        on: Ministack,
        shows: &["UntagPolicy"],
        stack: SECRET_SCOPE,
        before: |place| drop(place.stack.apply()),
        play: |place| {
            place.stack.edit("stack.hcl", "sensitive(\"arn:aws:s3:::hidden/*\")", "\"arn:aws:s3:::open/*\"");
            place.apply()
        },
    },
    Chapter {
        name: "a group is made, changes and goes",
        on: Ministack,
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
            place.stack.write("stack.hcl", GROUP);
            place.apply()?;
            place.stack.edit("stack.hcl", "members = [identity.reporter]", "members = []");
            place.stack.edit("stack.hcl", "  scopes  = [scope.write]\n", "");
            place.apply()?;
            place.stack.cut("stack.hcl", "group \"crew\"");
            place.apply()
        },
    },
    Chapter {
        name: "what lives already is taken in",
        on: Ministack,
        shows: &["GetGroup", "GetRole", "UpdateGroup"],
        stack: TAKEN_IN,
        before: |place| drop(place.aws.boto3(LIVES_ALREADY)),
        play: Place::apply,
    },
    Chapter {
        name: "federations are made, change and go",
        on: Moto,
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
            place.stack.write("stack.hcl", HEAD);
        },
        play: |place| {
            place.stack.write("stack.hcl", FEDERATIONS);
            place.apply()?;
            place.stack.write("corp.xml", &metadata("two"));
            place.stack.edit("stack.hcl", "\"sts.amazonaws.com\"", "\"sts.amazonaws.com.cn\"");
            place.stack.edit("stack.hcl", "\"1111", "\"2222");
            place.aws.boto3(STRAY_MARKS);
            place.apply()?;
            place.stack.write("stack.hcl", HEAD);
            place.apply()
        },
    },
];

/// Who leaves is shut, and after grace deleted.
fn leaves(place: &Place, name: &str, tag: &str) -> Result<(), Ran> {
    place.stack.cut("stack.hcl", &format!("identity \"{name}\""));
    place.apply()?;
    place.aws.boto3(&long_ago(tag, name));
    place.apply()
}

fn ended(ran: Ran) -> Result<(), Ran> {
    if ran.code == 0 { Ok(()) } else { Err(ran) }
}

fn long_ago(tag: &str, name: &str) -> String {
    format!("iam.{tag}='{name}', Tags=[{{'Key': 'leasehold:quarantined-at', 'Value': '2020-01-01T00:00:00Z'}}])")
}

fn in_profile(name: &str) -> String {
    format!(
        "
        iam.create_instance_profile(InstanceProfileName='{name}')
        iam.add_role_to_instance_profile(InstanceProfileName='{name}', RoleName='ci')
        "
    )
}

fn metadata(entity: &str) -> String {
    format!("<EntityDescriptor entityID=\"{entity}\">{}</EntityDescriptor>", "x".repeat(1000))
}

macro_rules! stack {
    ($($part:expr),*) => {
        concat!(
            r#"leasehold {
  stack = "faults"
}

provider "aws" {
  region = "us-east-1"
}

owner "jane" {
  email = "jane@example.com"
}

scope "read" {
  statement {
    actions   = ["s3:GetObject", "s3:ListBucket"]
    resources = ["arn:aws:s3:::acme-orders/*"]
  }
}

scope "write" {
  statement {
    actions   = ["s3:PutObject"]
    resources = ["arn:aws:s3:::acme-orders/*"]
  }
}
"#, $($part),*)
    };
}

const HEAD: &str = stack!();

const USER: &str = stack!(
    r#"
store "file" "vault" {
}

identity "reporter" {
  kind       = "service"
  owner      = owner.jane
  scopes = [scope.read]
  expires_at = "2090-01-01T00:00:00Z"
  tags = {
    team = "x"
    cost = "7"
  }

  credential "access_key" {
    store = store.vault
  }
}
"#
);

const BOUNDARY: &str = "  permissions_boundary = \"arn:aws:iam::aws:policy/PowerUserAccess\"\n";

const BOUND_USER: &str = stack!(
    r#"
identity "reporter" {
  kind       = "service"
  owner      = owner.jane
  path       = "/team/x/"
  expires_at = "2090-01-01T00:00:00Z"
  permissions_boundary = "arn:aws:iam::aws:policy/PowerUserAccess"
}
"#
);

const ROLE: &str = stack!(
    r#"
identity "ci" {
  kind       = "workload"
  owner      = owner.jane
  purpose    = "builds things"
  scopes = [scope.read]
  expires_at = "2090-01-01T00:00:00Z"
  tags = {
    team = "x"
    cost = "7"
  }

  trust "service" {
    principals = ["lambda.amazonaws.com"]
  }
}
"#
);

const BOUND_ROLE: &str = stack!(
    r#"
identity "ci" {
  kind       = "workload"
  owner      = owner.jane
  expires_at = "2090-01-01T00:00:00Z"
  permissions_boundary = "arn:aws:iam::aws:policy/PowerUserAccess"

  trust "service" {
    principals = ["lambda.amazonaws.com"]
  }
}
"#
);

const SCOPE: &str = stack!(
    r#"
identity "reporter" {
  kind       = "service"
  owner      = owner.jane
  scopes = [scope.read]
  expires_at = "2090-01-01T00:00:00Z"
}
"#
);

const SECRET_SCOPE: &str = stack!(
    r#"
scope "hidden" {
  statement {
    actions   = ["s3:GetObject"]
    resources = [sensitive("arn:aws:s3:::hidden/*")]
  }
}
"#
);

const GROUP: &str = stack!(
    r#"
identity "reporter" {
  kind       = "human"
  owner      = owner.jane
  expires_at = "2090-01-01T00:00:00Z"
}

group "crew" {
  members = [identity.reporter]
  scopes  = [scope.write]
  statement {
    actions   = ["sqs:SendMessage"]
    resources = ["*"]
  }
}
"#
);

const TAKEN_IN: &str = stack!(
    r#"
identity "reporter" {
  kind       = "service"
  owner      = owner.jane
  expires_at = "2090-01-01T00:00:00Z"
}

identity "ci" {
  kind       = "workload"
  owner      = owner.jane
  expires_at = "2090-01-01T00:00:00Z"
  trust "service" {
    principals = ["lambda.amazonaws.com"]
  }
}

group "crew" {
  members = [identity.reporter]
}

import {
  to = identity.reporter
  id = "user/reporter"
}

import {
  to = identity.ci
  id = "role/ci"
}

import {
  to = group.crew
  id = "group/crew"
}
"#
);

const FEDERATIONS: &str = stack!(
    r#"
federation "oidc" "github" {
  url         = "https://token.actions.githubusercontent.com"
  audiences   = ["sts.amazonaws.com"]
  thumbprints = ["1111111111111111111111111111111111111111"]
}

federation "saml" "corp" {
  metadata = file("corp.xml")
}
"#
);

const CROWD: &str = stack!(
    r#"
identity "bot" {
  for_each   = toset([for n in range(101) : format("%03d", n)])
  name       = "bot-${each.key}"
  kind       = "service"
  owner      = owner.jane
  expires_at = "2090-01-01T00:00:00Z"
}
"#
);

const STRAY_USER_POLICY: &str = "
    allow = json.dumps({'Version': '2012-10-17', 'Statement': [{'Effect': 'Allow', 'Action': 'sqs:*', 'Resource': '*'}]})
    iam.put_user_policy(UserName='reporter', PolicyName='stray', PolicyDocument=allow)
";

const STRAY_ROLE_POLICY: &str = "
    allow = json.dumps({'Version': '2012-10-17', 'Statement': [{'Effect': 'Allow', 'Action': 'sqs:*', 'Resource': '*'}]})
    iam.put_role_policy(RoleName='ci', PolicyName='stray', PolicyDocument=allow)
";

/// Marks that no federation has.
const STRAY_MARKS: &str = "
    tags, root = [{'Key': 'leasehold:service', 'Value': 'stray'}], 'arn:aws:iam::123456789012'
    iam.tag_open_id_connect_provider(
        OpenIDConnectProviderArn=f'{root}:oidc-provider/token.actions.githubusercontent.com', Tags=tags)
    iam.tag_saml_provider(SAMLProviderArn=f'{root}:saml-provider/corp', Tags=tags)
";

/// A second key, a password, a device on the user and one that somebody forgot, and a place in a group.
const MUCH_TO_LOSE: &str = "
    name = 'reporter'
    iam.create_access_key(UserName=name)
    iam.create_login_profile(UserName=name, Password='Correct-Horse-7-Battery')
    serial = iam.create_virtual_mfa_device(VirtualMFADeviceName='phone')['VirtualMFADevice']['SerialNumber']
    iam.enable_mfa_device(UserName=name, SerialNumber=serial, AuthenticationCode1='123456', AuthenticationCode2='654321')
    iam.create_virtual_mfa_device(VirtualMFADeviceName='forgotten')
    iam.create_group(GroupName='crowd')
    iam.add_user_to_group(UserName=name, GroupName='crowd')
";

const LIVES_ALREADY: &str = "
    trust = json.dumps({'Version': '2012-10-17', 'Statement': [
        {'Effect': 'Allow', 'Action': 'sts:AssumeRole', 'Principal': {'Service': 'lambda.amazonaws.com'}}]})
    iam.create_user(UserName='reporter')
    iam.create_role(RoleName='ci', AssumeRolePolicyDocument=trust)
    iam.create_group(GroupName='crew')
";
