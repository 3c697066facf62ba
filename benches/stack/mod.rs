//! Stacks of any size as text, for the benchmarks.

#![allow(dead_code, reason = "each benchmark uses a part")]

use std::fmt::Write as _;

use jiff::Timestamp;
use leasehold::config::{SourceFile, Sources};

/// The present of all benchmarks.
pub const NOW: Timestamp = Timestamp::constant(1_795_212_000, 0);

const HEAD: &str = "leasehold { stack = \"bench\" }\nowner \"jane\" { email = \"jane@example.com\" }\n\
    service \"checkout\" { owner = owner.jane }\n\
    scope \"orders_read\" {\n  statement {\n    actions   = [\"s3:GetObject\"]\n    resources = [\"*\"]\n  }\n}\n";

/// Each identity in a block of its own.
pub fn literal(count: usize) -> String {
    let mut text = HEAD.to_owned();
    for i in 0..count {
        let _ = write!(
            text,
            "identity \"svc_{i}\" {{\n  kind        = \"service\"\n  owner       = owner.jane\n  service     = service.checkout\n\
             \x20 purpose     = \"runs job number {i} of the checkout\"\n  environment = \"prod\"\n\
             \x20 scopes      = [scope.orders_read]\n  ttl         = \"90d\"\n\
             \x20 tags = {{\n    team = \"payments\"\n    cost = \"c{i}\"\n  }}\n\
             \x20 statement {{\n    actions   = [\"s3:GetObject\", \"s3:PutObject\"]\n    resources = [\"arn:aws:s3:::acme-{i}/*\"]\n  }}\n}}\n"
        );
    }
    text
}

/// One block over a map that expressions make, beyond the 1024 numbers of one `range`.
pub fn for_each(count: usize) -> String {
    format!(
        "{HEAD}locals {{\n  rows  = range({rows})\n  names = merge([for row in local.rows : {{ for column in range(100) : \
         \"n-${{row}}-${{column}}\" => column }}]...)\n}}\n\
         identity \"svc\" {{\n  for_each    = local.names\n  kind        = \"service\"\n  owner       = owner.jane\n\
         \x20 purpose     = \"runs job ${{each.value}}\"\n  ttl         = \"90d\"\n  scopes      = [scope.orders_read]\n\
         \x20 tags        = {{ cost = \"c${{each.value}}\" }}\n\
         \x20 statement {{\n    actions   = [\"s3:GetObject\"]\n    resources = [\"arn:aws:s3:::acme-${{each.key}}/*\"]\n  }}\n}}\n",
        rows = count / 100
    )
}

/// A stack of one file.
pub fn sources(text: &str) -> Sources {
    Sources::new(vec![SourceFile { name: "main.hcl".to_owned(), bytes: text.as_bytes().into() }])
}
