"""Files into `ingest` and `evaluate`: labels, bad lines, and an import that outlives its daemon and a rotation."""

from __future__ import annotations

import json
import pathlib
import signal
import subprocess
import threading

import pytest
from program import BINARY, DONE, REFUSED, Daemon, events, held, run, small_model, wait_until


def test_ingest_takes_the_event_type_from_the_daemon(tmp_path: pathlib.Path) -> None:
    daemon = Daemon(tmp_path, "--config", small_model(tmp_path, "stars"))
    try:
        (tmp_path / "a.csv").write_text("user,item,value,timestamp\nann,alien,5,1700000000\n")
        (tmp_path / "u.data").write_text("196\t242\t3\t881250949\n186\t302\t3\t891717742\n")
        assert daemon.run("ingest", str(tmp_path / "a.csv")).returncode == DONE
        # MovieLens calls its events ratings, which this daemon does not know.
        movielens = ("ingest", "--format", "movielens", str(tmp_path / "u.data"))
        assert daemon.run(*movielens).returncode == REFUSED
        assert daemon.run(*movielens, "--type", "stars").returncode == DONE
        daemon.flush()
        assert int(daemon.json("update", "status")["users"]) == 3
    finally:
        daemon.stop()


# Labels of files: classes, grades, and what is neither


def classes(folder: pathlib.Path, name: str, negative: int) -> tuple[str, ...]:
    """A thousand events of which every third happened, in the format that the name says."""
    lines = []
    for number in range(1_000):
        label = 1 if number % 3 == 0 else negative
        user, item, time = f"u{number % 31}", f"i{number % 3}{number % 7}", 1_700_000_000 + 60 * number
        if name.endswith((".csv", ".tsv")):
            lines.append(f"{user},{item},{label},{time}".replace(",", "\t" if name.endswith(".tsv") else ","))
        elif name.endswith(".json"):
            lines.append(json.dumps({"user": user, "item": item, "clicked": label, "time": time}))
        elif name.endswith(".vw"):
            lines.append(f"{label} |user {user} |item {item} |site s{number % 5}")
        else:
            field = "0:" if name.endswith(".ffm") else ""
            lines.append(f"{label} {field}{number % 7}:1 {field}9:0.5")
    header = {".csv": "user,item,label,timestamp\n", ".tsv": "user\titem\ty\ttimestamp\n"}.get(name[-4:], "")
    path = folder / name
    path.write_text(header + "\n".join(lines) + "\n")
    return (str(path),)


CLASS_FILES = ["a.csv", "a.tsv", "a.json", "a.vw", "a.svm", "a.ffm"]


@pytest.mark.parametrize("negative", [0, -1])
@pytest.mark.parametrize("name", CLASS_FILES)
@pytest.mark.parametrize("preset", ["clicks", "ads", "fraud"])
def test_classes_of_every_format_are_learned_as_they_stand(
    tmp_path: pathlib.Path, preset: str, name: str, negative: int
) -> None:
    done = run("evaluate", "--preset", preset, "--json", *classes(tmp_path, name, negative))
    assert done.returncode == DONE, done.stderr
    report = json.loads(done.stdout)
    assert report["examples"] == 1_000 and report["quarantined"] == 0 and report["warnings"] == []
    # A third of the labels are 1: had they been read as grades, or all as 1, the base rate would say so.
    assert 0.8 < report["calibration"] < 1.25
    assert report["logloss"] < 0.75


def test_classes_are_ingested_as_they_are_evaluated(tmp_path: pathlib.Path) -> None:
    daemon = Daemon(tmp_path, "--preset", "ads")
    try:
        assert daemon.run("ingest", *classes(tmp_path, "a.csv", -1)).returncode == DONE
        daemon.flush()
        status = daemon.json("update", "status")
        counts = {counter["name"]: int(counter["value"]) for counter in status["hygiene"] if counter.get("value")}
        assert counts["examples"] == 1_000 and "quarantined" not in counts
        metrics = {metric["name"]: metric["value"] for metric in status["metrics"] if metric["scope"] == "total"}
        evaluated = json.loads(run("evaluate", "--preset", "ads", "--json", str(tmp_path / "a.csv")).stdout)
        assert metrics["logloss"] == pytest.approx(evaluated["logloss"])
    finally:
        daemon.stop()


