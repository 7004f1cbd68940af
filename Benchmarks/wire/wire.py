"""The wire benchmark: the kernel's floor, our server with the C client, and the Python client, interleaved.

    python Benchmarks/wire/wire.py [--seconds 100] [--quick] [--server PATH] [--json FILE]

Each cell (connections x depth x payload) is measured in rounds: floor, ours, floor, ours..., so that what the
machine does meanwhile meets all alike; the figures are the medians over the rounds, and the ratios are those of
the medians. A lone caller and its server are kept on one CPU: where the scheduler puts them else (10 us apart when
they share one, 60 us when the other has to be woken from idle) would decide more than the programs.

Needs nothing but the standard library, the built programs and, for load.py, an interpreter that has protobuf.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import pathlib
import platform
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from running import allow, measure, median  # noqa: E402

ROOT = HERE.parent.parent
PIPELINE = 64
WINDOW_BYTES = 1 << 20


@contextlib.contextmanager
def serving(command: list[str]):
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline()
        if "ready" not in line:
            raise SystemExit(f"{command[0]} did not get ready: {line!r}")
        yield process.pid
    finally:
        process.terminate()
        process.wait(10)


def cells(quick: bool) -> list[tuple[int, int, int]]:
    """Connections, depth, payload. A window of calls in flight is at most 1 MiB a connection."""
    if quick:
        return [(1, 1, 150), (1, PIPELINE, 150), (64, 1, 150)]
    return [
        (connections, min(depth, max(2, WINDOW_BYTES // payload)) if depth > 1 else 1, payload)
        for payload in (64, 150, 1024, 65536)
        for connections in (1, 8, 64)
        for depth in (1, PIPELINE)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=100, help="about how long to measure, over all")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="three cells only")
    parser.add_argument("--server", default=str(ROOT / ".build" / "release" / "EchoServer"))
    parser.add_argument("--server-option", action="append", default=[], help="passed to the server")
    parser.add_argument("--build", default=str(ROOT / ".build" / "bench"), help="where load and floor_server are")
    parser.add_argument("--python", default=sys.executable, help="an interpreter that has protobuf")
    parser.add_argument("--json", default="", help="also write the figures to this file")
    options = parser.parse_args()

    plan = cells(options.quick)
    python_cells = [cell for cell in plan if cell[0] in (1, 8) and cell[2] in (150, 65536)]
    runs = options.rounds * (2 * len(plan) + len(python_cells))
    milliseconds = max(100, int((options.seconds / runs - 0.05) * 1000))
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "clients" / "python" / "src")}
    load = str(pathlib.Path(options.build) / "load")
    results = []
    begin = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        floor, ours = os.path.join(folder, "floor"), os.path.join(folder, "ours")
        floor_server = [str(pathlib.Path(options.build) / "floor_server"), floor]
        ours_server = [options.server, ours, *options.server_option]
        with serving(floor_server) as floor_pid, serving(ours_server) as ours_pid:
            every_cpu = os.sched_getaffinity(0)
            print(heading())
            for connections, depth, payload in plan:
                arguments = [str(connections), str(depth), str(payload), str(milliseconds)]
                cpus = {max(every_cpu)} if connections == depth == 1 else every_cpu
                allow(floor_pid, cpus)
                allow(ours_pid, cpus)
                rounds: dict[str, list[dict[str, float]]] = {"floor": [], "c": [], "python": []}
                for _ in range(options.rounds):
                    rounds["floor"].append(measure([load, "raw", floor, *arguments], cpus))
                    rounds["c"].append(measure([load, "cowbird", ours, *arguments], cpus))
                    if (connections, depth, payload) in python_cells:
                        command = [options.python, str(HERE / "load.py"), ours, *arguments]
                        rounds["python"].append(measure(command, cpus, environment))
                for client, figures in rounds.items():
                    if figures:
                        row = {"client": client, "connections": connections, "depth": depth, "payload": payload}
                        row.update(median(figures))
                        base = median(rounds["floor"])
                        row["p50_ratio"] = round(row["p50"] / base["p50"], 2)
                        row["rate_ratio"] = round(row["calls_per_second"] / max(1, base["calls_per_second"]), 2)
                        results.append(row)
                        print(line(row), flush=True)
    report = {
        "machine": {"cpus": os.cpu_count(), "kernel": platform.release(), "load": os.getloadavg()},
        "rounds": options.rounds,
        "milliseconds_per_run": milliseconds,
        "seconds": round(time.monotonic() - begin, 1),
        "results": results,
    }
    print(f"\n{report['seconds']} s, {milliseconds} ms a run, load average {os.getloadavg()[0]:.1f}")
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(report, indent=1) + "\n")
        print(f"figures as JSON: {options.json}")


def heading() -> str:
    columns = f"{'payload':>7} {'conns':>5} {'depth':>5}  {'client':<7} {'p50 us':>9} {'p99 us':>9} {'p99.9 us':>9}"
    return f"{columns} {'calls/s':>10}  {'p50/floor':>9} {'rate/floor':>10}"


def line(row: dict[str, float]) -> str:
    return (
        f"{row['payload']:>7} {row['connections']:>5} {row['depth']:>5}  {row['client']:<7} {row['p50']:>9.1f} "
        f"{row['p99']:>9.1f} {row['p999']:>9.1f} {row['calls_per_second']:>10,.0f}  {row['p50_ratio']:>9.2f} "
        f"{row['rate_ratio']:>10.2f}"
    )


if __name__ == "__main__":
    main()
