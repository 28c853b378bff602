"""Are the bundled facts about hardware whole, sourced and plausible?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from pricing.catalog import DATA, load_accelerators, load_instance_types
from pricing.units import GBPS, GIB, GIGA

BUNDLE_DATE = date(2026, 11, 23)
FILES = sorted((DATA / "accelerators").glob("*.yaml"))
RETIRED_FAMILIES = {"g3", "g3s", "g4ad", "p3", "dl1"}
SEED_FAMILIES = {
    "g3",
    "g3s",
    "g4dn",
    "g4ad",
    "g5",
    "g6",
    "gr6",
    "g6e",
    "p3",
    "p3dn",
    "p4d",
    "p4de",
    "p5",
    "p5e",
}
LINK_UNKNOWN = {"dl1", "dl2q"}


def parsed(path: Path) -> dict[str, Any]:
    """A file of an accelerator as plain YAML."""
    content: dict[str, Any] = yaml.load(path.read_text(), Loader=yaml.CSafeLoader)
    return content


def blocks(node: object) -> Iterator[dict[str, Any]]:
    """Every mapping with a source or a date, however deep."""
    if isinstance(node, dict):
        if node.keys() & {"source", "date"}:
            yield node
        for value in node.values():
            yield from blocks(value)
    elif isinstance(node, list):
        for value in node:
            yield from blocks(value)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_file_is_named_after_its_accelerator(path: Path) -> None:
    """An accelerator is found where its name says."""
    assert path.stem == parsed(path)["name"].lower()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_fact_group_has_a_source_and_a_past_date(path: Path) -> None:
    """No figure stands without somebody's word for it and the day on which that was read."""
    groups = list(blocks(parsed(path)))
    assert groups
    for group in groups:
        assert len(group["source"]) > 8
        assert date(2024, 1, 1) <= group["date"] <= BUNDLE_DATE


@pytest.mark.parametrize("name", sorted(load_accelerators()))
def test_accelerators_are_plausible(name: str) -> None:
    """Memory, bandwidth and rates lie where accelerators of these years lie."""
    accelerator = load_accelerators()[name]
    assert 4 * GIB <= accelerator.memory_bytes <= 300 * GIB
    assert 40 * GIGA <= (accelerator.memory_bytes_per_s or 40 * GIGA) <= 10_000 * GIGA
    assert all(1e12 <= rate <= 2e16 for rate in accelerator.flop_per_s.values())
    assert accelerator.link is None or 10 * GIGA <= (accelerator.link.bytes_per_s or 10 * GIGA) <= 1_000 * GIGA
    assert accelerator.ranks == 1 or accelerator.vendor == "AWS"
    assert 1 <= accelerator.mig_slices <= 7


@pytest.mark.parametrize("name", sorted(load_accelerators()))
def test_rates_are_dense_and_rise_with_smaller_numbers(name: str) -> None:
    """A narrower dtype is never slower nor more than 16 times as fast, and both 16-bit rates are one."""
    rates = load_accelerators()[name].flop_per_s
    ladder = [rates[dtype] for dtype in ("fp32", "tf32", "fp16", "fp8", "fp4") if dtype in rates]
    assert all(wider <= narrower <= 16 * wider for wider, narrower in pairwise(ladder))
    assert rates.get("bf16", rates.get("fp16")) == rates.get("fp16")


@pytest.mark.parametrize(
    ("name", "dtype"),
    [
        *((chip, "bf16") for chip in ("M60", "T4", "T4G", "V100-16GB", "V100-32GB", "V520")),
        *((chip, "fp8") for chip in ("T4", "V100-16GB", "A10G", "A100-40GB", "A100-80GB", "A800-80GB", "RTX3090")),
        *((chip, "fp4") for chip in ("L4", "L40S", "H100-80GB", "H200", "Trainium2")),
    ],
)
def test_dtypes_that_the_hardware_lacks_have_no_rate(name: str, dtype: str) -> None:
    """A dtype without units of its own in hardware is absent, not slow."""
    assert dtype not in load_accelerators()[name].flop_per_s


