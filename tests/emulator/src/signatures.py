"""Checks the signature and the payload of every request, as AWS does and the emulators do not.

In: a request as it was received, and a function that finds access keys in the emulator's own models. Out: a verdict for the record
("valid", "anonymous" or the problem) and, if there is a problem, the error that AWS returns. The signature is computed by botocore,
which shares no code with the signer of the program under test. Sources of the rules, unless stated otherwise:
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html and for S3
https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html

It is stricter than S3 in two respects, which Leasehold does not need: it accepts no unsigned or chunked payload and no presigned URL.
"""

import base64
import collections
import functools
import hashlib
import hmac
import json
import re
import time
import types
import zlib
from datetime import datetime, timedelta, timezone
from typing import NamedTuple, Optional
from urllib.parse import parse_qsl, quote, unquote
from xml.sax.saxutils import escape

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.compat import HTTPHeaders

AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/,\s]+)/(\d{8})/([^/,]+)/([^/,]+)/aws4_request, ?"
    r"SignedHeaders=([^,\s]+), ?Signature=([0-9a-f]{64})"
)
REGION = re.compile(r"[a-z]{2,}(-[a-z]+)+-\d")
# IAM is a global service: it accepts the signatures of one region for each partition.
IAM_REGIONS = {"us-east-1", "cn-north-1", "us-gov-west-1"}
# The services of query APIs, by their version.
VERSIONS = {"2010-05-08": "iam", "2011-06-15": "sts"}
# The services of JSON APIs, by the start of X-Amz-Target.
TARGETS = {"secretsmanager": "secretsmanager", "trentservice": "kms"}
# https://docs.aws.amazon.com/STS/latest/APIReference/: the calls that are made without credentials.
UNSIGNED = {"AssumeRoleWithWebIdentity", "AssumeRoleWithSAML"}
TOLERANCE = timedelta(minutes=15)
STAMP = "%Y%m%dT%H%M%SZ"
CHECKSUMS = {
    "content-md5": lambda body: hashlib.md5(body).digest(),
    "x-amz-checksum-sha1": lambda body: hashlib.sha1(body).digest(),
    "x-amz-checksum-sha256": lambda body: hashlib.sha256(body).digest(),
    "x-amz-checksum-crc32": lambda body: zlib.crc32(body).to_bytes(4, "big"),
}
MISMATCH = "The request signature we calculated does not match the signature you provided. Check your key and signing method."


class AccessKey(NamedTuple):
    """An access key of an emulator. Keys of users have no token and no `expires`, which is in seconds since 1970."""

    secret: str
    token: Optional[str] = None
    expires: Optional[float] = None


# The credentials of `Emulator::env`.
ROOT = {"test": AccessKey("test")}


class Received(NamedTuple):
    """A received request, with undecoded path and query, and with header names in lower case."""

    method: str
    path: str
    query: str
    headers: dict
    body: bytes

    def parameters(self):
        """The parameters of a query API call; empty for other requests."""
        form = self.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
        return dict(parse_qsl(self.body.decode("utf-8", "replace"))) if form and self.path == "/" else {}


class Refusal(Exception):
    """The error that AWS returns."""

    def __init__(self, status, code, message):
        super().__init__(f"{code}: {message}")
        self.status, self.code, self.message = status, code, message

    def response(self, service):
        """The content type and the body, in the format of the service."""
        if service == "s3":
            text = f"<Error><Code>{self.code}</Code><Message>{escape(self.message)}</Message></Error>"
            return "application/xml", f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'.encode()
        if service in TARGETS.values():
            return "application/x-amz-json-1.1", json.dumps({"__type": self.code, "message": self.message}).encode()
        kind = "Sender" if self.status < 500 else "Receiver"
        text = f"<Error><Type>{kind}</Type><Code>{self.code}</Code><Message>{escape(self.message)}</Message></Error>"
        namespace = f"https://{service}.amazonaws.com/doc/2010-05-08/"
        text = f'<ErrorResponse xmlns="{namespace}">{text}<RequestId>leasehold-test</RequestId></ErrorResponse>'
        return "text/xml", text.encode()


