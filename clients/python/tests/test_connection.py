"""Connections that fail: what is told, what is tried again, what is not."""

from __future__ import annotations

import asyncio
import math
import random
import threading
import time

import pytest

from cowbird import (
    AsyncClient,
    Client,
    Code,
    CowbirdError,
    DeadlineExceeded,
    Internal,
    InvalidArgument,
    ResourceExhausted,
    Unavailable,
)
from cowbird._wire import HEADER, LAST_ID
from cowbird.v1 import EchoRequest, EchoResponse
from fake_server import FakeServer

ECHO = "cowbird.v1.Echo"


def test_nobody_listens(tmp_path):
    path = tmp_path / "none"
    with Client(path, reconnect=False) as client:
        with pytest.raises(Unavailable, match="is the daemon running") as caught:
            client.echo.unary()
        assert caught.value.code is Code.UNAVAILABLE
        assert not caught.value.sent
    with Client(path) as client, pytest.raises(DeadlineExceeded):
        client.echo.unary(timeout=0.05)
    with Client(path, connect_timeout=0.05) as client, pytest.raises(Unavailable):
        client.echo.unary()
    with Client("x" * 200) as client, pytest.raises(InvalidArgument):
        client.echo.unary()


def test_a_server_may_come_later(tmp_path):
    server = FakeServer(str(tmp_path / "s"))
    timer = threading.Timer(0.1, server.start)
    timer.start()
    with Client(server.path, timeout=10) as client:
        assert client.echo.unary(b"hello").payload == b"hello"
    server.stop()


def test_a_restarted_server_is_found_again(fake):
    with Client(fake.path, timeout=10) as client:
        assert client.echo.unary(b"1").payload == b"1"
        fake.stop()
        again = FakeServer(fake.path).start()
        answer = client.call(ECHO, "Unary", b"", EchoResponse)
        assert answer.payload == b""
        again.stop()


def test_only_idempotent_calls_are_repeated(fake):
    with Client(fake.path, timeout=10) as client:
        timer = threading.Timer(0.1, fake.drop_connections)
        timer.start()
        with pytest.raises(Unavailable, match="may have been done"):
            client.call(ECHO, "Chat", b"", EchoResponse)  # never answered
        assert len(fake.requests) == 1
        fake.requests.clear()
        timer = threading.Timer(0.1, fake.drop_connections)
        timer.start()
        assert client.echo.unary(b"x", delay_nanos=300_000_000).payload == b"x"
        assert len(fake.requests) == 2


def test_a_lost_connection_ends_what_is_in_flight(fake):
    with Client(fake.path, timeout=10) as client:
        chat = client.echo.chat()
        calls = [client.submit(ECHO, "Chat", b"", EchoResponse) for _ in range(3)]

        def wait_in_vain() -> None:
            with pytest.raises(Unavailable):
                calls[0].result()

        waiting = threading.Thread(target=wait_in_vain)
        waiting.start()
        time.sleep(0.02)
        fake.drop_connections()
        for call in calls:
            with pytest.raises(Unavailable):
                call.result()
            assert call.done()
        waiting.join(5)
        assert not waiting.is_alive()
        with pytest.raises(Unavailable):
            chat.receive()


def test_connections_that_vanish_leave_no_thread_waiting(fake):
    stop = time.monotonic() + 2
    wrong: list[object] = []

    def work(thread: int) -> None:
        choose = random.Random(thread)
        while time.monotonic() < stop:
            try:
                if choose.random() < 0.7:
                    number = choose.randrange(1 << 30)
                    payload = b"x" * choose.choice([1, 5000, 300_000])
                    answer = client.echo.unary(payload, number=number, timeout=choose.choice([0.005, 0.5, 10]))
                    if answer.number != number:
                        wrong.append((thread, number))
                else:
                    with client.echo.chat(timeout=10) as chat:
                        chat.send_all(EchoRequest(number=n) for n in range(10))
                        if [one.number for one in chat] != list(range(10)):
                            wrong.append(thread)
            except (Unavailable, DeadlineExceeded):
                pass

    with Client(fake.path, timeout=10) as client:
        threads = [threading.Thread(target=work, args=(n,), daemon=True) for n in range(8)]
        for thread in threads:
            thread.start()
        while time.monotonic() < stop:
            time.sleep(0.1)
            fake.drop_connections()
        for thread in threads:
            thread.join(20)
            assert not thread.is_alive()
    assert not wrong


