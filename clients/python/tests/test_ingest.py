"""The event stream: nothing lost, nothing doubled, whatever happens to the connection."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from cowbird import (
    AsyncClient,
    Client,
    DeadlineExceeded,
    FailedPrecondition,
    Refused,
    Unavailable,
    interaction,
)
from cowbird.v1 import DURABILITY_WRITTEN
from fake_server import FakeServer


def sequences(fake: FakeServer) -> list[int]:
    return [event.sequence for event in fake.log.events]


def test_append_takes_events_or_arguments(fake):
    with Client(fake.path) as client:
        answer = client.ingest.append(type="click", user="ann", item="shoe", context={"page": 3, "device": "ios"})
        assert answer.accepted == 1
        events = [interaction("rating", "bob", "hat", 4.5), interaction("rating", "bob", "cap", -1)]
        answer = client.ingest.append(events, durability="written")
        assert answer.accepted == 1
        assert answer.durability == DURABILITY_WRITTEN
        assert [refusal.index for refusal in answer.refusals] == [1]
    first, second = fake.log.events
    assert first.interaction.context[0].number == 3
    assert first.interaction.context[1].text == "ios"
    assert second.interaction.value == 4.5


def test_a_stream_numbers_and_delivers_all(fake):
    with Client(fake.path) as client, client.ingest.stream("web-1", batch=64) as events:
        for n in range(1000):
            assert events.send(type="click", user=f"u{n}", item="i") == n + 1
        events.flush(timeout=20)
        assert events.pending == 0
        assert events.acknowledged == events.sent == 1000
        assert events.offset == 999
    assert sequences(fake) == list(range(1, 1001))


def test_a_stream_goes_on_numbering_where_the_log_stands(fake):
    for _ in range(3):
        with Client(fake.path) as client, client.ingest.stream("web-1") as events:
            for _ in range(10):
                events.send(type="click", user="u")
    assert sequences(fake) == list(range(1, 31))


def test_lost_connections_lose_and_double_nothing(fake):
    fake.vanish_after = [1, 63, 64, 65, 500, 999]
    with Client(fake.path) as client, client.ingest.stream("web-1", batch=50) as events:
        for n in range(1000):
            events.send(type="click", user=f"u{n}")
            if n in (0, 700):
                events.flush(timeout=20)
        events.flush(timeout=20)
        assert events.reconnects == 6
        assert events.acknowledged == 1000
    assert sequences(fake) == list(range(1, 1001))
    assert [event.interaction.user for event in fake.log.events] == [f"u{n}" for n in range(1000)]


def test_a_restart_in_the_middle_is_waited_for(fake):
    restarted: list[FakeServer] = []

    def restart() -> None:
        fake.stop()
        time.sleep(0.1)
        server = FakeServer(fake.path)
        server.log = fake.log
        restarted.append(server.start())

    with Client(fake.path) as client, client.ingest.stream("web-1", batch=10) as events:
        for n in range(300):
            events.send(type="click", user=f"u{n}")
            if n == 150:
                thread = threading.Thread(target=restart)
                thread.start()
        events.flush(timeout=20)
        thread.join()
    restarted[0].stop()
    assert sequences(fake) == list(range(1, 301))


def test_refused_events_are_told_with_their_reason(fake):
    refused: list[Refused] = []
    with Client(fake.path) as client, client.ingest.stream("web-1", on_refusal=refused.append) as events:
        for n in range(20):
            events.send(type="rating", user=f"u{n}", value=-1.0 if n in (3, 17) else 1.0)
        events.flush(timeout=20)
    assert [one.event.interaction.user for one in refused] == ["u3", "u17"]
    assert refused[0].field == "interaction.value"
    assert len(fake.log.events) == 18


def test_without_reconnect_a_lost_connection_is_raised_and_what_is_held_stays(fake):
    fake.vanish_after = [5]
    with Client(fake.path, reconnect=False) as client:
        events = client.ingest.stream("web-1", batch=100)
        with pytest.raises(Unavailable):
            for _ in range(10):
                events.send(type="click", user="u")
            events.flush(timeout=5)
        assert events.pending == 10
        events.flush(timeout=5)
        events.close()
        with pytest.raises(FailedPrecondition):
            events.send(type="click", user="u")
    assert sequences(fake) == list(range(1, 11))


def test_numbers_of_the_callers_own_must_grow(fake):
    with Client(fake.path) as client, client.ingest.stream("web-1") as events:
        event = interaction("click", "u", sequence=7)
        assert events.send(event) == 7
        with pytest.raises(ValueError, match="sequence"):
            events.send(interaction("click", "u", sequence=7))
        assert events.send(type="click", user="u") == 8


def test_a_flush_that_ends_too_early_can_be_done_again(fake):
    with Client(fake.path) as client:
        events = client.ingest.stream("web-1")
        events.send(type="click", user="u")
        with fake.log.lock:
            with pytest.raises(DeadlineExceeded):
                events.flush(timeout=0.05)
            assert events.pending == 1
        events.flush(timeout=5)
        events.close()
    assert sequences(fake) == [1]


def test_the_asyncio_stream_survives_too(fake):
    fake.vanish_after = [10, 333]

    async def main() -> None:
        async with AsyncClient(fake.path) as client, client.ingest.stream("web-1", batch=50) as events:
            for n in range(500):
                await events.send(type="click", user=f"u{n}")
            await events.flush(timeout=20)
            assert events.reconnects == 2

    asyncio.run(main())
    assert sequences(fake) == list(range(1, 501))
