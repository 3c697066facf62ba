"""Runs ministack on a free loopback port. Tests can save states of IAM and send requests to them. With AUTH=true in the
environment it enforces policies.

Prints one line, {"port": N}, when it listens. It exits at the end of its standard input, so it cannot outlive the test that
started it, even if the test was killed. Requests under /leasehold-test/ are for the launcher itself.
"""

import asyncio
import contextvars
import copy
import socket
import tempfile
import threading
import traceback

LISTENER = socket.create_server(("127.0.0.1", 0), backlog=256)
PORT = LISTENER.getsockname()[1]
SCRATCH = tempfile.TemporaryDirectory()

# Read when ministack is imported.
os.environ.update(
    GATEWAY_PORT=str(PORT),
    MINISTACK_ACCOUNT_ID="123456789012",
    S3_DATA_DIR=f"{SCRATCH.name}/s3",
    STATE_DIR=f"{SCRATCH.name}/state",
    DOCKER_HOST=f"unix://{SCRATCH.name}/no-docker",
    MINISTACK_AUTOCREATE_AWS_MANAGED="1",
    IOT_MTLS_ENABLED="0",
    SFTP_ENABLED="0",
    LOG_LEVEL="ERROR",
)

from hypercorn.asyncio import serve
from hypercorn.config import Config
from ministack import app as ministack
from ministack.core import iam_actions
from ministack.services import iam, s3, sts
from ministack.services.iam import _error as error
from ministack.services.iam import _p as parameter
from ministack.services.iam import _xml as xml

HANDLERS = iam._IAM_HANDLERS
AS_OF = contextvars.ContextVar("as_of", default=None)


def empty_list(action, element):
    return lambda p: xml(200, f"{action}Response", f"<{action}Result><{element}/></{action}Result>")


def as_iam_does():
    """Corrects ministack where it differs from IAM and tests depend on IAM's behaviour."""
    # Credential types that ministack does not support.
    for kind in ("SSHPublicKeys", "ServiceSpecificCredentials"):
        HANDLERS[f"List{kind}"] = empty_list(f"List{kind}", kind)
    HANDLERS["ListSigningCertificates"] = empty_list("ListSigningCertificates", "Certificates")

    def tag_device(p):
        device = iam._mfa_devices.get(parameter(p, "SerialNumber"))
        if not device:
            return error(404, "NoSuchEntity", "There is no such device.")
        new = iam._extract_tags(p)
        device["Tags"] = [tag for tag in device["Tags"] if tag["Key"] not in {t["Key"] for t in new}] + new
        return xml(200, "TagMFADeviceResponse", "")

    def device_tags(p):
        device = iam._mfa_devices.get(parameter(p, "SerialNumber"))
        if not device:
            return error(404, "NoSuchEntity", "There is no such device.")
        tags = "".join(f"<member><Key>{t['Key']}</Key><Value>{t['Value']}</Value></member>" for t in device["Tags"])
        answer = f"<ListMFADeviceTagsResult><Tags>{tags}</Tags><IsTruncated>false</IsTruncated></ListMFADeviceTagsResult>"
        return xml(200, "ListMFADeviceTagsResponse", answer)

    HANDLERS["TagMFADevice"], HANDLERS["ListMFADeviceTags"] = tag_device, device_tags

    delete_user = HANDLERS["DeleteUser"]

    def delete_user_without_dependents(p):
        name = parameter(p, "UserName")
        devices = [device for device in iam._mfa_devices.values() if device["User"] == name]
        groups = [group for group in iam._groups.values() if name in group.get("Users", [])]
        if iam._user_inline_policies.get(name) or iam._login_profiles.get(name) or devices or groups:
            return error(409, "DeleteConflict", "Cannot delete entity, must remove its dependents first.")
        return delete_user(p)

    HANDLERS["DeleteUser"] = delete_user_without_dependents

    create_policy = HANDLERS["CreatePolicy"]

    def create_policy_with_unique_name(p):
        # A policy name is unique in an account, regardless of the path and of case.
        name = parameter(p, "PolicyName")
        if any(policy["PolicyName"].lower() == name.lower() for policy in iam._policies.values()):
            return error(409, "EntityAlreadyExists", f"A policy called {name} already exists.")
        return create_policy(p)

    HANDLERS["CreatePolicy"] = create_policy_with_unique_name

    def update_group(p):
        group = iam._groups.get(parameter(p, "GroupName"))
        if not group:
            return error(404, "NoSuchEntity", "There is no such group.")
        group["Path"] = parameter(p, "NewPath") or group["Path"]
        group["Arn"] = f"arn:aws:iam::{group['Arn'].split(':')[4]}:group{group['Path']}{group['GroupName']}"
        return xml(200, "UpdateGroupResponse", "")

    HANDLERS["UpdateGroup"] = update_group

    create_access_key = HANDLERS["CreateAccessKey"]

    def create_access_key_up_to_two(p):
        name = parameter(p, "UserName")
        if sum(1 for key in iam._access_keys.values() if key["UserName"] == name) >= 2:
            return error(409, "LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: 2")
        return create_access_key(p)

    HANDLERS["CreateAccessKey"] = create_access_key_up_to_two


