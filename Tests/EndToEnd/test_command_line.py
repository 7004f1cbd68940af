"""The command line, by running it: exit codes, JSON, help, colours, errors, versions, settings."""

from __future__ import annotations

import json
import os
import pathlib
import pty
import re
import subprocess
from collections.abc import Iterator

import pytest
from program import BINARY, CANNOT_CONNECT, DEADLINE, DONE, REFUSED, USAGE, Daemon, run

RATINGS = """user,item,rating,timestamp
ann,alien,5,1700000000
ann,heat,4,1700000060
ben,alien,4,1700000100
ben,heat,5,1700000160
cat,notting hill,5,1700000200
cat,alien,1,1700000260
ann,blade runner,5,1700000300
"""


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
        ("evaluate", "--plot", "/nowhere/a.png", "a.csv"),
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


def test_status_says_what_the_limits_have_cost(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("preset: ratings\nlimits: {users: 1000, items: 1000, rows: 1000}\n")
    daemon = Daemon(tmp_path, "--config", str(path))
    try:
        assert "evicted" not in daemon.run("status").stdout
        ratings = "".join(f"u{number},i{number},4,{1_700_000_000 + number}\n" for number in range(1_200))
        done = daemon.run("ingest", "--format", "csv", "-", input="user,item,rating,time\n" + ratings)
        assert done.returncode == DONE, done.stderr
        daemon.flush()
        screen = daemon.run("status").stdout.splitlines()
        line = next(line for line in screen if line.startswith("evicted "))
        assert "200 users, 200 items, " in line and " weights" in line
        assert next(line for line in screen if line.startswith("hygiene ")).startswith("hygiene   nothing suspicious")
        assert len(screen) <= 24 and max(map(len, screen)) <= 80
    finally:
        daemon.stop()


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


def test_a_configuration_is_read_from_a_pipe_too(tmp_path: pathlib.Path) -> None:
    text = "preset: clicks\nevents:\n  clck: null\n"
    for name in ["-", "/dev/stdin"]:
        good = run("config", "check", name, input="preset: clicks\n")
        assert good.returncode == DONE and good.stdout == run("config", "check", "--preset", "clicks").stdout
        bad = run("config", "check", name, input=text)
        assert bad.returncode == REFUSED and 'line 3, column 3: events.clck: there is no "clck"' in bad.stderr
    nowhere = run("config", "check", str(tmp_path / "none"))
    assert nowhere.returncode == REFUSED and "cannot be read" in nowhere.stderr


@pytest.mark.parametrize("command", [["config", "check"], ["config", "show"], ["serve", "--config"]])
def test_what_no_model_can_be_made_of_is_refused_with_its_line(command: list[str], tmp_path: pathlib.Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("events: {rating: value}\nfeatures: {sparse: {user: user}}\nmodel: {loss: squared}\n")
    done = run(*command, str(path))
    assert done.returncode == REFUSED
    assert "line 3, column 8: model.members: none takes part" in done.stderr


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
        assert values["learning.rate"] == "0.5" and values["hygiene.burst.action"] == "quarantine"
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
