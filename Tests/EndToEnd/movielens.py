"""The main job on real input: MovieLens 100K through the socket, with kill -9 twice on the way.

The daemon must end with the digest, and the prequential RMSE, of `cowbird evaluate` on the same files: nothing lost,
nothing doubled, nothing learned in another order. Scores and recommendations are asked for meanwhile.

    python3 Tests/EndToEnd/movielens.py [COWBIRD_BINARY]

Needs the Python client on PYTHONPATH (or clients/python/src of this checkout). The data are looked for in
$COWBIRD_ML100K, then ../shared/data/ml-100k beside the checkout; without them the test says so and passes.
"""

from __future__ import annotations

import csv
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "clients/python/src"))

from daemon import Daemon  # noqa: E402

import cowbird  # noqa: E402
from cowbird import values  # noqa: E402


def attribute(name: str, text: str) -> object:
    """As `cowbird evaluate` reads a column."""
    if name in ("genres", "tags", "categories", "keywords"):
        return text.replace("|", " ").split()
    # A film is called "Infinity": not all that Python takes for a number is one.
    return float(text) if re.fullmatch(r"[-+]?\d+(\.\d+)?", text) else text


def rows(path: pathlib.Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def events(data: pathlib.Path) -> list[cowbird.v1.Event]:
    ratings = rows(data / "ratings.tsv")
    start = int(ratings[0]["timestamp"]) * 1_000_000_000
    found = []
    for kind in ("user", "item"):
        for row in rows(data / f"{kind}s.tsv"):
            given = {name: attribute(name, text) for name, text in row.items() if name != kind and text}
            found.append(values.set_attributes(kind, row[kind], given, time=start))
    for row in ratings:
        moment = int(row["timestamp"]) * 1_000_000_000
        found.append(
            values.interaction("rating", row["user"], row["item"], float(row["rating"]), time=moment)
        )
    return found


def main() -> int:
    binary = sys.argv[1] if len(sys.argv) > 1 else str(ROOT / ".build/release/cowbird")
    data = pathlib.Path(os.environ.get("COWBIRD_ML100K", ROOT.parent / "shared/data/ml-100k"))
    if not (data / "ratings.tsv").exists():
        print(f"skipped: no MovieLens 100K in {data}")
        return 0
    expected = json.loads(
        subprocess.check_output(
            [binary, "evaluate", "--preset", "ratings", "--json", "--users", data / "users.tsv",
             "--items", data / "items.tsv", data / "ratings.tsv"]
        )
    )  # fmt: skip
    batch = events(data)
    with tempfile.TemporaryDirectory(prefix="cowbird-e2e-") as directory:
        daemon = Daemon(binary, directory, "ratings")
        begin = time.monotonic()
        asked = 0
        with cowbird.Client(daemon.socket, timeout=60, connect_timeout=60) as client:
            refused: list[object] = []
            stream = client.ingest.stream(
                "movielens", batch=500, reconnect_timeout=120, on_refusal=refused.append
            )
            marks = {len(batch) // 3, 2 * len(batch) // 3}
            for place, event in enumerate(batch):
                stream.send(event)
                if place in marks:
                    daemon.kill()
                    daemon.start()
                if place % 5_000 == 4_999:
                    answer = client.predict.score(user=event.interaction.user, candidates=["1", "50", "nothing"])
                    assert len(answer.scores) == 3 and all(1 <= score <= 5 for score in answer.scores), answer
                    best = client.predict.recommend(user=event.interaction.user, k=10)
                    assert len({item.item for item in best.items}) == len(best.items), best
                    asked += 1
            stream.close()
            sent = time.monotonic() - begin
            digest = client.update.flush(digest=True, timeout=300).digest
            seconds = time.monotonic() - begin
            status = client.update.status()
            rmse = next(m.value for m in status.metrics if m.name == "rmse" and m.scope == "total")
        daemon.stop()
        daemon.start()
        with cowbird.Client(daemon.socket, timeout=60, connect_timeout=60) as client:
            again = client.update.flush(digest=True, timeout=300).digest
        daemon.stop()
    print(f"events       {len(batch)}, sent in {sent:.1f} s, learned in {seconds:.1f} s, killed twice; {asked} x asked")
    print(f"digest       {digest}, after a restart {again}, evaluate {expected['digest']}")
    print(f"rmse         {rmse:.6f}, evaluate {expected['rmse']:.6f}")
    assert not refused, refused[:3]
    assert status.log_end_offset == len(batch) + 1, f"the log ends at {status.log_end_offset}"
    assert again == digest
    assert digest == expected["digest"]
    assert abs(rmse - expected["rmse"]) < 1e-9
    return 0


if __name__ == "__main__":
    sys.exit(main())
