"""The asyncio client."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Mapping
from types import TracebackType
from typing import Any, Optional, Union

from google.protobuf.message import Message

from ._async import AsyncEcho, AsyncHealth, AsyncIngest, AsyncPredict, AsyncUpdate, AsyncVersion
from ._calls import Answer, encode, parse, unary_payload
from ._connection import AsyncStream, Call, Connection
from ._options import Options, SocketPath, timeout_nanos
from ._wire import REMOTE_CLOSED, REMOTE_OPEN, encode_request
from .errors import DeadlineExceeded, Unavailable


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
        self._connection: Optional[Connection] = None
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

    def _usable(self) -> Optional[Connection]:
        connection = self._connection
        return connection if connection and connection.broken is None and not connection.spent else None

    async def _connected(self, deadline: Optional[float]) -> Connection:
        connection = self._usable()
        if connection is not None:
            return connection
        if self._connecting is None:
            self._connecting = asyncio.Lock()
        left = None if deadline is None else max(0.0, deadline - time.monotonic())
        try:
            await asyncio.wait_for(self._connecting.acquire(), left)
        except asyncio.TimeoutError:
            raise DeadlineExceeded(f"no connection to {self.options.socket} in time") from None
        try:
            if self._closed:
                raise Unavailable("the client is closed", sent=False)
            connection = self._usable()
            if connection is None:
                if self._connection is not None:
                    self._connection.close("its ids were used up")
                connection = self._connection = await self._dial(deadline)
            return connection
        finally:
            self._connecting.release()

    async def _dial(self, deadline: Optional[float]) -> Connection:
        loop = asyncio.get_running_loop()
        patience = time.monotonic() + self.options.connect_timeout
        end = patience if deadline is None else min(patience, deadline)
        for pause in self.options.pauses():
            try:
                _, connection = await loop.create_unix_connection(Connection, self.options.address)
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

    async def _once(self, connection: Connection, body: bytes, deadline: Optional[float]) -> bytes:
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

        async def open_stream() -> tuple[Connection, Call]:
            flags = REMOTE_OPEN if sends_many else REMOTE_CLOSED
            connection = await self._connected(deadline)
            left = timeout_nanos(deadline)
            body = encode_request(service, method, payload, left, self.options.merged(metadata))
            return connection, connection.start(body, flags, True)

        return AsyncStream(open_stream, deadline, answer, sends_many, receives_many)
