"""Is an account told from another, and from none, without asking anybody?"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pricing import account
from pricing.account import account_key, may_have_credentials


@pytest.fixture(autouse=True)
def nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No credentials anywhere, and a home without files."""
    for name in [each for each in os.environ if each.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    # Not this machine's firmware either.
    monkeypatch.setattr(account, "_FIRMWARE", ())
    return tmp_path


def written(home: Path, name: str, text: str) -> None:
    """One of botocore's files."""
    (home / ".aws").mkdir(exist_ok=True)
    (home / ".aws" / name).write_text(text)


def test_a_bare_machine_has_none() -> None:
    """Without a variable, a file or an instance's role nobody needs to be asked."""
    assert not may_have_credentials()


@pytest.mark.parametrize(
    "name",
    ["AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"],
)
def test_a_variable_may_lead_to_credentials(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each variable that botocore looks at counts, and one account is told from another by it."""
    before = account_key()
    monkeypatch.setenv(name, "one")
    one = account_key()
    assert may_have_credentials()
    monkeypatch.setenv(name, "another")
    assert len({before, one, account_key()}) == 3


@pytest.mark.parametrize("name", ["credentials", "config"])
def test_a_file_may_hold_credentials(name: str, nothing: Path) -> None:
    """Both files count, and another key in the same profile is another account for all that is known."""
    written(nothing, name, "[default]\naws_access_key_id = one\n")
    one = account_key()
    assert may_have_credentials()
    written(nothing, name, "[default]\naws_access_key_id = another\n")
    assert account_key() != one


def test_files_can_be_named(nothing: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The files that variables name are looked at; a device that is always empty is none."""
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    assert not may_have_credentials()
    (nothing / "elsewhere").write_text("[default]")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(nothing / "elsewhere"))
    assert may_have_credentials()


def test_the_key_is_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """The name of a folder tells nothing, and is the same each time."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    assert account_key() == account_key()
    assert "AKIA" not in account_key()
    assert account_key().isalnum()


@pytest.mark.parametrize(
    ("firmware", "found"), [(b"Amazon EC2\n", True), (b"4.11.amazon\n", True), (b"LENOVO\n", False)]
)
def test_an_instance_may_have_a_role(monkeypatch: pytest.MonkeyPatch, firmware: bytes, found: bool) -> None:
    """Only on EC2 is there a metadata service worth waiting for, and not where it is switched off."""
    monkeypatch.setattr(account, "_FIRMWARE", ("sys_vendor", "bios_version"))
    monkeypatch.setattr(account, "_content", lambda path: firmware if path.name == "bios_version" else b"")
    assert may_have_credentials() is found
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "TRUE")
    assert not may_have_credentials()
