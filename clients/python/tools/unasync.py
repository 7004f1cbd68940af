"""Makes the sync services and event stream (`_sync`) from the async ones (`_async`): one text of each.

``python tools/unasync.py`` writes them; ``--check`` only says whether they are as they should be.
"""

import pathlib
import re
import sys

SOURCE = pathlib.Path(__file__).resolve().parent.parent / "src" / "cowbird"
RULES = [
    (r"^from collections\.abc import Awaitable\n", ""),
    (
        r"`tools/unasync\.py` makes .*? from this file\.",
        "Made from `_async/{source}` by `tools/unasync.py`: change that.",
    ),
    (r"Awaitable\[None\]", "None"),
    (r"\basync (def|with|for)\b", r"\1"),
    (r"\bawait ", ""),
    (r"__a(enter|exit|iter|next)__", r"__\1__"),
    (r"from \.\._connection import", "from .._calls import"),
    (r"from \.\.aio import", "from ..client import"),
    (r"\bAsync(?=[A-Z])", ""),
    (r"One task or thread at a time", "One thread at a time"),
]


def sync_text(source: pathlib.Path) -> str:
    text = source.read_text()
    for pattern, replacement in RULES:
        text = re.sub(pattern, replacement.format(source=source.name), text, flags=re.M | re.S)
    return text


def main() -> int:
    stale = []
    for source in sorted((SOURCE / "_async").glob("[a-z]*.py")):
        target = SOURCE / "_sync" / source.name
        text = sync_text(source)
        if "--check" not in sys.argv:
            target.write_text(text)
        elif not target.exists() or target.read_text() != text:
            stale.append(target)
    for target in stale:
        print(f"{target} is stale: run python tools/unasync.py", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
