identity "jane_doe" {
  kind    = "human"
  name    = "jane.doe"
  owner   = owner.jane
  purpose = "operates the shop"
  scopes  = [scope.orders_read]
}

identity "nightly_report" {
  kind        = "service"
  owner       = owner.jane
  service     = service.checkout
  purpose     = "builds the nightly report"
  environment = var.environment
  scopes      = [scope.orders_read]
  ttl         = "180d"
}

identity "checkout_ci" {
  kind        = "workload"
  owner       = owner.jane
  service     = service.checkout
  purpose     = "deploys the checkout service"
  environment = var.environment

  statement {
    actions   = ["s3:PutObject"]
    resources = ["arn:aws:s3:::${local.bucket}/releases/*"]
  }

  trust "oidc" {
    issuer    = "https://token.actions.githubusercontent.com"
    audiences = ["sts.amazonaws.com"]
    subjects  = ["repo:acme/checkout:ref:refs/heads/main"]
  }
}

identity "triage_agent" {
  kind                 = "agent"
  owner                = owner.jane
  purpose              = "sorts incoming tickets"
  scopes               = [scope.orders_read]
  ttl                  = "30d"
  max_session_duration = "1h"

  trust "service" {
    principals = ["lambda.amazonaws.com"]
  }
}
