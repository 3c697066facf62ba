#!/usr/bin/env python3
"""Breaks one rule of the crate at a time and asks the tests whether they notice.

    python3 scripts/mutate.py [--quick] [name ...]

The differential test, which takes the longest, is asked about what the others let pass. Quick leaves it out.

Run it in a clone that nobody else builds in: it edits files and puts them back. Exit code 1 when some mutant lives.
"""

import pathlib
import subprocess
import sys

CRATE = pathlib.Path(__file__).resolve().parent.parent
SRC = CRATE / "src"
TESTS = ["--test", "compare", "--test", "evaluate", "--test", "canonical", "--test", "parse", "--test", "trim"]
LONG = ["--test", "differential"]

# Name, file, what stands there, what is put in its place.
MUTANTS = [
    ("outer deny ignored", "compare/search.rs", "grants && limits && denies", "grants && limits"),
    ("outer boundary ignored", "compare/search.rs", "grants && limits && denies", "grants && denies"),
    ("inner boundary ignored", "compare/search.rs", "(x_bounded && alive.x_limits.is_empty())", "false"),
    ("inner deny ignored", "compare/search.rs", "if alive.x_denies.iter().any(|row| rest(row) == 0) {", "if false {"),
    (
        "any grant covers any grant",
        "compare/search.rs",
        "rest(other) == 0 || rest(other) == rest(row)",
        "true || rest(other) == rest(row)",
    ),
    (
        "branches forgotten",
        "compare/search.rs",
        "self.seen.insert((dimension, still.clone(), open))",
        "self.seen.insert((0, still[..1.min(still.len())].to_vec(), open))",
    ),
    ("absent key ignored", "compare/context.rs", "if !ALWAYS.contains(&self.key.as_str()) {", "if false {"),
    ("time may be absent", "compare/context.rs", "if !ALWAYS.contains(&self.key.as_str()) {", "if true {"),
    (
        "IfExists ignored",
        "compare/context.rs",
        "if_exists, negated, .. } => *if_exists || *negated",
        "negated, .. } => *negated",
    ),
    (
        "absent fails a negation",
        "compare/context.rs",
        "=> *if_exists || *negated",
        "=> *if_exists && (*negated || true)",
    ),
    (
        "negated condition as positive",
        "compare/context.rs",
        "passes.contains(atom)) != *negated",
        "passes.contains(atom)) != (*negated && false)",
    ),
    (
        "Null inverted",
        "compare/context.rs",
        "Self::Null { absent, .. } => *absent,",
        "Self::Null { absent, .. } => !*absent,",
    ),
    ("sets of values ignored", "compare/context.rs", "if multivalued {", "if false && multivalued {"),
    (
        "ForAllValues as ForAnyValue",
        "compare/context.rs",
        "None | Some(Quantifier::All) => *a && *b",
        "None | Some(Quantifier::All) => *a || *b",
    ),
    (
        "no guess without quantifier",
        "compare/context.rs",
        "if *free { guesses.next()",
        "if *free && false { guesses.next()",
    ),
    (
        "void variables ignored",
        "compare/context.rs",
        "let all = vec![true; variables.len()];",
        "let all = vec![false; variables.len()];",
    ),
    ("void variables in resources ignored", "compare/text.rs", "beside)", "|clause| beside(clause) && false)"),
    (
        "? matches nothing",
        "compare/automaton.rs",
        "Some(Step::One { crosses: true }) => any.push(position + 1)",
        "Some(Step::One { crosses: true }) => drop(position)",
    ),
    (
        "* takes one character at least",
        "compare/automaton.rs",
        "if let Some(Step::Many { crosses }) = self.step(position) {",
        "if let Some(Step::Many { crosses }) = self.step(position).filter(|_| index > 3) {",
    ),
    (
        "no other character",
        "compare/automaton.rs",
        "if let Some(other) = other_than(&waiting) {",
        "if let Some(other) = other_than(&waiting).filter(|_| waiting.is_empty()) {",
    ),
    ("NotAction as Action", "compare/text.rs", "!void && matched != clause.negated", "!void && matched"),
    (
        "one reading of wildcards",
        "compare/mod.rs",
        "&[Reading::Whole, Reading::Trailing, Reading::Segment]",
        "&[Reading::Whole]",
    ),
    ("variable as wildcard", "compare/text.rs", "!pattern.variables().is_empty();", "pattern.variables().len() > 9;"),
    ("ignore-case minds case", "compare/scalar.rs", "Step::Folded(c.to_ascii_lowercase())", "Step::Char(*c)"),
    (
        "no number between",
        "compare/scalar.rs",
        "out.extend(points.iter().zip(points.iter().skip(1))",
        "out.extend(points.iter().take(0).zip(points.iter().skip(1))",
    ),
    ("less as less or equal", "compare/scalar.rs", "value < wanted,", "value <= wanted,"),
    ("no address after a range", "compare/scalar.rs", "at.insert((range.v6, after));", "let _ = after;"),
    (
        "account covers nobody",
        "compare/principals.rs",
        'arn.account == id.as_str() => {',
        'arn.account == id.as_str() && arn.name == "root" => {',
    ),
    (
        "role covers no session",
        "compare/principals.rs",
        "if session { Covers::AsOneOfMany }",
        "if session && false { Covers::AsOneOfMany }",
    ),
    (
        "NotPrincipal guessed",
        "compare/principals.rs",
        "(true, false, true) => None,",
        "(true, false, true) => Some(false),",
    ),
    ("free operator holds", "compare/shape.rs", "[false, true]", "[true, true]"),
    (
        "denials forgotten in trimming",
        "compare/trim.rs",
        "a.boundary == b.boundary && statements(a",
        "a.boundary == b.boundary && true || statements(a",
    ),
    ("boundaries forgotten in trimming", "compare/trim.rs", "a.boundary == b.boundary && statements(a", "statements(a"),
    (
        "conditions forgotten in trimming",
        "compare/trim.rs",
        "statement.resources.as_ref(), &statement.conditions)",
        "statement.resources.as_ref(), &[])",
    ),
    (
        "trimmed to what no action is",
        "compare/trim.rs",
        "actions.iter().any(|action| matches(pattern, action))",
        "actions.iter().any(|action| !matches(pattern, action))",
    ),
    ("all shared in trimming", "compare/trim.rs", "!granted.contains(action)", "granted.is_empty()"),
    (
        "few actions guessed from patterns",
        "compare/trim.rs",
        "!statement.actions.items.iter().any(Pattern::has_wildcard)",
        "true",
    ),
    (
        "exemptions trimmed as actions",
        "compare/trim.rs",
        "        if statement.actions.negated {\n            return true;",
        "        if statement.actions.negated && false {\n            return true;",
    ),
    ("NotAction shared as Action", "compare/trim.rs", "|statement| !statement.actions.negated)", "|_| true)"),
    ("evaluator ignores deny", "evaluate/layers.rs", "if denied == Truth::Yes {", "if denied == Truth::Yes && false {"),
    (
        "evaluator ignores boundary",
        "evaluate/layers.rs",
        "let identity = own.truth.and(within);",
        "let identity = own.truth;",
    ),
    ("principal strings equal", "principal.rs", "Self::Aws(text.to_owned())\n", "Self::Aws(text.len().to_string())\n"),
    (
        "version never counts",
        "canonical.rs",
        "if self.depends_on_version() { self.version }",
        "if false { self.version }",
    ),
]


