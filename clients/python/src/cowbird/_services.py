"""The services as methods: names, messages, plain Python arguments, and which calls only read.

Made from `_services_async.py` by `tools/unasync.py`: change that.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Callable, Optional, Union

from ._event_stream import EventStream
from .v1 import (
    AppendRequest,
    AppendResponse,
    Boost,
    Candidate,
    ChangeResponse,
    ConfigureRequest,
    ControlResponse,
    CreateRequest,
    CreateResponse,
    DeleteRequest,
    DiffRequest,
    DiffResponse,
    EchoRequest,
    EchoResponse,
    Event,
    EventFilter,
    ExplainRequest,
    ExplainResponse,
    Exploration,
    ExportChunk,
    ExportRequest,
    Filter,
    FlushRequest,
    FlushResponse,
    Freshness,
    GetRequest,
    HealthCheckRequest,
    HealthCheckResponse,
    ImportChunk,
    LabelRequest,
    ListRequest,
    ListResponse,
    MetricsRequest,
    MetricsResponse,
    PauseRequest,
    PinRequest,
    QuarantineRequest,
    QuarantineResponse,
    RecommendRequest,
    RecommendResponse,
    ResumeRequest,
    RollbackProgress,
    RollbackRequest,
    RunProgress,
    RunRequest,
    ScoreRequest,
    ScoreResponse,
    Setting,
    ShadowRequest,
    SplitArm,
    SplitRequest,
    StatusRequest,
    StatusResponse,
    StreamRequest,
    StreamResponse,
    SwitchRequest,
    UnlabelRequest,
    VersionInfo,
    WatchEvent,
    WatchRequest,
)
from .values import (
    Attributes,
    Candidates,
    DurabilityName,
    Moment,
    Refused,
    VersionLike,
    attributes,
    candidates as make_candidates,
    durability as make_durability,
    interaction,
    limits as make_limits,
    nanos,
    seen_policy,
    version as select,
)

if TYPE_CHECKING:
    from .client import Client, Stream, Submitted


class Health:
    """Is the daemon ready?"""

    SERVING = HealthCheckResponse.SERVING_STATUS_SERVING
    NOT_SERVING = HealthCheckResponse.SERVING_STATUS_NOT_SERVING

    def __init__(self, client: Client) -> None:
        self._client = client

    def check(self, service: str = "", *, timeout: Optional[float] = None) -> HealthCheckResponse:
        """The state of the daemon, or of one service by its full name; `NotFound` if there is none."""
        return self._client.call(
            "cowbird.v1.Health", "Check", HealthCheckRequest(service=service), HealthCheckResponse,
            timeout=timeout, idempotent=True,
        )  # fmt: skip

    def watch(
        self, service: str = "", *, timeout: Optional[float] = math.inf
    ) -> Stream[HealthCheckRequest, HealthCheckResponse]:
        """The state now, and again at each change."""
        return self._client.stream(
            "cowbird.v1.Health", "Watch", HealthCheckResponse, request=HealthCheckRequest(service=service),
            sends_many=False, timeout=timeout,
        )  # fmt: skip


class Echo:
    """A diagnostic: what goes in comes out."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def unary(
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
        return self._client.call(
            "cowbird.v1.Echo", "Unary", request, EchoResponse,
            timeout=timeout, metadata=metadata, idempotent=True,
        )  # fmt: skip

    def submit(
        self, payload: bytes = b"", *, number: int = 0, timeout: Optional[float] = None
    ) -> Submitted[EchoResponse]:
        """`unary` that does not wait."""
        request = EchoRequest(payload=payload, number=number)
        return self._client.submit("cowbird.v1.Echo", "Unary", request, EchoResponse, timeout=timeout)

    def collect(self, *, timeout: Optional[float] = math.inf) -> Stream[EchoRequest, EchoResponse]:
        """Send many; `result` tells how many they were, and their payloads joined."""
        return self._client.stream(
            "cowbird.v1.Echo", "Collect", EchoResponse, receives_many=False, timeout=timeout
        )

    def expand(
        self, payload: bytes = b"", repeat: int = 1, *, timeout: Optional[float] = math.inf
    ) -> Stream[EchoRequest, EchoResponse]:
        """``repeat`` answers, numbered from 0."""
        return self._client.stream(
            "cowbird.v1.Echo", "Expand", EchoResponse, request=EchoRequest(payload=payload, repeat=repeat),
            sends_many=False, timeout=timeout,
        )  # fmt: skip

    def chat(self, *, timeout: Optional[float] = math.inf) -> Stream[EchoRequest, EchoResponse]:
        """Each message is answered as it comes."""
        return self._client.stream("cowbird.v1.Echo", "Chat", EchoResponse, timeout=timeout)


