"""Is the training search's pool what a plain loop over layouts would have found?"""

from __future__ import annotations

import numpy as np
import pytest
from msgspec import Struct

from planner.calibration import Calibration
from planner.framework import Framework
from planner.layout import Layout
from planner.legal import Space, legal_layouts
from planner.memory import peak_bytes, training_memory
from planner.offload import training_elsewhere
from planner.plan import Rung
from planner.recipes import Option
from planner.search import RUNGS, Miss, Pool, Scope, pool
from planner.search_training import TrainingJob, search_training
from planner.shape import ModelShape
from planner.training_time import step_time
from planner.wall_clock import wall_clock
from pricing.instance_type import InstanceType
from pricing.records import replace
from tests.planner.builders import BAND, DENSE, LOSSY, MIXED, SHARED, framework, machine, recipe

JOB = TrainingJob(sequence_tokens=8192, global_batch=8, tokens=10**9)
# Small enough that some layouts fit and others do not.
SMALL, LARGE = 10**9, 35 * 10**8
MACHINES = (
    machine(name="one", accelerators=1, memory_bytes=LARGE),
    machine(name="pair", accelerators=2, memory_bytes=SMALL),
    machine(name="rich", accelerators=2, memory_bytes=LARGE),
    machine(name="cores", accelerators=1, ranks=2, memory_bytes=2 * LARGE),
    machine(name="unrated", accelerators=2, memory_bytes=LARGE, network_bytes_per_s=None),
)
MEGATRON = tuple(
    Option(framework=framework(), recipe=recipe("bf16", "adamw", *techniques), extra=extra)
    for techniques, extra in (
        (("replicated", "recompute-none"), 0),
        (("zero1", "recompute-none"), 1),
        (("zero1", "recompute-full"), 2),
    )
)
# The tests' small machines hold no bucket of a billion elements.
_ENGINE = framework("deepspeed").software
_SMALL_ENGINE = replace(_ENGINE, stepping=replace(_ENGINE.stepping, bucket_elements=0))
DEEPSPEED = tuple(
    Option(
        framework=framework("deepspeed", software=_SMALL_ENGINE),
        recipe=recipe("bf16", "adamw", *names, of="deepspeed"),
        extra=1,
    )
    for names in (("zero2", "recompute-none"), ("zero3", "recompute-full"))
)
TORCHTITAN = (
    Option(
        framework=framework("torchtitan"),
        recipe=recipe("bf16", "adamw", "fsdp", "recompute-full", of="torchtitan"),
        extra=1,
    ),
)
CALIBRATION = Calibration(
    memory={"NVIDIA": SHARED},
    eager={},
    mixture_memory=BAND,
    mixture=BAND,
    time={name: {"default": LOSSY} for name in ("megatron-core", "deepspeed", "torchtitan")},
    serving={},
)


def searched(
    shape: ModelShape = DENSE,
    machines: tuple[InstanceType, ...] = MACHINES,
    options: tuple[Option, ...] = MEGATRON,
    **pins: int,
) -> Scope:
    """A scope of few machines, each with the same options, up to three nodes."""
    return Scope(
        shape=shape,
        machines=machines,
        options=(options,) * len(machines),
        calibration=CALIBRATION,
        max_nodes=3,
        pins=pins,
    )


class Row(Struct, frozen=True, kw_only=True):
    """A feasible row in full."""

    machine: int
    option: int
    layout: Layout
    nodes: int
    rung: Rung
    job_s: float


def rows(found: Pool) -> list[Row]:
    """The rows of a pool."""
    return [
        Row(
            machine=int(found.machine[index]),
            option=int(found.option[index]),
            layout=found.layout.row(index),
            nodes=int(found.nodes[index]),
            rung=RUNGS[int(found.rung[index])],
            job_s=float(found.job_s[index]),
        )
        for index in range(len(found))
    ]


def layouts(scope: Scope, software: Framework, devices: int) -> list[Layout]:
    """The legal layouts on nodes of so many devices."""
    space = Space(
        shape=scope.shape,
        sequence_tokens=JOB.sequence_tokens,
        global_batch=JOB.global_batch,
        framework=software,
        devices_per_node=devices,
        max_nodes=scope.max_nodes,
        pins=scope.pins,
    )
    grid = legal_layouts(space)
    return [grid.row(index) for index in range(len(grid))]


def combines(option: Option, layout: Layout) -> bool:
    """Whether sharding has ranks to share among, and the framework pipelines it."""
    alone = layout.data * layout.context == 1
    shards = option.recipe.optimizer_sharded
    # Software that always shards does so on one device too; elsewhere the plain way is the same there.
    idle = shards and alone and "replicated" in option.framework.techniques
    piped = layout.pipeline == 1 or bool(set(option.recipe.techniques) & option.framework.piped_sharding)
    return piped and not idle


