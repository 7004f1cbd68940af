from cowbird.v1 import event_pb2 as _event_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor
DURABILITY_DURABLE: Durability
DURABILITY_RECEIVED: Durability
DURABILITY_UNSPECIFIED: Durability
DURABILITY_WRITTEN: Durability

class AppendRequest(_message.Message):
    __slots__ = ["dry_run", "durability", "events", "producer"]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    DURABILITY_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    PRODUCER_FIELD_NUMBER: _ClassVar[int]
    dry_run: bool
    durability: Durability
    events: _containers.RepeatedCompositeFieldContainer[_event_pb2.Event]
    producer: str
    def __init__(self, producer: _Optional[str] = ..., events: _Optional[_Iterable[_Union[_event_pb2.Event, _Mapping]]] = ..., durability: _Optional[_Union[Durability, str]] = ..., dry_run: bool = ...) -> None: ...

class AppendResponse(_message.Message):
    __slots__ = ["accepted", "duplicates", "durability", "first_offset", "gaps", "last_offset", "producer_sequence", "refusals"]
    ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    DUPLICATES_FIELD_NUMBER: _ClassVar[int]
    DURABILITY_FIELD_NUMBER: _ClassVar[int]
    FIRST_OFFSET_FIELD_NUMBER: _ClassVar[int]
    GAPS_FIELD_NUMBER: _ClassVar[int]
    LAST_OFFSET_FIELD_NUMBER: _ClassVar[int]
    PRODUCER_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    REFUSALS_FIELD_NUMBER: _ClassVar[int]
    accepted: int
    duplicates: _containers.RepeatedScalarFieldContainer[int]
    durability: Durability
    first_offset: int
    gaps: _containers.RepeatedScalarFieldContainer[int]
    last_offset: int
    producer_sequence: int
    refusals: _containers.RepeatedCompositeFieldContainer[Refusal]
    def __init__(self, first_offset: _Optional[int] = ..., last_offset: _Optional[int] = ..., accepted: _Optional[int] = ..., duplicates: _Optional[_Iterable[int]] = ..., refusals: _Optional[_Iterable[_Union[Refusal, _Mapping]]] = ..., producer_sequence: _Optional[int] = ..., gaps: _Optional[_Iterable[int]] = ..., durability: _Optional[_Union[Durability, str]] = ...) -> None: ...

class Refusal(_message.Message):
    __slots__ = ["code", "field", "index", "reason"]
    CODE_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    code: int
    field: str
    index: int
    reason: str
    def __init__(self, index: _Optional[int] = ..., code: _Optional[int] = ..., field: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class StreamRequest(_message.Message):
    __slots__ = ["durability", "events", "producer"]
    DURABILITY_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    PRODUCER_FIELD_NUMBER: _ClassVar[int]
    durability: Durability
    events: _containers.RepeatedCompositeFieldContainer[_event_pb2.Event]
    producer: str
    def __init__(self, producer: _Optional[str] = ..., durability: _Optional[_Union[Durability, str]] = ..., events: _Optional[_Iterable[_Union[_event_pb2.Event, _Mapping]]] = ...) -> None: ...

class StreamResponse(_message.Message):
    __slots__ = ["acknowledged", "batch_events", "class_type", "credits", "default_type", "duplicates", "durability", "gaps", "negative_types", "offset", "positive_types", "producer_sequence", "refusals"]
    ACKNOWLEDGED_FIELD_NUMBER: _ClassVar[int]
    BATCH_EVENTS_FIELD_NUMBER: _ClassVar[int]
    CLASS_TYPE_FIELD_NUMBER: _ClassVar[int]
    CREDITS_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_TYPE_FIELD_NUMBER: _ClassVar[int]
    DUPLICATES_FIELD_NUMBER: _ClassVar[int]
    DURABILITY_FIELD_NUMBER: _ClassVar[int]
    GAPS_FIELD_NUMBER: _ClassVar[int]
    NEGATIVE_TYPES_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    POSITIVE_TYPES_FIELD_NUMBER: _ClassVar[int]
    PRODUCER_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    REFUSALS_FIELD_NUMBER: _ClassVar[int]
    acknowledged: int
    batch_events: int
    class_type: str
    credits: int
    default_type: str
    duplicates: int
    durability: Durability
    gaps: _containers.RepeatedScalarFieldContainer[int]
    negative_types: _containers.RepeatedScalarFieldContainer[str]
    offset: int
    positive_types: _containers.RepeatedScalarFieldContainer[str]
    producer_sequence: int
    refusals: _containers.RepeatedCompositeFieldContainer[Refusal]
    def __init__(self, acknowledged: _Optional[int] = ..., offset: _Optional[int] = ..., credits: _Optional[int] = ..., producer_sequence: _Optional[int] = ..., refusals: _Optional[_Iterable[_Union[Refusal, _Mapping]]] = ..., duplicates: _Optional[int] = ..., gaps: _Optional[_Iterable[int]] = ..., durability: _Optional[_Union[Durability, str]] = ..., default_type: _Optional[str] = ..., batch_events: _Optional[int] = ..., class_type: _Optional[str] = ..., positive_types: _Optional[_Iterable[str]] = ..., negative_types: _Optional[_Iterable[str]] = ...) -> None: ...

class Durability(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []
