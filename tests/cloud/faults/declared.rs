//! The configurations of the scenarios.

/// The beginning of every stack.
pub const HEAD: &str = r#"leasehold {
  stack = "faults"
  defaults {
    leaver {
      grace = "7d"
    }
  }
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
    actions   = ["s3:PutObject", "s3:AbortMultipartUpload"]
    resources = ["arn:aws:s3:::acme-orders/*"]
  }
}
"#;

/// A role with a statement and a scope.
pub const CI: &str = r#"
identity "ci" {
  kind        = "workload"
  owner       = owner.jane
  environment = "prod"
  scopes = [scope.read] # ci
  expires_at  = "2090-01-01T00:00:00Z"

  statement {
    actions   = ["s3:PutObject", "s3:DeleteObject"]
    resources = ["arn:aws:s3:::acme-releases/*"]
  }

  trust "oidc" {
    issuer    = "https://token.actions.githubusercontent.com"
    audiences = ["sts.amazonaws.com"]
    subjects  = ["repo:acme/checkout:ref:refs/heads/main"]
  }
}
"#;

/// A role that is denied a part of its scope.
pub const HELD_BACK: &str = r#"
identity "held" {
  kind       = "workload"
  owner      = owner.jane
  scopes     = [scope.read]
  expires_at = "2090-01-01T00:00:00Z"

  statement {
    actions   = ["s3:PutObject"]
    resources = ["arn:aws:s3:::acme-releases/*"]
  }

  statement {
    effect    = "deny"
    actions   = ["s3:ListBucket"]
    resources = ["*"]
  }

  trust "service" {
    principals = ["lambda.amazonaws.com"]
  }
}
"#;

/// A user whose statements fit in its inline policy while there are few releases.
pub const WRITER: &str = r#"
identity "writer" {
  kind       = "service"
  owner      = owner.jane
  scopes     = [scope.read]
  expires_at = "2090-01-01T00:00:00Z"

  statement {
    actions   = ["s3:PutObject", "s3:ListBucket"]
    resources = [for n in range(2) : "arn:aws:s3:::acme-releases-${n}/artifacts/of/the/nightly/build/*"]
  }

  statement {
    effect    = "deny"
    actions   = ["s3:ListBucket"]
    resources = ["*"]
  }
}
"#;

/// A role to which an AWS managed policy denies everything.
pub const DENIED: &str = r#"
identity "denied" {
  kind       = "workload"
  owner      = owner.jane
  scopes     = [scope.read]
  expires_at = "2090-01-01T00:00:00Z"

  managed_policy_arns = ["arn:aws:iam::aws:policy/AWSDenyAll"]

  statement {
    actions   = ["s3:PutObject"]
    resources = ["arn:aws:s3:::acme-releases/*"]
  }

  trust "service" {
    principals = ["lambda.amazonaws.com"]
  }
}
"#;

pub const DENIAL: &str = r#"  statement {
    effect    = "deny"
    actions   = ["s3:ListBucket"]
    resources = ["*"]
  }

"#;

/// A role with a boundary. The actions that it declares and its boundary blocks are permitted by the other boundary, and vice versa.
pub const BOUND: &str = r#"
identity "bound" {
  kind       = "workload"
  owner      = owner.jane
  scopes     = [scope.read]
  expires_at = "2090-01-01T00:00:00Z"

  permissions_boundary = "arn:aws:iam::123456789012:policy/edge-one"

  statement {
    actions   = ["s3:DeleteObject", "s3:AbortMultipartUpload"]
    resources = ["arn:aws:s3:::acme-releases/*"]
  }

  trust "service" {
    principals = ["lambda.amazonaws.com"]
  }
}
"#;

/// A user with a scope.
pub const REPORTER: &str = r#"
identity "reporter" {
  kind       = "service"
  owner      = owner.jane
  scopes = [scope.read] # reporter
  expires_at = "2090-01-01T00:00:00Z"
}
"#;

