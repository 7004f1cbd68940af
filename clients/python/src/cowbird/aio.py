"""The asyncio client."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import time
from collections.abc import AsyncIterator, Coroutine, Iterable, Mapping
from types import TracebackType
from typing import Any, Generic, Optional, TypeVar, Union

from google.protobuf.message import Message

from ._options import Options, SocketPath, timeout_nanos
from ._services_async import AsyncEcho, AsyncHealth, AsyncIngest, AsyncPredict, AsyncUpdate, AsyncVersion
from ._wire import (
    COMFORTABLE_ID,
    DATA,
    FRAME_BYTES_MAX,
    HEADER,
    LAST_ID,
    NO_DATA,
    REMOTE_CLOSED,
    REMOTE_OPEN,
    REQUEST,
    RESPONSE,
    Frame,
    FrameReader,
    encode_request,
)
from .client import encode, parse, unary_payload
from .errors import (
    CowbirdError,
    DeadlineExceeded,
    FailedPrecondition,
    Internal,
    ResourceExhausted,
    Unavailable,
)

Answer = TypeVar("Answer", bound=Message)
Sent = TypeVar("Sent", bound=Message)
#: What `AsyncClient.submit` gives: await it.
AsyncSubmitted = asyncio.Task
STREAM_BUFFER_BYTES = 64 << 20


class _Call:
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


class _Connection(asyncio.Protocol):
    """One connection: cuts frames and hands them to their calls; knows when the kernel takes no more."""

    def __init__(self) -> None:
        self.broken: Optional[str] = None
        self._transport: Optional[asyncio.Transport] = None
        self._reader = FrameReader()
        self._calls: dict[int, _Call] = {}
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

    def start(self, body: bytes, flags: int, many: bool) -> _Call:
        if self.broken is not None:
            raise Unavailable(f"the connection was lost ({self.broken})", sent=False)
        id = self._next_id
        if id > LAST_ID:
            raise ResourceExhausted("this connection's ids are used up: finish the calls in flight")
        self._next_id = id + 2
        call = self._calls[id] = _Call(id, many)
        assert self._transport is not None
        self._transport.write(HEADER.pack(len(body), id, REQUEST, flags) + body)
        return call

    def send(self, call: _Call, data: bytes, flags: int) -> None:
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

    async def wait(self, call: _Call, deadline: Optional[float]) -> bool:
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

    def forget(self, call: _Call) -> None:
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


class AsyncClient:
    """`Client` for asyncio: the same arguments, services and errors; calls are awaited.

    Use it from one event loop. Calls made at the same time share the connection.

    >>> import asyncio
    >>> async def main():
    ...     async with AsyncClient(SOCKET, timeout=5) as client:
    ...         one, two = await asyncio.gather(client.echo.unary(b"1"), client.echo.unary(b"2"))
    ...         return one.payload, two.payload
    >>> asyncio.run(main())
    (b'1', b'2')
    """

    def __init__(
        self,
        socket: Optional[SocketPath] = None,
        *,
        timeout: Optional[float] = None,
        connect_timeout: float = 5.0,
        reconnect: bool = True,
        backoff_first: float = 0.01,
        backoff_max: float = 1.0,
        metadata: Optional[Mapping[str, str]] = None,
    ) -> None:
        self.options = Options.make(
            socket, timeout, connect_timeout, reconnect, backoff_first, backoff_max, metadata
        )
        self._connection: Optional[_Connection] = None
        self._connecting: Optional[asyncio.Lock] = None
        self._closed = False
        self._tasks: set[asyncio.Task[Any]] = set()
        self.health = AsyncHealth(self)
        self.echo = AsyncEcho(self)
        self.ingest = AsyncIngest(self)
        self.predict = AsyncPredict(self)
        self.update = AsyncUpdate(self)
        self.version = AsyncVersion(self)

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self, kind: Optional[type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"<cowbird.AsyncClient {self.options.socket!r}>"

    async def close(self) -> None:
        """Closes the connection; calls in flight end as `Unavailable`, later ones too."""
        self._closed = True
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close("the client was closed")
            await asyncio.sleep(0)

    async def connect(self, timeout: Optional[float] = None) -> None:
        """Connects now, which else the first call does."""
        await self._connected(self.options.deadline(timeout))

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    # -- connection

    def _usable(self) -> Optional[_Connection]:
        connection = self._connection
        return connection if connection and connection.broken is None and not connection.spent else None

    async def _connected(self, deadline: Optional[float]) -> _Connection:
        connection = self._usable()
        if connection is not None:
            return connection
        if self._connecting is None:
            self._connecting = asyncio.Lock()
        async with self._connecting:
            if self._closed:
                raise Unavailable("the client is closed", sent=False)
            connection = self._usable()
            if connection is None:
                if self._connection is not None:
                    self._connection.close("its ids were used up")
                connection = self._connection = await self._dial(deadline)
            return connection

    async def _dial(self, deadline: Optional[float]) -> _Connection:
        loop = asyncio.get_running_loop()
        patience = time.monotonic() + self.options.connect_timeout
        end = patience if deadline is None else min(patience, deadline)
        for pause in self.options.pauses():
            try:
                _, connection = await loop.create_unix_connection(_Connection, self.options.address)
                return connection
            except OSError as error:
                left = end - time.monotonic()
                if left <= 0 or not self.options.worth_retrying(error):
                    raise self.options.connect_error(error, deadline) from None
                await asyncio.sleep(min(pause, left))
        raise AssertionError("pauses() does not end")

    # -- calls

    async def call(
        self,
        service: str,
        method: str,
        request: Union[Message, bytes],
        answer: type[Answer],
        *,
        timeout: Optional[float] = None,
        metadata: Optional[Mapping[str, str]] = None,
        idempotent: bool = False,
    ) -> Answer:
        """Calls a unary method by name; see `Client.call`."""
        payload = encode(request)
        deadline = self.options.deadline(timeout)
        metadata = self.options.merged(metadata)
        while True:
            connection = await self._connected(deadline)
            body = encode_request(service, method, payload, timeout_nanos(deadline), metadata)
            try:
                return parse(answer, await self._once(connection, body, deadline))
            except Unavailable as error:
                lost = connection.broken is not None
                if not lost or not self.options.reconnect or (error.sent and not idempotent):
                    raise

    async def _once(self, connection: _Connection, body: bytes, deadline: Optional[float]) -> bytes:
        call = connection.start(body, 0, False)
        try:
            await connection.drained(deadline)
            if not await connection.wait(call, deadline):
                raise DeadlineExceeded("no answer in time")
        finally:
            connection.forget(call)
        if not call.frames:
            assert call.error is not None
            raise call.error
        return unary_payload(call.frames[0])

    def submit(
        self,
        service: str,
        method: str,
        request: Union[Message, bytes],
        answer: type[Answer],
        *,
        timeout: Optional[float] = None,
        metadata: Optional[Mapping[str, str]] = None,
    ) -> asyncio.Task[Answer]:
        """`call` as a task of its own, to be awaited later. The client keeps it alive."""
        work: Coroutine[Any, Any, Answer] = self.call(
            service, method, request, answer, timeout=timeout, metadata=metadata
        )
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def stream(
        self,
        service: str,
        method: str,
        answer: type[Answer],
        *,
        request: Optional[Message] = None,
        sends_many: bool = True,
        receives_many: bool = True,
        timeout: Optional[float] = float("inf"),
        metadata: Optional[Mapping[str, str]] = None,
    ) -> AsyncStream[Any, Answer]:
        """A stream by name; it opens when it is first used. ``timeout`` is that of the whole stream."""
        payload = b"" if request is None else request.SerializeToString()
        deadline = self.options.deadline(timeout)

        async def open_stream() -> tuple[_Connection, _Call]:
            flags = REMOTE_OPEN if sends_many else REMOTE_CLOSED
            connection = await self._connected(deadline)
            left = timeout_nanos(deadline)
            body = encode_request(service, method, payload, left, self.options.merged(metadata))
            return connection, connection.start(body, flags, True)

        return AsyncStream(open_stream, deadline, answer, sends_many, receives_many)


class AsyncStream(Generic[Sent, Answer]):
    """Many messages one way or both; iterate over it (``async for``) to receive."""

    def __init__(
        self,
        open_stream: Any,
        deadline: Optional[float],
        answer: type[Answer],
        sends_many: bool,
        receives_many: bool,
    ) -> None:
        self._open_stream = open_stream
        self._opened: Optional[tuple[_Connection, _Call]] = None
        self._deadline = deadline
        self._answer = answer
        self._receives_many = receives_many
        self._send_closed = not sends_many
        self._ended = False

    async def _open(self) -> tuple[_Connection, _Call]:
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
