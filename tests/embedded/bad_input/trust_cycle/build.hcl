leasehold {
  stack = "shop"
  defaults {
    ttl = "90d"
  }
}

owner "jane" {
  email = "jane@example.com"
}

identity "build" {
  kind    = "workload"
  owner   = owner.jane
  purpose = "one of three"
  trust "identity" {
    identities = [identity.test]
  }
}
