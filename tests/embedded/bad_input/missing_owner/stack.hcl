leasehold {
  stack = "shop"
  defaults {
    ttl = "90d"
  }
}

owner "jane" {
  email = "jane@example.com"
}

identity "ci" {
  kind    = "workload"
  purpose = "deploys the shop"
  trust "service" {
    principals = ["lambda.amazonaws.com"]
  }
}
