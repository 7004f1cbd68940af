"""Event streams of the C client against a daemon that is killed with -9 again and again.

`clients/c/examples/event_stream.c` sends a file of lines while this script kills the daemon and starts it anew; in the
middle the sender is killed too and started again with the same file. In the end the log holds each line once.

    python3 Tests/EndToEnd/event_stream.py [COWBIRD_BINARY [EXAMPLE_BINARY]]
"""

from __future__ import annotations

import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "clients/python/src"))

from daemon import Daemon  # noqa: E402

import cowbird  # noqa: E402

LINES = 120_000
KILLS = 5


def log_end(daemon: Daemon) -> int:
    with cowbird.Client(daemon.socket, timeout=60, connect_timeout=60) as client:
        return client.update.status().log_end_offset


def main() -> int:
    binary = sys.argv[1] if len(sys.argv) > 1 else str(ROOT / ".build/release/cowbird")
    example = sys.argv[2] if len(sys.argv) > 2 else str(ROOT / "clients/c/build/example-event_stream")
    lines = "".join(f"user-{n % 997} item-{n % 4999}\n" for n in range(LINES)).encode().splitlines(keepends=True)
    with tempfile.TemporaryDirectory(prefix="cowbird-e2e-") as directory:
        daemon = Daemon(binary, directory, "clicks")
        before = log_end(daemon)

        def sender() -> subprocess.Popen[bytes]:
            return subprocess.Popen([example, daemon.socket, "shop"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

        sending, written, reached = sender(), 0, []
        for kill in range(1, KILLS + 1):
            # The daemon dies as soon as the sender has read these: the newest of them are on their way.
            sending.stdin.write(b"".join(lines[written : LINES * kill // (KILLS + 1)]))
            written = LINES * kill // (KILLS + 1)
            if kill == KILLS // 2:
                sending.kill()
                sending.communicate()
                sending, written = sender(), 0
            daemon.kill()
            daemon.start()
            reached.append(log_end(daemon) - before)
        told = sending.communicate(b"".join(lines[written:]), timeout=300)[0].decode()
        end = log_end(daemon)
        with cowbird.Client(daemon.socket, timeout=60) as client, client.ingest.stream("shop") as stream:
            highest = stream.send(user="one", item="more", type="click") - 1
        daemon.stop()
    print(f"log          {end - before} events, of which it held {reached} after each kill")
    print(f"sender       {told.strip()}")
    assert sending.returncode == 0, sending.returncode
    sent, known, refused = map(int, re.findall(r"\d+", told)[:3])
    assert end - before == LINES, f"{end - before} events for {LINES} lines"
    assert highest == LINES, highest
    assert sent + known == LINES and refused == 0 and known > 0, told
    return 0


if __name__ == "__main__":
    sys.exit(main())
