from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class EchoRequest(_message.Message):
    __slots__ = ["delay_nanos", "fail_code", "number", "payload", "repeat"]
    DELAY_NANOS_FIELD_NUMBER: _ClassVar[int]
    FAIL_CODE_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    REPEAT_FIELD_NUMBER: _ClassVar[int]
    delay_nanos: int
    fail_code: int
    number: int
    payload: bytes
    repeat: int
    def __init__(self, payload: _Optional[bytes] = ..., number: _Optional[int] = ..., repeat: _Optional[int] = ..., delay_nanos: _Optional[int] = ..., fail_code: _Optional[int] = ...) -> None: ...

class EchoResponse(_message.Message):
    __slots__ = ["number", "payload"]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    number: int
    payload: bytes
    def __init__(self, payload: _Optional[bytes] = ..., number: _Optional[int] = ...) -> None: ...
