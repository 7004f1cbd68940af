"""Scores and recommendations out.

`tools/unasync.py` makes `_sync/predict.py` from this file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Optional, Union

from ..v1 import (
    Boost,
    Candidate,
    ExplainRequest,
    ExplainResponse,
    Exploration,
    Filter,
    Freshness,
    RecommendRequest,
    RecommendResponse,
    ScoreRequest,
    ScoreResponse,
)
from ..values import (
    Attributes,
    Candidates,
    Moment,
    VersionLike,
    attributes,
    boosts as make_boosts,
    candidates as make_candidates,
    limits as make_limits,
    nanos,
    seen_policy,
    version as select,
)

if TYPE_CHECKING:
    from .._connection import AsyncSubmitted
    from ..aio import AsyncClient


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


class AsyncPredict:
    """Scores and recommendations out. Nothing here changes state.

    In all calls: ``version`` is a name (see `values.version`) or None (what is being served); ``min_offset``
    waits until the model holds that record; with ``allow_degraded`` the answer comes in time, if need be from
    what there is, and ``degraded`` in it says so.
    """

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    async def score(
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
        return await self._client.call(
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
    ) -> AsyncSubmitted[ScoreResponse]:
        """`score` that does not wait."""
        if request is None:
            request = _score_request(user, candidates, context, version, min_offset, allow_degraded, time)
        return self._client.submit("cowbird.v1.Predict", "Score", request, ScoreResponse, timeout=timeout)

    async def recommend(
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
        boosts: Union[str, Boost, Iterable[Union[str, Boost]]] = (),
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
        ``boosts``: expressions such as ``'category == "sale" * 1.2'``.
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
                boosts=make_boosts(boosts),
                exploration=exploration,
                log_impressions=log_impressions,
                user_attributes=attributes(user_attributes),
                version=select(version),
                freshness=_freshness(min_offset, allow_degraded),
                time_nanos=nanos(time),
            )
        return await self._client.call(
            "cowbird.v1.Predict", "Recommend", request, RecommendResponse, timeout=timeout, idempotent=True
        )

    async def explain(
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
        return await self._client.call(
            "cowbird.v1.Predict", "Explain", request, ExplainResponse, timeout=timeout, idempotent=True
        )
