"""How does one file of `data/accelerators` become an accelerator and the instance types that carry it?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from pricing.errors import CatalogError
from pricing.hardware_schema import Family, HardwareFile, Size
from pricing.instance_type import Accelerator, InstanceType
from pricing.units import GBPS, GIB, GIGA, TERA

_NULL = "tag:yaml.org,2002:null"


def read_hardware(path: Path) -> tuple[Accelerator, tuple[InstanceType, ...]]:
    """The accelerator that a file describes and its instance types.

    Raises CatalogError, naming the file and every key at fault, where the file does not follow the schema.
    """
    try:
        file = HardwareFile.model_validate(_plain(yaml.compose(path.read_bytes(), Loader=yaml.CSafeLoader)))
    except yaml.YAMLError as error:
        raise CatalogError(f"{path.name} is not YAML: {error}") from error
    except ValidationError as error:
        raise CatalogError([f"{path.name}: {_key(e['loc'])}: {e['msg']}." for e in error.errors()]) from error
    chip = _accelerator(file)
    types = (
        _instance_type(name, size, family, chip)
        for family in file.instance_types
        for name, size in family.sizes.items()
    )
    return chip, tuple(types)


def _plain(node: yaml.Node | None) -> Any:
    """What a node of YAML holds, each scalar but null as its text.

    The schema turns texts into numbers and days, in half the time that PyYAML takes to guess at them first.
    """
    match node:
        case yaml.MappingNode():
            return {str(key.value): _plain(value) for key, value in node.value}
        case yaml.SequenceNode():
            return [_plain(each) for each in node.value]
        case yaml.ScalarNode(tag=tag) if tag != _NULL:
            return node.value
    return None


def _key(loc: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in loc) or "the file"


def _accelerator(file: HardwareFile) -> Accelerator:
    blocks = {
        "memory": file.memory,
        "memory_bandwidth": file.memory_bandwidth,
        "rates": file.rates,
        "link": file.link,
        "board": file.board,
    }
    bandwidth = file.memory_bandwidth
    return Accelerator(
        name=file.name,
        vendor=file.vendor,
        memory_bytes=file.memory.usable_bytes(),
        listed_memory_bytes=file.memory.listed_bytes(),
        memory_bytes_per_s=bandwidth.gb_per_s * GIGA if bandwidth else None,
        flop_per_s={dtype: rate * TERA for dtype, rate in file.rates.tflop_per_s.items()} if file.rates else {},
        ranks=file.ranks,
        link=file.link.record() if file.link else None,
        tdp_w=file.board.tdp_w if file.board else None,
        mig_slices=file.board.mig_slices if file.board else 1,
        sources={name: block.said_by for name, block in blocks.items() if block},
    )


def _instance_type(name: str, size: Size, family: Family, chip: Accelerator) -> InstanceType:
    link = family.link.record() if family.link else chip.link
    sources = {"hardware": family.said_by}
    if family.gpudirect_source:
        sources["gpudirect_rdma"] = f"{family.gpudirect_source} ({family.date})"
    return InstanceType(
        name=name,
        family=family.family,
        accelerator=chip,
        accelerators=size.accelerators,
        accelerator_share=size.accelerator_share,
        vcpus=size.vcpus,
        host_memory_bytes=int(size.host_memory_gib * GIB),
        nvme_bytes=size.nvme_gb * GIGA,
        network_bytes_per_s=_bytes_per_s(size.network_baseline_gbps or size.network_gbps),
        ebs_bytes_per_s=_bytes_per_s(size.ebs_baseline_gbps or size.ebs_gbps),
        efa_cards=size.efa(),
        nic_slots=size.nic_slots(),
        gpudirect_rdma=size.gpudirect_rdma,
        link=link if size.accelerators > 1 else None,
        architecture=family.architecture,
        usage_classes=frozenset(size.usage_classes or family.usage_classes),
        retired=family.retired,
        sources=sources,
    )


def _bytes_per_s(gbps: float | None) -> float | None:
    return None if gbps is None else gbps * GBPS