class Ingest:
    """Events in."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def append(
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
        return self._client.call(
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
    ) -> EventStream:
        """A stream of events that survives reconnects with nothing lost or doubled: see `EventStream`."""
        return EventStream(
            self._client,
            producer,
            durability=make_durability(durability),
            batch=batch,
            reconnect_timeout=reconnect_timeout,
            on_refusal=on_refusal,
        )

    def raw_stream(self, *, timeout: Optional[float] = math.inf) -> Stream[StreamRequest, StreamResponse]:
        """Ingest.Stream as it is: batches in, acknowledgements out, the credits are the caller's to keep."""
        return self._client.stream("cowbird.v1.Ingest", "Stream", StreamResponse, timeout=timeout)


def _freshness(min_offset: Optional[int], allow_degraded: bool) -> Optional[Freshness]:
    if min_offset is None and not allow_degraded:
        return None
    freshness = Freshness(allow_degraded=allow_degraded)
    if min_offset is not None:
        freshness.min_offset = min_offset
    return freshness


def _score_request(
    user: str,
    candidates: Candidates,
    context: Optional[Attributes],
    version: Optional[VersionLike],
    min_offset: Optional[int],
    allow_degraded: bool,
    time: Moment,
) -> ScoreRequest:
    return ScoreRequest(
        user=user,
        candidates=make_candidates(candidates),
        context=attributes(context),
        version=select(version),
        freshness=_freshness(min_offset, allow_degraded),
        time_nanos=nanos(time),
    )


class Predict:
    """Scores and recommendations out. Nothing here changes state.

    In all calls: ``version`` is a name (see `values.version`) or None (what is being served); ``min_offset``
    waits until the model holds that record; with ``allow_degraded`` the answer comes in time, if need be from
    what there is, and ``degraded`` in it says so.
    """

    def __init__(self, client: Client) -> None:
        self._client = client

    def score(
        self,
        request: Optional[ScoreRequest] = None,
        *,
        user: str = "",
        candidates: Candidates = (),
        context: Optional[Attributes] = None,
        version: Optional[VersionLike] = None,
        min_offset: Optional[int] = None,
        allow_degraded: bool = False,
        time: Moment = 0,
        timeout: Optional[float] = None,
    ) -> ScoreResponse:
        """Scores candidates, in the order given: ids, pairs of an id and a context, or messages."""
        if request is None:
            request = _score_request(user, candidates, context, version, min_offset, allow_degraded, time)
        return self._client.call(
            "cowbird.v1.Predict", "Score", request, ScoreResponse, timeout=timeout, idempotent=True
        )

    def submit_score(
        self,
        request: Optional[ScoreRequest] = None,
        *,
        user: str = "",
        candidates: Candidates = (),
        context: Optional[Attributes] = None,
        version: Optional[VersionLike] = None,
        min_offset: Optional[int] = None,
        allow_degraded: bool = False,
        time: Moment = 0,
        timeout: Optional[float] = None,
    ) -> Submitted[ScoreResponse]:
        """`score` that does not wait."""
        if request is None:
            request = _score_request(user, candidates, context, version, min_offset, allow_degraded, time)
        return self._client.submit("cowbird.v1.Predict", "Score", request, ScoreResponse, timeout=timeout)

    def recommend(
        self,
        request: Optional[RecommendRequest] = None,
        *,
        user: str = "",
        k: int = 10,
        context: Optional[Attributes] = None,
        filter: Optional[Filter] = None,
        exclude: Iterable[str] = (),
        seen: str = "",
        limits: Optional[Mapping[str, int]] = None,
        diversity: float = 0.0,
        boosts: Iterable[str] = (),
        exploration: Optional[Exploration] = None,
        log_impressions: bool = False,
        user_attributes: Optional[Attributes] = None,
        version: Optional[VersionLike] = None,
        min_offset: Optional[int] = None,
        allow_degraded: bool = False,
        time: Moment = 0,
        timeout: Optional[float] = None,
    ) -> RecommendResponse:
        """The best k items of the whole catalogue.

        ``filter``: see `values.all_of`, `any_of`, `none_of`, `is_in`, `between`, `has`. ``seen``: "exclude" (the
        default), "include" or "only". ``limits``: at most so many items share one value of an attribute.
        """
        if request is None:
            request = RecommendRequest(
                user=user,
                k=k,
                context=attributes(context),
                filter=filter,
                exclude=exclude,
                seen=seen_policy(seen),
                limits=make_limits(limits),
                diversity=diversity,
                boosts=[Boost(expression=boost) for boost in boosts],
                exploration=exploration,
                log_impressions=log_impressions,
                user_attributes=attributes(user_attributes),
                version=select(version),
                freshness=_freshness(min_offset, allow_degraded),
                time_nanos=nanos(time),
            )
        return self._client.call(
            "cowbird.v1.Predict", "Recommend", request, RecommendResponse, timeout=timeout, idempotent=True
        )

    def explain(
        self,
        request: Optional[ExplainRequest] = None,
        *,
        user: str = "",
        candidate: Union[str, Candidate] = "",
        context: Optional[Attributes] = None,
        version: Optional[VersionLike] = None,
        min_offset: Optional[int] = None,
        allow_degraded: bool = False,
        time: Moment = 0,
        timeout: Optional[float] = None,
    ) -> ExplainResponse:
        """Why one prediction is what it is: contributions that sum to the logit."""
        if request is None:
            request = ExplainRequest(
                user=user,
                candidate=make_candidates([candidate])[0],
                context=attributes(context),
                version=select(version),
                freshness=_freshness(min_offset, allow_degraded),
                time_nanos=nanos(time),
            )
        return self._client.call(
            "cowbird.v1.Predict", "Explain", request, ExplainResponse, timeout=timeout, idempotent=True
        )


