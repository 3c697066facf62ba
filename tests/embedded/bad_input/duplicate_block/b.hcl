identity "ci" {
  kind    = "workload"
  owner   = owner.jane
  purpose = "deploys the shop"
  trust "service" {
    principals = ["lambda.amazonaws.com"]
  }
}
