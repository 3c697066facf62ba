identity "checkout_ci" {
kind="workload"
owner   =   owner.jane
scopes=[scope.a,
scope.b]
ttl="90d"
trust "oidc" {
issuer="https://token.actions.githubusercontent.com"
subjects=["repo:acme/checkout:ref:refs/heads/main"]
}
statement { effect="deny" }
dynamic "statement" {
for_each=var.x
content {
actions=[statement.value]
}
}
}
