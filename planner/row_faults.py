"""What in measured runs cannot be, whatever was measured?

Degrees that do not multiply to the devices, heads, layers, experts and tokens that do not divide, figures in another
unit than their column's, judge cells that ask for what was not measured. A row that merely says too little, or a word
that nobody knows (planner.row_words), is no fault: it is skipped with its reason.
"""

from __future__ import annotations

from collections.abc import Iterator

from planner.described import accelerator_called
from planner.errors import PlannerError
from planner.measured import FIGURES, OOM, Measured, Row
from planner.measured_serving import served_shape
from planner.measured_training import ranks_of, row_shape, splits_layers
from planner.recipe import Job
from planner.shape import ModelShape
from pricing.instance_type import Accelerator
from pricing.units import GIB, GIGA

# Beyond these a figure is in another unit: no card holds three times its memory, nobody rounds a size tenfold.
MOST_OF_DEVICE = 3.0
MOST_OF_SIZE = 10.0
# Embedding and loss may stand where blocks do.
ENDS = 2


def row_faults(measured: Measured, where: str) -> list[str]:
    """Every fault of the judged rows of a file, each with its line and column, and judge cells that cannot be."""
    found = []
    for row in measured.rows:
        if measured.kinds_of(row):
            found += [f"{where}:{row.line}: {fault}" for fault in _faults(row, measured.job)]
        found += [f"{where}:{row.line}: judge: {fault}" for fault in _judge_faults(row, measured.job)]
    return found


def _faults(row: Row, job: Job) -> Iterator[str]:
    try:
        chip = accelerator_called(row.says("accelerator"))
    except PlannerError:
        chip = None
    if job is Job.TRAINING:
        yield from _layout_faults(row)
        yield from _width_faults(row)
    else:
        yield from _serving_faults(row, chip)
    yield from _unit_faults(row, job, chip)


def _layout_faults(row: Row) -> Iterator[str]:
    """Degrees that do not multiply, and batches that do not divide."""
    count = row.count
    degrees = count("tp", 1) * count("pp", 1) * count("cp", 1) * count("dp", 1)
    devices = count("accelerators") * ranks_of(row)
    if splits_layers(row):
        # Devices beyond the degrees each have some of the layers.
        devices = devices if devices % degrees else degrees
    if count("dp") and devices and degrees != devices:
        yield f"dp: tp x pp x cp x dp is {degrees}, the run had {devices} devices"
    elif devices and devices % degrees:
        yield f"tp: tp x pp x cp is {degrees}, of which the run's {devices} devices are no multiple"
    batch = count("micro_batch", 1) * count("dp", 1)
    if count("global_batch") and batch and count("global_batch") % batch:
        yield f"global_batch: {count('global_batch')} sequences are no multiple of micro_batch x dp = {batch}"
    if count("seq_len") and count("seq_len") % count("cp", 1):
        yield f"cp: {count('seq_len')} tokens cannot be split {count('cp')} ways"
    chunks = count("pp", 1) * count("vp", 1)
    if count("layers") and chunks > count("layers") + ENDS:
        yield f"pp: {chunks} chunks (pp x vp) are more than {count('layers')} layers and two ends"


def _width_faults(row: Row) -> Iterator[str]:
    """Heads and experts that do not divide."""
    count = row.count
    heads, kv_heads, experts = count("heads"), count("kv_heads"), count("experts")
    if heads and count("hidden") % heads and not count("head_dim"):
        yield f"heads: a width of {count('hidden')} does not divide into {heads} heads"
    if heads and kv_heads and heads % kv_heads:
        yield f"kv_heads: {heads} query heads cannot share {kv_heads} key and value heads evenly"
    if heads and heads % count("tp", 1):
        yield f"tp: {heads} heads cannot be split {count('tp')} ways"
    if count("experts_per_token") > max(experts, 1):
        yield f"experts_per_token: a token cannot go to {count('experts_per_token')} of {experts} experts"
    if experts and experts % (count("ep") or 1):
        yield f"ep: {experts} experts cannot be split {count('ep')} ways"


def _serving_faults(row: Row, chip: Accelerator | None) -> Iterator[str]:
    """More devices than the run had, and heads that do not divide; Neuron pads heads, and counts cores."""
    count = row.count
    degrees = count("tp", 1) * count("pp", 1)
    devices = count("accelerators") * (chip.ranks if chip else 1)
    if devices and degrees > devices:
        yield f"tp: tp x pp is {degrees}, the run had {devices} devices"
    try:
        shape = served_shape(row.says("model"))
    except PlannerError:
        return
    if shape.heads % count("tp", 1) and (chip is None or chip.vendor != "AWS"):
        yield f"tp: {shape.heads} heads cannot be split {count('tp')} ways"


def _unit_faults(row: Row, job: Job, chip: Accelerator | None) -> Iterator[str]:
    """Figures that only another unit explains."""
    memory = row.numbers.get("peak_memory_gib")
    if chip and memory:
        together = row.count("accelerators", 1) if job is Job.INFERENCE else 1
        have = chip.memory_bytes * together / GIB
        if memory > MOST_OF_DEVICE * have:
            yield f"peak_memory_gib: {memory:,.6g} GiB on {have:,.4g} GiB of memory; is it MiB, or a sum over devices?"
    rate = row.numbers.get("tokens_per_s_per_accelerator")
    shape = _shape(row, job)
    if shape is None:
        return
    size = row.numbers.get("params_b")
    counted = shape.parameters / GIGA
    if size and not counted / MOST_OF_SIZE < size < counted * MOST_OF_SIZE:
        yield f"params_b: {size:,.6g} billion parameters, the widths make {counted:,.3g}; is it in millions?"
    peak = max(chip.flop_per_s.values(), default=0.0) if chip else 0.0
    # The forward pass alone, at the fastest rate that the chip has in any type.
    if rate and peak and 2 * shape.active_parameters * rate > peak:
        most = peak / (2 * shape.active_parameters)
        yield (
            f"tokens_per_s_per_accelerator: {rate:,.6g} tokens/s are more than the {most:,.3g} that the peak of one"
            f" {row.says('accelerator')} allows; is it the sum of all?"
        )


def _shape(row: Row, job: Job) -> ModelShape | None:
    try:
        return row_shape(row) if job is Job.TRAINING else served_shape(row.says("model"))
    except PlannerError:
        return None


def _judge_faults(row: Row, job: Job) -> Iterator[str]:
    for kind in row.kinds:
        known = FIGURES[job]
        if kind == OOM:
            continue
        if kind not in known:
            yield f"{kind!r} is not a kind of {job} figures; kinds are {', '.join(known)}"
        elif known[kind][0] not in row.numbers:
            yield f"{kind!r} asked for, but {known[kind][0]} is empty"
