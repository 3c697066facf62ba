#!/usr/bin/env python3
"""Writes AWS's managed policies, as an installed moto carries them, for the test `managed`.

    pip install moto && python3 scripts/managed-policies.py corpus.json
    LEASEHOLD_POLICY_CORPUS=corpus.json cargo test --release -p leasehold-policy --test managed -- --nocapture

With `--sample` it writes the sample that is kept in git instead: one policy for each operator and element that occurs, the
longest two, and every fortieth.
"""

import importlib
import json
import pathlib
import sys
import zlib

SAMPLE = pathlib.Path(__file__).resolve().parent.parent / "tests" / "corpus" / "managed-policies.bin"


def policies():
    source = importlib.import_module("moto.iam.aws_managed_policies")
    return {name: entry["Document"] for name, entry in json.loads(source.aws_managed_policies_data).items()}


def traits(document):
    statements = document["Statement"]
    for statement in statements if isinstance(statements, list) else [statements]:
        yield from statement
        yield from statement.get("Condition", {})
        if "${" in json.dumps(statement):
            yield "variable"


def sample(all_policies):
    by_size = sorted(all_policies, key=lambda name: (len(json.dumps(all_policies[name])), name))
    chosen, seen = set(by_size[-2:]) | set(by_size[::40]), set()
    for name in by_size:
        fresh = set(traits(all_policies[name])) - seen
        if fresh:
            chosen.add(name)
            seen |= fresh
    return {name: all_policies[name] for name in sorted(chosen)}


def main():
    if sys.argv[1:] == ["--sample"]:
        chosen = sample(policies())
        SAMPLE.parent.mkdir(exist_ok=True)
        SAMPLE.write_bytes(zlib.compress(json.dumps(chosen, separators=(",", ":")).encode(), 9))
        print(f"{len(chosen)} policies, {SAMPLE.stat().st_size} bytes")
    elif len(sys.argv) == 2:
        pathlib.Path(sys.argv[1]).write_text(json.dumps(policies()))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
