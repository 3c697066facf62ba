leasehold {
  stack = "shop"
  defaults {
    ttl = "90d"
  }
}

owner "jane" {
  email = "jane@example.com"
}

identty "ci" {
  kind  = "workload"
  owner = owner.jane
}
