leasehold {
  stack = "shop"
  defaults {
    ttl = "90d"
  }
}

owner "jane" {
  email = "jane@example.com"
}

scope "orders_read" {
  statement {
    actions   = ["s3:GetObject"]
    resources = ["arn:aws:s3:::orders/*"]
  }
}

identity "ci" {
  kind    = "workload"
  owner   = owner.jane
  purpose = "deploys the shop"
  scopes  = [scope.order_read]
  trust "service" {
    principals = ["lambda.amazonaws.com"]
  }
}
