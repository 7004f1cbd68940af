"""What the tests and the docstrings are run against.

``COWBIRD_SOCKET`` names a server that has cowbird.v1.Health and cowbird.v1.Echo; without it the fake one
serves. Tests of what only a fake can do (`fake`) always have one of their own.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "src"))
sys.path.insert(0, str(Path(__file__).parent / "tests"))

from fake_server import FakeServer


@pytest.fixture
def fake() -> Iterator[FakeServer]:
    """A fake server of this test alone."""
    with tempfile.TemporaryDirectory() as folder:
        server = FakeServer(os.path.join(folder, "s")).start()
        yield server
        server.stop()


@pytest.fixture(scope="session")
def server_socket() -> Iterator[str]:
    """The server that everybody's promises are tested against."""
    given = os.environ.get("COWBIRD_SOCKET")
    if given:
        yield given
        return
    with tempfile.TemporaryDirectory() as folder:
        server = FakeServer(os.path.join(folder, "s")).start()
        yield server.path
        server.stop()


@pytest.fixture(autouse=True)
def _names_in_docstrings(doctest_namespace: dict[str, object], server_socket: str) -> None:
    doctest_namespace["SOCKET"] = server_socket
