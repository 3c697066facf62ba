//! Reading stacks of 1,000, 10,000 and 100,000 identities: as literal blocks, and from one `for_each`.
#![allow(missing_docs)]

mod stack;

use std::hint::black_box;
use std::time::Duration;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use leasehold::config::{ConfigInputs, NoFiles, StackLimits, evaluate_config, parse_config};

fn config(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("config");
    group.sample_size(10).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(2));
    let inputs =
        ConfigInputs { variables: Vec::new(), now: stack::NOW, files: &NoFiles, limits: StackLimits::default() };
    for count in [1_000, 10_000, 100_000] {
        group.throughput(Throughput::Elements(count as u64));
        for (shape, text) in [("literal", stack::literal(count)), ("for_each", stack::for_each(count))] {
            let sources = stack::sources(&text);
            let parsed = parse_config(&sources);
            let declared = evaluate_config(&parsed, &sources, &inputs).declared;
            assert_eq!(declared.map_or(0, |declared| declared.identities.len()), count, "{shape}");
            // Dropping a result is not counted: a run does it once, at its end.
            if shape == "literal" {
                group.bench_function(BenchmarkId::new("parse literal", count), |bencher| {
                    bencher.iter_batched(|| (), |()| black_box(parse_config(&sources)), BatchSize::PerIteration);
                });
            }
            group.bench_function(BenchmarkId::new(format!("evaluate {shape}"), count), |bencher| {
                let run = |()| black_box(evaluate_config(&parsed, &sources, &inputs));
                bencher.iter_batched(|| (), run, BatchSize::PerIteration);
            });
        }
    }
    group.finish();
}

criterion_group!(benches, config);
criterion_main!(benches);
