"""Runs moto's server on a free loopback port, with a record of requests and faults that tests inject. With
INITIAL_NO_AUTH_ACTION_COUNT=0 in the environment it enforces policies, as far as moto does: actions, no conditions.

Prints one line, {"port": N}, when it listens. It exits at the end of its standard input, so it cannot outlive the test that
started it, even if the test was killed. Requests under /leasehold-test/ are for the launcher itself.
"""

import copy
import io
import json
import os
import re
import socket
import threading
import time
import traceback
from collections import Counter
from email.utils import formatdate
from urllib.parse import parse_qsl

os.environ.setdefault("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")

from moto.core import DEFAULT_ACCOUNT_ID
from moto.core.authorization import ActionAuthenticatorMixin
from moto.core.responses import EmptyResult
from moto.iam.access_control import IAMRequest
from moto.iam.exceptions import DeleteConflictException, EntityAlreadyExists, NotFoundException
from moto.iam.models import IAMBackend, User, get_account_id_from, iam_backends
from moto.iam.responses import IamResponse
from moto.moto_api._internal.models import moto_api_backend
from moto.s3.models import s3_backends
from moto.server import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from moto.sts.models import sts_backends
from werkzeug.exceptions import HTTPException
from werkzeug.serving import make_server

RECORDED = (
    "RoleName UserName GroupName PolicyName PolicyArn AccessKeyId SSHPublicKeyId CertificateId ServiceSpecificCredentialId "
    "InstanceProfileName OpenIDConnectProviderArn SAMLProviderArn Status SerialNumber VersionId Marker MaxItems"
).split()
AS_OF = "HTTP_X_LEASEHOLD_AS_OF"


def as_iam_does():
    """Corrects moto where it differs from IAM and tests depend on IAM's behaviour."""
    create = IAMBackend.create_policy

    def create_policy(self, description, path, policy_document, policy_name, tags):
        # A policy name is unique in an account, regardless of the path and of case.
        taken = (policy.name.lower() for policy in self.managed_policies.values() if policy.arn.split(":")[4] != "aws")
        if policy_name.lower() in taken:
            raise EntityAlreadyExists(f"A policy called {policy_name} already exists. Duplicate names are not allowed.")
        return create(self, description, path, policy_document, policy_name, tags)

    IAMBackend.create_policy = create_policy

    delete_policy = IAMBackend.delete_policy

    def delete_policy_unless_attached(self, policy_arn):
        holders = [*self.users.values(), *self.roles.values(), *self.groups.values()]
        if any(policy_arn in holder.managed_policies for holder in holders):
            raise DeleteConflictException("Cannot delete a policy attached to entities.")
        return delete_policy(self, policy_arn)

    IAMBackend.delete_policy = delete_policy_unless_attached

    update_group = IAMBackend.update_group

    def update_group_and_path(self, group_name, new_group_name, new_path):
        # A request may change only the path.
        if new_path and not new_group_name:
            self.get_group(group_name).path = new_path
            return
        update_group(self, group_name, new_group_name, new_path)

    IAMBackend.update_group = update_group_and_path

    update_user = IAMBackend.update_user

    def update_user_and_keep_tags(self, user_name, new_path=None, new_user_name=None):
        # Tags are stored by ARN, and the ARN contains the path.
        user = self.get_user(user_name)
        before = user.arn
        tags = self.tagger.list_tags_for_resource(before)["Tags"]
        update_user(self, user_name, new_path, new_user_name)
        self.tagger.delete_all_tags_for_resource(before)
        self.tagger.tag_resource(user.arn, tags)

    IAMBackend.update_user = update_user_and_keep_tags

    delete_user = IAMBackend.delete_user

    def delete_user_without_dependents(self, user_name):
        user = self.get_user(user_name)
        services = [credential for credential in service_credentials(self) if credential["UserName"] == user_name]
        credentials = (
            user.access_keys,
            user.password,
            user.mfa_devices,
            user.ssh_public_keys,
            user.signing_certificates,
            services,
        )
        if any(credentials) or self.get_groups_for_user(user_name):
            raise DeleteConflictException("Cannot delete entity, must remove credentials and leave groups first.")
        return delete_user(self, user_name)

    IAMBackend.delete_user = delete_user_without_dependents

    remove_role = IAMBackend.remove_role_from_instance_profile

    def remove_existing_role(self, profile_name, role_name):
        profile, role = self.get_instance_profile(profile_name), self.get_role(role_name)
        if role not in profile.roles:
            raise NotFoundException(f"The role {role_name} is not in the instance profile {profile_name}.")
        return remove_role(self, profile_name, role_name)

    IAMBackend.remove_role_from_instance_profile = remove_existing_role

    delete_virtual_mfa_device = IAMBackend.delete_virtual_mfa_device

    def delete_virtual_mfa_device_unless_assigned(self, serial_number):
        device = self.virtual_mfa_devices.get(serial_number)
        if device and device.user:
            raise DeleteConflictException("MFA VirtualDevice in use. Must deactivate first.")
        delete_virtual_mfa_device(self, serial_number)

    IAMBackend.delete_virtual_mfa_device = delete_virtual_mfa_device_unless_assigned

    service_specific_credentials()
    tags_of_devices()
    federations()

    # Permissions boundaries of users, which moto ignores.
    User.permissions_boundary = None
    create_user = IamResponse.create_user

    def bound(self, arn):
        user = self.backend.get_user(self._get_param("UserName"))
        kind = "PermissionsBoundaryPolicy"
        user.permissions_boundary = arn and {"PermissionsBoundaryType": kind, "PermissionsBoundaryArn": arn}
        return EmptyResult()

    def create_user_with_boundary(self):
        answer = create_user(self)
        bound(self, self._get_param("PermissionsBoundary"))
        return answer

    IamResponse.create_user = create_user_with_boundary
    IamResponse.put_user_permissions_boundary = lambda self: bound(self, self._get_param("PermissionsBoundary"))
    IamResponse.delete_user_permissions_boundary = lambda self: bound(self, None)

    # Snippets of the test run as the root user of the account.
    authorize = ActionAuthenticatorMixin._authenticate_and_authorize_action

    def authorize_except_test_client(self, *arguments):
        if UNCOUNTED in self.headers.get("User-Agent", ""):
            return
        try:
            authorize(self, *arguments)
        except HTTPException as refused:
            # The error format of IAM.
            refused.description = Refusal(403, "AccessDenied", refused.message).response("iam")[1].decode()
            raise

    ActionAuthenticatorMixin._authenticate_and_authorize_action = authorize_except_test_client
    # Moto computes a wrong signature for long bodies. `SignatureCheck` has already checked the request.
    IAMRequest.check_signature = lambda self: None


