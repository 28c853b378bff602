"""Does a band say where nobody measured memory, and is it wider there?"""

from __future__ import annotations

import pytest

from planner.calibration import load_calibration
from planner.memory_band import served_band, trained_band
from planner.models import load_preset
from planner.recipe import Recipe
from planner.techniques import load_techniques
from pricing.catalog import load_accelerators
from pricing.records import replace

KNOWN = load_calibration()
OWN = KNOWN.eager_factors("hf").band
CHIPS = load_accelerators()


@pytest.mark.parametrize(
    ("model", "technique", "chip", "says"),
    [
        ("alphafold2", "", "H100-80GB", "serving a folding model"),
        ("esm2-15b", "", "H100-80GB", "serving an encoder"),
        ("opt-175b", "host-weights", "T4", "weights or cache off the device"),
        ("llama-3.1-70b", "layer-streaming", "T4", "weights or cache off the device"),
        ("llama-3.1-8b", "", "Trainium1", "on a device of AWS"),
        ("llama-3.1-8b", "", "Inferentia2", "on a device of AWS"),
    ],
)
def test_what_nobody_measured_is_wide(model: str, technique: str, chip: str, says: str) -> None:
    """Folding models, encoders, what streams in, and other vendors' devices have a band of their own."""
    recipe = load_techniques()[technique].apply(Recipe()) if technique else Recipe()
    band = served_band(load_preset(model), recipe, CHIPS[chip], OWN, KNOWN)
    assert says in band.basis
    assert band.basis.startswith("no memory was measured")
    widest = KNOWN.mixture_memory if "folding" in says else KNOWN.memory["AWS"].band
    assert (band.low, band.high) == (widest.low, widest.high)
    assert band.low < OWN.low < OWN.high < band.high


def test_a_described_device_of_another_vendor_was_not_measured() -> None:
    """AMD's have no factors of their own; NVIDIA's keep the software's band, but for encoders."""
    own = KNOWN.memory_factors("NVIDIA", "torchtitan").band
    llama, other = load_preset("llama-3.1-8b"), replace(CHIPS["H100-80GB"], vendor="AMD")
    assert "device of AMD" in trained_band(llama, other, own, KNOWN).basis
    assert trained_band(llama, CHIPS["H100-80GB"], own, KNOWN) == own
    assert "an encoder" in trained_band(load_preset("bert-base"), CHIPS["H100-80GB"], own, KNOWN).basis


def test_what_was_measured_keeps_its_band() -> None:
    """A decoder that answers on NVIDIA's device, with all that it needs on it, has the program's own band."""
    assert served_band(load_preset("llama-3.1-8b"), Recipe(), CHIPS["H100-80GB"], OWN, KNOWN) == OWN
