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
  name    = "Deploy"
  trust "service" {
    principals = ["lambda.amazonaws.com"]
  }
}

identity "cd" {
  kind    = "workload"
  owner   = owner.jane
  purpose = "deploys the shop"
  name    = "deploy"
  trust "service" {
    principals = ["lambda.amazonaws.com"]
  }
}
