"""Is energy that of the whole fleet for all its hours, and unknown where a fact is missing?"""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from planner.choose import make_plan
from planner.energy import energy_of
from planner.report.terminal import plan_text
from pricing.catalog import load_instance_types
from pricing.regions import known_regions
from tests.planner.builders import DENSE
from tests.planner.market_builders import CALIBRATION, NOW, inference, machine, market, offer, workload


def test_a_measured_node_by_hand() -> None:
    """Eight H100 draw 7.75 kW in training; ten hours of two nodes, cooled, are 177 kWh, and 67 kg in Virginia."""
    found = energy_of(load_instance_types()["p5.48xlarge"], 2, "us-east-1", 10)
    assert found.kwh == pytest.approx(2 * 7.752 * 10 * 1.14, rel=1e-9)
    assert found.kg_co2e == pytest.approx(2 * 7.752 * 10 * 1.14 * 0.379, rel=1e-9)


def test_a_slice_takes_its_share() -> None:
    """An eighth of an L4 takes an eighth of its power."""
    types = load_instance_types()
    whole, slice_ = (energy_of(types[name], 1, "us-east-1", 1).kwh for name in ("g6.xlarge", "g6f.large"))
    assert whole is not None and slice_ is not None
    assert slice_ == pytest.approx(whole / 8)


@pytest.mark.parametrize(("region", "known"), [("eu-north-1", True), ("eu-south-2", False)])
def test_an_unknown_grid_costs_the_emissions_alone(region: str, known: bool) -> None:
    """Without a figure of the region's grid the energy is told all the same, and why there is no more."""
    found = energy_of(load_instance_types()["p5.48xlarge"], 1, region, 1)
    assert found.kwh is not None
    assert (found.kg_co2e is not None) is known
    assert ("is unknown" in found.basis) is not known
    assert region in known_regions()


def test_an_unknown_power_is_told() -> None:
    """Of a chip whose power nobody states nothing is said but that, in the plan's own words too."""
    kind = machine("p5.one", memory_gib=6)
    found = energy_of(kind, 1, "us-east-1", 1)
    assert (found.kwh, found.kg_co2e) == (None, None)
    assert found.basis == f"no source states {kind.accelerator.name}'s power"
    for asked in (workload(), workload(inference=inference())):
        plan = make_plan(asked, DENSE, market([kind], [offer("p5.one", 1)]), CALIBRATION, NOW).plan
        assert plan.energy == found
        page = Console(width=110, record=True, file=StringIO())
        page.print(plan_text(plan, NOW.date()))
        assert f"energy        unknown: {found.basis}" in page.export_text()
