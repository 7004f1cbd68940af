"""An event for each click, without ever holding up the request.

A bounded queue and one thread of its own: `ClickQueue.put` returns at once, always; what does not fit is dropped
and counted. Events are numbered and survive a restart of the daemon (see `cowbird.EventStream`).

    python examples/click_queue.py [SOCKET]
"""

from __future__ import annotations

import functools
import queue
import sys
import threading
import time
from typing import Callable, Optional

from cowbird import Client, CowbirdError, interaction
from cowbird.v1 import Event


class ClickQueue:
    """Give it events; it delivers them when it can. `dropped` counts those it had no room for."""

    def __init__(self, client: Client, producer: str, capacity: int = 10_000) -> None:
        self.dropped = 0
        self.delivered = 0
        self._events: queue.Queue[Optional[Event]] = queue.Queue(capacity)
        self._stream = client.ingest.stream(producer, durability="written", batch=256)
        self._thread = threading.Thread(target=self._deliver, name="clicks", daemon=True)
        self._thread.start()

    def put(self, event: Event) -> bool:
        """Never waits. False: the queue was full, and the event is dropped."""
        try:
            self._events.put_nowait(event)
        except queue.Full:
            self.dropped += 1
            return False
        return True

    def close(self, timeout: float = 5.0) -> None:
        """Delivers what is queued, for at most so many seconds."""
        try:
            self._events.put(None, timeout=timeout)
        except queue.Full:
            return
        self._thread.join(timeout)

    def _deliver(self) -> None:
        running = True
        while running:
            batch = [self._events.get()]
            while len(batch) < 256:
                try:
                    batch.append(self._events.get_nowait())
                except queue.Empty:
                    break
            for event in batch:
                if event is None:
                    running = False
                else:
                    self._try_to(functools.partial(self._stream.send, event))
            self._try_to(self._stream.flush)
            self.delivered = self._stream.acknowledged
        self._try_to(self._stream.close)

    def _try_to(self, step: Callable[[], object]) -> None:
        """The daemon is away, or its disk is full: what was sent stays in the stream; try again until it works."""
        while True:
            try:
                step()
                return
            except CowbirdError as error:
                print(f"clicks: {error}; {self._stream.pending} events are waiting", file=sys.stderr)
                time.sleep(1)


def main() -> None:
    with Client(sys.argv[1] if len(sys.argv) > 1 else None) as client:
        clicks = ClickQueue(client, producer="example-web-1")
        begin = time.perf_counter()
        for n in range(20_000):  # each of these is a request that somebody waits for
            clicks.put(interaction("click", f"user-{n % 100}", f"item-{n % 1000}", context={"page": n % 5}))
        spent = time.perf_counter() - begin
        clicks.close()
        print(f"20,000 clicks in {spent * 1e3:.0f} ms of the requests' time,", end=" ")
        print(f"{clicks.delivered} delivered, {clicks.dropped} dropped")


if __name__ == "__main__":
    main()
