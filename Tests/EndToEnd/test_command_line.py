"""The command line, by running it: exit codes, JSON, help, colours, errors, and an import that outlives its daemon.

    python -m pytest Tests/EndToEnd/test_command_line.py

The program is .build/release/cowbird, or what $COWBIRD_BINARY names.
"""

from __future__ import annotations

import json
import os
import pathlib
import pty
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "clients/python/src"))

import cowbird  # noqa: E402

BINARY = os.environ.get("COWBIRD_BINARY", str(ROOT / ".build/release/cowbird"))
DONE, REFUSED, USAGE, CANNOT_CONNECT, DEADLINE = range(5)

RATINGS = """user,item,rating,timestamp
ann,alien,5,1700000000
ann,heat,4,1700000060
ben,alien,4,1700000100
ben,heat,5,1700000160
cat,notting hill,5,1700000200
cat,alien,1,1700000260
ann,blade runner,5,1700000300
"""


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
    options.setdefault("stdin", subprocess.DEVNULL)
    return subprocess.run([BINARY, *command], capture_output=True, text=True, timeout=60, **options)  # type: ignore[call-overload]


def wait_until(is_so, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    folder = tmp_path_factory.mktemp("d")
    daemon = Daemon(folder, "--preset", "ratings")
    ratings = folder / "ratings.csv"
    ratings.write_text(RATINGS)
    assert daemon.run("ingest", str(ratings)).returncode == DONE
    daemon.flush()
    assert daemon.run("version", "create", "--reason", "test", "--label", "stable").returncode == DONE
    yield daemon
    daemon.stop()


# Exit codes


def test_what_is_done_ends_with_0(daemon: Daemon) -> None:
    assert daemon.run("score", "--user", "ann", "alien").returncode == DONE


@pytest.mark.parametrize(
    ("command", "advice"),
    [
        (("version", "switch", "no-such-label"), "no-such-label"),
        (("version", "get", "v999"), "v999"),
        (("update", "configure", "learning.rat=1"), 'did you mean "rate"'),
        (("update", "configure", "learning.rate=-1"), "learning.rate"),
        (("recommend", "--user", "ann", "--where", "colour=red"), "known"),
        (("update", "flush", "--offset", "999999"), "999999"),
        (("ingest", "/no/such/file.csv"), "/no/such/file.csv"),
    ],
)
def test_what_is_refused_ends_with_1_and_names_what_is_wrong(
    daemon: Daemon, command: tuple[str, ...], advice: str
) -> None:
    done = daemon.run(*command)
    assert done.returncode == REFUSED, done.stderr
    assert advice in done.stderr and done.stdout == ""


@pytest.mark.parametrize(
    "command",
    [
        ("no-such-command",),
        ("score",),
        ("bench", "--mix", "nonsense"),
        ("status", "--timeout", "soon"),
        ("version", "rollback", "--to", "v1", "--exclude", "colour=red"),
        ("serve", "--config", "a", "--preset", "ratings"),
        ("evaluate", "--format", "nonsense", "a.csv"),
        ("evaluate", "--plot", "a.txt", "a.csv"),
        ("evaluate", "--delay", "soon", "a.csv"),
        ("ingest", "--format", "nonsense", "a.csv"),
    ],
)
def test_wrong_usage_ends_with_2_and_says_how_it_is_used(command: tuple[str, ...]) -> None:
    done = run(*command)
    assert done.returncode == USAGE
    assert "Usage:" in done.stderr or "--config and --preset" in done.stderr


def test_a_missing_daemon_ends_with_3_and_says_how_to_start_one(tmp_path: pathlib.Path) -> None:
    done = run("status", "--socket", str(tmp_path / "none"))
    assert done.returncode == CANNOT_CONNECT
    assert "cowbird serve" in done.stderr and "COWBIRD_SOCKET" in done.stderr


def test_a_deadline_ends_with_4_and_says_to_allow_more_time(daemon: Daemon) -> None:
    done = daemon.run("score", "--user", "ann", "alien", "--min-offset", "999999", "--timeout", "50ms")
    assert done.returncode == DEADLINE
    assert "--timeout" in done.stderr


def test_the_socket_is_taken_from_the_environment(daemon: Daemon) -> None:
    environment = {**os.environ, "COWBIRD_SOCKET": daemon.socket}
    assert run("status", env=environment).returncode == DONE


# Output

READS = [
    ("status",),
    ("top", "--count", "1"),
    ("score", "--user", "ann", "alien", "heat"),
    ("recommend", "--user", "ann", "-k", "2"),
    ("explain", "--user", "ann", "alien"),
    ("update", "status"),
    ("update", "flush", "--digest"),
    ("update", "quarantine"),
    ("update", "metrics"),
    ("version", "list"),
    ("version", "get", "stable"),
    ("version", "diff", "stable", "head"),
    ("version", "wait", "--timeout", "5s"),
    ("version", "rollback", "--to", "stable", "--exclude", "source=mobile-ios", "--dry-run"),
    ("bench", "--seconds", "0.2", "--warmup", "0"),
]


@pytest.mark.parametrize("command", READS, ids=" ".join)
def test_every_read_answers_in_json(daemon: Daemon, command: tuple[str, ...]) -> None:
    assert isinstance(daemon.json(*command), dict)


@pytest.mark.parametrize("command", [("config", "show"), ("config", "check")], ids=" ".join)
def test_the_configuration_is_told_in_json(command: tuple[str, ...]) -> None:
    assert isinstance(json.loads(run(*command, "--preset", "clicks", "--json").stdout), dict)


@pytest.mark.parametrize("command", READS, ids=" ".join)
def test_colours_are_for_terminals_only(daemon: Daemon, command: tuple[str, ...]) -> None:
    done = daemon.run(*command)
    assert done.returncode == DONE, done.stderr
    assert "\x1b" not in done.stdout + done.stderr


def test_colours_come_on_a_terminal_but_not_against_no_color(daemon: Daemon) -> None:
    def on_terminal(**more: str) -> str:
        ours, theirs = pty.openpty()
        environment = {**os.environ, "TERM": "xterm", **more}
        environment.pop("NO_COLOR", None) if not more else None
        subprocess.run([BINARY, "status", "--socket", daemon.socket], stdout=theirs, env=environment, check=True)
        os.close(theirs)
        text = os.read(ours, 1 << 16).decode()
        os.close(ours)
        return text

    assert "\x1b[" in on_terminal()
    assert "\x1b[" not in on_terminal(NO_COLOR="1")


def test_status_fits_on_a_screen_of_80_by_24(daemon: Daemon) -> None:
    lines = daemon.run("status").stdout.splitlines()
    assert len(lines) <= 24 and max(map(len, lines)) <= 80, "\n".join(lines)
    assert daemon.run("top", "--count", "1").stdout.splitlines()[0].startswith("cowbird ")


# Help


def commands(*path: str) -> list[tuple[str, ...]]:
    """All commands that have no commands of their own."""
    text = run(*path, "--help").stdout
    _, _, below = text.partition("SUBCOMMANDS:\n")
    names = re.findall(r"^  (\S+)", below.split("\n\n")[0], re.M)
    return [leaf for name in names for leaf in commands(*path, name)] if names else [path]


def test_help_of_every_command_shows_an_example() -> None:
    found = commands()
    assert ("version", "rollback") in found and len(found) > 25
    without = [path for path in found if f"  cowbird {' '.join(path)}" not in run(*path, "--help").stdout]
    assert without == []


# Scripts


def test_version_create_quiet_prints_the_id_and_nothing_else(daemon: Daemon) -> None:
    done = daemon.run("version", "create", "--reason", "deploy", "--quiet")
    assert re.fullmatch(r"v\d+\n", done.stdout)


def test_a_dry_rollback_says_what_it_would_do_and_does_nothing(daemon: Daemon) -> None:
    before = daemon.json("version", "list")
    command = ("version", "rollback", "--to", "stable", "--exclude", "source=mobile-ios", "--dry-run")
    assert "nothing was changed" in daemon.run(*command).stdout
    assert daemon.json("version", "list") == before


def test_a_rollback_names_what_can_be_admitted_again_and_only_that(tmp_path: pathlib.Path) -> None:
    daemon = Daemon(tmp_path, "--preset", "ratings")
    try:
        ratings = tmp_path / "ratings.csv"
        ratings.write_text(RATINGS)
        assert daemon.run("version", "create").returncode == DONE
        assert daemon.run("ingest", str(ratings)).returncode == DONE
        done = daemon.run("version", "rollback", "--to", "v1", "--exclude", "source=nobody")
        hint = re.search(r"--readmit (\d+)$", done.stdout.strip())
        assert hint, done.stdout
        done = daemon.run("version", "rollback", "--to", "v1", "--replay", "--readmit", hint[1])
        assert done.returncode == DONE, done.stderr
        assert "--readmit" not in done.stdout
    finally:
        daemon.stop()


def test_version_delete_deletes_what_it_can_and_names_what_it_cannot(tmp_path: pathlib.Path) -> None:
    daemon = Daemon(tmp_path, "--preset", "ratings")
    try:
        ratings = tmp_path / "ratings.csv"
        ratings.write_text(RATINGS)
        assert daemon.run("version", "create", "--label", "held").returncode == DONE
        assert daemon.run("ingest", str(ratings)).returncode == DONE
        assert daemon.run("version", "create").returncode == DONE
        done = daemon.run("version", "delete", "v1", "v7", "v2")
        assert done.returncode == REFUSED
        assert "v2 deleted" in done.stdout
        assert "v1 cannot be deleted" in done.stderr and "v7" in done.stderr
        assert [version["id"] for version in daemon.json("version", "list")["versions"]] == ["v1"]
    finally:
        daemon.stop()


def test_a_rollback_to_a_moment_before_any_version_is_refused(daemon: Daemon) -> None:
    done = daemon.run("version", "rollback", "--to", "2h-ago", "--exclude", "source=mobile-ios", "--dry-run")
    assert done.returncode == REFUSED
    assert "no version" in done.stderr


def test_wait_returns_when_all_is_learned_and_says_4_when_the_time_is_not_enough(daemon: Daemon) -> None:
    assert daemon.run("update", "pause").returncode == DONE
    ratings = str(daemon.folder / "ratings.csv")
    assert daemon.run("ingest", ratings).returncode == DONE
    late = daemon.run("version", "wait", "--timeout", "100ms")
    assert late.returncode in (REFUSED, DEADLINE) and late.stderr
    assert daemon.run("update", "resume").returncode == DONE
    assert daemon.run("version", "wait", "--timeout", "30s").returncode == DONE
    assert daemon.json("update", "status").get("lag_events", 0) in (0, "0")


# Ingest


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


# Recommend


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """Item n costs n; users keep to the even or to the odd ones, and have clicked those below 20."""
    folder = tmp_path_factory.mktemp("shop")
    daemon = Daemon(folder, "--config", str(ROOT / "Tests/EndToEnd/shop.yaml"))
    lines: list[dict] = []
    for item in range(40):
        attributes = {"category": "odd" if item % 2 else "even", "price": item}
        lines.append({"entity": "item", "id": f"i{item}", "action": "set", "attributes": attributes})
    for place in range(400):
        item = (place * 37 // 20 % 10) * 2 + place % 2
        lines.append({"type": "click", "user": f"u{place % 20}", "item": f"i{item}", "time": 1_700_000_000 + place})
    (folder / "shop.json").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert daemon.run("ingest", str(folder / "shop.json")).returncode == DONE
    daemon.flush()
    yield daemon
    daemon.stop()


def recommended(shop: Daemon, *options: str, user: str = "u1", count: int = 40) -> list[int]:
    answer = shop.json("recommend", "--user", user, "--count", str(count), *options)
    return [int(item["item"][1:]) for item in answer["items"]]


def test_recommend_gives_as_many_as_asked_and_seen_ones_as_asked(shop: Daemon) -> None:
    assert len(recommended(shop, count=7)) == 7
    seen = set(recommended(shop, "--seen", "only"))
    assert seen and all(item % 2 == 1 and item < 20 for item in seen)
    assert set(recommended(shop, "--seen", "include")) == set(range(40))
    assert set(recommended(shop)) == set(range(40)) - seen
    assert set(recommended(shop, "--exclude", "i20", "--exclude", "i21")) == set(range(40)) - seen - {20, 21}


def test_recommend_keeps_to_conditions_and_limits(shop: Daemon) -> None:
    everything = ("--seen", "include")
    assert set(recommended(shop, *everything, "--where", "category=even", "--at-least", "price=30")) == {
        *range(30, 40, 2)
    }
    assert set(recommended(shop, *everything, "--at-most", "price=3")) == {0, 1, 2, 3}
    limited = recommended(shop, "--limit", "category=2", count=10)
    assert sorted(item % 2 for item in limited) == [0, 0, 1, 1]
    refused = shop.run("recommend", "--user", "u1", "--at-least", "category=3")
    assert refused.returncode == REFUSED and "price" in refused.stderr


def test_recommend_lifts_what_a_boost_names_and_explores_alike_for_the_same_request(shop: Daemon) -> None:
    lifted = recommended(shop, "--boost", 'category == "even" and price >= 20 * 1000000', count=10)
    assert sorted(lifted) == list(range(20, 40, 2))
    wrong = shop.run("recommend", "--user", "u1", "--boost", "category > 3 * 2")
    assert wrong.returncode == REFUSED and "a text in quotes" in wrong.stderr
    answer = shop.json("recommend", "--user", "u1", "--explore", "epsilon=1")
    propensities = [item["propensity"] for item in answer["items"]]
    left = len(recommended(shop))
    assert propensities == pytest.approx([1 / (left - place) for place in range(10)])
    assert len(set(recommended(shop, "--explore", "thompson", count=10))) == 10


def test_an_event_that_names_a_logged_answer_is_joined_with_it(shop: Daemon) -> None:
    def counted(name: str) -> int:
        counters = shop.json("update", "status").get("hygiene", [])
        return next((int(counter["value"]) for counter in counters if counter["name"] == f"impressions.{name}"), 0)

    answer = shop.json("recommend", "--user", "u1", "--count", "3", "--log-impressions")
    name, item = answer["request_id"], answer["items"][1]["item"]
    assert re.fullmatch("[0-9a-f]{32}", name)
    wait_until(lambda: counted("remembered") == 3)
    with cowbird.Client(shop.socket, timeout=60) as client:
        client.ingest.append(cowbird.interaction("click", "u1", item, request_id=name))
    wait_until(lambda: counted("joined") == 1)
    assert int(item[1:]) in recommended(shop, "--seen", "only")


def test_evaluate_refuses_options_that_do_not_go_together(tmp_path: pathlib.Path) -> None:
    (tmp_path / "a.csv").write_text("user,item,value,timestamp\nann,alien,5,1700000000\n")
    command = ("evaluate", "--preset", "clicks", str(tmp_path / "a.csv"))
    for option in (("--delay", "30m"), ("--plot", str(tmp_path / "a.png")), ("--publish-every", "10")):
        done = run(*command, "--rank", *option)
        assert done.returncode == USAGE and option[0] in done.stderr
    done = run(*command, "--train-fraction", "0.5")
    assert done.returncode == USAGE and "--train-fraction" in done.stderr
    assert run(*command, "--rank").returncode == DONE


# Configuration


def test_config_check_names_every_problem_of_this_machine_too_as_json(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(
        "preset: clicks\nserver:\n  group: no-such-group\n  metrics_address: 10.0.0.1:80\n"
        "  permissions:\n    a: {user: no-such-user}\n"
    )
    done = run("config", "check", "--json", str(path))
    assert done.returncode == REFUSED
    problems = json.loads(done.stdout)["problems"]
    assert [(problem["line"], problem["path"]) for problem in problems] == [
        (3, "server.group"),
        (4, "server.metrics_address"),
        (6, "server.permissions.a.user"),
    ]
    path.write_text("preset: clicks\nlerning: {rate: 1}\n")
    problem = json.loads(run("config", "check", "--json", str(path)).stdout)["problems"][0]
    assert problem["line"] == 2 and 'did you mean "learning"' in problem["message"]
    text = run("config", "check", str(path))
    assert text.returncode == REFUSED and "line 2, column 1: lerning" in text.stderr


def test_what_configure_changed_is_in_force_and_listed_at_once(tmp_path: pathlib.Path) -> None:
    daemon = Daemon(tmp_path, "--preset", "ratings")
    try:
        before = daemon.json("update", "settings")
        assert daemon.json("update", "status")["configuration_hash"] == before["configuration_hash"]
        assert daemon.run("update", "configure", "learning.rate=0.5").returncode == DONE
        after = daemon.json("update", "settings")
        status = daemon.json("update", "status")
        assert after["configuration_hash"] == status["configuration_hash"] != before["configuration_hash"]
        assert daemon.json("update", "settings", "--configured")["settings"] == [
            {"path": "learning.rate", "value": "0.5", "effect": "learning", "configured": True}
        ]
        values = {setting["path"]: setting["value"] for setting in after["settings"]}
        assert values["learning.rate"] == "0.5" and values["hygiene.burst.action"] == "weight"
        assert "by configure" in daemon.run("update", "settings", "learning.").stdout
    finally:
        daemon.stop()


def test_config_show_says_how_each_setting_comes_into_force() -> None:
    settings = json.loads(run("config", "show", "--preset", "ads", "--json").stdout)["settings"]
    effects = {setting["path"]: setting["in_force"] for setting in settings}
    assert effects["learning.rate"] == "by configure" and effects["server.socket"] == "after a restart"
    assert effects["publish.every"] == "at once" and effects["learning.seed"] == "in a new model"
    commented = run("config", "show", "--preset", "ads", "--comments").stdout
    assert commented.count("In force: ") == len(settings)


def test_a_line_break_in_a_reason_breaks_no_table(tmp_path: pathlib.Path) -> None:
    daemon = Daemon(tmp_path, "--preset", "ratings")
    try:
        assert daemon.run("version", "create", "--reason", "one\ntwo").returncode == DONE
        listed = daemon.run("version", "list").stdout
        assert "one\\ntwo" in listed and not [line for line in listed.splitlines() if line.startswith("two")]
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


def held(daemon: Daemon) -> int:
    """Records in the log."""
    return int(daemon.json("update", "status").get("log_end_offset", 1)) - 1


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
