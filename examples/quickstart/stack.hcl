leasehold {
  stack            = "quickstart"
  required_version = ">= 0.1.0"

  defaults {
    ttl = "90d"
    leaver {
      grace = "7d"
    }
  }
}

variable "environment" {
  type        = string
  default     = "staging"
  description = "the environment of the identities of this stack"
}

locals {
  bucket = "acme-${var.environment}-orders"
}

owner "jane" {
  name  = "Jane Doe"
  email = "jane@example.com"
  team  = "payments"
}

service "checkout" {
  owner = owner.jane
}

scope "orders_read" {
  description = "read the orders of the shop"
  statement {
    actions   = ["s3:GetObject", "s3:ListBucket"]
    resources = ["arn:aws:s3:::${local.bucket}", "arn:aws:s3:::${local.bucket}/*"]
    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["true"]
    }
  }
}
