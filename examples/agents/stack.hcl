leasehold {
  stack = "agents"

  defaults {
    ttl = "14d"
    leaver {
      grace = "1d"
    }
  }
}

locals {
  agents = {
    triage    = { queue = "tickets-in", purpose = "sorts incoming tickets" }
    summarise = { queue = "tickets-done", purpose = "writes the weekly summary" }
    refund    = { queue = "refunds", purpose = "prepares refunds for a person to approve" }
  }
}

owner "ada" {
  name  = "Ada Moreau"
  email = "ada@example.com"
  team  = "support-automation"
}

service "support" {
  owner = owner.ada
}

scope "models" {
  description = "call the models that agents may use"
  statement {
    actions   = ["bedrock:InvokeModel"]
    resources = ["arn:aws:bedrock:*::foundation-model/*"]
  }
}

identity "agent" {
  for_each             = local.agents
  name                 = "agent-${each.key}"
  kind                 = "agent"
  owner                = owner.ada
  service              = service.support
  purpose              = each.value.purpose
  scopes               = [scope.models]
  max_session_duration = "1h"

  statement {
    actions   = ["sqs:ReceiveMessage", "sqs:DeleteMessage"]
    resources = ["arn:aws:sqs:*:*:${each.value.queue}"]
  }

  trust "service" {
    principals = ["lambda.amazonaws.com"]
  }
}
