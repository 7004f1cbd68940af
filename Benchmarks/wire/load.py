"""Load on an echo server with the Python client: the same arguments and the same line of JSON as load.c.

load.py SOCKET connections depth payload_bytes milliseconds
"""

from __future__ import annotations

import collections
import json
import sys
import threading
import time

from cowbird import Client


def one(client: Client, payload: bytes, warm: float, until: float, times: list[float]) -> None:
    begin = time.perf_counter()
    while begin < until:
        client.echo.unary(payload)
        end = time.perf_counter()
        if begin >= warm:
            times.append(end - begin)
        begin = end


def many(client: Client, depth: int, payload: bytes, warm: float, until: float, times: list[float]) -> None:
    calls: collections.deque = collections.deque()
    while time.perf_counter() < until or calls:
        if time.perf_counter() < until:
            with client.pipeline():
                while len(calls) < depth:
                    calls.append((time.perf_counter(), client.echo.submit(payload)))
        for _ in range(max(1, len(calls) // 2)):
            if calls:
                begin, call = calls.popleft()
                call.result()
                if begin >= warm:
                    times.append(time.perf_counter() - begin)


def main() -> None:
    path, connections, depth, size, milliseconds = sys.argv[1], *map(int, sys.argv[2:6])
    payload, span = bytes(size), milliseconds / 1000
    begin = time.perf_counter()
    warm, until = begin + span / 5, begin + span
    times: list[list[float]] = [[] for _ in range(connections)]
    clients = [Client(path) for _ in range(connections)]
    threads = []
    for client, own in zip(clients, times):
        arguments = (client, payload, warm, until, own) if depth == 1 else (client, depth, payload, warm, until, own)
        threads.append(threading.Thread(target=one if depth == 1 else many, args=arguments))
    if connections == 1:
        threads[0].run()
    else:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    for client in clients:
        client.close()
    every = sorted(value for own in times for value in own) or [0.0]

    def percentile(share: float) -> float:
        return round(every[min(len(every) - 1, int(share * len(every)))] * 1e6, 2)

    figures = {"calls": len(every), "calls_per_second": round(len(every) / (span * 0.8))}
    print(json.dumps({**figures, "p50": percentile(0.5), "p99": percentile(0.99), "p999": percentile(0.999)}))


if __name__ == "__main__":
    main()
