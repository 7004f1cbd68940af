from cowbird.v1 import predict_pb2 as _predict_pb2
from cowbird.v1 import update_pb2 as _update_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ChangeResponse(_message.Message):
    __slots__ = ["offset", "version"]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    offset: int
    version: VersionInfo
    def __init__(self, offset: _Optional[int] = ..., version: _Optional[_Union[VersionInfo, _Mapping]] = ...) -> None: ...

class CreateRequest(_message.Message):
    __slots__ = ["author", "labels", "pin", "reason"]
    AUTHOR_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    PIN_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    author: str
    labels: _containers.RepeatedScalarFieldContainer[str]
    pin: bool
    reason: str
    def __init__(self, reason: _Optional[str] = ..., author: _Optional[str] = ..., labels: _Optional[_Iterable[str]] = ..., pin: bool = ...) -> None: ...

class CreateResponse(_message.Message):
    __slots__ = ["missing_records", "version"]
    MISSING_RECORDS_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    missing_records: int
    version: VersionInfo
    def __init__(self, version: _Optional[_Union[VersionInfo, _Mapping]] = ..., missing_records: _Optional[int] = ...) -> None: ...

class DeleteRequest(_message.Message):
    __slots__ = ["author", "id", "reason"]
    AUTHOR_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    author: str
    id: str
    reason: str
    def __init__(self, id: _Optional[str] = ..., reason: _Optional[str] = ..., author: _Optional[str] = ...) -> None: ...

class DiffRequest(_message.Message):
    __slots__ = ["a", "b", "features", "users"]
    A_FIELD_NUMBER: _ClassVar[int]
    B_FIELD_NUMBER: _ClassVar[int]
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    USERS_FIELD_NUMBER: _ClassVar[int]
    a: _predict_pb2.VersionSelector
    b: _predict_pb2.VersionSelector
    features: int
    users: int
    def __init__(self, a: _Optional[_Union[_predict_pb2.VersionSelector, _Mapping]] = ..., b: _Optional[_Union[_predict_pb2.VersionSelector, _Mapping]] = ..., features: _Optional[int] = ..., users: _Optional[int] = ...) -> None: ...

class DiffResponse(_message.Message):
    __slots__ = ["a", "b", "configuration", "features", "metrics", "pages", "pages_changed", "pages_changed_share", "top"]
    A_FIELD_NUMBER: _ClassVar[int]
    B_FIELD_NUMBER: _ClassVar[int]
    CONFIGURATION_FIELD_NUMBER: _ClassVar[int]
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    METRICS_FIELD_NUMBER: _ClassVar[int]
    PAGES_CHANGED_FIELD_NUMBER: _ClassVar[int]
    PAGES_CHANGED_SHARE_FIELD_NUMBER: _ClassVar[int]
    PAGES_FIELD_NUMBER: _ClassVar[int]
    TOP_FIELD_NUMBER: _ClassVar[int]
    a: VersionInfo
    b: VersionInfo
    configuration: _containers.RepeatedScalarFieldContainer[str]
    features: _containers.RepeatedCompositeFieldContainer[FeatureDelta]
    metrics: _containers.RepeatedCompositeFieldContainer[MetricDelta]
    pages: int
    pages_changed: int
    pages_changed_share: float
    top: _containers.RepeatedCompositeFieldContainer[TopChange]
    def __init__(self, a: _Optional[_Union[VersionInfo, _Mapping]] = ..., b: _Optional[_Union[VersionInfo, _Mapping]] = ..., metrics: _Optional[_Iterable[_Union[MetricDelta, _Mapping]]] = ..., features: _Optional[_Iterable[_Union[FeatureDelta, _Mapping]]] = ..., pages_changed_share: _Optional[float] = ..., pages_changed: _Optional[int] = ..., pages: _Optional[int] = ..., top: _Optional[_Iterable[_Union[TopChange, _Mapping]]] = ..., configuration: _Optional[_Iterable[str]] = ...) -> None: ...

