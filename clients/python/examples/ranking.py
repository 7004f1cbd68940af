"""The order of 100 candidates within 20 ms, or the order they have already.

A page must not wait for its recommender: when the daemon is slow, away or restarting, the candidates stay in the
order in which they came (by popularity, say), and the page says nothing of it.

    python examples/ranking.py [SOCKET]
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence

from cowbird import Client, CowbirdError


class Ranker:
    """Orders candidates by their score; `fallbacks` counts how often it could not."""

    def __init__(self, client: Client, within_seconds: float = 0.020) -> None:
        self.fallbacks = 0
        self._client = client
        self._within = within_seconds

    def rank(self, user: str, items: Sequence[str], device: str) -> list[str]:
        try:
            answer = self._client.predict.score(
                user=user, candidates=items, context={"device": device}, timeout=self._within
            )
        except CowbirdError as error:
            self.fallbacks += 1
            print(f"ranking: {error}", file=sys.stderr)
            return list(items)
        by_score = sorted(range(len(items)), key=lambda place: -answer.scores[place])
        return [items[place] for place in by_score]


def main() -> None:
    # Without reconnect a missing daemon costs nothing but the try.
    with Client(sys.argv[1] if len(sys.argv) > 1 else None, reconnect=False) as client:
        ranker = Ranker(client)
        items = [f"item-{n}" for n in range(100)]
        begin = time.perf_counter()
        ranked = ranker.rank("user-7", items, device="ios")
        spent = time.perf_counter() - begin
        print(f"ranked {len(ranked)} candidates in {spent * 1e3:.1f} ms, {ranker.fallbacks} fallbacks")
        print("first:", ", ".join(ranked[:5]))


if __name__ == "__main__":
    main()
