"""How much energy does a plan use, and what does the grid emit for it? A line of the plan, and no goal of it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import yaml

from planner.need_record import Energy
from pricing.instance_type import InstanceType
from pricing.units import KILO

# Nodes of 8 H100 draw 76 % of their 10.2 kW in training, for 8 x 700 W of accelerators (arXiv 2506.14551).
NODE_WATTS_PER_ACCELERATOR_WATT = 0.76 * 10.2 / 5.6
MEASURED = "H100"
# All of AWS in 2025 (sustainability.aboutamazon.com, AWS Cloud, power usage effectiveness).
POWER_USAGE_EFFECTIVENESS = 1.14
# What rated power misses measured energy by (27 to 37 %, the same paper).
UNCERTAINTY = 0.37


def energy_of(machine: InstanceType, nodes: int, region: str, hours: float) -> Energy:
    """Energy of so many nodes at work for so many hours, cooling and losses included. kWh; kg of CO2e.

    Both are None where the accelerator's power is not known, emissions where the region's grid is not.
    """
    chip = machine.accelerator
    if chip.tdp_w is None:
        return Energy(kwh=None, kg_co2e=None, basis=f"no source states {chip.name}'s power")
    watts = nodes * machine.accelerators * machine.accelerator_share * chip.tdp_w * NODE_WATTS_PER_ACCELERATOR_WATT
    kwh = watts / KILO * hours * POWER_USAGE_EFFECTIVENESS
    grams = _grams_per_kwh().get(region)
    basis = f"{chip.name} at {chip.tdp_w:,.0f} W and hosts, PUE {POWER_USAGE_EFFECTIVENESS}, within {UNCERTAINTY:.0%}"
    basis += "" if chip.name.startswith(MEASURED) else f" where {MEASURED} nodes were measured"
    grid = f"the grid of {region} at {grams:,.0f} g/kWh" if grams is not None else f"the grid of {region} is unknown"
    return Energy(kwh=kwh, kg_co2e=None if grams is None else kwh * grams / KILO, basis=f"{basis}; {grid}")


@cache
def _grams_per_kwh() -> Mapping[str, float]:
    text = files("planner").joinpath("data/grid.yaml").read_text(encoding="utf-8")
    rows = yaml.load(text, Loader=yaml.CSafeLoader)["regions"]
    return {region: float(row["g_per_kwh"]) for region, row in rows.items()}
