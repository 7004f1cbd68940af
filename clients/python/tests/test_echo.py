"""Promises of both clients, against a server with cowbird.v1.Health and cowbird.v1.Echo."""

from __future__ import annotations

import asyncio
import os
import threading
import time

import pytest

from cowbird import (
    AsyncClient,
    Client,
    CowbirdError,
    DeadlineExceeded,
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    ResourceExhausted,
    Unimplemented,
)
from cowbird.v1 import EchoRequest, EchoResponse

ECHO = "cowbird.v1.Echo"
SIZES = [0, 1, 126, 127, 128, 150, 16_383, 16_384, 65_536, 1_000_000, (4 << 20) - 100]


def test_what_goes_in_comes_out_at_every_size(server_socket):
    with Client(server_socket, timeout=20) as client:
        for size in SIZES:
            payload = os.urandom(size)
            answer = client.echo.unary(payload, number=size)
            assert answer.payload == payload
            assert answer.number == size


def test_a_request_above_the_bound_is_refused_here(server_socket):
    with Client(server_socket) as client:
        with pytest.raises(ResourceExhausted, match="4194304"):
            client.echo.unary(b"x" * (4 << 20))
        assert client.echo.unary(b"still here").payload == b"still here"


def test_health_tells_that_it_serves(server_socket):
    with Client(server_socket) as client:
        assert client.health.check().status == client.health.SERVING
        with pytest.raises(NotFound):
            client.health.check("no.such.Service")
        with client.health.watch() as states:
            assert next(states).status == client.health.SERVING


def test_a_status_becomes_its_exception_with_code_and_message(server_socket):
    with Client(server_socket) as client:
        for code in range(1, 17):
            with pytest.raises(CowbirdError) as caught:
                client.echo.unary(b"because", fail_code=code)
            assert caught.value.code == code
            assert "because" in caught.value.message
        with pytest.raises(InvalidArgument):
            client.echo.unary(b"because", fail_code=3)


def test_an_unknown_method_and_service_are_unimplemented(server_socket):
    with Client(server_socket) as client:
        with pytest.raises(Unimplemented):
            client.call(ECHO, "Nothing", b"", EchoResponse)
        with pytest.raises(Unimplemented):
            client.call("cowbird.v1.Nothing", "Unary", b"", EchoResponse)


def test_a_deadline_ends_the_call_and_not_the_connection(server_socket):
    with Client(server_socket) as client:
        begin = time.monotonic()
        with pytest.raises(DeadlineExceeded):
            client.echo.unary(delay_nanos=2_000_000_000, timeout=0.05)
        assert time.monotonic() - begin < 1
        assert client.echo.unary(b"next", timeout=5).payload == b"next"


def test_calls_may_be_collected_in_any_order(server_socket):
    with Client(server_socket, timeout=20) as client:
        calls = [client.echo.submit(b"%d" % n, number=n) for n in range(200)]
        for n in reversed(range(200)):
            assert calls[n].result().number == n
            assert calls[n].result().payload == b"%d" % n


def test_a_pipeline_larger_than_every_buffer_does_not_stall(server_socket):
    payload = b"x" * 200_000
    with Client(server_socket, timeout=30) as client:
        with client.pipeline():
            calls = [client.echo.submit(payload, number=n) for n in range(50)]
        assert [call.result().number for call in calls] == list(range(50))
        calls = [client.echo.submit(payload, number=n) for n in range(50)]
        assert all(call.result().payload == payload for call in calls)