@pytest.mark.parametrize(
    ("preset", "column", "values", "words"),
    [
        # Classes called a rating, or a value.
        ("clicks", "rating", "01", ["events.rating.minimum", "hygiene.range"]),
        ("clicks", "value", "01", ["events.rating.minimum", "hygiene.range"]),
        ("ratings", "rating", "01", ["events.rating.minimum", "hygiene.range"]),
        # Grades called classes.
        ("clicks", "label", "15", ["rating or value"]),
        # Grades beyond the range.
        ("ratings", "rating", "59", ["0.5 to 5", "events.rating.minimum"]),
        # Nothing.
        ("ratings", "rating", ["4", ""], ["events.rating.default_value", "hygiene.missing"]),
        ("ratings", "rating", ["4", "NaN"], ["events.rating.default_value", "hygiene.missing"]),
    ],
)
def test_labels_that_make_no_sense_are_refused_with_what_to_set(
    tmp_path: pathlib.Path, preset: str, column: str, values: str | list[str], words: list[str]
) -> None:
    path = tmp_path / "a.csv"
    rows = [f"u{number % 7},i{number % 5},{values[number % 2]}" for number in range(100)]
    path.write_text(f"user,item,{column}\n" + "\n".join(rows) + "\n")
    daemon = Daemon(tmp_path, "--preset", preset)
    try:
        done = daemon.run("ingest", str(path))
        assert done.returncode == REFUSED
        for word in words:
            assert word in done.stderr
        daemon.flush()
        # What was refused was not learned as something else.
        assert int(daemon.json("update", "status").get("log_end_offset", 1)) <= 51
    finally:
        daemon.stop()
    evaluated = run("evaluate", "--preset", preset, "--json", str(path))
    if column == "label":
        assert evaluated.returncode == REFUSED and words[0] in evaluated.stderr
        return
    report = json.loads(evaluated.stdout)
    assert report["quarantined"] == 50 and sum(report["hygiene"].values()) == 50
    assert "every label is" in " ".join(report["warnings"])


