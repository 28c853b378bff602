"""What every test of the command line has: the command, an empty folder to run it in, and no network."""

from __future__ import annotations

from pathlib import Path

import pytest

from pricing.errors import MarketError
from tests.berth.command import AMI, Command


@pytest.fixture
def berth(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """The command line, in this process."""
    return Command(monkeypatch, capsys)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, empty but for a folder workloads/."""
    (tmp_path / "workloads").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """No image can be looked up, whatever credentials the machine of the test has."""

    def offline(parameter: str, region: str) -> str:
        raise MarketError(f"The machine image {parameter} cannot be looked up in {region}: no network.")

    monkeypatch.setattr("pricing.aws.images.resolve_image", offline)


@pytest.fixture
def asked(no_network: None, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Every image can be looked up, and each look-up is told: its parameter and its region."""
    told: list[tuple[str, str]] = []

    def resolve(parameter: str, region: str) -> str:
        told.append((parameter, region))
        return AMI

    monkeypatch.setattr("pricing.aws.images.resolve_image", resolve)
    return told
