"""What is searched over, and what does a search find?

Physics only: no price enters here. Each (instance type, option) is evaluated over arrays of layouts, memory
first, time only for what fits (planner.search_training, planner.search_serving). The result is a pool of
feasible rows, and for each rung of the ladder the nearest miss.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from planner.calibration import Calibration
from planner.layout import Ints, Layout, LayoutGrid, Mask, concatenate
from planner.plan import Rung
from planner.recipes import Option
from planner.shape import ModelShape
from pricing.instance_type import InstanceType
from pricing.records import replace

Floats = NDArray[np.float64]
RUNGS = tuple(Rung)
# More than any fleet: what a search is given that should not stop at a number of nodes.
ANY_NODES = 10**9


class Scope(Struct, frozen=True, kw_only=True):
    """What is searched over: machines in order of name, and the options that each of them can run."""

    shape: ModelShape
    machines: tuple[InstanceType, ...]
    options: tuple[tuple[Option, ...], ...]
    calibration: Calibration
    max_nodes: int
    pins: dict[str, int]


# What is asked for where nothing else is said.
OF_DEVICE = "per device"


class Demand(Struct, frozen=True, kw_only=True):
    """Bytes that each layout asks for beside device memory, of what (host memory, disk), and what a node has of it."""

    of: str
    need: Floats
    have: float


class Miss(Struct, frozen=True, kw_only=True):
    """A layout that does not fit, and by how much of what. Bytes; of a device, the need at its band's upper edge."""

    machine: InstanceType
    option: Option
    nodes: int
    need_bytes: float
    have_bytes: float
    of: str = OF_DEVICE


class Partner(Struct, frozen=True, kw_only=True):
    """Replicas that work on prompts alone, for the replicas of a row, which then decode alone; whether one node holds
    all of them."""

    layout: Layout
    replicas: int
    one_node: bool


class Part(Struct, frozen=True, kw_only=True):
    """What one (instance type, option) came to: its feasible rows, the nearest miss per rung, the rows decided on.

    `job_s` is the whole run of what ends, one request when serving; `replicas` is 1 when training, `rate` is what a
    replica takes when serving, as planned, or in a batch job, requests/s, and NaN when training. `covered` rows were
    decided on: `timed` of them in full, the others by what they need of memory. `untimed` says that there are rows that
    fit, and none whose time is known. `partner` is that of its rows where prompts have replicas of their own.
    """

    machine: int
    option: int
    layout: LayoutGrid
    nodes: Ints
    replicas: Ints
    rung: Ints
    job_s: Floats
    rate: Floats
    misses: dict[Rung, Miss]
    covered: int
    timed: int
    untimed: bool = False
    partner: Partner | None = None


class Pool(Struct, frozen=True, kw_only=True):
    """All feasible rows; `machine` and `option` index the scope's, `rung` indexes `RUNGS`.

    `offer` indexes the offers of the machine's contender: the search leaves it at the first, `planner.rank` joins
    the others. `misses` are the nearest by rung, `machine_misses` by machine; on `untimed` machines something fits
    whose time is not known. `partner` indexes `partners`, -1 for rows without one, and is None where no row has any.
    """

    machine: Ints
    option: Ints
    offer: Ints
    layout: LayoutGrid
    nodes: Ints
    replicas: Ints
    rung: Ints
    job_s: Floats
    rate: Floats
    misses: dict[Rung, Miss]
    machine_misses: dict[int, Miss]
    covered: int
    timed: int
    untimed: frozenset[int] = frozenset()
    partners: tuple[Partner, ...] = ()
    partner: Ints | None = None

    def __len__(self) -> int:
        return len(self.machine)

    def take(self, rows: Ints, offer: Ints) -> Pool:
        """The rows named, in that order, each with the offer that stands beside it."""
        return replace(
            self,
            machine=self.machine[rows],
            option=self.option[rows],
            offer=offer,
            layout=self.layout.take(rows),
            nodes=self.nodes[rows],
            replicas=self.replicas[rows],
            rung=self.rung[rows],
            job_s=self.job_s[rows],
            rate=self.rate[rows],
            partner=None if self.partner is None else self.partner[rows],
        )

    def partner_of(self, row: int) -> Partner | None:
        """Who works on the prompts of a row, None where its own replicas do."""
        index = -1 if self.partner is None else int(self.partner[row])
        return None if index < 0 else self.partners[index]