class Update:
    """The learner: how it is doing, and what it is told."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def status(self, *, timeout: Optional[float] = None) -> StatusResponse:
        """Offsets, lag, metrics, drift, hygiene, memory."""
        return self._client.call(
            "cowbird.v1.Update", "Status", StatusRequest(), StatusResponse, timeout=timeout, idempotent=True
        )

    def pause(self, reason: str = "", *, timeout: Optional[float] = None) -> ControlResponse:
        """Events are still logged; nothing is learned until `resume`."""
        return self._client.call(
            "cowbird.v1.Update", "Pause", PauseRequest(reason=reason), ControlResponse, timeout=timeout
        )

    def resume(self, reason: str = "", *, timeout: Optional[float] = None) -> ControlResponse:
        """Goes on learning."""
        return self._client.call(
            "cowbird.v1.Update", "Resume", ResumeRequest(reason=reason), ControlResponse, timeout=timeout
        )

    def configure(
        self, settings: Mapping[str, str], reason: str = "", *, timeout: Optional[float] = None
    ) -> ControlResponse:
        """Changes settings by their path in the configuration, all or none: ``{"learning.rate": "0.05"}``."""
        request = ConfigureRequest(
            settings=[Setting(path=path, value=value) for path, value in settings.items()], reason=reason
        )
        return self._client.call(
            "cowbird.v1.Update", "Configure", request, ControlResponse, timeout=timeout
        )

    def flush(
        self, offset: Optional[int] = None, *, digest: bool = False, timeout: Optional[float] = None
    ) -> FlushResponse:
        """Returns when all up to an offset (None: all there is) is learned and visible."""
        request = FlushRequest(digest=digest)
        if offset is not None:
            request.offset = offset
        return self._client.call(
            "cowbird.v1.Update", "Flush", request, FlushResponse, timeout=timeout, idempotent=True
        )

    def quarantined(
        self, *, after_offset: int = 0, limit: int = 0, timeout: Optional[float] = None
    ) -> QuarantineResponse:
        """Events that hygiene set aside, oldest first."""
        request = QuarantineRequest(list=QuarantineRequest.List(after_offset=after_offset, limit=limit))
        return self._client.call(
            "cowbird.v1.Update", "Quarantine", request, QuarantineResponse, timeout=timeout, idempotent=True
        )

    def admit(
        self, offsets: Sequence[int], reason: str = "", *, timeout: Optional[float] = None
    ) -> QuarantineResponse:
        """Admits quarantined events; each is learned at the place of this command."""
        request = QuarantineRequest(admit=QuarantineRequest.Admit(offsets=offsets, reason=reason))
        return self._client.call(
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
    ) -> Stream[RunRequest, RunProgress]:
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

    def metrics(self, *, timeout: Optional[float] = None) -> str:
        """Metrics and counters as OpenMetrics text."""
        answer = self._client.call(
            "cowbird.v1.Update", "Metrics", MetricsRequest(), MetricsResponse, timeout=timeout, idempotent=True
        )
        return answer.text


class Version:
    """Kept models: make, name, compare, serve, roll back. Versions are named as `values.version` says."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def create(
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
        answer = self._client.call(
            "cowbird.v1.Version", "Create", request, CreateResponse, timeout=timeout
        )
        return answer.version

    def list(
        self, *, limit: int = 0, before: str = "", timeout: Optional[float] = None
    ) -> ListResponse:
        """Versions, newest first, and what is served."""
        return self._client.call(
            "cowbird.v1.Version", "List", ListRequest(limit=limit, before=before), ListResponse,
            timeout=timeout, idempotent=True,
        )  # fmt: skip

    def get(self, version: VersionLike, *, timeout: Optional[float] = None) -> VersionInfo:
        """One version."""
        return self._client.call(
            "cowbird.v1.Version", "Get", GetRequest(version=select(version)), VersionInfo,
            timeout=timeout, idempotent=True,
        )  # fmt: skip

    def switch(
        self, to: VersionLike, reason: str = "", *, author: str = "", timeout: Optional[float] = None
    ) -> ChangeResponse:
        """Points serving at something else. Learning goes on."""
        request = SwitchRequest(to=select(to), reason=reason, author=author)
        return self._client.call(
            "cowbird.v1.Version", "Switch", request, ChangeResponse, timeout=timeout
        )

    def split(
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
        return self._client.call(
            "cowbird.v1.Version", "Split", request, ChangeResponse, timeout=timeout
        )

    def shadow(
        self,
        version: Optional[VersionLike],
        reason: str = "",
        *,
        author: str = "",
        timeout: Optional[float] = None,
    ) -> ChangeResponse:
        """Lets a second version score the same requests, unseen. None: ends it."""
        request = ShadowRequest(version=select(version), reason=reason, author=author)
        return self._client.call(
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
    ) -> Stream[RollbackRequest, RollbackProgress]:
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

    def label(
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
        return self._client.call(
            "cowbird.v1.Version", "Label", request, ChangeResponse, timeout=timeout
        )

    def unlabel(
        self, label: str, reason: str = "", *, author: str = "", timeout: Optional[float] = None
    ) -> ChangeResponse:
        """Removes a label."""
        request = UnlabelRequest(label=label, reason=reason, author=author)
        return self._client.call(
            "cowbird.v1.Version", "Unlabel", request, ChangeResponse, timeout=timeout
        )

    def pin(
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
        return self._client.call("cowbird.v1.Version", "Pin", request, ChangeResponse, timeout=timeout)

    def delete(
        self, id: str, reason: str = "", *, author: str = "", timeout: Optional[float] = None
    ) -> ChangeResponse:
        """Deletes a version."""
        request = DeleteRequest(id=id, reason=reason, author=author)
        return self._client.call(
            "cowbird.v1.Version", "Delete", request, ChangeResponse, timeout=timeout
        )

    def diff(
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
        return self._client.call(
            "cowbird.v1.Version", "Diff", request, DiffResponse, timeout=timeout, idempotent=True
        )

    def export(
        self, version: VersionLike, *, timeout: Optional[float] = math.inf
    ) -> Stream[ExportRequest, ExportChunk]:
        """The bytes of a version's file, in order."""
        return self._client.stream(
            "cowbird.v1.Version", "Export", ExportChunk, request=ExportRequest(version=select(version)),
            sends_many=False, timeout=timeout,
        )  # fmt: skip

    def import_(self, *, timeout: Optional[float] = math.inf) -> Stream[ImportChunk, VersionInfo]:
        """Send the chunks of an exported file; `result` is the version made of them."""
        return self._client.stream(
            "cowbird.v1.Version", "Import", VersionInfo, receives_many=False, timeout=timeout
        )

    def watch(
        self, after_offset: Optional[int] = None, *, timeout: Optional[float] = math.inf
    ) -> Stream[WatchRequest, WatchEvent]:
        """Every change of the registry, as it happens."""
        request = WatchRequest()
        if after_offset is not None:
            request.after_offset = after_offset
        return self._client.stream(
            "cowbird.v1.Version", "Watch", WatchEvent, request=request, sends_many=False, timeout=timeout
        )