def rung(on: InstanceType, option: Option, layout: Layout) -> Rung:
    """The rung of the ladder that a layout stands on."""
    if layout.devices > on.devices:
        return Rung.CLUSTER
    if layout.devices > on.accelerator.ranks:
        return Rung.ONE_INSTANCE
    return Rung.MORE_OPTIMIZATION if option.extra else Rung.SINGLE_ACCELERATOR


def looped(scope: Scope) -> tuple[list[Row], dict[Rung, float], int]:
    """The feasible rows, the least of need over have among the misses of each rung, and all layouts looked at."""
    feasible: list[Row] = []
    missed: dict[Rung, float] = {}
    seen = 0
    for index, on in enumerate(scope.machines):
        for number, option in enumerate(scope.options[index]):
            for layout in layouts(scope, option.framework, on.devices):
                seen += 1
                if not combines(option, layout):
                    continue
                need = training_memory(
                    scope.shape, option.recipe, layout, JOB.sequence_tokens, option.framework, SHARED
                )
                share = SHARED.band.high * float(peak_bytes(need)) / on.device_memory_bytes
                where = rung(on, option, layout)
                if share > 1:
                    missed[where] = min(share, missed.get(where, np.inf))
                    continue
                step = step_time(scope.shape, option.recipe, layout, JOB.sequence_tokens, on, LOSSY)
                if np.isfinite(step.total):
                    feasible.append(
                        Row(
                            machine=index,
                            option=number,
                            layout=layout,
                            nodes=layout.devices // on.devices,
                            rung=where,
                            job_s=wall_clock(
                                scope.shape, option.recipe, layout.devices, on, JOB.steps, float(step.total)
                            ).run_s,
                        )
                    )
    return feasible, missed, seen


@pytest.mark.parametrize("shape", [DENSE, MIXED], ids=lambda shape: shape.name)
@pytest.mark.parametrize("options", [MEGATRON, DEEPSPEED, TORCHTITAN], ids=["megatron", "deepspeed", "torchtitan"])
def test_the_pool_is_that_of_a_plain_loop(shape: ModelShape, options: tuple[Option, ...]) -> None:
    """The search finds the rows of a loop over machines, options and layouts, in that order, with their seconds."""
    scope = searched(shape, options=options)
    found = search_training(scope, JOB)
    feasible, missed, seen = looped(scope)
    got = rows(found)
    assert [replace(row, job_s=0.0) for row in got] == [replace(row, job_s=0.0) for row in feasible]
    assert [row.job_s for row in got] == pytest.approx([row.job_s for row in feasible])
    assert found.covered == seen > found.timed >= len(feasible) > 0
    assert {where: miss.need_bytes / miss.have_bytes for where, miss in found.misses.items()} == pytest.approx(missed)


def test_every_kind_of_answer_is_among_them() -> None:
    """The machines above give rows on each rung and misses too, so that the comparison compares something."""
    found = search_training(searched(), JOB)
    assert {row.rung for row in rows(found)} == set(Rung)
    assert found.misses
    assert {row.machine for row in rows(found)} == set(range(len(MACHINES)))
    assert {row.nodes for row in rows(found) if row.machine == 4} == {1}


def test_a_pin_holds_in_every_row() -> None:
    """A pinned degree, micro-batch or node count is that of every row."""
    found = rows(search_training(searched(tensor=2, micro_batch=2, nodes=2), JOB))
    assert found
    assert {(row.layout.tensor, row.layout.micro_batch, row.nodes) for row in found} == {(2, 2, 2)}


