"""Is a band as wide as what no measured run has shown?"""

from __future__ import annotations

import pytest

from planner.calibration import load_calibration
from planner.layout import Layout
from planner.serving_band import serving_bands

CALIBRATION = load_calibration()


def test_what_was_measured_keeps_its_band() -> None:
    """Tensor, pipeline and expert ranks are those of measured runs."""
    own = CALIBRATION.serving_factors("vllm", "H200")
    assert serving_bands(Layout(tensor=8, expert=8), "vllm", "H200", CALIBRATION) == (own.band, own.ttft_band)


@pytest.mark.parametrize(
    ("layout", "apart", "says"),
    [
        (Layout(data=8), False, "no measured run has attention in data ranks"),
        (Layout(tensor=8), True, "no measured run has prefill and decode apart"),
        (Layout(data=8), True, "no measured run has attention in data ranks or prefill and decode apart"),
    ],
)
def test_what_was_not_is_as_wide_as_the_engines_widest(layout: Layout, apart: bool, says: str) -> None:
    """The bands hold the accelerator's own and the engine's widest, and say what was not measured."""
    own, widest = (CALIBRATION.serving_factors("vllm", name) for name in ("H200", ""))
    for band, *inner in zip(
        serving_bands(layout, "vllm", "H200", CALIBRATION, apart=apart),
        (own.band, own.ttft_band),
        (widest.band, widest.ttft_band),
        strict=True,
    ):
        assert band.basis == says and not band.measured
        assert all(band.low <= each.low and band.high >= each.high for each in inner)
