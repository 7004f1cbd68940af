"""The daemon as a process that can be killed and started again on the same data."""

from __future__ import annotations

import signal
import subprocess


class Daemon:
    def __init__(self, binary: str, directory: str, preset: str) -> None:
        self.binary = binary
        self.directory = directory
        self.preset = preset
        self.socket = f"{directory}/s"
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [self.binary, "serve", "--preset", self.preset, "--socket", self.socket, "--data", f"{self.directory}/data"]
        )

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=30)
        assert code == 0, f"the daemon ended with {code}"
