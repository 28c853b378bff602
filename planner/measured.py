"""What do measured runs in a CSV file say, cell by cell?

One row is one run. The columns are those of `measured/training.csv` and `measured/inference.csv`; a file may leave
columns out, and an empty cell means that the source does not say. Figures are in the unit that the column names.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from planner.errors import MeasuredError
from planner.recipe import Job
from pricing.wording import close_match

_TEXT = (
    "id",
    "judge",
    "source",
    "model",
    "accelerator",
    "notes",
    "memory_kind",
)
_TRAINING_TEXT = (
    "software",
    "mlp",
    "tied_embeddings",
    "technique",
    "compute_dtype",
    "weight_dtype",
    "optimizer",
    "sharding",
    "recompute",
    "attention",
    "compiled",
    "options",
    "outcome",
)
_SERVING_TEXT = ("engine", "engine_version", "weight_dtype", "kv_dtype", "instance_type", "offload", "outcome")
_TRAINING_COUNTS = (
    "layers",
    "hidden",
    "ffn",
    "heads",
    "kv_heads",
    "head_dim",
    "vocab",
    "experts",
    "experts_per_token",
    "trainable_params",
    "accelerators",
    "accelerators_per_node",
    "tp",
    "pp",
    "vp",
    "cp",
    "ep",
    "dp",
    "seq_len",
    "micro_batch",
    "global_batch",
)
_SERVING_COUNTS = (
    "experts",
    "experts_per_token",
    "accelerators",
    "tp",
    "pp",
    "ep",
    "input_tokens",
    "output_tokens",
    "kv_capacity_tokens",
)
_TRAINING_FIGURES = (
    "params_b",
    "tokens_per_s_per_accelerator",
    "model_tflops_per_accelerator",
    "peak_memory_gib",
    "mfu",
)
_SERVING_FIGURES = (
    "params_b",
    "accelerator_memory_gb",
    "output_tokens_per_s",
    "total_tokens_per_s",
    "ttft_ms",
    "tpot_ms",
    "peak_memory_gib",
    "usd_per_1m_tokens",
)
# Words, or a number: "max (engine-chosen)", "closed loop", "inf".
_EITHER = ("concurrency", "requests_per_s")
COLUMNS = {
    Job.TRAINING: (*_TEXT, *_TRAINING_TEXT, *_TRAINING_COUNTS, *_TRAINING_FIGURES),
    Job.INFERENCE: (*_TEXT, *_SERVING_TEXT, *_SERVING_COUNTS, *_SERVING_FIGURES, *_EITHER),
}
_NUMBERS = {
    Job.TRAINING: (_TRAINING_COUNTS, _TRAINING_FIGURES),
    Job.INFERENCE: (_SERVING_COUNTS, _SERVING_FIGURES),
}
# Columns that only one of the two kinds of files has: by them a file is known.
_OWN = {Job.TRAINING: {"technique", "seq_len", "micro_batch"}, Job.INFERENCE: {"engine", "input_tokens"}}
_MAY_BE_ZERO = ("experts", "experts_per_token", "trainable_params", "ep")
_SEPARATORS = (";", "\t", "|")


MEMORY, OOM = "memory", "oom"
# Where each kind is measured, by the kind of file, with the unit that is shown.
FIGURES: Mapping[Job, Mapping[str, tuple[str, str]]] = {
    Job.TRAINING: {
        MEMORY: ("peak_memory_gib", "GiB"),
        "throughput": ("tokens_per_s_per_accelerator", "tokens/s/accelerator"),
    },
    Job.INFERENCE: {
        MEMORY: ("peak_memory_gib", "GiB"),
        "kv": ("kv_capacity_tokens", "tokens"),
        "throughput": ("output_tokens_per_s", "tokens/s"),
        "ttft": ("ttft_ms", "ms"),
        "tpot": ("tpot_ms", "ms"),
    },
}


class Row(Struct, frozen=True, kw_only=True):
    """One measured run: its line in the file, and what its cells say. Missing and empty cells are left out."""

    line: int
    text: Mapping[str, str]
    numbers: Mapping[str, float]

    @property
    def id(self) -> str:
        """The row's name."""
        return self.text["id"]

    @property
    def kinds(self) -> tuple[str, ...]:
        """What the row is good to judge."""
        return tuple(self.text.get("judge", "").split("+")) if self.text.get("judge") else ()

    def says(self, column: str, otherwise: str = "") -> str:
        """What a cell says, `otherwise` where it is empty."""
        return self.text.get(column, otherwise)

    def count(self, column: str, otherwise: int = 0) -> int:
        """The whole number in a cell, `otherwise` where it is empty."""
        return int(self.numbers.get(column, otherwise))


class Measured(Struct, frozen=True, kw_only=True):
    """All rows of a file, and whether they are of training or of serving."""

    job: Job
    rows: tuple[Row, ...]
    has_judge: bool = True

    def kinds_of(self, row: Row) -> tuple[str, ...]:
        """What a row is judged for: what its judge cell says, or in a file without such a column all it measured."""
        if self.has_judge:
            return row.kinds
        if row.says("outcome", "ran") != "ran":
            return (OOM,)
        return tuple(kind for kind, (column, _) in FIGURES[self.job].items() if column in row.numbers)


Further = Callable[[Measured, str], Sequence[str]]
"""What else in a file's rows cannot be, each finding with file, line and column."""


