"""`cowbird recommend`, by running it: conditions, limits, boosts, exploration, and a click that names its answer."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from program import DONE, REFUSED, ROOT, Daemon, wait_until

import cowbird


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
