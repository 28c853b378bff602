"""Keeps the machine out of the tests: its AWS account, its cache of prices, and Node of another version.

jsii, which the first import of aws_cdk starts, runs on the pinned Node.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import gettempdir

import pytest

from tests.support.node import use_pinned_node
from tests.support.price_server import PriceServer, price_server

# What tests inherit that start a process with the environment as it was when they were imported.
for name in [each for each in os.environ if each.startswith(("AWS_", "BERTH_"))]:
    del os.environ[name]
os.environ |= {
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "BERTH_CACHE_DIR": os.path.join(gettempdir(), f"berth-tests-{os.getpid()}"),
}
use_pinned_node()


@pytest.fixture(autouse=True)
def cache_dir(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of the test's own, which is not made before something is kept."""
    folder = tmp_path_factory.mktemp("cache") / "berth"
    monkeypatch.setenv("BERTH_CACHE_DIR", str(folder))
    return folder


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[PriceServer]:
    """An AWS on loopback, with credentials for it; nobody waits before trying again, or gives up while it answers."""
    from botocore.retries.standard import ExponentialBackoff

    from pricing.aws.session import session

    monkeypatch.setattr(ExponentialBackoff, "delay_amount", lambda *_: 0)
    monkeypatch.setattr("pricing.known.PATIENCE_S", 60.0)
    with price_server() as found:
        for name, value in found.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr("pricing.aws.spot_advisor.ADDRESS", f"{found.address}/spot-advisor-data.json")
        session.cache_clear()
        try:
            yield found
        finally:
            session.cache_clear()
