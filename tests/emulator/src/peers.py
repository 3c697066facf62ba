"""Servers on loopback, between a program under test and the emulator or next to it: a TLS front end, an HTTP proxy, and a server
with fixed responses. sys.argv[1] is a JSON object that selects one; the first line on stdout is its address. It exits at the end of its
standard input, so it cannot outlive the test. GET /leasehold-test/requests returns the requests that the proxy or the server received."""

import base64
import datetime
import http.client
import http.server
import ipaddress
import json
import os
import socket
import ssl
import sys
import tempfile
import threading

RECORD = "/leasehold-test/requests"
requests = []


def pipe(source, target):
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        pass
    finally:
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def tunnel(one, other):
    thread = threading.Thread(target=pipe, args=(one, other), daemon=True)
    thread.start()
    pipe(other, one)
    thread.join()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def body(self):
        return self.rfile.read(int(self.headers.get("content-length") or 0))

    def answer(self, status, body=b"", headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def record(self):
        headers = {name.lower(): value for name, value in self.headers.items()}
        requests.append({"method": self.command, "target": self.path, "headers": headers})

    def handle_any(self):
        if self.path == RECORD:
            self.answer(200, json.dumps(requests).encode())
        else:
            self.record()
            self.serve()

    do_GET = do_POST = do_PUT = do_CONNECT = handle_any


class Proxy(Handler):
    """`login`: the USER:PASSWORD to require; `refuse`: an HTTP status for every request."""

    def serve(self):
        body = self.body()
        login = self.settings.get("login")
        wanted = login and "Basic " + base64.b64encode(login.encode()).decode()
        if login and self.headers.get("proxy-authorization") != wanted:
            return self.answer(407, b"", [("Proxy-Authenticate", 'Basic realm="proxy"'), ("Connection", "close")])
        if refuse := self.settings.get("refuse"):
            return self.answer(refuse, b"<html>no</html>", [("Content-Type", "text/html"), ("Connection", "close")])
        if self.command == "CONNECT":
            host, port = self.path.rsplit(":", 1)
            with socket.create_connection((host, int(port))) as target:
                self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                tunnel(self.connection, target)
            self.close_connection = True
            return None
        place, _, path = self.path.removeprefix("http://").partition("/")
        headers = {name: value for name, value in self.headers.items() if not name.lower().startswith("proxy-")}
        upstream = http.client.HTTPConnection(place, timeout=60)
        upstream.request(self.command, "/" + path, body, headers)
        answer = upstream.getresponse()
        kept = [(n, v) for n, v in answer.getheaders() if n.lower() not in ("content-length", "transfer-encoding", "connection")]
        return self.answer(answer.status, answer.read(), kept)


class Answers(Handler):
    """`routes`: `status` and `body` by path without query; `needs`: headers that a request must have, otherwise the response
    is `refusal` (a route), or 403."""

    def serve(self):
        self.body()
        route = self.settings["routes"].get(self.path.split("?")[0])
        if route is None:
            return self.answer(404, b"{}")
        if any(self.headers.get(name) != value for name, value in route.get("needs", {}).items()):
            route = route.get("refusal", {"status": 403, "body": "{}"})
        headers = [("Content-Type", "application/json"), *route.get("headers", {}).items()]
        return self.answer(route.get("status", 200), route["body"].encode(), headers)


def certificate(settings):
    """A private authority and its certificate for 127.0.0.1 and localhost; on request expired, not yet valid, or for another name."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    kind = settings.get("certificate", "good")
    now = datetime.datetime.now(datetime.timezone.utc)
    day = datetime.timedelta(days=1)
    start, end = {"expired": (now - 9 * day, now - 2 * day), "future": (now + 2 * day, now + 9 * day)}.get(
        kind, (now - day, now + 9 * day)
    )

    def name(text):
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    def build(subject, public, issuer, signer, first, last, extensions):
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(public)
        builder = builder.serial_number(x509.random_serial_number()).not_valid_before(first).not_valid_after(last)
        for extension in extensions:
            builder = builder.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        return builder.sign(signer, hashes.SHA256())

    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority = name("leasehold test authority")
    root = build(
        authority, authority_key.public_key(), authority, authority_key, now - 99 * day, now + 99 * day,
        [x509.BasicConstraints(ca=True, path_length=None)],
    )
    hosts = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    if kind == "other_name":
        hosts = [x509.DNSName("iam.example.com")]
    leaf = build(
        name("localhost"), key.public_key(), authority, authority_key, start, end, [x509.SubjectAlternativeName(hosts)]
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return root.public_bytes(pem).decode(), leaf.public_bytes(pem) + private


def serve_tls(settings):
    authority, chain = certificate(settings)
    with tempfile.NamedTemporaryFile() as file:
        file.write(chain)
        file.flush()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file.name)
    listener = socket.create_server(("127.0.0.1", 0))

    def handle(connection):
        try:
            with context.wrap_socket(connection, server_side=True) as secure:
                with socket.create_connection(("127.0.0.1", settings["to"])) as target:
                    tunnel(secure, target)
        except OSError:
            pass

    def accept():
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=handle, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return {"port": listener.getsockname()[1], "authority": authority}


def serve_http(handler, settings):
    handler.settings = settings
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return {"port": server.server_port, "authority": ""}


settings = json.loads(sys.argv[1])
ready = {
    "tls": serve_tls,
    "proxy": lambda settings: serve_http(Proxy, settings["proxy"]),
    "answers": lambda settings: serve_http(Answers, settings),
}[settings["kind"]](settings)
print(json.dumps(ready), flush=True)
while sys.stdin.buffer.read(4096):
    pass
os._exit(0)
