"""The learner: how it is doing, and what it is told.

`tools/unasync.py` makes `_sync/update.py` from this file.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Optional

from ..v1 import (
    ConfigureRequest,
    ControlResponse,
    FlushRequest,
    FlushResponse,
    MetricsRequest,
    MetricsResponse,
    PauseRequest,
    QuarantineRequest,
    QuarantineResponse,
    ResumeRequest,
    RunProgress,
    RunRequest,
    Setting,
    SettingsRequest,
    SettingsResponse,
    StatusRequest,
    StatusResponse,
)
from ..values import (
    VersionLike,
    version as select,
)

if TYPE_CHECKING:
    from .._connection import AsyncStream
    from ..aio import AsyncClient


class AsyncUpdate:
    """The learner: how it is doing, and what it is told."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    async def status(self, *, timeout: Optional[float] = None) -> StatusResponse:
        """Offsets, lag, metrics, drift, hygiene, memory."""
        return await self._client.call(
            "cowbird.v1.Update", "Status", StatusRequest(), StatusResponse, timeout=timeout, idempotent=True
        )

    async def pause(self, reason: str = "", *, timeout: Optional[float] = None) -> ControlResponse:
        """Events are still logged; nothing is learned until `resume`."""
        return await self._client.call(
            "cowbird.v1.Update", "Pause", PauseRequest(reason=reason), ControlResponse, timeout=timeout
        )

    async def resume(self, reason: str = "", *, timeout: Optional[float] = None) -> ControlResponse:
        """Goes on learning."""
        return await self._client.call(
            "cowbird.v1.Update", "Resume", ResumeRequest(reason=reason), ControlResponse, timeout=timeout
        )

    async def configure(
        self, settings: Mapping[str, str], reason: str = "", *, timeout: Optional[float] = None
    ) -> ControlResponse:
        """Changes settings by their path in the configuration, all or none: ``{"learning.rate": "0.05"}``."""
        request = ConfigureRequest(
            settings=[Setting(path=path, value=value) for path, value in settings.items()], reason=reason
        )
        return await self._client.call(
            "cowbird.v1.Update", "Configure", request, ControlResponse, timeout=timeout
        )

    async def settings(
        self, prefix: str = "", *, configured: bool = False, timeout: Optional[float] = None
    ) -> SettingsResponse:
        """The settings in force whose path begins with `prefix`; `configured`: only those that `configure` changed."""
        request = SettingsRequest(prefix=prefix, configured=configured)
        return await self._client.call(
            "cowbird.v1.Update", "Settings", request, SettingsResponse, timeout=timeout, idempotent=True
        )

    async def flush(
        self, offset: Optional[int] = None, *, digest: bool = False, timeout: Optional[float] = None
    ) -> FlushResponse:
        """Returns when all up to an offset (None: all there is) is learned and visible."""
        request = FlushRequest(digest=digest)
        if offset is not None:
            request.offset = offset
        return await self._client.call(
            "cowbird.v1.Update", "Flush", request, FlushResponse, timeout=timeout, idempotent=True
        )

    async def quarantined(
        self, *, after_offset: int = 0, limit: int = 0, timeout: Optional[float] = None
    ) -> QuarantineResponse:
        """Events that hygiene set aside, oldest first."""
        request = QuarantineRequest(list=QuarantineRequest.List(after_offset=after_offset, limit=limit))
        return await self._client.call(
            "cowbird.v1.Update", "Quarantine", request, QuarantineResponse, timeout=timeout, idempotent=True
        )

    async def admit(
        self, offsets: Sequence[int], reason: str = "", *, timeout: Optional[float] = None
    ) -> QuarantineResponse:
        """Admits quarantined events; each is learned at the place of this command."""
        request = QuarantineRequest(admit=QuarantineRequest.Admit(offsets=offsets, reason=reason))
        return await self._client.call(
            "cowbird.v1.Update", "Quarantine", request, QuarantineResponse, timeout=timeout
        )

    def run(
        self,
        request: Optional[RunRequest] = None,
        *,
        start: Optional[VersionLike] = None,
        from_scratch: bool = False,
        first_offset: Optional[int] = None,
        end_offset: Optional[int] = None,
        epochs: int = 0,
        reason: str = "",
        label: str = "",
        timeout: Optional[float] = math.inf,
    ) -> AsyncStream[RunRequest, RunProgress]:
        """Learns from a range of the log into a candidate version; streams progress."""
        if request is None:
            request = RunRequest(from_scratch=from_scratch, epochs=epochs, reason=reason, label=label)
            selector = select(start)
            if selector is not None:
                getattr(request, "from").CopyFrom(selector)
            if first_offset is not None:
                request.first_offset = first_offset
            if end_offset is not None:
                request.end_offset = end_offset
        return self._client.stream(
            "cowbird.v1.Update", "Run", RunProgress, request=request, sends_many=False, timeout=timeout
        )

    async def metrics(self, *, timeout: Optional[float] = None) -> str:
        """Metrics and counters as OpenMetrics text."""
        answer = await self._client.call(
            "cowbird.v1.Update", "Metrics", MetricsRequest(), MetricsResponse, timeout=timeout, idempotent=True
        )
        return answer.text
