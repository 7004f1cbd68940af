"""What the sync client gives for a call that is not over: `Submitted` and `Stream`."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Generic, Optional, TypeVar, Union

from google.protobuf.message import DecodeError, Message

from ._link import Link, Pending
from ._wire import DATA, FRAME_BYTES_MAX, NO_DATA, REMOTE_CLOSED, RESPONSE, Frame, decode_response
from .errors import DeadlineExceeded, FailedPrecondition, Internal, ResourceExhausted, Unavailable

if TYPE_CHECKING:
    from .client import Client

Answer = TypeVar("Answer", bound=Message)
Sent = TypeVar("Sent", bound=Message)


def parse(answer: type[Answer], payload: bytes) -> Answer:
    """Decodes an answer; what does not decode is the server's fault."""
    message = answer()
    try:
        message.ParseFromString(payload)
    except DecodeError:
        raise Internal(f"an answer of {len(payload)} bytes is no {answer.DESCRIPTOR.full_name}") from None
    return message


def encode(message: Union[Message, bytes]) -> bytes:
    return message if isinstance(message, bytes) else message.SerializeToString()


def unary_answer(link: Link, call: Pending, deadline: Optional[float]) -> bytes:
    """Waits for the one frame of a unary call."""
    try:
        if not link.wait(call, deadline):
            raise DeadlineExceeded("no answer in time")
    except BaseException:
        link.forget(call)
        raise
    if not call.frames:
        assert call.error is not None
        raise call.error
    return unary_payload(call.frames[0])


def unary_payload(frame: Frame) -> bytes:
    if frame.kind != RESPONSE:
        raise Internal(f"a frame of type {frame.kind} and {len(frame.data)} bytes is no answer to a call")
    return decode_response(frame.data)


class Submitted(Generic[Answer]):
    """A call in flight. `result` waits for its answer on the caller's own thread."""

    def __init__(self, link: Link, call: Pending, deadline: Optional[float], answer: type[Answer]) -> None:
        self._link = link
        self._call = call
        self._deadline = deadline
        self._answer = answer
        self._given_up = False

    def done(self) -> bool:
        """True when `result` would not wait. It does not read: only what others have read counts."""
        return bool(self._call.frames) or self._call.error is not None or self._given_up

    def result(self) -> Answer:
        """The answer, or the error raised. May be asked for more than once.

        A lost connection is `Unavailable`: submitted calls are not repeated.
        """
        if self._given_up:
            raise DeadlineExceeded("no answer in time")
        try:
            payload = unary_answer(self._link, self._call, self._deadline)
        except DeadlineExceeded:
            self._given_up = not self._call.frames
            raise
        return parse(self._answer, payload)

    def cancel(self) -> None:
        """Gives the call up: its answer is dropped. The server is not told (ttrpc cannot)."""
        self._given_up = True
        self._link.forget(self._call)


class Stream(Generic[Sent, Answer]):
    """Many messages one way or both; iterate over it to receive.

    >>> from cowbird import Client
    >>> from cowbird.v1 import EchoRequest
    >>> with Client(SOCKET) as client, client.echo.chat() as chat:
    ...     for n in range(3):
    ...         chat.send(EchoRequest(number=n))
    ...     chat.close_send()
    ...     [answer.number for answer in chat]
    [0, 1, 2]
    """

    def __init__(
        self,
        client: Client,
        link: Link,
        call: Pending,
        deadline: Optional[float],
        answer: type[Answer],
        sends_many: bool,
        receives_many: bool,
    ) -> None:
        self._client = client
        self._link = link
        self._call = call
        self._deadline = deadline
        self._answer = answer
        self._receives_many = receives_many
        self._send_closed = not sends_many
        self._ended = False

    def __enter__(self) -> Stream[Sent, Answer]:
        return self

    def __exit__(
        self, kind: Optional[type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.close()

    def __iter__(self) -> Iterator[Answer]:
        return self

    def __next__(self) -> Answer:
        message = self.receive()
        if message is None:
            raise StopIteration
        return message

    def send(self, message: Union[Sent, bytes]) -> None:
        """Sends one message; waits only while the kernel takes no more."""
        if self._send_closed or self._ended:
            raise FailedPrecondition("this side of the stream is closed")
        data = encode(message)
        if len(data) > FRAME_BYTES_MAX:
            raise ResourceExhausted(
                f"a message of {len(data)} bytes is above the bound of {FRAME_BYTES_MAX} bytes"
            )
        self._send(data, 0)

    def send_all(self, messages: Iterable[Sent]) -> None:
        """Sends each message, then says that there are no more."""
        for message in messages:
            self.send(message)
        self.close_send()

    def close_send(self) -> None:
        """Says that no more messages will be sent; receiving goes on."""
        if self._send_closed:
            return
        self._send_closed = True
        self._send(b"", REMOTE_CLOSED | NO_DATA)

    def _send(self, data: bytes, flags: int) -> None:
        corked = self._client._corked
        self._link.send(self._call, data, flags, corked)
        if not corked:
            self._link.flush(self._deadline)

    def receive(self, timeout: Optional[float] = None) -> Optional[Answer]:
        """The next message; None: there are no more. Raises the status of the stream if it went wrong.

        ``timeout``: wait at most so many seconds, then raise `TimeoutError`; the stream goes on.
        """
        if self._ended:
            return None
        until = self._deadline
        if timeout is not None:
            moment = time.monotonic() + timeout
            until = moment if until is None else min(until, moment)
        while True:
            frame = self._link.take(self._call)
            if frame is None:
                if self._call.error is not None:
                    self._ended = True
                    raise self._call.error
                if not self._link.wait(self._call, until):
                    self._time_is_over()
                continue
            payload = self._payload(frame)
            if payload is not None:
                return parse(self._answer, payload)
            if self._ended:
                return None

    def _time_is_over(self) -> None:
        if self._deadline is None or time.monotonic() < self._deadline:
            raise TimeoutError("no message in time; the stream goes on")
        self.close()
        raise DeadlineExceeded("the stream's time is over")

    def _payload(self, frame: Frame) -> Optional[bytes]:
        """What a frame carries; None: nothing. Notes the end."""
        if frame.kind == DATA:
            self._ended = bool(frame.flags & REMOTE_CLOSED) or not self._receives_many
            return None if frame.flags & NO_DATA else frame.data
        self._ended = True
        payload = unary_payload(frame)
        return None if self._receives_many and not payload else payload

    def result(self) -> Answer:
        """Half-closes, and waits for the one answer of a client stream."""
        self.close_send()
        message = self.receive()
        if message is None:
            raise Internal("the stream ended without an answer")
        return message

    def close(self) -> None:
        """Forgets the stream; what still comes for it is dropped. Half-closes first if need be.

        A server that sends without end goes on until the client is closed: ttrpc has no cancel.
        """
        if not self._ended:
            with contextlib.suppress(Unavailable, DeadlineExceeded):
                self.close_send()
            self._ended = True
        self._link.forget(self._call)