class EventFilter(_message.Message):
    __slots__ = ["end_offset", "first_offset", "from_nanos", "items", "producers", "sources", "types", "until_nanos", "users"]
    END_OFFSET_FIELD_NUMBER: _ClassVar[int]
    FIRST_OFFSET_FIELD_NUMBER: _ClassVar[int]
    FROM_NANOS_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    PRODUCERS_FIELD_NUMBER: _ClassVar[int]
    SOURCES_FIELD_NUMBER: _ClassVar[int]
    TYPES_FIELD_NUMBER: _ClassVar[int]
    UNTIL_NANOS_FIELD_NUMBER: _ClassVar[int]
    USERS_FIELD_NUMBER: _ClassVar[int]
    end_offset: int
    first_offset: int
    from_nanos: int
    items: _containers.RepeatedScalarFieldContainer[str]
    producers: _containers.RepeatedScalarFieldContainer[str]
    sources: _containers.RepeatedScalarFieldContainer[str]
    types: _containers.RepeatedScalarFieldContainer[str]
    until_nanos: int
    users: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, sources: _Optional[_Iterable[str]] = ..., producers: _Optional[_Iterable[str]] = ..., users: _Optional[_Iterable[str]] = ..., items: _Optional[_Iterable[str]] = ..., types: _Optional[_Iterable[str]] = ..., from_nanos: _Optional[int] = ..., until_nanos: _Optional[int] = ..., first_offset: _Optional[int] = ..., end_offset: _Optional[int] = ...) -> None: ...

class ExportChunk(_message.Message):
    __slots__ = ["data", "total_bytes"]
    DATA_FIELD_NUMBER: _ClassVar[int]
    TOTAL_BYTES_FIELD_NUMBER: _ClassVar[int]
    data: bytes
    total_bytes: int
    def __init__(self, data: _Optional[bytes] = ..., total_bytes: _Optional[int] = ...) -> None: ...

class ExportRequest(_message.Message):
    __slots__ = ["version"]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    version: _predict_pb2.VersionSelector
    def __init__(self, version: _Optional[_Union[_predict_pb2.VersionSelector, _Mapping]] = ...) -> None: ...

class FeatureDelta(_message.Message):
    __slots__ = ["a", "b", "distance", "feature"]
    A_FIELD_NUMBER: _ClassVar[int]
    B_FIELD_NUMBER: _ClassVar[int]
    DISTANCE_FIELD_NUMBER: _ClassVar[int]
    FEATURE_FIELD_NUMBER: _ClassVar[int]
    a: float
    b: float
    distance: float
    feature: str
    def __init__(self, feature: _Optional[str] = ..., a: _Optional[float] = ..., b: _Optional[float] = ..., distance: _Optional[float] = ...) -> None: ...

class ForgetProgress(_message.Message):
    __slots__ = ["deleted", "eta_seconds", "events", "held", "records_done", "records_total", "stage", "version"]
    DELETED_FIELD_NUMBER: _ClassVar[int]
    ETA_SECONDS_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    HELD_FIELD_NUMBER: _ClassVar[int]
    RECORDS_DONE_FIELD_NUMBER: _ClassVar[int]
    RECORDS_TOTAL_FIELD_NUMBER: _ClassVar[int]
    STAGE_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    deleted: _containers.RepeatedScalarFieldContainer[str]
    eta_seconds: float
    events: int
    held: _containers.RepeatedScalarFieldContainer[str]
    records_done: int
    records_total: int
    stage: str
    version: str
    def __init__(self, stage: _Optional[str] = ..., events: _Optional[int] = ..., records_done: _Optional[int] = ..., records_total: _Optional[int] = ..., eta_seconds: _Optional[float] = ..., version: _Optional[str] = ..., deleted: _Optional[_Iterable[str]] = ..., held: _Optional[_Iterable[str]] = ...) -> None: ...

class ForgetRequest(_message.Message):
    __slots__ = ["author", "dry_run", "reason", "user"]
    AUTHOR_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    USER_FIELD_NUMBER: _ClassVar[int]
    author: str
    dry_run: bool
    reason: str
    user: str
    def __init__(self, user: _Optional[str] = ..., dry_run: bool = ..., reason: _Optional[str] = ..., author: _Optional[str] = ...) -> None: ...

