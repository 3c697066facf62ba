# A stack: every *.hcl file of this directory belongs to it, in any order.
leasehold {
  stack = "STACK_NAME"

  # Where the stack's lock, ledger, inventory and evidence are stored. A team and a pipeline need a shared bucket from the first apply on,
  # because a folder does not outlive a job:
  # backend "s3" {
  #   bucket = "acme-leasehold"
  # }
  backend "local" {
    path = ".leasehold"
  }

  # Defaults for every identity; an identity can override them.
  defaults {
    ttl = "90d" # access expires 90 days after joining, or after the last `renewed_at`
    leaver {
      grace = "7d" # a leaver is quarantined at once and deleted after this time
    }
  }
}

# Without a provider block, Leasehold uses the embedded directory: a file in .leasehold, no account needed. For AWS:
# provider "aws" {
#   region              = "us-east-1"
#   allowed_account_ids = ["111122223333"]
# }

# Every identity has an owner, who is responsible for it.
owner "jane" {
  name  = "Jane Doe"
  email = "jane@example.com"
}

# A scope is a reusable set of permissions. Several identities can have the same scope.
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