def pool(parts: Iterable[Part]) -> Pool:
    """All parts as one pool, with the nearest miss of each rung among them."""
    found = list(parts)
    sizes = [len(part.job_s) for part in found]
    partners = tuple(part.partner for part in found if part.partner)
    numbers = np.cumsum([bool(part.partner) for part in found]) - 1
    known = [number if part.partner else -1 for part, number in zip(found, numbers, strict=True)]
    misses: dict[Rung, Miss] = {}
    machine_misses: dict[int, Miss] = {}
    for part in found:
        for rung, miss in part.misses.items():
            misses[rung] = _nearer(misses.get(rung), miss)
            machine_misses[part.machine] = _nearer(machine_misses.get(part.machine), miss)
    return Pool(
        machine=np.repeat([part.machine for part in found], sizes).astype(np.int64),
        option=np.repeat([part.option for part in found], sizes).astype(np.int64),
        offer=np.zeros(sum(sizes), dtype=np.int64),
        layout=concatenate([part.layout for part in found]),
        nodes=np.concatenate([np.zeros(0, dtype=np.int64), *(part.nodes for part in found)]),
        replicas=np.concatenate([np.zeros(0, dtype=np.int64), *(part.replicas for part in found)]),
        rung=np.concatenate([np.zeros(0, dtype=np.int64), *(part.rung for part in found)]),
        job_s=np.concatenate([np.zeros(0), *(part.job_s for part in found)]),
        rate=np.concatenate([np.zeros(0), *(part.rate for part in found)]),
        misses=misses,
        machine_misses=machine_misses,
        covered=sum(part.covered for part in found),
        timed=sum(part.timed for part in found),
        untimed=frozenset(part.machine for part in found if part.untimed),
        partners=partners,
        partner=np.repeat(known, sizes).astype(np.int64) if partners else None,
    )


def rungs(machine: InstanceType, devices: Ints, option: Option) -> Ints:
    """The rung of each row, as an index of `RUNGS`, by the devices of one replica and by extra techniques."""
    alone = RUNGS.index(Rung.MORE_OPTIMIZATION if option.extra else Rung.SINGLE_ACCELERATOR)
    several = np.where(devices > machine.devices, RUNGS.index(Rung.CLUSTER), RUNGS.index(Rung.ONE_INSTANCE))
    return np.where(devices <= machine.accelerator.ranks, alone, several)


def nearest_misses(
    machine: InstanceType,
    option: Option,
    grid: LayoutGrid,
    need: Floats,
    have: float,
    missed: Mask,
    rung: Ints,
    further: Sequence[Demand] = (),
) -> dict[Rung, Miss]:
    """For each rung the row among `missed` that lacks least, and of what it lacks most."""
    demands = (Demand(of=OF_DEVICE, need=need, have=have), *further)
    lack = np.max([each.need / max(each.have, 1.0) for each in demands], axis=0) if further else need
    found = {}
    for index in range(len(RUNGS)):
        rows = np.flatnonzero(missed & (rung == index))
        if not len(rows):
            continue
        best = int(rows[np.argmin(lack[rows])])
        worst = max(demands, key=lambda each: each.need[best] / max(each.have, 1.0))
        found[RUNGS[index]] = Miss(
            machine=machine,
            option=option,
            nodes=max(int(grid.devices[best]) // machine.devices, 1),
            need_bytes=float(worst.need[best]),
            have_bytes=worst.have,
            of=worst.of,
        )
    return found


def _nearer(known: Miss | None, other: Miss) -> Miss:
    """Whichever lacks less; the known one where they lack the same."""
    if known is None or _lack(other) < _lack(known):
        return other
    return known


def _lack(miss: Miss) -> float:
    return miss.need_bytes / max(miss.have_bytes, 1.0)
