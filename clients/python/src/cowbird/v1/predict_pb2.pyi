from cowbird.v1 import event_pb2 as _event_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor
SEEN_POLICY_EXCLUDE: SeenPolicy
SEEN_POLICY_INCLUDE: SeenPolicy
SEEN_POLICY_ONLY: SeenPolicy
SEEN_POLICY_UNSPECIFIED: SeenPolicy

class AttributeLimit(_message.Message):
    __slots__ = ["attribute", "limit"]
    ATTRIBUTE_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    attribute: str
    limit: int
    def __init__(self, attribute: _Optional[str] = ..., limit: _Optional[int] = ...) -> None: ...

class Boost(_message.Message):
    __slots__ = ["expression"]
    EXPRESSION_FIELD_NUMBER: _ClassVar[int]
    expression: str
    def __init__(self, expression: _Optional[str] = ...) -> None: ...

class Candidate(_message.Message):
    __slots__ = ["context", "item"]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    ITEM_FIELD_NUMBER: _ClassVar[int]
    context: _containers.RepeatedCompositeFieldContainer[_event_pb2.Attribute]
    item: str
    def __init__(self, item: _Optional[str] = ..., context: _Optional[_Iterable[_Union[_event_pb2.Attribute, _Mapping]]] = ...) -> None: ...

class Contribution(_message.Message):
    __slots__ = ["contribution", "feature", "value"]
    CONTRIBUTION_FIELD_NUMBER: _ClassVar[int]
    FEATURE_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    contribution: float
    feature: str
    value: str
    def __init__(self, feature: _Optional[str] = ..., value: _Optional[str] = ..., contribution: _Optional[float] = ...) -> None: ...

class ExplainRequest(_message.Message):
    __slots__ = ["candidate", "context", "freshness", "time_nanos", "user", "version"]
    CANDIDATE_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    FRESHNESS_FIELD_NUMBER: _ClassVar[int]
    TIME_NANOS_FIELD_NUMBER: _ClassVar[int]
    USER_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    candidate: Candidate
    context: _containers.RepeatedCompositeFieldContainer[_event_pb2.Attribute]
    freshness: Freshness
    time_nanos: int
    user: str
    version: VersionSelector
    def __init__(self, user: _Optional[str] = ..., context: _Optional[_Iterable[_Union[_event_pb2.Attribute, _Mapping]]] = ..., candidate: _Optional[_Union[Candidate, _Mapping]] = ..., version: _Optional[_Union[VersionSelector, _Mapping]] = ..., freshness: _Optional[_Union[Freshness, _Mapping]] = ..., time_nanos: _Optional[int] = ...) -> None: ...

class ExplainResponse(_message.Message):
    __slots__ = ["contributions", "degraded", "logit", "model", "score"]
    CONTRIBUTIONS_FIELD_NUMBER: _ClassVar[int]
    DEGRADED_FIELD_NUMBER: _ClassVar[int]
    LOGIT_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    contributions: _containers.RepeatedCompositeFieldContainer[Contribution]
    degraded: str
    logit: float
    model: ModelReference
    score: float
    def __init__(self, contributions: _Optional[_Iterable[_Union[Contribution, _Mapping]]] = ..., logit: _Optional[float] = ..., score: _Optional[float] = ..., model: _Optional[_Union[ModelReference, _Mapping]] = ..., degraded: _Optional[str] = ...) -> None: ...

class Exploration(_message.Message):
    __slots__ = ["epsilon", "kind", "seed"]
    class Kind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = []
    EPSILON_FIELD_NUMBER: _ClassVar[int]
    KIND_EPSILON: Exploration.Kind
    KIND_FIELD_NUMBER: _ClassVar[int]
    KIND_NONE: Exploration.Kind
    KIND_THOMPSON: Exploration.Kind
    KIND_UNSPECIFIED: Exploration.Kind
    SEED_FIELD_NUMBER: _ClassVar[int]
    epsilon: float
    kind: Exploration.Kind
    seed: int
    def __init__(self, kind: _Optional[_Union[Exploration.Kind, str]] = ..., epsilon: _Optional[float] = ..., seed: _Optional[int] = ...) -> None: ...

