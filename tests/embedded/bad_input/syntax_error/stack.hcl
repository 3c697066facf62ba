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
  kind  = "workload"
  owner = owner.jane
  scopes = [scope.read, scope.write
  ttl   = "30d"
}