class State:
    """Saved states of IAM, by name. A test restores a state, or sends requests that are answered from it."""

    def __init__(self):
        # One request at a time, so that no request is answered from the saved state of another one.
        self.lock = threading.RLock()
        self.saved = {}

    def backend(self):
        return iam_backends[DEFAULT_ACCOUNT_ID]["aws"]

    def copied(self, content):
        backend = self.backend()
        # There are about a thousand AWS managed policies, and they never change.
        constant = [policy for arn, policy in backend.managed_policies.items() if arn.split(":")[4] == "aws"]
        return copy.deepcopy(content, {id(thing): thing for thing in [backend, *constant]})

    def save(self, name):
        with self.lock:
            self.saved[name] = self.copied(self.backend().__dict__)

    def restore(self, name):
        with self.lock:
            self.backend().__dict__ = self.copied(self.saved[name])

    def answer(self, name, answer):
        """Runs `answer` on the saved state of that name. `None`: the current state."""
        with self.lock:
            if name is None:
                return answer()
            backend = self.backend()
            present, backend.__dict__ = backend.__dict__, self.saved[name]
            try:
                return answer()
            finally:
                backend.__dict__ = present


STATE = State()


class Faults:
    """The faults that the test injected, in order. The first fault that matches a request is applied."""

    def __init__(self):
        self.lock = threading.Lock()
        self.orders = []

    def replace(self, orders):
        with self.lock:
            self.orders = [dict(order) for order in orders]

    def add(self, order):
        with self.lock:
            self.orders.append(dict(order))

    def take(self, action, account, path):
        with self.lock:
            for order in self.orders:
                if order["action"] not in ("*", action) or order.get("account") not in (None, account):
                    continue
                if (order.get("key") or "") not in path:
                    continue
                if order.get("skip", 0) > 0:
                    order["skip"] -= 1
                    continue
                left = order.get("times")
                if left is None:
                    return order
                if left > 0:
                    order["times"] = left - 1
                    return order
        return None


