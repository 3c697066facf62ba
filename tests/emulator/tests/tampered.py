# Runs as a snippet in an emulator: sends requests that are signed correctly and then changed, or signed wrongly, and prints each response.
import base64, datetime, hashlib, http.client, unittest.mock
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

endpoint = iam.meta.endpoint_url
EMPTY = hashlib.sha256(b"").hexdigest()
FORM = "application/x-www-form-urlencoded; charset=utf-8"


class Request:
    """One request, signed by botocore, that a test may change before and after it is signed."""

    def __init__(self, service, body=None):
        self.service, self.scope, self.region, self.key = service, service, "us-east-1", ("test", "test")
        self.method, self.path, self.headers = ("PUT", "/signed/a/key", {}) if service == "s3" else ("POST", "/", {"Content-Type": FORM})
        self.body = b"a body" if service == "s3" else b"Action=ListUsers&Version=2010-05-08"
        self.minutes, self.payload = 0, None

    def sign(self):
        signer = (S3SigV4Auth if self.scope == "s3" else SigV4Auth)(Credentials(*self.key), self.scope, self.region)
        request = AWSRequest(self.method, endpoint + self.path, dict(self.headers), self.body)
        if self.payload:
            signer.payload = lambda request: self.payload
        then = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=self.minutes)
        with unittest.mock.patch("botocore.auth.get_current_datetime", lambda: then):
            signer.add_auth(request)
        self.headers = dict(request.headers.items())
        return self

    def send(self):
        connection = http.client.HTTPConnection(endpoint.removeprefix("http://"), timeout=60)
        connection.request(self.method, self.path, self.body, self.headers)
        response = connection.getresponse()
        text = response.read().decode()
        code = text.partition("<Code>")[2].partition("</Code>")[0]
        return f"{response.status} {code}".strip()


def before(**attributes):
    """A case whose attributes are changed before it is signed."""

    def case(request):
        headers = attributes.get("headers", {})
        for name, value in attributes.items():
            setattr(request, name, value) if name != "headers" else None
        request.headers.update(headers)
        request.sign()

    return case


def after(change, **attributes):
    """A case that is changed after it is signed."""

    def case(request):
        before(**attributes)(request)
        change(request)

    return case


def put(name, value):
    return lambda request: request.headers.__setitem__(name, value)


def authorization(old, new):
    def change(request):
        assert old in request.headers["Authorization"], request.headers
        request.headers["Authorization"] = request.headers["Authorization"].replace(old, new)

    return change


def flip_signature(request):
    last = request.headers["Authorization"][-1]
    request.headers["Authorization"] = request.headers["Authorization"][:-1] + ("0" if last != "0" else "1")


client("s3").create_bucket(Bucket="signed", ObjectLockEnabledForBucket=True)
client("s3").create_bucket(Bucket="elsewhere", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]}
role = iam.create_role(RoleName="signer", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
assumed = sts.assume_role(RoleArn=role, RoleSessionName="signer")["Credentials"]
session = (assumed["AccessKeyId"], assumed["SecretAccessKey"], assumed["SessionToken"])
iam.create_user(UserName="signer")


def user_key():
    made = iam.create_access_key(UserName="signer")["AccessKey"]
    return made["AccessKeyId"], made["SecretAccessKey"]


active, unused = user_key(), user_key()
iam.update_access_key(UserName="signer", AccessKeyId=unused[0], Status="Inactive")

cases = {
    "signed well": before(),
    "key of a user": before(key=active),
    "session": before(key=session),
    "14 minutes old": before(minutes=-14),
    "hash of an empty body": before(payload=EMPTY, headers={"X-Amz-Content-SHA256": EMPTY}),
    "altered signature": after(flip_signature),
    "other secret": before(key=("test", "tset")),
    "altered body": after(lambda request: setattr(request, "body", request.body + b"&x=1")),
    "altered header": after(put("Content-Type", FORM + "; x"), headers={"Content-Type": FORM}),
    "added header": after(put("X-Amz-Tagging", "a=b")),
    "altered query": after(lambda request: setattr(request, "path", request.path + "?x=1")),
    "host not signed": after(authorization("host;", "")),
    "session without token": before(key=session[:2]),
    "token not signed": after(authorization("x-amz-security-token", "x-amz-date"), key=session),
    "other token": before(key=(*session[:2], "other")),
    "user with token": before(key=(*active, session[2])),
    "unknown key": before(key=("AKIAIOSFODNN7EXAMPLE", "test")),
    "inactive key": before(key=unused),
    "16 minutes old": before(minutes=-16),
    "16 minutes ahead": before(minutes=16),
    "other region": before(region="eu-west-1"),
    "no region": before(region="aws-global"),
    "other service": before(scope="sqs"),
    "no authorization": after(lambda request: request.headers.pop("Authorization")),
    "malformed authorization": after(authorization("SignedHeaders", "Headers")),
    "wrong MD5": before(headers={"Content-MD5": base64.b64encode(bytes(16)).decode()}),
    "wrong SHA-256": before(headers={"X-Amz-Checksum-SHA256": base64.b64encode(bytes(32)).decode()}),
}
of_s3 = {
    "altered key": after(lambda request: setattr(request, "path", "/signed/another/key")),
    "key with spaces": before(path="/signed/a%20%2Bb%3D"),
    "key not encoded": before(path="/signed/a=b"),
    "no hash": after(lambda request: request.headers.pop("X-Amz-Content-SHA256")),
    "payload not signed": before(payload="UNSIGNED-PAYLOAD"),
    "algorithm without checksum": before(headers={"X-Amz-SDK-Checksum-Algorithm": "SHA256"}),
    "retention without checksum": before(headers={"X-Amz-Object-Lock-Mode": "GOVERNANCE"}),
    "bucket of another region": before(path="/elsewhere/key"),
    "the region of the bucket": before(path="/elsewhere/key", region="eu-west-1"),
    "head": after(flip_signature, method="HEAD", body=b""),
}


def answer(service, case):
    request = Request(service)
    case(request)
    return request.send()


rows = [f"{name}: {answer('s3', case)}; {answer('iam', case)}" for name, case in cases.items()]
print([*rows, *(f"{name}: {answer('s3', case)}" for name, case in of_s3.items())])
