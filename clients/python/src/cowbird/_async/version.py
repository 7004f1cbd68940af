"""Kept models: make, name, compare, serve, roll back.

`tools/unasync.py` makes `_sync/version.py` from this file.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Optional

from ..v1 import (
    ChangeResponse,
    CreateRequest,
    CreateResponse,
    DeleteRequest,
    DiffRequest,
    DiffResponse,
    EventFilter,
    ExportChunk,
    ExportRequest,
    ForgetProgress,
    ForgetRequest,
    GetRequest,
    ImportChunk,
    LabelRequest,
    ListRequest,
    ListResponse,
    PinRequest,
    RollbackProgress,
    RollbackRequest,
    ShadowRequest,
    SplitArm,
    SplitRequest,
    SwitchRequest,
    UnlabelRequest,
    VersionInfo,
    WatchEvent,
    WatchRequest,
)
from ..values import (
    VersionLike,
    version as select,
)

if TYPE_CHECKING:
    from .._connection import AsyncStream
    from ..aio import AsyncClient


class AsyncVersion:
    """Kept models: make, name, compare, serve, roll back. Versions are named as `values.version` says."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    async def create(
        self,
        reason: str = "",
        *,
        author: str = "",
        labels: Iterable[str] = (),
        pin: bool = False,
        timeout: Optional[float] = None,
    ) -> VersionInfo:
        """Keeps the head as a version."""
        request = CreateRequest(reason=reason, author=author, labels=labels, pin=pin)
        answer = await self._client.call(
            "cowbird.v1.Version", "Create", request, CreateResponse, timeout=timeout
        )
        return answer.version

    async def list(
        self, *, limit: int = 0, before: str = "", timeout: Optional[float] = None
    ) -> ListResponse:
        """Versions, newest first, and what is served."""
        return await self._client.call(
            "cowbird.v1.Version", "List", ListRequest(limit=limit, before=before), ListResponse,
            timeout=timeout, idempotent=True,
        )  # fmt: skip

    async def get(self, version: VersionLike, *, timeout: Optional[float] = None) -> VersionInfo:
        """One version."""
        return await self._client.call(
            "cowbird.v1.Version", "Get", GetRequest(version=select(version)), VersionInfo,
            timeout=timeout, idempotent=True,
        )  # fmt: skip

    async def switch(
        self, to: VersionLike, reason: str = "", *, author: str = "", timeout: Optional[float] = None
    ) -> ChangeResponse:
        """Points serving at something else. Learning goes on."""
        request = SwitchRequest(to=select(to), reason=reason, author=author)
        return await self._client.call(
            "cowbird.v1.Version", "Switch", request, ChangeResponse, timeout=timeout
        )

    async def split(
        self,
        arms: Mapping[str, tuple[VersionLike, float]],
        reason: str = "",
        *,
        salt: str = "",
        author: str = "",
        timeout: Optional[float] = None,
    ) -> ChangeResponse:
        """Divides the users: ``{"stable": ("v16", 90), "canary": ("v17", 10)}``. None: ends the split."""
        request = SplitRequest(
            arms=[
                SplitArm(name=name, version=select(version), percent=percent)
                for name, (version, percent) in arms.items()
            ],
            salt=salt,
            reason=reason,
            author=author,
        )
        return await self._client.call(
            "cowbird.v1.Version", "Split", request, ChangeResponse, timeout=timeout
        )

    async def shadow(
        self,
        version: Optional[VersionLike],
        reason: str = "",
        *,
        author: str = "",
        timeout: Optional[float] = None,
    ) -> ChangeResponse:
        """Lets a second version score the same requests, unseen. None: ends it."""
        request = ShadowRequest(version=select(version), reason=reason, author=author)
        return await self._client.call(
            "cowbird.v1.Version", "Shadow", request, ChangeResponse, timeout=timeout
        )

    def rollback(
        self,
        to: VersionLike,
        *,
        exclude: Optional[EventFilter] = None,
        replay: bool = False,
        dry_run: bool = False,
        readmit: Iterable[int] = (),
        reason: str = "",
        author: str = "",
        timeout: Optional[float] = math.inf,
    ) -> AsyncStream[RollbackRequest, RollbackProgress]:
        """Makes an older version head and serving; streams progress.

        With ``exclude`` (or ``replay``) what came after is replayed without what matches.
        """
        request = RollbackRequest(
            to=select(to),
            exclude=exclude,
            replay=replay,
            dry_run=dry_run,
            readmit=readmit,
            reason=reason,
            author=author,
        )
        return self._client.stream(
            "cowbird.v1.Version", "Rollback", RollbackProgress,
            request=request, sends_many=False, timeout=timeout,
        )  # fmt: skip

    def forget(
        self,
        user: str,
        *,
        dry_run: bool = False,
        reason: str = "",
        author: str = "",
        timeout: Optional[float] = math.inf,
    ) -> AsyncStream[ForgetRequest, ForgetProgress]:
        """Learns the head anew without a user, and empties the log of the user's events; streams progress."""
        request = ForgetRequest(user=user, dry_run=dry_run, reason=reason, author=author)
        return self._client.stream(
            "cowbird.v1.Version", "Forget", ForgetProgress,
            request=request, sends_many=False, timeout=timeout,
        )  # fmt: skip

    async def label(
        self,
        label: str,
        version: VersionLike,
        *,
        expect: Optional[str] = None,
        reason: str = "",
        author: str = "",
        timeout: Optional[float] = None,
    ) -> ChangeResponse:
        """Makes or moves a label; with ``expect`` only if it points there now ("": only if it is new)."""
        request = LabelRequest(label=label, version=select(version), reason=reason, author=author)
        if expect is not None:
            request.expect = expect
        return await self._client.call(
            "cowbird.v1.Version", "Label", request, ChangeResponse, timeout=timeout
        )

    async def unlabel(
        self, label: str, reason: str = "", *, author: str = "", timeout: Optional[float] = None
    ) -> ChangeResponse:
        """Removes a label."""
        request = UnlabelRequest(label=label, reason=reason, author=author)
        return await self._client.call(
            "cowbird.v1.Version", "Unlabel", request, ChangeResponse, timeout=timeout
        )

    async def pin(
        self,
        version: VersionLike,
        pinned: bool = True,
        reason: str = "",
        *,
        author: str = "",
        timeout: Optional[float] = None,
    ) -> ChangeResponse:
        """Pins a version against retention, or unpins it."""
        request = PinRequest(version=select(version), pinned=pinned, reason=reason, author=author)
        return await self._client.call("cowbird.v1.Version", "Pin", request, ChangeResponse, timeout=timeout)

    async def delete(
        self, id: str, reason: str = "", *, author: str = "", timeout: Optional[float] = None
    ) -> ChangeResponse:
        """Deletes a version."""
        request = DeleteRequest(id=id, reason=reason, author=author)
        return await self._client.call(
            "cowbird.v1.Version", "Delete", request, ChangeResponse, timeout=timeout
        )

    async def diff(
        self,
        a: VersionLike,
        b: VersionLike,
        *,
        features: int = 0,
        users: int = 0,
        timeout: Optional[float] = None,
    ) -> DiffResponse:
        """Compares two versions."""
        request = DiffRequest(a=select(a), b=select(b), features=features, users=users)
        return await self._client.call(
            "cowbird.v1.Version", "Diff", request, DiffResponse, timeout=timeout, idempotent=True
        )

    def export(
        self, version: VersionLike, *, timeout: Optional[float] = math.inf
    ) -> AsyncStream[ExportRequest, ExportChunk]:
        """The bytes of a version's file, in order."""
        return self._client.stream(
            "cowbird.v1.Version", "Export", ExportChunk, request=ExportRequest(version=select(version)),
            sends_many=False, timeout=timeout,
        )  # fmt: skip

    def import_(self, *, timeout: Optional[float] = math.inf) -> AsyncStream[ImportChunk, VersionInfo]:
        """Send the chunks of an exported file; `result` is the version made of them."""
        return self._client.stream(
            "cowbird.v1.Version", "Import", VersionInfo, receives_many=False, timeout=timeout
        )

    def watch(
        self, after_offset: Optional[int] = None, *, timeout: Optional[float] = math.inf
    ) -> AsyncStream[WatchRequest, WatchEvent]:
        """Every change of the registry, as it happens."""
        request = WatchRequest()
        if after_offset is not None:
            request.after_offset = after_offset
        return self._client.stream(
            "cowbird.v1.Version", "Watch", WatchEvent, request=request, sends_many=False, timeout=timeout
        )
