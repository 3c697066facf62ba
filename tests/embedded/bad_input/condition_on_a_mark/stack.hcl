leasehold {
  stack = "shop"
}

provider "aws" {
  region = "us-east-1"
}

owner "jane" {}

scope "orders" {
  statement {
    actions   = ["s3:GetObject"]
    resources = ["*"]
    condition {
      test     = "StringEquals"
      variable = "aws:PrincipalTag/leasehold:environment"
      values   = ["prod"]
    }
  }
}

identity "bot" {
  kind       = "service"
  owner      = owner.jane
  scopes     = [scope.orders]
  expires_at = "2090-01-01T00:00:00Z"
}
