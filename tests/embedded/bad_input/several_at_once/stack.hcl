leasehold {
  stack = "shop"
  defaults {
    ttl = "90d"
  }
}

owner "jane" {
  emial = "jane@example.com"
}

identity "ci" {
  kind    = "workload"
  owner   = owner.jan
  purpose = "deploys the shop"
  enviroment = "prod"
  ttl     = "3 months"
  trust "service" {
    principals = ["lambda.amazonaws.com"]
  }
}
