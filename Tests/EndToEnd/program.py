"""The program, run: as a daemon, and as commands to it.

It is .build/release/cowbird, or what $COWBIRD_BINARY names.
"""

from __future__ import annotations

import json
import os
import pathlib
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "clients/python/src"))

BINARY = os.environ.get("COWBIRD_BINARY", str(ROOT / ".build/release/cowbird"))
DONE, REFUSED, USAGE, CANNOT_CONNECT, DEADLINE = range(5)


class Daemon:
    def __init__(self, folder: pathlib.Path, *options: str) -> None:
        self.folder, self.options = folder, options
        self.socket = str(folder / "s")
        self.start()

    def start(self) -> None:
        data = str(self.folder / "data")
        command = [BINARY, "serve", "--socket", self.socket, "--data", data, *self.options]
        self.messages = open(self.folder / "messages", "a")  # noqa: SIM115
        self.process = subprocess.Popen(command, stderr=self.messages)
        wait_until(lambda: self.run("status").returncode == DONE or self.process.poll() is not None)
        assert self.process.poll() is None, (self.folder / "messages").read_text()

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        self.process.terminate()
        assert self.process.wait(30) == DONE

    def run(self, *command: str, **options: object) -> subprocess.CompletedProcess[str]:
        return run(*command, "--socket", self.socket, **options)

    def json(self, *command: str) -> dict:
        done = self.run(*command, "--json")
        assert done.returncode == DONE, done.stderr
        return json.loads(done.stdout)

    def flush(self) -> None:
        assert self.run("update", "flush").returncode == DONE


def run(*command: str, **options: object) -> subprocess.CompletedProcess[str]:
    if "input" not in options:
        options.setdefault("stdin", subprocess.DEVNULL)
    return subprocess.run([BINARY, *command], capture_output=True, text=True, timeout=60, **options)  # type: ignore[call-overload]


def wait_until(is_so, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.02)


def small_model(folder: pathlib.Path, event_type: str) -> str:
    """A configuration that learns fast, so that a restart takes no time."""
    path = folder / "small.yaml"
    path.write_text(
        f"events: {{{event_type}: {{label: value}}}}\n"
        "label: {minimum: 1, maximum: 5, center: 3}\n"
        "features: {sparse: {user: user, item: item}}\n"
        "model: {use: [bias], members: {bias: {kind: bias}}, stack: first}\n"
    )
    return str(path)


def events(first: int, count: int) -> str:
    lines = []
    for number in range(first, first + count):
        line = {"type": "rating", "user": f"u{number % 97}", "item": f"i{number % 53}", "value": number % 5 + 1}
        lines.append(json.dumps({**line, "time": 1_700_000_000 + number}) + "\n")
    return "".join(lines)


def held(daemon: Daemon) -> int:
    """Records in the log."""
    return int(daemon.json("update", "status").get("log_end_offset", 1)) - 1
