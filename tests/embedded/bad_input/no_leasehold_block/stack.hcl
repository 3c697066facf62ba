owner "jane" {
  email = "jane@example.com"
}

identity "ci" {
  kind    = "workload"
  owner   = owner.jane
  purpose = "deploys the shop"
  ttl     = "30d"
  trust "service" {
    principals = ["lambda.amazonaws.com"]
  }
}