def find_key(key_id):
    """An active access key of a user, or an access key of a role session, in any account."""
    with STATE.lock:
        for account in list(iam_backends.values()):
            for backend in list(account.values()):
                user = backend.users.get(getattr(backend.access_keys.get(key_id), "user_name", None))
                # The dictionary also contains deleted keys, and keys of a renamed user have its former name.
                for holder in [user] if user else backend.users.values():
                    for key in holder.access_keys:
                        if key.access_key_id == key_id:
                            return AccessKey(key.secret_access_key) if key.status == "Active" else None
    for account in list(sts_backends.values()):
        for backend in list(account.values()):
            for session in list(backend.assumed_roles):
                if session.access_key_id == key_id:
                    expires = session.expiration.replace(tzinfo=timezone.utc).timestamp()
                    return AccessKey(session.secret_access_key, session.session_token, expires)
    return None


def bucket_region(name):
    """The region of a bucket of any account."""
    for account in list(s3_backends.values()):
        for backend in list(account.values()):
            if name in backend.buckets:
                return backend.buckets[name].region_name
    return None


def received(environ, body):
    headers = {name[5:].lower().replace("_", "-"): value for name, value in environ.items() if name.startswith("HTTP_")}
    headers.update({name.lower().replace("_", "-"): environ[name] for name in ("CONTENT_TYPE", "CONTENT_LENGTH") if name in environ})
    # Through a proxy the target is a full URL, which a server must accept (RFC 9112, section 3.2.2).
    target = re.sub(r"^https?://[^/?]*", "", environ["RAW_URI"]) or "/"
    path, _, query = target.partition("?")
    headers = {name: value.encode("latin-1").decode("utf-8", "replace") for name, value in headers.items()}
    return Received(environ["REQUEST_METHOD"], path, query, headers, body)