class GetRequest(_message.Message):
    __slots__ = ["version"]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    version: _predict_pb2.VersionSelector
    def __init__(self, version: _Optional[_Union[_predict_pb2.VersionSelector, _Mapping]] = ...) -> None: ...

class ImportChunk(_message.Message):
    __slots__ = ["author", "data", "labels", "reason"]
    AUTHOR_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    author: str
    data: bytes
    labels: _containers.RepeatedScalarFieldContainer[str]
    reason: str
    def __init__(self, data: _Optional[bytes] = ..., reason: _Optional[str] = ..., author: _Optional[str] = ..., labels: _Optional[_Iterable[str]] = ...) -> None: ...

class LabelRequest(_message.Message):
    __slots__ = ["author", "expect", "label", "reason", "version"]
    AUTHOR_FIELD_NUMBER: _ClassVar[int]
    EXPECT_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    author: str
    expect: str
    label: str
    reason: str
    version: _predict_pb2.VersionSelector
    def __init__(self, label: _Optional[str] = ..., version: _Optional[_Union[_predict_pb2.VersionSelector, _Mapping]] = ..., expect: _Optional[str] = ..., reason: _Optional[str] = ..., author: _Optional[str] = ...) -> None: ...

class ListRequest(_message.Message):
    __slots__ = ["before", "limit"]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    before: str
    limit: int
    def __init__(self, limit: _Optional[int] = ..., before: _Optional[str] = ...) -> None: ...

class ListResponse(_message.Message):
    __slots__ = ["serving", "shadow", "split", "versions"]
    SERVING_FIELD_NUMBER: _ClassVar[int]
    SHADOW_FIELD_NUMBER: _ClassVar[int]
    SPLIT_FIELD_NUMBER: _ClassVar[int]
    VERSIONS_FIELD_NUMBER: _ClassVar[int]
    serving: str
    shadow: str
    split: _containers.RepeatedCompositeFieldContainer[SplitArm]
    versions: _containers.RepeatedCompositeFieldContainer[VersionInfo]
    def __init__(self, versions: _Optional[_Iterable[_Union[VersionInfo, _Mapping]]] = ..., serving: _Optional[str] = ..., split: _Optional[_Iterable[_Union[SplitArm, _Mapping]]] = ..., shadow: _Optional[str] = ...) -> None: ...

class MetricDelta(_message.Message):
    __slots__ = ["a", "b", "name", "scope"]
    A_FIELD_NUMBER: _ClassVar[int]
    B_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    a: float
    b: float
    name: str
    scope: str
    def __init__(self, name: _Optional[str] = ..., scope: _Optional[str] = ..., a: _Optional[float] = ..., b: _Optional[float] = ...) -> None: ...

class PinRequest(_message.Message):
    __slots__ = ["author", "pinned", "reason", "version"]
    AUTHOR_FIELD_NUMBER: _ClassVar[int]
    PINNED_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    author: str
    pinned: bool
    reason: str
    version: _predict_pb2.VersionSelector
    def __init__(self, version: _Optional[_Union[_predict_pb2.VersionSelector, _Mapping]] = ..., pinned: bool = ..., reason: _Optional[str] = ..., author: _Optional[str] = ...) -> None: ...

