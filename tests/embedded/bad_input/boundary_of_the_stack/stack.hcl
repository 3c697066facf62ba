leasehold {
  stack = "shop"
}

provider "aws" {
  region = "us-east-1"
}

owner "jane" {}

scope "edge" {
  statement {
    actions   = ["s3:*"]
    resources = ["*"]
  }
}

identity "bot" {
  kind                 = "service"
  owner                = owner.jane
  expires_at           = "2090-01-01T00:00:00Z"
  permissions_boundary = "arn:aws:iam::111122223333:policy/leasehold/shop/shop.edge"
}
