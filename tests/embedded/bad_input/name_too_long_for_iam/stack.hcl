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
  name    = "deploys-the-checkout-service-of-the-shop-in-every-region-it-works-in-eu-west-1"
  trust "service" {
    principals = ["lambda.amazonaws.com"]
  }
}
