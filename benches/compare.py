#!/usr/bin/env python3
"""Holds Leasehold against Terraform, side by side on this machine, and against its own bounds.

    cargo build --profile dist
    python3 benches/compare.py [--plugin-mirror DIR] [--only engine,language,aws,drift,fleet,program] [--runs N]

It prints a table and ends with 0 when every bound holds, 1 when one is missed, 2 when a comparison could not be made.
It needs Python 3.9 on Linux (peak memory is read below /proc), and `terraform` for engine, language, aws and fleet:

engine   A converged plan of 5,000 literal `identity` blocks on the embedded directory against `terraform plan` of
         5,000 literal `terraform_data` blocks with the same data: at most 1/10 of the wall time, 1/3 of the memory.
         50,000 identities take at most 12 times as long as 5,000. Terraform's state is not applied, which takes it more
         than ten minutes, but written: one real instance is applied, and its shape repeated.
language A plan of 10,000 identities that one `for_each` makes of a local map, against a first `terraform plan` of 1,000
         identities from such a map, said as Terraform says one: an `aws_iam_user` and its `aws_iam_user_policy`. At most
         1/20 of the wall time, whether all of the 10,000 join or nothing changes. Beside it stand 1,000 `terraform_data`,
         which have no provider and no policy: at most 1/20 of those too for the converged plan. Needs --plugin-mirror.
         From 1,000 to 10,000 and from 10,000 to 100,000 identities `validate`, which evaluates and checks the whole text,
         takes at most 14 times as long.
aws      A converged plan of 1,000 workload roles, each with a statement of its own, against `terraform plan` of 1,000
         `aws_iam_role` with an `aws_iam_role_policy` each, both applied before to an emulator (moto) of their own: at most
         1/30 of the wall time, 1/15 of the memory. Terraform's AWS provider comes from a file system mirror
         (--plugin-mirror or TF_PLUGIN_MIRROR); the emulator is the one of the tests, with the environment that
         `cargo test -p leasehold-emulator` has made below the target directory.
drift    The drift job over 5,000 users and 1,000 roles that are as they were applied, on moto: at most 20 calls, of which the
         pages that AWS gives a thousand objects each are counted as such.
fleet    A converged plan of 5,000 users and 1,000 roles that hold three policies each, in five accounts of moto, each with the
         role that is assumed there: at most 60 calls, pages counted as AWS gives them. Beside it `terraform plan` of one
         account's share: the same users, roles and attachments, applied before. Where the mirror is missing, terraform's
         half is left out and said to be.
program  `validate` on examples/quickstart takes at most 20 ms; the binary has at most 30 MB.

Every converged plan must say that nothing changes, or the comparison counts for nothing. The runs of the two programs
alternate, and the fastest of each counts: on a busy machine it is the one that was disturbed least. Memory is the
largest sum over a program's whole tree of processes, provider plugins included, looked at every few milliseconds.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
import uuid
from pathlib import Path

# Nothing is left behind beside the text.
sys.dont_write_bytecode = True

from side_by_side.emulator import Emulator, ROOT, TARGET
from side_by_side.measure import NotComparable, alternating, best, run
from side_by_side.report import Report
from side_by_side.stacks import (
    IDENTITY_FOR_EACH,
    POLICIES,
    TERRAFORM_FOR_EACH,
    TERRAFORM_USERS,
    account_block,
    holder,
    identity,
    services,
    shared_policy,
    stack,
    terraform_data,
    terraform_provider,
    terraform_role,
    terraform_share,
    user,
    workload,
)

NOBODY = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1",
          "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull, "AWS_EC2_METADATA_DISABLED": "true"}


class Bench:
    def __init__(self, options, home, report):
        self.options, self.home, self.report = options, home, report

    def leasehold(self, *arguments, **how):
        return run([self.options.leasehold, *arguments], self.home, **how)

    def terraform(self, directory, *arguments, **how):
        quiet = {"TF_IN_AUTOMATION": "1", "CHECKPOINT_DISABLE": "1", "TF_CLI_CONFIG_FILE": os.devnull}
        how["env"] = {**quiet, **how.get("env", {})}
        return run([self.options.terraform, *arguments, "-input=false", "-no-color"], directory, **how)

    # ----- the engine alone

    def engine(self):
        small, large = self.converged(5_000), self.converged(50_000)
        theirs = self.written_state(5_000)

        def ours(directory):
            return lambda: self.leasehold("plan", directory, expect="No changes.")

        def terraform():
            return self.terraform(theirs, "plan", expect="No changes.")

        print("\nengine: converged plans on the embedded directory, literal blocks")
        plan, other, ten_times = alternating(self.options.runs, ours(small), terraform, ours(large))
        self.report.figure("leasehold plan, 5,000 identities", plan)
        self.report.figure("terraform plan, 5,000 terraform_data", other)
        self.report.figure("leasehold plan, 50,000 identities", ten_times)
        self.report.share("wall time", plan.wall, other.wall, 10)
        self.report.share("peak memory", plan.memory, other.memory, 3)
        self.report.bound("50,000 identities to 5,000, wall time", ten_times.wall / plan.wall, 12, " times")

    # ----- the language

    def language(self):
        def mapped(count, name):
            return stack(self.home / f"{name}-{count}", "", [services(count), IDENTITY_FOR_EACH])

        theirs = self.home / "terraform-for-each"
        theirs.mkdir()
        (theirs / "main.tf").write_text(services(1_000) + TERRAFORM_FOR_EACH)
        self.terraform(theirs, "init")
        first, applied = mapped(10_000, "first"), mapped(10_000, "applied")
        self.leasehold("apply", applied, "--auto-approve", "--parallelism", "256")
        print("\nlanguage: one for_each over a local map")
        plan, joiners, other = alternating(
            self.options.runs,
            lambda: self.leasehold("plan", applied, expect="No changes."),
            lambda: self.leasehold("plan", first, expect="10000 joiners"),
            lambda: self.terraform(theirs, "plan", expect="Plan: 1000 to add"),
        )
        self.report.figure("leasehold plan, 10,000 identities, converged", plan)
        self.report.figure("leasehold plan, 10,000 identities join", joiners)
        self.report.figure("terraform plan, 1,000 terraform_data", other)
        self.report.share("wall time, converged, to terraform_data", plan.wall, other.wall, 20)
        self.validate_sizes(mapped)
        users = self.home / "terraform-users"
        users.mkdir()
        # A first plan reads nothing from the cloud, so that there is none.
        (users / "main.tf").write_text(terraform_provider("http://127.0.0.1:9") + services(1_000) + TERRAFORM_USERS)
        there = self.with_mirror()
        self.terraform(users, "init", env=there)
        identities = self.terraform(users, "plan", env=there, expect="Plan: 2000 to add")
        self.report.figure("(once) terraform plan, 1,000 users with a policy", identities)
        self.report.share("wall time, converged", plan.wall, identities.wall, 20)
        self.report.share("wall time, all join", joiners.wall, identities.wall, 20)

    def validate_sizes(self, mapped):
        sizes = [mapped(count, "size") for count in (1_000, 10_000, 100_000)]
        runs = alternating(self.options.runs, *((lambda d=d: self.leasehold("validate", d)) for d in sizes))
        for count, measured in zip(("1,000", "10,000", "100,000"), runs):
            self.report.figure(f"leasehold validate, {count} identities", measured)
        small, middle, large = (measured.wall for measured in runs)
        self.report.bound("10,000 identities to 1,000, wall time", middle / small, 14, " times")
        self.report.bound("100,000 identities to 10,000, wall time", large / middle, 14, " times")

    def converged(self, count):
        directory = stack(self.home / f"engine-{count}", "", (identity(n) for n in range(count)))
        applied = self.leasehold("apply", directory, "--auto-approve", "--parallelism", "256")
        self.report.figure(f"(once) leasehold apply, {count:,} identities", applied)
        return directory

    def written_state(self, count):
        """A directory of `terraform_data`, with the state that applying it would have left."""
        directory = self.home / "terraform-data"
        directory.mkdir()
        (directory / "main.tf").write_text(terraform_data(0))
        self.terraform(directory, "init")
        self.terraform(directory, "apply", "-auto-approve")
        path = directory / "terraform.tfstate"
        state = json.loads(path.read_text())
        pattern = json.dumps(state["resources"][0])
        made = json.loads(pattern)["instances"][0]["attributes"]["id"]
        changes = [("svc_0", "svc_{}"), ("job number 0", "job number {}"), ("acme-0/", "acme-{}/")]

        def instance(number):
            text = pattern.replace(made, str(uuid.uuid4()))
            for old, new in changes:
                text = text.replace(old, new.format(number))
            return json.loads(text)

        state["resources"] = sorted((instance(n) for n in range(count)), key=lambda resource: resource["name"])
        path.write_text(json.dumps(state, indent=2))
        (directory / "main.tf").write_text("".join(terraform_data(n) for n in range(count)))
        return directory

    # ----- AWS

    def with_mirror(self):
        """The environment in which Terraform finds its AWS provider."""
        mirror = self.options.plugin_mirror
        if not mirror:
            raise NotComparable("name the mirror with Terraform's AWS provider: --plugin-mirror or TF_PLUGIN_MIRROR")
        settings = self.home / "terraform.rc"
        path = json.dumps(str(Path(mirror).resolve()))
        settings.write_text(f"provider_installation {{\n  filesystem_mirror {{\n    path = {path}\n  }}\n}}\n")
        return {**NOBODY, "TF_CLI_CONFIG_FILE": str(settings)}

    def aws(self):
        there = self.with_mirror()
        count = self.options.roles
        with Emulator() as emulator, Emulator() as other:
            here = {**NOBODY, "AWS_ENDPOINT_URL": emulator.endpoint}
            provider = '\nprovider "aws" {\n  region = "us-east-1"\n}\n'
            ours = stack(self.home / "aws", provider, (workload(n) for n in range(count)))
            theirs = self.home / "terraform-aws"
            theirs.mkdir()
            roles = "".join(terraform_role(n) for n in range(count))
            (theirs / "main.tf").write_text(terraform_provider(other.endpoint) + roles)

            def plan():
                return self.leasehold("plan", ours, env=here, expect="No changes.")

            def terraform():
                return self.terraform(theirs, "plan", env=there, expect="No changes.")

            print(f"\naws: converged plans on moto, {count:,} roles with a policy each")
            self.leasehold("apply", ours, "--auto-approve", env=here)
            applying = emulator.calls()
            self.terraform(theirs, "init", env=there)
            self.terraform(theirs, "apply", "-auto-approve", "-parallelism=30", env=there)
            other.calls()
            runs = self.options.runs
            leasehold_plan, terraform_plan = alternating(runs, plan, terraform)
            calls, their_calls = emulator.calls() // runs, other.calls() // runs
            self.report.figure(f"leasehold plan, {calls:,} calls", leasehold_plan)
            self.report.figure(f"terraform plan, {their_calls:,} calls", terraform_plan)
            self.report.share("wall time", leasehold_plan.wall, terraform_plan.wall, 30)
            self.report.share("peak memory", leasehold_plan.memory, terraform_plan.memory, 15)
            self.report.bound("calls of the converged plan", calls, 15)
            self.report.bound("calls of the apply before it", applying, 2.1 * count + 20)

    # ----- the drift job

    def drift(self):
        users, roles = self.options.drift_users, self.options.roles
        provider = '\nprovider "aws" {\n  region = "us-east-1"\n}\n'
        with Emulator() as emulator:
            here = {**NOBODY, "AWS_ENDPOINT_URL": emulator.endpoint}
            blocks = [*(user(n) for n in range(users)), *(workload(n) for n in range(roles))]
            ours = stack(self.home / "drift", provider, blocks)
            print(f"\ndrift: the drift job on moto, {users:,} users and {roles:,} roles")
            self.leasehold("apply", ours, "--auto-approve", "--parallelism", "32", env=here)
            emulator.calls()
            runs = [self.leasehold("drift", ours, env=here, expect="In sync") for _ in range(self.options.runs)]
            by_api = {name: count // len(runs) for name, count in emulator.counts().items()}
            # moto gives everything in one page where AWS gives a thousand objects.
            pages = {"GetAccountAuthorizationDetails": -(-(users + roles) // 1000), "ListRoles": -(-roles // 1000)}
            on_aws = sum({**by_api, **pages}.values())
            self.report.figure(f"leasehold drift, {sum(by_api.values())} calls here, {on_aws} in AWS's pages", best(runs))
            self.report.bound("calls of the drift job, in AWS's pages", on_aws, 20)

    # ----- several accounts

    def fleet(self):
        users, roles = self.options.fleet_users, self.options.fleet_roles
        accounts = {f"a{n}": str(n) * 12 for n in range(1, 6)}
        names = list(accounts)
        blocks = [account_block(alias, number) for alias, number in accounts.items()]
        blocks += [shared_policy(name) for name in POLICIES]
        blocks += [holder("service", n, names[n % 5]) for n in range(users)]
        blocks += [holder("workload", n, names[n % 5]) for n in range(roles)]
        with Emulator() as emulator:
            here = {**NOBODY, "AWS_ENDPOINT_URL": emulator.endpoint}
            ours = stack(self.home / "fleet", "", blocks)
            print(f"\nfleet: converged plans on moto, {users:,} users and {roles:,} roles with three policies each, in five accounts")
            applied = self.leasehold("apply", ours, "--auto-approve", "--parallelism", "64", env=here)
            self.report.figure(f"(once) leasehold apply, {emulator.calls():,} calls", applied)
            runs = [self.leasehold("plan", ours, env=here, expect="No changes.") for _ in range(self.options.runs)]
            by_api = {name: count // len(runs) for name, count in emulator.counts().items()}
            # moto gives everything in one page where AWS gives a thousand objects: principals, and the policies of each account.
            objects, of_roles = -(-(users + roles) // 5) + len(POLICIES), -(-roles // 5)
            pages = {"GetAccountAuthorizationDetails": 5 * -(-objects // 1000), "ListRoles": 5 * -(-of_roles // 1000)}
            on_aws = sum({**by_api, **pages}.values())
            print(f"  calls here: {', '.join(f'{name} {count}' for name, count in sorted(by_api.items()))}")
            self.report.figure(f"leasehold plan, {sum(by_api.values())} calls here, {on_aws} in AWS's pages", best(runs))
            self.report.bound("calls of the converged plan, in AWS's pages", on_aws, 60)
        part = self.options.fleet_terraform
        self.fleet_terraform(-(-users // 5 // part), -(-roles // 5 // part))

    def fleet_terraform(self, users, roles):
        """Terraform on one account's share, or a part of it."""
        if not self.options.terraform or not self.options.plugin_mirror:
            print("  terraform's half is left out: it needs terraform and --plugin-mirror or TF_PLUGIN_MIRROR")
            return
        with Emulator() as emulator:
            there = self.with_mirror()
            theirs = self.home / "terraform-fleet"
            theirs.mkdir()
            (theirs / "main.tf").write_text(terraform_provider(emulator.endpoint) + terraform_share(users, roles))
            self.terraform(theirs, "init", env=there)
            applied = self.terraform(theirs, "apply", "-auto-approve", "-parallelism=30", env=there)
            self.report.figure(f"(once) terraform apply, {emulator.calls():,} calls", applied)
            runs = [self.terraform(theirs, "plan", env=there, expect="No changes.") for _ in range(self.options.runs)]
            calls = emulator.calls() // len(runs)
            self.report.figure(f"terraform plan, {users:,} + {roles:,} of one account, {calls:,} calls", best(runs))

    # ----- the program

    def program(self):
        print("\nprogram")
        runs = [self.leasehold("validate", ROOT / "examples" / "quickstart") for _ in range(20)]
        fastest = best(runs)
        self.report.figure("leasehold validate examples/quickstart", fastest)
        self.report.bound("validate", fastest.wall * 1000, 20, " ms")
        self.report.bound("binary", self.options.leasehold.stat().st_size / 1e6, 30, " MB")


