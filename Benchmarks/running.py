"""What the benchmarks that start servers share."""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import subprocess


def allow(pid: int, cpus: set[int], threads: str = "") -> None:
    """Lets every thread of a process, or those whose name begins so, run on these CPUs only."""
    for task in os.listdir(f"/proc/{pid}/task"):
        with contextlib.suppress(ProcessLookupError, FileNotFoundError), open(f"/proc/{pid}/task/{task}/comm") as name:
            if name.read().startswith(threads):
                os.sched_setaffinity(int(task), cpus)


def begin(command: list[str], cpus: set[int], environment: dict[str, str] | None = None) -> subprocess.Popen[str]:
    """A load generator on these CPUs."""
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        preexec_fn=lambda: os.sched_setaffinity(0, cpus),
    )


def end(process: subprocess.Popen[str]) -> dict[str, float]:
    """What it has measured."""
    output, errors = process.communicate(timeout=120)
    if process.returncode:
        raise SystemExit(f"{' '.join(map(str, process.args))} failed: {errors or output}")
    return json.loads(output)


def measure(command: list[str], cpus: set[int], environment: dict[str, str] | None = None) -> dict[str, float]:
    return end(begin(command, cpus, environment))


def median(rounds: list[dict[str, float]]) -> dict[str, float]:
    return {name: round(statistics.median(one[name] for one in rounds), 2) for name in rounds[0]}
