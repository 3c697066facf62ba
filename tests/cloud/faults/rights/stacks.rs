//! The configurations of the chapters, without the common head, and the changes that others make to the account.

pub const USER: &str = r#"
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
"#;

pub const BOUNDARY: &str = "  permissions_boundary = \"arn:aws:iam::aws:policy/PowerUserAccess\"\n";

pub const BOUND_USER: &str = r#"
identity "reporter" {
  kind       = "service"
  owner      = owner.jane
  path       = "/team/x/"
  expires_at = "2090-01-01T00:00:00Z"
  permissions_boundary = "arn:aws:iam::aws:policy/PowerUserAccess"
}
"#;

pub const ROLE: &str = r#"
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
"#;

pub const BOUND_ROLE: &str = r#"
identity "ci" {
  kind       = "workload"
  owner      = owner.jane
  expires_at = "2090-01-01T00:00:00Z"
  permissions_boundary = "arn:aws:iam::aws:policy/PowerUserAccess"

  trust "service" {
    principals = ["lambda.amazonaws.com"]
  }
}
"#;

pub const SCOPE: &str = r#"
identity "reporter" {
  kind       = "service"
  owner      = owner.jane
  scopes = [scope.read]
  expires_at = "2090-01-01T00:00:00Z"
}
"#;

pub const SECRET_SCOPE: &str = r#"
scope "hidden" {
  statement {
    actions   = ["s3:GetObject"]
    resources = [sensitive("arn:aws:s3:::hidden/*")]
  }
}
"#;

pub const GROUP: &str = r#"
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
"#;

pub const IMPORTED: &str = r#"
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
"#;

pub const FEDERATIONS: &str = r#"
federation "oidc" "github" {
  url         = "https://token.actions.githubusercontent.com"
  audiences   = ["sts.amazonaws.com"]
  thumbprints = ["1111111111111111111111111111111111111111"]
}

federation "saml" "corp" {
  metadata = file("corp.xml")
}
"#;

pub const CROWD: &str = r#"
identity "bot" {
  for_each   = toset([for n in range(101) : format("%03d", n)])
  name       = "bot-${each.key}"
  kind       = "service"
  owner      = owner.jane
  expires_at = "2090-01-01T00:00:00Z"
}
"#;

pub const STRAY_USER_POLICY: &str = "
    allow = json.dumps({'Version': '2012-10-17', 'Statement': [{'Effect': 'Allow', 'Action': 'sqs:*', 'Resource': '*'}]})
    iam.put_user_policy(UserName='reporter', PolicyName='stray', PolicyDocument=allow)
";

pub const STRAY_ROLE_POLICY: &str = "
    allow = json.dumps({'Version': '2012-10-17', 'Statement': [{'Effect': 'Allow', 'Action': 'sqs:*', 'Resource': '*'}]})
    iam.put_role_policy(RoleName='ci', PolicyName='stray', PolicyDocument=allow)
";

/// Tags two identity providers with a mark that the stack does not declare for them.
pub const STRAY_MARKS: &str = "
    tags, root = [{'Key': 'leasehold:service', 'Value': 'stray'}], 'arn:aws:iam::123456789012'
    iam.tag_open_id_connect_provider(
        OpenIDConnectProviderArn=f'{root}:oidc-provider/token.actions.githubusercontent.com', Tags=tags)
    iam.tag_saml_provider(SAMLProviderArn=f'{root}:saml-provider/corp', Tags=tags)
";

/// A second key, a password, an MFA device of the user and a forgotten one, and a membership in a group.
pub const MUCH_TO_LOSE: &str = "
    name = 'reporter'
    iam.create_access_key(UserName=name)
    iam.create_login_profile(UserName=name, Password='Correct-Horse-7-Battery')
    serial = iam.create_virtual_mfa_device(VirtualMFADeviceName='phone')['VirtualMFADevice']['SerialNumber']
    iam.enable_mfa_device(UserName=name, SerialNumber=serial, AuthenticationCode1='123456', AuthenticationCode2='654321')
    iam.create_virtual_mfa_device(VirtualMFADeviceName='forgotten')
    iam.create_group(GroupName='crowd')
    iam.add_user_to_group(UserName=name, GroupName='crowd')
";

pub const LIVES_ALREADY: &str = "
    trust = json.dumps({'Version': '2012-10-17', 'Statement': [
        {'Effect': 'Allow', 'Action': 'sts:AssumeRole', 'Principal': {'Service': 'lambda.amazonaws.com'}}]})
    iam.create_user(UserName='reporter')
    iam.create_role(RoleName='ci', AssumeRolePolicyDocument=trust)
    iam.create_group(GroupName='crew')
";

pub const LEASED_USER: &str = r#"
store "file" "vault" {
}

identity "reporter" {
  kind   = "service"
  owner  = owner.jane
  scopes = [scope.read]
  ttl    = "90d"

  credential "access_key" {
    store = store.vault
  }
}
"#;

pub const LEASED_ROLE: &str = r#"
identity "ci" {
  kind   = "workload"
  owner  = owner.jane
  scopes = [scope.read]
  ttl    = "90d"

  trust "service" {
    principals = ["lambda.amazonaws.com"]
  }
}
"#;

/// A user whose statements do not fit in its inline policy.
pub const OWN_POLICY: &str = r#"
identity "writer" {
  kind  = "service"
  owner = owner.jane
  ttl   = "90d"

  statement {
    actions   = ["s3:PutObject"]
    resources = [for n in range(30) : "arn:aws:s3:::acme-releases-${n}/artifacts/of/the/nightly/build/and/more/*"]
  }
}
"#;
