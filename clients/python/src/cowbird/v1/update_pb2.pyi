from cowbird.v1 import event_pb2 as _event_pb2
from cowbird.v1 import predict_pb2 as _predict_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ConfigureRequest(_message.Message):
    __slots__ = ["reason", "settings"]
    REASON_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    reason: str
    settings: _containers.RepeatedCompositeFieldContainer[Setting]
    def __init__(self, settings: _Optional[_Iterable[_Union[Setting, _Mapping]]] = ..., reason: _Optional[str] = ...) -> None: ...

class ControlResponse(_message.Message):
    __slots__ = ["offset"]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    offset: int
    def __init__(self, offset: _Optional[int] = ...) -> None: ...

class Counter(_message.Message):
    __slots__ = ["name", "source", "value"]
    NAME_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    name: str
    source: str
    value: int
    def __init__(self, name: _Optional[str] = ..., source: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...

class DriftSignal(_message.Message):
    __slots__ = ["count", "detector", "offset", "time_nanos"]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    DETECTOR_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    TIME_NANOS_FIELD_NUMBER: _ClassVar[int]
    count: int
    detector: str
    offset: int
    time_nanos: int
    def __init__(self, detector: _Optional[str] = ..., offset: _Optional[int] = ..., time_nanos: _Optional[int] = ..., count: _Optional[int] = ...) -> None: ...

class FlushRequest(_message.Message):
    __slots__ = ["digest", "offset"]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    digest: bool
    offset: int
    def __init__(self, offset: _Optional[int] = ..., digest: bool = ...) -> None: ...

class FlushResponse(_message.Message):
    __slots__ = ["digest", "model"]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    digest: str
    model: _predict_pb2.ModelReference
    def __init__(self, model: _Optional[_Union[_predict_pb2.ModelReference, _Mapping]] = ..., digest: _Optional[str] = ...) -> None: ...

class Metric(_message.Message):
    __slots__ = ["count", "name", "scope", "value"]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    count: int
    name: str
    scope: str
    value: float
    def __init__(self, name: _Optional[str] = ..., scope: _Optional[str] = ..., value: _Optional[float] = ..., count: _Optional[int] = ...) -> None: ...

class MetricsRequest(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class MetricsResponse(_message.Message):
    __slots__ = ["text"]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    text: str
    def __init__(self, text: _Optional[str] = ...) -> None: ...

class PauseRequest(_message.Message):
    __slots__ = ["reason"]
    REASON_FIELD_NUMBER: _ClassVar[int]
    reason: str
    def __init__(self, reason: _Optional[str] = ...) -> None: ...

class QuarantineRequest(_message.Message):
    __slots__ = ["admit", "list"]
    class Admit(_message.Message):
        __slots__ = ["offsets", "reason"]
        OFFSETS_FIELD_NUMBER: _ClassVar[int]
        REASON_FIELD_NUMBER: _ClassVar[int]
        offsets: _containers.RepeatedScalarFieldContainer[int]
        reason: str
        def __init__(self, offsets: _Optional[_Iterable[int]] = ..., reason: _Optional[str] = ...) -> None: ...
    class List(_message.Message):
        __slots__ = ["after_offset", "limit"]
        AFTER_OFFSET_FIELD_NUMBER: _ClassVar[int]
        LIMIT_FIELD_NUMBER: _ClassVar[int]
        after_offset: int
        limit: int
        def __init__(self, after_offset: _Optional[int] = ..., limit: _Optional[int] = ...) -> None: ...
    ADMIT_FIELD_NUMBER: _ClassVar[int]
    LIST_FIELD_NUMBER: _ClassVar[int]
    admit: QuarantineRequest.Admit
    list: QuarantineRequest.List
    def __init__(self, list: _Optional[_Union[QuarantineRequest.List, _Mapping]] = ..., admit: _Optional[_Union[QuarantineRequest.Admit, _Mapping]] = ...) -> None: ...

class QuarantineResponse(_message.Message):
    __slots__ = ["events", "offset", "total"]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[QuarantinedEvent]
    offset: int
    total: int
    def __init__(self, events: _Optional[_Iterable[_Union[QuarantinedEvent, _Mapping]]] = ..., total: _Optional[int] = ..., offset: _Optional[int] = ...) -> None: ...

class QuarantinedEvent(_message.Message):
    __slots__ = ["event", "offset", "reason", "rule"]
    EVENT_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    event: _event_pb2.Event
    offset: int
    reason: str
    rule: str
    def __init__(self, offset: _Optional[int] = ..., rule: _Optional[str] = ..., reason: _Optional[str] = ..., event: _Optional[_Union[_event_pb2.Event, _Mapping]] = ...) -> None: ...

class ResumeRequest(_message.Message):
    __slots__ = ["reason"]
    REASON_FIELD_NUMBER: _ClassVar[int]
    reason: str
    def __init__(self, reason: _Optional[str] = ...) -> None: ...

class RunProgress(_message.Message):
    __slots__ = ["epoch", "eta_seconds", "events_done", "events_per_second", "events_total", "label_moved_from", "metrics", "version"]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    ETA_SECONDS_FIELD_NUMBER: _ClassVar[int]
    EVENTS_DONE_FIELD_NUMBER: _ClassVar[int]
    EVENTS_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    EVENTS_TOTAL_FIELD_NUMBER: _ClassVar[int]
    LABEL_MOVED_FROM_FIELD_NUMBER: _ClassVar[int]
    METRICS_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    epoch: int
    eta_seconds: float
    events_done: int
    events_per_second: float
    events_total: int
    label_moved_from: str
    metrics: _containers.RepeatedCompositeFieldContainer[Metric]
    version: str
    def __init__(self, events_done: _Optional[int] = ..., events_total: _Optional[int] = ..., events_per_second: _Optional[float] = ..., eta_seconds: _Optional[float] = ..., metrics: _Optional[_Iterable[_Union[Metric, _Mapping]]] = ..., version: _Optional[str] = ..., epoch: _Optional[int] = ..., label_moved_from: _Optional[str] = ...) -> None: ...

class RunRequest(_message.Message):
    __slots__ = ["end_offset", "epochs", "first_offset", "from_scratch", "label", "reason"]
    END_OFFSET_FIELD_NUMBER: _ClassVar[int]
    EPOCHS_FIELD_NUMBER: _ClassVar[int]
    FIRST_OFFSET_FIELD_NUMBER: _ClassVar[int]
    FROM_FIELD_NUMBER: _ClassVar[int]
    FROM_SCRATCH_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    end_offset: int
    epochs: int
    first_offset: int
    from_scratch: bool
    label: str
    reason: str
    def __init__(self, from_scratch: bool = ..., first_offset: _Optional[int] = ..., end_offset: _Optional[int] = ..., epochs: _Optional[int] = ..., reason: _Optional[str] = ..., label: _Optional[str] = ..., **kwargs) -> None: ...

class Setting(_message.Message):
    __slots__ = ["path", "value"]
    PATH_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    path: str
    value: str
    def __init__(self, path: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...

class SettingInForce(_message.Message):
    __slots__ = ["configured", "effect", "path", "value"]
    CONFIGURED_FIELD_NUMBER: _ClassVar[int]
    EFFECT_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    configured: bool
    effect: str
    path: str
    value: str
    def __init__(self, path: _Optional[str] = ..., value: _Optional[str] = ..., effect: _Optional[str] = ..., configured: bool = ...) -> None: ...

class SettingsRequest(_message.Message):
    __slots__ = ["configured", "prefix"]
    CONFIGURED_FIELD_NUMBER: _ClassVar[int]
    PREFIX_FIELD_NUMBER: _ClassVar[int]
    configured: bool
    prefix: str
    def __init__(self, prefix: _Optional[str] = ..., configured: bool = ...) -> None: ...

class SettingsResponse(_message.Message):
    __slots__ = ["configuration_hash", "settings"]
    CONFIGURATION_HASH_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    configuration_hash: str
    settings: _containers.RepeatedCompositeFieldContainer[SettingInForce]
    def __init__(self, configuration_hash: _Optional[str] = ..., settings: _Optional[_Iterable[_Union[SettingInForce, _Mapping]]] = ...) -> None: ...

class StatusRequest(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class StatusResponse(_message.Message):
    __slots__ = ["configuration_hash", "digest", "drift", "durable_offset", "events_per_second", "head", "hygiene", "items", "lag_events", "lag_ms", "learned_offset", "learning_rate", "log_bytes", "log_end_offset", "log_state", "metrics", "model_bytes", "model_rows", "paused", "publish_interval_nanos", "published_offset", "quarantined", "resident_bytes", "server_version", "serving", "uptime_seconds", "users"]
    CONFIGURATION_HASH_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    DRIFT_FIELD_NUMBER: _ClassVar[int]
    DURABLE_OFFSET_FIELD_NUMBER: _ClassVar[int]
    EVENTS_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    HEAD_FIELD_NUMBER: _ClassVar[int]
    HYGIENE_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    LAG_EVENTS_FIELD_NUMBER: _ClassVar[int]
    LAG_MS_FIELD_NUMBER: _ClassVar[int]
    LEARNED_OFFSET_FIELD_NUMBER: _ClassVar[int]
    LEARNING_RATE_FIELD_NUMBER: _ClassVar[int]
    LOG_BYTES_FIELD_NUMBER: _ClassVar[int]
    LOG_END_OFFSET_FIELD_NUMBER: _ClassVar[int]
    LOG_STATE_FIELD_NUMBER: _ClassVar[int]
    METRICS_FIELD_NUMBER: _ClassVar[int]
    MODEL_BYTES_FIELD_NUMBER: _ClassVar[int]
    MODEL_ROWS_FIELD_NUMBER: _ClassVar[int]
    PAUSED_FIELD_NUMBER: _ClassVar[int]
    PUBLISHED_OFFSET_FIELD_NUMBER: _ClassVar[int]
    PUBLISH_INTERVAL_NANOS_FIELD_NUMBER: _ClassVar[int]
    QUARANTINED_FIELD_NUMBER: _ClassVar[int]
    RESIDENT_BYTES_FIELD_NUMBER: _ClassVar[int]
    SERVER_VERSION_FIELD_NUMBER: _ClassVar[int]
    SERVING_FIELD_NUMBER: _ClassVar[int]
    UPTIME_SECONDS_FIELD_NUMBER: _ClassVar[int]
    USERS_FIELD_NUMBER: _ClassVar[int]
    configuration_hash: str
    digest: str
    drift: _containers.RepeatedCompositeFieldContainer[DriftSignal]
    durable_offset: int
    events_per_second: float
    head: _predict_pb2.ModelReference
    hygiene: _containers.RepeatedCompositeFieldContainer[Counter]
    items: int
    lag_events: int
    lag_ms: float
    learned_offset: int
    learning_rate: float
    log_bytes: int
    log_end_offset: int
    log_state: str
    metrics: _containers.RepeatedCompositeFieldContainer[Metric]
    model_bytes: int
    model_rows: int
    paused: bool
    publish_interval_nanos: int
    published_offset: int
    quarantined: int
    resident_bytes: int
    server_version: str
    serving: _predict_pb2.ModelReference
    uptime_seconds: float
    users: int
    def __init__(self, log_end_offset: _Optional[int] = ..., durable_offset: _Optional[int] = ..., learned_offset: _Optional[int] = ..., published_offset: _Optional[int] = ..., lag_events: _Optional[int] = ..., lag_ms: _Optional[float] = ..., events_per_second: _Optional[float] = ..., metrics: _Optional[_Iterable[_Union[Metric, _Mapping]]] = ..., drift: _Optional[_Iterable[_Union[DriftSignal, _Mapping]]] = ..., hygiene: _Optional[_Iterable[_Union[Counter, _Mapping]]] = ..., learning_rate: _Optional[float] = ..., publish_interval_nanos: _Optional[int] = ..., paused: bool = ..., model_bytes: _Optional[int] = ..., model_rows: _Optional[int] = ..., resident_bytes: _Optional[int] = ..., serving: _Optional[_Union[_predict_pb2.ModelReference, _Mapping]] = ..., head: _Optional[_Union[_predict_pb2.ModelReference, _Mapping]] = ..., digest: _Optional[str] = ..., server_version: _Optional[str] = ..., uptime_seconds: _Optional[float] = ..., configuration_hash: _Optional[str] = ..., log_state: _Optional[str] = ..., log_bytes: _Optional[int] = ..., quarantined: _Optional[int] = ..., users: _Optional[int] = ..., items: _Optional[int] = ...) -> None: ...
