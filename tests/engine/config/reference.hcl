leasehold {
  stack            = "payments"
  required_version = ">= 0.1.0"
  backend "local" { path = ".records" }
  defaults {
    ttl = "90d"
    leaver { grace = "7d" }
  }
}

variable "environment" {
  type    = string
  default = "staging"
  validation {
    condition     = contains(["staging", "prod"], var.environment)
    error_message = "environment is staging or prod."
  }
}
locals { bucket = "acme-${var.environment}-orders" }

provider "aws" {
  region              = "us-east-1"
  allowed_account_ids = ["111122223333"]
  assume_role { role_arn = "arn:aws:iam::111122223333:role/leasehold" }
}

owner "jane" {
  name  = "Jane Doe"
  email = "jane@example.com"
  team  = "payments"
}
service "checkout" { owner = owner.jane }

scope "orders_read" {
  description = "read orders"
  statement {
    actions   = ["s3:GetObject"]
    resources = ["arn:aws:s3:::${local.bucket}/*"]
    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = true
    }
  }
}

identity "checkout_ci" {
  kind        = "workload"
  owner       = owner.jane
  service     = service.checkout
  purpose     = "deploys the checkout service"
  environment = var.environment
  scopes      = [scope.orders_read]
  renewed_at  = "2026-11-01T00:00:00+01:00"
  tags = {
    team = owner.jane.team
  }
  trust "oidc" {
    issuer    = "https://token.actions.githubusercontent.com"
    audiences = ["sts.amazonaws.com"]
    subjects  = ["repo:acme/checkout:ref:refs/heads/main"]
  }
}

identity "agent" {
  for_each             = toset(["triage", "summarise"])
  name                 = "agent-${each.key}"
  kind                 = "agent"
  owner                = owner.jane
  scopes               = [scope.orders_read]
  ttl                  = "30d"
  max_session_duration = "1h"
  depends_on           = [identity.checkout_ci]
  trust "service" { principals = ["lambda.amazonaws.com"] }
  trust "identity" { identities = [identity.checkout_ci] }
}

identity "watcher" {
  kind       = "agent"
  owner      = owner.jane
  depends_on = [identity.agent["triage"]]
  trust "identity" { identities = [identity.agent] }
  dynamic "statement" {
    for_each = { read = "s3:GetObject", list = "s3:ListBucket" }
    content {
      sid       = title(statement.key)
      actions   = [statement.value]
      resources = ["*"]
    }
  }
  leaver { grace = "14d" }
}
