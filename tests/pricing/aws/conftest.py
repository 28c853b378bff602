"""AWS as it was recorded, for every test of this folder that asks for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.recorded import Replay, replaying


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Replay]:
    """No network, no credentials of this machine, and the answers that the test lays ready."""
    with replaying(monkeypatch) as replay:
        yield replay
