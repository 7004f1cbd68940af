"""A ttrpc server for the clients' tests: Health, Echo, and an Ingest that logs into a list.

It does what a test asks of it that a good server never does: vanish at a given event, answer late, answer with
garbage. ``python fake_server.py SOCKET`` serves until it is killed.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import sys
import threading
import time
from typing import Callable, Optional

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "src"))

from google.protobuf.message import DecodeError

from cowbird._wire import _fields, varint
from cowbird.v1 import (
    AppendRequest,
    AppendResponse,
    EchoRequest,
    EchoResponse,
    HealthCheckRequest,
    HealthCheckResponse,
    Refusal,
    StreamRequest,
    StreamResponse,
)

HEADER = struct.Struct(">IIBB")
CREDITS = 100


class Failure(Exception):
    def __init__(self, code: int, message: str) -> None:
        self.code, self.message = code, message


class Log:
    """What an Ingest keeps: events in order, and each producer's highest sequence."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.events: list = []
        self.highest: dict[str, int] = {}

    def add(self, producer: str, event) -> str:
        with self.lock:
            if event.interaction.value < 0:
                return "refused"
            if event.sequence and event.sequence <= self.highest.get(producer, 0):
                return "duplicate"
            if event.sequence:
                self.highest[producer] = event.sequence
            self.events.append(event)
            return "accepted"


