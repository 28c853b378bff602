"""Does a file of data/accelerators become the records it describes, and a faulty one a finding?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from pricing.bundle_hardware import read_hardware
from pricing.errors import CatalogError
from pricing.instance_type import InstanceType, LinkKind
from pricing.units import GBPS, GIB, GIGA, MIB

SOURCE = {"source": "a test", "date": "2026-01-01"}
SIZE = {
    "accelerators": 4,
    "vcpus": 48,
    "host_memory_gib": 192,
    "nvme_gb": 900,
    "network_gbps": 50,
    "ebs_gbps": 10,
    "network_cards": 2,
    "nic_slots_per_card": 8,
    "efa_cards": "all",
}


def written(folder: Path, size: dict[str, Any] | None = None, **blocks: object) -> Path:
    """A file with one instance type x1.large, some of its blocks and cells replaced; None leaves one out."""
    cells = {key: value for key, value in (SIZE | (size or {})).items() if value is not None}
    family = {
        "family": "x1",
        "architecture": "x86_64",
        "usage_classes": ["spot"],
        "sizes": {"x1.large": cells},
    }
    file = {
        "name": "X",
        "vendor": "NVIDIA",
        "ranks": 1,
        "memory": {"mib_api": 1024} | SOURCE,
        "link": {"kind": "nvlink", "gb_per_s_each_way": 150} | SOURCE,
        "instance_types": [family | SOURCE],
    } | blocks
    path = folder / "x.yaml"
    # safe_dump quotes dates given as text; the bundled files write them bare.
    path.write_text(yaml.safe_dump(file).replace("'2026-01-01'", "2026-01-01"))
    return path


def only_type(path: Path) -> InstanceType:
    """The one instance type of a file."""
    (instance_type,) = read_hardware(path)[1]
    return instance_type


@pytest.mark.parametrize(
    ("figures", "size"),
    [
        ({"mib_api": 81_920, "mib_nvidia_smi": 81_559, "gb_marketing": 80}, 81_559 * MIB),
        ({"mib_api": 22_888, "mib_nvidia_smi": 23_028}, 22_888 * MIB),
        ({"mib_api": 32_768, "gib_documented": 30.5}, int(30.5 * GIB)),
        ({"mib_api_wrong": 524_288, "gib_documented": 96}, 96 * GIB),
        ({"gb_marketing": 96}, 96 * GIGA),
    ],
)
def test_memory_is_the_smallest_figure_and_marketing_the_last_resort(
    tmp_path: Path, figures: dict[str, float], size: int
) -> None:
    """The smallest real figure budgets, the marketing GB only alone, and a false figure never."""
    accelerator, _ = read_hardware(written(tmp_path, memory=figures | SOURCE))
    assert accelerator.memory_bytes == size


def test_figures_are_converted_once(tmp_path: Path) -> None:
    """GB/s, TFLOP/s, Gbps and GiB of the file are bytes and FLOP per second in the records."""
    path = written(
        tmp_path,
        memory_bandwidth={"gb_per_s": 3350} | SOURCE,
        rates={"tflop_per_s": {"bf16": 989}} | SOURCE,
        board={"tdp_w": 700, "mig_slices": 7} | SOURCE,
    )
    accelerator, (instance_type,) = read_hardware(path)
    assert (accelerator.memory_bytes_per_s, accelerator.flop_per_s) == (3350e9, {"bf16": 989e12})
    assert (accelerator.tdp_w, accelerator.mig_slices) == (700, 7)
    assert instance_type.host_memory_bytes == 192 * GIB
    assert instance_type.nvme_bytes == 900 * GIGA
    assert instance_type.link is not None
    assert (instance_type.link.kind, instance_type.link.bytes_per_s) == (LinkKind.NVLINK, 150e9)


def test_unknown_figures_stay_unknown(tmp_path: Path) -> None:
    """A block or key left out is None, an empty mapping or no MIG, never a default figure."""
    path = written(tmp_path, size={"network_gbps": None, "ebs_gbps": None})
    accelerator, (instance_type,) = read_hardware(path)
    assert (accelerator.memory_bytes_per_s, accelerator.flop_per_s, accelerator.tdp_w) == (None, {}, None)
    assert accelerator.mig_slices == 1
    assert (instance_type.network_bytes_per_s, instance_type.ebs_bytes_per_s) == (None, None)


def test_a_baseline_outranks_the_burst(tmp_path: Path) -> None:
    """Network and EBS rates are those that can be held."""
    instance_type = only_type(written(tmp_path, size={"network_baseline_gbps": 5, "ebs_baseline_gbps": 2}))
    assert (instance_type.network_bytes_per_s, instance_type.ebs_bytes_per_s) == (5 * GBPS, 2 * GBPS)


@pytest.mark.parametrize(
    ("cells", "slots", "efa"),
    [
        ({}, (8, 8), (0, 1)),
        ({"efa_cards": [1]}, (8, 8), (1,)),
        ({"efa_cards": None}, (8, 8), ()),
        ({"nic_slots_per_card": [2, 1]}, (2, 1), (0, 1)),
        ({"network_cards": None, "nic_slots_per_card": None, "efa_cards": None}, (), ()),
    ],
)
def test_network_cards_are_counted_one_by_one(
    tmp_path: Path, cells: dict[str, Any], slots: tuple[int, ...], efa: tuple[int, ...]
) -> None:
    """Slots and EFA are known by card; a layout left out is empty, which no known layout is."""
    instance_type = only_type(written(tmp_path, size=cells))
    assert (instance_type.nic_slots, instance_type.efa_cards) == (slots, efa)


def test_one_accelerator_has_no_link(tmp_path: Path) -> None:
    """A type with one accelerator has no path between accelerators."""
    assert only_type(written(tmp_path, size={"accelerators": 1})).link is None


@pytest.mark.parametrize(
    ("blocks", "finding"),
    [
        ({"memory": {"mib_api_wrong": 1} | SOURCE}, "x.yaml: memory: Value error, no usable figure."),
        ({"memory": {"mib_api": 1}}, "x.yaml: memory.source: Field required."),
        ({"memory": {"mib_api": -1} | SOURCE}, "x.yaml: memory.mib_api: Input should be greater than"),
        ({"rates": {"tflop_per_s": {"bf17": 1}} | SOURCE}, "x.yaml: rates.tflop_per_s.bf17"),
        ({"colour": "green"}, "x.yaml: colour: Extra inputs are not permitted."),
        ({"vendor": "Cerebras"}, "x.yaml: vendor: Input should be 'NVIDIA'"),
        ({"size": {"efa_cards": [2]}}, "efa_cards names a card that the type does not have."),
        ({"size": {"nic_slots_per_card": [1]}}, "nic_slots_per_card names another number of cards"),
    ],
)
def test_faults_name_file_and_key(tmp_path: Path, blocks: dict[str, Any], finding: str) -> None:
    """A file that breaks the schema is refused with a sentence on each key at fault."""
    with pytest.raises(CatalogError) as caught:
        read_hardware(written(tmp_path, **blocks))
    assert any(finding in each for each in caught.value.findings)


def test_every_fault_is_reported_at_once(tmp_path: Path) -> None:
    """Two faults in one file are two findings."""
    with pytest.raises(CatalogError) as caught:
        read_hardware(written(tmp_path, ranks=0, vendor="nobody"))
    assert len(caught.value.findings) == 2


def test_broken_yaml_names_the_file(tmp_path: Path) -> None:
    """A file that is not YAML is refused by name."""
    path = tmp_path / "x.yaml"
    path.write_text("name: [")
    with pytest.raises(CatalogError, match=r"x\.yaml is not YAML"):
        read_hardware(path)


def test_figures_are_read_as_what_they_are(tmp_path: Path) -> None:
    """Texts of YAML become numbers, days and truths; null, an empty file and a text for a figure stay what they are."""
    path = tmp_path / "x.yaml"
    line = "{accelerators: 1, vcpus: 4, host_memory_gib: 1.5, nvme_gb: 0, gpudirect_rdma: null}"
    memory = "memory: {gb_marketing: 16, source: a, date: 2026-01-02}"
    said = "source: b, date: 2026-01-02, retired: true"
    family = f"{{family: f, architecture: arm64, usage_classes: [spot], {said}, sizes: {{f.x: {line}}}}}"
    path.write_text(f"name: 4090\nvendor: AMD\nranks: 1\n{memory}\ninstance_types: [{family}]\n")
    chip, (machine,) = read_hardware(path)
    assert (chip.name, chip.sources["memory"]) == ("4090", "a (2026-01-02)")
    assert (machine.gpudirect_rdma, machine.retired, machine.vcpus) == (None, True, 4)
    for text, finding in (
        ("", "x.yaml: the file: "),
        ("ranks: many", "x.yaml: ranks: "),
        ("- 1", "x.yaml: the file: "),
    ):
        path.write_text(text)
        with pytest.raises(CatalogError, match=finding):
            read_hardware(path)