def test_metadata_and_timeouts_travel(fake):
    with Client(fake.path, metadata={"who": "test"}, timeout=3) as client:
        client.echo.unary(metadata={"trace": "7"})
        client.echo.unary(timeout=math.inf)
    (service, method, timeout, metadata), second = fake.requests
    assert (service, method) == (ECHO, "Unary")
    assert metadata == {"who": "test", "trace": "7"}
    assert 2e9 < timeout <= 3e9
    assert second[2] == 0


@pytest.mark.parametrize(
    ("bytes_of", "expected"),
    [
        (lambda id: HEADER.pack(0xFFFFFFFF, id, 2, 0), Unavailable),
        (lambda id: HEADER.pack((4 << 20) + 1, id, 2, 0), Unavailable),
        (lambda id: HEADER.pack(2, id, 2, 0) + b"\xff\xff", Internal),
        (lambda id: HEADER.pack(3, id, 2, 0) + b"\x12\x7fx", Internal),
        (lambda id: HEADER.pack(1, id, 3, 0) + b"x", Internal),
        (lambda id: HEADER.pack(4, id, 2, 0) + b"\x12\x02\xff\xff", Internal),
    ],
)
def test_nonsense_ends_the_call_and_not_the_client(fake, bytes_of, expected):
    with Client(fake.path, timeout=10, reconnect=False) as client:
        fake.answer_with = bytes_of
        with pytest.raises(expected):
            client.call(ECHO, "Unary", b"", EchoResponse)
        fake.answer_with = None
        assert client.echo.unary(b"well").payload == b"well"


def test_a_late_answer_is_not_taken_for_another(fake):
    with Client(fake.path) as client:
        with pytest.raises(DeadlineExceeded):
            client.echo.unary(b"late", delay_nanos=50_000_000, timeout=0.02)
        time.sleep(0.06)
        for n in range(10):
            assert client.echo.unary(b"%d" % n).payload == b"%d" % n


def test_a_closed_client_says_so(fake):
    client = Client(fake.path)
    client.echo.unary()
    client.close()
    with pytest.raises(Unavailable, match="closed"):
        client.echo.unary()


def test_ids_that_run_out_take_a_new_connection(fake):
    with Client(fake.path) as client:
        client.echo.unary()
        link = client._link
        assert link is not None
        link._next_id = 0xC0000003
        assert client.echo.unary(b"x").payload == b"x"
        assert client._link is not link


def test_the_last_id_is_used_and_then_said_to_be(fake):
    with Client(fake.path) as client:
        chat = client.echo.chat()
        chat.send(EchoRequest(number=1))
        assert client._link is not None
        client._link._next_id = LAST_ID
        assert client.echo.unary(b"x").payload == b"x"
        for _ in range(3):
            with pytest.raises(ResourceExhausted, match="ids are used up"):
                client.echo.unary(b"y")
        chat.send(EchoRequest(number=2))
        chat.close_send()
        assert [one.number for one in chat] == [1, 2]
        assert client.echo.unary(b"z").payload == b"z"
        assert client._link._next_id == 3


def test_asyncio_uses_the_last_id_and_then_says_so(fake):
    async def main() -> None:
        async with AsyncClient(fake.path) as client:
            chat = client.echo.chat()
            await chat.send(EchoRequest(number=1))
            connection = client._connection
            assert connection is not None
            connection._next_id = LAST_ID
            assert (await client.echo.unary(b"x")).payload == b"x"
            with pytest.raises(ResourceExhausted, match="ids are used up"):
                await client.echo.unary(b"y")
            await chat.close_send()
            assert [one.number async for one in chat] == [1]
            assert (await client.echo.unary(b"z")).payload == b"z"
            assert client._connection is not connection

    asyncio.run(main())


def test_asyncio_reconnects_and_tells_what_was_lost(fake):
    async def main() -> None:
        async with AsyncClient(fake.path, timeout=10) as client:
            assert (await client.echo.unary(b"1")).payload == b"1"
            task = client.submit(ECHO, "Chat", b"", EchoResponse)
            await asyncio.sleep(0.05)
            fake.drop_connections()
            with pytest.raises(Unavailable):
                await task
            assert (await client.echo.unary(b"2")).payload == b"2"
            fake.answer_with = lambda id: HEADER.pack(0xFFFFFFFF, id, 2, 0)
            with pytest.raises(Unavailable):
                await client.call(ECHO, "Unary", b"", EchoResponse)
            fake.answer_with = None
            assert (await client.echo.unary(b"3")).payload == b"3"
        with pytest.raises(Unavailable, match="closed"):
            await client.echo.unary()
        async with AsyncClient(fake.path + "no", reconnect=False) as client:
            with pytest.raises(CowbirdError, match="is the daemon running"):
                await client.echo.unary()

    asyncio.run(main())
