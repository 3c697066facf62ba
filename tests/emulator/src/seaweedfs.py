"""Runs SeaweedFS on free loopback ports: master, volume server, filer and S3 gateway in one process.

Prints one line, {"port": N}, when S3 answers. It exits at the end of its standard input, so it cannot outlive the test that started it.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

# Each server has a port for HTTP and one for gRPC.
SERVERS = ("master", "volume", "filer", "s3")
# These credentials have all permissions.
ACCESS = {"name": "test", "credentials": [{"accessKey": "test", "secretKey": "test"}], "actions": ["Admin"]}


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listener.getsockname()[1] for listener in sockets]
    for listener in sockets:
        listener.close()
    return ports


def arguments(scratch, http, grpc):
    ports = [f"-{name}.port={port}" for name, port in http.items()]
    ports += [f"-{name}.port.grpc={port}" for name, port in grpc.items()]
    with open(f"{scratch}/s3.json", "w") as config:
        json.dump({"identities": [ACCESS]}, config)
    return [
        *("server", f"-dir={scratch}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3", *ports),
        *("-s3.port.iceberg=0", "-s3.port.lance=0", f"-s3.config={scratch}/s3.json"),
        *(f"-filer.localSocket={scratch}/filer.sock", f"-s3.localSocket={scratch}/s3.sock"),
        # A bucket that does not exist is an error, as in AWS.
        "-s3.autoCreateBucket=false",
        *("-master.telemetry=false", "-master.volumeSizeLimitMB=64", "-volume.max=16"),
    ]


def answers(url):
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return response.status == 200
    except OSError:
        return False


def launch(scratch):
    """The running server and its S3 port. `None` if it exited, for example because another program uses one of its ports."""
    ports = free_ports(2 * len(SERVERS))
    http, grpc = dict(zip(SERVERS, ports)), dict(zip(SERVERS, ports[len(SERVERS) :]))
    program = os.path.join(os.path.dirname(sys.executable), "weed")
    quiet = dict(stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    weed = subprocess.Popen([program, *arguments(scratch, http, grpc)], cwd=scratch, env={"HOME": scratch}, **quiet)
    # A file id is assigned as soon as a volume server is writable.
    urls = (f"http://127.0.0.1:{http['s3']}/healthz", f"http://127.0.0.1:{http['master']}/dir/assign")
    while weed.poll() is None:
        if all(map(answers, urls)):
            return weed, http["s3"]
        time.sleep(0.05)
    return None


def main():
    for _ in range(5):
        with tempfile.TemporaryDirectory() as scratch:
            launched = launch(scratch)
            if launched is None:
                continue
            weed, port = launched
            try:
                print(json.dumps({"port": port}), flush=True)
                while sys.stdin.buffer.read(4096):
                    pass
            finally:
                weed.kill()
                weed.wait()
            return


main()
