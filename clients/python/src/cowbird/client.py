"""The sync client."""

from __future__ import annotations

import contextlib
import math
import os
import socket as sockets
import threading
import time
import weakref
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, Optional, Union

from google.protobuf.message import Message

from ._calls import Answer, Stream, Submitted, encode, parse, unary_answer
from ._link import Link
from ._options import Options, SocketPath, timeout_nanos
from ._sync import Echo, Health, Ingest, Predict, Update, Version
from ._wire import REMOTE_CLOSED, REMOTE_OPEN, encode_request
from .errors import DeadlineExceeded, Unavailable

_clients: weakref.WeakSet[Client] = weakref.WeakSet()


class Client:
    """Calls the daemon over its Unix socket. Safe to share between threads, and after a fork.

    Args:
        socket: path of the socket; ``@name`` for the abstract namespace. None: ``$COWBIRD_SOCKET``, then
            ``/run/cowbird/cowbird.sock``.
        timeout: seconds that a call may take which names none itself; None: no end.
        connect_timeout: longest wait for a connection, in seconds, all tries together.
        reconnect: try again, with exponential backoff, when nobody listens or the connection was lost. A call
            that may have reached the server is repeated only if it reads.
        backoff_first, backoff_max: pauses between tries, in seconds.
        metadata: pairs that travel with every call.

    Every method of the services raises `cowbird.CowbirdError` (a subclass for each code). Everywhere
    ``timeout`` is in seconds and covers the whole call: connecting, sending, the server's work, receiving;
    None is the client's, ``math.inf`` none.

    >>> with Client(SOCKET, timeout=5) as client:
    ...     client.health.check().status == client.health.SERVING
    ...     client.echo.unary(b"hello").payload
    True
    b'hello'
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
        self._link: Optional[Link] = None
        self._connecting = threading.Lock()
        self._closed = False
        self._corks = threading.local()
        #: Is the daemon ready? `Health`.
        self.health = Health(self)
        #: Diagnostic. `Echo`.
        self.echo = Echo(self)
        #: Events in. `Ingest`.
        self.ingest = Ingest(self)
        #: Scores and recommendations out. `Predict`.
        self.predict = Predict(self)
        #: The learner. `Update`.
        self.update = Update(self)
        #: Kept models. `Version`.
        self.version = Version(self)
        _clients.add(self)

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: Optional[type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<cowbird.Client {self.options.socket!r}>"

    def close(self) -> None:
        """Closes the connection; calls in flight end as `Unavailable`, later ones too."""
        self._closed = True
        link, self._link = self._link, None
        if link is not None:
            link.close()

    def connect(self, timeout: Optional[float] = None) -> None:
        """Connects now, which else the first call does."""
        self._connected(self.options.deadline(timeout))

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    # -- connection

    def _connected(self, deadline: Optional[float]) -> Link:
        link = self._link
        if link is not None and link.broken is None and not link.spent:
            return link
        left = -1.0 if deadline is None else max(0.0, deadline - time.monotonic())
        if not self._connecting.acquire(timeout=left):
            raise DeadlineExceeded(f"no connection to {self.options.socket} in time")
        try:
            if self._closed:
                raise Unavailable("the client is closed", sent=False)
            link = self._link
            if link is None or link.broken is not None or link.spent:
                if link is not None:
                    link.close("its ids were used up")
                link = self._link = Link(self._dial(deadline))
            return link
        finally:
            self._connecting.release()

    def _dial(self, deadline: Optional[float]) -> sockets.socket:
        patience = time.monotonic() + self.options.connect_timeout
        end = patience if deadline is None else min(patience, deadline)
        for pause in self.options.pauses():
            sock = sockets.socket(sockets.AF_UNIX, sockets.SOCK_STREAM)
            try:
                sock.settimeout(max(0.001, end - time.monotonic()))
                sock.connect(self.options.address)
                return sock
            except OSError as error:
                sock.close()
                left = end - time.monotonic()
                if left <= 0 or not self.options.worth_retrying(error):
                    raise self.options.connect_error(error, deadline) from None
                time.sleep(min(pause, left))
        raise AssertionError("pauses() does not end")

    def _after_fork(self) -> None:
        link, self._link = self._link, None
        self._connecting = threading.Lock()
        if link is not None:
            link.close_in_child()

    # -- calls

    def call(
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
        """Calls a unary method by name and waits for its answer.

        ``idempotent``: may be sent again when the connection breaks, because twice is the same as once.

        >>> from cowbird.v1 import EchoRequest, EchoResponse
        >>> with Client(SOCKET) as client:
        ...     client.call("cowbird.v1.Echo", "Unary", EchoRequest(number=7), EchoResponse).number
        7
        """
        payload = encode(request)
        deadline = self.options.deadline(timeout)
        metadata = self.options.merged(metadata)
        while True:
            link = self._connected(deadline)
            body = encode_request(service, method, payload, timeout_nanos(deadline), metadata)
            try:
                call = link.start(body, 0, False)
                return parse(answer, unary_answer(link, call, deadline))
            except Unavailable as error:
                if link.broken is None or not self.options.reconnect or (error.sent and not idempotent):
                    raise

    def submit(
        self,
        service: str,
        method: str,
        request: Union[Message, bytes],
        answer: type[Answer],
        *,
        timeout: Optional[float] = None,
        metadata: Optional[Mapping[str, str]] = None,
    ) -> Submitted[Answer]:
        """Sends a call and returns at once; many may be in flight on the one connection.

        >>> from cowbird.v1 import EchoRequest, EchoResponse
        >>> with Client(SOCKET) as client:
        ...     calls = [
        ...         client.submit("cowbird.v1.Echo", "Unary", EchoRequest(number=n), EchoResponse)
        ...         for n in range(3)
        ...     ]
        ...     [call.result().number for call in calls]
        [0, 1, 2]
        """
        deadline = self.options.deadline(timeout)
        for last in (False, True):
            link = self._connected(deadline)
            body = encode_request(
                service, method, encode(request), timeout_nanos(deadline), self.options.merged(metadata)
            )
            try:
                call = link.start(body, 0, False, self._corked)
                if call.error is None or last or not self.options.reconnect:
                    break
            except Unavailable:
                if last or not self.options.reconnect:
                    raise
        return Submitted(link, call, deadline, answer)

    @contextlib.contextmanager
    def pipeline(self, timeout: Optional[float] = None) -> Iterator[None]:
        """Within it, what this thread submits and sends is gathered; it leaves at the end, or when waited for.

        >>> with Client(SOCKET) as client:
        ...     with client.pipeline():
        ...         calls = [client.echo.submit(b"x", number=n) for n in range(100)]
        ...     sum(call.result().number for call in calls)
        4950
        """
        outer = self._corked
        self._corks.on = True
        try:
            yield
        finally:
            self._corks.on = outer
            link = self._link
            if link is not None and not outer:
                link.flush(self.options.deadline(timeout))

    @property
    def _corked(self) -> bool:
        return getattr(self._corks, "on", False)

    def stream(
        self,
        service: str,
        method: str,
        answer: type[Answer],
        *,
        request: Optional[Message] = None,
        sends_many: bool = True,
        receives_many: bool = True,
        timeout: Optional[float] = math.inf,
        metadata: Optional[Mapping[str, str]] = None,
    ) -> Stream[Any, Answer]:
        """Opens a stream by name. ``timeout`` is that of the whole stream; by default it has none."""
        deadline = self.options.deadline(timeout)
        flags = REMOTE_OPEN if sends_many else REMOTE_CLOSED
        payload = b"" if request is None else request.SerializeToString()
        for last in (False, True):
            link = self._connected(deadline)
            body = encode_request(
                service, method, payload, timeout_nanos(deadline), self.options.merged(metadata)
            )
            try:
                call = link.start(body, flags, True, self._corked)
                if call.error is None or last or not self.options.reconnect:
                    break
            except Unavailable:
                if last or not self.options.reconnect:
                    raise
        return Stream(self, link, call, deadline, answer, sends_many, receives_many)


def _after_fork_in_child() -> None:
    for client in list(_clients):
        client._after_fork()


os.register_at_fork(after_in_child=_after_fork_in_child)