def main():
    parser = argparse.ArgumentParser(description="Holds Leasehold against Terraform and against its own bounds.")
    parser.add_argument("--leasehold", type=Path, default=TARGET / "dist" / "leasehold", help="the published binary")
    parser.add_argument("--terraform", default=shutil.which("terraform"), help="terraform's binary")
    parser.add_argument("--plugin-mirror", default=os.environ.get("TF_PLUGIN_MIRROR"), help="file system mirror with its AWS provider")
    parser.add_argument("--only", default="program,engine,language,aws,drift,fleet", help="which comparisons, with commas between them")
    parser.add_argument("--runs", type=int, default=3, help="runs of each program; the best counts (default: 3)")
    parser.add_argument("--roles", type=int, default=1000, help="roles of the AWS comparison and of the drift job (default: 1000)")
    parser.add_argument("--drift-users", type=int, default=5000, help="users of the drift job (default: 5000)")
    parser.add_argument("--fleet-users", type=int, default=5000, help="users of the five accounts (default: 5000)")
    parser.add_argument("--fleet-roles", type=int, default=1000, help="roles of the five accounts (default: 1000)")
    parser.add_argument("--fleet-terraform", type=int, default=1, metavar="N",
                        help="terraform applies the N-th part of one account's share, which takes it long (default: 1)")
    options = parser.parse_args()
    options.leasehold = options.leasehold.resolve()
    if not options.leasehold.exists():
        parser.error(f"{options.leasehold} is not there; build it with: cargo build --profile dist")
    report, unmade = Report(), []
    for name in options.only.split(","):
        with tempfile.TemporaryDirectory(prefix="leasehold-compare-") as home:
            try:
                if name in ("engine", "language", "aws") and not options.terraform:
                    raise NotComparable("terraform is not installed")
                comparisons = {"engine": Bench.engine, "language": Bench.language, "aws": Bench.aws, "drift": Bench.drift,
                               "fleet": Bench.fleet, "program": Bench.program}
                comparisons[name](Bench(options, Path(home), report))
            except NotComparable as problem:
                print(f"\n{name}: not compared: {problem}", file=sys.stderr)
                unmade.append(name)
    if report.missed:
        print(f"\nMissed: {', '.join(report.missed)}.")
        return 1
    if unmade:
        print(f"\nNot compared: {', '.join(unmade)}.")
        return 2
    print("\nEvery bound holds.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