def test_threads_share_a_client(server_socket):
    wrong: list[object] = []
    with Client(server_socket, timeout=30) as client:

        def work(thread: int) -> None:
            for n in range(300):
                payload = b"%d/%d" % (thread, n) * (1 + n % 50)
                answer = client.echo.unary(payload, number=n)
                if answer.payload != payload or answer.number != n:
                    wrong.append((thread, n))

        threads = [threading.Thread(target=work, args=(n,)) for n in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
            assert not thread.is_alive()
    assert not wrong


def test_a_slow_call_of_one_thread_does_not_hold_the_others(server_socket):
    with Client(server_socket, timeout=30) as client:
        slow = threading.Thread(target=lambda: client.echo.unary(delay_nanos=1_000_000_000))
        slow.start()
        begin = time.monotonic()
        for n in range(100):
            assert client.echo.unary(number=n).number == n
        assert time.monotonic() - begin < 0.9
        slow.join()


def test_threads_with_short_deadlines_leave_nobody_waiting(server_socket):
    with Client(server_socket, timeout=30) as client:
        done = threading.Semaphore(0)

        def work(thread: int) -> None:
            for n in range(40):
                if (thread + n) % 3 == 0:
                    with pytest.raises(DeadlineExceeded):
                        client.echo.unary(delay_nanos=100_000_000, timeout=0.002)
                else:
                    assert client.echo.unary(number=n).number == n
            done.release()

        for n in range(8):
            threading.Thread(target=work, args=(n,), daemon=True).start()
        for _ in range(8):
            assert done.acquire(timeout=60)


def test_a_client_survives_a_fork(server_socket):
    with Client(server_socket, timeout=10) as client:
        assert client.echo.unary(b"parent").payload == b"parent"
        child = os.fork()
        if child == 0:
            status = 1
            try:
                status = 0 if client.echo.unary(b"child").payload == b"child" else 2
            finally:
                os._exit(status)
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 0
        assert client.echo.unary(b"parent").payload == b"parent"


def test_streams_of_all_three_kinds(server_socket):
    with Client(server_socket, timeout=20) as client:
        with client.echo.collect() as collect:
            for n in range(500):
                collect.send(EchoRequest(payload=b"%d," % n))
            answer = collect.result()
        assert answer.number == 500
        assert answer.payload == b"".join(b"%d," % n for n in range(500))
        with client.echo.expand(b"x", 1000) as expand:
            assert [one.number for one in expand] == list(range(1000))
        with client.echo.expand(b"x", 0) as expand:
            assert list(expand) == []
        with client.echo.chat() as chat:
            for n in range(200):
                chat.send(EchoRequest(number=n))
                got = chat.receive()
                assert got is not None
                assert got.number == n
            chat.close_send()
            assert chat.receive() is None
            with pytest.raises(FailedPrecondition):
                chat.send(EchoRequest())


def test_streams_and_calls_run_beside_each_other(server_socket):
    with Client(server_socket, timeout=20) as client:
        chats = [client.echo.chat() for _ in range(5)]
        for n in range(50):
            for place, chat in enumerate(chats):
                chat.send(EchoRequest(number=n * 10 + place))
            assert client.echo.unary(number=n).number == n
        for place, chat in reversed(list(enumerate(chats))):
            chat.close_send()
            assert [one.number for one in chat] == [n * 10 + place for n in range(50)]


def test_waiting_for_a_message_may_end_before_the_stream(server_socket):
    with Client(server_socket) as client, client.echo.chat() as chat:
        with pytest.raises(TimeoutError):
            chat.receive(timeout=0.02)
        chat.send(EchoRequest(number=3))
        got = chat.receive(timeout=5)
        assert got is not None
        assert got.number == 3


def test_a_stream_has_a_deadline_when_it_is_given_one(server_socket):
    with Client(server_socket) as client, client.echo.chat(timeout=0.05) as chat, pytest.raises(DeadlineExceeded):
        chat.receive()


def test_asyncio_calls_streams_errors_and_deadlines(server_socket):
    async def main() -> None:
        async with AsyncClient(server_socket, timeout=20) as client:
            for size in SIZES:
                assert len((await client.echo.unary(b"x" * size)).payload) == size
            answers = await asyncio.gather(*(client.echo.unary(number=n) for n in range(500)))
            assert [answer.number for answer in answers] == list(range(500))
            tasks = [client.echo.submit(b"x" * 100_000, number=n) for n in range(100)]
            assert [(await task).number for task in tasks] == list(range(100))
            with pytest.raises(NotFound, match="nope"):
                await client.echo.unary(b"nope", fail_code=5)
            with pytest.raises(DeadlineExceeded):
                await client.echo.unary(delay_nanos=2_000_000_000, timeout=0.05)
            async with client.echo.chat() as chat:
                for n in range(50):
                    await chat.send(EchoRequest(number=n))
                await chat.close_send()
                assert [one.number async for one in chat] == list(range(50))
            async with client.echo.collect() as collect:
                await collect.send_all(EchoRequest(payload=b"ab") for _ in range(3))
                assert (await collect.result()).payload == b"ababab"
            async with client.echo.expand(b"y", 100) as expand:
                assert [one.number async for one in expand] == list(range(100))
            async with client.echo.chat() as chat:
                with pytest.raises(TimeoutError):
                    await chat.receive(timeout=0.02)

    asyncio.run(main())


def test_cancelling_a_task_gives_its_call_up(server_socket):
    async def main() -> None:
        async with AsyncClient(server_socket) as client:
            task = client.echo.submit(b"x")
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert (await client.echo.unary(b"y")).payload == b"y"

    asyncio.run(main())
