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

identity "ci" {
  kind    = "workload"
  owner   = owner.jane
  purpose = "deploys the shop"
  statement {
    actions = ["s3:GetObject"]
    resources = [
      for n in range(200) : "arn:aws:s3:::acme-orders-of-the-shop-in-production/region-${n}/releases/*"
    ]
  }
  trust "service" {
    principals = ["lambda.amazonaws.com"]
  }
}
