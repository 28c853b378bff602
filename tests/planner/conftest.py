"""What several rooms' tests stand on."""

from __future__ import annotations

import pytest

from planner.lock import Lock
from tests.planner.market_builders import TRAINING, lock_of, written


@pytest.fixture(scope="session")
def lock(tmp_path_factory: pytest.TempPathFactory) -> Lock:
    """The lock of a small training on one instance."""
    return lock_of(written(tmp_path_factory.mktemp("locked"), TRAINING))
