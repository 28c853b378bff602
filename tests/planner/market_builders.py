"""Which small markets and workloads do the tests of the decision choose from?

Machines of a few GiB, so that the small models of `builders` need every rung of the ladder.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from planner.calibration import Calibration, MemoryFactors, load_calibration
from planner.choose import make_plan
from planner.decide import decide
from planner.load import load_workload
from planner.lock import Lock, new_lock
from planner.plan import Band, Decision, Plan
from planner.shape import ModelShape
from planner.workload import Workload
from pricing.instance_type import InstanceType
from pricing.market import Market
from pricing.offer import Offer, Provenance, Purchase
from pricing.price import Component, ComponentPrice, Interruption, Quota, QuotaKind
from pricing.records import replace
from tests.planner.builders import DENSE
from tests.planner.builders import machine as bare_machine

NOW = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
REGION = "us-east-1"
ZONE = "use1-az6"
SAID = Provenance(source="made up", as_of=date(2026, 6, 1))
EVERYWHERE: dict[str, Any] = {"sequence_length": 1024, "global_batch": 8, "tokens": 8_192_000_000}

# What small machines have room for must not hang on the last fit.
_PLAIN = MemoryFactors(
    context_bytes=600 * 2**20,
    collectives_bytes=350 * 2**20,
    fragmentation=1.05,
    band=Band(low=0.85, high=1.12, basis="made up"),
)
CALIBRATION = replace(load_calibration(), memory={"NVIDIA": _PLAIN, "AWS": _PLAIN})
TRAINING = """\
name: tiny
model: llama-3.1-8b
training:
  method: lora
  tokens: 10M
  sequence_length: 2048
  global_batch: 16
"""
SERVING = """\
name: tiny
model: llama-3.1-8b
inference:
  requests_per_second: 5
  input_tokens: 1024
  output_tokens: 256
"""


def gib(count: float) -> int:
    """Bytes in GiB."""
    return int(count * 2**30)


def machine(name: str, *, accelerators: int = 1, memory_gib: float = 2.0, **rates: Any) -> InstanceType:
    """An instance type of a family that has a public image, with little memory."""
    made = bare_machine(name=name, accelerators=accelerators, memory_bytes=gib(memory_gib), **rates)
    chip = replace(made.accelerator, name=f"chip of {name}")
    return replace(made, family="p5", accelerator=chip, usage_classes=frozenset({"on-demand", "spot"}))


def offer(
    instance_type: str,
    usd: Decimal | float | str,
    *,
    region: str = REGION,
    purchase: Purchase = Purchase.ON_DEMAND,
    zones: Sequence[str] = (ZONE,),
) -> Offer:
    """One way to buy a type."""
    return Offer(
        instance_type=instance_type,
        region=region,
        purchase=purchase,
        usd_per_hour_per_node=Decimal(str(usd)),
        zone_ids=tuple(zones),
        provenance=SAID,
    )


def market(machines: Iterable[InstanceType], offers: Iterable[Offer], **known: Any) -> Market:
    """A market of these types and offers, in the order given; `known` is whatever else of it is known."""
    found = tuple(offers)
    zones: dict[tuple[str, str], tuple[str, ...]] = {}
    for each in found:
        zones.setdefault((each.instance_type, each.region), each.zone_ids)
    made = Market(
        instance_types={each.name: each for each in machines},
        offers=found,
        other_offers=(),
        regions=tuple(dict.fromkeys(each.region for each in found)),
        zone_ids=zones,
        notes=("Prices are made up.",),
    )
    return replace(made, **known)


def quota(nodes: float, *types: InstanceType, region: str = REGION, spot: bool = False) -> tuple[Quota, ...]:
    """What an account may run of types that share a quota, on demand or on spot: so many nodes of the first."""
    kind = QuotaKind.SPOT_VCPUS if spot else QuotaKind.ON_DEMAND_VCPUS
    value = Decimal(str(nodes)) * types[0].vcpus
    return tuple(Quota(kind=kind, subject=each.name, region=region, value=value) for each in types)


def interrupted(*bands: tuple[str, str, float, float]) -> dict[tuple[str, str], Interruption]:
    """How often spot instances are taken back: (type, region, low, high) as a market knows it."""
    return {
        (name, region): Interruption(instance_type=name, region=region, low=low, high=high, provenance=SAID)
        for name, region, low, high in bands
    }


def priced(
    prices: Mapping[Component, str], region: str = REGION
) -> dict[tuple[Component, str], tuple[ComponentPrice, ...]]:
    """The prices of components in a region, in one band of use each, as a market knows them."""
    return {
        (component, region): (
            ComponentPrice(
                component=component,
                region=region,
                price=Decimal(usd),
                currency="USD",
                starts_at=Decimal(0),
                provenance=SAID,
            ),
        )
        for component, usd in prices.items()
    }


def workload(**sections: Any) -> Workload:
    """A workload whose sections are given as the file would; trains a little where no job is given."""
    job = {} if {"training", "inference"} & sections.keys() else {"training": training()}
    return Workload.model_validate_json(json.dumps({"name": "tiny", "model": "dense", **job, **sections}))


def training(**changes: Any) -> dict[str, Any]:
    """A training section: a million steps of eight sequences."""
    return {"method": "pretrain", "framework": "megatron", **EVERYWHERE, **changes}


def inference(**changes: Any) -> dict[str, Any]:
    """An inference section: twenty requests a second."""
    section = {"requests_per_second": 20, "input_tokens": 512, "output_tokens": 128, "engine": "vllm", **changes}
    return {key: value for key, value in section.items() if value is not None}


def decision(asked: Workload, sold: Market, shape: ModelShape = DENSE) -> Decision:
    """The plan on a market and its build, with the bundled calibration."""
    return make_plan(asked, shape, sold, CALIBRATION, NOW)


def plan(asked: Workload, sold: Market, shape: ModelShape = DENSE) -> Plan:
    """The plan on a market, with the bundled calibration."""
    return decision(asked, sold, shape).plan


def three_machines() -> tuple[InstanceType, ...]:
    """One small device, one with four, and one large device that costs more than it is worth."""
    return (
        machine("p5.small", memory_gib=1.8),
        machine("p5.four", accelerators=4, memory_gib=1.8, network_bytes_per_s=2e10),
        machine("p5.large", memory_gib=6.0, flop_per_s=1.2e15),
    )


def three_offers() -> tuple[Offer, ...]:
    """What `three_machines` cost."""
    return (offer("p5.small", 1), offer("p5.four", 4.4), offer("p5.large", 5))


def serving_machines() -> tuple[InstanceType, ...]:
    """`three_machines` with room for an engine: it reserves three GiB of each device."""
    return (
        machine("p5.small", memory_gib=3.7),
        machine("p5.four", accelerators=4, memory_gib=3.7, network_bytes_per_s=2e10),
        machine("p5.large", memory_gib=9.0, flop_per_s=1.2e15),
    )


def written(folder: Path, text: str, name: str = "tiny.yaml") -> Path:
    """A workload file of that text."""
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def lock_of(file: Path, now: datetime = NOW) -> Lock:
    """The lock of today's plan of a file, made `now`."""
    loaded, calibration = load_workload(file), load_calibration()
    return new_lock(loaded, decide(loaded, calibration, now), calibration, now)


def slower(calibration: Calibration) -> Calibration:
    """A calibration by which memory fragments more."""
    memory = {name: replace(factors, fragmentation=9.0) for name, factors in calibration.memory.items()}
    return replace(calibration, memory=memory)
