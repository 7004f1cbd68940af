"""One connection of the asyncio client, and the streams on it."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Iterable
from types import TracebackType
from typing import Callable, Generic, Optional, TypeVar, Union

from google.protobuf.message import Message

from ._calls import encode, parse, unary_payload
from ._wire import (
    COMFORTABLE_ID,
    DATA,
    FRAME_BYTES_MAX,
    HEADER,
    LAST_ID,
    NO_DATA,
    REMOTE_CLOSED,
    REQUEST,
    RESPONSE,
    Frame,
    FrameReader,
)
from .errors import CowbirdError, DeadlineExceeded, FailedPrecondition, Internal, ResourceExhausted, Unavailable

Answer = TypeVar("Answer", bound=Message)
Sent = TypeVar("Sent", bound=Message)
STREAM_BUFFER_BYTES = 64 << 20
#: What `AsyncClient.submit` gives: await it.
AsyncSubmitted = asyncio.Task


class Call:
    """A call or a stream in flight: its frames, and whoever waits for one."""

    __slots__ = ("buffered", "error", "frames", "id", "many", "waiter")

    def __init__(self, id: int, many: bool) -> None:
        self.id = id
        self.many = many
        self.buffered = 0
        self.frames: collections.deque[Frame] = collections.deque()
        self.error: Optional[CowbirdError] = None
        self.waiter: Optional[asyncio.Future[None]] = None

    def wake(self) -> None:
        if self.waiter is not None and not self.waiter.done():
            self.waiter.set_result(None)


class Connection(asyncio.Protocol):
    """One connection: cuts frames and hands them to their calls; knows when the kernel takes no more."""

    def __init__(self) -> None:
        self.broken: Optional[str] = None
        self._transport: Optional[asyncio.Transport] = None
        self._reader = FrameReader()
        self._calls: dict[int, Call] = {}
        self._next_id = 1
        self._writable = asyncio.Event()
        self._writable.set()

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        try:
            for frame in self._reader.feed(data):
                self._file(frame)
        except Internal as error:
            self.close(error.message)

    def connection_lost(self, error: Optional[Exception]) -> None:
        self._break(str(error) if error is not None else "the server closed it")

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    # What the client calls.

    def start(self, body: bytes, flags: int, many: bool) -> Call:
        if self.broken is not None:
            raise Unavailable(f"the connection was lost ({self.broken})", sent=False)
        id = self._next_id
        if id > LAST_ID:
            raise ResourceExhausted("this connection's ids are used up: finish the calls in flight")
        self._next_id = id + 2
        call = self._calls[id] = Call(id, many)
        assert self._transport is not None
        self._transport.write(HEADER.pack(len(body), id, REQUEST, flags) + body)
        return call

    def send(self, call: Call, data: bytes, flags: int) -> None:
        if call.error is not None:
            raise call.error
        assert self._transport is not None
        self._transport.write(HEADER.pack(len(data), call.id, DATA, flags) + data)

    async def drained(self, deadline: Optional[float]) -> None:
        """Returns when not too much waits to be sent."""
        if self._writable.is_set():
            return
        left = None if deadline is None else max(0.0, deadline - time.monotonic())
        try:
            await asyncio.wait_for(self._writable.wait(), left)
        except asyncio.TimeoutError:
            raise DeadlineExceeded("the time was over before all was sent") from None

    async def wait(self, call: Call, deadline: Optional[float]) -> bool:
        """Waits for a frame or an error. False: the time is over."""
        if call.frames or call.error is not None:
            return True
        loop = asyncio.get_running_loop()
        call.waiter = loop.create_future()
        timer = None
        if deadline is not None:
            timer = loop.call_later(max(0.0, deadline - time.monotonic()), call.wake)
        try:
            await call.waiter
        finally:
            call.waiter = None
            if timer is not None:
                timer.cancel()
        return bool(call.frames) or call.error is not None

    def _file(self, frame: Frame) -> None:
        call = self._calls.get(frame.stream)
        if call is None:
            return  # given up
        if not call.many or frame.kind == RESPONSE or frame.flags & REMOTE_CLOSED:
            del self._calls[frame.stream]
        call.frames.append(frame)
        if call.many:
            call.buffered += len(frame.data)
            if call.buffered > STREAM_BUFFER_BYTES:
                self._calls.pop(frame.stream, None)
                call.error = ResourceExhausted(
                    f"more than {STREAM_BUFFER_BYTES} bytes came for a stream that was not received from"
                )
        call.wake()

    def forget(self, call: Call) -> None:
        self._calls.pop(call.id, None)

    @property
    def spent(self) -> bool:
        return self._next_id > COMFORTABLE_ID and not self._calls

    def close(self, reason: str) -> None:
        if self._transport is not None:
            self._transport.close()
        self._break(reason)

    def _break(self, reason: str) -> None:
        if self.broken is not None:
            return
        self.broken = reason
        self._writable.set()
        for call in self._calls.values():
            call.error = Unavailable(f"the connection was lost ({reason}): it may have been done")
            call.wake()
        self._calls.clear()


class AsyncStream(Generic[Sent, Answer]):
    """Many messages one way or both; iterate over it (``async for``) to receive."""

    def __init__(
        self,
        open_stream: Callable[[], Awaitable[tuple[Connection, Call]]],
        deadline: Optional[float],
        answer: type[Answer],
        sends_many: bool,
        receives_many: bool,
    ) -> None:
        self._open_stream = open_stream
        self._opened: Optional[tuple[Connection, Call]] = None
        self._deadline = deadline
        self._answer = answer
        self._receives_many = receives_many
        self._send_closed = not sends_many
        self._ended = False

    async def _open(self) -> tuple[Connection, Call]:
        if self._opened is None:
            self._opened = await self._open_stream()
        assert self._opened is not None
        return self._opened

    async def __aenter__(self) -> AsyncStream[Sent, Answer]:
        await self._open()
        return self

    async def __aexit__(
        self, kind: Optional[type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        await self.close()

    def __aiter__(self) -> AsyncIterator[Answer]:
        return self

    async def __anext__(self) -> Answer:
        message = await self.receive()
        if message is None:
            raise StopAsyncIteration
        return message

    async def send(self, message: Union[Sent, bytes]) -> None:
        """Sends one message; waits while too much waits to be sent."""
        if self._send_closed or self._ended:
            raise FailedPrecondition("this side of the stream is closed")
        data = encode(message)
        if len(data) > FRAME_BYTES_MAX:
            raise ResourceExhausted(
                f"a message of {len(data)} bytes is above the bound of {FRAME_BYTES_MAX} bytes"
            )
        await self._send(data, 0)

    async def send_all(self, messages: Iterable[Sent]) -> None:
        """Sends each message, then says that there are no more."""
        for message in messages:
            await self.send(message)
        await self.close_send()

    async def close_send(self) -> None:
        """Says that no more messages will be sent; receiving goes on."""
        if not self._send_closed:
            self._send_closed = True
            await self._send(b"", REMOTE_CLOSED | NO_DATA)

    async def _send(self, data: bytes, flags: int) -> None:
        connection, call = await self._open()
        connection.send(call, data, flags)
        await connection.drained(self._deadline)

    async def receive(self, timeout: Optional[float] = None) -> Optional[Answer]:
        """The next message; None: there are no more. With ``timeout``: `TimeoutError`, and the stream goes on."""
        if self._ended:
            return None
        connection, call = await self._open()
        until = self._deadline
        if timeout is not None:
            moment = time.monotonic() + timeout
            until = moment if until is None else min(until, moment)
        while True:
            if not call.frames:
                if call.error is not None:
                    self._ended = True
                    raise call.error
                if not await connection.wait(call, until):
                    await self._time_is_over()
                continue
            frame = call.frames.popleft()
            call.buffered -= len(frame.data)
            payload = self._payload(frame)
            if payload is not None:
                return parse(self._answer, payload)
            if self._ended:
                return None

    async def _time_is_over(self) -> None:
        if self._deadline is None or time.monotonic() < self._deadline:
            raise TimeoutError("no message in time; the stream goes on")
        await self.close()
        raise DeadlineExceeded("the stream's time is over")

    def _payload(self, frame: Frame) -> Optional[bytes]:
        if frame.kind == DATA:
            self._ended = bool(frame.flags & REMOTE_CLOSED) or not self._receives_many
            return None if frame.flags & NO_DATA else frame.data
        self._ended = True
        payload = unary_payload(frame)
        return None if self._receives_many and not payload else payload

    async def result(self) -> Answer:
        """Half-closes, and waits for the one answer of a client stream."""
        await self.close_send()
        message = await self.receive()
        if message is None:
            raise Internal("the stream ended without an answer")
        return message

    async def close(self) -> None:
        """Forgets the stream; what still comes for it is dropped. Half-closes first if need be."""
        if self._opened is None:
            self._ended = True
            return
        connection, call = self._opened
        if not self._ended:
            with contextlib.suppress(Unavailable, DeadlineExceeded):
                await self.close_send()
            self._ended = True
        connection.forget(call)
