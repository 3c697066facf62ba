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
  owner   = owner.jane
  purpose = "deploys the shop"
  expires_at = "2027-02-30T00:00:00Z"
  trust "service" {
    principals = ["lambda.amazonaws.com"]
  }
}