class Filter(_message.Message):
    __slots__ = ["all", "any", "has", "range"]
    class All(_message.Message):
        __slots__ = ["filters"]
        FILTERS_FIELD_NUMBER: _ClassVar[int]
        filters: _containers.RepeatedCompositeFieldContainer[Filter]
        def __init__(self, filters: _Optional[_Iterable[_Union[Filter, _Mapping]]] = ...) -> None: ...
    class Any(_message.Message):
        __slots__ = ["filters"]
        FILTERS_FIELD_NUMBER: _ClassVar[int]
        filters: _containers.RepeatedCompositeFieldContainer[Filter]
        def __init__(self, filters: _Optional[_Iterable[_Union[Filter, _Mapping]]] = ...) -> None: ...
    class In(_message.Message):
        __slots__ = ["attribute", "values"]
        ATTRIBUTE_FIELD_NUMBER: _ClassVar[int]
        VALUES_FIELD_NUMBER: _ClassVar[int]
        attribute: str
        values: _containers.RepeatedScalarFieldContainer[str]
        def __init__(self, attribute: _Optional[str] = ..., values: _Optional[_Iterable[str]] = ...) -> None: ...
    class Range(_message.Message):
        __slots__ = ["at_least", "at_most", "attribute"]
        ATTRIBUTE_FIELD_NUMBER: _ClassVar[int]
        AT_LEAST_FIELD_NUMBER: _ClassVar[int]
        AT_MOST_FIELD_NUMBER: _ClassVar[int]
        at_least: float
        at_most: float
        attribute: str
        def __init__(self, attribute: _Optional[str] = ..., at_least: _Optional[float] = ..., at_most: _Optional[float] = ...) -> None: ...
    ALL_FIELD_NUMBER: _ClassVar[int]
    ANY_FIELD_NUMBER: _ClassVar[int]
    HAS_FIELD_NUMBER: _ClassVar[int]
    IN_FIELD_NUMBER: _ClassVar[int]
    NOT_FIELD_NUMBER: _ClassVar[int]
    RANGE_FIELD_NUMBER: _ClassVar[int]
    all: Filter.All
    any: Filter.Any
    has: str
    range: Filter.Range
    def __init__(self, all: _Optional[_Union[Filter.All, _Mapping]] = ..., any: _Optional[_Union[Filter.Any, _Mapping]] = ..., range: _Optional[_Union[Filter.Range, _Mapping]] = ..., has: _Optional[str] = ..., **kwargs) -> None: ...

class Freshness(_message.Message):
    __slots__ = ["allow_degraded", "min_offset"]
    ALLOW_DEGRADED_FIELD_NUMBER: _ClassVar[int]
    MIN_OFFSET_FIELD_NUMBER: _ClassVar[int]
    allow_degraded: bool
    min_offset: int
    def __init__(self, min_offset: _Optional[int] = ..., allow_degraded: bool = ...) -> None: ...

class ModelReference(_message.Message):
    __slots__ = ["arm", "offset", "revision", "version"]
    ARM_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    arm: str
    offset: int
    revision: int
    version: str
    def __init__(self, version: _Optional[str] = ..., revision: _Optional[int] = ..., offset: _Optional[int] = ..., arm: _Optional[str] = ...) -> None: ...

class RecommendRequest(_message.Message):
    __slots__ = ["boosts", "context", "diversity", "exclude", "exploration", "filter", "freshness", "k", "limits", "log_impressions", "seen", "time_nanos", "user", "user_attributes", "version"]
    BOOSTS_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    DIVERSITY_FIELD_NUMBER: _ClassVar[int]
    EXCLUDE_FIELD_NUMBER: _ClassVar[int]
    EXPLORATION_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    FRESHNESS_FIELD_NUMBER: _ClassVar[int]
    K_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    LOG_IMPRESSIONS_FIELD_NUMBER: _ClassVar[int]
    SEEN_FIELD_NUMBER: _ClassVar[int]
    TIME_NANOS_FIELD_NUMBER: _ClassVar[int]
    USER_ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    USER_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    boosts: _containers.RepeatedCompositeFieldContainer[Boost]
    context: _containers.RepeatedCompositeFieldContainer[_event_pb2.Attribute]
    diversity: float
    exclude: _containers.RepeatedScalarFieldContainer[str]
    exploration: Exploration
    filter: Filter
    freshness: Freshness
    k: int
    limits: _containers.RepeatedCompositeFieldContainer[AttributeLimit]
    log_impressions: bool
    seen: SeenPolicy
    time_nanos: int
    user: str
    user_attributes: _containers.RepeatedCompositeFieldContainer[_event_pb2.Attribute]
    version: VersionSelector
    def __init__(self, user: _Optional[str] = ..., context: _Optional[_Iterable[_Union[_event_pb2.Attribute, _Mapping]]] = ..., k: _Optional[int] = ..., filter: _Optional[_Union[Filter, _Mapping]] = ..., exclude: _Optional[_Iterable[str]] = ..., seen: _Optional[_Union[SeenPolicy, str]] = ..., limits: _Optional[_Iterable[_Union[AttributeLimit, _Mapping]]] = ..., version: _Optional[_Union[VersionSelector, _Mapping]] = ..., freshness: _Optional[_Union[Freshness, _Mapping]] = ..., time_nanos: _Optional[int] = ..., diversity: _Optional[float] = ..., boosts: _Optional[_Iterable[_Union[Boost, _Mapping]]] = ..., exploration: _Optional[_Union[Exploration, _Mapping]] = ..., log_impressions: bool = ..., user_attributes: _Optional[_Iterable[_Union[_event_pb2.Attribute, _Mapping]]] = ...) -> None: ...

