"""What is kept on disk of AWS's answers?

One file per feed and region below the user's cache folder, written whole or not at all. What an account alone may
see lies in a folder of that account.
"""

from __future__ import annotations

import os
from pathlib import Path

from pricing.account import account_key
from pricing.errors import MarketError
from pricing.feed import OF_ACCOUNT, Feed
from pricing.files import write_whole
from pricing.snapshot import Snapshot, read_snapshot, snapshot_json

FOLDER_VARIABLE = "BERTH_CACHE_DIR"
# Quotas are nobody's business but their account's.
_PRIVATE = 0o600


def cache_folder() -> Path:
    """Where the cache lies."""
    if named := os.environ.get(FOLDER_VARIABLE):
        return Path(named).expanduser()
    from platformdirs import user_cache_path

    return user_cache_path("berth", appauthor=False)


def cache_path(feed: Feed, region: str) -> Path:
    """Where a feed of a region is kept."""
    account = (f"account-{account_key()}",) if feed in OF_ACCOUNT else ()
    return cache_folder().joinpath(*account, region, f"{feed}.json")


def read_cache(feed: Feed, region: str) -> Snapshot | None:
    """The feed as it was fetched last; None where it never was.

    Raises MarketError where the file cannot be read, or holds something else or a part.
    """
    path = cache_path(feed, region)
    try:
        found = read_snapshot(path.read_text(encoding="utf-8"), feed, region)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        # The folder's fault, most often: told once, however many files lie in it.
        raise MarketError(f"The cache in {cache_folder()} cannot be read ({error.strerror}): left out.") from None
    except UnicodeDecodeError:
        found = None
    if found is None:
        raise MarketError(f"The cache {path} is cut short or of another format, and is left out.")
    return found


def write_cache(snapshot: Snapshot) -> None:
    """Keeps a whole answer in place of the one before. Raises MarketError, and keeps that, where it cannot."""
    path = cache_path(snapshot.feed, snapshot.region)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, snapshot_json(snapshot), _PRIVATE)
    except OSError as error:
        raise MarketError(
            f"What AWS answered cannot be kept in {cache_folder()} ({error.strerror}); the next plan asks again."
        ) from None