/// The secret store for keys.
pub const STORE: &str = "
store \"file\" \"vault\" {
}
";

/// A user with a key.
pub const KEYED: &str = r#"
identity "caller" {
  kind        = "service"
  owner       = owner.jane
  environment = "prod"
  scopes      = [scope.read]
  expires_at  = "2090-01-01T00:00:00Z"

  credential "access_key" {
    store = store.vault
  }
}
"#;

/// Sixteen identities, half of them users.
pub const CROWD: &str = r#"
identity "bot" {
  for_each   = toset(["a", "b", "c", "d", "e", "f", "g", "h"])
  name       = "bot-${each.key}"
  kind       = "service"
  owner      = owner.jane
  scopes     = contains(["a", "b"], each.key) ? [scope.write] : [scope.read]
  expires_at = "2090-01-01T00:00:00Z"
}

identity "job" {
  for_each   = toset(["a", "b", "c", "d", "e", "f", "g", "h"])
  name       = "job-${each.key}"
  kind       = "workload"
  owner      = owner.jane
  scopes     = [scope.read]
  expires_at = "2090-01-01T00:00:00Z"

  statement {
    actions   = ["sqs:SendMessage"]
    resources = ["arn:aws:sqs:us-east-1:123456789012:${each.key}"]
  }

  trust "service" {
    principals = ["lambda.amazonaws.com"]
  }
}
"#;

/// A scope that denies.
pub const GUARD: &str = r#"
scope "guard" {
  statement {
    effect    = "deny"
    actions   = ["s3:ListBucket", "s3:DeleteObject"]
    resources = ["*"]
  }
}
"#;

/// Scopes that allow and deny. The actions that `lists` allows and two other scopes both deny are denied with either of them.
pub const OPPOSED: &str = r#"
scope "orders" {
  statement {
    actions   = ["s3:GetObject"]
    resources = ["arn:aws:s3:::acme-orders/*"]
  }
  statement {
    sid       = "Keep"
    effect    = "deny"
    actions   = ["s3:DeleteObject", "s3:PutObjectAcl"]
    resources = ["*"]
  }
}

scope "sweep" {
  statement {
    actions   = ["s3:DeleteObject"]
    resources = ["arn:aws:s3:::acme-orders/*"]
  }
  statement {
    sid       = "Keep"
    effect    = "deny"
    actions   = ["s3:GetObject", "s3:PutObjectAcl"]
    resources = ["*"]
  }
}

scope "lists" {
  statement {
    actions   = ["s3:ListBucket", "s3:PutObjectAcl"]
    resources = ["*"]
  }
  statement {
    effect    = "deny"
    actions   = ["s3:PutObject"]
    resources = ["*"]
  }
}
"#;

/// A role with two of these scopes attached, and the group of a user with two attached.
pub const OPPOSING: &str = r#"
identity "sweeper" {
  kind       = "workload"
  owner      = owner.jane
  scopes     = [scope.orders, scope.lists]
  expires_at = "2090-01-01T00:00:00Z"

  trust "service" {
    principals = ["lambda.amazonaws.com"]
  }
}

identity "clerk" {
  kind       = "service"
  owner      = owner.jane
  scopes     = [scope.lists]
  expires_at = "2090-01-01T00:00:00Z"
}

group "desk" {
  members = [identity.clerk]
  scopes  = [scope.orders]
}
"#;

/// A role whose guard scope denies a part of its access.
pub const GUARDED: &str = r#"
identity "guarded" {
  kind       = "workload"
  owner      = owner.jane
  scopes     = [scope.read, scope.guard]
  expires_at = "2090-01-01T00:00:00Z"

  statement {
    actions   = ["s3:PutObject", "s3:DeleteObject"]
    resources = ["arn:aws:s3:::acme-releases/*"]
  }

  trust "service" {
    principals = ["lambda.amazonaws.com"]
  }
}
"#;
