"""One connection of the sync client, shared by any number of threads, with no thread of its own.

Whoever waits for an answer reads the socket: the first to wait *leads* (reads, and hands the others their
frames), the others *follow* (sleep until they have a frame, or until the leader leaves and wakes one of them to
lead). A caller that is alone sends and receives on its own thread, which is the fastest that Python can do.

The socket is a blocking one. Sends never wait (MSG_DONTWAIT); what the kernel does not take stays in `_out`, and
whoever waits sends it, reading meanwhile, so that two full buffers never wait for each other. Receives wait by
SO_RCVTIMEO, set to a power of two below the time that is left, so that it changes rarely.
"""

from __future__ import annotations

import collections
import contextlib
import select
import socket
import struct
import threading
import time
from typing import Optional

from ._wire import (
    COMFORTABLE_ID,
    DATA,
    HEADER,
    LAST_ID,
    REMOTE_CLOSED,
    REQUEST,
    RESPONSE,
    Frame,
    FrameReader,
)
from .errors import CowbirdError, DeadlineExceeded, Internal, ResourceExhausted, Unavailable

_NOW = socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL
_READ_BYTES = 65536
_TIMEVAL = struct.Struct("ll")
_RCVTIMEO_FLOOR = 0.004
STREAM_BUFFER_BYTES = 64 << 20


class Pending:
    """A call or a stream in flight: the frames that came for it and nobody has taken yet."""

    __slots__ = ("begin", "buffered", "error", "frames", "id", "many", "waiter")

    def __init__(self, id: int, many: bool, begin: int) -> None:
        self.id = id
        self.many = many
        self.begin = begin
        self.buffered = 0
        self.frames: collections.deque[Frame] = collections.deque()
        self.error: Optional[CowbirdError] = None
        self.waiter: Optional[threading.Lock] = None


def remaining(deadline: Optional[float]) -> Optional[float]:
    """Seconds until a moment of the monotonic clock; None: no end."""
    return None if deadline is None else deadline - time.monotonic()


