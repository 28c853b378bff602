"""Does the cache keep whole answers, lose none, and keep accounts apart?"""

from __future__ import annotations

import errno
import os
from datetime import timedelta
from pathlib import Path
from threading import Thread

import pytest

from pricing.cache import cache_folder, cache_path, read_cache, write_cache
from pricing.errors import MarketError
from pricing.feed import OF_ACCOUNT, Feed
from pricing.snapshot import Snapshot
from tests.pricing.snapshots import REGION, kept, price, snapshot


@pytest.mark.parametrize("feed", Feed)
def test_what_is_kept_comes_back(feed: Feed) -> None:
    """Every feed is read as it was written; what was never kept is not there."""
    assert read_cache(feed, REGION) is None
    write_cache(snapshot(feed))
    assert read_cache(feed, REGION) == snapshot(feed)
    assert read_cache(feed, "us-east-2") is None


def test_the_folder_can_be_named(cache_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """BERTH_CACHE_DIR is where all files lie; without it, the user's own cache folder."""
    write_cache(snapshot())
    assert cache_path(Feed.PRICES, REGION).parent.parent == cache_dir
    monkeypatch.setenv("BERTH_CACHE_DIR", "")
    monkeypatch.setenv("XDG_CACHE_HOME", "/elsewhere")
    assert cache_folder().name == "berth"


@pytest.mark.parametrize(
    "content", [b"", b'{"format": 1, "rows": [', b"\xff\xfe", b"[]", b'{"rows": ' + b"[" * 100_000]
)
def test_a_broken_file_is_told_and_left(content: bytes) -> None:
    """A part of a file is nobody's price: it is refused with its path, and stays for whoever wants to look."""
    path = kept(snapshot())
    path.write_bytes(content)
    with pytest.raises(MarketError, match="is cut short or of another format, and is left out") as caught:
        read_cache(Feed.PRICES, REGION)
    assert str(path) in str(caught.value)
    assert path.read_bytes() == content


def test_what_cannot_be_read_is_told_once(cache_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A closed folder is one finding with its reason, however many files lie in it, and no traceback."""

    def closed(*_: object, **__: object) -> str:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(Path, "read_text", closed)
    told = set()
    for feed in Feed:
        with pytest.raises(MarketError) as caught:
            read_cache(feed, REGION)
        told.add(str(caught.value))
    assert told == {f"The cache in {cache_dir} cannot be read (Permission denied): left out."}


def test_a_folder_that_is_none_holds_nothing(cache_dir: Path) -> None:
    """What is in the way of the cache is told by who wants to write there, not by who finds nothing."""
    cache_dir.write_text("in the way")
    assert read_cache(Feed.PRICES, REGION) is None


def test_a_closed_folder_is_told(cache_dir: Path) -> None:
    """Where no folder can be made, what came cannot be kept, and that is said with the reason."""
    cache_dir.write_text("in the way")
    with pytest.raises(MarketError, match=r"cannot be kept in .* \(.+\); the next plan asks again"):
        write_cache(snapshot())


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_full_disk_loses_nothing(cache_dir: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    """Where the disk fills up within a file, the one before is whole, and no part is left beside it."""
    path = kept(snapshot(age=timedelta(days=2)))
    before = path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, call, full)
    with pytest.raises(MarketError, match="No space left on device"):
        write_cache(snapshot())
    assert path.read_bytes() == before
    assert [each for each in cache_dir.rglob("*") if each.is_file()] == [path]


def test_many_writers_leave_one_whole_file(cache_dir: Path) -> None:
    """Whoever refreshes at once writes whole files, whoever reads meanwhile reads a whole one, and the last stays."""
    write_cache(snapshot())
    sizes = (1, 400)
    several = [snapshot(Feed.PRICES, *[price(usd=f"{size}.5")] * size) for size in sizes]
    writers = [Thread(target=_write, args=(each, 20)) for each in several]
    for writer in writers:
        writer.start()
    seen = set()
    while any(writer.is_alive() for writer in writers):
        found = read_cache(Feed.PRICES, REGION)
        assert found is not None
        seen.add(len(found.rows))
    assert seen <= set(sizes)
    assert read_cache(Feed.PRICES, REGION) in several
    assert len([each for each in cache_dir.rglob("*") if each.is_file()]) == 1


def _write(found: Snapshot, times: int) -> None:
    for _ in range(times):
        write_cache(found)


@pytest.mark.parametrize("feed", Feed)
@pytest.mark.parametrize("variable", ["AWS_PROFILE", "AWS_ACCESS_KEY_ID"])
def test_accounts_never_mix(feed: Feed, variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is an account's own is not there for another; public prices are there for all."""
    monkeypatch.setenv(variable, "mine")
    write_cache(snapshot(feed))
    monkeypatch.setenv(variable, "another's")
    assert (read_cache(feed, REGION) is None) == (feed in OF_ACCOUNT)


def test_only_the_user_reads_it() -> None:
    """Quotas are nobody else's business on a shared machine."""
    write_cache(snapshot(Feed.QUOTAS))
    assert cache_path(Feed.QUOTAS, REGION).stat().st_mode & 0o777 == 0o600
