//! Bad input, and what people see of it. Each drawing should name the place, the value and the remedy.

mod blocks;
mod identities;
mod leases;
mod providers;
mod references;
mod syntax;

use crate::config::stack::Stack;

/// An identity that is sound but for what `lines` say.
fn identity(lines: &str) -> Stack {
    Stack::with(&format!("identity \"bot\" {{\n  kind  = \"service\"\n  owner = owner.jane\n{lines}}}\n"))
}

/// A stack with two accounts whose one identity names its provider so.
fn accounts(provider: &str) -> Stack {
    Stack::with(&format!(
        "provider \"aws\" {{\n}}\nprovider \"aws\" {{\n  alias = \"audit\"\n}}\nidentity \"bot\" {{\n  kind     = \"service\"\n  owner    = owner.jane\n  ttl      = \"1d\"\n  provider = {provider}\n}}\n"
    ))
}

#[test]
fn a_secret_never_shows() {
    for expression in
        ["var.token + 1", "var.token.x", "[for x in var.token : x]", "regex(\"z\", var.token)", "tonumber(var.token)"]
    {
        let stack = Stack::with(&format!("locals {{\n  a = {expression}\n}}\n"))
            .file("v.hcl", b"variable \"token\" {\n  sensitive = true\n  default   = \"hunter2\"\n}\n");
        let drawn = stack.drawn();
        assert!(drawn.contains("(sensitive value)") || drawn.contains("sensitive"), "{drawn}");
        // The default itself stands in its file, but no drawing of this expression shows that line.
        assert!(!drawn.contains("hunter2"), "{drawn}");
    }
}