@functools.lru_cache(maxsize=256)
def signing_key(secret, date, region, service):
    key = f"AWS4{secret}".encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key


class AsReceived:
    """Signs the signed parts of a request with a botocore signer. Caches signing keys."""

    def headers_to_sign(self, request):
        return request.headers

    def signature(self, string_to_sign, request):
        key = signing_key(self.credentials, request.context["timestamp"][:8], self._region_name, self._service_name)
        return hmac.new(key, string_to_sign.encode(), hashlib.sha256).hexdigest()


class Signer(AsReceived, SigV4Auth):
    pass


class S3Signer(AsReceived, S3SigV4Auth):
    def _normalize_url_path(self, path):
        # botocore signs the path as the client sent it. S3 decodes the path and encodes it again, strictly.
        return quote(unquote(path), safe="/~")


class SignatureCheck:
    """Checks requests to one emulator. `find_key` returns the `AccessKey` of an id, `bucket_region` the region of a bucket; both `None` if unknown."""

    def __init__(self, find_key, bucket_region):
        self.find_key, self.bucket_region = find_key, bucket_region
        # How many seconds the clock that clients read may be ahead: tests inject responses with a wrong clock.
        self.clocks = {0}
        # The number of requests by verdict, without requests of the test itself.
        self.verdicts = collections.Counter()

    def check(self, request):
        """The verdict, and the `Refusal` with its service where there is one."""
        service = "s3"
        try:
            parameters = request.parameters()
            service = self.service(request, parameters)
            verdict, refusal = self.verify(request, parameters, service), None
        except Refusal as refused:
            verdict, refusal = str(refused), (refused, service)
        if UNCOUNTED not in request.headers.get("user-agent", ""):
            self.verdicts[verdict] += 1
        return verdict, refusal

    def service(self, request, parameters):
        """The service that the request names. Tests use S3 only among the services without target and parameters."""
        if "x-amz-target" in request.headers:
            return TARGETS.get(request.headers["x-amz-target"].split(".")[0].lower(), "other")
        return VERSIONS.get(parameters.get("Version"), "other") if parameters else "s3"

    def verify(self, request, parameters, service):
        authorization = request.headers.get("authorization")
        if authorization is None:
            if service == "sts" and parameters.get("Action") in UNSIGNED:
                return "anonymous"
            code = "AccessDenied" if service == "s3" else "MissingAuthenticationToken"
            raise Refusal(403, code, "Request is missing Authentication Token")
        parts = AUTHORIZATION.fullmatch(authorization)
        if parts is None:
            code = "AuthorizationHeaderMalformed" if service == "s3" else "IncompleteSignature"
            raise Refusal(400, code, "The authorization header is malformed")
        key_id, date, region, scope, signed, signature = parts.groups()
        if service not in ("other", scope):
            raise Refusal(403, "SignatureDoesNotMatch", f"Credential should be scoped to correct service: '{service}'.")
        key = self.key(key_id, request, scope)
        self.check_region(request, scope, region)
        stamp = self.check_date(request, scope, date)
        if scope == "s3" and "x-amz-content-sha256" not in request.headers:
            raise Refusal(400, "InvalidRequest", "Missing required header for this request: x-amz-content-sha256")
        self.check_signed_headers(request, scope, signed.split(";"))
        expected = self.signature(request, scope, region, stamp, key, signed.split(";"))
        if not hmac.compare_digest(expected, signature):
            raise Refusal(403, "SignatureDoesNotMatch", MISMATCH)
        check_payload(request, scope)
        return "valid"

    def key(self, key_id, request, service):
        key, token = ROOT.get(key_id) or self.find_key(key_id), request.headers.get("x-amz-security-token")
        if key is None or key.token and not token:
            code = "InvalidAccessKeyId" if service == "s3" else "InvalidClientTokenId"
            raise Refusal(403, code, "The access key id or security token included in the request is invalid.")
        if key.token != token:
            status, code = (400, "InvalidToken") if service == "s3" else (403, "InvalidClientTokenId")
            raise Refusal(status, code, "The security token included in the request is invalid.")
        if key.expires is not None and key.expires < time.time():
            status, code = (400, "ExpiredToken") if service == "s3" else (403, "ExpiredToken")
            raise Refusal(status, code, "The security token included in the request is expired")
        return key

    def check_region(self, request, service, region):
        if service == "iam" and region not in IAM_REGIONS or not REGION.fullmatch(region):
            raise Refusal(403, "SignatureDoesNotMatch", "Credential should be scoped to a valid region.")
        if service == "s3":
            # https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
            expected = self.bucket_region(unquote(request.path).split("/")[1])
            if expected not in (None, region):
                message = f"The authorization header is malformed; the region '{region}' is wrong; expecting '{expected}'"
                raise Refusal(400, "AuthorizationHeaderMalformed", message)

    def check_date(self, request, service, date):
        stamp = request.headers.get("x-amz-date", "")
        try:
            signed = datetime.strptime(stamp, STAMP)
        except ValueError:
            raise Refusal(403, "AccessDenied", "AWS authentication requires a valid Date or x-amz-date header") from None
        if stamp[:8] != date:
            raise Refusal(403, "SignatureDoesNotMatch", f"Date in Credential scope does not match {stamp[:8]}")
        now = datetime.now(timezone.utc).replace(tzinfo=None)
        if not any(abs(now + timedelta(seconds=ahead) - signed) <= TOLERANCE for ahead in self.clocks):
            if service == "s3":
                raise Refusal(403, "RequestTimeTooSkewed", "The difference between the request time and the current time is too large.")
            problem = "expired" if signed < now else "not yet current"
            raise Refusal(403, "SignatureDoesNotMatch", f"Signature {problem}: {stamp}, it is {now.strftime(STAMP)}")
        return stamp

    def check_signed_headers(self, request, service, signed):
        required = {"host", *(name for name in request.headers if name.startswith("x-amz-"))}
        if service == "s3" and "content-type" in request.headers:
            required.add("content-type")
        missing = sorted(required.difference(signed))
        absent = sorted(set(signed).difference(request.headers))
        if absent:
            raise Refusal(403, "SignatureDoesNotMatch", f"There are signed headers that the request does not have: {', '.join(absent)}")
        if missing:
            code = "AccessDenied" if service == "s3" else "SignatureDoesNotMatch"
            raise Refusal(403, code, f"There were headers present in the request which were not signed: {', '.join(missing)}")

    def signature(self, request, service, region, stamp, key, signed):
        headers = HTTPHeaders()
        for name in signed:
            headers[name] = request.headers[name]
        content = types.SimpleNamespace(
            method=request.method,
            url=f"http://host{request.path}",
            params=parse_qsl(request.query, keep_blank_values=True),
            headers=headers,
            body=request.body,
            context={"timestamp": stamp},
        )
        signer = (S3Signer if service == "s3" else Signer)(key.secret, service, region)
        return signer.signature(signer.string_to_sign(content, signer.canonical_request(content)), content)


def check_payload(request, service):
    """Compares the body with each hash in the request. For the hashes that a request to S3 must have, see
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html"""
    headers, body = request.headers, request.body
    declared = headers.get("x-amz-content-sha256")
    if declared is not None and declared != hashlib.sha256(body).hexdigest():
        message = f"The provided 'x-amz-content-sha256' header does not match what was computed: {declared}"
        # Other services compute the hash themselves, so the signature does not match.
        raise Refusal(*((400, "XAmzContentSHA256Mismatch") if service == "s3" else (403, "SignatureDoesNotMatch")), message)
    for name, digest in CHECKSUMS.items():
        if name in headers and headers[name] != base64.b64encode(digest(body)).decode():
            raise Refusal(400, "BadDigest", f"The {name} you specified did not match the calculated checksum.")
    checksums = [name for name in headers if name.startswith("x-amz-checksum-") and name != "x-amz-checksum-type"]
    if service == "s3" and "x-amz-sdk-checksum-algorithm" in headers and not checksums:
        message = "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found."
        raise Refusal(400, "InvalidRequest", message)
    if "x-amz-object-lock-mode" in headers and not checksums and "content-md5" not in headers:
        message = "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters"
        raise Refusal(400, "InvalidRequest", message)
