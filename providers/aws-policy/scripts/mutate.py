#!/usr/bin/env python3
"""Breaks one rule of the crate at a time and checks that a test fails.

    python3 scripts/mutate.py [--quick] [name ...]

The differential test, which takes longest, runs only for mutants that the other tests do not catch. `--quick` leaves it out.

Run it in a clone without other builds: it edits files and restores them. Exit code 1 if a mutant survives.
"""

import pathlib
import subprocess
import sys

CRATE = pathlib.Path(__file__).resolve().parent.parent
SRC = CRATE / "src"
TESTS = ["compare::", "evaluate::", "canonical::", "parse::", "trim::"]
LONG = ["differential::"]

# Name, file, text, replacement. The text must occur exactly once in the file.
MUTANTS = [
    ("outer deny ignored", "compare/search.rs", "grants && limits && denies", "grants && limits"),
    ("outer boundary ignored", "compare/search.rs", "grants && limits && denies", "grants && denies"),
    ("inner boundary ignored", "compare/search.rs", "(inner_bounded && matching.inner_limits.is_empty())", "false"),
    ("inner deny ignored", "compare/search.rs", "if matching.inner_denies.iter().any(|row| rest(row) == 0) {", "if false {"),
    (
        "any grant covers any grant",
        "compare/search.rs",
        "rest(other) == 0 || rest(other) == rest(row)",
        "true || rest(other) == rest(row)",
    ),
    (
        "branches forgotten",
        "compare/search.rs",
        "self.seen.insert((dimension, still.clone(), is_ambiguous))",
        "self.seen.insert((0, still[..1.min(still.len())].to_vec(), is_ambiguous))",
    ),
    ("absent key ignored", "compare/key_dimension.rs", "if !ALWAYS.contains(&self.key.as_str()) {", "if false {"),
    ("time may be absent", "compare/key_dimension.rs", "if !ALWAYS.contains(&self.key.as_str()) {", "if true {"),
    (
        "IfExists ignored",
        "compare/key_dimension.rs",
        "if_exists, negated, .. } => *if_exists || *negated",
        "negated, .. } => *negated",
    ),
    (
        "absent key fails a negation",
        "compare/key_dimension.rs",
        "=> *if_exists || *negated",
        "=> *if_exists && (*negated || true)",
    ),
    (
        "negated condition as positive",
        "compare/key_dimension.rs",
        "passes.contains(atom)) != *negated",
        "passes.contains(atom)) != (*negated && false)",
    ),
    (
        "Null inverted",
        "compare/key_dimension.rs",
        "Self::Null { absent, .. } => *absent,",
        "Self::Null { absent, .. } => !*absent,",
    ),
    ("sets of values ignored", "compare/key_dimension.rs", "if multivalued {", "if false && multivalued {"),
    (
        "ForAllValues as ForAnyValue",
        "compare/key_dimension.rs",
        "None | Some(Quantifier::All) => *a && *b",
        "None | Some(Quantifier::All) => *a || *b",
    ),
    (
        "no guess without quantifier",
        "compare/key_dimension.rs",
        "if *free { guesses.next()",
        "if *free && false { guesses.next()",
    ),
    (
        "void variables ignored",
        "compare/key_dimension.rs",
        "let all = vec![true; variables.len()];",
        "let all = vec![false; variables.len()];",
    ),
    ("void variables in resources ignored", "compare/text_dimension.rs", "beside(atom, clause)", "beside(atom, clause) && false"),
    (
        "? matches nothing",
        "compare/automaton.rs",
        "Some(PatternStep::One { crosses: true }) => any.push(position + 1)",
        "Some(PatternStep::One { crosses: true }) => drop(position)",
    ),
    (
        "* takes one character at least",
        "compare/automaton.rs",
        "if let Some(PatternStep::Many { crosses }) = self.step_at(position) {",
        "if let Some(PatternStep::Many { crosses }) = self.step_at(position).filter(|_| index > 3) {",
    ),
    (
        "no other character",
        "compare/automaton.rs",
        "if let Some(other) = character_outside(&waiting) {",
        "if let Some(other) = character_outside(&waiting).filter(|_| waiting.is_empty()) {",
    ),
    ("NotAction as Action", "compare/text_dimension.rs", "!void && matched != clause.negated", "!void && matched"),
    (
        "one reading of wildcards",
        "compare/mod.rs",
        "&[WildcardReading::AcrossColons, WildcardReading::Trailing, WildcardReading::Segment]",
        "&[WildcardReading::AcrossColons]",
    ),
    ("variable as wildcard", "compare/text_dimension.rs", "!pattern.variable_keys().is_empty()", "pattern.variable_keys().len() > 9"),
    ("ignore-case operator compares case", "compare/single_value.rs", "PatternStep::Folded(c.to_ascii_lowercase())", "PatternStep::Char(*c)"),
    (
        "no number between",
        "compare/single_value.rs",
        "out.extend(points.iter().zip(points.iter().skip(1))",
        "out.extend(points.iter().take(0).zip(points.iter().skip(1))",
    ),
    ("less as less or equal", "compare/single_value.rs", "value < wanted,", "value <= wanted,"),
    ("no address after a range", "compare/single_value.rs", "at.insert((range.v6, after));", "let _ = after;"),
    (
        "account covers no principal",
        "compare/principal_dimension.rs",
        'arn.account == id.as_str() => {',
        'arn.account == id.as_str() && arn.name == "root" => {',
    ),
    (
        "role covers no session",
        "compare/principal_dimension.rs",
        "if session { PrincipalCoverage::AsOneOfMany }",
        "if session && false { PrincipalCoverage::AsOneOfMany }",
    ),
    (
        "NotPrincipal guessed",
        "compare/principal_dimension.rs",
        "(true, false, true) => None,",
        "(true, false, true) => Some(false),",
    ),
    ("unknown operator always matches", "compare/request_space.rs", "[false, true]", "[true, true]"),
    (
        "denials forgotten in trimming",
        "compare/trim.rs",
        "a.boundary == b.boundary\n        && statements_with_effect(a",
        "a.boundary == b.boundary && true\n        || statements_with_effect(a",
    ),
    ("boundaries forgotten in trimming", "compare/trim.rs", "a.boundary == b.boundary\n        && statements_with_effect(a", "statements_with_effect(a"),
    (
        "conditions forgotten in trimming",
        "compare/trim.rs",
        "statement.resources.as_ref(), &statement.conditions)",
        "statement.resources.as_ref(), &[])",
    ),
    (
        "trimmed to nonexistent actions",
        "compare/trim.rs",
        "actions.iter().any(|action| matches_plain_text(pattern, action))",
        "actions.iter().any(|action| !matches_plain_text(pattern, action))",
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
    wanted, survivors = [name for name in sys.argv[1:] if name != "--quick"], []
    stages = [TESTS] if "--quick" in sys.argv else [TESTS, LONG]
    for name, file, old, new in MUTANTS:
        if wanted and name not in wanted:
            continue
        path = SRC / file
        text = path.read_text()
        if text.count(old) != 1:
            print(f"STALE   {name}: occurs {text.count(old)} times in {file}", flush=True)
            survivors.append(name)
            continue
        path.write_text(text.replace(old, new))
        try:
            # Not `--lib`: the tests of behaviour must catch the mutants without the unit tests.
            for tests in stages:
                base = ["cargo", "test", "-q", "-p", "leasehold-policy", "--test", "suite"]
                built, output = run([*base, "--no-run"])
                if built != 0:
                    sys.exit(f"{name}: does not compile\n{output}")
                code, output = run([*base, "--", *tests])
                if code != 0:
                    break
        finally:
            path.write_text(text)
        # Cargo's quiet mode lists the failed tests, indented, at the end of each binary's output.
        listed = (line.strip() for line in output.splitlines() if line.startswith("    "))
        red = sorted({name for name in listed if name.replace("::", "").isidentifier()})
        print(f"{'caught  ' if code else 'SURVIVED'}  {name}: {', '.join(red)}", flush=True)
        if code == 0:
            survivors.append(name)
    sys.exit(1 if survivors else 0)


if __name__ == "__main__":
    main()
