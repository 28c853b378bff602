"""Is a part of a GPU considered like any other type, and built only with an image that drives it?"""

from __future__ import annotations

from pathlib import Path

import pytest

from planner.build import image_fault
from planner.built import Image
from planner.errors import LockError
from planner.lock import Lock
from planner.locked import locked_build
from planner.models import load_preset
from planner.plan import Target
from planner.relock import relock
from pricing.catalog import load_instance_types
from pricing.market import Market
from pricing.records import replace
from tests.planner.market_builders import CALIBRATION, NOW, decision, inference, market, offer, workload, written

PYTHIA = load_preset("pythia-1b")
NAMES = ("g6f.2xlarge", "g6.xlarge")
SERVES = "name: tiny\nmodel: pythia-1b\ninference: {requests_per_second: 1, input_tokens: 512, output_tokens: 64}\n"


def sold() -> Market:
    """A quarter of an L4, and a whole one at nearly twice its price."""
    types = load_instance_types()
    return market([types[name] for name in NAMES], [offer(NAMES[0], 0.475), offer(NAMES[1], 0.805)])


def test_the_cheapest_is_a_slice() -> None:
    """Without an image it is chosen all the same, and the plan says which one it needs."""
    found = decision(workload(inference=inference(requests_per_second=1)), sold())
    assert found.plan.chosen.instance_type == "g6f.2xlarge"
    (said,) = [each for each in found.plan.warnings if "boots no public image" in each]
    assert "name one in provision.image that has NVIDIA's GRID driver 18.4 or later" in said
    assert found.build.image == Image(parameter=None, id=None)


def test_a_slice_that_is_too_slow_loses() -> None:
    """A limit that the whole keeps and a quarter of it does not."""
    found = decision(workload(inference=inference(requests_per_second=1, tpot="20ms")), sold(), PYTHIA)
    assert found.plan.chosen.instance_type == "g6.xlarge"
    assert image_fault(found.build) is None


@pytest.mark.parametrize(
    ("changes", "boots"),
    [
        ({}, False),
        ({"image": Image(parameter=None, id="ami-0123456789abcdef0")}, True),
        ({"target": Target.EKS_NODES}, True),
    ],
)
def test_a_build_boots_with_an_image_of_ones_own(changes: dict[str, object], boots: bool) -> None:
    """Or where another service keeps the nodes' image."""
    build = decision(workload(inference=inference(requests_per_second=1)), sold()).build
    assert (image_fault(replace(build, **changes)) is None) is boots  # type: ignore[arg-type]


def test_nothing_is_locked_that_cannot_boot(tmp_path: Path, lock: Lock) -> None:
    """Neither by a lock nor by a synth, and no file is written."""
    build = decision(workload(inference=inference(requests_per_second=1)), sold()).build
    path = tmp_path / "tiny.plan.json"
    with pytest.raises(LockError, match=r"GRID driver 18\.4 or later .* nothing is locked"):
        relock(path, replace(lock, build=build), replace_nodes=False, resolve=None)
    file = written(tmp_path, SERVES)
    with pytest.raises(LockError, match=r"g6f\.2xlarge boots no public image"):
        locked_build(
            file,
            lambda loaded, *_: decision(loaded.workload, sold(), loaded.shape),
            lambda: CALIBRATION,
            NOW,
        )
    assert not path.exists()
