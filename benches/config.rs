//! Reading stacks of 1,000, 10,000 and 100,000 identities: as literal blocks, and from one `for_each`.
#![allow(missing_docs)]

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use leasehold::config::{Inputs, NoFiles, SourceFile, Sources, load};

const HEAD: &str = "leasehold { stack = \"bench\" }\nowner \"jane\" { email = \"jane@example.com\" }\n\
    service \"checkout\" { owner = owner.jane }\n\
    scope \"orders_read\" {\n  statement {\n    actions   = [\"s3:GetObject\"]\n    resources = [\"*\"]\n  }\n}\n";

fn literal(count: usize) -> String {
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
fn for_each(count: usize) -> String {
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

fn read(text: &str) -> usize {
    let sources = Sources::new(vec![SourceFile { name: "main.hcl".to_owned(), bytes: text.as_bytes().into() }]);
    let inputs = Inputs { variables: Vec::new(), now: jiff::Timestamp::UNIX_EPOCH, files: &NoFiles };
    load(&sources, &inputs).declared.map_or(0, |declared| declared.identities.len())
}

fn config(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("config");
    group.sample_size(10).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    for count in [1_000, 10_000, 100_000] {
        for (shape, text) in [("literal", literal(count)), ("for_each", for_each(count))] {
            assert_eq!(read(&text), count, "{shape}");
            group.throughput(Throughput::Elements(count as u64));
            group.bench_with_input(BenchmarkId::new(shape, count), &text, |bencher, text| {
                bencher.iter(|| black_box(read(text)));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, config);
criterion_main!(benches);