@pytest.mark.parametrize("text", ["", "user,item,label\n"])
def test_a_file_without_events_is_said_to_have_none(tmp_path: pathlib.Path, text: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(text)
    report = json.loads(run("evaluate", "--preset", "clicks", "--json", str(path)).stdout)
    assert "no event in the files" in " ".join(report["warnings"])


@pytest.mark.parametrize("times", [(9223372036,) * 2, (9223372036854775807, -9223372036854775808)])
@pytest.mark.parametrize("delay", [(), ("--delay", "30m")])
def test_a_time_that_cannot_be_is_set_aside_and_counted(
    tmp_path: pathlib.Path, times: tuple[int, int], delay: tuple[str, ...]
) -> None:
    path = tmp_path / "a.csv"
    lines = [f"u,i,1,{time}" for time in (*times, 1_700_000_000)]
    path.write_text("user,item,label,time\n" + "\n".join(lines) + "\n")
    report = json.loads(run("evaluate", "--preset", "clicks", "--json", *delay, str(path)).stdout)
    assert report["hygiene"]["impossible_time"] == 2 and report["examples"] == 1


def test_a_record_without_a_class_is_left_out_and_counted(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("user,item,label\nann,alien,1\nben,alien,\ncat,alien,0\ndan,alien,NaN\n")
    report = json.loads(run("evaluate", "--preset", "clicks", "--json", str(path)).stdout)
    assert report["examples"] == 2 and report["unlabelled"] == 2


@pytest.mark.parametrize("command", ["ingest", "evaluate"])
def test_lines_that_cannot_be_read_are_left_out_as_far_as_allowed_and_reported(
    tmp_path: pathlib.Path, command: str
) -> None:
    path, report = tmp_path / "a.csv", tmp_path / "report"
    path.write_text("user,item,rating\nann,alien,5\nben,alien,x\ncat\ncat,heat,4\n")
    daemon = Daemon(tmp_path, "--preset", "ratings")
    place = ("--socket", daemon.socket) if command == "ingest" else ("--preset", "ratings")
    try:
        strict = run(command, *place, str(path))
        assert strict.returncode == REFUSED and "a.csv:3" in strict.stderr
        tight = run(command, *place, "--skip-bad", "1", str(path))
        assert tight.returncode == REFUSED and "a.csv:4" in tight.stderr
        done = run(command, *place, "--skip-bad", "2", "--report", str(report), "--json", str(path))
        assert done.returncode == DONE, done.stderr
        assert json.loads(done.stdout)["skipped_lines"] == 2
        lines = report.read_text().splitlines()
        assert len(lines) == 2 and "a.csv:3" in lines[0] and "a.csv:4" in lines[1]
        # A header that makes no sense is no bad line.
        path.write_text("a,b\n1,2\n3,4\n")
        assert run(command, *place, "--skip-bad", "9", str(path)).returncode == REFUSED
    finally:
        daemon.stop()


@pytest.mark.parametrize("follow", [False, True], ids=["standard input", "--follow"])
def test_ingest_outlives_a_killed_daemon_and_loses_and_doubles_nothing(tmp_path: pathlib.Path, follow: bool) -> None:
    daemon = Daemon(tmp_path, "--config", small_model(tmp_path, "rating"))
    path, part, parts = tmp_path / "events.json", 40_000, 4
    path.touch()
    command = [BINARY, "ingest", "--socket", daemon.socket, "--format", "json", "--batch", "100", "--json"]
    process = subprocess.Popen(
        [*command, *(["--follow", str(path)] if follow else ["-"])],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin

    def give(number: int) -> None:
        if follow:
            with path.open("a") as file:
                file.write(events(number * part, part))
        else:
            process.stdin.write(events(number * part, part))
            process.stdin.flush()

    try:
        for number in range(parts - 1):
            # While some of a part is in the log, and some on its way.
            before = held(daemon)
            giving = threading.Thread(target=give, args=(number,))
            giving.start()
            wait_until(lambda before=before: held(daemon) > before)  # type: ignore[misc]
            daemon.kill()
            daemon.start()
            giving.join(30)
        # While nothing is on its way; what comes meanwhile waits.
        wait_until(lambda: held(daemon) == (parts - 1) * part)
        daemon.kill()
        giving = threading.Thread(target=give, args=(parts - 1,))
        giving.start()
        daemon.start()
        giving.join(30)
        wait_until(lambda: held(daemon) == parts * part)
        if follow:
            process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=60)
        assert "connecting again" in errors
        if not follow:
            said = json.loads(output)
            assert (process.returncode, said["accepted"], said["duplicates"]) == (DONE, parts * part, 0), errors
            assert said["reconnects"] >= parts
        daemon.flush()
        assert held(daemon) == parts * part
    finally:
        process.kill()
        process.wait()
        daemon.stop()


@pytest.mark.parametrize("name", ["events.json", "events.csv"])
def test_a_followed_file_that_is_rotated_loses_and_doubles_nothing(tmp_path: pathlib.Path, name: str) -> None:
    daemon = Daemon(tmp_path, "--config", small_model(tmp_path, "rating"))
    path = tmp_path / name
    command = [BINARY, "ingest", "--socket", daemon.socket, "--producer", "shop", "--follow", str(path)]
    given = 0

    def give(count: int) -> None:
        nonlocal given
        text = events(given, count)
        if name.endswith(".csv"):
            rows = [json.loads(line) for line in text.splitlines()]
            text = "".join(f"{row['user']},{row['item']},{row['value']},{row['time']}\n" for row in rows)
            if not path.exists():
                text = "user,item,rating,timestamp\n" + text
        with path.open("a") as file:
            file.write(text)
        given += count

    def rotate() -> None:
        for number in (2, 1):
            older = path.with_name(f"{name}.{number}")
            if older.exists():
                older.rename(path.with_name(f"{name}.{number + 1}"))
        path.rename(path.with_name(f"{name}.1"))

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    process = start()
    try:
        give(100)
        wait_until(lambda: held(daemon) == 100)
        # Rotated while it is followed, with lines on both sides.
        give(50)
        rotate()
        give(70)
        wait_until(lambda: held(daemon) == 220)
        # Twice while nobody follows: the rest of a part that was followed, a whole part, and a new one.
        process.kill()
        process.wait()
        give(20)
        rotate()
        give(30)
        rotate()
        give(40)
        process = start()
        wait_until(lambda: held(daemon) == 310)
        # Cut in place, after a copy.
        process.kill()
        process.wait()
        give(10)
        path.with_name(f"{name}.0").write_bytes(path.read_bytes())
        path.unlink()
        give(60)
        process = start()
        wait_until(lambda: held(daemon) == 380)
        give(5)
        wait_until(lambda: held(daemon) >= 385)
        assert given == 385 and held(daemon) == 385
    finally:
        process.kill()
        process.wait()
        daemon.stop()