def patch_resource_arns(names):
    """Makes ministack evaluate policies against the ARN that IAM uses: the ARN of the object of the action, with its path."""
    without_paths = names.extract_resource_arn

    def resource_arn(service, method, path, headers, body, query_params, region, account_id):
        if service != "iam":
            return without_paths(service, method, path, headers, body, query_params, region, account_id)

        def given(name):
            value = query_params.get(name)
            return value[0] if isinstance(value, list) else value

        about = (given("Action") or "").removesuffix("Provider")
        root = f"arn:aws:iam::{account_id}"
        if "InstanceProfile" in about and given("InstanceProfileName"):
            return f"{root}:instance-profile/{given('InstanceProfileName')}"
        if "VirtualMFADevice" in about or "MFADeviceTags" in about or about == "TagMFADevice":
            return given("SerialNumber") or "*"
        if about == "GetAccessKeyLastUsed" and given("AccessKeyId") in iam._access_keys:
            return iam._users[iam._access_keys[given("AccessKeyId")]["UserName"]]["Arn"]
        if about == "CreateOpenIDConnect":
            return f"{root}:oidc-provider/{(given('Url') or '').removeprefix('https://')}"
        if about == "CreateSAML":
            return f"{root}:saml-provider/{given('Name')}"
        objects = ("Group", iam._groups), ("Role", iam._roles), ("User", iam._users), ("Policy", {})
        for kind, known in objects:
            name = given(f"{kind}Name")
            # An inline policy is part of its principal, and an attached policy is given by its ARN.
            if name and (kind != "Policy" or about == "CreatePolicy"):
                if name in known:
                    return known[name]["Arn"]
                return f"{root}:{kind.lower()}{given('Path') or '/'}{name}"
        return given("PolicyArn") or given("OpenIDConnectProviderArn") or given("SAMLProviderArn") or "*"

    names.extract_resource_arn = resource_arn


class State:
    """Saved states of IAM, by name. A test restores a state, or sends requests that are answered from it."""

    def __init__(self):
        # One request at a time, so that no request is answered from the saved state of another one.
        self.lock = threading.RLock()
        self.stores = [store for store in vars(iam).values() if isinstance(store, iam.AccountScopedDict)]
        self.saved = {}

    def save(self, name):
        with self.lock:
            self.saved[name] = copy.deepcopy([store._data for store in self.stores])

    def restore(self, name):
        with self.lock:
            self.put(copy.deepcopy(self.saved[name]))

    def put(self, contents):
        for store, content in zip(self.stores, contents):
            store._data = content

    def dated(self, handler):
        """A handler that answers from the saved state that the request names."""

        def answer(p):
            with self.lock:
                if AS_OF.get() is None:
                    return handler(p)
                present = [store._data for store in self.stores]
                self.put(self.saved[AS_OF.get()])
                try:
                    return handler(p)
                finally:
                    self.put(present)

        return answer


STATE = State()


def find_key(key_id):
    """An active access key of a user, or an access key of a role session, in any account."""
    session = sts._sessions.get(key_id)
    if session and session.get("SecretAccessKey"):
        return AccessKey(session["SecretAccessKey"], session.get("SessionToken"), session.get("Expiration"))
    with STATE.lock:
        keys = [key for (_, stored), key in iam._access_keys.to_dict().items() if stored == key_id]
    return next((AccessKey(key["SecretAccessKey"]) for key in keys if key["Status"] == "Active"), None)


SIGNATURES = SignatureCheck(find_key, lambda name: (s3._buckets.get(name) or {}).get("region"))


def obey(path, value):
    if path == "boto3":
        return script(value, PORT)
    if path == "save":
        return STATE.save(value)
    if path == "restore":
        return STATE.restore(value)
    if path == "reset":
        return iam.reset()
    if path == "signatures":
        return SIGNATURES.verdicts
    raise ValueError(f"unknown path /leasehold-test/{path} of ministack: inject faults with a proxy in front of it")


async def read_body(receive):
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    return body


async def control(path, receive, send):
    body = await read_body(receive)
    try:
        answer, status = await asyncio.to_thread(obey, path, json.loads(body) if body else None), 200
    except Exception:
        answer, status = {"error": traceback.format_exc()}, 500
    text = json.dumps(answer, default=str).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(text)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text})


async def refuse(scope, send, refusal, service):
    kind, text = refusal.response(service)
    headers = [(b"content-type", kind.encode()), (b"content-length", str(len(text)).encode())]
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else text})


async def app(scope, receive, send):
    # Paths that begin with an underscore belong to ministack itself, not to an AWS API.
    if scope["type"] != "http" or scope["path"].startswith("/_ministack/"):
        return await ministack.app(scope, receive, send)
    if scope["path"].startswith("/leasehold-test/"):
        return await control(scope["path"].removeprefix("/leasehold-test/"), receive, send)
    body = await read_body(receive)
    headers = {name.decode(): value.decode("utf-8", "replace") for name, value in scope["headers"]}
    path, query = scope["raw_path"].decode(), scope["query_string"].decode()
    _, refusal = SIGNATURES.check(Received(scope["method"], path, query, headers, body))
    if refusal:
        return await refuse(scope, send, *refusal)
    AS_OF.set(headers.get("x-leasehold-as-of"))
    whole = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def read_again():
        return next(whole, None) or await receive()

    await ministack.app(scope, read_again, send)


def main():
    as_iam_does()
    patch_resource_arns(iam_actions)
    for action, handler in HANDLERS.items():
        HANDLERS[action] = STATE.dated(handler)
    config = Config()
    # Idle connections are not closed: a client that reuses one at that moment would get an error.
    config.keep_alive_timeout = 3600
    config.bind = [f"fd://{LISTENER.fileno()}"]
    config.loglevel = "ERROR"
    threading.Thread(target=end_with_parent, daemon=True).start()
    print(json.dumps({"port": PORT}), flush=True)
    asyncio.run(serve(app, config))


if __name__ == "__main__":
    main()