class Recorder:
    """WSGI middleware in front of moto."""

    def __init__(self, app):
        self.app = app
        self.lock = threading.Lock()
        self.requests = []
        self.faults = Faults()
        self.held = 0
        self.gate = threading.Event()
        self.port = None
        self.signatures = SignatureCheck(find_key, bucket_region)

    def __call__(self, environ, start_response):
        path = environ.get("PATH_INFO", "")
        if path.startswith("/leasehold-test/"):
            return self.control(path.removeprefix("/leasehold-test/"), read_body(environ), start_response)
        body = read_body(environ)
        environ["wsgi.input"] = io.BytesIO(body)
        parameters = dict(parse_qsl(body.decode("utf-8", "replace"))) if path == "/" else {}
        # A request that is not a query API call is an S3 request: its method is the action, and its path is the key of the object.
        action = parameters.get("Action") or f"S3:{environ['REQUEST_METHOD']}"
        verdict, refusal = self.signatures.check(received(environ, body))
        if UNCOUNTED in environ.get("HTTP_USER_AGENT", ""):
            if refusal:
                return refuse(start_response, environ, *refusal)
            return STATE.answer(environ.get(AS_OF), lambda: self.app(environ, start_response))

        account = account_of(environ)
        entry = {"action": action, "account": account, "fault": None, "status": None, "signature": verdict}
        entry["parameters"] = {key: parameters[key] for key in RECORDED if key in parameters}
        if path != "/":
            entry["parameters"]["Key"] = path
        with self.lock:
            self.requests.append(entry)
        if refusal:
            entry["status"] = refusal[0].status
            return refuse(start_response, environ, *refusal)
        target = f"{path}?{environ.get('QUERY_STRING', '')}"
        order = self.faults.take(action, account, target)
        if order is None:
            return self.answer(environ, start_response, entry)
        entry["fault"] = order["fault"]
        return self.faulty(order, environ, start_response, entry, action)

    def answer(self, environ, start_response, entry):
        def note(status, headers, exc_info=None):
            entry["status"] = int(status.split()[0])
            return start_response(status, headers, exc_info) if exc_info else start_response(status, headers)

        return STATE.answer(environ.get(AS_OF), lambda: self.app(environ, note))

    def faulty(self, order, environ, start_response, entry, action):
        fault = order["fault"]
        if fault == "error":
            entry["status"] = order["status"]
            self.put_ahead(order.get("ahead", 0))
            message = order.get("message") or f"injected by the test for {action}"
            service = "s3" if action.startswith("S3:") else "iam"
            return refuse(start_response, environ, Refusal(order["status"], order["code"], message), service)
        if fault == "delay":
            time.sleep(order["seconds"])
            return self.answer(environ, start_response, entry)
        if fault == "delay_response":
            answer = list(self.answer(environ, start_response, entry))
            time.sleep(order["seconds"])
            return answer
        if fault == "hold":
            self.hold()
            return self.answer(environ, start_response, entry)
        if fault == "hold_response":
            answer = list(self.answer(environ, start_response, entry))
            self.hold()
            return answer
        if fault == "skew":
            return self.skewed(order["seconds"], environ, start_response, entry)
        if fault == "cut_response":
            return self.cut(order["keep"], environ, start_response, entry)
        if fault == "drop_response":
            # Moto executes the request; the client gets no response.
            list(self.app(environ, lambda *_: None))
        hang_up(environ)
        return []

    def hold(self):
        """Holds a request until the test releases all held requests."""
        with self.lock:
            self.held += 1
            gate = self.gate
        gate.wait(60)

    def let_go(self):
        with self.lock:
            self.held = 0
            self.gate.set()
            self.gate = threading.Event()

    def skewed(self, seconds, environ, start_response, entry):
        """Answers with a clock that is `seconds` ahead."""
        self.put_ahead(seconds)
        return self.answer(environ, start_response, entry)

    def cut(self, keep, environ, start_response, entry):
        """Answers with the first part of the body only, as if that were all."""
        head = []
        body = b"".join(self.answer(environ, lambda status, headers, *_: head.extend([status, headers]), entry))
        body = body[: int(len(body) * keep)]
        headers = [(name, value) for name, value in head[1] if name.lower() != "content-length"]
        start_response(head[0], [*headers, ("Content-Length", str(len(body)))])
        return [body]

    def put_ahead(self, seconds):
        # A client may correct its clock by the response, and sign its next request with the corrected time.
        self.signatures.clocks.add(seconds)
        CLOCK.ahead = seconds

    def control(self, path, body, start_response):
        try:
            answer = self.obey(path, json.loads(body) if body else None)
            status = "200 OK"
        except Exception:
            answer = {"error": traceback.format_exc()}
            status = "500 Internal Server Error"
        text = json.dumps(answer, default=str).encode()
        start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(text)))])
        return [text]

    def obey(self, path, value):
        if path == "requests":
            with self.lock:
                return list(self.requests)
        if path == "counts":
            with self.lock:
                return Counter(entry["action"] for entry in self.requests)
        if path == "forget":
            with self.lock:
                self.requests.clear()
                self.signatures.verdicts.clear()
            return None
        if path == "faults":
            self.faults.replace(value)
            return None
        if path == "fault":
            self.faults.add(value)
            return None
        if path == "reset":
            moto_api_backend.reset()
            self.faults.replace([])
            return self.obey("forget", None)
        if path == "signatures":
            return self.signatures.verdicts
        if path == "held":
            with self.lock:
                return self.held
        if path == "let_go":
            return self.let_go()
        if path == "boto3":
            return script(value, self.port)
        if path == "save":
            return STATE.save(value)
        if path == "restore":
            return STATE.restore(value)
        raise ValueError(f"unknown path /leasehold-test/{path}")


def account_of(environ):
    """The account of the caller: the account of its credentials; for a role session, the account of the role."""
    key = re.search(r"Credential=([^/]+)/", environ.get("HTTP_AUTHORIZATION", ""))
    return get_account_id_from(key.group(1)) if key else DEFAULT_ACCOUNT_ID


def read_body(environ):
    return environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))


def refuse(start_response, environ, refusal, service):
    kind, text = refusal.response(service)
    start_response(f"{refusal.status} Refused", [("Content-Type", kind), ("Content-Length", str(len(text)))])
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [text]


def hang_up(environ):
    """Closes the connection without a response."""
    connection = environ["werkzeug.socket"]
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    raise ConnectionAbortedError("injected by the test")


# `ahead`: how many seconds the clock is ahead in the next response of this thread.
CLOCK = threading.local()


class QuietHandler(MotoRequestHandler):
    def log(self, type, message, *args):
        pass

    def date_time_string(self, timestamp=None):
        ahead, CLOCK.ahead = getattr(CLOCK, "ahead", 0), 0
        return formatdate(time.time() + ahead, usegmt=True)


def main():
    as_iam_does()
    recorder = Recorder(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, recorder, threaded=True, request_handler=QuietHandler)
    recorder.port = server.port
    threading.Thread(target=end_with_parent, daemon=True).start()
    print(json.dumps({"port": server.port}), flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
