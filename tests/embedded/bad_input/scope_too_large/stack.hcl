leasehold {
  stack = "shop"
  defaults {
    ttl = "90d"
  }
}

owner "jane" {
  email = "jane@example.com"
}

provider "aws" {
  region              = "us-east-1"
  allowed_account_ids = ["111122223333"]
}

scope "orders_read" {
  statement {
    actions   = ["s3:GetObject"]
    resources = [for n in range(200) : "arn:aws:s3:::acme-orders-of-the-shop/region-${n}/*"]
  }
}

identity "ci" {
  kind    = "workload"
  owner   = owner.jane
  purpose = "deploys the shop"
  scopes  = [scope.orders_read]
  trust "service" {
    principals = ["lambda.amazonaws.com"]
  }
}
