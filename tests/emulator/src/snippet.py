"""Code that both launchers share: they run boto3 snippets, and exit together with the process that started them."""

import functools
import json
import os
import sys

import boto3
import botocore.config

UNCOUNTED = "leasehold-test-client"


@functools.cache
def client_of(service, port, account=None):
    # Creating a client takes as long as twenty calls.
    client = boto3.client(
        service,
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=botocore.config.Config(user_agent_extra=UNCOUNTED, retries={"max_attempts": 0}),
    )
    if account:
        # moto takes the account of a call from this header; ministack has one account.
        client.meta.events.register(
            "before-call", lambda params, **_: params["headers"].update({"x-moto-account-id": account})
        )
    return client


def script(source, port):
    """Runs a snippet with clients of the emulator. Returns its output, parsed as JSON if possible."""
    printed = []

    def client(service):
        return client_of(service, port)

    def say(*values):
        printed.append(" ".join(v if isinstance(v, str) else json.dumps(v, default=str) for v in values))

    def iam_of(account):
        return client_of("iam", port, account)

    names = {"client": client, "iam": client("iam"), "iam_of": iam_of, "sts": client("sts"), "json": json, "print": say}
    exec(compile(source, "<snippet>", "exec"), names)
    text = "\n".join(printed)
    if not text:
        return None
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def end_with_parent():
    while sys.stdin.buffer.read(4096):
        pass
    os._exit(0)


