identity "test" {
  kind    = "workload"
  owner   = owner.jane
  purpose = "one of three"
  trust "identity" {
    identities = [identity.release]
  }
}

identity "release" {
  kind    = "workload"
  owner   = owner.jane
  purpose = "one of three"
  trust "identity" {
    identities = [identity.build]
  }
}
