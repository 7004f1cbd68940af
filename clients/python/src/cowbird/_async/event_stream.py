"""Events that survive reconnects: numbered, held until acknowledged, sent again from where the log stands.

`tools/unasync.py` makes `_sync/event_stream.py` from this file.
"""

from __future__ import annotations

import collections
import math
import time as clock
from collections.abc import Awaitable
from types import TracebackType
from typing import TYPE_CHECKING, Callable, NamedTuple, Optional

from .._wire import varint
from ..errors import DeadlineExceeded, FailedPrecondition, Internal, Unavailable
from ..v1 import Durability, Event, StreamRequest, StreamResponse
from ..values import Attributes, Moment, Refused, interaction

if TYPE_CHECKING:
    from .._connection import AsyncStream
    from ..aio import AsyncClient

_BATCH_BYTES = 1 << 20


class _Held(NamedTuple):
    """An event that is not acknowledged: its number, and its bytes."""

    sequence: int
    data: bytes


class AsyncEventStream:
    """A stream of events into the log. Made by ``client.ingest.stream(producer)``.

    Events are numbered on after what the log holds of this producer, gathered in batches, held here until
    they are acknowledged, and after a lost connection sent again from where the log stands: nothing is lost and
    nothing doubled, also when the daemon was killed meanwhile. Give each process that sends at the same time a
    producer of its own. One task or thread at a time may use it.

    `send` returns when the event is queued and waits only for credits; `flush` returns when all is acknowledged.
    There is no thread behind it: what is gathered leaves when a batch is full, or by `flush` or `push`.

    Attributes:
        sent: events given to `send`.
        acknowledged: events of them that the log holds, or has refused.
        duplicates: events of them that the log held already.
        offset: highest log offset that was acknowledged: `min_offset` to read your own writes.
        reconnects: how often the stream was opened again.
    """

    def __init__(
        self,
        client: AsyncClient,
        producer: str,
        *,
        durability: Durability,
        batch: int,
        reconnect_timeout: float,
        on_refusal: Optional[Callable[[Refused], None]],
    ) -> None:
        if not producer:
            raise ValueError("producer: empty; a stream that can resume needs a name")
        if not 1 <= batch <= 100_000:
            raise ValueError(f"batch: {batch} is not between 1 and 100,000")
        self.producer = producer
        self.sent = 0
        self.acknowledged = 0
        self.duplicates = 0
        self.offset = 0
        self.reconnects = -1
        self._client = client
        self._durability = durability
        self._batch = batch
        self._reconnect_timeout = reconnect_timeout
        self._on_refusal = on_refusal
        self._stream: Optional[AsyncStream[StreamRequest, StreamResponse]] = None
        self._queued: collections.deque[_Held] = collections.deque()  # not sent on the stream that is open
        self._held: collections.deque[_Held] = collections.deque()  # sent, not acknowledged
        self._next_sequence = 0
        self._closed = False
        # Of the stream that is open: events sent, events acknowledged, events that may have been sent by now.
        self._stream_sent = self._stream_acknowledged = self._stream_limit = 0

    async def __aenter__(self) -> AsyncEventStream:
        await self._ensure()
        return self

    async def __aexit__(
        self, kind: Optional[type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        if kind is None:
            await self.close()
        else:
            await self.abandon()

    @property
    def pending(self) -> int:
        """Events that are not acknowledged yet."""
        return len(self._held) + len(self._queued)

    async def send(
        self,
        event: Optional[Event] = None,
        *,
        type: str = "",
        user: str = "",
        item: str = "",
        value: Optional[float] = None,
        context: Optional[Attributes] = None,
        id: str = "",
        time: Moment = 0,
        source: str = "",
        request_id: str = "",
    ) -> int:
        """Queues an event, or the interaction that the arguments describe. Returns its sequence number.

        An event that has a number keeps it; it must be above those before. Raises what ended the stream if that
        was no lost connection; what is held stays held, and the next call opens the stream again.
        """
        if self._closed:
            raise FailedPrecondition("the event stream is closed")
        if self._next_sequence == 0:
            await self._ensure()
        if event is None:
            event = interaction(
                type, user, item, value, context, id=id, time=time, source=source, request_id=request_id
            )
        if event.sequence == 0:
            event.sequence = self._next_sequence
        elif event.sequence < self._next_sequence:
            raise ValueError(f"sequence: {event.sequence} is below {self._next_sequence}, the next of this stream")
        sequence = event.sequence
        self._next_sequence = sequence + 1
        self._queued.append(_Held(sequence, event.SerializeToString()))
        self.sent += 1
        if len(self._queued) >= self._batch:
            await self.push()
        return sequence

    async def push(self) -> None:
        """Sends what is gathered, as far as there are credits, or waits for them; does not wait for the log."""
        await self._survive(self._push, math.inf)

    async def flush(self, timeout: Optional[float] = None) -> None:
        """Sends all, and returns when all is acknowledged at the stream's durability.

        ``timeout`` in seconds; `DeadlineExceeded` when it is over first: what is held stays held.
        """
        await self._survive(self._flush, math.inf if timeout is None else clock.monotonic() + timeout)

    async def close(self, timeout: Optional[float] = None) -> None:
        """Flushes, then ends the stream."""
        if self._closed:
            return
        await self.flush(timeout)
        await self.abandon()

    async def abandon(self) -> None:
        """Ends the stream now; what is held is dropped."""
        self._closed = True
        await self._drop_stream()

    async def _drop_stream(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            await stream.close()

    # -- one try each; a lost connection is raised as Unavailable

    async def _push(self, deadline: float) -> None:
        while self._queued:
            room = self._stream_limit - self._stream_sent
            if room <= 0:
                await self._acknowledgement(deadline)
            else:
                await self._send_batch(room)
        await self._acknowledgement(0.0)

    async def _send_batch(self, room: int) -> None:
        assert self._stream is not None
        parts: list[bytes] = []
        size = 0
        while self._queued and len(parts) < min(room, self._batch) and size < _BATCH_BYTES:
            held = self._queued.popleft()
            self._held.append(held)
            parts.append(b"\x1a" + varint(len(held.data)) + held.data)  # StreamRequest.events, field 3
            size += len(held.data)
        self._stream_sent += len(parts)
        await self._stream.send(b"".join(parts))

    async def _flush(self, deadline: float) -> None:
        await self._push(deadline)
        while self._held:
            await self._acknowledgement(deadline)

    async def _acknowledgement(self, deadline: float) -> None:
        """Takes an acknowledgement, waiting until the deadline; 0: takes those that have come."""
        assert self._stream is not None
        timeout = None if math.isinf(deadline) else max(0.0, deadline - clock.monotonic())
        while True:
            try:
                answer = await self._stream.receive(timeout)
            except TimeoutError:
                if deadline:
                    raise DeadlineExceeded(f"{self.pending} events are not acknowledged in time") from None
                return
            if answer is None:
                raise Unavailable("the daemon ended the stream")
            self._apply(answer)
            if deadline:
                return

    def _apply(self, answer: StreamResponse) -> None:
        count = answer.acknowledged - self._stream_acknowledged
        if count < 0 or count > self._stream_sent - self._stream_acknowledged:
            raise Internal(
                f"acknowledged: {answer.acknowledged}, but {self._stream_sent} were sent and "
                f"{self._stream_acknowledged} were acknowledged"
            )
        for refusal in answer.refusals:
            place = refusal.index - self._stream_acknowledged
            if self._on_refusal is not None and 0 <= place < len(self._held):
                event = Event.FromString(self._held[place].data)
                self._on_refusal(Refused(event, refusal.code, refusal.field, refusal.reason))
        for _ in range(count):
            self._held.popleft()
        self._stream_acknowledged = answer.acknowledged
        self._stream_limit = answer.acknowledged + answer.credits
        self.acknowledged += count
        self.duplicates += answer.duplicates
        self.offset = max(self.offset, answer.offset)

    # -- over reconnects

    async def _survive(self, step: Callable[[float], Awaitable[None]], deadline: float) -> None:
        while True:
            await self._ensure()
            try:
                await step(deadline)
                return
            except Unavailable:
                await self._drop_stream()
                if not self._client.options.reconnect:
                    raise
            except DeadlineExceeded:
                raise
            except BaseException:
                await self._drop_stream()
                raise

    async def _ensure(self) -> None:
        """Opens the stream if it is not open, and learns where the log stands."""
        if self._stream is not None:
            return
        if self._closed:
            raise FailedPrecondition("the event stream is closed")
        end = clock.monotonic() + self._reconnect_timeout
        for pause in self._client.options.pauses():
            try:
                await self._open()
                return
            except Unavailable:
                await self._drop_stream()
                if not self._client.options.reconnect or clock.monotonic() + pause >= end:
                    raise
            except BaseException:
                await self._drop_stream()
                raise
            await self._client.sleep(pause)

    async def _open(self) -> None:
        stream = self._stream = self._client.stream("cowbird.v1.Ingest", "Stream", StreamResponse)
        await stream.send(StreamRequest(producer=self.producer, durability=self._durability))
        answer = await stream.receive(self._reconnect_timeout)
        if answer is None:
            raise Unavailable("the daemon ended the stream")
        self._stream_sent = self._stream_acknowledged = 0
        self._stream_limit = answer.credits
        held = answer.producer_sequence
        self._next_sequence = max(self._next_sequence, held + 1)
        self.offset = max(self.offset, answer.offset)
        self._held.extend(self._queued)
        self._queued, self._held = self._held, collections.deque()
        while self._queued and self._queued[0].sequence <= held:
            self._queued.popleft()
            self.acknowledged += 1
        self.reconnects += 1

