"""ttrpc's frames and envelope, in plain Python.

A frame is a header of ten bytes and data::

    0        4        8      9       10
    | length | stream | type | flags | data, `length` bytes ...

length and stream are big-endian; the length is that of the data alone. The data of a request is a protobuf
``{1: service, 2: method, 3: payload, 4: timeout_nano, 5: repeated metadata}``, that of a response
``{1: status {1: code, 2: message}, 2: payload}``. Both are so small that reading them by hand costs less than a
message object would.
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Mapping
from typing import NamedTuple, Optional

from .errors import CowbirdError, Internal, ResourceExhausted, error_of

HEADER = struct.Struct(">IIBB")
FRAME_BYTES_MAX = 4 << 20

REQUEST, RESPONSE, DATA = 1, 2, 3
REMOTE_CLOSED, REMOTE_OPEN, NO_DATA = 1, 2, 4

LAST_ID = 0xFFFFFFFF - 2
COMFORTABLE_ID = 0xC0000001


class Frame(NamedTuple):
    """One frame as it came."""

    stream: int
    kind: int
    flags: int
    data: bytes


def varint(value: int) -> bytes:
    """
    >>> varint(300)
    b'\\xac\\x02'
    """
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _field(number: int, data: bytes) -> bytes:
    return bytes((number << 3 | 2,)) + varint(len(data)) + data


@functools.lru_cache(maxsize=256)
def _target(service: str, method: str) -> bytes:
    return _field(1, service.encode()) + _field(2, method.encode())


def encode_request(
    service: str,
    method: str,
    payload: bytes,
    timeout_nanos: int = 0,
    metadata: Optional[Mapping[str, str]] = None,
) -> bytes:
    """The data of a request frame.

    >>> encode_request("S", "M", b"xyz", 5).hex()
    '0a015312014d1a0378797a2005'
    """
    size = len(payload)
    head = _target(service, method) + b"\x1a"
    body = head + (bytes((size,)) if size < 128 else varint(size)) + payload
    if timeout_nanos > 0:
        body += b"\x20" + varint(timeout_nanos)
    if metadata:
        for key, value in metadata.items():
            body += _field(5, _field(1, key.encode()) + _field(2, value.encode()))
    if len(body) > FRAME_BYTES_MAX:
        raise ResourceExhausted(
            f"a request of {len(body)} bytes for {service}.{method} is above the bound of {FRAME_BYTES_MAX} bytes"
        )
    return body


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFFFFFFFFFFFFFF, at
        shift += 7
        if shift >= 70:
            raise ValueError("a varint of more than ten bytes")


def _fields(data: bytes) -> list[tuple[int, object]]:
    """Field numbers and values; raises IndexError or ValueError for what is no protobuf."""
    at, end = 0, len(data)
    fields: list[tuple[int, object]] = []
    while at < end:
        tag, at = _read_varint(data, at)
        kind = tag & 7
        value: object
        if kind == 0:
            value, at = _read_varint(data, at)
        elif kind == 2:
            size, at = _read_varint(data, at)
            value, at = data[at : at + size], at + size
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
            value, at = None, at + size
        else:
            raise ValueError(f"wire type {kind}")
        if at > end:
            raise ValueError("a field past the end")
        fields.append((tag >> 3, value))
    return fields


def decode_response(data: bytes) -> bytes:
    """The payload of a response; raises the error that it carries.

    >>> decode_response(bytes.fromhex("1203616263"))
    b'abc'
    >>> decode_response(bytes.fromhex("0a06080512026e6f"))
    Traceback (most recent call last):
    cowbird.errors.NotFound: NOT_FOUND: no
    """
    size = len(data)
    if size > 2 and data[0] == 0x12:  # a payload and nothing else: what nearly every answer is
        length = data[1]
        if length < 128:
            if length + 2 == size:
                return data[2:]
        elif size > 4 and data[2] < 128 and (length & 0x7F | data[2] << 7) + 3 == size:
            return data[3:]
    try:
        return _decode_response(data)
    except (IndexError, ValueError) as error:
        raise Internal(f"an answer of {size} bytes is no ttrpc.Response: {error}") from None


def _decode_response(data: bytes) -> bytes:
    payload, code, message = b"", 0, b""
    for number, value in _fields(data):
        if number == 2 and isinstance(value, bytes):
            payload = value
        elif number == 1 and isinstance(value, bytes):
            for inner, part in _fields(value):
                if inner == 1 and isinstance(part, int):
                    code = part
                elif inner == 2 and isinstance(part, bytes):
                    message = part
    if code:
        raise _status(code, message)
    return payload


def _status(code: int, message: bytes) -> CowbirdError:
    return error_of(code, message.decode("utf-8", "replace"))


class FrameReader:
    """Cuts what the socket gives into frames.

    >>> reader = FrameReader()
    >>> reader.feed(HEADER.pack(3, 1, RESPONSE, 0) + b"ab")
    []
    >>> reader.feed(b"c")
    [Frame(stream=1, kind=2, flags=0, data=b'abc')]
    """

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes) -> list[Frame]:
        """All frames that are whole now. Raises `Internal` when framing is lost."""
        if not self._rest:
            if len(data) >= 10:
                length, stream, kind, flags = HEADER.unpack_from(data)
                if length + 10 == len(data):
                    return [Frame(stream, kind, flags, data[10:])]
            buffer: bytearray | bytes = data
        else:
            self._rest += data
            buffer = self._rest
        frames, at, end = [], 0, len(buffer)
        while end - at >= 10:
            length, stream, kind, flags = HEADER.unpack_from(buffer, at)
            if length > FRAME_BYTES_MAX:
                raise Internal(f"the server sent a frame of {length} bytes; the bound is {FRAME_BYTES_MAX}")
            if end - at - 10 < length:
                break
            frames.append(Frame(stream, kind, flags, bytes(buffer[at + 10 : at + 10 + length])))
            at += 10 + length
        if buffer is self._rest:
            del self._rest[:at]
        else:
            self._rest += buffer[at:]
        return frames

    @property
    def missing(self) -> int:
        """Bytes that the frame at hand still wants; 0 when it is not known."""
        if len(self._rest) < 10:
            return 0
        length: int = HEADER.unpack_from(self._rest)[0]
        return length + 10 - len(self._rest)
