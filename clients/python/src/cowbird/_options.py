"""What both clients share: where the socket is, timeouts, backoff."""

from __future__ import annotations

import dataclasses
import errno
import math
import os
import random
import time
from collections.abc import Iterator, Mapping
from typing import Optional, Union

from .errors import CowbirdError, DeadlineExceeded, InvalidArgument, PermissionDenied, Unavailable

DEFAULT_SOCKET = "/run/cowbird/cowbird.sock"
SocketPath = Union[str, "os.PathLike[str]"]


@dataclasses.dataclass(frozen=True)
class Options:
    """How a client behaves; the clients' constructors document each."""

    socket: str
    timeout: Optional[float]
    connect_timeout: float
    reconnect: bool
    backoff_first: float
    backoff_max: float
    metadata: Mapping[str, str]

    @staticmethod
    def make(
        socket: Optional[SocketPath],
        timeout: Optional[float],
        connect_timeout: float,
        reconnect: bool,
        backoff_first: float,
        backoff_max: float,
        metadata: Optional[Mapping[str, str]],
    ) -> Options:
        path = os.fspath(socket) if socket is not None else os.environ.get("COWBIRD_SOCKET") or DEFAULT_SOCKET
        for name, value in (("timeout", timeout), ("connect_timeout", connect_timeout)):
            if value is not None and not value > 0:
                raise ValueError(f"{name}: {value} is not above 0")
        if not 0 < backoff_first <= backoff_max:
            raise ValueError(f"backoff_first: {backoff_first} is not above 0 and at most backoff_max {backoff_max}")
        return Options(path, timeout, connect_timeout, reconnect, backoff_first, backoff_max, dict(metadata or {}))

    @property
    def address(self) -> str:
        """The path as `connect` takes it: '@' first is Linux's abstract namespace."""
        return "\0" + self.socket[1:] if self.socket.startswith("@") else self.socket

    def deadline(self, timeout: Optional[float]) -> Optional[float]:
        """The moment of the monotonic clock at which a call ends; None: never."""
        if timeout is None:
            timeout = self.timeout
        if timeout is None or math.isinf(timeout):
            return None
        if not timeout > 0:
            raise DeadlineExceeded(f"timeout: {timeout} seconds are over already")
        return time.monotonic() + timeout

    def pauses(self) -> Iterator[float]:
        """Exponential backoff with jitter: each pause is between half and all of a step that doubles."""
        step = self.backoff_first
        while True:
            yield step * random.uniform(0.5, 1.0)
            step = min(step * 2, self.backoff_max)

    def merged(self, metadata: Optional[Mapping[str, str]]) -> Optional[Mapping[str, str]]:
        if not self.metadata:
            return metadata
        return {**self.metadata, **metadata} if metadata else self.metadata

    def connect_error(self, error: OSError, deadline: Optional[float]) -> CowbirdError:
        """What is told when no connection was made."""
        what = f"cannot connect to {self.socket}: {error.strerror or error}"
        if error.errno in (errno.EACCES, errno.EPERM):
            return PermissionDenied(what)
        if error.errno is None or error.errno == errno.ENAMETOOLONG:
            return InvalidArgument(what)
        if deadline is not None and time.monotonic() >= deadline:
            return DeadlineExceeded(what)
        return Unavailable(what + "; is the daemon running?", sent=False)

    def worth_retrying(self, error: OSError) -> bool:
        if error.errno == errno.EAGAIN:  # the server's backlog is full
            return True
        return self.reconnect and error.errno in (errno.ECONNREFUSED, errno.ENOENT, errno.ECONNRESET)


def timeout_nanos(deadline: Optional[float]) -> int:
    """What is left until a deadline, as the envelope carries it; 0: no end."""
    if deadline is None:
        return 0
    left = deadline - time.monotonic()
    if left <= 0:
        raise DeadlineExceeded("the time was over before the request was sent")
    return max(1, int(left * 1e9))
