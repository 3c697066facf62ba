# A stack: every *.hcl file of this directory belongs to it, in any order.
leasehold {
  stack = "STACK_NAME"

  # Where the stack's lock, ledger and evidence live. A team needs a bucket:
  # backend "s3" {
  #   bucket = "acme-leasehold"
  # }
  backend "local" {
    path = ".leasehold"
  }

  # What holds for every identity that does not say otherwise.
  defaults {
    ttl = "90d" # access ends this long after joining, unless renewed_at says that somebody looked again
    leaver {
      grace = "7d" # a leaver is shut off at once, and deleted this much later
    }
  }
}

# With no provider block the embedded directory is used: a file below .leasehold, no account needed. For AWS:
# provider "aws" {
#   region              = "us-east-1"
#   allowed_account_ids = ["111122223333"]
# }

# Somebody answers for every identity.
owner "jane" {
  name  = "Jane Doe"
  email = "jane@example.com"
}

# What may be done to what; identities share scopes.
scope "orders_read" {
  description = "read orders"
  statement {
    actions   = ["s3:GetObject"]
    resources = ["arn:aws:s3:::acme-orders/*"]
  }
}

identity "report_bot" {
  kind    = "service" # human, service, workload, agent or break_glass
  owner   = owner.jane
  purpose = "builds the nightly report"
  scopes  = [scope.orders_read]
}