@pytest.mark.parametrize(
    ("name", "dtype", "tflop_per_s"),
    [
        ("L4", "bf16", 121),
        ("L40S", "fp8", 733),
        ("A10G", "bf16", 70),
        ("T4", "fp16", 65),
        ("A100-80GB", "bf16", 312),
        ("H100-80GB", "bf16", 989),
        ("H100-80GB", "fp8", 1979),
        ("B200", "bf16", 2250),
        ("Trainium1", "fp8", 190),
        ("Trainium2", "bf16", 667),
    ],
)
def test_well_known_rates_are_the_dense_ones(name: str, dtype: str, tflop_per_s: float) -> None:
    """Where data sheets lead with a sparse figure, the bundle has its half."""
    assert load_accelerators()[name].flop_per_s[dtype] == tflop_per_s * 1e12


def test_trainium2_memory_is_what_documents_say() -> None:
    """The 512 GiB of the EC2 API are kept as a known falsehood and not used."""
    memory = parsed(DATA / "accelerators" / "trainium2.yaml")["memory"]
    assert memory["mib_api_wrong"] == 524_288
    assert load_accelerators()["Trainium2"].memory_bytes == 96 * GIB


def test_the_seed_s_families_are_all_present() -> None:
    """Every family of the tables that the project grew from is known, retired or not."""
    families = {each.family for each in load_instance_types().values()}
    assert families >= SEED_FAMILIES
    assert len(load_instance_types()) == 94


@pytest.mark.parametrize("name", sorted(load_instance_types()))
def test_instance_types_are_plausible(name: str) -> None:
    """Counts, memory and network agree with each other."""
    each = load_instance_types()[name]
    assert each.family == name.split(".")[0]
    assert each.accelerators in {1, 2, 4, 6, 8, 12, 16}
    assert each.total_memory_bytes == each.devices * each.device_memory_bytes
    assert each.total_memory_bytes == int(each.accelerators * each.accelerator.memory_bytes * each.accelerator_share)
    assert 2 <= each.vcpus <= 192
    assert 8 * GIB <= each.host_memory_bytes <= 4_096 * GIB
    assert each.network_bytes_per_s is not None
    assert GBPS <= each.network_bytes_per_s <= 6_400 * GBPS
    assert each.retired == (each.family in RETIRED_FAMILIES)
    assert (each.link is None) == (each.accelerators == 1 or each.family in LINK_UNKNOWN)


@pytest.mark.parametrize("name", sorted(load_instance_types()))
def test_efa_types_have_a_card_for_ip(name: str) -> None:
    """Beside its EFA devices a type can hold a primary interface on card 0."""
    each = load_instance_types()[name]
    assert each.nic_slots, "the layout of the network cards is unknown"
    assert max(each.efa_cards, default=0) < len(each.nic_slots)
    # The primary interface takes a slot of card 0, an EFA device there another.
    assert each.nic_slots[0] >= 1 + (0 in each.efa_cards)
    assert each.efa_cards or each.gpudirect_rdma is False


@pytest.mark.parametrize(
    ("name", "efa_cards", "slots_of_card_1"),
    [
        ("p4d.24xlarge", tuple(range(4)), 15),
        ("p5.48xlarge", tuple(range(32)), 2),
        ("p5en.48xlarge", tuple(range(16)), 4),
        ("p6-b300.48xlarge", tuple(range(1, 17)), 4),
        ("p6e-gb200.36xlarge", (1, 3, 5, 7, 9, 11, 13, 15), 1),
        ("trn2u.48xlarge", tuple(range(16)), 2),
    ],
)
def test_efa_layouts_of_clusters(name: str, efa_cards: tuple[int, ...], slots_of_card_1: int) -> None:
    """Cluster types have EFA on exactly the cards that take it: not on card 0 of p6-b300 and p6e-gb200."""
    each = load_instance_types()[name]
    assert (each.efa_cards, each.nic_slots[1]) == (efa_cards, slots_of_card_1)
