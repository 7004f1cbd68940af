"""The daemon's benchmark: a model of a million rows in a real daemon, asked by the C client beside the raw echo.

    python Benchmarks/daemon/daemon.py [--daemon PATH] [--build DIR] [--rounds 3] [--json FILE]

What is compared is measured in turns (floor, ours, floor, ours...), so that what the machine does meanwhile meets
all alike; figures are medians over the rounds. Score is measured twice: with caller and server on one CPU, where the
programs alone decide, and on a CPU each, where waking the other one decides most. While the daemon learns, the caller
and the reactors have one CPU, and the learner, the log and who sends the events the other.

Needs nothing but the standard library and the built programs. Takes four minutes.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import pathlib
import platform
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE.parent))

from running import allow, begin, end, measure, median  # noqa: E402

USERS, ITEMS, EVENTS = 200_000, 20_000, 600_000
ALL = os.sched_getaffinity(0)


@contextlib.contextmanager
def running(command: list[str], path: str):
    """A server, once it listens at `path`."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        for _ in range(1_000):
            with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
                probe.connect(path)
                break
            if process.poll() is not None:
                raise SystemExit(f"{command[0]} ended: {process.stderr.read()}")
            time.sleep(0.01)
        yield process.pid
    finally:
        process.terminate()
        process.communicate(timeout=60)


class Bench:
    def __init__(self, options: argparse.Namespace, folder: str) -> None:
        self.options, self.folder = options, folder
        self.path, self.floor = f"{folder}/daemon", f"{folder}/floor"
        self.figures: dict[str, dict[str, float]] = {}

    def serve(self, configuration: str):
        data = tempfile.mkdtemp(dir=self.folder)
        command = [self.options.daemon, "serve", "--config", str(HERE / configuration)]
        return running([*command, "--data", data, "--socket", self.path], self.path)

    def load(self, mode: str, **numbers: int) -> list[str]:
        return [f"{self.options.build}/daemon_load", mode, self.path, *(f"{k}={v}" for k, v in numbers.items())]

    def echo(self, ms: int) -> list[str]:
        return [f"{self.options.build}/load", "raw", self.floor, "1", "1", "150", str(ms)]

    def metric(self, name: str) -> float:
        command = [self.options.daemon, "update", "metrics", "--socket", self.path]
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        return next(float(line.split()[1]) for line in text.splitlines() if line.startswith(name + " "))

    def note(self, name: str, row: dict[str, float], text: str) -> None:
        self.figures[name] = row
        print(f"{name:<44} {text}", flush=True)

    # What is measured

    def scores(self, pids: list[int], where: str, server: set[int], cpus: set[int]) -> None:
        for pid in pids:
            allow(pid, server)
        rounds: dict[str, list[dict[str, float]]] = {"raw echo": [], "Score of 1": [], "Score of 100": []}
        for _ in range(self.options.rounds):
            rounds["raw echo"].append(measure(self.echo(700), cpus))
            rounds["Score of 1"].append(measure(self.load("score", candidates=1, ms=700), cpus))
            rounds["Score of 100"].append(measure(self.load("score", candidates=100, ms=700), cpus))
        base = median(rounds["raw echo"])["p50"]
        for name, all_rounds in rounds.items():
            row = median(all_rounds)
            row["ratio"] = round(row["p50"] / base, 2)
            text = f"p50 {row['p50']:7.1f} us   p99 {row['p99']:7.1f} us   {row['ratio']:.2f} x the raw echo"
            self.note(f"{name}, {where}", row, text)

    def score_while_learning(self, pid: int, rate: int) -> None:
        allow(pid, {min(ALL)})
        allow(pid, {max(ALL)}, threads="reactor")
        rounds: dict[str, list[dict[str, float]]] = {"idle": [], "busy": []}
        for _ in range(self.options.rounds):
            rounds["idle"].append(measure(self.load("score", ms=1500), {max(ALL)}))
            feed = begin(self.load("ingest", rate=rate, ms=3000), {min(ALL)})
            time.sleep(0.7)
            rounds["busy"].append(measure(self.load("score", ms=1500), {max(ALL)}))
            end(feed)
        allow(pid, ALL)
        idle, busy = median(rounds["idle"]), median(rounds["busy"])
        busy["ratio"] = round(busy["p99"] / idle["p99"], 2)
        text = f"p99 {busy['p99']:7.1f} us   idle {idle['p99']:.1f} us   {busy['ratio']:.2f} x"
        self.note(f"Score of 1 while learning {rate:,}/s", busy, text)

    def visible(self, rate: int) -> None:
        feed = begin(self.load("ingest", rate=rate, ms=5000), ALL)
        time.sleep(0.5)
        row = measure(self.load("visible", ms=4000), ALL)
        end(feed)
        text = f"p50 {row['p50'] / 1e3:7.3f} ms   p99 {row['p99'] / 1e3:7.3f} ms"
        self.note(f"acknowledged to visible at {rate:,}/s", row, text)

    def ingest(self) -> None:
        row = measure(self.load("ingest", events=1_000_000), ALL)
        durable, learned = row["durable_per_second"], row["learned_per_second"]
        self.note("Ingest.Stream", row, f"durable {durable:,.0f}/s   durable and learned {learned:,.0f}/s")

    def memory(self) -> None:
        time.sleep(1.2)
        rows, own = self.metric("cowbird_model_rows"), self.metric("cowbird_parameter_bytes")
        model, resident = self.metric("cowbird_model_bytes"), self.metric("cowbird_resident_memory_bytes")
        row = {"rows": rows, "parameter_bytes": own, "model": model / own, "resident": resident / own}
        text = f"{rows:,.0f} rows, {own / 2**20:.0f} MiB; tables {row['model']:.2f} x, process {row['resident']:.2f} x"
        self.note("memory", row, text)

    def recommend(self, items: int, configuration: str, floor: int) -> None:
        """One user after the other, caller, daemon and raw echo on one CPU."""
        cpu = {max(ALL)}
        allow(floor, cpu)
        with self.serve(configuration) as pid:
            measure(self.load("fill", users=1_000, items=items, events=max(200_000, items)), ALL)
            allow(pid, cpu)
            rounds: dict[str, list[dict[str, float]]] = {"ours": [], "echo": []}
            for _ in range(self.options.rounds):
                rounds["echo"].append(measure(self.echo(500), cpu))
                rounds["ours"].append(measure(self.load("recommend", users=1_000, items=items, ms=1500), cpu))
        row, echo = median(rounds["ours"]), median(rounds["echo"])["p50"]
        row["echo"], row["server"] = echo, round(row["p50"] - echo, 1)
        text = f"p50 {row['p50']:7.1f} us   p99 {row['p99']:7.1f} us   {row['server']:.0f} us more than the raw echo"
        self.note(f"Recommend, top 10 of {items:,}, {configuration.removesuffix('.yaml')}", row, text)


