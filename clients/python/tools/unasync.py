"""Makes the sync services and event stream from the async ones, so that there is one text of each.

``python tools/unasync.py`` writes them; ``--check`` only says whether they are as they should be.
"""

import pathlib
import re
import sys

SOURCE = pathlib.Path(__file__).resolve().parent.parent / "src" / "cowbird"
PAIRS = {"_services_async.py": "_services.py", "_event_stream_async.py": "_event_stream.py"}
RULES = [
    (r"^from collections\.abc import Awaitable\n", ""),
    (r"`tools/unasync\.py` makes .*? from this file\.", "Made from `{source}` by `tools/unasync.py`: change that."),
    (r"Awaitable\[None\]", "None"),
    (r"\basync (def|with|for)\b", r"\1"),
    (r"\bawait ", ""),
    (r"__a(enter|exit|iter|next)__", r"__\1__"),
    (r"\._(services|event_stream)_async\b", r"._\1"),
    (r"from \.aio import", "from .client import"),
    (r"\bAsync(?=[A-Z])", ""),
    (r"One task or thread at a time", "One thread at a time"),
]


def sync_text(source: str) -> str:
    text = (SOURCE / source).read_text()
    for pattern, replacement in RULES:
        text = re.sub(pattern, replacement.format(source=source), text, flags=re.M | re.S)
    return text


def main() -> int:
    stale = []
    for source, target in PAIRS.items():
        text = sync_text(source)
        path = SOURCE / target
        if "--check" in sys.argv:
            if not path.exists() or path.read_text() != text:
                stale.append(target)
        else:
            path.write_text(text)
    for target in stale:
        print(f"{target} is stale: run python tools/unasync.py", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
