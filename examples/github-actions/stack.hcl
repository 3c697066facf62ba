leasehold {
  stack = "github-actions"

  defaults {
    ttl = "90d"
  }
}

# provider "aws" {
#   region              = "us-east-1"
#   allowed_account_ids = ["111122223333"]
# }

variable "repository" {
  type        = string
  default     = "acme/checkout"
  description = "the repository whose workflows deploy"
}

variable "bucket" {
  type    = string
  default = "acme-checkout-releases"
}

owner "platform" {
  name  = "Platform team"
  email = "platform@example.com"
}

service "checkout" {
  owner = owner.platform
}

identity "deploy" {
  kind                 = "workload"
  name                 = "checkout-deploy"
  owner                = owner.platform
  service              = service.checkout
  environment          = "prod"
  purpose              = "uploads releases from the main branch"
  max_session_duration = "1h"

  statement {
    sid       = "Upload"
    actions   = ["s3:PutObject"]
    resources = ["arn:aws:s3:::${var.bucket}/*"]
  }

  trust "oidc" {
    issuer    = "https://token.actions.githubusercontent.com"
    audiences = ["sts.amazonaws.com"]
    subjects  = ["repo:${var.repository}:ref:refs/heads/main"]
  }
}
