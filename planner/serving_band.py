"""How far may a served answer lie from its prediction?

The bands of its engine on its accelerator, or the widest of the engine's where the fleet has what no measured run had.
"""

from __future__ import annotations

from planner.calibration import Calibration, wider
from planner.layout import Layout
from planner.plan import Band
from pricing.records import replace


def serving_bands(
    layout: Layout, engine: str, accelerator: str, calibration: Calibration, apart: bool = False
) -> tuple[Band, Band]:
    """The bands of times and rates, and of the time to the first token; `apart` where prompts have replicas of their
    own."""
    own, plain = (calibration.serving_factors(engine, name) for name in (accelerator, ""))
    unmeasured = ["attention in data ranks"] * (layout.data > 1) + ["prefill and decode apart"] * apart
    if not unmeasured:
        return own.band, own.ttft_band
    basis = f"no measured run has {' or '.join(unmeasured)}"
    bands = (wider(own.band, plain.band), wider(own.ttft_band, plain.ttft_band))
    first, second = (replace(band, basis=basis, measured=False) for band in bands)
    return first, second