class FakeServer:
    """Serves until `stop`. `vanish_after`: drop the connection, unacknowledged, at so many events, once each."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.log = Log()
        self.requests: list[tuple[str, str, int, dict[str, str]]] = []
        self.vanish_after: list[int] = []
        self.answer_with: Optional[Callable[[int], bytes]] = None
        self._connections: set[socket.socket] = set()
        self._listener: Optional[socket.socket] = None

    def start(self) -> FakeServer:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(self.path)
        listener.listen(64)
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()
        return self

    def stop(self) -> None:
        assert self._listener is not None
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.drop_connections()

    def drop_connections(self) -> None:
        for connection in list(self._connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            self._connections.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as reader:
            with contextlib.suppress(OSError):
                _Session(self, connection, reader).run()
            self._connections.discard(connection)


class _Session:
    def __init__(self, server: FakeServer, connection: socket.socket, reader) -> None:
        self.server, self.connection, self.reader = server, connection, reader
        self.lock = threading.Lock()
        self.streams: dict[int, Callable[[Optional[bytes]], None]] = {}

    def run(self) -> None:
        while True:
            head = self.reader.read(10)
            if len(head) < 10:
                return
            length, stream, kind, flags = HEADER.unpack(head)
            data = self.reader.read(length)
            if len(data) < length:
                return
            if kind == 1:
                self.request(stream, flags, data)
            elif kind == 3 and stream in self.streams:
                if not flags & 4:
                    self.streams[stream](data)
                if flags & 1:
                    self.streams.pop(stream)(None)

    def send(self, stream: int, kind: int, flags: int, data: bytes) -> None:
        with self.lock, contextlib.suppress(OSError):
            self.connection.sendall(HEADER.pack(len(data), stream, kind, flags) + data)

    def respond(self, stream: int, payload: bytes) -> None:
        body = b"\x12" + varint(len(payload)) + payload if payload else b""
        self.send(stream, 2, 0, body)

    def fail(self, stream: int, failure: Failure) -> None:
        text = failure.message.encode()
        status = b"\x08" + varint(failure.code) + b"\x12" + varint(len(text)) + text
        self.send(stream, 2, 0, b"\x0a" + varint(len(status)) + status)

    def request(self, stream: int, flags: int, data: bytes) -> None:
        service = method = ""
        payload, timeout, metadata = b"", 0, {}
        for number, value in _fields(data):
            if number == 1:
                service = value.decode()
            elif number == 2:
                method = value.decode()
            elif number == 3:
                payload = value
            elif number == 4:
                timeout = value
            elif number == 5:
                pair = dict(_fields(value))
                metadata[pair[1].decode()] = pair[2].decode()
        self.server.requests.append((service, method, timeout, metadata))
        handler = getattr(self, f"{service.rpartition('.')[2]}_{method}", None)
        if self.server.answer_with is not None:
            with self.lock:
                self.connection.sendall(self.server.answer_with(stream))
            return
        try:
            if handler is None:
                raise Failure(12, f"{service}.{method}: no such method")
            handler(stream, payload)
        except Failure as failure:
            self.fail(stream, failure)
        except DecodeError as error:
            self.fail(stream, Failure(3, f"{service}.{method}: {error}"))

    # Health

    def Health_Check(self, stream: int, payload: bytes) -> None:
        if HealthCheckRequest.FromString(payload).service not in ("", "cowbird.v1.Echo"):
            raise Failure(5, "service: unknown")
        self.respond(stream, HealthCheckResponse(status="SERVING_STATUS_SERVING").SerializeToString())

    def Health_Watch(self, stream: int, payload: bytes) -> None:
        self.send(stream, 3, 0, HealthCheckResponse(status="SERVING_STATUS_SERVING").SerializeToString())

    # Echo

    def Echo_Unary(self, stream: int, payload: bytes) -> None:
        request = EchoRequest.FromString(payload)
        answer = EchoResponse(payload=request.payload, number=request.number).SerializeToString()
        if request.fail_code:
            raise Failure(request.fail_code, request.payload.decode())
        if request.delay_nanos:
            threading.Timer(request.delay_nanos / 1e9, self.respond, (stream, answer)).start()
        else:
            self.respond(stream, answer)

    def Echo_Collect(self, stream: int, payload: bytes) -> None:
        parts: list[bytes] = []

        def take(data: Optional[bytes]) -> None:
            if data is not None:
                parts.append(EchoRequest.FromString(data).payload)
            else:
                joined = b"".join(parts)
                self.respond(stream, EchoResponse(payload=joined, number=len(parts)).SerializeToString())

        self.streams[stream] = take

    def Echo_Expand(self, stream: int, payload: bytes) -> None:
        request = EchoRequest.FromString(payload)
        for number in range(request.repeat):
            answer = EchoResponse(payload=request.payload, number=number)
            self.send(stream, 3, 0, answer.SerializeToString())
        if request.fail_code:
            raise Failure(request.fail_code, "after all")
        self.send(stream, 3, 1 | 4, b"")

    def Echo_Chat(self, stream: int, payload: bytes) -> None:
        def take(data: Optional[bytes]) -> None:
            if data is None:
                self.respond(stream, b"")
                return
            request = EchoRequest.FromString(data)
            if request.fail_code:
                self.streams.pop(stream, None)
                self.fail(stream, Failure(request.fail_code, request.payload.decode()))
                return
            answer = EchoResponse(payload=request.payload, number=request.number)
            self.send(stream, 3, 0, answer.SerializeToString())

        self.streams[stream] = take

    # Ingest

    def Ingest_Append(self, stream: int, payload: bytes) -> None:
        request = AppendRequest.FromString(payload)
        answer = AppendResponse(durability=request.durability)
        for index, event in enumerate(request.events):
            fate = self.server.log.add(request.producer, event)
            if fate == "accepted":
                answer.accepted += 1
            elif fate == "duplicate":
                answer.duplicates.append(index)
            else:
                answer.refusals.append(Refusal(index=index, code=3, field="interaction.value", reason="below 0"))
        answer.last_offset = max(0, len(self.server.log.events) - 1)
        self.respond(stream, answer.SerializeToString())

    def Ingest_Stream(self, stream: int, payload: bytes) -> None:
        log = self.server.log
        state = {"count": 0, "producer": None}

        def take(data: Optional[bytes]) -> None:
            if data is None:
                self.respond(stream, b"")
                return
            request = StreamRequest.FromString(data)
            if state["producer"] is None:
                state["producer"] = request.producer
            answer = StreamResponse(durability=request.durability)
            for event in request.events:
                state["count"] += 1
                fate = log.add(state["producer"], event)
                if fate == "refused":
                    answer.refusals.append(
                        Refusal(index=state["count"] - 1, code=3, field="interaction.value", reason="below 0")
                    )
                answer.duplicates += fate == "duplicate"
                if self.server.vanish_after and len(log.events) >= self.server.vanish_after[0]:
                    self.server.vanish_after.pop(0)
                    self.connection.shutdown(socket.SHUT_RDWR)
                    raise ConnectionResetError("vanished, as the test asked")
            answer.acknowledged = state["count"]
            answer.credits = CREDITS
            answer.offset = max(0, len(log.events) - 1)
            answer.producer_sequence = log.highest.get(state["producer"], 0)
            self.send(stream, 3, 0, answer.SerializeToString())

        self.streams[stream] = take


if __name__ == "__main__":
    FakeServer(sys.argv[1]).start()
    while True:
        time.sleep(3600)