class RollbackProgress(_message.Message):
    __slots__ = ["eta_seconds", "events_excluded", "events_per_second", "events_replayed", "events_total", "metrics", "model", "offset", "stage"]
    ETA_SECONDS_FIELD_NUMBER: _ClassVar[int]
    EVENTS_EXCLUDED_FIELD_NUMBER: _ClassVar[int]
    EVENTS_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    EVENTS_REPLAYED_FIELD_NUMBER: _ClassVar[int]
    EVENTS_TOTAL_FIELD_NUMBER: _ClassVar[int]
    METRICS_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    STAGE_FIELD_NUMBER: _ClassVar[int]
    eta_seconds: float
    events_excluded: int
    events_per_second: float
    events_replayed: int
    events_total: int
    metrics: _containers.RepeatedCompositeFieldContainer[_update_pb2.Metric]
    model: _predict_pb2.ModelReference
    offset: int
    stage: str
    def __init__(self, stage: _Optional[str] = ..., events_replayed: _Optional[int] = ..., events_excluded: _Optional[int] = ..., events_total: _Optional[int] = ..., events_per_second: _Optional[float] = ..., eta_seconds: _Optional[float] = ..., offset: _Optional[int] = ..., model: _Optional[_Union[_predict_pb2.ModelReference, _Mapping]] = ..., metrics: _Optional[_Iterable[_Union[_update_pb2.Metric, _Mapping]]] = ...) -> None: ...

class RollbackRequest(_message.Message):
    __slots__ = ["author", "dry_run", "exclude", "readmit", "reason", "replay", "to"]
    AUTHOR_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    EXCLUDE_FIELD_NUMBER: _ClassVar[int]
    READMIT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    REPLAY_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    author: str
    dry_run: bool
    exclude: EventFilter
    readmit: _containers.RepeatedScalarFieldContainer[int]
    reason: str
    replay: bool
    to: _predict_pb2.VersionSelector
    def __init__(self, to: _Optional[_Union[_predict_pb2.VersionSelector, _Mapping]] = ..., exclude: _Optional[_Union[EventFilter, _Mapping]] = ..., replay: bool = ..., dry_run: bool = ..., readmit: _Optional[_Iterable[int]] = ..., reason: _Optional[str] = ..., author: _Optional[str] = ...) -> None: ...

class ShadowRequest(_message.Message):
    __slots__ = ["author", "reason", "version"]
    AUTHOR_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    author: str
    reason: str
    version: _predict_pb2.VersionSelector
    def __init__(self, version: _Optional[_Union[_predict_pb2.VersionSelector, _Mapping]] = ..., reason: _Optional[str] = ..., author: _Optional[str] = ...) -> None: ...

class SplitArm(_message.Message):
    __slots__ = ["metrics", "name", "percent", "version"]
    METRICS_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    PERCENT_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    metrics: _containers.RepeatedCompositeFieldContainer[_update_pb2.Metric]
    name: str
    percent: float
    version: _predict_pb2.VersionSelector
    def __init__(self, name: _Optional[str] = ..., version: _Optional[_Union[_predict_pb2.VersionSelector, _Mapping]] = ..., percent: _Optional[float] = ..., metrics: _Optional[_Iterable[_Union[_update_pb2.Metric, _Mapping]]] = ...) -> None: ...

class SplitRequest(_message.Message):
    __slots__ = ["arms", "author", "reason", "salt"]
    ARMS_FIELD_NUMBER: _ClassVar[int]
    AUTHOR_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    SALT_FIELD_NUMBER: _ClassVar[int]
    arms: _containers.RepeatedCompositeFieldContainer[SplitArm]
    author: str
    reason: str
    salt: str
    def __init__(self, arms: _Optional[_Iterable[_Union[SplitArm, _Mapping]]] = ..., salt: _Optional[str] = ..., reason: _Optional[str] = ..., author: _Optional[str] = ...) -> None: ...

class SwitchRequest(_message.Message):
    __slots__ = ["author", "reason", "to"]
    AUTHOR_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    author: str
    reason: str
    to: _predict_pb2.VersionSelector
    def __init__(self, to: _Optional[_Union[_predict_pb2.VersionSelector, _Mapping]] = ..., reason: _Optional[str] = ..., author: _Optional[str] = ...) -> None: ...

