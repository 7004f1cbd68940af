"""Cowbird beside Vowpal Wabbit and River: the same events, one pass, each predicted before it is learned.

    python Benchmarks/peers/peers.py [--cowbird PATH] [--ml-100k DIR] [--rounds 3] [--json FILE]

Speed: a seeded stream of clicks with ten categories, from a text file to what was learned of it, a linear logistic
model in each; River, which is a library, from dictionaries in memory. What is compared runs in turns; figures are
medians over the rounds. Quality: MovieLens 100K in the order of time, ratings clipped to 1..5; skipped where it is
absent. Peers' settings are the best of those that were tried for each.

Needs vowpalwabbit and river, which `make bench-peers` installs into an environment of their own.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import os
import pathlib
import random
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator

import vowpalwabbit
from river import linear_model, optim, reco

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
COUNTS = {
    "user": 200_000, "item": 50_000, "site": 20_000, "page": 5_000, "campaign": 2_000, "country": 200,
    "city": 10_000, "browser": 50, "system": 20, "position": 10,
}  # fmt: skip
CONTEXT = list(COUNTS)[2:]
CLICKS, RIVER_CLICKS = 300_000, 20_000


def clicks() -> Iterator[tuple[bool, dict[str, str]]]:
    """Ids by a Zipf-like law; what is shown decides the rate of clicks."""
    draw = random.Random(11)
    for _ in range(CLICKS):
        rank = {name: int(math.exp(draw.random() * math.log(count))) for name, count in COUNTS.items()}
        is_click = draw.random() < (0.4 if rank["item"] * 2_654_435_761 % 8 == 0 else 0.15)
        yield is_click, {name: f"{name}-{number}" for name, number in rank.items()}


def write_clicks(folder: str) -> None:
    with open(f"{folder}/clicks.csv", "w") as table, open(f"{folder}/clicks.vw", "w") as text:
        rows = csv.writer(table)
        rows.writerow(["timestamp", "type", *COUNTS])
        for number, (is_click, values) in enumerate(clicks()):
            rows.writerow([1_700_000_000 + number // 1_000, "click" if is_click else "view", *values.values()])
            features = " ".join(f"|{name} {value}" for name, value in values.items())
            text.write(f"{1 if is_click else -1} {features}\n")
    with open(f"{folder}/linear.yaml", "w") as file:
        sparse = [f"    {name}: {{of: {name}}}" for name in ("user", "item")]
        sparse += [f"    {name}: {{of: context.{name}}}" for name in CONTEXT]
        file.write(
            "label: {minimum: 0, maximum: 1, center: 0.5}\n"
            "events:\n  click: {label: positive}\n  view: {label: negative}\n"
            "features:\n"
            f"  context: {{{', '.join(f'{name}: category' for name in CONTEXT)}}}\n"
            "  sparse:\n" + "\n".join(sparse) + "\n"
            "model:\n  loss: logistic\n  members: {linear: {kind: linear}}\n  stack: {by: first}\n"
        )


def cowbird_evaluates(program: str, *arguments: str) -> dict:
    command = [program, "evaluate", "--json", *arguments]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def cowbird_clicks(program: str, folder: str) -> dict[str, float]:
    answer = cowbird_evaluates(program, "--config", f"{folder}/linear.yaml", f"{folder}/clicks.csv")
    return {name: answer[name] for name in ("events_per_second", "logloss")}


def vowpal_wabbit_clicks(folder: str) -> dict[str, float]:
    start = time.perf_counter()
    learner = vowpalwabbit.Workspace(
        f"--loss_function logistic --link logistic -b 22 --quiet --no_stdin -d {folder}/clicks.vw"
    )
    seconds = time.perf_counter() - start
    loss = learner.get_sum_loss() / learner.get_weighted_examples()
    learner.finish()
    return {"events_per_second": CLICKS / seconds, "logloss": loss}


def river_clicks(events: list[tuple[bool, dict[str, str]]]) -> dict[str, float]:
    model = linear_model.LogisticRegression(optim.AdaGrad(0.1), intercept_lr=0.01)
    examples = [(is_click, {f"{name}={value}": 1 for name, value in values.items()}) for is_click, values in events]
    loss = 0.0
    start = time.perf_counter()
    for is_click, values in examples:
        probability = model.predict_proba_one(values).get(True, 0.5)
        loss -= math.log(max(probability if is_click else 1 - probability, 1e-15))
        model.learn_one(values, is_click)
    seconds = time.perf_counter() - start
    return {"events_per_second": len(events) / seconds, "logloss": loss / len(events)}


def speed(program: str, rounds: int) -> dict[str, dict[str, float]]:
    with tempfile.TemporaryDirectory() as folder:
        write_clicks(folder)
        some = [event for event, _ in zip(clicks(), range(RIVER_CLICKS))]
        runs: dict[str, Callable[[], dict[str, float]]] = {
            "cowbird": lambda: cowbird_clicks(program, folder),
            "vowpal wabbit": lambda: vowpal_wabbit_clicks(folder),
            f"river, the first {RIVER_CLICKS:,}": lambda: river_clicks(some),
        }
        all_rounds = [{name: run() for name, run in runs.items()} for _ in range(rounds)]
    return {
        name: {figure: statistics.median(one[name][figure] for one in all_rounds) for figure in all_rounds[0][name]}
        for name in runs
    }


class Score:
    """Root of the mean squared error of clipped predictions; whole stream and last 70%."""

    def __init__(self, count: int) -> None:
        self.errors: list[float] = []
        self.first = round(count * 0.3)

    def add(self, predicted: float, actual: float) -> None:
        self.errors.append((min(max(predicted, 1), 5) - actual) ** 2)

    def figures(self) -> dict[str, float]:
        late = self.errors[self.first :]
        return {"rmse": math.sqrt(statistics.fmean(self.errors)), "rmse, last 70%": math.sqrt(statistics.fmean(late))}


def movielens(program: str, data: pathlib.Path) -> dict[str, dict[str, float]]:
    def read(name: str) -> list[dict[str, str]]:
        with open(data / name, newline="") as file:
            return list(csv.DictReader(file, delimiter="\t"))

    ratings = sorted(read("ratings.tsv"), key=lambda row: int(row["timestamp"]))
    users = {row["user"]: row for row in read("users.tsv")}
    items = {row["item"]: row for row in read("items.tsv")}
    # Best of ten families of options for ids with side features.
    learner = vowpalwabbit.Workspace("--nn 5 --inpass -q ug --quiet -b 24")
    baseline = reco.Baseline(optimizer=optim.SGD(0.025))
    of_vowpal_wabbit, of_river = Score(len(ratings)), Score(len(ratings))
    for row in ratings:
        user, item, rating = users[row["user"]], items[row["item"]], float(row["rating"])
        example = learner.example(
            f"{rating:g} |u u{row['user']} |i i{row['item']} |g {item['genres']} "
            f"|a o{user['occupation']} s{user['gender']} a{int(user['age']) // 10} |y y{item['year']}"
        )
        # It predicts, then learns; the prediction is the one before.
        learner.learn(example)
        of_vowpal_wabbit.add(example.get_simplelabel_prediction(), rating)
        learner.finish_example(example)
        of_river.add(baseline.predict_one(user=row["user"], item=row["item"]), rating)
        baseline.learn_one(user=row["user"], item=row["item"], y=rating)
    learner.finish()
    files = ["--users", str(data / "users.tsv"), "--items", str(data / "items.tsv"), str(data / "ratings.tsv")]
    answer = cowbird_evaluates(program, "--preset", "ratings", *files)
    return {
        "cowbird, preset ratings": {"rmse": answer["rmse"], "rmse, last 70%": answer["last70"]["rmse"]},
        "vowpal wabbit, --nn 5 --inpass -q ug": of_vowpal_wabbit.figures(),
        "river, Baseline": of_river.figures(),
    }


def show(title: str, figures: dict[str, dict[str, float]]) -> None:
    print(f"\n{title}")
    for name, values in figures.items():
        told = ", ".join(
            f"{value:,.0f} {figure.replace('_per_', '/')}" if value > 100 else f"{figure} {value:.4f}"
            for figure, value in values.items()
        )
        print(f"  {name:40} {told}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cowbird", default=str(ROOT / ".build/release/cowbird"))
    beside = ROOT.parent / "shared/data/ml-100k"
    parser.add_argument("--ml-100k", type=pathlib.Path, default=pathlib.Path(os.environ.get("COWBIRD_ML100K", beside)))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()
    figures = {"clicks": speed(options.cowbird, options.rounds)}
    show(f"{CLICKS:,} clicks, ten categories, a linear logistic model", figures["clicks"])
    if (options.ml_100k / "ratings.tsv").exists():
        figures["movielens"] = movielens(options.cowbird, options.ml_100k)
        show("MovieLens 100K, ratings in the order of time", figures["movielens"])
    else:
        print(f"\n{options.ml_100k}: no MovieLens 100K; quality is skipped")
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