def read_measured(path: Path, further: Further | None = None) -> Measured:
    """Reads a file of measured runs; `further` says what else in its rows cannot be.

    Raises MeasuredError with every finding, each with file, line and column.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise MeasuredError([f"{path}: is no text in UTF-8; save it as CSV in that encoding"]) from None
    except OSError as error:
        raise MeasuredError([f"{path}: cannot be read: {error.strerror or error}"]) from None
    return parse_measured(text, str(path), further)


def parse_measured(text: str, where: str, further: Further | None = None) -> Measured:
    """What a file's text says; `where` names it in findings. Raises as `read_measured` does."""
    reader = csv.reader(io.StringIO(text))
    header = [name.strip() for name in next(reader, [])]
    job = _job(header)
    found = list(_header_faults(header, job, where))
    lines = [(reader.line_num, cells) for cells in reader if any(cell.strip() for cell in cells)]
    if not lines:
        found.append(f"{where}: no rows")
    rows = []
    wrong: dict[int, tuple[str, ...]] = {}
    for line, cells in lines:
        if len(cells) != len(header):
            found.append(f"{where}:{line}: {len(cells)} cells under {len(header)} columns")
            continue
        row, faults = _row(dict(zip(header, cells, strict=True)), job, line)
        found += [f"{where}:{line}: {fault}" for fault in faults]
        wrong[line] = tuple(fault.partition(":")[0] for fault in faults)
        rows.append(row)
    found += _twice(rows, where)
    measured = Measured(job=job, rows=tuple(rows), has_judge="judge" in header)
    if further:
        found += [fault for fault in further(measured, where) if not _follows(fault, where, wrong)]
    if found:
        raise MeasuredError(sorted(found, key=lambda fault: _line_of(fault, where)))
    return measured


def _twice(rows: Sequence[Row], where: str) -> Iterator[str]:
    names = [row.id for row in rows]
    for index, row in enumerate(rows):
        if row.id in names[:index]:
            yield f"{where}:{row.line}: id: {row.id!r} stands in the file twice"


def _follows(fault: str, where: str, wrong: Mapping[int, tuple[str, ...]]) -> bool:
    """Whether a finding says no more than that a cell of its line is wrong, which was told already."""
    columns = wrong.get(_line_of(fault, where), ())
    rest = fault.removeprefix(f"{where}:").partition(": ")[2]
    return bool(columns) and rest.partition(":")[0] in (*columns, "judge")


def _line_of(fault: str, where: str) -> int:
    """The line that a finding names; 0 for those of the whole file."""
    line = fault.removeprefix(f"{where}:").partition(":")[0]
    return int(line) if line.isdigit() else 0


def _job(header: list[str]) -> Job:
    own = {job: len(columns & set(header)) for job, columns in _OWN.items()}
    return max(own, key=lambda job: own[job])


def _header_faults(header: list[str], job: Job, where: str) -> Iterator[str]:
    known = COLUMNS[job]
    if len(header) == 1 and any(mark in header[0] for mark in _SEPARATORS):
        yield f"{where}:1: columns are not separated by commas; save the file with commas"
        return
    for index, name in enumerate(header):
        if name not in known:
            yield f"{where}:1: {name!r} is not a column of {job} rows{close_match(name, known)}"
        if name in header[:index]:
            yield f"{where}:1: column {name!r} stands twice"
    if "id" not in header:
        yield f"{where}:1: there is no column 'id'"


def _row(cells: Mapping[str, str], job: Job, line: int) -> tuple[Row, list[str]]:
    counts, figures = _NUMBERS[job]
    text: dict[str, str] = {"id": f"line {line}"}
    numbers: dict[str, float] = {}
    faults = []
    for column, raw in cells.items():
        cell = raw.strip()
        if not cell:
            if column == "id":
                faults.append("id: is empty; name the run")
            continue
        if column in counts or column in figures:
            value, fault = _number(column, cell, whole=column in counts)
            if fault:
                faults.append(f"{column}: {fault}")
            else:
                numbers[column] = value
            continue
        text[column] = cell
        if column in _EITHER and cell.replace(".", "", 1).isdigit():
            numbers[column] = float(cell)
    return Row(line=line, text=text, numbers=numbers), faults


# Beyond it no count of tokens or devices makes sense, and products of them overflow 64-bit integers.
_LARGEST, _LARGEST_OF = 1e9, {"trainable_params": 1e13}


def _number(column: str, cell: str, whole: bool) -> tuple[float, str]:
    """The number in a cell, or what is wrong with it."""
    plain = cell.replace(",", "")
    if plain != cell and _is_number(plain.split()[0] if plain.split() else ""):
        return 0.0, f"{cell!r} has commas inside the number; write digits alone, in the unit of the column's name"
    stripped = cell.rstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ/% ")
    if stripped != cell and _is_number(stripped):
        unit = cell[len(stripped) :].strip()
        return 0.0, f"{cell!r} carries a unit of its own ({unit}); the column's name has the unit"
    if not _is_number(cell):
        return 0.0, f"{cell!r} is not a number"
    value = float(cell)
    if not math.isfinite(value):
        return 0.0, f"{cell!r} is not a finite number"
    if whole and value != int(value):
        return 0.0, f"{cell!r} is not a whole number"
    if value > _LARGEST_OF.get(column, _LARGEST):
        return 0.0, f"{cell!r} is more than any run has"
    if value < 0 or (value == 0 and column not in _MAY_BE_ZERO):
        return 0.0, f"{cell!r} is not above zero"
    return value, ""


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