class RecommendResponse(_message.Message):
    __slots__ = ["chain", "considered", "degraded", "items", "model", "request_id"]
    CHAIN_FIELD_NUMBER: _ClassVar[int]
    CONSIDERED_FIELD_NUMBER: _ClassVar[int]
    DEGRADED_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    chain: str
    considered: int
    degraded: str
    items: _containers.RepeatedCompositeFieldContainer[Recommendation]
    model: ModelReference
    request_id: str
    def __init__(self, items: _Optional[_Iterable[_Union[Recommendation, _Mapping]]] = ..., model: _Optional[_Union[ModelReference, _Mapping]] = ..., degraded: _Optional[str] = ..., request_id: _Optional[str] = ..., chain: _Optional[str] = ..., considered: _Optional[int] = ...) -> None: ...

class Recommendation(_message.Message):
    __slots__ = ["item", "propensity", "reason", "score"]
    ITEM_FIELD_NUMBER: _ClassVar[int]
    PROPENSITY_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    item: str
    propensity: float
    reason: str
    score: float
    def __init__(self, item: _Optional[str] = ..., score: _Optional[float] = ..., reason: _Optional[str] = ..., propensity: _Optional[float] = ...) -> None: ...

class ScoreRequest(_message.Message):
    __slots__ = ["candidates", "context", "freshness", "time_nanos", "user", "version"]
    CANDIDATES_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    FRESHNESS_FIELD_NUMBER: _ClassVar[int]
    TIME_NANOS_FIELD_NUMBER: _ClassVar[int]
    USER_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    candidates: _containers.RepeatedCompositeFieldContainer[Candidate]
    context: _containers.RepeatedCompositeFieldContainer[_event_pb2.Attribute]
    freshness: Freshness
    time_nanos: int
    user: str
    version: VersionSelector
    def __init__(self, user: _Optional[str] = ..., context: _Optional[_Iterable[_Union[_event_pb2.Attribute, _Mapping]]] = ..., candidates: _Optional[_Iterable[_Union[Candidate, _Mapping]]] = ..., version: _Optional[_Union[VersionSelector, _Mapping]] = ..., freshness: _Optional[_Union[Freshness, _Mapping]] = ..., time_nanos: _Optional[int] = ...) -> None: ...

class ScoreResponse(_message.Message):
    __slots__ = ["degraded", "model", "scores"]
    DEGRADED_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    SCORES_FIELD_NUMBER: _ClassVar[int]
    degraded: str
    model: ModelReference
    scores: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, scores: _Optional[_Iterable[float]] = ..., model: _Optional[_Union[ModelReference, _Mapping]] = ..., degraded: _Optional[str] = ...) -> None: ...

class VersionSelector(_message.Message):
    __slots__ = ["as_of_nanos", "head", "id", "label", "latest", "previous", "serving"]
    AS_OF_NANOS_FIELD_NUMBER: _ClassVar[int]
    HEAD_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    LATEST_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_FIELD_NUMBER: _ClassVar[int]
    SERVING_FIELD_NUMBER: _ClassVar[int]
    as_of_nanos: int
    head: bool
    id: str
    label: str
    latest: bool
    previous: bool
    serving: bool
    def __init__(self, serving: bool = ..., head: bool = ..., id: _Optional[str] = ..., label: _Optional[str] = ..., as_of_nanos: _Optional[int] = ..., latest: bool = ..., previous: bool = ...) -> None: ...

class SeenPolicy(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []
