"""Is a file written whole or not at all?"""

from __future__ import annotations

import os
from pathlib import Path
from threading import Thread

import pytest

from pricing.files import write_whole


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    """The new text stands with the mode asked for, and nothing else is left in the folder."""
    target = tmp_path / "target"
    target.write_text("old", encoding="utf-8")
    write_whole(target, "new\n", 0o600)
    assert target.read_bytes() == b"new\n"
    assert target.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [target]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    """What it leads to is replaced."""
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("old", encoding="utf-8")
    link.symlink_to(target)
    write_whole(link, "new")
    assert link.is_symlink() and target.read_text(encoding="utf-8") == "new"


def test_what_fails_leaves_the_old_file(tmp_path: Path) -> None:
    """A text that cannot be written to its end leaves neither a part of it nor a file beside."""
    target = tmp_path / "target"
    target.write_text("old", encoding="utf-8")
    with pytest.raises(UnicodeEncodeError):
        write_whole(target, "new \ud800")
    assert target.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_pipe_is_written_to(tmp_path: Path) -> None:
    """`/dev/stdout` and its like take the text and are not replaced by a file."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = Thread(target=lambda: read.append(pipe.read_text(encoding="utf-8")))
    reader.start()
    write_whole(pipe, "text")
    reader.join()
    assert read == ["text"] and pipe.is_fifo()
