"""Events in.

`tools/unasync.py` makes `_sync/ingest.py` from this file.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Callable, Optional, Union

from ..v1 import (
    AppendRequest,
    AppendResponse,
    Event,
    StreamRequest,
    StreamResponse,
)
from ..values import (
    Attributes,
    DurabilityName,
    Moment,
    Refused,
    durability as make_durability,
    interaction,
)
from .event_stream import AsyncEventStream

if TYPE_CHECKING:
    from .._connection import AsyncStream
    from ..aio import AsyncClient


class AsyncIngest:
    """Events in."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    async def append(
        self,
        events: Union[AppendRequest, Event, Iterable[Event], None] = None,
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
        producer: str = "",
        durability: DurabilityName = "",
        dry_run: bool = False,
        timeout: Optional[float] = None,
    ) -> AppendResponse:
        """Logs a batch, or the one interaction that the arguments describe; answers when it is safe.

        Accepted events are kept even when others are refused: look at ``refusals`` in the answer. Give its
        ``last_offset`` to Predict as ``min_offset`` to read your own writes.

        ``durability``: "durable" (the default: on the disk), "written" (survives the daemon, not the loss of
        power) or "received".
        """
        if isinstance(events, AppendRequest):
            request = events
        else:
            if events is None:
                batch = [
                    interaction(
                        type, user, item, value, context,
                        id=id, time=time, source=source, request_id=request_id,
                    )
                ]  # fmt: skip
            else:
                batch = [events] if isinstance(events, Event) else list(events)
            request = AppendRequest(
                producer=producer, events=batch, durability=make_durability(durability), dry_run=dry_run
            )
        return await self._client.call(
            "cowbird.v1.Ingest", "Append", request, AppendResponse, timeout=timeout
        )

    def stream(
        self,
        producer: str,
        *,
        durability: DurabilityName = "",
        batch: int = 256,
        reconnect_timeout: float = 60.0,
        on_refusal: Optional[Callable[[Refused], None]] = None,
    ) -> AsyncEventStream:
        """A stream of events that survives reconnects with nothing lost or doubled: see `EventStream`."""
        return AsyncEventStream(
            self._client,
            producer,
            durability=make_durability(durability),
            batch=batch,
            reconnect_timeout=reconnect_timeout,
            on_refusal=on_refusal,
        )

    def raw_stream(self, *, timeout: Optional[float] = math.inf) -> AsyncStream[StreamRequest, StreamResponse]:
        """Ingest.Stream as it is: batches in, acknowledgements out, the credits are the caller's to keep."""
        return self._client.stream("cowbird.v1.Ingest", "Stream", StreamResponse, timeout=timeout)