def shop(bench: Bench, wants: Callable[[str], bool], floor: int) -> None:
    with bench.serve("shop.yaml") as pid:
        row = measure(bench.load("fill", users=USERS, items=ITEMS, events=EVENTS), ALL)
        rows = bench.metric("cowbird_model_rows")
        bench.note("the model", {"rows": rows, **row}, f"{rows:,.0f} rows, k = 16, ten features")
        bench.memory()
        if wants("scores"):
            bench.scores([pid, floor], "one CPU", {max(ALL)}, {max(ALL)})
            bench.scores([pid, floor], "a CPU each", {max(ALL)}, {min(ALL)})
            allow(pid, ALL)
        if wants("visible"):
            bench.visible(10_000)
        if wants("learning"):
            bench.score_while_learning(pid, 50_000)
        if wants("ingest"):
            bench.ingest()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--daemon", default=str(ROOT / ".build" / "release" / "cowbird"))
    parser.add_argument("--build", default=str(ROOT / ".build" / "bench"), help="where the load generators are")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="comma-separated: scores, learning, visible, ingest, recommend")
    parser.add_argument("--items", default="10000,100000,1000000", help="sizes of the catalogues of recommend")
    parser.add_argument("--json", default="", help="also write the figures to this file")
    options = parser.parse_args()
    only = set(filter(None, options.only.split(",")))

    def wants(part: str) -> bool:
        return not only or part in only

    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(options, folder)
        floor_server = [f"{options.build}/floor_server", bench.floor]
        with running(floor_server, bench.floor) as floor:
            if not only or only - {"recommend"}:
                shop(bench, wants, floor)
            if wants("recommend"):
                for items in map(int, options.items.split(",")):
                    bench.recommend(items, "clicks.yaml", floor)
                    if items <= 10_000:
                        bench.recommend(items, "ranked.yaml", floor)
    report = {
        "machine": {"cpus": os.cpu_count(), "kernel": platform.release(), "load": os.getloadavg()},
        "rounds": options.rounds,
        "figures": bench.figures,
    }
    if options.json:
        pathlib.Path(options.json).parent.mkdir(parents=True, exist_ok=True)
        pathlib.Path(options.json).write_text(json.dumps(report, indent=1) + "\n")
        print(f"figures as JSON: {options.json}")


if __name__ == "__main__":
    main()
