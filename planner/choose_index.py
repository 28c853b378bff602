"""On which instances does a vector index stand, at what price, and why not on the others?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from planner.asked import permitted
from planner.cost import cents
from planner.errors import NoFeasiblePlan
from planner.index_fields import Index
from planner.index_record import IndexFleet, IndexPlan
from planner.index_size import formula, index_terms, scanned_bytes, usable_bytes
from planner.workload import Limits, Workload
from pricing.hosts import HostType, host_offers, load_hosts
from pricing.instance_type import InstanceType
from pricing.market import Market
from pricing.offer import Offer
from pricing.units import HOURS_PER_MONTH, show_gib, show_rate

MEMORY, GPU = "host memory", "GPU memory"
# Fleets shown beside the chosen one.
RUNNERS_UP = 5
# Each GPU is searched alone and holds a shard; what FAISS runs on is NVIDIA's.
VENDOR = "NVIDIA"


class _Kind(Struct, frozen=True, kw_only=True):
    """An instance type as an index sees it. Bytes, bytes/s; the rate is None where no source states it."""

    name: str
    of: str
    memory_bytes: int
    bytes_per_s: float | None


def plan_index(workload: Workload, market: Market) -> IndexPlan:
    """The cheapest fleet that holds every copy of the workload's index, within its limits.

    Raises NoFeasiblePlan, with the nearest misses, where there is none.
    """
    index, limits = workload.index, workload.limits
    assert index is not None
    terms = index_terms(index)
    total = sum(terms.values())
    fleets: list[IndexFleet] = []
    rejections: dict[str, str] = {}
    offers = _by_type((*host_offers(), *market.offers))
    for kind in _kinds(index, market):
        reason = _refused(kind.name, workload) or _unsold(kind.name, offers.get(kind.name, ()), limits)
        if reason:
            rejections[kind.name] = reason
            continue
        for offer in _buyable(offers[kind.name], limits):
            fleet = _fleet(index, kind, offer, total)
            missed = _missed(index, fleet, limits)
            if missed:
                rejections[kind.name] = missed
            else:
                fleets.append(fleet)
    if not fleets:
        raise NoFeasiblePlan(_nothing(workload, total, rejections))
    fleets, spread = _together(index, fleets)
    rejections |= spread
    if not fleets:
        raise NoFeasiblePlan(_nothing(workload, total, rejections))
    fleets.sort(key=lambda each: (each.usd_per_month, each.nodes, each.instance_type))
    best_of: dict[str, IndexFleet] = {}
    for each in fleets:
        best_of.setdefault(each.instance_type, each)
    others = tuple(each for each in best_of.values() if each.instance_type != fleets[0].instance_type)
    return IndexPlan(
        workload=workload.name,
        method=index.method,
        engine=index.engine,
        vectors=index.vectors,
        dimensions=index.dimensions,
        copies=1 + index.replicas,
        terms=terms,
        bytes_per_copy=int(total),
        formula=formula(index),
        chosen=fleets[0],
        runners_up=others[:RUNNERS_UP],
        rejections=rejections,
        notes=tuple(_notes(index, fleets[0])),
    )


def _kinds(index: Index, market: Market) -> Iterator[_Kind]:
    if index.hardware != "gpu":
        yield from (_of_host(each) for each in load_hosts())
    if index.hardware != "memory" and index.method != "hnsw" and index.engine == "faiss":
        yield from (
            _of_gpus(each)
            for each in market.instance_types.values()
            if each.accelerator.vendor == VENDOR and not each.retired
        )


def _of_host(host: HostType) -> _Kind:
    return _Kind(name=host.name, of=MEMORY, memory_bytes=host.memory_bytes, bytes_per_s=None)


def _of_gpus(machine: InstanceType) -> _Kind:
    rate = machine.memory_bytes_per_s_per_device
    return _Kind(
        name=machine.name,
        of=GPU,
        memory_bytes=machine.total_memory_bytes,
        bytes_per_s=None if rate is None else rate * machine.devices,
    )


def _by_type(offers: Iterable[Offer]) -> Mapping[str, list[Offer]]:
    known: dict[str, list[Offer]] = {}
    for offer in offers:
        known.setdefault(offer.instance_type, []).append(offer)
    return known


def _buyable(offers: Iterable[Offer], limits: Limits) -> list[Offer]:
    return [each for each in offers if each.region in limits.regions and each.purchase in limits.purchase]


def _refused(name: str, workload: Workload) -> str:
    # Beside a model, the types that are allowed are the model's.
    if workload.inference or permitted(name, workload.limits.instance_types):
        return ""
    return "limits.instance_types leaves it out"


def _unsold(name: str, offers: Iterable[Offer], limits: Limits) -> str:
    if _buyable(offers, limits):
        return ""
    known = sorted({f"{each.region} ({each.purchase})" for each in offers})
    where = f"; known are {', '.join(known)}" if known else ""
    terms = " or ".join(limits.purchase)
    return f"no source states its price as {terms} in {', '.join(limits.regions)}{where}"


def _fleet(index: Index, kind: _Kind, offer: Offer, total: float) -> IndexFleet:
    usable = usable_bytes(index, kind.memory_bytes)
    each = max(-(-total // usable), 1)
    nodes = int(each) * (1 + index.replicas)
    scanned = scanned_bytes(index)
    per_copy = None if scanned is None or kind.bytes_per_s is None else each * kind.bytes_per_s / scanned
    hourly = offer.usd_per_hour_per_node * nodes
    return IndexFleet(
        instance_type=kind.name,
        memory=kind.of,
        memory_bytes_per_node=kind.memory_bytes,
        usable_bytes_per_node=int(usable),
        nodes_per_copy=int(each),
        nodes=nodes,
        region=offer.region,
        purchase=offer.purchase,
        usd_per_hour=hourly,
        usd_per_month=cents(hourly * HOURS_PER_MONTH),
        provenance=offer.provenance,
        queries_per_s=None if per_copy is None else per_copy * (1 + index.replicas),
    )


def _together(index: Index, fleets: list[IndexFleet]) -> tuple[list[IndexFleet], dict[str, str]]:
    """The fleets that spread a copy over few enough instances, and why not the others, by type."""
    most = index.shards or min(each.nodes_per_copy for each in fleets)
    why = "that index.shards allows" if index.shards else "that a copy needs; index.shards allows more"
    reason = f"every query would ask more instances than the {most} {why}"
    kept = [each for each in fleets if each.nodes_per_copy <= most]
    return kept, {each.instance_type: reason for each in fleets if each.nodes_per_copy > most}


def _missed(index: Index, fleet: IndexFleet, limits: Limits) -> str:
    """Which limit a fleet misses, in words; empty where it keeps all."""
    if fleet.nodes > limits.max_nodes:
        return f"takes {fleet.nodes:,} nodes, and limits.max_nodes is {limits.max_nodes:,}"
    if limits.budget is not None and fleet.usd_per_month > limits.budget:
        return f"costs ${fleet.usd_per_month:,.0f} a month, and limits.budget is ${limits.budget:,.0f}"
    wanted, can = index.queries_per_second, fleet.queries_per_s
    if wanted is not None and can is not None and can < wanted:
        return (
            f"its memory is read fast enough for {show_rate(can)} queries/s one by one, fewer than the "
            f"{show_rate(wanted)} asked for"
        )
    return ""


def _notes(index: Index, fleet: IndexFleet) -> Iterator[str]:
    if index.queries_per_second is not None and fleet.queries_per_s is None:
        yield (
            f"Whether {show_rate(index.queries_per_second)} queries/s are answered is not known: no published formula "
            f"gives the rate of {index.method} in {fleet.memory}. Measure one copy, and add replicas."
        )
    if fleet.queries_per_s is not None:
        yield (
            f"At most {show_rate(fleet.queries_per_s)} queries/s one by one, by the bytes that a query reads over the "
            "memory's rate; queries in batches share a reading."
        )
    if index.engine == "faiss":
        yield "A fifth of the memory is left to the system, results and growth: assumed, no source states it."
    if not index.replicas:
        yield "One copy: while its instance is replaced there is no index (index.replicas)."
    yield "Zones of memory-optimised types are in no source here; place copies in different ones."


def _nothing(workload: Workload, total: float, rejections: Mapping[str, str]) -> list[str]:
    groups: dict[str, list[str]] = {}
    for name, reason in rejections.items():
        groups.setdefault(reason, []).append(name)
    told = sorted(groups.items(), key=lambda item: -len(item[1]))
    findings = [f"No instances hold the index of {workload.name}, {show_gib(total)} a copy, within its limits:"]
    for reason, names in told[:8]:
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        findings.append(f"  {', '.join(names[:3])}{more}: {reason}")
    findings.append(
        "To change: allow more nodes (limits.max_nodes) or us-east-1 on demand, raise limits.budget, or take ivf-pq "
        "with shorter codes."
    )
    return findings
