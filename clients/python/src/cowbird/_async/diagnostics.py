"""Is the daemon ready, and does it answer? Health and Echo.

`tools/unasync.py` makes `_sync/diagnostics.py` from this file.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Optional

from ..v1 import (
    EchoRequest,
    EchoResponse,
    HealthCheckRequest,
    HealthCheckResponse,
)

if TYPE_CHECKING:
    from .._connection import AsyncStream, AsyncSubmitted
    from ..aio import AsyncClient


class AsyncHealth:
    """Is the daemon ready?"""

    SERVING = HealthCheckResponse.SERVING_STATUS_SERVING
    NOT_SERVING = HealthCheckResponse.SERVING_STATUS_NOT_SERVING

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    async def check(self, service: str = "", *, timeout: Optional[float] = None) -> HealthCheckResponse:
        """The state of the daemon, or of one service by its full name; `NotFound` if there is none."""
        return await self._client.call(
            "cowbird.v1.Health", "Check", HealthCheckRequest(service=service), HealthCheckResponse,
            timeout=timeout, idempotent=True,
        )  # fmt: skip

    def watch(
        self, service: str = "", *, timeout: Optional[float] = math.inf
    ) -> AsyncStream[HealthCheckRequest, HealthCheckResponse]:
        """The state now, and again at each change."""
        return self._client.stream(
            "cowbird.v1.Health", "Watch", HealthCheckResponse, request=HealthCheckRequest(service=service),
            sends_many=False, timeout=timeout,
        )  # fmt: skip


class AsyncEcho:
    """A diagnostic: what goes in comes out."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    async def unary(
        self,
        payload: bytes = b"",
        *,
        number: int = 0,
        delay_nanos: int = 0,
        fail_code: int = 0,
        timeout: Optional[float] = None,
        metadata: Optional[Mapping[str, str]] = None,
    ) -> EchoResponse:
        """The payload and the number again, after a delay, or a failure with that code."""
        request = EchoRequest(payload=payload, number=number, delay_nanos=delay_nanos, fail_code=fail_code)
        return await self._client.call(
            "cowbird.v1.Echo", "Unary", request, EchoResponse,
            timeout=timeout, metadata=metadata, idempotent=True,
        )  # fmt: skip

    def submit(
        self, payload: bytes = b"", *, number: int = 0, timeout: Optional[float] = None
    ) -> AsyncSubmitted[EchoResponse]:
        """`unary` that does not wait."""
        request = EchoRequest(payload=payload, number=number)
        return self._client.submit("cowbird.v1.Echo", "Unary", request, EchoResponse, timeout=timeout)

    def collect(self, *, timeout: Optional[float] = math.inf) -> AsyncStream[EchoRequest, EchoResponse]:
        """Send many; `result` tells how many they were, and their payloads joined."""
        return self._client.stream(
            "cowbird.v1.Echo", "Collect", EchoResponse, receives_many=False, timeout=timeout
        )

    def expand(
        self, payload: bytes = b"", repeat: int = 1, *, timeout: Optional[float] = math.inf
    ) -> AsyncStream[EchoRequest, EchoResponse]:
        """``repeat`` answers, numbered from 0."""
        return self._client.stream(
            "cowbird.v1.Echo", "Expand", EchoResponse, request=EchoRequest(payload=payload, repeat=repeat),
            sends_many=False, timeout=timeout,
        )  # fmt: skip

    def chat(self, *, timeout: Optional[float] = math.inf) -> AsyncStream[EchoRequest, EchoResponse]:
        """Each message is answered as it comes."""
        return self._client.stream("cowbird.v1.Echo", "Chat", EchoResponse, timeout=timeout)
