//! The law of the budget: the steps that an evaluation charges bound the processor time that it takes, whatever the expressions are.
//!
//! Input: chains of locals that are generated from the forms and functions that make their arguments larger, slower or fail. Each local uses
//! the one before it, often a thousand times. Time is that of the thread, so other tests do not disturb it.

use proptest::prelude::*;
use rustix::time::{ClockId, clock_gettime};

use super::alone::{EmptyFolder, EmptyModel};
use super::{EvalScope, Evaluator, ModuleId};
use crate::hcl::budget::EvalLimits;
use crate::hcl::catalog::BlockCatalog;
use crate::hcl::deep_stack::run_on_deep_stack;
use crate::hcl::source::{FileId, SourceFile};
use crate::hcl::syntax::parse_files;

/// What a step may cost in a build without optimization, in nanoseconds. The most expensive ones take about 1,000.
const STEP: u64 = 5_000;
/// What an evaluation may cost in addition, in nanoseconds: it stops after the operation that exceeds the budget.
const FIXED: u64 = 300_000_000;

/// Forms in which `@` stands for the previous local.
const FORMS: &[&str] = &[
    "\"${@}${@}\"",
    "[@, @]",
    "{ a = @, b = @ }",
    "[for x in @ : x]",
    "[for x in @ : [x, @]]",
    "[for i in range(1000) : @]",
    "[for i in range(1000) : can(\"${@}${[]}\")]",
    "[for i in range(1000) : can(@.y)]",
    "[for i in range(1000) : can([for x in @ : x.y])]",
    "[for i in range(1000) : can(length(@...))]",
    "[for i in range(1000) : try(length(@), 0)]",
    "[for i in range(1000) : try(lookup(@, \"zz\", \"\"), 0)]",
    "[for i in range(1000) : try(@[@], 0)]",
    "[for i in range(1000) : try(@ * @, @ % 7, 0)]",
    "[for i in range(1000) : @ == \"x\"]",
    "[for i in range(1000) : try(substr(@, 0, 1), 0)]",
    "[for i in range(1000) : try(tonumber(@), @ ? 1 : 2, 0)]",
    "{ for i in range(1000) : \"k${i}\" => @ }",
    "try({ for x in @ : x => @ }, 1)",
    "\"%{ for x in try(tolist(@), []) }${try(x, \"\")}%{ endfor }\"",
    "try(join(\"\", [for i in range(1000) : @]), \"x\")",
    "try(concat(@, @), [@])",
    "try(setproduct(@, @), [@])",
    "try(setproduct(@, @, []), [@])",
    "try(setunion(@...), toset(@), 1)",
    "try(setintersection(@, @), setsubtract(@, @), 1)",
    "try(merge(@...), merge(@, @), 1)",
    "try(flatten([@, @, @]), 1)",
    "try(distinct(@), sort(@), 1)",
    "try(transpose(@), zipmap(@, @), 1)",
    "try(chunklist(@, 1), @[*], 1)",
    "try(index(@, \"y\"), contains(@, \"y\"), @)",
    "jsonencode(@)",
    "yamlencode(@)",
    "try(jsondecode(@), csvdecode(@), 1)",
    "try(yamldecode(@), 1)",
    "format(\"%1000s%v\", \"x\", @)",
    "try(formatlist(\"%1000[1]v\", @...), formatlist(\"%1000[1]v\", @), 1)",
    "try(regexall(\"(.*b|.)\", @), 1)",
    "try(regexall(\"((((.*))))\", @), 1)",
    "try(replace(@, \"/.*b|./\", \"$0$0\"), \"x\")",
    "try(replace(@, \"\", \"yyyy\"), \"x\")",
    "try(split(\"\", @), 1)",
    "try(indent(100, @), upper(@), \"x\")",
    "try(base64encode(@), sha256(@), \"x\")",
    "try(max(@...), sum(@), @ + @, 1)",
];

const LEAVES: &[&str] = &[
    "\"x\"",
    "\"é\\n\"",
    "7",
    "1.5e-300",
    "[]",
    "{}",
    "range(1000)",
    "[\"a\", \"b\"]",
    "{ a = \"b\" }",
    "\"a: &a [1,1,1,1,1,1,1,1]\\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\\nc: [*b,*b,*b,*b,*b,*b,*b,*b]\"",
];

/// Evaluates a file of locals. Returns the steps that are charged, and the processor time in nanoseconds.
fn measure_evaluation(locals: &str) -> (u64, u64) {
    let file = SourceFile { name: "x.hcl".to_owned(), bytes: locals.as_bytes().into() };
    let now = || {
        let at = clock_gettime(ClockId::ThreadCPUTime);
        u64::try_from(at.tv_sec).unwrap() * 1_000_000_000 + u64::try_from(at.tv_nsec).unwrap()
    };
    run_on_deep_stack(|| {
        let parsed = parse_files([(FileId(0), &file)].into_iter(), 1);
        assert_eq!(parsed.findings, []);
        let catalog = BlockCatalog::new(&parsed, &[], &mut Vec::new());
        let model = EmptyModel(&catalog);
        let limits = EvalLimits { instances: 1000, modules: 1000 };
        let start = now();
        let eval = Evaluator::new(&model, &EmptyFolder, jiff::Timestamp::UNIX_EPOCH, limits);
        let full = eval.budget.steps_left();
        for (name, (file, attribute)) in &catalog.locals {
            eval.check_local(ModuleId::ROOT, name, EvalScope::for_literals(*file).make_span(attribute.name.place));
        }
        let steps = full - eval.budget.steps_left();
        drop(eval);
        (steps, now() - start)
    })
    .unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn steps_bound_processor_time(
        leaf in prop::sample::select(LEAVES),
        forms in prop::collection::vec(prop::sample::select(FORMS), 1..8),
    ) {
        let lines = forms.iter().enumerate().map(|(at, form)| {
            format!("  l{} = {}\n", at + 1, form.replace('@', &format!("local.l{at}")))
        });
        let text = format!("locals {{\n  l0 = {leaf}\n{}}}\n", lines.collect::<String>());
        let (steps, time) = measure_evaluation(&text);
        prop_assert!(time < FIXED + steps * STEP, "{steps} steps took {} ms", time / 1_000_000);
    }
}