def run(command):
    done = subprocess.run(command, cwd=CRATE, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def main():
    wanted, alive = [name for name in sys.argv[1:] if name != "--quick"], []
    stages = [TESTS] if "--quick" in sys.argv else [TESTS, LONG]
    for name, file, old, new in MUTANTS:
        if wanted and name not in wanted:
            continue
        path = SRC / file
        text = path.read_text()
        if text.count(old) != 1:
            print(f"STALE   {name}: stands {text.count(old)} times in {file}", flush=True)
            alive.append(name)
            continue
        path.write_text(text.replace(old, new))
        try:
            # `--lib` would catch most of them first, next to the code; the tests of behaviour have to.
            for tests in stages:
                base = ["cargo", "test", "-q", "-p", "leasehold-policy", *tests]
                built, output = run([*base, "--no-run"])
                if built != 0:
                    sys.exit(f"{name}: does not compile\n{output}")
                code, output = run([*base, "--no-fail-fast"])
                if code != 0:
                    break
        finally:
            path.write_text(text)
        # Cargo's quiet mode lists the failed tests, indented, at the end of each binary's output.
        listed = (line.strip() for line in output.splitlines() if line.startswith("    "))
        red = sorted({name for name in listed if name.isidentifier()})
        print(f"{'caught' if code else 'ALIVE '}  {name}: {', '.join(red)}", flush=True)
        if code == 0:
            alive.append(name)
    sys.exit(1 if alive else 0)


if __name__ == "__main__":
    main()