class Link:
    """A connected socket and the calls in flight on it. Every method may be called from any thread."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(True)
        self._sock = sock
        self._lock = threading.Lock()
        self._calls: dict[int, Pending] = {}
        self._followers: dict[int, Pending] = {}
        self._reader = FrameReader()
        self._out = bytearray()
        self._queued = self._sent = 0
        self._next_id = 1
        self._reading = self._writing = False
        self._receive_timeout = 0.0
        self.broken: Optional[str] = None

    # -- sending

    def start(self, body: bytes, flags: int, many: bool, corked: bool = False) -> Pending:
        """Sends a request frame (or, corked, only queues it). Raises `Unavailable` if the link is broken."""
        with self._lock:
            if self.broken is not None:
                raise Unavailable(f"the connection was lost ({self.broken})", sent=False)
            id = self._next_id
            if id > LAST_ID:
                raise ResourceExhausted("this connection's ids are used up: finish the calls in flight")
            self._next_id = id + 2
            call = Pending(id, many, self._queued)
            self._calls[id] = call
            self._queue(HEADER.pack(len(body), id, REQUEST, flags) + body, corked)
        return call

    def send(self, call: Pending, data: bytes, flags: int, corked: bool = False) -> None:
        """Sends a data frame of a stream."""
        with self._lock:
            if call.error is not None:
                raise call.error
            self._queue(HEADER.pack(len(data), call.id, DATA, flags) + data, corked)

    def _queue(self, frame: bytes, corked: bool) -> None:
        self._queued += len(frame)
        if corked or self._out:
            self._out += frame
            return
        try:
            count = self._sock.send(frame, _NOW)
        except BlockingIOError:
            count = 0
        except OSError as error:
            self._break(f"sending: {error.strerror}")
            return
        self._sent += count
        if count < len(frame):
            self._out += frame[count:]

    def flush(self, deadline: Optional[float]) -> None:
        """Returns when the kernel has taken all that is queued."""
        while True:
            with self._lock:
                if not self._out or self.broken is not None:
                    return
                if not self._writing:
                    self._writing = True
                    break
            self._pause(deadline)
        self._write(deadline)

    def _pause(self, deadline: Optional[float]) -> None:
        """Another thread is sending: look again soon."""
        left = remaining(deadline)
        if left is not None and left <= 0:
            raise DeadlineExceeded("the time was over before all was sent")
        time.sleep(0.001)

    def _write(self, deadline: Optional[float]) -> None:
        """Sends `_out`; this thread has `_writing`. Reads too when nobody else does."""
        read_too = False
        try:
            while True:
                with self._lock:
                    self._send_some()
                    if not self._out or self.broken is not None:
                        return
                    if not read_too and not self._reading:
                        self._reading = read_too = True
                left = remaining(deadline)
                if left is not None and left <= 0:
                    raise DeadlineExceeded("the time was over before all was sent")
                # Bounded, because whoever reads now may stop.
                wait = 0.05 if left is None else min(left, 0.05)
                poll = select.poll()
                poll.register(self._sock, select.POLLOUT | (select.POLLIN if read_too else 0))
                for _, events in poll.poll(max(1, int(wait * 1000))):
                    if read_too and events & select.POLLIN:
                        self._receive(0.0)
        finally:
            with self._lock:
                self._writing = False
                if read_too:
                    self._stop_reading()
                if self._out:
                    self._wake_all()

    def _send_some(self) -> None:
        while self._out:
            try:
                count = self._sock.send(self._out, _NOW)
            except BlockingIOError:
                return
            except OSError as error:
                self._break(f"sending: {error.strerror}")
                return
            self._sent += count
            del self._out[:count]

    # -- receiving

    def wait(self, call: Pending, deadline: Optional[float]) -> bool:
        """Waits until a frame or an error is there for the call. False: the time is over."""
        role = ""
        while True:
            with self._lock:
                there = bool(call.frames) or call.error is not None
                if there or (role and deadline is not None and time.monotonic() >= deadline):
                    if role == "follow":
                        self._pass_on()
                    return there
                if self._out and not self._writing:
                    self._writing = True
                    role = "write"
                elif not self._reading:
                    self._reading = True
                    role = "lead"
                else:
                    role = "follow"
                    if call.waiter is None:
                        call.waiter = threading.Lock()
                        call.waiter.acquire()
                    self._followers[call.id] = call
            if role == "write":
                with contextlib.suppress(DeadlineExceeded):
                    self._write(deadline)
            elif role == "lead":
                self._lead(call, deadline)
            else:
                self._follow(call, deadline)

    def _lead(self, call: Pending, deadline: Optional[float]) -> None:
        try:
            while not call.frames and call.error is None and self._receive(deadline):
                if self._out and not self._writing:
                    return
        finally:
            with self._lock:
                self._stop_reading()

    def _stop_reading(self) -> None:
        self._reading = False
        if self.broken is not None:
            self._sock.close()
        elif self._followers:
            self._wake_one()

    def _wake_one(self) -> None:
        _, follower = self._followers.popitem()
        if follower.waiter is not None:
            follower.waiter.release()

    def _wake_all(self) -> None:
        while self._followers:
            self._wake_one()

    def _pass_on(self) -> None:
        """This thread may have been woken to lead and has no need to: somebody else must."""
        if self._followers and not self._reading:
            self._wake_one()

    def _follow(self, call: Pending, deadline: Optional[float]) -> None:
        waiter = call.waiter
        assert waiter is not None
        left = remaining(deadline)
        finished = False
        try:
            if left is None:
                waiter.acquire()
            elif left > 0:
                waiter.acquire(timeout=left)
            finished = True
        finally:
            with self._lock:
                if self._followers.pop(call.id, None) is None:
                    waiter.acquire(blocking=False)  # woken, maybe just after the time was over
                if not finished:
                    self._pass_on()

    def _receive(self, deadline: Optional[float]) -> bool:
        """Reads once and files the frames; this thread has `_reading`. False: the time is over, or broken."""
        flags = 0
        if deadline is not None:
            left = deadline - time.monotonic()
            if left < 2 * _RCVTIMEO_FLOOR:
                flags = socket.MSG_DONTWAIT
                if left > 0:
                    poll = select.poll()
                    poll.register(self._sock, select.POLLIN)
                    if not poll.poll(left * 1000):
                        return False
            else:
                self._limit(left)
        elif self._receive_timeout:
            self._set_receive_timeout(0.0)
        try:
            data = self._sock.recv(max(_READ_BYTES, self._reader.missing), flags)
        except (BlockingIOError, InterruptedError):
            return deadline is None or time.monotonic() < deadline
        except OSError as error:
            data = b""
            reason = f"receiving: {error.strerror}"
        else:
            reason = "the server closed it"
        with self._lock:
            if self.broken is not None:
                return False
            if not data:
                self._break(reason)
                return False
            try:
                for frame in self._reader.feed(data):
                    self._file(frame)
            except Internal as error:
                self._break(error.message)
                return False
        return True

    def _limit(self, left: float) -> None:
        timeout = _RCVTIMEO_FLOOR
        while timeout * 4 <= left:
            timeout *= 2
        if timeout != self._receive_timeout:
            self._set_receive_timeout(timeout)

    def _set_receive_timeout(self, timeout: float) -> None:
        value = _TIMEVAL.pack(int(timeout), int(timeout % 1 * 1e6))
        with contextlib.suppress(OSError):
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, value)
        self._receive_timeout = timeout

    def _file(self, frame: Frame) -> None:
        call = self._calls.get(frame.stream)
        if call is None:
            return  # given up
        if not call.many or frame.kind == RESPONSE or frame.flags & REMOTE_CLOSED:
            del self._calls[frame.stream]
        call.frames.append(frame)
        if call.many:
            call.buffered += len(frame.data)
            if call.buffered > STREAM_BUFFER_BYTES:
                self._calls.pop(frame.stream, None)
                call.error = ResourceExhausted(
                    f"more than {STREAM_BUFFER_BYTES} bytes came for a stream that was not received from"
                )
        if self._followers.pop(call.id, None) is not None and call.waiter is not None:
            call.waiter.release()

    def take(self, call: Pending) -> Optional[Frame]:
        """The next frame of a call, if there is one."""
        with self._lock:
            if not call.frames:
                return None
            frame = call.frames.popleft()
            call.buffered -= len(frame.data)
            return frame

    # -- ending

    def forget(self, call: Pending) -> None:
        """Drops what still comes for a call."""
        with self._lock:
            self._calls.pop(call.id, None)

    @property
    def spent(self) -> bool:
        """True when ids run low and nothing is in flight: time for a new connection."""
        return self._next_id > COMFORTABLE_ID and not self._calls

    def _break(self, reason: str) -> None:
        if self.broken is not None:
            return
        self.broken = reason
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)
        if not self._reading:
            self._sock.close()
        for call in self._calls.values():
            sent = call.begin < self._sent
            fate = "it may have been done" if sent else "it was not sent"
            call.error = Unavailable(f"the connection was lost ({reason}): {fate}", sent=sent)
        self._calls.clear()
        self._out.clear()
        self._wake_all()

    def close(self, reason: str = "the client was closed") -> None:
        """Ends every call in flight as `Unavailable`."""
        with self._lock:
            self._break(reason)

    def close_in_child(self) -> None:
        """After a fork: closes the child's copy of the descriptor, which the parent goes on using."""
        with contextlib.suppress(OSError):
            self._sock.close()
