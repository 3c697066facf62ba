"""moto, as the tests start it: see tests/emulator."""

import json
import os
import subprocess
import urllib.request
from pathlib import Path

from .measure import NotComparable

ROOT = Path(__file__).resolve().parent.parent.parent
TARGET = ROOT / os.environ.get("CARGO_TARGET_DIR", "target")


class Emulator:
    """moto, as the tests start it: see tests/emulator."""

    def __enter__(self):
        # Other environments, of linters, lie beside it.
        made = [path for path in TARGET.glob("emulator/venv-*/complete") if (path.parent / "bin" / "moto_server").exists()]
        made.sort(key=os.path.getmtime)
        if not made:
            raise NotComparable("the emulator is not set up; run once: cargo test -p leasehold-emulator")
        source = ROOT / "tests" / "emulator" / "src"
        launcher = "\n".join((source / f"{part}.py").read_text() for part in ("snippet", "models", "launcher"))
        self.server = subprocess.Popen([made[-1].parent / "bin" / "python", "-c", launcher],
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.endpoint = f"http://127.0.0.1:{json.loads(self.server.stdout.readline())['port']}"
        return self

    def counts(self):
        """The calls since it was last asked, by API."""
        counts = self.control("counts")
        self.control("forget")
        return counts

    def calls(self):
        """The number of calls since it was last asked."""
        return sum(self.counts().values())

    def control(self, what):
        request = urllib.request.Request(f"{self.endpoint}/leasehold-test/{what}", data=b"null", method="POST")
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def __exit__(self, *_):
        self.server.kill()
        self.server.wait()