class TopChange(_message.Message):
    __slots__ = ["a", "b", "common", "user"]
    A_FIELD_NUMBER: _ClassVar[int]
    B_FIELD_NUMBER: _ClassVar[int]
    COMMON_FIELD_NUMBER: _ClassVar[int]
    USER_FIELD_NUMBER: _ClassVar[int]
    a: _containers.RepeatedScalarFieldContainer[str]
    b: _containers.RepeatedScalarFieldContainer[str]
    common: int
    user: str
    def __init__(self, user: _Optional[str] = ..., common: _Optional[int] = ..., a: _Optional[_Iterable[str]] = ..., b: _Optional[_Iterable[str]] = ...) -> None: ...

class UnlabelRequest(_message.Message):
    __slots__ = ["author", "label", "reason"]
    AUTHOR_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    author: str
    label: str
    reason: str
    def __init__(self, label: _Optional[str] = ..., reason: _Optional[str] = ..., author: _Optional[str] = ...) -> None: ...

class VersionInfo(_message.Message):
    __slots__ = ["author", "author_uid", "chain_bytes", "configuration_hash", "created_nanos", "digest", "event_time_nanos", "file_bytes", "format", "id", "labels", "metrics", "offset", "parent", "pinned", "reason", "rows", "serving", "since", "state"]
    AUTHOR_FIELD_NUMBER: _ClassVar[int]
    AUTHOR_UID_FIELD_NUMBER: _ClassVar[int]
    CHAIN_BYTES_FIELD_NUMBER: _ClassVar[int]
    CONFIGURATION_HASH_FIELD_NUMBER: _ClassVar[int]
    CREATED_NANOS_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    EVENT_TIME_NANOS_FIELD_NUMBER: _ClassVar[int]
    FILE_BYTES_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    METRICS_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    PARENT_FIELD_NUMBER: _ClassVar[int]
    PINNED_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    SERVING_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    author: str
    author_uid: int
    chain_bytes: int
    configuration_hash: str
    created_nanos: int
    digest: str
    event_time_nanos: int
    file_bytes: int
    format: str
    id: str
    labels: _containers.RepeatedScalarFieldContainer[str]
    metrics: _containers.RepeatedCompositeFieldContainer[_update_pb2.Metric]
    offset: int
    parent: str
    pinned: bool
    reason: str
    rows: int
    serving: bool
    since: _containers.RepeatedCompositeFieldContainer[_update_pb2.Metric]
    state: str
    def __init__(self, id: _Optional[str] = ..., parent: _Optional[str] = ..., offset: _Optional[int] = ..., created_nanos: _Optional[int] = ..., event_time_nanos: _Optional[int] = ..., digest: _Optional[str] = ..., configuration_hash: _Optional[str] = ..., labels: _Optional[_Iterable[str]] = ..., pinned: bool = ..., serving: bool = ..., file_bytes: _Optional[int] = ..., chain_bytes: _Optional[int] = ..., format: _Optional[str] = ..., author_uid: _Optional[int] = ..., author: _Optional[str] = ..., reason: _Optional[str] = ..., metrics: _Optional[_Iterable[_Union[_update_pb2.Metric, _Mapping]]] = ..., since: _Optional[_Iterable[_Union[_update_pb2.Metric, _Mapping]]] = ..., state: _Optional[str] = ..., rows: _Optional[int] = ...) -> None: ...

class WatchEvent(_message.Message):
    __slots__ = ["author", "author_uid", "kind", "offset", "reason", "summary", "time_nanos", "version"]
    AUTHOR_FIELD_NUMBER: _ClassVar[int]
    AUTHOR_UID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    TIME_NANOS_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    author: str
    author_uid: int
    kind: str
    offset: int
    reason: str
    summary: str
    time_nanos: int
    version: VersionInfo
    def __init__(self, offset: _Optional[int] = ..., time_nanos: _Optional[int] = ..., kind: _Optional[str] = ..., summary: _Optional[str] = ..., version: _Optional[_Union[VersionInfo, _Mapping]] = ..., author_uid: _Optional[int] = ..., author: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class WatchRequest(_message.Message):
    __slots__ = ["after_offset"]
    AFTER_OFFSET_FIELD_NUMBER: _ClassVar[int]
    after_offset: int
    def __init__(self, after_offset: _Optional[int] = ...) -> None: ...
