"""What does a table of the bundle become when its sources are asked again?

Rows about one thing, from one source and day, are an *edition*. A new edition that says what the newest one says
moves its day on; one that says otherwise stands after it, and the superseded one keeps its place.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Context, Decimal, InvalidOperation

from msgspec import Struct

Cells = Mapping[str, str]
"""A row of a table, by column."""
_Subjects = Mapping[tuple[str, ...], list[Cells]]

# AWS prints p4d as 21.957642 in one region and as 21.95764 in another.
_DIGITS = Context(prec=6)


class Table(Struct, frozen=True, kw_only=True):
    """A file of the bundle. `subject` are the columns that say what a row is about, `said` those that say what of it.

    `band` tells the rows of an edition apart. Of a table without history only the newest edition is kept, and a
    source's whole list takes the place of the region's rows.
    """

    name: str
    subject: tuple[str, ...]
    said: tuple[str, ...]
    band: str = ""
    has_history: bool = True


class Merged(Struct, frozen=True, kw_only=True):
    """A table with new editions in it, and how many subjects are new, say otherwise, or say the same.

    `changes` are those that say otherwise or are gone, in words, but for those of which that was to be expected.
    """

    rows: tuple[Cells, ...]
    changes: tuple[str, ...]
    new: int
    changed: int
    confirmed: int


def merged(table: Table, old: Iterable[Cells], new: Iterable[Cells]) -> Merged:
    """The table with new rows in it, sorted. `new` are whole lists: all that a source says of its regions."""
    fresh = _by_subject(table, new)
    kept = _by_subject(table, old)
    gone = _left_out(table, kept, fresh)
    changes = [f"{_words(subject)}: no longer listed" for subject in gone if not _is_fleeting(kept[subject][0])]
    confirmed = changed = 0
    for subject, rows in fresh.items():
        last = _newest(kept[subject]) if subject in kept else []
        if last and _says(table, last) == _says(table, rows):
            confirmed += 1
        elif last:
            changed += 1
            changes += [] if _is_fleeting(rows[0]) else [_change(table, subject, last, rows)]
        replaced = _replaced(table, last, rows)
        kept[subject] = [row for row in kept.get(subject, []) if row not in replaced] + rows
    for subject in gone:
        del kept[subject]
    every = [row for rows in kept.values() for row in rows]
    return Merged(
        rows=tuple(sorted(every, key=lambda row: _order(table, row))),
        changes=tuple(changes),
        new=len(fresh) - confirmed - changed,
        changed=changed + len(gone),
        confirmed=confirmed,
    )


def _is_fleeting(row: Cells) -> bool:
    """Whether a row's history is of no use: a spot price holds for an hour."""
    return row.get("purchase") == "spot"


def _left_out(table: Table, kept: _Subjects, fresh: _Subjects) -> list[tuple[str, ...]]:
    """The subjects of which a whole list no longer speaks, where only what it says now is kept."""
    if not fresh:
        return []
    regions = {row["region"] for rows in fresh.values() for row in rows}
    kinds = {_kind(row) for rows in fresh.values() for row in rows}
    return [
        subject
        for subject, rows in kept.items()
        if subject not in fresh
        and rows[0]["region"] in regions
        and (not table.has_history or (_is_fleeting(rows[0]) and {_kind(row) for row in rows} <= kinds))
    ]


def _replaced(table: Table, last: Sequence[Cells], rows: Sequence[Cells]) -> Sequence[Cells]:
    """Which of the last edition's rows a new one takes the place of."""
    if not last or not table.has_history or last[0]["as_of"] == rows[0]["as_of"]:
        return last
    same_source = _kind(last[0]) == _kind(rows[0])
    repeats = _says(table, last) == _says(table, rows) or _is_fleeting(rows[0])
    return last if same_source and repeats else []


def _by_subject(table: Table, rows: Iterable[Cells]) -> dict[tuple[str, ...], list[Cells]]:
    found: defaultdict[tuple[str, ...], list[Cells]] = defaultdict(list)
    for row in rows:
        found[tuple(row[column] for column in table.subject)].append(row)
    return dict(found)


def _newest(rows: Sequence[Cells]) -> list[Cells]:
    last = max((row["as_of"], row["source"]) for row in rows)
    return [row for row in rows if (row["as_of"], row["source"]) == last]


def _says(table: Table, rows: Iterable[Cells]) -> list[tuple[object, ...]]:
    columns = (*table.said, *filter(None, (table.band,)))
    return sorted(tuple(_value(row[column]) for column in columns) for row in rows)


def _value(text: str) -> tuple[Decimal, str]:
    try:
        return _DIGITS.create_decimal(text), ""
    except InvalidOperation:
        return Decimal(0), text


def _kind(row: Cells) -> str:
    """A source without its edition: `AWS Price List, published 2026-11-20` is the Price List."""
    return row["source"].partition(",")[0]


def _order(table: Table, row: Cells) -> tuple[object, ...]:
    return (*(row[column] for column in table.subject), Decimal(row[table.band] if table.band else 0), row["as_of"])


def _words(subject: Iterable[str]) -> str:
    return " ".join(filter(None, subject))


def _change(table: Table, subject: Iterable[str], last: Iterable[Cells], rows: Iterable[Cells]) -> str:
    return f"{_words(subject)}: {_shown(table, last)} -> {_shown(table, rows)}"


def _shown(table: Table, rows: Iterable[Cells]) -> str:
    return " then ".join(_words(row[column] for column in table.said) for row in rows)
