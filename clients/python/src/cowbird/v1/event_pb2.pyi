from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor
ENTITY_KIND_ITEM: EntityKind
ENTITY_KIND_UNSPECIFIED: EntityKind
ENTITY_KIND_USER: EntityKind

class Attribute(_message.Message):
    __slots__ = ["flag", "name", "number", "numbers", "text", "texts"]
    FLAG_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    NUMBERS_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    TEXTS_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    flag: bool
    name: str
    number: float
    numbers: NumberList
    text: str
    texts: TextList
    def __init__(self, name: _Optional[str] = ..., number: _Optional[float] = ..., text: _Optional[str] = ..., texts: _Optional[_Union[TextList, _Mapping]] = ..., numbers: _Optional[_Union[NumberList, _Mapping]] = ..., flag: bool = ...) -> None: ...

class EntityChange(_message.Message):
    __slots__ = ["action", "attributes", "entity", "id"]
    class Action(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = []
    ACTION_DELETE: EntityChange.Action
    ACTION_FIELD_NUMBER: _ClassVar[int]
    ACTION_MERGE: EntityChange.Action
    ACTION_SET: EntityChange.Action
    ACTION_UNSPECIFIED: EntityChange.Action
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    ENTITY_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    action: EntityChange.Action
    attributes: _containers.RepeatedCompositeFieldContainer[Attribute]
    entity: EntityKind
    id: str
    def __init__(self, entity: _Optional[_Union[EntityKind, str]] = ..., id: _Optional[str] = ..., action: _Optional[_Union[EntityChange.Action, str]] = ..., attributes: _Optional[_Iterable[_Union[Attribute, _Mapping]]] = ...) -> None: ...

class Event(_message.Message):
    __slots__ = ["entity", "id", "impressions", "interaction", "retraction", "sequence", "source", "time_nanos"]
    ENTITY_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    IMPRESSIONS_FIELD_NUMBER: _ClassVar[int]
    INTERACTION_FIELD_NUMBER: _ClassVar[int]
    RETRACTION_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    TIME_NANOS_FIELD_NUMBER: _ClassVar[int]
    entity: EntityChange
    id: str
    impressions: Impressions
    interaction: Interaction
    retraction: Retraction
    sequence: int
    source: str
    time_nanos: int
    def __init__(self, id: _Optional[str] = ..., time_nanos: _Optional[int] = ..., source: _Optional[str] = ..., sequence: _Optional[int] = ..., interaction: _Optional[_Union[Interaction, _Mapping]] = ..., entity: _Optional[_Union[EntityChange, _Mapping]] = ..., retraction: _Optional[_Union[Retraction, _Mapping]] = ..., impressions: _Optional[_Union[Impressions, _Mapping]] = ...) -> None: ...

class Impression(_message.Message):
    __slots__ = ["features", "item", "propensity", "score"]
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    ITEM_FIELD_NUMBER: _ClassVar[int]
    PROPENSITY_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    features: bytes
    item: str
    propensity: float
    score: float
    def __init__(self, item: _Optional[str] = ..., score: _Optional[float] = ..., propensity: _Optional[float] = ..., features: _Optional[bytes] = ...) -> None: ...

class Impressions(_message.Message):
    __slots__ = ["configuration", "context", "items", "model_offset", "request_id", "shared_features", "user", "user_attributes"]
    CONFIGURATION_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    MODEL_OFFSET_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SHARED_FEATURES_FIELD_NUMBER: _ClassVar[int]
    USER_ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    USER_FIELD_NUMBER: _ClassVar[int]
    configuration: int
    context: _containers.RepeatedCompositeFieldContainer[Attribute]
    items: _containers.RepeatedCompositeFieldContainer[Impression]
    model_offset: int
    request_id: str
    shared_features: bytes
    user: str
    user_attributes: _containers.RepeatedCompositeFieldContainer[Attribute]
    def __init__(self, request_id: _Optional[str] = ..., user: _Optional[str] = ..., items: _Optional[_Iterable[_Union[Impression, _Mapping]]] = ..., context: _Optional[_Iterable[_Union[Attribute, _Mapping]]] = ..., user_attributes: _Optional[_Iterable[_Union[Attribute, _Mapping]]] = ..., model_offset: _Optional[int] = ..., configuration: _Optional[int] = ..., shared_features: _Optional[bytes] = ...) -> None: ...

class Interaction(_message.Message):
    __slots__ = ["context", "item", "request_id", "type", "user", "value", "weight"]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    ITEM_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    USER_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    context: _containers.RepeatedCompositeFieldContainer[Attribute]
    item: str
    request_id: str
    type: str
    user: str
    value: float
    weight: float
    def __init__(self, type: _Optional[str] = ..., user: _Optional[str] = ..., item: _Optional[str] = ..., value: _Optional[float] = ..., context: _Optional[_Iterable[_Union[Attribute, _Mapping]]] = ..., weight: _Optional[float] = ..., request_id: _Optional[str] = ...) -> None: ...

class NumberList(_message.Message):
    __slots__ = ["values"]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, values: _Optional[_Iterable[float]] = ...) -> None: ...

class Retraction(_message.Message):
    __slots__ = ["event", "event_id", "event_producer", "event_time_nanos", "offset"]
    EVENT_FIELD_NUMBER: _ClassVar[int]
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    EVENT_PRODUCER_FIELD_NUMBER: _ClassVar[int]
    EVENT_TIME_NANOS_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    event: bytes
    event_id: str
    event_producer: str
    event_time_nanos: int
    offset: int
    def __init__(self, event_id: _Optional[str] = ..., offset: _Optional[int] = ..., event: _Optional[bytes] = ..., event_time_nanos: _Optional[int] = ..., event_producer: _Optional[str] = ...) -> None: ...

class TextList(_message.Message):
    __slots__ = ["values"]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, values: _Optional[_Iterable[str]] = ...) -> None: ...

class EntityKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []
