"""How long a program runs, and how much memory it and all that it started take."""

import os
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path


class NotComparable(Exception):
    """A comparison could not be made: nothing is said about the bounds."""


@dataclass
class Run:
    """One run of a program: seconds, seconds of processor time, bytes (0 of one too short to be looked at)."""

    wall: float
    cpu: float
    memory: int


def run(command, cwd, env=None, expect=None):
    """Runs a command to its end and measures it. `expect` must stand in its output."""
    command = [str(part) for part in command]
    with tempfile.TemporaryFile() as output:
        before = time.perf_counter()
        child = subprocess.Popen(command, cwd=cwd, env={**os.environ, **(env or {})},
                                 stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
        ended = threading.Event()
        tree = Tree(child.pid)
        watcher = threading.Thread(target=tree.watch, args=(ended,))
        watcher.start()
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - before
        child.returncode = os.waitstatus_to_exitcode(status)
        ended.set()
        watcher.join()
        output.seek(0)
        text = output.read().decode("utf-8", "replace")
    if child.returncode != 0 or (expect is not None and expect not in text):
        raise NotComparable(f"{' '.join(command)} ended with {child.returncode}:\n{text[-3000:]}")
    return Run(wall, usage.ru_utime + usage.ru_stime, tree.peak)


class Tree:
    """The memory of a process and of all that it started.

    What `wait4` tells will not do: it counts what this script held when it started the process.
    """

    def __init__(self, root):
        self.root = root
        self.peak = 0

    def watch(self, ended):
        while True:
            now = [self.memory(pid) for pid in self.members()]
            highest_of_one = max(highest for _, highest in now)
            self.peak = max(self.peak, sum(resident for resident, _ in now), highest_of_one)
            if ended.wait(0.005):
                return

    def members(self):
        found, waiting = [], [self.root]
        while waiting:
            pid = waiting.pop()
            found.append(pid)
            try:
                for task in os.listdir(f"/proc/{pid}/task"):
                    waiting.extend(Path(f"/proc/{pid}/task/{task}/children").read_text().split())
            except OSError:
                continue
        return found

    @staticmethod
    def memory(pid):
        """What is resident of a process, and the most that ever was."""
        figures = {"VmRSS": 0, "VmHWM": 0}
        try:
            for line in Path(f"/proc/{pid}/status").read_text().splitlines():
                name, _, value = line.partition(":")
                if name in figures:
                    figures[name] = int(value.split()[0]) * 1024
        except OSError:
            pass
        return figures["VmRSS"], figures["VmHWM"]


def best(runs):
    """The shortest wall and processor time of several runs, and their highest peak."""
    return Run(min(r.wall for r in runs), min(r.cpu for r in runs), max(r.memory for r in runs))


def alternating(count, *programs):
    """Each program `count` times, in turns; the best of each."""
    rounds = [[program() for program in programs] for _ in range(count)]
    return [best(column) for column in zip(*rounds)]