def test_a_miss_says_what_it_lacks() -> None:
    """The nearest miss needs more than the device has, and is the least need of a layout on as many nodes."""
    scope = searched(machines=(machine(name="tiny", accelerators=2, memory_bytes=SMALL // 10),))
    found = search_training(scope, JOB)
    assert len(found) == 0
    assert found.misses and set(found.machine_misses) == {0}
    for miss in (*found.misses.values(), *found.machine_misses.values()):
        recipe, software = miss.option.recipe, miss.option.framework
        needs = [
            SHARED.band.high
            * float(peak_bytes(training_memory(DENSE, recipe, layout, JOB.sequence_tokens, software, SHARED)))
            for layout in layouts(scope, software, 2)
            if layout.devices == 2 * miss.nodes and combines(miss.option, layout)
        ]
        assert miss.need_bytes == pytest.approx(min(needs))
        assert miss.need_bytes > miss.have_bytes == SMALL // 10
    nearest = min(found.misses.values(), key=lambda miss: miss.need_bytes)
    assert found.machine_misses[0].need_bytes == nearest.need_bytes


def test_the_band_decides_what_fits() -> None:
    """A layout is planned where its memory fits at the upper edge of the band, not where it just fits."""
    option = MEGATRON[0]
    alone = Layout(micro_batches=8)
    need = training_memory(DENSE, option.recipe, alone, JOB.sequence_tokens, option.framework, SHARED)
    edge = SHARED.band.high * float(peak_bytes(need))
    for room, fits in ((int(edge) + 1, True), (int(edge) - 1, False)):
        scope = searched(machines=(machine(accelerators=1, memory_bytes=room),), options=(option,), nodes=1)
        assert (alone in [row.layout for row in rows(search_training(scope, JOB))]) is fits


def offloading(*techniques: str, extra: int = 0) -> Option:
    """DeepSpeed with some states elsewhere."""
    made = recipe("bf16", "adamw", "recompute-none", *techniques, of="deepspeed")
    return Option(framework=framework("deepspeed", software=_SMALL_ENGINE), recipe=made, extra=extra)


@pytest.mark.parametrize(
    ("techniques", "of", "host", "disk"),
    [
        (("zero2", "optimizer-offload"), "of host memory per node", 2**30, 0),
        (("zero3", "optimizer-offload-nvme", "weights-offload-nvme"), "of local disk per node", 2**40, 0),
    ],
)
def test_a_node_must_hold_what_is_offloaded(techniques: tuple[str, ...], of: str, host: int, disk: int) -> None:
    """With too little host memory, or no disk, nothing fits, and the miss says of what there is too little."""
    option = offloading(*techniques)
    poor = replace(machine(accelerators=2, memory_bytes=LARGE), host_memory_bytes=host // 64, nvme_bytes=disk)
    if host == 2**40:
        poor = replace(poor, host_memory_bytes=host)
    rich = replace(poor, host_memory_bytes=2**40, nvme_bytes=2**42)
    bare, full = (search_training(searched(machines=(on,), options=(option,)), JOB) for on in (poor, rich))
    assert len(bare) == 0 < len(full)
    miss = bare.machine_misses[0]
    assert miss.of == of
    assert miss.need_bytes > miss.have_bytes == (disk if "disk" in of else poor.host_memory_bytes)
    # A node's devices share its memory.
    for row in rows(full):
        kept = training_elsewhere(DENSE, option.recipe, row.layout, JOB.sequence_tokens, option.framework)
        assert 2 * float(kept.host) <= rich.host_memory_bytes


def test_offloading_shards_on_a_single_device_too() -> None:
    """ZeRO has nobody to share with on one device, but the host takes its states all the same (ZeRO-Offload)."""
    alone = machine(accelerators=1, memory_bytes=LARGE)
    plain, offloaded = (
        search_training(searched(machines=(alone,), options=(option,), nodes=1), JOB)
        for option in (DEEPSPEED[0], offloading("zero2", "optimizer-offload"))
    )
    assert len(plain) == 0 < len(offloaded)


def test_a_technique_keeps_the_degrees_that_it_excludes_at_one() -> None:
    """Stepping in the backward pass leaves no gradient for a second micro-batch to add to."""
    made = recipe("bf16", "adamw-bf16", "fsdp", "recompute-none", "optimizer-in-backward", of="torchtune")
    option = Option(framework=framework("torchtitan"), recipe=made, extra=0)
    found = rows(search_training(searched(options=(option,)), replace(JOB, sequence_tokens=512)))
    assert found
    assert {row.layout.micro_batches for row in found} == {1}


def test_what_fits_and_has_no_time_is_remembered() -> None:
    """Where every layout that fits lacks a rate, the machine is none that is too small."""
    unrated = machine(accelerators=2, memory_bytes=LARGE, flop_per_s=None)
    found = search_training(searched(machines=(unrated, MACHINES[2])), JOB)
    assert found.untimed == {0}
    assert {row.machine for row in rows(found)} == {1}


def test_nothing_searched_finds_nothing() -> None:
    """Without machines the pool is empty, and has no misses to tell of."""
    found = search_training(searched(machines=()), JOB)
    assert (len(found), found.covered, found.misses, found.machine_misses) == (0, 0, {}, {})
    assert len(pool([])) == 0


@pytest.mark.parametrize(
    ("tokens", "steps"), [(8192 * 8, 1), (8192 * 8 + 1, 2), (10 * 8192 * 8, 10), (10 * 8192 * 8 - 1, 10)]
)
def test_a_run_takes_whole_steps(tokens: int, steps: int) -> None:
    """The last step is taken even where tokens do not fill it."""
    assert replace(JOB, tokens=tokens).steps == steps


def test_the_nearer_miss_is_kept() -> None:
    """Of two machines' misses on a rung, the one that lacks the smaller part of what it needs is told."""
    near, far = (
        machine(name=name, accelerators=1, memory_bytes=size) for name, size in (("near", 10**8), ("far", 10**7))
    )
    for order in ((near, far), (far, near)):
        found = search_training(searched(machines=order, options=MEGATRON[:1], nodes=1), JOB)
        miss: Miss = found.misses[Rung.SINGLE_ACCELERATOR]
        assert miss.machine.name == "near"
        assert {found.machine_misses[index].machine.name for index in (0, 1)} == {"near", "far"}
